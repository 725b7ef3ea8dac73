"""What Prometheus is told."""

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from cinematrix.service.exposure import ExposureSummary

LATENCY_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Telemetry:
    """The figures of one app."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter("requests", "Requests answered.", "method", "route", "status")
        self.ratings = self._counter("ratings", "Ratings kept.", "how")
        self.recommended = self._counter("recommended", "Lists made, for people with a history or without.", "fallback")
        self.lists = self._counter(
            "lists", "Users' lists sent, made for the answer or kept from before, and those made ahead.", "how"
        )
        self.load_failures = self._counter("model_load_failures", "Models that couldn't be served.")
        self.refits = self._counter("refits", "Refits that this server began, by what came of them.", "state")
        self.refit_seconds = Gauge("cinematrix_refit_seconds", "What the last refit took.", registry=self.registry)
        self.dropped = self._counter("log_lines_dropped", "Lines that the log's reader was too slow for.")
        self.latency = Histogram(
            "cinematrix_request_seconds",
            "From request to answer.",
            ("route",),
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )
        self.fold_in = Histogram(
            "cinematrix_fold_in_seconds", "From a history to a list.", buckets=LATENCY_BUCKETS, registry=self.registry
        )
        self.age = self._gauge("model_age_seconds", "Since the model was trained.")
        self.coverage = self._gauge("shown_coverage", "Share of the catalog that this model has recommended.")
        self.gini = self._gauge("shown_gini", "How unequally movies were recommended, 0 to 1.")
        self.popularity = self._gauge(
            "shown_popularity", "Mean share of movies with more ratings than a recommended one; 0: the most rated."
        )
        self.model = Gauge("cinematrix_model", "1 for the version served.", ("version",), registry=self.registry)

        self._request = lru_cache(1000)(self.requests.labels)
        self._seconds = lru_cache(1000)(self.latency.labels)
        self._list = lru_cache(4)(lambda how, fallback: (self.lists.labels(how), self.recommended.labels(fallback)))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was; the labels' children are looked up once, since that takes longer than counting."""
        self._request(method, route, status).inc()
        self._seconds(route).observe(seconds)

    def count_list(self, how: str, fallback: bool) -> None:
        """A user's list was, `made` or `kept`."""
        for each in self._list(how, str(fallback).lower()):
            each.inc()

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"cinematrix_{name}", meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str) -> Gauge:
        return Gauge(f"cinematrix_{name}", meaning, registry=self.registry)

    def text(self, trained: datetime | None, spread: ExposureSummary) -> bytes:
        """All of them as Prometheus reads them.

        Args:
            trained: when the model was.
            spread: of what it has recommended.
        """
        self.age.set(math.nan if trained is None else max(0.0, (datetime.now(UTC) - trained).total_seconds()))
        for gauge, value in (
            (self.coverage, spread.coverage),
            (self.gini, spread.gini),
            (self.popularity, spread.popularity),
        ):
            gauge.set(math.nan if value is None else value)
        return generate_latest(self.registry)

    def latencies(self) -> Iterator[tuple[str, Sequence[tuple[float, float]]]]:
        """Each route that was asked for, and its requests up to each number of seconds, the last one infinite."""
        found: dict[str, list[tuple[float, float]]] = {}
        for sample in next(iter(self.latency.collect())).samples:
            if sample.name.endswith("_bucket"):
                found.setdefault(sample.labels["route"], []).append((float(sample.labels["le"]), sample.value))
        yield from sorted(found.items())


def estimate_quantile(buckets: Sequence[tuple[float, float]], share: float) -> float:
    """Seconds within which a share of requests was answered, if they lie evenly in each bucket; of the last, its start.

    Args:
        buckets: ends in seconds and how many requests took at most so long; at least one did.
    """
    wanted, start, below = share * buckets[-1][1], 0.0, 0.0
    for end, count in buckets:
        if count >= wanted and count > below:
            return start if math.isinf(end) else start + (end - start) * (wanted - below) / (count - below)
        start, below = end, count
    return start
