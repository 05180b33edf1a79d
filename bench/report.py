"""What was measured, as tables: printed, and written into docs/performance.md."""

import os
import platform as machine
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from bench.counting import Counts
from bench.freshness import percentile_ms
from bench.growth import AIM as GROWTH_AIM
from bench.growth import Growth
from bench.load.runner import APART, Result
from bench.load.targets import OURS
from local.paths import ROOT

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
FLOOR = "floor 2"
OPERATIONS = ("list", "get", "create", "move", "board")
ALONE = ("filter", "search")  # that no floor has
RATE_AIMS = {"list": 0.65, "get": 0.65, "create": 0.55, "move": 0.55, "board": 3.0}
CPU_AIM, P95_AIM, FRESH_AIM, PSS_AIM, START_AIM = 1.7, 50.0, 500.0, 700.0, 10.0
STATEMENTS_AIM, CALLS_AIM = 6, 1
FILE_AIM = 60.0  # seconds for a hundred thousand rows, in or out
SHARES = (0.5, 0.95, 0.99)


@dataclass
class Measured:
    """Everything that one run found out."""

    deals: int
    rounds: int
    closed: dict[tuple[str, str], list[Result]] = field(default_factory=dict)  # target, operation
    half: dict[tuple[str, str], list[Result]] = field(default_factory=dict)
    counts: dict[str, Counts] = field(default_factory=dict)
    fresh_in_reports: list[float] = field(default_factory=list)
    fresh_in_browser: list[float] = field(default_factory=list)
    pss: dict[str, float] = field(default_factory=dict)
    first_start: float = 0.0
    warm_start: float = 0.0
    import_seconds: float = 0.0
    projection_seconds: float = 0.0
    export_seconds: float = 0.0

    def median(self, target: str, operation: str, of: Callable[[Result], float]) -> float:
        """Over the rounds."""
        return statistics.median(of(result) for result in self.closed[target, operation])

    def paired(self, operation: str, of: Callable[[Result], float]) -> float:
        """The platform against floor 2: the median of the rounds' own ratios."""
        ours, floor = self.closed[OURS, operation], self.closed[FLOOR, operation]
        return statistics.median(of(a) / of(b) for a, b in zip(ours, floor, strict=True))


def text(measured: Measured) -> str:
    """All tables."""
    parts = (_machine, _throughput, _half_load, _aims, _counts, _memory)
    return "\n".join(part(measured) for part in parts)


def growth_text(growth: Growth) -> str:
    """What ten times the deals cost."""
    rows = []
    for operation, rounds in growth.rounds.items():
        small, large = growth.cpu_ms(operation)
        ratio = growth.ratio(operation)
        verdict = "met" if ratio <= GROWTH_AIM else "**missed**"
        errors = sum(r.errors.total() for pair in rounds for r in pair)
        database = f"{growth.ratio(operation, ('database',)):.2f}"
        cells = [operation, f"{small:.2f}", f"{large:.2f}", database, f"{ratio:.2f}"]
        rows.append([*cells, f"≤ {GROWTH_AIM}", verdict, str(errors)])
    head = ["op", "100,000 deals", "1,000,000 deals", "of it the database's", "all"]
    return (
        "### Growth: CPU-ms per request\n\n"
        + _table([*head, "aim", "", "errors"], rows)
        + f"\nMedians of {len(rounds)} alternating rounds; ratios are medians of the rounds' own.\n"
    )


def slow(result: Result) -> str:
    """How long it took, who worked meanwhile, and how much went to what is not measured."""
    cores = {group: round(cpu / result.seconds, 2) for group, cpu in result.cpu.items()}
    latencies = _slashed(map(result.latency_ms, SHARES))
    return f"{latencies} ms; cores: {cores}, others {result.others:.2f}"


def write(measured: Measured) -> None:
    """Into the page, between its marks; what people wrote around them stays."""
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{text(measured)}\n{END}{after}")


def _machine(measured: Measured) -> str:
    others = [r.others for results in measured.closed.values() for r in results]
    return (
        f"{os.cpu_count()} cores, {machine.system()}, Python {machine.python_version()};"
        f" a workspace of {measured.deals:,} deals, {measured.rounds} interleaved rounds."
        f" The generator shares the machine; processes outside the test took"
        f" {statistics.median(others):.2f} cores (median; {max(others):.2f} at most).\n"
    )


def _throughput(measured: Measured) -> str:
    rows = [
        _row(operation, target, measured.closed[target, operation])
        for operation in (*OPERATIONS, *ALONE)
        for target, name in measured.closed
        if name == operation
    ]
    head = ["op", "target", "req/s", "p50 / p95 / p99 ms", "CPU-ms per request", "errors"]
    apart = f"\n`{APART}` is counted apart: it is done once for all changes of its time.\n"
    return "### As fast as it goes: 16 connections\n\n" + _table(head, rows) + apart


