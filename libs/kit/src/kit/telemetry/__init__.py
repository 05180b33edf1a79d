"""Logs, traces and metrics of a process, set up in one call."""

import sys
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Protocol

from kit.telemetry.logs import Log, bind, write_json
from kit.telemetry.tracing import (
    Span,
    current_traceparent,
    export_to,
    extract,
    inject,
    new_traceparent,
    span,
    stop_exporting,
)

__all__ = [
    "Log",
    "Span",
    "bind",
    "configure",
    "current_traceparent",
    "export_to",
    "extract",
    "inject",
    "new_traceparent",
    "span",
    "stop_exporting",
]


class TelemetrySettings(Protocol):
    """What a service's settings must know."""

    @property
    def profile(self) -> str:
        """local, test or production."""

    @property
    def log_level(self) -> str:
        """The least level that is written."""

    @property
    def otlp_endpoint(self) -> str | None:
        """Where spans go; nothing means nowhere."""


def configure(service: str, settings: TelemetrySettings) -> None:
    """Write JSON logs, and export spans if there is somewhere to."""
    version = _version(service)
    write_json(
        service=service, version=version, env=settings.profile, level=settings.log_level.upper()
    )
    if settings.otlp_endpoint:
        _export(service, version, settings.profile, settings.otlp_endpoint)
    else:
        # redis measures itself with the SDK where it finds it: 3 MB that nobody would look at.
        sys.modules.setdefault("opentelemetry.sdk", None)  # type: ignore[arg-type]


def _export(service: str, version: str, env: str, endpoint: str) -> None:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    insecure = not endpoint.startswith("https://")
    exporter = OTLPSpanExporter(endpoint=endpoint, insecure=insecure)
    export_to(
        BatchSpanProcessor(exporter, schedule_delay_millis=1000),
        resource={
            "service.name": service,
            "service.version": version,
            "deployment.environment.name": env,
        },
    )


def _version(service: str) -> str:
    try:
        return version_of(f"freelanceflow-{service}")
    except PackageNotFoundError:
        return "unknown"
