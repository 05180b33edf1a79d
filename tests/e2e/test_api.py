"""The public API keeps its conventions, whatever is sent."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import jsonschema_rs
import pytest

from tests.e2e.support.api import Person, etag, invite
from tests.e2e.support.platform import Platform, until

MEBIBYTE = 1024 * 1024
PROBLEM = {"type", "title", "status", "detail", "instance", "reason", "errors", "trace_id"}


def problem_of(answer: Any, status: int, reason: str = "") -> dict[str, Any]:
    """The problem of an answer, after a look at its form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert set(problem) - {"current"} == PROBLEM
    assert problem["status"] == status
    assert problem["type"] == f"urn:freelanceflow:problem:{problem['reason']}"
    assert len(problem["trace_id"]) == 32
    if reason:
        assert problem["reason"] == reason
    return problem


async def test_the_whole_of_the_main_job(owner: Person) -> None:
    amount = {"amount_minor": 125000, "currency": "EUR"}
    client = await owner.post("/clients", {"name": "Ada GmbH"}, 201)
    created = await owner.request(
        "POST", "/deals", json={"name": "Site", "client_id": client["id"], "amount": amount}
    )
    assert created.status_code == 201
    deal = created.json()
    assert created.headers["location"] == f"/api/v1/deals/{deal['id']}"
    assert created.headers["etag"] == etag(deal)
    got = await owner.request("GET", f"/deals/{deal['id']}")
    assert (got.json(), got.headers["etag"]) == (deal, etag(deal))
    again = await owner.request(
        "GET", f"/deals/{deal['id']}", headers={"If-None-Match": etag(deal)}
    )
    assert (again.status_code, again.content) == (304, b"")

    changed = await owner.request(
        "PATCH",
        f"/deals/{deal['id']}",
        json={"next_step": "Call"},
        headers={"If-Match": etag(deal)},
    )
    assert (changed.status_code, changed.json()["next_step"]) == (200, "Call")
    await owner.hear_own_changes()
    won = await owner.move(changed.json(), "Won")
    assert (won["stage_type"], won["closed_at"] is not None) == ("won", True)
    entries = (await owner.get(f"/deals/{deal['id']}/history"))["items"]
    assert [entry["kind"] for entry in entries] == ["moved", "updated", "created"]
    assert [entry["version"] for entry in entries] == [3, 2, 1]
    board = {c["stage"]["name"]: c for c in (await owner.get("/board"))["columns"]}
    assert (board["Won"]["count"], board["Won"]["sum"]) == (1, amount)

    async def has_arrived() -> bool:
        velocity = await owner.get("/analytics/velocity")
        return bool(velocity["won_count"] == 1)

    await until(has_arrived)
    velocity = await owner.get("/analytics/velocity")
    assert velocity["mean_value"] is None  # no deal is alive: the only one is won
    assert velocity["win_rate"] == 1
    assert {"as_of", "model", "basis", "definitions"} <= set(velocity)
    pipeline = await owner.get("/analytics/pipeline")
    assert {s["stage_name"]: (s["count"], s["sum"]) for s in pipeline["stages"]} == {
        "Won": (1, amount)
    }
    insight = await owner.get(f"/analytics/deals/{deal['id']}")
    assert [spell["stage_name"] for spell in insight["spells"]] == ["Prospecting", "Won"]

    async def is_told() -> bool:
        return bool((await owner.get("/notifications", unread="true"))["items"])

    await until(is_told)
    (notice,) = (await owner.get("/notifications"))["items"]
    assert (notice["kind"], notice["title"]) == ("deal_won", "Won: Site")
    read = await owner.post(f"/notifications/{notice['id']}/read")
    assert read["read_at"] is not None
    assert (await owner.get("/notifications"))["unread_count"] == 0

    gone = await owner.request("DELETE", f"/deals/{deal['id']}", headers={"If-Match": etag(won)})
    assert (gone.status_code, gone.content) == (204, b"")
    await owner.get(f"/deals/{deal['id']}", 404)


async def test_tokens_are_renewed_and_end(owner: Person) -> None:
    first = owner.refresh
    renewed = await owner.post("/auth/refresh", {"refresh_token": first})
    assert renewed["refresh_token"] != first
    owner.take(renewed)
    await owner.get("/me")
    assert (
        await owner.request("POST", "/auth/logout", json={"refresh_token": owner.refresh})
    ).status_code == 204
    problem_of(
        await owner.request("POST", "/auth/refresh", json={"refresh_token": owner.refresh}), 401
    )

    async def is_revoked() -> bool:
        return (await owner.request("GET", "/me")).status_code == 401

    await until(is_revoked)
    problem_of(
        await owner.http.post(
            "/api/v1/auth/login", json={"email": owner.email, "password": "wrong"}
        ),
        401,
    )