def _row(operation: str, target: str, rounds: Sequence[Result]) -> list[str]:
    cpu = {group: statistics.median(r.cpu_ms[group] for r in rounds) for group in rounds[0].cpu}
    parts = ", ".join(f"{group} {ms:.2f}" for group, ms in cpu.items())
    return [
        operation,
        target,
        f"{statistics.median(r.rate for r in rounds):.0f}",
        _slashed(_latencies(rounds)),
        f"**{sum(cpu.values()) - cpu.get(APART, 0.0):.2f}** ({parts})",
        str(sum(r.errors.total() for r in rounds)),
    ]


def _latencies(rounds: Sequence[Result]) -> Iterable[float]:
    return (statistics.median(r.latency_ms(share) for r in rounds) for share in SHARES)


def _half_load(measured: Measured) -> str:
    rows = [
        [operation, target, f"{statistics.median(r.rate for r in rounds):.0f}",
         _slashed(_latencies(rounds)), str(sum(r.errors.total() for r in rounds))]
        for (target, operation), rounds in measured.half.items()
    ]  # fmt: skip
    head = ["op", "target", "req/s", "p50 / p95 / p99 ms", "errors"]
    return "### At half of its own load: requests arrive at random\n\n" + _table(head, rows)


def _aims(measured: Measured) -> str:
    rows = []

    def aim(what: str, value: float, limit: float, unit: str = "", *, least: bool = False) -> None:
        met = value >= limit if least else value <= limit
        sign = "≥" if least else "≤"
        verdict = "met" if met else "**missed**"
        rows.append([what, f"{value:.2f}{unit}", f"{sign} {limit:g}{unit}", verdict])

    for operation, least in RATE_AIMS.items():
        ratio = measured.paired(operation, lambda r: r.rate)
        aim(f"{operation}: req/s, of floor 2", ratio, least, least=True)
    for operation in OPERATIONS:
        ratio = measured.paired(operation, lambda r: r.request_cpu_ms)
        aim(f"{operation}: CPU per request, of floor 2", ratio, CPU_AIM)
    for operation in (*OPERATIONS, *ALONE):
        p95 = statistics.median(r.latency_ms(0.95) for r in measured.half[OURS, operation])
        aim(f"{operation}: p95 at half load", p95, P95_AIM, " ms")
    per_aim = measured.deals / 100_000
    aim("import", measured.import_seconds, FILE_AIM * per_aim, " s")
    aim("export as CSV", measured.export_seconds, FILE_AIM * per_aim, " s")
    reports = percentile_ms(measured.fresh_in_reports, 0.99)
    aim("commit → analytics, p99", reports, FRESH_AIM, " ms")
    browser = percentile_ms(measured.fresh_in_browser, 0.99)
    aim("commit → another browser, p99", browser, FRESH_AIM, " ms")
    aim("move: statements", measured.counts["move"].statements, STATEMENTS_AIM)
    aim("move: calls between services", measured.counts["move"].calls, CALLS_AIM)
    aim("memory at rest, PSS", sum(measured.pss.values()), PSS_AIM, " MB")
    aim("warm start", measured.warm_start, START_AIM, " s")
    return "### Aims\n\n" + _table(["what", "measured", "aim", ""], rows)


def _counts(measured: Measured) -> str:
    rows = [
        [operation, f"{c.statements:.1f}", f"{c.calls:.1f}", f"{c.received:,.0f}"]
        for operation, c in measured.counts.items()
    ]
    reports = _slashed(percentile_ms(measured.fresh_in_reports, q) for q in SHARES)
    browser = _slashed(percentile_ms(measured.fresh_in_browser, q) for q in SHARES)
    head = ["op", "SQL statements", "calls", "bytes of the answer"]
    return (
        "### What an operation does\n\n"
        + _table(head, rows)
        + f"\nFrom a move's answer until it is seen, p50 / p95 / p99 ms:"
        f" in reports {reports}, in another browser {browser}.\n"
        + f"Importing the deals took {measured.import_seconds:.0f} s, and"
        f" {measured.projection_seconds:.0f} s more until analytics had kept all of them;"
        f" writing them as CSV and fetching the file {measured.export_seconds:.0f} s.\n"
    )


def _memory(measured: Measured) -> str:
    rows = [[name, f"{mb:.0f}"] for name, mb in sorted(measured.pss.items(), key=lambda i: -i[1])]
    rows.append(["**together**", f"**{sum(measured.pss.values()):.0f}**"])
    starts = f"First start {measured.first_start:.1f} s, demo included; warm start"
    return (
        "### Memory at rest\n\n"
        + _table(["process", "PSS, MB"], rows)
        + f"\n{starts} {measured.warm_start:.1f} s.\n"
    )


def _slashed(values: Iterable[float]) -> str:
    return " / ".join(f"{value:.1f}" for value in values)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
