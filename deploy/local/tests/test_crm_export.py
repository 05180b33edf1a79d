"""The demo's mapping, on the real export."""

import csv
import io
from collections import Counter
from datetime import date

import pytest

from local.crm_export import Export, Row, clients_csv, deals_csv, read_export
from local.paths import ROOT

TODAY = date(2026, 2, 3)


@pytest.fixture(scope="module")
def export() -> Export:
    return read_export(ROOT / "demo" / "crm_sales_opportunities")


@pytest.fixture(scope="module")
def clients(export: Export) -> list[Row]:
    return list(csv.DictReader(io.StringIO(clients_csv(export, TODAY))))


@pytest.fixture(scope="module")
def deals(export: Export) -> list[Row]:
    return list(csv.DictReader(io.StringIO(deals_csv(export, TODAY))))


def test_every_account_becomes_a_client_after_its_parent(clients: list[Row]) -> None:
    names = [client["name"] for client in clients]
    assert len(names) == len(set(names)) == 85
    parents = [(client["parent"], client["name"]) for client in clients if client["parent"]]
    assert len(parents) == 15
    assert all(names.index(parent) < names.index(child) for parent, child in parents)
    assert all(client["created_at"] for client in clients)


def test_every_opportunity_becomes_a_deal(deals: list[Row]) -> None:
    assert len({deal["external_id"] for deal in deals}) == 8_800
    assert Counter(deal["stage"] for deal in deals) == {
        "Won": 4_238,
        "Lost": 2_473,
        "Engaging": 1_589,
        "Prospecting": 500,
    }
    assert len({deal["owner"] for deal in deals}) <= 35
    assert sum(not deal["client"] for deal in deals) == 1_425


def test_deals_name_known_clients_and_real_products(clients: list[Row], deals: list[Row]) -> None:
    assert {deal["client"] for deal in deals} - {""} <= {client["name"] for client in clients}
    assert len({deal["tags"] for deal in deals}) == 7
    assert not any("GTXPro" in deal["name"] for deal in deals)


def test_amounts_are_what_was_paid_or_is_at_stake(export: Export, deals: list[Row]) -> None:
    assert all(float(deal["amount"]) > 0 for deal in deals)
    won = sum(float(row["close_value"]) for row in export.pipeline if row["deal_stage"] == "Won")
    assert sum(float(deal["amount"]) for deal in deals if deal["stage"] == "Won") == won
    open_pros = {deal["amount"] for deal in deals if deal["tags"] == "GTX Pro"} & {"4821"}
    assert open_pros == {"4821"}


def test_the_newest_date_lies_at_today_and_distances_are_kept(
    export: Export, deals: list[Row]
) -> None:
    columns = ("created_at", "entered_stage_at", "closed_at")
    dates = [deal[column] for deal in deals for column in columns if deal[column]]
    assert max(dates) == TODAY.isoformat()
    assert sum(not deal["created_at"] for deal in deals) == 500
    for row, deal in zip(export.pipeline, deals, strict=True):
        assert bool(row["close_date"]) == bool(deal["closed_at"])
        if row["close_date"]:
            assert _days(row["engage_date"], row["close_date"]) == _days(
                deal["created_at"], deal["closed_at"]
            )


def _days(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days
