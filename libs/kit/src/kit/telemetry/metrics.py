"""The series of more than one service; what only one has it declares itself, in the same words.

deploy/observability/metrics.yaml lists all: rules and dashboards may use what stands there, and
nothing else. No id, mail address, raw path or workspace is ever a label.
"""

import traceback
from collections.abc import Sequence
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


def histogram(name: str, help_: str, *labels: str, buckets: Sequence[float] = BUCKETS) -> Histogram:
    """How long something takes."""
    return Histogram(name, help_, labels, registry=REGISTRY, buckets=buckets)


def gauge(name: str, help_: str, *labels: str) -> Gauge:
    """How much of something there is."""
    return Gauge(name, help_, labels, registry=REGISTRY)


def counter(name: str, help_: str, *labels: str) -> Counter:
    """How often something happened."""
    return Counter(name, help_, labels, registry=REGISTRY)


HTTP_SERVER = histogram(
    "http_server_request_duration_seconds", "Requests answered.", "route", "method", "status"
)
RPC_SERVER = histogram(
    "rpc_server_duration_seconds", "Calls answered.", "rpc_service", "rpc_method", "code"
)
RPC_CLIENT = histogram(
    "rpc_client_duration_seconds", "Calls made.", "rpc_service", "rpc_method", "callee", "code"
)

READY = gauge("ready", "Whether a check of readiness passes (1) or not (0).", "check")

DB_OPERATION = histogram("db_client_operation_duration_seconds", "Statements.", "op", "table")
DB_POOL_IN_USE = gauge("db_pool_in_use", "Connections handed out.", "pool")
DB_POOL_WAIT = histogram("db_pool_wait_seconds", "Waiting for a connection.", "pool")

OUTBOX_PENDING = gauge("outbox_pending_rows", "Facts not yet on the bus.")
OUTBOX_OLDEST_AGE = gauge("outbox_oldest_age_seconds", "Age of the oldest of them.")
OUTBOX_PUBLISHED = counter("outbox_published_total", "Facts the stream has acknowledged.")
OUTBOX_FAILURES = counter("outbox_publish_failures_total", "Publishing that was not acknowledged.")

# What is part of something large gives way on purpose, so it is told apart.
EVENT_LAG = histogram(
    "event_end_to_end_lag_seconds", "From the fact to the end of its handling.", "consumer", "bulk"
)
EVENTS_HANDLED = counter("event_handled_total", "Events handled.", "consumer", "type", "outcome")
EVENTS_WAITING = gauge("event_waiting", "Events not handled yet.", "consumer")
EVENTS_ACK_FLOOR = gauge(
    "event_ack_floor", "The event of the stream up to which all are handled.", "consumer"
)
DEAD_LETTERS = gauge("dlq_messages", "Events set aside for a person.", "stream")

JOB_DURATION = histogram(
    "job_duration_seconds",
    "Attempts of jobs, by what they do and how they ended.",
    "kind",
    "outcome",
    buckets=(0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900),
)
CELERY_QUEUE_AGE = gauge("celery_queue_oldest_age_seconds", "Oldest job waiting.", "queue")

ERRORS = counter("errors_total", "Unexpected errors, by where they arose.", "fingerprint")


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
