"""How long statements took, read from the services' own metrics."""

import re
from collections import Counter
from collections.abc import Iterable

import httpx

_BUCKET = re.compile(
    r'^db_client_operation_duration_seconds_bucket\{[^}]*\ble="([^"]+)"[^}]*\} (\S+)', re.MULTILINE
)

Buckets = Counter[float]


def read(urls: Iterable[str]) -> Buckets:
    """Statements so far by the edge they do not exceed, over all processes."""
    found: Buckets = Counter()
    for url in urls:
        text = httpx.get(url, timeout=10).raise_for_status().text
        found.update(buckets(text))
    return found


def buckets(exposition: str) -> Buckets:
    """The same of one process."""
    found: Buckets = Counter()
    for edge, count in _BUCKET.findall(exposition):
        found[float(edge)] += float(count)  # type: ignore[assignment]
    return found


def p95_ms(before: Buckets, after: Buckets) -> float | None:
    """Of the statements in between, as Prometheus' histogram_quantile has it."""
    edges = sorted(after)
    counts = [after[edge] - before[edge] for edge in edges]
    if not counts or counts[-1] <= 0:
        return None
    wanted = 0.95 * counts[-1]
    place = next(n for n, count in enumerate(counts) if count >= wanted)
    low, under = (edges[place - 1], counts[place - 1]) if place else (0.0, 0)
    if edges[place] == float("inf"):
        return 1000 * low
    share = (wanted - under) / (counts[place] - under)
    return 1000 * (low + share * (edges[place] - low))
