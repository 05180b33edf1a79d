"""One trace over every hop.

What travels is a W3C `traceparent`; it is also what we keep, as the string it is. Without an
exporter a span is therefore no object with a clock and a lock, only the trace id handed on; logs
and events can still be joined by it.
"""

import re
from collections.abc import Iterable, Mapping, MutableMapping
from contextvars import ContextVar
from random import getrandbits
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import Span as SdkSpan
    from opentelemetry.trace import SpanContext

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Attributes = Mapping[str, str | int | float | bool]

TRACEPARENT = "traceparent"
_FORM = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_SPAN_ID = slice(36, 52)
_TRACE_ID = slice(3, 35)

_current: ContextVar[str | None] = ContextVar("traceparent", default=None)
_provider: "TracerProvider | None" = None


def new_traceparent() -> str:
    """The beginning of a trace nobody began before us."""
    return f"00-{getrandbits(128) or 1:032x}-{getrandbits(64) or 1:016x}-01"


def current_traceparent() -> str | None:
    """What to write into an outbox row or a job; None outside any span."""
    return _current.get()


def trace_and_span_id() -> tuple[str, str] | None:
    """What a log line carries."""
    here = _current.get()
    return (here[_TRACE_ID], here[_SPAN_ID]) if here else None


def exemplar() -> dict[str, str] | None:
    """What ties a measured value to its trace, if anybody keeps that."""
    ids = trace_and_span_id() if _provider is not None else None
    return {"trace_id": ids[0]} if ids else None


def inject(headers: MutableMapping[str, str]) -> None:
    """Let the trace travel with a message."""
    here = _current.get()
    if here is not None:
        headers[TRACEPARENT] = here


def extract(headers: Mapping[str, str]) -> str | None:
    """The trace a message came with; what is no traceparent never happened."""
    return valid(headers.get(TRACEPARENT))


def valid(traceparent: str | None) -> str | None:
    """The traceparent, if it is one."""
    if traceparent is None or _FORM.fullmatch(traceparent) is None:
        return None
    return traceparent


class Span:
    """A piece of work; opened with `span`.

    Either gone into, with `with`, or begun here and ended where its end is known.
    """

    __slots__ = ("_attributes", "_kind", "_links", "_name", "_parent", "_previous", "_sdk")

    def __init__(
        self,
        name: str,
        kind: Kind,
        parent: str | None,
        links: Iterable[str],
        attributes: Attributes | None,
    ) -> None:
        self._name = name
        self._kind = kind
        self._parent = parent
        self._links = links
        self._attributes = attributes
        self._previous: str | None = None
        self._sdk: SdkSpan | None = None

    def __enter__(self) -> Self:
        self._previous = _current.get()
        _current.set(self.begin())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end(error)
        # Not a token's reset: an abandoned generator is closed in some other context.
        _current.set(self._previous)

    def begin(self) -> str:
        """Its traceparent, for what follows from it."""
        above = valid(self._parent) or _current.get()
        if _provider is None:
            return above or new_traceparent()
        self._sdk = _start(self._name, self._kind, above, self._links, self._attributes)
        return _traceparent_of(self._sdk.get_span_context())

    def end(self, error: BaseException | None = None) -> None:
        """It is over, with this error if it went wrong."""
        if self._sdk is not None:
            if error is not None:
                self.failed(type(error).__name__)
            self._sdk.end()

    def note(self, **attributes: str | int | float | bool) -> None:
        """Say more about it; names are written with underscores and sent with dots."""
        if self._sdk is not None:
            for name, value in attributes.items():
                self._sdk.set_attribute(name.replace("_", "."), value)

    def failed(self, why: str) -> None:
        """Mark it as gone wrong: a type or a status, never a message, which may hold anything."""
        if self._sdk is not None:
            from opentelemetry.trace import StatusCode

            self._sdk.set_attribute("error.type", why)
            self._sdk.set_status(StatusCode.ERROR, why)


def span(
    name: str,
    kind: Kind = "internal",
    *,
    parent: str | None = None,
    links: Iterable[str] = (),
    attributes: Attributes | None = None,
) -> Span:
    """A context manager around a piece of work.

    `parent` is the traceparent a message brought along, else it is the span we are in; `links` are
    the traceparents of other work that led here. What is no traceparent is passed over.
    """
    return Span(name, kind, parent, links, attributes)


def export_to(processor: "SpanProcessor", *, resource: Mapping[str, str]) -> None:
    """From now on spans are real and go to `processor`."""
    global _provider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    # Everything is sent: which traces are worth keeping is known at their end, by the collector.
    provider = TracerProvider(
        sampler=ALWAYS_ON, resource=Resource(resource), shutdown_on_exit=False
    )
    provider.add_span_processor(processor)
    _provider = provider


def stop_exporting() -> None:
    """Send what is left, and be cheap again. Blocks; call it in a thread."""
    global _provider
    provider, _provider = _provider, None
    if provider is not None:
        provider.shutdown()


def _start(
    name: str, kind: Kind, above: str | None, links: Iterable[str], attributes: Attributes | None
) -> "SdkSpan":
    from opentelemetry.trace import Link, SpanKind

    assert _provider is not None
    followed = [Link(_context_of(link)) for link in links if valid(link)]
    return _provider.get_tracer("kit").start_span(
        name,
        context=_below(above),
        kind=SpanKind[kind.upper()],
        links=followed,
        attributes=attributes,
    )


def _below(traceparent: str | None) -> "Context":
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, set_span_in_context

    if traceparent is None:
        return Context()
    return set_span_in_context(NonRecordingSpan(_context_of(traceparent)), Context())


def _context_of(traceparent: str) -> "SpanContext":
    from opentelemetry.trace import SpanContext, TraceFlags

    return SpanContext(
        int(traceparent[_TRACE_ID], 16),
        int(traceparent[_SPAN_ID], 16),
        is_remote=True,
        trace_flags=TraceFlags(int(traceparent[53:], 16)),
    )


def _traceparent_of(context: "SpanContext") -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
