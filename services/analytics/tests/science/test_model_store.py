"""Models come back from their files unchanged, and nothing else comes back at all."""

import io
import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.science import churn, model_store, win
from analytics.science.churn_model import ChurnModel
from services.analytics.tests.science.factories import COLUMNS, make_deals, make_purchases

AS_OF = "2024-04-01"


@pytest.fixture(scope="module")
def stored() -> bytes:
    deals, won = make_deals(300)
    model = win.fit(deals, won, COLUMNS)
    return model_store.dump(model, trained_from="2022-01-01", trained_to="2024-01-01")


@pytest.mark.parametrize("n", [0, 1, 50, 300])
def test_a_win_model_comes_back_identical(n: int) -> None:
    deals, won = make_deals(n)
    model = win.fit(deals, won, COLUMNS)
    data = model_store.dump(model)
    again, header = model_store.load(data, "win.npz")
    assert isinstance(again, win.WinModel)
    new = make_deals(50, seed=5)[0]
    assert np.array_equal(again.probability(new), model.probability(new))
    assert np.array_equal(again.interval(new, 80), model.interval(new, 80))
    assert again.explain(new) == model.explain(new)
    assert again.evidence == model.evidence
    assert header.n == n
    assert model_store.dump(again) == data


def test_a_churn_model_comes_back_identical() -> None:
    purchases = make_purchases(80)
    model = churn.fit(purchases, AS_OF, 90)
    again, header = model_store.load(model_store.dump(model), "churn.npz")
    assert isinstance(again, ChurnModel)
    one = churn.score(purchases, AS_OF, 90, model=model)
    two = churn.score(purchases, AS_OF, 90, model=again)
    assert one.equals(two)
    assert header.kind == "churn"


def test_the_header_says_what_the_model_was_made_of(stored: bytes) -> None:
    _, header = model_store.load(stored, "win.npz")
    assert (header.kind, header.n) == ("win", 300)
    assert header.features == ("source", "client", "days", "value")
    assert (header.trained_from, header.trained_to) == ("2022-01-01", "2024-01-01")
    assert header.code_version == model_store.CODE_VERSION


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_refused_by_name(stored: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(stored) - 1))
    if data.draw(st.booleans()):
        broken = stored[:at]
    else:
        broken = stored[:at] + bytes([stored[at] ^ 0x5A]) + stored[at + 1 :]
    try:
        _, header = model_store.load(broken, "win.npz")
    except model_store.ModelRefused as refusal:
        words = str(refusal)
    else:
        # Bytes the archive does not use (dates, flags) may differ; the contents may not.
        assert header == model_store.load(stored, "win.npz")[1]
        return
    assert words.startswith("win.npz: ")


@pytest.mark.parametrize("foreign", [b"", b"hello", pickle.dumps({"a": 1}), b"PK\x03\x04rest"])
def test_a_foreign_file_is_refused_by_name(foreign: bytes) -> None:
    with pytest.raises(model_store.ModelRefused, match=r"x\.npz: damaged, or not a model file"):
        model_store.load(foreign, "x.npz")


def test_pickled_arrays_are_never_read() -> None:
    out = io.BytesIO()
    np.savez(out, header=np.array([{"evil": 1}], dtype=object))
    with pytest.raises(model_store.ModelRefused, match=r"x\.npz"):
        model_store.load(out.getvalue(), "x.npz")


def rewritten(**changes: object) -> bytes:
    text: dict[str, object] = {
        "format": model_store.FORMAT, "version": model_store.VERSION, "kind": "win", "n": 0,
        "features": [], "trained_from": "", "trained_to": "",
        "code_version": model_store.CODE_VERSION, "body": {}, **changes,
    }  # fmt: skip
    return model_store._write(json.loads(json.dumps(text)), {})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "other"}, "not a freelanceflow-model file"),
        ({"version": 99}, "version 99"),
        ({"code_version": "science-0"}, "code science-0"),
        ({"kind": "magic"}, "unknown kind 'magic'"),
        ({}, "not a readable model"),
    ],
)
def test_other_versions_and_kinds_are_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(model_store.ModelRefused, match=words):
        model_store.load(rewritten(**changes), "old.npz")


def test_only_models_are_stored() -> None:
    with pytest.raises(TypeError, match="no store for a dict"):
        model_store.dump({})  # type: ignore[arg-type]
