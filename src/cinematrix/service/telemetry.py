"""Prometheus metrics of the service."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.registry import Collector

from cinematrix.service.log_lines import REQUEST
from cinematrix.store.timing import Operation

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

LATENCY_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
"""Upper bounds of the latency histograms, in seconds."""

REFIT_BUCKETS = (10, 30, 60, 300, 900, 1800, 3600, 7200, 14_400, 28_800)
"""Upper bounds of the histogram of retrainings, in seconds."""


class Telemetry:
    """Metrics of one app; those of all workers together, if it is one of several (`worker_metrics`).

    Args:
        everybody: registry with the metrics of all workers; None: there are no others.

    Attributes:
        tracer: OpenTelemetry's tracer; None: there are no traces.
        end_traces: function that sends the traces that wait, and ends the tracing.
    """

    tracer: "Tracer | None" = None
    end_traces: Callable[[], object] = staticmethod(lambda: None)

    def __init__(self, everybody: CollectorRegistry | None = None) -> None:
        self.registry = CollectorRegistry()
        self.everybody = everybody or self.registry
        self.requests = self._counter("requests", "Requests answered.", "method", "route", "status")
        self.ratings = self._counter("ratings", "Ratings stored, created or updated.", "how")
        self.recommended = self._counter(
            "recommended", "Lists sent, with a history (fallback=false) or without.", "fallback"
        )
        self.lists = self._counter(
            "lists",
            "Users' lists: made on request (made), cached (kept), outdated (stale), prefetched (ahead) or refused.",
            "how",
        )
        self.sign_ins = self._counter("sign_ins", "Sign-ins, by how they ended.", "outcome")
        self.load_failures = self._counter("model_load_failures", "New models that couldn't be served.")
        self.refits = self._counter("refits", "Retrainings started by this server, by outcome.", "state")
        self.refit_seconds = self._histogram(
            "refit_seconds", "Duration of retrainings that this server started.", buckets=REFIT_BUCKETS
        )
        self.task_failures = self._counter("task_failures", "Failed runs of background tasks, by task.", "task")
        self.dropped = self._counter("log_lines_dropped", "Log lines dropped: the queue was full, or nobody read.")
        self.latency = self._histogram("request_seconds", "Time from request to response.", "route")
        self.fold_in = self._histogram("fold_in_seconds", "Time to make a list from a history.")
        self.store_seconds = self._histogram(
            "store_seconds",
            "Time of the store for a statement (read, write), the lock of a write, or a commit.",
            "operation",
        )
        self._operation = lru_cache(10)(self.store_seconds.labels)
        self._request = lru_cache(1000)(self.requests.labels)
        self._seconds = lru_cache(1000)(self.latency.labels)
        self._list = lru_cache(6)(lambda how, fallback: (self.lists.labels(how), self.recommended.labels(fallback)))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request. Label lookups are cached, because they take longer than counting."""
        self._request(method, route, status).inc()
        self._seconds(route).observe(seconds)

    def note_store(self, operation: Operation, seconds: float) -> None:
        """Note the duration of an operation of the store, which has just ended."""
        self._operation(operation).observe(seconds)
        self.note_span(f"store {operation}", seconds)

    def note_span(self, name: str, seconds: float) -> None:
        """Note what has just ended as a span of the current request's trace. Outside a request there is none."""
        if self.tracer is not None and REQUEST.get() is not None:
            end = time.time_ns()
            self.tracer.start_span(name, start_time=end - round(seconds * 1e9)).end(end)

    def count_list(self, how: str, fallback: bool) -> None:
        """Count a list sent to a user. `how`: `made` for the request, `kept` in the cache, or `stale`."""
        for counter in self._list(how, str(fallback).lower()):
            counter.inc()

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"cinematrix_{name}", meaning, labels, registry=self.registry)

    def _histogram(
        self, name: str, meaning: str, *labels: str, buckets: Sequence[float] = LATENCY_BUCKETS
    ) -> Histogram:
        return Histogram(f"cinematrix_{name}", meaning, labels, buckets=buckets, registry=self.registry)

    def text(self, *now: Collector) -> bytes:
        """Return all metrics in Prometheus text format. `now`: collectors of what is so at this moment."""
        return generate_latest(self.everybody) + b"".join(map(generate_latest, now))

    def latencies(self) -> Iterator[tuple[str, Sequence[tuple[float, float]]]]:
        """Yield each requested route and its cumulative latency histogram: upper bounds in seconds and request counts.

        The last upper bound is infinite.
        """
        buckets: dict[str, list[tuple[float, float]]] = {}
        for sample in _samples(self.everybody, self.latency):
            if sample.name.endswith("_bucket"):
                buckets.setdefault(sample.labels["route"], []).append((float(sample.labels["le"]), sample.value))
        yield from sorted(buckets.items())


def _samples(registry: CollectorRegistry, metric: Histogram) -> Iterable[Any]:
    """Yield the samples of a metric."""
    name = next(iter(metric.describe())).name
    return (sample for found in registry.collect() if found.name == name for sample in found.samples)


def estimate_quantile(buckets: Sequence[tuple[float, float]], share: float) -> float:
    """Estimate a quantile of latency in seconds by linear interpolation within a bucket.

    In the last bucket, which is infinite, it is the lower bound.

    Args:
        buckets: upper bounds in seconds and cumulative counts of requests; at least one request.
        share: quantile, from 0 to 1.
    """
    wanted, start, below = share * buckets[-1][1], 0.0, 0.0
    for end, count in buckets:
        if count >= wanted and count > below:
            return start if math.isinf(end) else start + (end - start) * (wanted - below) / (count - below)
        start, below = end, count
    return start
