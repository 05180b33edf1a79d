"""Speed and memory of the science, held against its limits.

    python -m bench.science [--only NAME] [--cpu] [--write]

Every line runs in a process of its own, so that peak memory is its own and imports are paid before
the clock starts. Limits are for wall time on two free cores; `--cpu` holds CPU time against them
instead, for a machine that is busy with something else.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

ROWS_PER_CLIENT = 5.4
SERIES = 40
PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- science: begin -->", "<!-- science: end -->"


@dataclass(frozen=True, slots=True)
class Line:
    """One measurement: seconds of wall and CPU, peak memory, and the limit it is held against."""

    name: str
    wall_s: float
    cpu_s: float
    peak_mb: float
    limit_s: float
    limit_mb: float | None = None

    def met(self, *, cpu: bool) -> bool:
        """Whether time and memory are within the limits."""
        seconds = self.cpu_s if cpu else self.wall_s
        return seconds <= self.limit_s and (self.limit_mb is None or self.peak_mb <= self.limit_mb)


# ---------------------------------------------------------------- what is measured


def forecast(*, gate: bool) -> Callable[[], None]:
    """One forecast of twelve months; histories of 36 to 72 months take turns."""
    from analytics.evaluate.datasets import m3_monthly
    from analytics.science.forecast import forecast_monthly

    series = iter([s.history for s in m3_monthly(take=SERIES + 2)] * 2)
    return lambda: _use(forecast_monthly(next(series), 12, deadline_s=5.0 if gate else 0.0))


def churn(clients: int) -> Callable[[], None]:
    """Score a workspace of so many clients from its raw purchases, the fit included."""
    from analytics.science.churn import score
    from analytics.science.frames import frame

    rng = np.random.default_rng(1)
    rows = round(clients * ROWS_PER_CLIENT)
    client = np.concatenate([np.arange(clients), rng.integers(0, clients, rows - clients)])
    date = np.datetime64("2022-01-01") + rng.integers(0, 900, rows).astype("timedelta64[D]")
    purchases = frame({"client_id": client, "date": date, "value": rng.lognormal(5, 1, rows)})
    return lambda: _use(score(purchases, "2024-06-20", 90))


def win_score(deals: int) -> Callable[[], None]:
    """Score open deals with a model of 20,000 closed ones."""
    from analytics.science import win

    closed, won, columns = _deals(20_000, seed=1)
    model = win.fit(closed, won, columns)
    asked, _, _ = _deals(deals, seed=2)
    return lambda: _use(model.probability(asked))


def win_fit(deals: int) -> Callable[[], None]:
    """Refit the win model of a workspace."""
    from analytics.science import win

    closed, won, columns = _deals(deals, seed=1)
    return lambda: _use(win.fit(closed, won, columns))


def _deals(count: int, seed: int):  # type: ignore[no-untyped-def]  # frames are the science's own
    from analytics.science import win
    from analytics.science.frames import frame

    rng = np.random.default_rng(seed)
    value = rng.lognormal(8, 1, count)
    source, sector = rng.integers(0, 8, count), rng.integers(0, 12, count)
    age, touches = rng.exponential(30, count), rng.poisson(4, count).astype(float)
    odds = 0.4 * (source % 3) - 0.3 * np.log(value / 3000) - 0.02 * age + 0.2 * touches - 0.8
    won = (rng.random(count) < 1 / (1 + np.exp(-odds))).astype(float)
    columns = win.Columns(
        categorical=["source", "sector"], numeric=["age", "touches"], client="client", value="value"
    )
    table = frame(
        {
            "source": source.astype(str),
            "sector": sector.astype(str),
            "client": rng.integers(0, max(count // 8, 1), count).astype(str),
            "age": age, "touches": touches, "value": value,
        }
    )  # fmt: skip
    return table, won, columns


def _use(_answer: object) -> None:
    """The answer is made; nothing else is measured."""


LINES: dict[str, tuple[Callable[[], Callable[[], None]], int, float, float | None]] = {
    "forecast, with gate, p95": (lambda: forecast(gate=True), SERIES, 1.0, None),
    "forecast, without gate, p95": (lambda: forecast(gate=False), SERIES, 0.15, None),
    "churn, 10,000 clients": (lambda: churn(10_000), 3, 1.0, None),
    "churn, 100,000 clients": (lambda: churn(100_000), 3, 1.0, None),
    "churn, 1,000,000 clients": (lambda: churn(1_000_000), 1, 5.0, 600.0),
    "win odds, 100,000 deals scored": (lambda: win_score(100_000), 3, 5.0, None),
    "win odds, refit at 20,000 closed": (lambda: win_fit(20_000), 1, 10.0, None),
}
"""Name -> (what to prepare, how often to run it, seconds allowed, megabytes allowed)."""

GROWTH = ("churn, 10,000 clients", "churn, 1,000,000 clients", 100.0)
"""A hundred times the rows may take a hundred times as long."""


# ---------------------------------------------------------------- measuring


def measure(name: str) -> Line:
    """Run one line in this process: 95th percentile of many runs, median of few."""
    prepare, runs, limit_s, limit_mb = LINES[name]
    run = prepare()
    if runs > 1:
        run()  # imports and compiled code
    else:
        _warm(name)
    wall, cpu = [], []
    for _ in range(runs):
        before, started = _cpu(), time.perf_counter()
        run()
        wall.append(time.perf_counter() - started)
        cpu.append(_cpu() - before)
    place = 95 if runs >= 20 else 50
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Line(
        name, float(np.percentile(wall, place)), float(np.percentile(cpu, place)),
        peak, limit_s, limit_mb,
    )  # fmt: skip


def _warm(name: str) -> None:
    """Pay for imports on a small case, so that a single run is not a cold one."""
    (churn(2_000) if name.startswith("churn") else win_fit(300))()


def _cpu() -> float:
    """CPU seconds of this process and of the children it waited for."""
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _in_child(name: str) -> Line:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "bench.science", "--child", name],
        check=True, stdout=subprocess.PIPE, env=environment,
    )  # fmt: skip
    return Line(**json.loads(done.stdout))


# ---------------------------------------------------------------- telling


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and end with 1 when a limit is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.science", description=__doc__)
    parser.add_argument("--only", metavar="TEXT", default="", help="lines whose name holds this")
    parser.add_argument("--cpu", action="store_true", help="hold CPU time against the limits")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md as well")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        sys.stdout.write(json.dumps(asdict(measure(options.child))))
        return 0
    names = [name for name in LINES if options.only in name]
    load = os.getloadavg()[0]
    lines = {name: _in_child(name) for name in names}
    ratio = _growth(lines, cpu=options.cpu)
    notes = [
        f"Held against the limits: {'CPU' if options.cpu else 'wall'} time. Load average before:"
        f" {load:.1f} on {os.cpu_count()} cores."
    ]
    if ratio is not None:
        notes.append(f"Growth: 100 times the clients took {ratio:.0f} times as long.")
    told = "\n" + "\n".join(notes) + "\n"
    sys.stdout.write(_table(list(lines.values()), cpu=options.cpu, markdown=False) + told)
    if options.write:
        _write(_table(list(lines.values()), cpu=options.cpu, markdown=True) + told)
    met = all(line.met(cpu=options.cpu) for line in lines.values())
    return 0 if met and (ratio is None or ratio <= GROWTH[2]) else 1


def _growth(lines: dict[str, Line], *, cpu: bool) -> float | None:
    """How many times as long the large case took as the small one, when both were measured."""
    if GROWTH[0] not in lines or GROWTH[1] not in lines:
        return None
    few, many = lines[GROWTH[0]], lines[GROWTH[1]]
    return many.cpu_s / few.cpu_s if cpu else many.wall_s / few.wall_s


def _write(text: str) -> None:
    """Into the page, between its marks; what people wrote around them stays."""
    before, begin, rest = PAGE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{PAGE.name} lacks its marks {BEGIN} and {END}")
    PAGE.write_text(f"{before}{BEGIN}\n{text}{END}{after}")


def _table(lines: Sequence[Line], *, cpu: bool, markdown: bool) -> str:
    rows = [("measurement", "wall s", "CPU s", "peak MB", "limit", "used", "")]
    for line in lines:
        limit = f"{line.limit_s:g} s" + (f", {line.limit_mb:g} MB" if line.limit_mb else "")
        used = (line.cpu_s if cpu else line.wall_s) / line.limit_s
        verdict = "met" if line.met(cpu=cpu) else "MISSED"
        rows.append(
            (line.name, f"{line.wall_s:.3f}", f"{line.cpu_s:.3f}", f"{line.peak_mb:.0f}",
             limit, f"{used:.0%}", verdict)
        )  # fmt: skip
    if markdown:
        rows.insert(1, ("---",) * 7)
        return "".join("| " + " | ".join(row) + " |\n" for row in rows)
    widths = [max(len(row[i]) for row in rows) for i in range(7)]
    return "".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() + "\n"
        for row in rows
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
