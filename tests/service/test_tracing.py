"""Traces of requests by OpenTelemetry: `cinematrix.service.tracing`."""

import gzip
import json
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from starlette.testclient import TestClient

from cinematrix.errors import MissingExtraError
from cinematrix.service import tracing
from cinematrix.service.app import create_app
from cinematrix.service.log_lines import JsonFormatter
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.keys import create_key
from cinematrix.store.records import Store

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_request_has_spans_of_its_list_and_the_store(
    settings: ServiceSettings, user: int, unseen: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """They are children of the request's span, which names the route; only a trusted proxy names its parent."""
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    exporter, make = memory.InMemorySpanExporter(), tracing.make_provider
    monkeypatch.setattr(tracing, "make_provider", lambda settings: make(settings, exporter))
    caplog.set_level("INFO")
    store = Store.open(settings.db)
    key = {"X-API-Key": create_key(store, "write"), "traceparent": PARENT}
    store.close()
    app = create_app(replace(settings, otel_endpoint="http://127.0.0.1:9/v1/traces", proxies=("10.0.0.0/8",)))
    with TestClient(app, client=("10.0.0.2", 1)) as client:
        exporter.clear()
        client.get(f"/v1/users/{user}/recommendations", headers=key)
        *inner, outer = exporter.get_finished_spans()
        assert outer.name == "GET /v1/users/{user}/recommendations"
        assert outer.attributes["http.response.status_code"] == 200
        assert f"{outer.context.trace_id:x}" in PARENT
        assert {"list", "store read"} <= {span.name for span in inner}
        assert {span.parent.span_id for span in inner} == {outer.context.span_id}
        assert all(outer.start_time <= span.start_time <= span.end_time <= outer.end_time for span in inner)
        lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records]
        assert any(line["message"].startswith("GET /v1/users") for line in lines)

        exporter.clear()
        client.put(f"/v1/users/{user}/ratings/{unseen}", json={"rating": 4.5}, headers=key)
        assert {"store lock", "store write", "store commit"} <= {span.name for span in exporter.get_finished_spans()}
        exporter.clear()
        TestClient(app, client=("203.0.113.5", 1)).request("MADEUP", "/livez", headers=key)
        (span,) = exporter.get_finished_spans()
        assert (span.name, span.parent) == ("_OTHER /livez", None)


def test_traces_are_sent_to_the_collector(settings: ServiceSettings) -> None:
    """By OTLP over HTTP, those that wait at the end too."""
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    received = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Keep the request."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append((self.path, gzip.decompress(body) if self.headers["Content-Encoding"] else body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as collector:
        Thread(target=collector.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{collector.server_port}/v1/traces"
        with TestClient(create_app(replace(settings, otel_endpoint=endpoint))) as client:
            client.get("/livez")
        collector.shutdown()
    ((path, body),) = received
    assert path == "/v1/traces"
    assert b"GET /livez" in body
    assert b"cinematrix" in body


def test_traces_without_the_extra_are_refused(settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says how to install it; without an endpoint nothing is traced or imported."""
    monkeypatch.setattr(tracing, "find_spec", lambda _: None)
    assert tracing.make_provider(settings) is None
    with pytest.raises(MissingExtraError, match=r"cinematrix\[otel\]"):
        tracing.make_provider(replace(settings, otel_endpoint="http://127.0.0.1:9/v1/traces"))
