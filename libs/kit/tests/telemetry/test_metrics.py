"""Series: edges where promises are, exemplars, errors bounded in number."""

import re

import pytest

from kit.telemetry import metrics
from kit.telemetry.metrics import REGISTRY, RPC_SERVER, Series, count_error, exposition


def test_every_promise_lies_on_an_edge() -> None:
    assert {0.2, 0.5, 2} <= set(metrics.BUCKETS)


def test_the_page_is_open_metrics() -> None:
    content_type, body = exposition()
    assert content_type.startswith("application/openmetrics-text")
    text = body.decode()
    assert text.endswith("# EOF\n")
    assert "process_resident_memory_bytes" in text
    assert "_created" not in text
    assert "python_gc" not in text


def test_a_series_is_looked_up_once() -> None:
    series = Series(RPC_SERVER, "kit.test.v1.Metrics", "Once")
    series.observe("OK", 0.15)
    series.observe("OK", 0.25)
    labels = {"rpc_service": "kit.test.v1.Metrics", "rpc_method": "Once", "code": "OK"}
    name = "rpc_server_duration_seconds"
    assert REGISTRY.get_sample_value(f"{name}_count", labels) == 2
    assert REGISTRY.get_sample_value(f"{name}_bucket", labels | {"le": "0.2"}) == 1


def test_exemplars_lead_to_the_trace() -> None:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from kit.telemetry import export_to, span, stop_exporting

    export_to(SimpleSpanProcessor(InMemorySpanExporter()), resource={})
    try:
        with span("a", parent="00-11111111111111111111111111111111-b7ad6b7169203331-01"):
            Series(RPC_SERVER, "kit.test.v1.Metrics", "Traced").observe("OK", 0.1)
    finally:
        stop_exporting()
    _, body = exposition()
    assert re.search(r'Traced.*# \{trace_id="1{32}"\}', body.decode())


def raised(kind: type[Exception], text: str) -> Exception:
    try:
        raise kind(text)
    except Exception as error:
        return error


def test_an_error_is_known_by_its_place_and_not_by_its_words() -> None:
    assert count_error(raised(KeyError, "one")) == count_error(raised(KeyError, "two"))
    assert count_error(raised(KeyError, "one")) != count_error(raised(ValueError, "one"))
    assert count_error(ValueError("never raised"))


def test_the_number_of_fingerprints_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "FINGERPRINTS", 3)
    monkeypatch.setattr(metrics, "_seen", set())
    kinds = [type(f"Error{n}", (Exception,), {}) for n in range(10)]
    assert len({count_error(raised(kind, "")) for kind in kinds}) == 4