JSON = "application/json"
BAD_BODIES: list[tuple[bytes, str, int, str]] = [
    (b'{"name": "x"', JSON, 400, "MALFORMED_JSON"),
    (b"", JSON, 400, "MALFORMED_JSON"),
    (b"\xff\xfe", JSON, 400, "MALFORMED_JSON"),
    (b'{"name": NaN}', JSON, 422, "INVALID_INPUT"),
    (b"[" * 100_000, JSON, 400, "MALFORMED_JSON"),
    (b"[]", JSON, 422, "INVALID_INPUT"),
    (b"null", JSON, 422, "INVALID_INPUT"),
    (b"{}", JSON, 422, "INVALID_INPUT"),
    (b'{"name": 1}', JSON, 422, "INVALID_INPUT"),
    (b'{"name": ""}', JSON, 422, "INVALID_INPUT"),
    (b'{"name": "x", "colour": "red"}', JSON, 422, "INVALID_INPUT"),
    (b'{"name": "x", "amount": 12}', JSON, 422, "INVALID_INPUT"),
    (b'{"name": "x", "amount": {"amount_minor": 1.5, "currency": "EUR"}}', JSON, 422, ""),
    (b'{"name": "x", "amount": {"amount_minor": 1, "currency": "XXY"}}', JSON, 422, ""),
    (b'{"name": "x", "client_id": "not an id"}', JSON, 422, ""),
    (b'{"name": "x", "expected_close_date": "2026-02-30"}', JSON, 422, ""),
    (b'{"name": "nul\\u0000byte"}', JSON, 422, ""),
    (b'{"name": "x"}', "text/plain", 415, "JSON_NEEDED"),
    (b'{"name": "x"}', "", 415, "JSON_NEEDED"),
    (b"name=x", "application/x-www-form-urlencoded", 415, "JSON_NEEDED"),
]


@pytest.mark.parametrize(
    ("content", "content_type", "status", "reason"),
    BAD_BODIES,
    ids=[content[:40].decode(errors="replace") for content, *_ in BAD_BODIES],
)
async def test_a_bad_body_is_refused_and_nothing_is_stored(
    owner: Person, content: bytes, content_type: str, status: int, reason: str
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    answer = await owner.request("POST", "/deals", content=content, headers=headers)
    problem = problem_of(answer, status, reason)
    if status == 422:
        assert problem["errors"], problem
    assert (await owner.get("/deals"))["items"] == []


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_above_a_mebibyte_is_refused(owner: Person, chunked: bool) -> None:
    content = json.dumps({"name": "x", "next_step": "y" * MEBIBYTE}).encode()[: MEBIBYTE + 1]

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 65_536):
            yield content[start : start + 65_536]

    sent = {"content": pieces() if chunked else content}
    answer = await owner.request(
        "POST", "/deals", headers={"Content-Type": "application/json"}, **sent
    )
    problem_of(answer, 413, "BODY_TOO_LARGE")
    assert (await owner.get("/deals"))["items"] == []


async def test_ids_that_are_not_there(owner: Person) -> None:
    for path in ("/deals", "/clients", "/activities", "/imports"):
        problem_of(await owner.request("GET", f"{path}/{uuid4()}"), 404)
        problem_of(await owner.request("GET", f"{path}/not-an-id"), 404, "NOT_FOUND")
    problem_of(await owner.request("GET", "/nothing/here"), 404, "NOT_FOUND")
    problem_of(await owner.request("PUT", "/deals", json={}), 405, "METHOD_NOT_ALLOWED")


