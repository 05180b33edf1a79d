"""`python -m analytics studio FOLDER`: a simulated studio as the files that crm imports.

Three years that end today, with seasons, clients who leave and two currencies, so that what needs
a past can be looked at. The same day gives the same files.
"""

import argparse
import csv
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from analytics.science import simulate
from kit.clock import SystemClock

SEED, YEARS, CLIENTS = 11, 3, 60
STAGES = {"lead": "Lead", "proposal": "Proposal", "negotiation": "Negotiation"}
ENDS = {"won": "Won", "lost": "Lost"}


def main(arguments: Sequence[str]) -> int:
    """Write clients.csv and deals.csv; 0."""
    parser = argparse.ArgumentParser(prog="python -m analytics studio", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--stages", nargs=5, metavar="NAME", help="open ones, won, lost")
    options = parser.parse_args(arguments)
    names = {**STAGES, **ENDS}
    if options.stages:
        names = dict(zip(names, options.stages, strict=True))
    begin = SystemClock().now().date() - timedelta(days=round(365.25 * YEARS))
    studio = simulate.studio(SEED, YEARS, clients=CLIENTS, start=begin.isoformat())
    options.folder.mkdir(parents=True, exist_ok=True)
    _write(options.folder / "clients.csv", _clients(studio))
    _write(options.folder / "deals.csv", _deals(studio, names))
    return 0


def _clients(studio: simulate.Studio) -> Iterable[dict[str, Any]]:
    for row in studio.clients.itertuples():
        yield {
            "name": row.name,
            "kind": "company",
            "external_id": row.client_id,
            "created_at": row.joined.date(),
        }


def _deals(studio: simulate.Studio, names: dict[str, str]) -> Iterable[dict[str, Any]]:
    called = dict(zip(studio.clients.client_id, studio.clients.name, strict=True))
    entered = studio.stages.groupby("deal_id")["entered"].max()
    for row in studio.deals.itertuples():
        is_open = row.stage in STAGES
        yield {
            "external_id": row.deal_id,
            "name": f"{row.service.capitalize()} for {called[row.client_id]}",
            "client": called[row.client_id],
            "stage": names[row.stage],
            "amount": f"{row.value:.2f}",
            "currency": row.currency,
            "source": row.source,
            "created_at": row.created.date(),
            "entered_stage_at": entered[row.deal_id].date(),
            "closed_at": "" if is_open else row.closed.date(),
            "tags": row.service,
        }


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    lines = list(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
