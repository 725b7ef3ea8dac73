"""Prometheus metrics of the service."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily

from cinematrix.service.exposure import ExposureSummary
from cinematrix.store.impressions import ListOutcomes
from cinematrix.store.tables import OUTCOMES

LATENCY_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
"""Upper bounds of the latency histograms, in seconds."""


class Telemetry:
    """Metrics of one app; those of all workers together, if it is one of several (`worker_metrics`).

    Args:
        everybody: registry with the metrics of all workers; None: there are no others.
    """

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
        self.load_failures = self._counter("model_load_failures", "New models that couldn't be served.")
        self.refits = self._counter("refits", "Retrainings started by this server, by outcome.", "state")
        self.refit_seconds = Gauge(
            "cinematrix_refit_seconds",
            "Duration of the last retraining.",
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )
        self.task_failures = self._counter("task_failures", "Failed runs of background tasks, by task.", "task")
        self.dropped = self._counter("log_lines_dropped", "Log lines dropped because the queue was full.")
        self.latency = Histogram(
            "cinematrix_request_seconds",
            "Time from request to response.",
            ("route",),
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )
        self.fold_in = Histogram(
            "cinematrix_fold_in_seconds",
            "Time to make a list from a history.",
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )

        self._request = lru_cache(1000)(self.requests.labels)
        self._seconds = lru_cache(1000)(self.latency.labels)
        self._list = lru_cache(6)(lambda how, fallback: (self.lists.labels(how), self.recommended.labels(fallback)))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request. Label lookups are cached, because they take longer than counting."""
        self._request(method, route, status).inc()
        self._seconds(route).observe(seconds)

    def count_list(self, how: str, fallback: bool) -> None:
        """Count a list sent to a user. `how`: `made` for the request, `kept` in the cache, or `stale`."""
        for counter in self._list(how, str(fallback).lower()):
            counter.inc()

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"cinematrix_{name}", meaning, labels, registry=self.registry)

    def text(
        self,
        served: Mapping[str, int],
        trained: datetime | None,
        spread: ExposureSummary,
        outcomes: Iterable[ListOutcomes] = (),
    ) -> bytes:
        """Return all metrics in Prometheus text format.

        Args:
            served: number of workers that serve a version, by its name.
            trained: training time of the model.
            spread: exposure summary of the model's lists.
            outcomes: outcomes of the lists sent to users.
        """
        return generate_latest(self.everybody) + generate_latest(CurrentGauges(served, trained, spread, outcomes))

    def latencies(self) -> Iterator[tuple[str, Sequence[tuple[float, float]]]]:
        """Yield each requested route and its cumulative latency histogram: upper bounds in seconds and request counts.

        The last upper bound is infinite.
        """
        buckets: dict[str, list[tuple[float, float]]] = {}
        for sample in _samples(self.everybody, self.latency):
            if sample.name.endswith("_bucket"):
                buckets.setdefault(sample.labels["route"], []).append((float(sample.labels["le"]), sample.value))
        yield from sorted(buckets.items())


class CurrentGauges:
    """Collector of what is known at the moment of the request: the served versions, the model's age, the exposure."""

    def __init__(
        self,
        served: Mapping[str, int],
        trained: datetime | None,
        spread: ExposureSummary,
        outcomes: Iterable[ListOutcomes],
    ) -> None:
        age = None if trained is None else max(0.0, (datetime.now(UTC) - trained).total_seconds())
        self._served, self._age, self._spread, self._outcomes = served, age, spread, outcomes

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges."""
        spread = self._spread
        yield _gauge("model_age_seconds", "Time since the model was trained.", self._age)
        yield _gauge("shown_coverage", "Share of the catalog that this model has recommended.", spread.coverage)
        yield _gauge("shown_gini", "Gini coefficient of the recommendations of movies, 0 (equal) to 1.", spread.gini)
        about = "Mean share of movies with more ratings than a recommended one. 0: the most rated."
        yield _gauge("shown_popularity", about, spread.popularity)
        model = GaugeMetricFamily("cinematrix_model", "Workers that serve a version.", labels=("version",))
        for version, workers in sorted(self._served.items()):
            model.add_metric((version,), workers)
        yield model
        yield from _count_lists(self._outcomes)


def _count_lists(outcomes: Iterable[ListOutcomes]) -> Iterator[GaugeMetricFamily]:
    """Yield the movies shown by kind of list and version, and those by outcome."""
    labels = ("kind", "version")
    shown = GaugeMetricFamily("cinematrix_list_movies", "Movies shown to users in the last year.", labels=labels)
    about = "Movies shown to users that they rated high or low, vetoed, saw or put on their watchlist in two weeks."
    followed = GaugeMetricFamily("cinematrix_list_outcomes", about, labels=(*labels, "outcome"))
    for row in outcomes:
        shown.add_metric(row[:2], row.shown)
        for name in OUTCOMES:
            followed.add_metric((*row[:2], name), getattr(row, name))
    yield shown
    yield followed


def _gauge(name: str, meaning: str, value: float | None) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"cinematrix_{name}", meaning, math.nan if value is None else value)


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
