"""An API key is known by its form."""

from hypothesis import given
from hypothesis import strategies as st

from kit.api_key import digest_of, is_api_key, new_api_key


def test_a_new_one_is_one() -> None:
    keys = {new_api_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(is_api_key(key) and key.startswith("ffk_") for key in keys)
    assert len({digest_of(key) for key in keys}) == 100


@given(st.data())
def test_another_character_anywhere_makes_it_none(data: st.DataObject) -> None:
    key = new_api_key()
    at = data.draw(st.integers(0, len(key) - 1))
    characters = st.sampled_from("0123456789abcdefABCDEF_") | st.characters()
    wrong = data.draw(characters.filter(lambda c: c != key[at]))
    assert not is_api_key(key[:at] + wrong + key[at + 1 :])


@given(st.text())
def test_nothing_else_is_one(text: str) -> None:
    assert not is_api_key(text)
    assert not is_api_key("ffk_" + text)


def test_two_characters_that_changed_places_make_it_none() -> None:
    key = new_api_key()
    for at in range(4, len(key) - 1):
        if key[at] != key[at + 1]:
            assert not is_api_key(key[:at] + key[at + 1] + key[at] + key[at + 2 :])
