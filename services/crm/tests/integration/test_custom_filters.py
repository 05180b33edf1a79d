"""Lists and the board are filtered by tags and custom fields as by any other field."""

from itertools import product
from typing import Any
from uuid import UUID

import orjson
import pytest

from freelanceflow.crm.v1 import bulk_service_pb2 as bulk_pb
from freelanceflow.crm.v1 import client_service_pb2 as client_pb
from freelanceflow.crm.v1 import deal_service_pb2 as pb
from freelanceflow.crm.v1 import export_service_pb2 as export_pb
from freelanceflow.type.v1 import filter_pb2
from kit.errors import ErrorKind
from kit.ids import new_id
from kit.testing.database import ServiceDatabase, recorded_queries
from services.crm.tests.factories import Person, euros, make_client, make_deal, refused, where

TYPES = {
    "note": "text",
    "hours": "number",
    "budget": "money",
    "start": "date",
    "kind": "select",
    "skills": "multi_select",
    "site": "url",
    "remote": "checkbox",
}
VALUES: dict[str, dict[str, Any]] = {
    "A": {
        "note": "Fast 100% job",
        "hours": 12.5,
        "budget": {"amount_minor": 100_000, "currency": "EUR"},
        "start": "2026-01-31",
        "kind": "fixed",
        "skills": ["python", "sql"],
        "site": "https://a.example",
        "remote": True,
    },
    "B": {"note": "slow", "hours": 3, "start": "2026-02-01", "skills": ["go"], "remote": False},
    "C": {},
    # Of a time when the fields were of other types.
    "D": {"hours": "many", "budget": 7, "skills": "python", "remote": "yes"},
}


@pytest.fixture
async def fields(person: Person, database: ServiceDatabase) -> None:
    """Fields of every type on deals and clients, and deals with their values."""
    for resource in ("deals", "clients"):
        for position, (key, type) in enumerate(TYPES.items()):
            await database.owner.execute(
                "INSERT INTO custom_fields (id, workspace_id, version, resource, key, name, type,"
                " options, position) VALUES ($1, $2, 1, $3, $4, $4, $5, '{}', $6)",
                new_id(), person.workspace_id, resource, key, type, position,
            )  # fmt: skip
    for name, values in VALUES.items():
        deal = await make_deal(person, name=name)
        client = await make_client(person, name=name)
        for table, id in (("deals", deal.id), ("clients", client.id)):
            await database.owner.execute(
                f"UPDATE {table} SET custom_fields = $1::text::jsonb WHERE id = $2",
                orjson.dumps(values).decode(), UUID(id),
            )  # fmt: skip


CASES = [
    (("note", "CONTAINS", "100% j"), "A"),
    (("note", "EQ", "slow"), "B"),
    (("note", "NE", "slow"), "ACD"),
    (("note", "ISNULL", "true"), "CD"),
    (("note", "IN", "slow", "x"), "B"),
    (("hours", "GTE", "3"), "AB"),
    (("hours", "LT", "12.5"), "B"),
    (("hours", "EQ", "12.50"), "A"),
    (("hours", "NE", "3"), "ACD"),
    (("hours", "LTE", "3"), "B"),
    (("hours", "GT", "3"), "A"),
    (("hours", "IN", "3", "12.5", "7"), "AB"),
    (("hours", "ISNULL", "true"), "CD"),
    (("budget", "LTE", "100000"), "A"),
    (("budget", "LT", "100000"), ""),
    (("budget", "GT", "99999"), "A"),
    (("budget", "GTE", "100001"), ""),
    (("budget", "EQ", "100000"), "A"),
    (("budget", "NE", "100000"), "BCD"),
    (("budget", "IN", "5", "100000"), "A"),
    (("budget", "ISNULL", "false"), "A"),
    (("start", "GT", "2026-01-31"), "B"),
    (("start", "LTE", "2026-01-31"), "A"),
    (("start", "LT", "2026-02-01"), "A"),
    (("start", "GTE", "2026-01-31"), "AB"),
    (("start", "EQ", "2026-02-01"), "B"),
    (("start", "NE", "2026-02-01"), "ACD"),
    (("start", "IN", "2026-02-01", "2026-01-31"), "AB"),
    (("start", "ISNULL", "true"), "CD"),
    (("kind", "EQ", "fixed"), "A"),
    (("kind", "NE", "fixed"), "BCD"),
    (("kind", "IN", "hourly", "fixed"), "A"),
    (("kind", "ISNULL", "false"), "A"),
    (("skills", "CONTAINS", "sql"), "A"),
    (("skills", "EQ", "go"), "B"),
    (("skills", "NE", "go"), "ACD"),
    (("skills", "IN", "go", "sql"), "AB"),
    (("skills", "ISNULL", "true"), "C"),
    (("site", "CONTAINS", "A.EXAMPLE"), "A"),
    (("site", "EQ", "https://a.example"), "A"),
    (("site", "NE", "https://a.example"), "BCD"),
    (("site", "IN", "https://a.example", "x"), "A"),
    (("site", "ISNULL", "false"), "A"),
    (("remote", "EQ", "true"), "A"),
    (("remote", "EQ", "false"), "BCD"),
    (("remote", "NE", "true"), "BCD"),
]


