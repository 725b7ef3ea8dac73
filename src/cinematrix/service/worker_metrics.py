"""Metrics of several workers: each writes its own into a mapped file, and any of them reads the files of all."""

import os

from prometheus_client import CollectorRegistry, values
from prometheus_client.multiprocess import MultiProcessCollector

from cinematrix.service.telemetry import Telemetry
from cinematrix.service.worker_group import WorkerGroup


def make_telemetry(group: WorkerGroup) -> Telemetry:
    """Return the metrics of a worker.

    Files are named by the worker's number, not by its process, so that a replaced worker's counters go on.
    """
    if group.folder is None:
        return Telemetry()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(group.folder)
    values.ValueClass = values.MultiProcessValue(lambda: group.number)  # type: ignore[no-untyped-call]
    everybody = CollectorRegistry()
    MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]
    return Telemetry(everybody)
