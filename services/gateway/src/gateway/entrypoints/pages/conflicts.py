"""What a record has become since a form was opened, beside what was typed into it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from freelanceflow.crm.v1.field_service_pb2 import CustomField
from gateway.entrypoints.pages.custom_forms import custom_inputs, differing
from gateway.entrypoints.pages.formatting import Formats
from gateway.entrypoints.pages.forms import Values
from gateway.entrypoints.pages.rendering import Viewer

LONGEST = 200  # of a text that is told


def in_words(
    theirs: Values,
    typed: Values,
    labels: Mapping[str, str],
    *,
    record: Any,
    fields: Sequence[CustomField],
    formats: Formats,
    viewer: Viewer,
) -> str:
    """Each field that now reads otherwise, and what it reads; empty if there is none."""
    said = {labels[name]: text for name, text in _said_of(theirs, typed, labels)}
    inputs = custom_inputs(fields, record, formats, viewer)
    for field in differing(fields, typed, inputs):
        held = dict(record.custom_fields.items()).get(field.key)
        said[field.name] = "" if held is None else formats.custom(field.type, held)
    return ", ".join(f"{label} “{_short(text) or '–'}”" for label, text in said.items())


def _said_of(theirs: Values, typed: Values, labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """An owner is told by name, an amount with its currency."""
    for name in labels:
        if name == "amount" and _worth(theirs) != _worth(typed):
            yield name, _worth(theirs)
        elif name != "amount" and name in theirs and _lines(theirs[name]) != _lines(typed[name]):
            yield name, theirs["owner" if name == "owner_id" else name]


def _worth(values: Values) -> str:
    return f"{values['amount']} {values['currency']}" if values["amount"] else ""


def _lines(text: str) -> list[str]:
    return text.splitlines()  # browsers send them with two characters between


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
