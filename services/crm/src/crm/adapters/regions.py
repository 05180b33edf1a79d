"""Which country a time zone lies in, from the table that comes with the time zones."""

from functools import cache
from importlib.resources import files

_COUNTRY, _ZONE = 0, 2  # columns of zone.tab


def region_of(time_zone: str) -> str:
    """The ISO 3166 code, or nothing for a zone of no country such as UTC."""
    return _regions().get(time_zone, "")


@cache
def _regions() -> dict[str, str]:
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
    return {row[_ZONE]: row[_COUNTRY] for row in rows}
