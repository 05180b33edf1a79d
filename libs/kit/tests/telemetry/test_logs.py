"""One line of JSON for everything, and nobody's secrets in it."""

import asyncio
import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from kit.telemetry import Log, bind, configure, span
from kit.telemetry.logs import JsonLines, redact

CANARIES = {
    "an API key": "ffk_" + "5e" * 36,
    "a token": "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "a header": "Bearer 3q2-7wAAbbccdd",
    "a dsn": "postgresql://crm_app:canary-pw@127.0.0.1:5432/crm",
    "mail": "jane.doe+crm@example.co.uk",
    "a phone": "+49 (170) 123-4567",
    "a card": "4111 1111 1111 1111",
}


class Settings:
    profile = "test"
    log_level = "info"
    otlp_endpoint = ""


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What was written to standard output, as it would be read."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    output = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", output)
        configure("kit", Settings())
    yield lambda: [json.loads(line) for line in output.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_has_its_fields_and_is_one_line(lines: Any) -> None:
    with span("work", parent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"):
        Log("test").info("import_finished", rows=3, note="two\nlines")
    [line] = lines()
    assert line.pop("ts").endswith("+00:00")
    assert line.pop("version")
    assert line == {
        "level": "info",
        "event": "import_finished",
        "rows": 3,
        "note": "two\nlines",
        "service": "kit",
        "env": "test",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "span_id": "b7ad6b7169203331",
    }


def test_an_error_brings_its_stack(lines: Any) -> None:
    log = Log("test")
    try:
        raise KeyError("password=hunter2 jane@example.com")
    except KeyError as error:
        log.error("call_failed", error=error, rpc="a/B")
    log.warning("odd")
    failed, odd = lines()
    assert failed["error.type"] == "KeyError"
    assert "test_an_error_brings_its_stack" in failed["error.stack"]
    assert "jane@example.com" not in failed["error.stack"]
    assert "error.type" not in odd


def test_libraries_write_the_same_lines(lines: Any) -> None:
    logging.getLogger("nats").warning("connected to %s", "nats://user:canary@host:4222")
    [line] = lines()
    assert (line["event"], line["logger"]) == ("library_message", "nats")
    assert line["message"] == "connected to nats://[redacted]@host:4222"


def test_what_is_below_the_level_is_not_written(lines: Any) -> None:
    logging.getLogger("nats").debug("details")
    assert lines() == []


async def test_what_is_bound_is_on_every_line_of_the_task(lines: Any) -> None:
    async def task(tenant: str) -> None:
        bind({"tenant_id": tenant})
        await asyncio.sleep(0)
        Log("test").info("done")

    await asyncio.gather(task("one"), task("two"))
    assert [line["tenant_id"] for line in lines()] == ["one", "two"]


@pytest.mark.parametrize("what", CANARIES)
def test_secrets_are_known_by_their_looks(lines: Any, what: str) -> None:
    canary = CANARIES[what]
    log = Log("test")
    log.info("said", text=f"before {canary} after", many=[canary], deep={"deeper": (canary,)})
    try:
        raise ValueError(canary)
    except ValueError as error:
        log.error("failed", error=error)
    logging.getLogger("library").error("says %s", canary)
    written = json.dumps(lines())
    secret = "canary-pw" if what == "a dsn" else canary
    assert secret not in written
    assert "before " in written
    assert " after" in written


@pytest.mark.parametrize(
    "key", ["password", "new_password", "refresh_token", "Authorization", "set-cookie", "apiKey"]
)
def test_secrets_are_known_by_their_names(key: str) -> None:
    assert redact({key: "hunter2", "n": {key: ["hunter2"]}}) == {
        key: "[redacted]",
        "n": {key: ["[redacted]"]},
    }


def test_what_is_no_secret_is_left_alone() -> None:
    harmless = {
        "id": "0197a2b4-7d3e-7c1a-9f00-1234567890ab",
        "at": "2026-01-05T09:00:00.123456+00:00",
        "amount_minor": 4111111111111111,
        "path": "/api/v1/deals?page_size=50",
        "address": "127.0.0.1:50051",
        "done": True,
        "nothing": None,
        "ratio": 0.5,
    }
    assert redact(harmless) == harmless


def test_what_json_does_not_know_is_written_as_text() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "event", None, None)
    record.fields = {"where": object, "when": {1: {2}}}
    line = json.loads(JsonLines(service="s", version="1", env="test").format(record))
    assert line["where"] == "<class 'object'>"
    assert line["when"] == {"1": [2]}