async def test_stale_versions_are_shown_what_is_now(owner: Person) -> None:
    deal = await owner.new_deal("One")
    path, stale = f"/deals/{deal['id']}", {"If-Match": etag(deal)}
    now = (await owner.request("PATCH", path, json={"name": "Two"}, headers=stale)).json()
    move = {"stage_id": owner.stages["Engaging"]}
    for answer in (
        await owner.request("PATCH", path, json={"name": "Three"}, headers=stale),
        await owner.request("POST", f"{path}/move", json=move, headers=stale),
        await owner.request("DELETE", path, headers=stale),
    ):
        problem = problem_of(answer, 412)
        assert problem["current"] == now
        assert answer.headers["etag"] == etag(now)
    for answer in (
        await owner.request("PATCH", path, json={"name": "Three"}),
        await owner.request("POST", f"{path}/move", json=move),
        await owner.request("DELETE", path),
    ):
        problem_of(answer, 428, "IF_MATCH_MISSING")
    bad = await owner.request("PATCH", path, json={"name": "x"}, headers={"If-Match": "*"})
    problem_of(bad, 400, "IF_MATCH_INVALID")
    assert (await owner.get(path)) == now


async def test_a_key_makes_a_post_repeatable(owner: Person, stranger: Person) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    first = await owner.request("POST", "/deals", json={"name": "Once"}, headers=key)
    second = await owner.request("POST", "/deals", json={"name": "Once"}, headers=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert first.headers["location"] == second.headers["location"]
    other = await owner.request("POST", "/deals", json={"name": "Other"}, headers=key)
    problem_of(other, 422, "IDEMPOTENCY_KEY_REUSED")
    elsewhere = await stranger.request("POST", "/deals", json={"name": "Once"}, headers=key)
    assert elsewhere.status_code == 201, "a key is one person's own"
    assert elsewhere.json()["id"] != first.json()["id"]
    for bad in ("", "k" * 201):
        answer = await owner.request(
            "POST", "/deals", json={"name": "x"}, headers={"Idempotency-Key": bad}
        )
        problem_of(answer, 400, "IDEMPOTENCY_KEY_INVALID")
    sent = [(b"Authorization", f"Bearer {owner.token}".encode()), (b"Idempotency-Key", b"\xe9")]
    answer = await owner.http.post("/api/v1/deals", json={"name": "x"}, headers=sent)
    problem_of(answer, 400, "IDEMPOTENCY_KEY_INVALID")
    assert len((await owner.get("/deals"))["items"]) == 1


async def test_fifty_at_once_with_one_key_make_one_row(owner: Person) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    sent = [owner.request("POST", "/deals", json={"name": "Once"}, headers=key) for _ in range(50)]
    answers = await asyncio.gather(*sent)
    assert {answer.status_code for answer in answers} <= {201, 409}
    for answer in answers:
        if answer.status_code == 409:
            problem_of(answer, 409, "IDEMPOTENCY_KEY_IN_FLIGHT")
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert len((await owner.get("/deals"))["items"]) == 1


async def test_pages_are_stable_while_rows_come_in(owner: Person) -> None:
    made = [(await owner.new_deal(f"Deal {number:02}"))["id"] for number in range(12)]
    seen: list[str] = []
    cursor = ""
    while True:
        query: dict[str, Any] = {"limit": 5} | ({"cursor": cursor} if cursor else {})
        page = await owner.get("/deals", **query)
        seen += [deal["id"] for deal in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
        await owner.new_deal("Came in between")
    assert [id for id in seen if id in made] == made[::-1]
    assert len(seen) == len(set(seen))
    forged = await owner.request("GET", "/deals", params={"cursor": "A" * 40})
    refused = problem_of(forged, 422, "PAGE_TOKEN_INVALID")
    assert [error["field"] for error in refused["errors"]] == ["cursor"]
    page = await owner.get("/deals", limit=5)
    elsewhere = {"cursor": page["next_cursor"], "sort": "name"}
    problem_of(await owner.request("GET", "/deals", params=elsewhere), 422, "PAGE_TOKEN_INVALID")


async def test_lists_are_filtered_sorted_and_narrowed(owner: Person) -> None:
    for name, minor in (("Alpha", 300), ("Beta", 100), ("Gamma", 200)):
        await owner.new_deal(name, amount={"amount_minor": minor, "currency": "EUR"}, source=name)

    async def names(**query: Any) -> list[str]:
        return [deal["name"] for deal in (await owner.get("/deals", **query))["items"]]

    assert await names(sort="name") == ["Alpha", "Beta", "Gamma"]
    assert await names(sort="-amount_minor") == ["Alpha", "Gamma", "Beta"]
    assert await names(name="Beta") == ["Beta"]
    assert await names(amount_minor__gte=200, sort="amount_minor") == ["Gamma", "Alpha"]
    assert await names(name__in="Alpha,Beta", sort="name") == ["Alpha", "Beta"]
    assert await names(name__contains="amm") == ["Gamma"]
    assert await names(client_id__isnull="true", sort="-name") == ["Gamma", "Beta", "Alpha"]
    assert await names(source__ne="Alpha", sort="name") == ["Beta", "Gamma"]
    narrowed = await owner.get("/deals", fields="id,name", total="true", limit=1)
    assert [set(item) for item in narrowed["items"]] == [{"id", "name"}]
    assert narrowed["total"] == 3


async def test_owners_are_found_by_name(owner: Person) -> None:
    await invite(owner, "sales")
    found = await owner.get("/owners", name__contains="SAL", limit=5)
    assert [one["name"] for one in found["items"]] == ["Sales"]
    one = found["items"][0]
    assert await owner.get("/owners", id=one["id"]) == found
    refused = await owner.request("GET", "/owners", params={"team": "north"})
    problem_of(refused, 400, "PARAMETER_UNKNOWN")


@pytest.mark.parametrize(
    ("query", "status", "reason"),
    [
        ({"colour": "red"}, 400, "PARAMETER_UNKNOWN"),
        ({"name__like": "x"}, 400, "OPERATOR_UNKNOWN"),
        ({"limit": "0"}, 400, "LIMIT_INVALID"),
        ({"limit": "201"}, 400, "LIMIT_INVALID"),
        ({"limit": "ten"}, 400, "LIMIT_INVALID"),
        ({"total": "yes"}, 400, "PARAMETER_INVALID"),
        ({"fields": "colour"}, 400, "FIELD_UNKNOWN"),
        ({"sort": "colour"}, 422, "FIELD_NOT_SORTABLE"),
        ({"amount_minor__gte": "many"}, 422, "VALUE_INVALID"),
        ({"created_at__gte": "yesterday"}, 422, "VALUE_INVALID"),
        ({"owner_id": "not an id"}, 422, "VALUE_INVALID"),
    ],
)
async def test_a_query_that_is_not_understood_is_refused(
    owner: Person, query: dict[str, str], status: int, reason: str
) -> None:
    problem_of(await owner.request("GET", "/deals", params=query), status, reason)


async def test_too_much_at_once_is_put_off(platform: Platform, owner: Person) -> None:
    limits = {"REQUESTS_PER_MINUTE": "5", "SIGN_INS_PER_MINUTE": "3"}
    async with platform.second_gateway(**limits) as url:
        signed_in = [await owner.request_at(url, "GET", "/me") for _ in range(6)]
        credentials = {"email": owner.email, "password": "wrong"}
        guesses = [
            await owner.http.post(f"{url}/api/v1/auth/login", json=credentials) for _ in range(4)
        ]
    assert [answer.status_code for answer in signed_in] == [200] * 5 + [429]
    assert [answer.status_code for answer in guesses] == [401] * 3 + [429]
    for answer in (signed_in[-1], guesses[-1]):
        problem_of(answer, 429, "TOO_MANY_REQUESTS")
        assert 1 <= int(answer.headers["retry-after"]) <= 61
        assert "ratelimit" in answer.headers
        assert "ratelimit-policy" in answer.headers


async def test_answers_have_the_documented_shape(owner: Person) -> None:
    document = await owner.get("/api/openapi.json")
    shapes = document["components"]["schemas"]
    client = await owner.post("/clients", {"name": "Shaped"}, 201)
    activity = {"subject": "Shaped", "client_id": client["id"]}
    records = {
        "Client": client,
        "Deal": await owner.new_deal("Shaped"),
        "Activity": await owner.post("/activities", activity, 201),
        "Me": await owner.get("/me"),
        "Workspace": await owner.get(f"/workspaces/{owner.workspace_id}"),
    }
    for name, record in records.items():
        jsonschema_rs.validate({**shapes[name], "components": document["components"]}, record)
        assert set(record) == set(shapes[name]["properties"]), name


async def test_the_description_is_valid_and_says_all(owner: Person) -> None:
    document = await owner.get("/api/openapi.json")
    assert document["openapi"].startswith("3.1")
    names = [o["operationId"] for path in document["paths"].values() for o in path.values()]
    assert len(names) == len(set(names)) > 40
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert operation["x-permission"], where
            assert {"400", "429", "503"} <= set(operation["responses"]), where
            in_path = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert in_path == set(re.findall(r"{(\w+)}", path)), where
    for reference in _references(document):
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]
    for shape in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(shape)


def _references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from _references(inner)
