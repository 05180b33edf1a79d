"""What the supervisor runs: units, what each needs first, and how to see that it is ready."""

import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from local.processes import Command


@dataclass(frozen=True)
class Unit:
    """A process to keep running, or (without `ready`) a task to run to its end.

    `prepare` may block and may write files; a task with nothing to do answers None.
    `finish` is called when a task has succeeded. It starts when its needs are ready; what it merely
    uses may come later, but both end after it.
    """

    name: str
    prepare: Callable[[], Command | None]
    ready: Callable[[int], bool] | None = None
    finish: Callable[[], None] = lambda: None
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    metrics: str | None = None

    @property
    def is_task(self) -> bool:
        """Whether its end is its success."""
        return self.ready is None


def answers(url: str) -> Callable[[int], bool]:
    """A probe: the page is there."""

    def probe(_pid: int) -> bool:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    return probe


def check_graph(units: Iterable[Unit]) -> None:
    """Refuse a graph that could never start: an unknown need, or a circle."""
    needs = {unit.name: {*unit.needs, *unit.uses} for unit in units}
    unknown = {need for wanted in needs.values() for need in wanted} - set(needs)
    if unknown:
        raise ValueError(f"needed but not defined: {', '.join(sorted(unknown))}")
    while needs:
        startable = {name for name, wanted in needs.items() if not wanted & set(needs)}
        if not startable:
            raise ValueError(f"these wait for each other: {', '.join(sorted(needs))}")
        needs = {name: wanted for name, wanted in needs.items() if name not in startable}
