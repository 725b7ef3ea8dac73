"""Metrics of what is so at the moment of asking: workers, model, exposure, disks, and refits."""

import math
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from sqlalchemy import text

from cinematrix.service.state import ServiceState
from cinematrix.service.worker_group import WorkerState
from cinematrix.service.worker_health import count_versions
from cinematrix.service.worker_readings import METRICS
from cinematrix.store.impressions import ListOutcomes
from cinematrix.store.refits import list_refits
from cinematrix.store.tables import OUTCOMES

RUNNING = ("asked", "running")
"""States of a refit that hasn't ended."""


class ServerMetrics:
    """Collector of the metrics of a server, whichever of its workers is asked. `state`: that of the worker."""

    def __init__(self, state: ServiceState) -> None:
        self._state = state

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        yield from self._collect_model()
        yield from self._collect_workers()
        yield from self._collect_disks()
        yield from self._collect_refits()
        yield from _count_lists(self._state.impressions.outcomes)

    def _collect_model(self) -> Iterator[Metric]:
        served = self._state.served_or_none
        if served is None:
            return
        age = None if served.trained is None else max(0.0, (datetime.now(UTC) - served.trained).total_seconds())
        yield _gauge("model_age_seconds", "Time since the model was trained.", age)
        spread = served.shown.spread()
        yield _gauge("shown_coverage", "Share of the catalog that this model has recommended.", spread.coverage)
        yield _gauge("shown_gini", "Gini coefficient of the recommendations of movies, 0 (equal) to 1.", spread.gini)
        about = "Mean share of movies with more ratings than a recommended one. 0: the most rated."
        yield _gauge("shown_popularity", about, spread.popularity)
        yield _gauges("model", "Workers that serve a version.", "version", count_versions(self._state))

    def _collect_workers(self) -> Iterator[Metric]:
        """Yield the readings of each worker. The one that is asked is read now, others as they reported last."""
        states, group = self._state.group.states(), self._state.group
        if not states:
            states = [WorkerState(True, None, [], math.inf)]
        states[group.number] = states[group.number]._replace(readings=self._state.readings())
        ready = sum(worker.ready and not worker.is_missing for worker in states)
        yield _gauges("workers", "Workers, and those that answer.", "state", {"all": len(states), "ready": ready})
        failing = Counter(name for worker in states for name in worker.failing)
        failing.update(self._state.supervisor.failing() if group.size == 1 else [])
        yield _gauges("failing_tasks", "Workers in which a background task fails.", "task", failing)
        for name, about in METRICS.items():
            labels = ["worker", "pool"] if name.startswith("pool_") else ["worker"]
            kind = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            metric = kind(f"cinematrix_{name.removesuffix('_total')}", about, labels=labels)
            for number, worker in enumerate(states):
                for pool, value in worker.readings.get(name, {}).items():
                    metric.add_metric([str(number + 1), pool][: len(labels)], value)
            yield metric

    def _collect_disks(self) -> Iterator[Metric]:
        engine, file = self._state.store.engine, self._state.store.engine.url.database
        folders = {"model": self._state.settings.model, "temporary": Path(tempfile.gettempdir())}
        is_file = engine.dialect.name == "sqlite" and bool(file)
        if is_file and file:
            folders["store"] = Path(file).absolute().parent
        usage = {}
        for name, folder in folders.items():
            with suppress(OSError):
                usage[name] = shutil.disk_usage(folder)
        yield _gauges("disk_bytes", "Size of a disk.", "disk", {name: used.total for name, used in usage.items()})
        free = {name: used.free for name, used in usage.items()}
        yield _gauges("disk_free_bytes", "Free space on a disk.", "disk", free)
        yield _gauge("store_bytes", "Size of the store, with its write-ahead log.", self._count_store_bytes(is_file))

    def _count_store_bytes(self, is_file: bool) -> float | None:
        engine = self._state.store.engine
        if is_file:
            files = (Path(f"{engine.url.database}{ending}") for ending in ("", "-wal"))
            return sum(file.stat().st_size for file in files if file.exists())
        if engine.dialect.name == "sqlite":
            return None
        with engine.connect() as connection:
            return float(connection.scalar(text("select pg_database_size(current_database())")) or 0)

    def _collect_refits(self) -> Iterator[Metric]:
        refits = list_refits(self._state.store)
        running = sum(refit.state in RUNNING for refit in refits)
        yield _gauge("refits_running", "Refits that were requested and haven't ended.", running)
        ended: dict[str, float] = {}
        for refit in refits:
            if refit.ended is not None:
                ended.setdefault(refit.state, refit.ended / 1000)
        about = "Time in epoch seconds at which the last refit of an outcome ended."
        yield _gauges("refit_ended_time_seconds", about, "state", ended)


def _count_lists(outcomes: Iterable[ListOutcomes]) -> Iterator[Metric]:
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


def _gauges(name: str, meaning: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    metric = GaugeMetricFamily(f"cinematrix_{name}", meaning, labels=(label,))
    for each, value in sorted(values.items()):
        metric.add_metric((each,), value)
    return metric
