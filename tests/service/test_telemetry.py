"""Metrics of the service: `cinematrix.service.telemetry`."""

import re

from starlette.testclient import TestClient


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
