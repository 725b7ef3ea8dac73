"""What Prometheus is told."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Figures:
    """The figures of one app."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter("requests", "Requests answered.", "method", "route", "status")
        self.ratings = self._counter("ratings", "Ratings kept.", "how")
        self.recommended = self._counter("recommended", "Lists made, for people with a history or without.", "fallback")
        self.lists = self._counter("lists", "Users' lists sent, made for the answer or kept from before.", "how")
        self.load_failures = self._counter("model_load_failures", "Models that couldn't be served.")
        self.refits = self._counter("refits", "Refits that this server began, by what came of them.", "state")
        self.refit_seconds = Gauge("cinematrix_refit_seconds", "What the last refit took.", registry=self.registry)
        self.latency = Histogram(
            "cinematrix_request_seconds", "From request to answer.", ("route",), buckets=BUCKETS, registry=self.registry
        )
        self.model = Gauge("cinematrix_model", "1 for the version served.", ("version",), registry=self.registry)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"cinematrix_{name}", meaning, labels, registry=self.registry)

    def text(self) -> bytes:
        """All of them as Prometheus reads them."""
        return generate_latest(self.registry)
