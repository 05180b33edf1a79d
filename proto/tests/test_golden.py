"""Frozen events are still read as what they were, and every type on the bus has one."""

import re
from pathlib import Path

import pytest
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from proto.tests.events import MESSAGES, text_of
from proto.tests.freeze import GOLDEN

ROOT = Path(__file__).resolve().parents[2]
RAISED = re.compile(r'"([a-z_]+\.v\d+\.[a-z_]+)"')
CONSUMED = re.compile(r'"((?:auth|crm|analytics|notify)\.[a-z_]+\.v\d+\.[a-z_]+)"')


def raised() -> dict[str, list[str]]:
    """Event type → the services that write it."""
    found: dict[str, list[str]] = {}
    for path in ROOT.glob("services/*/src/*/adapters/events.py"):
        service = path.parts[-3]
        for name in set(RAISED.findall(path.read_text(encoding="utf-8"))):
            found.setdefault(f"{service}.{name}", []).append(service)
    return found


def consumed() -> set[str]:
    """Event types that some consumer handles."""
    paths = ROOT.glob("services/*/src/*/entrypoints/*.py")
    return {name for path in paths for name in CONSUMED.findall(path.read_text(encoding="utf-8"))}


def _unknown(message: Message) -> list[str]:
    here = [message.DESCRIPTOR.full_name] if len(UnknownFieldSet(message)) else []
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in value if field.is_repeated else [value]:
                here += _unknown(part)
    return here


@pytest.mark.parametrize("kind", sorted(MESSAGES))
def test_a_frozen_event_is_read_as_what_it_was(kind: str) -> None:
    frozen = (GOLDEN / f"{kind}.binpb").read_bytes()
    message = MESSAGES[kind].FromString(frozen)
    assert _unknown(message) == []
    assert text_of(message) == (GOLDEN / f"{kind}.txt").read_text(encoding="utf-8")
    assert message.SerializeToString(deterministic=True) == frozen


def test_every_type_on_the_bus_is_frozen_and_has_one_producer() -> None:
    assert raised().keys() == MESSAGES.keys()
    assert [kind for kind, services in raised().items() if len(services) != 1] == []
    assert {path.stem for path in GOLDEN.glob("*.binpb")} == MESSAGES.keys()


def test_what_is_consumed_is_produced() -> None:
    assert consumed()
    assert consumed() <= raised().keys()
