"""`make status` says what is late, and nothing else."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import nats
import pytest
from nats.js.api import ConsumerConfig

from local import servers
from local.lateness import NOTHING, lateness

QUIET = """# HELP outbox_oldest_age_seconds Age of the oldest of them.
# TYPE outbox_oldest_age_seconds gauge
outbox_oldest_age_seconds 0.2
rescoring_oldest_dirty_age_seconds 0.0
celery_queue_oldest_age_seconds{queue="analytics"} 0.0
dlq_messages{stream="CRM"} 0.0
event_handled_total{consumer="a",type="b",outcome="done"} 4321.0
"""
LATE = """outbox_oldest_age_seconds 1234.5
rescoring_oldest_dirty_age_seconds 75.0
celery_queue_oldest_age_seconds{queue="analytics"} 9.0
dlq_messages{stream="CRM"} 2.0
"""


@pytest.fixture
def told() -> Iterator[dict[str, str]]:
    """What each path answers; the address under an empty name."""
    pages: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages[self.path].encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pages[""] = f"http://127.0.0.1:{server.server_port}"
    yield pages
    server.shutdown()
    server.server_close()


def test_what_is_late_is_told_by_whom(told: dict[str, str]) -> None:
    told |= {"/crm": LATE, "/auth": QUIET}
    base = told[""]
    assert list(lateness({"crm": f"{base}/crm", "auth": f"{base}/auth", "nats": None})) == [
        "crm                oldest fact not on the bus yet: 1,234 s",
        "crm                oldest change that no score knows yet: 75 s",
        "crm                oldest job that waits (analytics): 9 s",
        "crm                events set aside (CRM): 2",
    ]


def test_if_nothing_is_late_that_is_said(told: dict[str, str]) -> None:
    told["/auth"] = QUIET
    assert list(lateness({"auth": f"{told['']}/auth"})) == [NOTHING]


def test_whoever_does_not_answer_is_named(told: dict[str, str]) -> None:
    told["/auth"] = QUIET
    urls = {"auth": f"{told['']}/auth", "crm": "http://127.0.0.1:9/metrics"}
    assert list(lateness(urls)) == ["Not to be asked how late they are: crm."]


async def test_events_that_nobody_has_heard_are_told_by_listener(tmp_path: Path) -> None:
    port, monitor = servers.free_port(), servers.free_port()
    bus = f"http://127.0.0.1:{monitor}"
    server = servers.run(servers.nats_recipe(tmp_path / "nats", port, monitor), tmp_path)
    client = await nats.connect(server.url)
    try:
        stream = client.jetstream()
        await stream.add_stream(name="CRM", subjects=["crm.>"])
        await stream.add_consumer("CRM", ConsumerConfig(durable_name="analytics-pipeline"))
        await stream.subscribe("crm.>", ordered_consumer=True)  # a window's
        assert list(lateness({}, bus=bus)) == [NOTHING]
        for number in range(3):
            await stream.publish("crm.deal", b"%d" % number)
        listener = await stream.pull_subscribe_bind("analytics-pipeline", "CRM")
        (first,) = await listener.fetch(1)
        assert list(lateness({}, bus=bus)) == [
            "analytics-pipeline events not heard yet (CRM): 2, and 1 in hand"
        ]
        await first.ack_sync()
        for message in await listener.fetch(2):
            await message.ack_sync()
        assert list(lateness({}, bus=bus)) == [NOTHING]
    finally:
        await client.close()
        server.stop()
    assert list(lateness({}, bus=bus)) == ["Not to be asked how late they are: bus."]
