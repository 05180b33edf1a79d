"""One trace over all hops of a write and of an import; logs that are JSON and hold no secret."""

import json
import re
import secrets
from urllib.parse import parse_qsl, urlsplit

import httpx
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from kit.testing.otlp import Collector
from services.auth.tests.provider import Provider
from tests.e2e.support.api import Person, invite, some_email
from tests.e2e.support.platform import WITH_DATABASE, Platform, until

TIMEOUT = 60.0
LOGS = ("auth", "crm", "analytics", "notify", "gateway", "crm-worker", "analytics-worker")


def parented(trace_id: str) -> dict[str, str]:
    """What a caller that traces sends."""
    return {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01"}


async def test_a_move_is_one_trace_through_four_services(
    owner: Person, collector: Collector
) -> None:
    deal = await owner.new_deal("Traced")

    async def is_projected() -> bool:
        return bool((await owner.get("/analytics/pipeline"))["open_count"])

    # Events that are handled together are only linked to their traces: let the move come alone.
    await until(is_projected)
    trace_id = secrets.token_hex(16)
    moved = await owner.request(
        "POST",
        f"/deals/{deal['id']}/move",
        json={"stage_id": owner.stages["Won"]},
        headers={"If-Match": '"1"', **parented(trace_id)},
    )
    assert moved.status_code == 200

    await arrived(collector, trace_id, {"gateway", "crm", "analytics", "notify"})
    spans = [span for _, span in collector.trace(trace_id)]
    known = {span.span_id for span in spans}
    parents = {span.parent_span_id for span in spans if span.parent_span_id}
    assert len(parents - known) <= 1, "only the first span has its parent outside"
    # From the write over the bus to whoever heard of it: each consumer stands below what was sent.
    sent = {span.span_id: span.name for span in spans if span.kind == Span.SPAN_KIND_PRODUCER}
    heard = {sent[span.parent_span_id] for span in spans if span.parent_span_id in sent}
    assert "publish crm.deal.v1.moved" in heard, sent


async def test_an_import_is_one_trace_down_to_the_job(owner: Person, collector: Collector) -> None:
    made = await owner.request(
        "POST",
        "/imports",
        data={"resource": "clients"},
        files={"file": ("clients.csv", "name\nTraced one\nTraced two\n", "text/csv")},
    )
    assert made.status_code == 201, made.text
    trace_id = secrets.token_hex(16)
    commit = await owner.request(
        "POST", f"/imports/{made.json()['id']}/commit", headers=parented(trace_id)
    )
    assert commit.status_code == 202, commit.text

    async def is_done() -> bool:
        return bool((await owner.get(f"/imports/{made.json()['id']}"))["status"] == "done")

    await until(is_done)
    assert (await owner.get("/clients", total="true"))["total"] == 2

    def kinds() -> set[tuple[str, int]]:
        return {(name, span.kind) for name, span in collector.trace(trace_id)}

    await collector.until(
        lambda _: (
            {name for name, _ in kinds()} >= {"gateway", "crm", "notify"}
            and ("crm", Span.SPAN_KIND_CONSUMER) in kinds()
        ),
        patience=TIMEOUT,
    )


async def arrived(collector: Collector, trace_id: str, wanted: set[str]) -> None:
    """Wait for spans of these services, or of these names, in one trace."""

    def seen() -> set[str]:
        trace = collector.trace(trace_id)
        return {name for name, _ in trace} | {span.name for _, span in trace}

    try:
        await collector.until(lambda _: wanted <= seen(), patience=TIMEOUT)
    except TimeoutError:
        others = {name for name, _ in collector.spans}
        raise AssertionError(
            f"{wanted - seen()} missing from {seen()}; spans came from {others}"
        ) from None


async def test_logs_are_json_and_hold_no_secret(
    platform: Platform, http: httpx.AsyncClient, owner: Person, provider: Provider
) -> None:
    """Whatever a person types or carries is looked for in every log and in the mails kept."""
    canary = f"canary-{secrets.token_hex(12)}"
    email = some_email("canary")
    body = {"email": email, "password": canary, "name": "Canary"}
    tokens = (await http.post("/api/v1/auth/register", json=body)).json()
    wrong = {"email": email, "password": canary + "-wrong"}
    assert (await http.post("/api/v1/auth/login", json=wrong)).status_code == 401
    await http.post("/api/v1/auth/login", content=f'{{"password": "{canary}', headers=_JSON)
    await http.post("/sign-in", data=wrong)
    await http.get("/api/v1/me", headers={"Authorization": f"Bearer {canary}"})
    await http.post("/api/v1/auth/refresh", json={"refresh_token": canary})
    await http.get("/pipeline", headers={"Cookie": f"ff_access={canary}; ff_refresh={canary}"})
    await http.post("/api/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    member = await invite(owner, "sales")
    await owner.move(await owner.new_deal(f"Deal {canary}"), "Won")
    feed = await read_feed(owner)
    await http.get("/reset", params={"token": canary})
    await http.post("/reset", data={"token": canary, "password": canary})
    abroad = await come_by_google(platform, provider)

    async def is_sent() -> bool:
        rows = await platform.rows(
            "notify", "SELECT 1 FROM mails WHERE to_address = $1", member.email
        )
        return bool(rows)

    await until(is_sent)
    carried = (tokens["access_token"], tokens["refresh_token"], owner.token, member.token)
    secret = (canary, *carried, *abroad, feed)
    for name in LOGS:
        lines = platform.log_lines(name)
        for line in lines:
            assert not any(word in line for word in secret), f"{name}: {line[:300]}"
            assert platform.plan.secret(f"{_database(name)}-app") not in line, f"{name}: {line}"
            said = _parsed(line)
            assert {"ts", "level", "event", "service"} <= set(said), f"{name}: {line[:300]}"
        assert lines, f"{name} says nothing"
    mails = await platform.rows("notify", "SELECT text || html || subject AS all FROM mails")
    for mail in mails:
        assert not any(word in mail["all"] for word in secret[1:])


async def come_by_google(platform: Platform, provider: Provider) -> list[str]:
    """All that is secret on the way there and back, which was also gone a second time."""
    email = some_email("abroad")
    async with httpx.AsyncClient(base_url=platform.gateway) as browser:
        away = (await browser.get("/auth/google/start")).headers["location"]
        cookie = browser.cookies["ff_google"]
        back = provider.agree(away, sub=email, email=email, email_verified=True, name="Abroad")
        page = await browser.get("/auth/google/callback", params=back)
        again = await browser.get("/auth/google/callback", params=back)
        assert (page.status_code, again.status_code) == (200, 400)
    nonce = dict(parse_qsl(urlsplit(away).query))["nonce"]
    found = re.search(r'name="ticket" value="([^"]+)"', page.text)
    assert found
    return [back["code"], back["state"], nonce, cookie, found[1]]


async def read_feed(owner: Person) -> str:
    """The secret in a calendar's address, which was asked for while it was good and afterwards."""
    url: str = (await owner.post("/calendar", status=201))["url"]
    path = url[url.index("/api/") :]
    feed = path.rpartition("/")[2].removesuffix(".ics")
    for asked, status in ((path, 200), (path.replace(feed, f"{feed}x"), 404)):
        assert (await owner.http.get(asked)).status_code == status
    assert (await owner.request("DELETE", "/calendar")).status_code == 204
    assert (await owner.http.get(path)).status_code == 404
    return feed


_JSON = {"Content-Type": "application/json"}


def _database(name: str) -> str:
    service = name.removesuffix("-worker")
    return service if service in WITH_DATABASE else "crm"


def _parsed(line: str) -> dict[str, object]:
    try:
        said: dict[str, object] = json.loads(line)
    except ValueError:
        raise AssertionError(f"not JSON: {line[:300]}") from None
    return said
