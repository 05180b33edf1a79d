"""Requests that nobody would think of, made from the description of the API."""

import asyncio
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.e2e.support.api import Person
from tests.e2e.support.platform import Platform

ENDS = ("0001-01-01", "9999-12-31")
EXAMPLES = 6  # of each operation
# A stream has no end; the others would end the session that all requests are made in.
LEFT_OUT = ("stream_events", "logout", "end_session", "end_other_sessions", "switch_workspace")
MEMBERS = ("change_member", "remove_member")


async def test_nothing_that_is_sent_breaks_anything(owner: Person, platform: Platform) -> None:
    """No 5xx, and no status or type that the description does not name."""
    document = await owner.get("/api/openapi.json")
    schema: Any = schemathesis.openapi.from_dict(document)
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.definition.raw["operationId"] in (*LEFT_OUT, *MEMBERS):
            continue
        await asyncio.to_thread(_try, operation, platform.gateway, owner.token)
        tried += 1
    assert tried > 35


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
async def test_the_ends_of_the_calendar_break_nothing(owner: Person, zone: str) -> None:
    """Wherever a day begins: the first and the last one are none a few hours away."""
    workspace = f"/workspaces/{owner.workspace_id}"
    named = await owner.request(
        "PATCH", workspace, json={"time_zone": zone}, headers={"If-Match": '"1"'}
    )
    assert named.status_code == 200, named.text
    deal = await owner.new_deal("Ends")
    known = {day: await _answers(owner, deal["id"], day) for day in ENDS}
    broken = [f"{where} {day}" for day in ENDS for where, status in known[day] if status >= 500]
    assert not broken
    assert (await owner.get("/activities"))["items"] == []


async def _answers(owner: Person, deal_id: str, day: str) -> list[tuple[str, int]]:
    lists = {"deals": "created_at", "clients": "updated_at", "activities": "due_at"}
    paths = [f"/{name}?{field}__{op}=" for name, field in lists.items() for op in ("gte", "lte")]
    reports = ("summary", "velocity", "conversion", "clients", "activity", "health", "forecast")
    paths += [f"/analytics/{name}?{end}=" for name in reports for end in ("from", "to")]
    found = [(path, (await owner.request("GET", path + day)).status_code) for path in paths]
    for body in ({"due_at": f"{day}T00:00:00Z"}, {"done_at": f"{day}T00:00:00Z"}):
        call = {"kind": "call", "subject": "Ends", "deal_id": deal_id, **body}
        answer = await owner.request("POST", "/activities", json=call)
        found.append((str(body), answer.status_code))
    return found


def _try(operation: Any, url: str, token: str) -> None:
    documented = operation.definition.raw["responses"]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def once(case: Any) -> None:
        answer = case.call(base_url=url, headers={"Authorization": f"Bearer {token}"})
        where = f"{case.as_curl_command()}: {answer.status_code} {answer.text[:300]}"
        assert answer.status_code < 500, where
        assert str(answer.status_code) in documented, where
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"], where
        if answer.content:
            type_ = answer.headers["content-type"][0].partition(";")[0]
            assert type_ in documented[str(answer.status_code)]["content"], where

    once()
