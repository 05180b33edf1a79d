"""What operators may get wrong at the command line."""

import pytest

from auth.__main__ import ids_of
from kit.ids import new_id


def test_ids_are_read_one_a_line() -> None:
    one, other = new_id(), new_id()
    assert ids_of(f"{one}\n\n{other}\n") == [one, other]


def test_with_one_that_is_none_nothing_is_begun() -> None:
    with pytest.raises(SystemExit, match=r"mira@studio\.example: this is no id of a person"):
        ids_of(f"{new_id()}\nmira@studio.example\n")
