"""A workspace is scored again: facts read, science asked, rows and what is told committed.

Runs in the process that has loaded the science, and nowhere else. What is read and what is written
are transactions of their own, and neither idles while something is computed: nothing may hold a
database for the seconds the science takes, and PostgreSQL ends what idles. (Many odds take the
database seconds as well: risks and outlook are computed beside that, see `rescoring`.) The writing
one asks at its end whether the attempt still has its lease.
"""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from analytics.adapters import fact_copies, rescoring, scores
from analytics.adapters.fact_copies import Setting
from analytics.adapters.rescoring import Fence
from analytics.adapters.scores import NOW
from analytics.domain.nights import today
from analytics.science import facts_read, libraries
from analytics.science.facts import Facts
from analytics.science.types import Factor
from kit.jobs.table import LeaseLost
from kit.money import exponent
from kit.unit_of_work import UnitOfWork

OpenUnit = Callable[[], UnitOfWork]

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A workspace as it is scored: its facts at a moment, and how they are called."""

    workspace_id: UUID
    edition: str
    at: datetime
    setting: Setting
    facts: Facts
    names: Mapping[str, str]
    scale: int  # minor units of one unit of the currency; 1 where deals are counted

    @property
    def is_now(self) -> bool:
        """Whether this is the present: only that is told, and judged later."""
        return self.edition == NOW

    @property
    def today(self) -> date:
        """The day of the moment in the workspace's zone."""
        return self.day(self.at)

    def day(self, moment: datetime) -> date:
        """The day of any moment in the workspace's zone."""
        return today(self.setting.time_zone, moment)

    def minor(self, value: float) -> int | None:
        """Money of the science as integer minor units; None for NaN."""
        return None if value != value else round(value * self.scale)

    def reasons(self, factors: Sequence[Factor], *, money: bool = False) -> list[dict[str, Any]]:
        """Factors as a row holds them, with names in the place of ids."""
        scale = self.scale if money else 1
        return [
            {"name": f.name, "words": self.named(f.words), "weight": _number(f.weight * scale)}
            for f in factors
        ]

    def named(self, words: str) -> str:
        """Words with names in the place of ids."""
        if "-" not in words:  # nearly all of them, and an id has four
            return words
        return _ID.sub(lambda found: self.names.get(found[0], "unnamed"), words)


async def read_case(open_unit: OpenUnit, *, at: datetime, edition: str = NOW) -> Case:
    """The facts of a workspace as they stood at a moment.

    Copied in a transaction and read after it: reading takes a while. The libraries are loaded while
    the database copies.
    """
    loading = asyncio.create_task(asyncio.to_thread(libraries.load))
    async with open_unit() as uow:
        setting = await fact_copies.setting(uow)
        scale = 10 ** exponent(setting.currency)
        copied = await fact_copies.copied(
            uow, at=at, currency=setting.currency, scale=float(scale), past=edition != NOW
        )
        names = await fact_copies.names(uow)
    await loading
    facts = await asyncio.to_thread(
        facts_read.read,
        copied.states,
        copied.contacts,
        copied.sources,
        at=at.timestamp(),
        zone=setting.time_zone,
    )
    return Case(
        workspace_id=uow.workspace_id,
        edition=edition,
        at=at,
        setting=setting,
        facts=facts,
        names=names,
        scale=scale,
    )


async def commit_if_held(uow: UnitOfWork, fence: Fence) -> None:
    """Commit. Raises LeaseLost: another attempt has the job, and this one changes nothing."""
    await scores.written(uow)
    if not await rescoring.is_held(uow, fence):
        raise LeaseLost
    await uow.commit()


def known(value: float | None) -> float | None:
    """A number as JSON and columns take it: None for NaN."""
    return None if value is None or value != value else float(value)


def month(number: int) -> date:
    """A month of the science (since January 1970) as its first day."""
    return date(1970 + number // 12, number % 12 + 1, 1)


def moment(seconds: float) -> datetime:
    """Seconds since 1970 as an instant."""
    return datetime.fromtimestamp(seconds, UTC)


def _number(value: float) -> float:
    return round(float(value), 6)
