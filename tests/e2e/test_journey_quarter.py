"""The quarter's won deals go to the tax adviser: what the table shows is what the files hold."""

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
from playwright.async_api import Page, expect

from tests.e2e.support.api import Person
from tests.e2e.support.browsing import Open
from tests.e2e.support.platform import until

# Won around both ends of the quarter; one of the same days was lost.
ROWS = """deal,client,amount,stage,created,closed,lost reason
Before the quarter,Acme,100,Won,2025-11-03,2025-12-31,
First of January,Acme,"1,200.50",Won,2025-12-01,2026-01-01,
Middle of the quarter,Weir & Heron,800,Won,2026-01-10,2026-02-14,
=Last of March,Weir & Heron,2400,Won,2026-02-01,2026-03-31,
Lost in March,Acme,700,Lost,2026-02-01,2026-03-10,Price
After the quarter,Acme,900,Won,2026-03-01,2026-04-01,
"""
QUARTER = {"closed_at__gte": "2026-01-01", "closed_at__lte": "2026-03-31", "stage_type": "won"}


async def test_the_quarter_is_exported_as_it_is_shown(visit: Open, owner: Person) -> None:
    await bring(owner, ROWS)
    here = await visit(owner)
    page = here.page
    await here.open("/pipeline?layout=table")
    await page.get_by_role("button", name="More filters").click()
    await page.get_by_label("Outcome").select_option("won")
    await page.get_by_label("Closed from").fill(QUARTER["closed_at__gte"])
    await page.get_by_label("Closed by", exact=True).fill(QUARTER["closed_at__lte"])
    await here.shot("journey-quarter-filter-1440")
    await page.get_by_role("button", name="Apply").first.click()
    await expect(page.locator("[data-total]")).to_contain_text("3 deals, €4,400.50")
    await page.get_by_role("link", name="Closed", exact=True).click()
    await here.is_live()
    await here.shot("journey-quarter-table-1440")

    # What the API answers to the same question, which every file must hold.
    answer = await owner.request("GET", "/deals", params=QUARTER | {"sort": "closed_at"})
    listed = answer.json()["items"]
    names = ["First of January", "Middle of the quarter", "=Last of March"]
    assert [deal["name"] for deal in listed] == names
    assert await page.locator("tbody th").all_inner_texts() == names

    book = openpyxl.load_workbook(io.BytesIO(await exported(page, "Excel", "xlsx")))
    head, *rows = [list(row) for row in book.active.iter_rows(values_only=True)]
    assert [row_of(head, row) for row in rows] == [expected(deal) for deal in listed]
    text = (await exported(page, "CSV", "csv")).decode("utf-8-sig")
    head, *lines = list(csv.reader(io.StringIO(text)))
    assert [row_of(head, line) for line in lines] == [
        expected(deal) | {"Name": "'" * deal["name"].startswith("=") + deal["name"]}
        for deal in listed
    ]
    assert (await exported(page, "PDF", "pdf")).startswith(b"%PDF-")
    files = (await owner.get("/exports"))["items"]
    assert {file["format"]: file["rows"] for file in files} == {"xlsx": 3, "csv": 3, "pdf": 3}
    await here.open("/exports")
    await here.shot("journey-quarter-files-1440")


async def bring(owner: Person, rows: str) -> None:
    """Deals with their past, as they come from another program."""
    made = await owner.request(
        "POST",
        "/imports",
        data={"resource": "deals"},
        files={"file": ("past.csv", rows, "text/csv")},
    )
    path = f"/imports/{made.json()['id']}"
    changed = await owner.request("PATCH", path, json={"create_clients": True})
    assert changed.status_code == 200, changed.text
    await owner.post(f"{path}/check", status=202)
    await until(lambda: is_(owner, path, "ready"))
    await owner.post(f"{path}/commit", status=202)
    await until(lambda: is_(owner, path, "done"))
    assert (await owner.get(path))["created_rows"] == 6


async def is_(owner: Person, path: str, status: str) -> bool:
    """Whether an import has come so far."""
    return bool((await owner.get(path))["status"] == status)


async def exported(page: Page, name: str, suffix: str) -> bytes:
    """The file that the notice offers once it is written."""
    await page.get_by_role("button", name="Export this list").click()
    await page.get_by_role("button", name=name, exact=True).click()
    link = page.get_by_role("link", name="Download")
    await expect(link).to_be_visible()
    async with page.expect_download() as download:
        await link.click()
    file = await download.value
    assert Path(file.suggested_filename).suffix == f".{suffix}"
    notice = page.locator(".toast").filter(has=link)
    await notice.get_by_role("button", name="Dismiss").click()
    await expect(link).to_have_count(0)
    return (await file.path()).read_bytes()


def row_of(head: list[Any], row: list[Any]) -> dict[str, str]:
    """What a row says under the names of the columns that are compared."""
    said = dict(zip(head, row, strict=True))
    return {
        "Name": said["Name"],
        "Client": said["Client"],
        "Amount": f"{float(said['Amount']):.2f}",
        "Closed on": str(said["Closed on"])[:10],
    }


def expected(deal: dict[str, Any]) -> dict[str, str]:
    """The same of an answer of the API."""
    return {
        "Name": deal["name"],
        "Client": deal["client_name"],
        "Amount": f"{deal['amount']['amount_minor'] / 100:.2f}",
        "Closed on": date.fromisoformat(deal["closed_at"][:10]).isoformat(),
    }
