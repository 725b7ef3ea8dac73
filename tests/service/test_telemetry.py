"""Metrics of the service: `cinematrix.service.telemetry`."""

import math
import re

from starlette.testclient import TestClient


def read_metric(text: str, name: str, **labels: str) -> float:
    """Return the value of a metric with these labels and no others."""
    wanted = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    (found,) = re.findall(rf"^{name}{re.escape('{' + wanted + '}') if labels else ''} (\S+)$", text, re.M)
    return float(found)


def test_process_pools_disks_and_the_store_are_measured(client: TestClient, user: int, unseen: int) -> None:
    """Each worker by its number, durations as histograms, refits by their outcome."""
    assert client.put(f"/v1/users/{user}/ratings/{unseen}", json={"rating": 4.5}).status_code == 201
    assert client.get(f"/v1/users/{user}/recommendations").status_code == 200
    text = client.get("/metrics").text
    assert read_metric(text, "cinematrix_workers", state="ready") == 1
    for name in ("process_cpu_seconds_total", "process_memory_bytes", "process_open_files", "process_threads"):
        assert read_metric(text, f"cinematrix_{name}", worker="1") > 0
    for pool in ("requests", "writes", "lists", "connections"):
        busy, places = (
            read_metric(text, f"cinematrix_pool_{what}", worker="1", pool=pool) for what in ("busy", "places")
        )
        assert 0 <= busy <= places >= 1
    for disk in ("model", "store", "temporary"):
        assert (
            0
            < read_metric(text, "cinematrix_disk_free_bytes", disk=disk)
            < read_metric(text, "cinematrix_disk_bytes", disk=disk)
        )
    assert read_metric(text, "cinematrix_store_bytes") > 10_000
    for operation in ("read", "write", "lock", "commit"):
        assert read_metric(text, "cinematrix_store_seconds_count", operation=operation) >= 1
    assert read_metric(text, "cinematrix_fold_in_seconds_count") >= 1
    assert read_metric(text, "cinematrix_refit_seconds_count") == read_metric(text, "cinematrix_refits_running") == 0
    assert math.isfinite(read_metric(text, "cinematrix_model_age_seconds"))


def test_labels_come_from_closed_sets(client: TestClient, user: int) -> None:
    """Made-up methods, paths and hosts add no time series, which would stay in memory for good."""
    for turn in range(300):
        client.request(f"MADEUP{turn}", f"/v1/model?{turn}")
        client.request(f"MADEUP{turn}", f"/nowhere/{turn}")
        client.request(f"MADEUP{turn}", "/v1/model", headers={"Host": f"h{turn}.example"})
    text = client.get("/metrics").text
    assert "MADEUP" not in text
    assert len(re.findall(r"^cinematrix_requests_total", text, re.M)) < 10
    assert re.search(r'cinematrix_requests_total\{method="other",route="[^"]+",status="405"\}', text)