@pytest.mark.parametrize(("condition", "names"), CASES, ids=lambda case: " ".join(case))
async def test_what_a_custom_field_holds_is_compared_as_its_type(
    person: Person, fields: None, condition: tuple[str, ...], names: str
) -> None:
    key, operator, *values = condition
    asked = where(f"cf_{key}", operator, *values)
    found = await person.list_deals(asked, with_total=True)
    assert ("".join(sorted(d.name for d in found.deals)), found.total) == (names, len(names))
    column = (await person.board(asked))["Prospecting"]
    assert (column.count, len(column.cards)) == (len(names), len(names))
    request = client_pb.ListClientsRequest(conditions=[asked], with_total=True)
    clients = await person.call("ListClients", request)
    assert ("".join(c.name for c in clients.clients), clients.total) == (names, len(names))


async def test_exports_and_changes_of_many_take_the_same_filters(
    person: Person, fields: None
) -> None:
    for condition, names in CASES:
        key, operator, *values = condition
        asked = where(f"cf_{key}", operator, *values)
        for resource in ("Deals", "Clients"):
            request = export_pb.CreateExportRequest(
                resource=getattr(export_pb, f"EXPORT_RESOURCE_{resource.upper()}"),
                format=export_pb.EXPORT_FORMAT_CSV,
                conditions=[asked],
            )
            exported = await person.call("CreateExport", request)
            assert exported.total_rows == len(names), condition
            tag = bulk_pb.BulkChange(action=bulk_pb.BULK_ACTION_TAG, conditions=[asked])
            tag.add_tags.append("seen")
            change = getattr(bulk_pb, f"Change{resource}Request")(change=tag)
            changed = await person.call(f"Change{resource}", change)
            assert (changed.total, len(changed.results)) == (len(names), len(names)), condition


async def test_amounts_of_a_field_are_compared_in_one_currency(
    person: Person, fields: None, database: ServiceDatabase
) -> None:
    for name, minor, currency in (("E", 100_000, "JPY"), ("F", 200_000, "CHF"), ("G", 1, "EUR")):
        deal = await make_deal(person, name=name)
        budget = {"budget": {"amount_minor": minor, "currency": currency}}
        await database.owner.execute(
            "UPDATE deals SET custom_fields = $1::text::jsonb WHERE id = $2",
            orjson.dumps(budget).decode(), UUID(deal.id),
        )  # fmt: skip

    async def names(operator: str, *values: str) -> str:
        found = await person.list_deals(where("cf_budget", operator, *values))
        return "".join(sorted(deal.name for deal in found.deals))

    assert await names("GTE", "100000") == "A"  # what the workspace adds up in
    assert await names("GTE", "100000 JPY") == "E"
    assert await names("LT", "200001 CHF") == "F"
    assert await names("NE", "100000 JPY") == "ABCDFG"
    assert await names("IN", "1 EUR", "100000 EUR", "200000 EUR") == "AG"
    assert await names("ISNULL", "false") == "AEFG"
    for values in (("1 EUR", "1 JPY"), ("1", "1 EUR"), ("1 euros",), ("EUR",), ("1EUR",)):
        with refused(ErrorKind.INVALID, "VALUE_INVALID"):
            await names("IN", *values)
    await database.owner.execute(
        "INSERT INTO workspaces (workspace_id, version, name, currency, time_zone)"
        " VALUES ($1, 9, '', 'CHF', 'UTC')"
        " ON CONFLICT (workspace_id) DO UPDATE SET currency = 'CHF'",
        person.workspace_id,
    )
    assert await names("GTE", "1") == "F"


