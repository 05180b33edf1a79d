"""Models as data: arrays and a JSON header in one NPZ, never code.

A file says what it is: format, kind, version, the code that wrote it, training span, n and
features, and a digest of its arrays. Whatever is damaged, foreign or of another version is refused
by name; nothing in a file is ever executed, for pickled objects are not read.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.science.churn_bgnbd import Buying
from analytics.science.churn_model import ChurnModel
from analytics.science.win import WinModel
from analytics.science.win_features import Columns, Vocabulary
from analytics.science.win_fit import Fitted, Member
from analytics.science.win_gate import Gate
from analytics.science.win_history import History
from analytics.science.win_trees import Trees

FORMAT = "freelanceflow-model"
VERSION = 1
CODE_VERSION = "science-1"
"""Changes whenever a stored model would give other answers under new code."""

Arrays = dict[str, NDArray[Any]]


class ModelRefused(ValueError):
    """A model file that cannot be trusted; the message names the file and the reason."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a model file says about itself; `trained_from` and `trained_to` are ISO dates or ""."""

    kind: str
    n: int
    features: tuple[str, ...]
    trained_from: str
    trained_to: str
    code_version: str = CODE_VERSION


def dump(model: WinModel | ChurnModel, *, trained_from: str = "", trained_to: str = "") -> bytes:
    """A model as the bytes of an NPZ file; the same model gives the same bytes.

    Raises:
        TypeError: the model is of a kind that is not stored.
    """
    arrays: Arrays = {}
    if isinstance(model, WinModel):
        kind, n, features = "win", model.n, _columns_of(model.columns)
        body = _pack_win(model, arrays)
    elif isinstance(model, ChurnModel):
        kind, n, features = "churn", model.clients, ["date", "value"]
        body = _pack_churn(model, arrays)
    else:
        raise TypeError(f"no store for a {type(model).__name__}")
    header = Header(kind, n, tuple(features), trained_from, trained_to)
    text = {"format": FORMAT, "version": VERSION, **asdict(header), "body": body}
    return _write(text, arrays)


def load(data: bytes, name: str) -> tuple[WinModel | ChurnModel, Header]:
    """The model and header in the bytes of a file called `name`.

    Raises:
        ModelRefused: the file is damaged, foreign, or written by another version.
    """
    text, arrays = _read(data, name)
    try:
        header = Header(**{f.name: text[f.name] for f in fields(Header)})
        header = Header(**{**asdict(header), "features": tuple(header.features)})
        if header.kind == "win":
            return _unpack_win(text["body"], arrays), header
        if header.kind == "churn":
            return _unpack_churn(text["body"], arrays), header
        raise ValueError(f"unknown kind {header.kind!r}")
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ModelRefused(f"{name}: not a readable model ({error!r})") from error


# ---------------------------------------------------------------- the file


