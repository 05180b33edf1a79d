"""The demo's source: a CRM export as published, turned into the files our own import takes.

The data's facts of life are handled here and nowhere else. See demo/crm_sales_opportunities.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

CURRENCY = "USD"
CLIENT_COLUMNS = (
    "name",
    "kind",
    "external_id",
    "address",
    "parent",
    "tags",
    "notes",
    "created_at",
)
DEAL_COLUMNS = (
    "external_id",
    "name",
    "client",
    "stage",
    "owner",
    "amount",
    "currency",
    "source",
    "created_at",
    "entered_stage_at",
    "closed_at",
    "tags",
)
_SPELLINGS = {"GTXPro": "GTX Pro", "technolgy": "technology"}
_SOURCE = "CRM export"

Row = dict[str, str]


@dataclass(frozen=True)
class Export:
    """The tables of the export, as they are."""

    accounts: list[Row]
    products: list[Row]
    pipeline: list[Row]


def read_export(folder: Path) -> Export:
    """Read the published files."""
    return Export(
        accounts=_rows(folder / "accounts.csv"),
        products=_rows(folder / "products.csv"),
        pipeline=_rows(folder / "sales_pipeline.csv"),
    )


def clients_csv(export: Export, today: date) -> str:
    """All accounts as clients, parents before their subsidiaries."""
    shift = _shift(export, today)
    first_deals = _first_deals(export)
    rows = (
        {
            "name": account["account"],
            "kind": "company",
            "external_id": account["account"],
            "address": account["office_location"],
            "parent": account["subsidiary_of"],
            "tags": _spelled(account["sector"]),
            "notes": f"Founded {account['year_established']}, {account['employees']} employees,"
            f" revenue {account['revenue']} million USD.",
            "created_at": _shifted(first_deals.get(account["account"], ""), shift),
        }
        for account in sorted(export.accounts, key=lambda account: account["subsidiary_of"] != "")
    )
    return _written(CLIENT_COLUMNS, rows)


def deals_csv(export: Export, today: date) -> str:
    """All opportunities as deals, their dates moved so that the newest lies at `today`."""
    shift = _shift(export, today)
    prices = {product["product"]: product["sales_price"] for product in export.products}
    return _written(DEAL_COLUMNS, (_deal(row, prices, shift) for row in export.pipeline))


def _deal(row: Row, prices: Row, shift: timedelta) -> Row:
    product = _spelled(row["product"])
    engaged, closed = _shifted(row["engage_date"], shift), _shifted(row["close_date"], shift)
    return {
        "external_id": row["opportunity_id"],
        "name": f"{product} for {row['account']}" if row["account"] else product,
        "client": row["account"],
        "stage": row["deal_stage"],
        "owner": row["sales_agent"],
        # Open deals have no value and lost ones say 0: what is or was at stake is the list price.
        "amount": row["close_value"] if row["deal_stage"] == "Won" else prices[product],
        "currency": CURRENCY,
        "source": _SOURCE,
        # Prospects have no date at all: they count from the day they are imported.
        "created_at": engaged,
        "entered_stage_at": closed or engaged,
        "closed_at": closed,
        "tags": product,
    }


def _shift(export: Export, today: date) -> timedelta:
    dates = (row[column] for row in export.pipeline for column in ("engage_date", "close_date"))
    return today - date.fromisoformat(max(dates))


def _shifted(day: str, shift: timedelta) -> str:
    return (date.fromisoformat(day) + shift).isoformat() if day else ""


def _first_deals(export: Export) -> dict[str, str]:
    """The first known contact with every account."""
    first: dict[str, str] = {}
    for row in export.pipeline:
        if row["account"] and row["engage_date"]:
            account = row["account"]
            first[account] = min(row["engage_date"], first.get(account, row["engage_date"]))
    return first


def _spelled(name: str) -> str:
    return _SPELLINGS.get(name, name)


def _rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _written(columns: Iterable[str], rows: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
