"""Traces by OpenTelemetry: a span for each request, and within it for lists and for the store.

They are off unless the operator names a collector. Spans name routes, never paths, so no ID of a user is in them.
"""

from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cinematrix.errors import MissingExtraError
from cinematrix.service.middleware import METHODS
from cinematrix.service.settings import ServiceSettings
from cinematrix.service.telemetry import Telemetry

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer


def make_provider(settings: ServiceSettings, exporter: "SpanExporter | None" = None) -> "TracerProvider | None":
    """Return the provider of traces; None if they are off. `exporter`: one in place of that to the collector.

    Raises:
        MissingExtraError: OpenTelemetry isn't installed.
    """
    if not settings.otel_endpoint:
        return None
    if find_spec("opentelemetry.sdk") is None or find_spec("opentelemetry.exporter") is None:
        raise MissingExtraError("--otel-endpoint needs OpenTelemetry; install it with: pip install 'cinematrix[otel]'")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    about = Resource.create({"service.name": "cinematrix", "service.version": version("cinematrix")})
    provider = TracerProvider(resource=about, sampler=ParentBased(TraceIdRatioBased(settings.otel_share)))
    if exporter is None:
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.otel_endpoint)))
    else:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


class TracingMiddleware:
    """Middleware around `app` that makes a span of each request. A trusted proxy's `traceparent` is its parent."""

    def __init__(self, app: ASGIApp, tracer: "Tracer") -> None:
        self._app, self._tracer = app, tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        from opentelemetry.trace import SpanKind, StatusCode, format_trace_id
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        parent = TraceContextTextMapPropagator().extract(_read_parent(scope))
        with self._tracer.start_as_current_span("request", parent, SpanKind.SERVER) as span:
            status = 0

            async def note_status(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            scope["trace"] = format_trace_id(span.get_span_context().trace_id)
            await self._app(scope, receive, note_status)
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"] in METHODS else "_OTHER"
            span.update_name(f"{method} {route}")
            span.set_attributes(
                {"http.request.method": method, "http.route": route, "http.response.status_code": status}
            )
            if status >= 500:
                span.set_status(StatusCode.ERROR)


def _read_parent(scope: Scope) -> Mapping[str, str]:
    """Return the headers of the parent span, if a trusted proxy has sent the request."""
    if "request_id" not in scope:
        return {}
    return {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in (b"traceparent",)}


def install_tracing(app: FastAPI, figures: Telemetry, settings: ServiceSettings) -> None:
    """Trace the requests of an app, if the operator wants it. Middleware added later is outside of the spans.

    Raises:
        MissingExtraError: OpenTelemetry isn't installed.
    """
    if (provider := make_provider(settings)) is not None:
        figures.tracer = provider.get_tracer("cinematrix")
        app.add_middleware(TracingMiddleware, tracer=figures.tracer)
        figures.end_traces = provider.shutdown