async def test_pages_go_on_and_belong_to_their_field(person: Person, fields: None) -> None:
    asked = where("cf_hours", "ISNULL", "true")
    first = await person.list_deals(asked, page_size=1)
    second = await person.list_deals(asked, page_size=1, page_token=first.next_page_token)
    assert [d.name for d in (*first.deals, *second.deals)] == ["D", "C"]
    assert second.next_page_token == ""
    with refused(ErrorKind.INVALID, "PAGE_TOKEN_INVALID"):
        other = where("cf_budget", "ISNULL", "true")
        await person.list_deals(other, page_size=1, page_token=first.next_page_token)


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (("cf_unknown", "EQ", "x"), "FIELD_NOT_FILTERABLE"),
        (("note", "EQ", "x"), "FIELD_NOT_FILTERABLE"),
        (("cf_", "EQ", "x"), "FIELD_NOT_FILTERABLE"),
        (("cf_hours", "CONTAINS", "1"), "OPERATOR_NOT_SUPPORTED"),
        (("cf_hours", "EQ", "many"), "VALUE_INVALID"),
        (("cf_hours", "EQ", "NaN"), "VALUE_INVALID"),
        (("cf_start", "EQ", "yesterday"), "VALUE_INVALID"),
        (("cf_remote", "EQ", "yes"), "VALUE_INVALID"),
        (("cf_remote", "ISNULL", "true"), "OPERATOR_NOT_SUPPORTED"),
    ],
)
async def test_a_custom_filter_that_makes_no_sense_is_refused(
    person: Person, fields: None, condition: tuple[str, ...], reason: str
) -> None:
    with refused(ErrorKind.INVALID, reason):
        await person.list_deals(where(*condition))


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (("cf_hours", "GTE", "many"), "Write a number, such as 12.5."),
        (("cf_start", "EQ", "30.4.2026"), "Write a date, such as 2026-04-30."),
        (("cf_hours", "ISNULL", "yes"), "Write true or false."),
        (("name", "IN", *["x"] * 101), "Write a text of 500 characters at most; 1 to 100 of them."),
    ],
)
async def test_who_is_refused_is_told_how_to_write_it(
    person: Person, fields: None, condition: tuple[str, ...], words: str
) -> None:
    with refused(ErrorKind.INVALID, "VALUE_INVALID") as refusal:
        await person.list_deals(where(*condition))
    assert refusal.value.fields == {condition[0]: words}


async def test_an_operator_that_does_not_fit_the_type_is_refused(
    person: Person, fields: None
) -> None:
    operators = {
        name.removeprefix("OPERATOR_") for name in filter_pb2.Operator.DESCRIPTOR.values_by_name
    }
    fitting = {(key, operator) for (key, operator, *_), _ in CASES}
    for key, operator in set(product(TYPES, operators - {"UNSPECIFIED"})) - fitting:
        with refused(ErrorKind.INVALID, "OPERATOR_NOT_SUPPORTED"):
            await person.list_deals(where(f"cf_{key}", operator, "1"))


async def test_another_workspaces_fields_are_unknown(stranger: Person, fields: None) -> None:
    with refused(ErrorKind.INVALID, "FIELD_NOT_FILTERABLE"):
        await stranger.list_deals(where("cf_hours", "EQ", "1"))


async def test_only_filters_that_name_custom_fields_ask_for_them(
    person: Person, fields: None, database: ServiceDatabase
) -> None:
    with recorded_queries(database.app) as queries:
        await person.list_deals(where("source", "EQ", "web"))
    assert len(queries) == 1, queries
    with recorded_queries(database.app) as queries:
        await person.list_deals(where("cf_hours", "GT", "1"), where("cf_note", "EQ", "x"))
    assert len(queries) == 2, queries


async def test_tags_are_asked_for_one_by_one_or_any_of_several(person: Person) -> None:
    for name, tags in {"A": ["web", "big"], "B": ["web"], "C": []}.items():
        await make_deal(person, name=name, tags=tags, amount=euros(1))
    for condition, names in (
        (where("tags", "EQ", "web"), "AB"),
        (where("tags", "CONTAINS", "big"), "A"),
        (where("tags", "IN", "big", "x"), "A"),
        (where("tags", "IN", "big", "web"), "AB"),
        (where("tags", "NE", "big"), "BC"),
        (where("tags", "ISNULL", "true"), "C"),
    ):
        found = await person.list_deals(condition)
        assert "".join(sorted(deal.name for deal in found.deals)) == names, condition


async def test_lists_are_sorted_by_odds_and_by_what_comes_next(
    person: Person, database: ServiceDatabase
) -> None:
    for name, due in {"A": "2026-03-01", "B": "", "C": "2026-02-01"}.items():
        await make_deal(person, name=name, next_step_due_date=due)
    for name, odds in {"A": 0.2, "C": 0.7}.items():
        sql = "UPDATE deals SET win_probability = $1 WHERE name = $2 AND workspace_id = $3"
        await database.owner.execute(sql, odds, name, person.workspace_id)
    for field, names in (("win_probability", "BAC"), ("next_step_due_date", "BCA")):
        found, token = "", ""
        while True:
            page: pb.ListDealsResponse = await person.list_deals(
                sort=[{"field": field}], page_size=1, page_token=token
            )
            found, token = found + page.deals[0].name, page.next_page_token
            if not token:
                break
        assert found == names
    assert len((await person.list_deals(where("win_probability", "GTE", "0.5"))).deals) == 1
