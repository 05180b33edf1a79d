"""The metrics contract: rules and dashboards may use what is declared here, and nothing else.

No id, mail address, raw path or workspace is ever a label.
"""

import traceback
from hashlib import blake2s

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

from kit.telemetry.tracing import exemplar

# 0.2 and 2 s are promises of ours; without an edge there they could not be measured.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10)
FINGERPRINTS = 100  # distinct errors told apart before the rest is counted together

disable_created_metrics()  # type: ignore[no-untyped-call]
REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)


def _histogram(name: str, help_: str, *labels: str) -> Histogram:
    return Histogram(name, help_, labels, registry=REGISTRY, buckets=BUCKETS)


def _gauge(name: str, help_: str, *labels: str) -> Gauge:
    return Gauge(name, help_, labels, registry=REGISTRY)


def _counter(name: str, help_: str, *labels: str) -> Counter:
    return Counter(name, help_, labels, registry=REGISTRY)


HTTP_SERVER = _histogram(
    "http_server_request_duration_seconds", "Requests answered.", "route", "method", "status"
)
RPC_SERVER = _histogram(
    "rpc_server_duration_seconds", "Calls answered.", "rpc_service", "rpc_method", "code"
)
RPC_CLIENT = _histogram(
    "rpc_client_duration_seconds", "Calls made.", "rpc_service", "rpc_method", "callee", "code"
)

DB_OPERATION = _histogram("db_client_operation_duration_seconds", "Statements.", "op", "table")
DB_POOL_IN_USE = _gauge("db_pool_in_use", "Connections handed out.", "pool")
DB_POOL_WAIT = _histogram("db_pool_wait_seconds", "Waiting for a connection.", "pool")

OUTBOX_PENDING = _gauge("outbox_pending_rows", "Facts not yet on the bus.")
OUTBOX_OLDEST_AGE = _gauge("outbox_oldest_age_seconds", "Age of the oldest of them.")
OUTBOX_PUBLISHED = _counter("outbox_published_total", "Facts the stream has acknowledged.")
OUTBOX_FAILURES = _counter("outbox_publish_failures_total", "Publishing that was not acknowledged.")

EVENT_LAG = _histogram(
    "event_end_to_end_lag_seconds", "From the fact to the end of its handling.", "consumer"
)
EVENTS_HANDLED = _counter("event_handled_total", "Events handled.", "consumer", "type", "outcome")
DEAD_LETTERS = _gauge("dlq_messages", "Events set aside for a person.", "stream")

JOB_DURATION = Histogram(
    "job_duration_seconds",
    "Attempts of jobs, by what they do and how they ended.",
    ("kind", "outcome"),
    registry=REGISTRY,
    buckets=(0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900),
)
RESCORING_AGE = _gauge(
    "rescoring_oldest_dirty_age_seconds", "Since the oldest change that no score knows yet."
)
CELERY_QUEUE_AGE = _gauge("celery_queue_oldest_age_seconds", "Oldest job waiting.", "queue")

ERRORS = _counter("errors_total", "Unexpected errors, by where they arose.", "fingerprint")


class Series:
    """A histogram of one route or method; only how it ended varies."""

    def __init__(self, histogram: Histogram, *labels: str) -> None:
        self._histogram = histogram
        self._labels = labels
        self._by_outcome: dict[str, Histogram] = {}

    def observe(self, outcome: str, seconds: float) -> None:
        """Count one, with the trace to look at if traces are kept."""
        child = self._by_outcome.get(outcome)
        if child is None:
            child = self._histogram.labels(*self._labels, outcome)
            self._by_outcome[outcome] = child
        child.observe(seconds, exemplar())


_seen: set[str] = set()


def count_error(error: BaseException) -> str:
    """Count an error under its fingerprint, which is the same for the same place in the code."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].name}" if frames else "nowhere"
    fingerprint = blake2s(f"{type(error).__name__}@{place}".encode(), digest_size=6).hexdigest()
    if fingerprint not in _seen:
        if len(_seen) >= FINGERPRINTS:
            fingerprint = "other"
        _seen.add(fingerprint)
    ERRORS.labels(fingerprint).inc()
    return fingerprint


def exposition() -> tuple[str, bytes]:
    """Content type and body of /metrics; OpenMetrics, since only there exemplars are written."""
    return CONTENT_TYPE_LATEST, generate_latest(REGISTRY)  # type: ignore[no-untyped-call]
