"""Requests that nobody would think of, made from the description of the API."""

import asyncio
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.e2e.support.api import Person
from tests.e2e.support.platform import Platform

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


def _try(operation: Any, url: str, token: str) -> None:
    documented = set(operation.definition.raw["responses"])

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

    once()
