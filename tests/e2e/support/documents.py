"""What a reader finds in a PDF, and in a chart drawn as SVG."""

import io
import re
from dataclasses import dataclass

from pypdf import PdfReader

from tests.e2e.support.api import Person
from tests.e2e.support.platform import until

PATIENCE = 120  # seconds
MONTH = re.compile(
    r'<g class="chart-month".*?<title>(.*?)</title>.*?<circle cx="[^"]*" cy="([^"]*)"'
)


@dataclass(frozen=True)
class Drawn:
    """One month of a chart: what it says to whoever points at it, and how low it stands."""

    words: str
    y: float


async def report_text(person: Person, **asked: object) -> str:
    """The words of the dashboard's PDF, as a reader of the file finds them."""
    made = await person.post("/analytics/report", {"locale": "en", **asked}, 202)
    here = f"/analytics/reports/{made['id']}"

    async def is_made() -> bool:
        return (await person.get(here))["status"] in ("done", "failed")

    await until(is_made, patience=PATIENCE)
    answer = await person.request("GET", f"{here}/file")
    assert answer.status_code == 200, answer.text
    return pdf_text(answer.content)


def pdf_text(content: bytes) -> str:
    """All pages, with single spaces between words."""
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]
    return re.sub(r"\s+", " ", " ".join(pages))


def drawn(html: str) -> list[Drawn]:
    """The months of the first chart of a page, on its wide sheet."""
    sheet = html.partition('<svg class="chart chart-wide"')[2].partition("</svg>")[0]
    return [Drawn(words, float(y)) for words, y in MONTH.findall(sheet)]