def _digest(text: Mapping[str, Any], arrays: Arrays) -> str:
    digest = hashlib.sha256(json.dumps(text, sort_keys=True).encode())
    for key in sorted(arrays):
        array = np.ascontiguousarray(arrays[key])
        digest.update(f"{key}{array.dtype.str}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _write(text: dict[str, Any], arrays: Arrays) -> bytes:
    head = json.dumps({**text, "digest": _digest(text, arrays)}, sort_keys=True).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, array in {"header": np.frombuffer(head, dtype=np.uint8), **arrays}.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
            # A fixed date: the same model must give the same bytes.
            archive.writestr(
                zipfile.ZipInfo(f"{key}.npy", (1980, 1, 1, 0, 0, 0)), member.getvalue()
            )
    return out.getvalue()


def _read(data: bytes, name: str) -> tuple[dict[str, Any], Arrays]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays: Arrays = {key: archive[key] for key in archive.files}
        text: dict[str, Any] = json.loads(arrays.pop("header").tobytes())
        digest = text.pop("digest")
    except Exception as error:  # zip, NumPy and JSON each fail in their own ways on damaged bytes
        raise ModelRefused(f"{name}: damaged, or not a model file ({error})") from error
    if text.get("format") != FORMAT:
        raise ModelRefused(f"{name}: not a {FORMAT} file")
    if text.get("version") != VERSION or text.get("code_version") != CODE_VERSION:
        found = f"version {text.get('version')}, code {text.get('code_version')}"
        raise ModelRefused(f"{name}: {found}; this code reads {VERSION}, {CODE_VERSION}")
    if digest != _digest(text, arrays):
        raise ModelRefused(f"{name}: damaged, its contents do not match its digest")
    return text, arrays


# ---------------------------------------------------------------- win


def _columns_of(columns: Columns) -> list[str]:
    return [*columns.categories(), *columns.numbers()]


def _pack_win(model: WinModel, arrays: Arrays) -> dict[str, Any]:
    columns, vocabulary = model.columns, model.vocabulary
    for j, labels in enumerate(vocabulary.levels):
        # Labels as UTF-8 bytes in a row: a fixed-width text array would cost the longest each time.
        arrays[f"levels/{j}"] = np.frombuffer(json.dumps(labels.tolist()).encode(), dtype=np.uint8)
    for part in ("scale", "mean", "spread", "median", "has_gaps", "edges"):
        arrays[f"vocabulary/{part}"] = getattr(vocabulary, part)
    fitted = model.fitted
    body: dict[str, Any] = {
        "columns": {
            "categorical": list(columns.categorical),
            "numeric": list(columns.numeric),
            "client": columns.client,
            "value": columns.value,
        },
        "levels": len(vocabulary.levels),
        **{p: getattr(model, p) for p in ("n", "wins", "base_rate", "evidence", "method")},
        "backtest": model.backtest,
        "fitted": None,
    }
    if fitted is not None:
        gate = fitted.gate
        arrays["gate/covariance"] = gate.covariance
        arrays["forward"], arrays["forward_won"] = fitted.forward, fitted.forward_won
        body["fitted"] = {
            "gate": {part: getattr(gate, part) for part in _GATE},
            "typical_news": fitted.typical_news,
            "member": _pack_member(fitted.member, "member", arrays),
            "pasts": [_pack_member(m, f"past{i}", arrays) for i, m in enumerate(fitted.pasts)],
        }
    return body


_GATE = ("anchor", "shift", "slope", "centre")
_HISTORY = ("pseudo", "log_value", "log_n")
_TREES = ("roots", "feature", "threshold", "left", "right", "value")


def _pack_member(member: Member, at: str, arrays: Arrays) -> dict[str, Any]:
    history, trees = member.history, member.trees
    arrays[f"{at}/mean"], arrays[f"{at}/weights"] = member.mean, member.weights
    for part in _HISTORY:
        arrays[f"{at}/history/{part}"] = getattr(history, part)
    for part in ("wins", "n", "effect"):
        for j, counts in enumerate(getattr(history, part)):
            arrays[f"{at}/history/{part}/{j}"] = counts
    for part in _TREES:
        arrays[f"{at}/trees/{part}"] = getattr(trees, part)
    return {
        "n": member.n,
        "intercept": member.intercept,
        "tree_share": member.tree_share,
        "base": history.base,
        "log_usual": history.log_usual,
        "baseline": trees.baseline,
        "wins": len(history.wins),
        "effect": len(history.effect),
    }


def _unpack_member(body: Mapping[str, Any], at: str, arrays: Arrays) -> Member:
    def several(part: str, many: int) -> tuple[NDArray[Any], ...]:
        return tuple(arrays[f"{at}/history/{part}/{j}"] for j in range(many))

    pseudo, log_value, log_n = (arrays[f"{at}/history/{part}"] for part in _HISTORY)
    history = History(
        wins=several("wins", body["wins"]),
        n=several("n", body["wins"]),
        pseudo=pseudo,
        base=body["base"],
        log_value=log_value,
        log_n=log_n,
        log_usual=body["log_usual"],
        effect=several("effect", body["effect"]),
    )
    return Member(
        body["n"],
        history,
        arrays[f"{at}/mean"],
        arrays[f"{at}/weights"],
        body["intercept"],
        Trees(body["baseline"], *(arrays[f"{at}/trees/{part}"] for part in _TREES)),
        body["tree_share"],
    )


def _unpack_win(body: Mapping[str, Any], arrays: Arrays) -> WinModel:
    columns = Columns(**body["columns"])
    levels = tuple(
        np.array(json.loads(arrays[f"levels/{j}"].tobytes()), dtype=np.str_)
        for j in range(body["levels"])
    )
    parts = ("scale", "mean", "spread", "median", "has_gaps", "edges")
    vocabulary = Vocabulary(columns, levels, *(arrays[f"vocabulary/{part}"] for part in parts))
    fitted = None
    if body["fitted"] is not None:
        said = body["fitted"]
        fitted = Fitted(
            _unpack_member(said["member"], "member", arrays),
            tuple(_unpack_member(m, f"past{i}", arrays) for i, m in enumerate(said["pasts"])),
            Gate(**said["gate"], covariance=arrays["gate/covariance"]),
            arrays["forward"],
            arrays["forward_won"],
            said["typical_news"],
        )
    return WinModel(
        columns,
        body["n"],
        body["wins"],
        body["base_rate"],
        body["evidence"],
        body["method"],
        vocabulary,
        fitted,
        body["backtest"],
    )


# ---------------------------------------------------------------- churn

_CHURN_NUMBERS = (
    "horizon_days",
    "intercept",
    "share",
    "value_scale",
    "clients",
    "repeaters",
    "labelled",
    "history_days",
)
_CHURN_ARRAYS = ("mean", "spread", "weights")


def _pack_churn(model: ChurnModel, arrays: Arrays) -> dict[str, Any]:
    for part in _CHURN_ARRAYS:
        arrays[part] = getattr(model, part)
    numbers = {part: getattr(model, part) for part in _CHURN_NUMBERS}
    return {"buying": asdict(model.buying), **numbers}


def _unpack_churn(body: Mapping[str, Any], arrays: Arrays) -> ChurnModel:
    parts: dict[str, Any] = {part: body[part] for part in _CHURN_NUMBERS}
    parts.update((part, arrays[part]) for part in _CHURN_ARRAYS)
    return ChurnModel(buying=Buying(**body["buying"]), **parts)
