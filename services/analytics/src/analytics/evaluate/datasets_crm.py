"""The CRM export and the CDNOW purchases, as the back-tests read them.

The export is of a fictitious company: its dates and values are of real form, but who wins is close
to independent of every field. It tests revenue, and that a win model claims no skill it lacks.
"""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analytics.evaluate import churn, revenue, win
from analytics.evaluate.datasets import repository
from analytics.evaluate.table import Table, read_table

Floats = NDArray[np.float64]

WIN_CUT = np.datetime64("2017-08-01")
REVENUE_CUTS = [np.datetime64(f"2017-{month:02d}-01") for month in range(6, 13)]
CHURN_CUT = np.datetime64("1998-01-01")
HORIZON = 180


def crm_revenue() -> revenue.Book:
    """Engaged deals by seller; an open deal is asked for at list price, a win at what was paid."""
    table, price = _pipeline()
    engaged = _engaged(table)
    book = revenue.Book(
        np.array(table.columns["sales_agent"]),
        table.dates("engage_date"),
        table.dates("close_date"),
        table.outcomes("deal_stage"),
        price,
        np.nan_to_num(table.numbers("close_value")),
    )
    return revenue.Book(*(getattr(book, name)[engaged] for name in revenue.Book.__slots__))


def crm_win() -> win.Book:
    """The same deals with what is known at creation: client, product, sector, region, price."""
    table, price = _pipeline()
    sector = _lookup("accounts.csv", "account", "sector")
    region = _lookup("sales_teams.csv", "sales_agent", "regional_office")
    created = table.dates("engage_date")
    order = np.flatnonzero(_engaged(table))
    order = order[np.argsort(created[order], kind="stable")]
    texts = {
        "client": table.columns["account"],
        "product": table.columns["product"],
        "sector": [sector.get(name, "") for name in table.columns["account"]],
        "region": [region.get(name, "") for name in table.columns["sales_agent"]],
        "owner": table.columns["sales_agent"],
    }
    return win.Book(
        created[order],
        table.dates("close_date")[order],
        table.outcomes("deal_stage")[order],
        {name: [column[i] for i in order] for name, column in texts.items()},
        {"value": price[order]},
        "client",
        "value",
        ["close_value (written at closing)"],
    )


def cdnow() -> churn.Purchases:
    """All CDNOW orders with a value."""
    path = repository() / "services/analytics/data/cdnow/transactions.csv.gz"
    return churn.read(read_table(path))


def _pipeline() -> tuple[Table, Floats]:
    """The export and each deal's list price, the usual price where the product has none."""
    table = read_table(_folder() / "sales_pipeline.csv")
    # The export writes one product in two ways.
    products = [name.replace("GTXPro", "GTX Pro") for name in table.columns["product"]]
    table.columns["product"][:] = products
    prices = _lookup("products.csv", "product", "sales_price")
    price = np.array([float(prices[name]) if name in prices else np.nan for name in products])
    return table, np.where(np.isnan(price), np.nanmedian(price), price)


def _engaged(table: Table) -> NDArray[np.bool_]:
    return ~np.isnat(table.dates("engage_date"))


def _lookup(file: str, key: str, value: str) -> dict[str, str]:
    with (_folder() / file).open(encoding="utf-8-sig", newline="") as stream:
        return {row[key]: row[value] for row in csv.DictReader(stream)}


def _folder() -> Path:
    return repository() / "demo" / "crm_sales_opportunities"
