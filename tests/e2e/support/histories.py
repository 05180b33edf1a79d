"""Workspaces with a past, imported as a person would, until analytics has told what of it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

from tests.e2e.support.api import Person
from tests.e2e.support.platform import until

REPORTS = (
    "pipeline", "summary", "health", "conversion", "clients", "activity", "velocity", "forecast",
    "deals", "churn", "accuracy",
)  # fmt: skip
PAGES = ("", "/clients", "/deals", "/pipeline", "/accuracy")
BEHIND = "will be in it soon"
PATIENCE = 400  # seconds: all are scored one after another


@dataclass(frozen=True)
class Past:
    """A deal of the file: created and closed so many days ago; `closed` is None for an open one."""

    created: float
    closed: float | None = None
    stage: str = "Won"
    client: str = "Acme"
    amount: str = "1000"
    currency: str = "EUR"
    name: str = "Website"

    def row(self, now: datetime) -> str:
        """As the file has it."""
        closed = "" if self.closed is None else _day(now, self.closed)
        stage = "Prospecting" if self.closed is None else self.stage
        fields = (self.name, self.client, self.amount, self.currency, stage)
        return ",".join((*fields, _day(now, self.created), closed))


def _day(now: datetime, ago: float) -> str:
    return (now - timedelta(days=ago)).date().isoformat()


async def lived(person: Person, deals: Iterable[Past]) -> int:
    """Import deals; answers how many there are."""
    now = datetime.now(UTC)
    rows = [deal.row(now) for deal in deals]
    text = "\n".join(["name,client,amount,currency,stage,created,closed", *rows])
    made = await person.request(
        "POST",
        "/imports",
        data={"resource": "deals"},
        files={"file": ("deals.csv", text, "text/csv")},
    )
    assert made.status_code == 201, made.text
    here = f"/imports/{made.json()['id']}"
    settings = {"create_clients": True, "on_duplicate": "create"}
    changed = await person.request("PATCH", here, json=settings)
    assert changed.status_code == 200, changed.text
    await person.post(f"{here}/commit", status=202)

    async def is_done() -> bool:
        return (await person.get(here))["status"] in ("done", "failed")

    await until(is_done, patience=PATIENCE)
    ended = await person.get(here)
    assert ended["failed_rows"] == 0, ended
    return int(ended["created_rows"])


async def told(person: Person, deals: int) -> None:
    """Wait until reports rest on so many deals."""

    async def is_told() -> bool:
        answers = {}
        for name in ("health", "forecast", "deals", "churn"):
            answer = await person.request("GET", f"/analytics/{name}")
            if answer.status_code != 200 or BEHIND in answer.json()["basis"]:
                return False
            answers[name] = answer.json()
        return bool(answers["health"]["model"]["sample_size"] == deals)

    await until(is_told, patience=PATIENCE)


async def reports(person: Person, **query: Any) -> dict[str, Any]:
    """All that the API tells."""
    return {name: await person.get(f"/analytics/{name}", **query) for name in REPORTS}


async def page(person: Person, path: str) -> str:
    """A page's HTML, as the person's browser would get it."""
    answer = await person.http.get(path, headers={"Cookie": f"ff_access={person.token}"})
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    return answer.text


def told_shares(answer: Any, names: frozenset[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every share in an answer, with the record nearest to it that says what it rests on."""
    yield from _shares(answer, names, {})


def _shares(
    part: Any, names: frozenset[str], rests: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(part, list):
        for item in part:
            yield from _shares(item, names, rests)
    elif isinstance(part, dict):
        own = part if "model" in part and "basis" in part else rests
        for name, value in part.items():
            if name in names and isinstance(value, int | float):
                yield name, own
            yield from _shares(value, names, own)


class Panels(HTMLParser):
    """What a reader sees of a page, panel by panel: `section` elements, else the whole."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.panels: list[str] = []
        self._open: list[list[str]] = [[]]
        self._unseen = 0
        self.feed(html)
        self.panels.append(_tidy(self._open[0]))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "title"):
            self._unseen += 1
        if tag == "section":
            self._open.append([])

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "title"):
            self._unseen -= 1
        if tag == "section" and len(self._open) > 1:
            self.panels.append(_tidy(self._open.pop()))

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._open[-1].append(data)


def _tidy(parts: list[str]) -> str:
    return re.sub(r"\s+", " ", " ".join(parts)).strip()
