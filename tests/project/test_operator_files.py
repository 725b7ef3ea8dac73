"""The files of deploy/ that an operator gives to other programs: each is read by a parser of its language."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from cinematrix.service.settings import list_service_settings
from places import ROOT

DEPLOY = ROOT / "deploy"
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}
OUTSIDE = {"instance", "job", "le"}
"""Labels that Prometheus adds, or every histogram has."""


def read_rules() -> list[dict[str, Any]]:
    """The alerts."""
    yaml = pytest.importorskip("yaml")
    groups = yaml.safe_load((DEPLOY / "alerts.yaml").read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def read_queries() -> dict[str, str]:
    """All queries of the alerts and of the dashboard, by name; the dashboard's variables are filled in."""
    queries = {rule["alert"]: rule["expr"] for rule in read_rules()}
    for panel in json.loads((DEPLOY / "dashboard.json").read_text("utf-8"))["panels"]:
        for target in panel["targets"]:
            queries[f"{panel['title']} {target['refId']}"] = target["expr"].replace("$__rate_interval", "5m")
    return queries


def test_the_queries_name_metrics_that_exist(client: TestClient, user: int, unseen: int) -> None:
    """Each metric of an alert or panel is in /metrics, with the labels that the query uses; PromQL can be read."""
    parser = pytest.importorskip("promql_parser")
    client.put(f"/v1/users/{user}/ratings/{unseen}", json={"rating": 4.5})
    client.get(f"/v1/users/{user}/recommendations")
    text = client.get("/metrics").text
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))
    names = {name + ending for name, kind in types.items() for ending in SUFFIXES[kind]}
    labels = {"state", "task", "version"}  # of counters that nothing has been counted in yet
    labels |= set(re.findall(r'[{,](\w+)="', text)) | OUTSIDE
    queries = read_queries()
    assert len(queries) > 40
    for place, query in queries.items():
        parser.parse(query)
        plain = re.sub(r'"[^"]*"', '""', query)
        assert set(re.findall(r"cinematrix_\w+", plain)) <= names, place
        used = set(re.findall(r'(\w+)(?:=~?|!=)""', plain))
        used |= {name for group in re.findall(r"(?:by|ignoring|on) \(([^)]*)\)", plain) for name in group.split(", ")}
        assert used <= labels, place


def test_alerts_and_panels_say_what_is_wrong() -> None:
    """Every alert has a severity and a sentence with the instance; panels have one name each and don't overlap."""
    for rule in read_rules():
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert "{{ $labels.instance }}" in rule["annotations"]["summary"], rule["alert"]
    panels = json.loads((DEPLOY / "dashboard.json").read_text("utf-8"))["panels"]
    assert len({panel["title"] for panel in panels}) == len(panels) > 20
    assert len({(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}) == len(panels)
    assert any("worker" in target["legendFormat"] for panel in panels for target in panel["targets"])


def test_nginx_reads_its_site(tmp_path: Path) -> None:
    """By a parser that knows each directive's place and arguments; by nginx itself, where it is installed."""
    crossplane = pytest.importorskip("crossplane")
    main = tmp_path / "nginx.conf"
    main.write_text(f"events {{}}\nhttp {{ include {DEPLOY / 'nginx.conf'}; }}\n", "utf-8")
    found = crossplane.parse(str(main), strict=True)
    assert (found["status"], found["errors"]) == ("ok", [])
    (upstream,) = [each for each in found["config"][1]["parsed"] if each["directive"] == "upstream"]
    assert sum(each["directive"] == "server" for each in upstream["block"]) > 1
    main.write_text(main.read_text("utf-8").replace("events", "evens"), "utf-8")
    assert crossplane.parse(str(main), strict=True)["status"] == "failed"


def test_the_dockerfile_is_understood() -> None:
    """Instructions in Docker's words, commands that a shell can read, lists that are JSON, images by an argument."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text("utf-8"), flags=re.M).replace("\\\n", " ")
    lines = [line.partition(" ") for line in text.splitlines() if line]
    known = {"FROM", "ARG", "RUN", "COPY", "WORKDIR", "ENV", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK"}
    assert {word for word, _, _ in lines} <= known | {"ENTRYPOINT", "CMD"}
    for word, _, rest in lines:
        if word == "RUN":
            subprocess.run(["sh", "-n", "-c", rest], check=True)
        if word in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
            assert all(isinstance(part, str) for part in json.loads(rest[rest.index("[") :]))
    assert {rest.split()[0] for word, _, rest in lines if word == "FROM"} == {"${BASE}"}


def test_variables_and_limits_agree() -> None:
    """The files name environment variables that the server reads, and give it as much memory as the page says."""
    texts = {path.name: path.read_text("utf-8") for path in DEPLOY.iterdir() if path.is_file()}
    named = set(re.findall(r"CINEMATRIX_[A-Z_]+", "".join(texts.values()))) - {"CINEMATRIX_HOST"}  # the compose file's
    assert {"CINEMATRIX_DB", "CINEMATRIX_PROXY"} <= named <= {each.variable for each in list_service_settings()}
    for unit in ("cinematrix.service", "cinematrix@.service"):
        assert "\nMemoryMax=2G\n" in texts[unit]
    assert "mem_limit: 2g" in texts["compose.yaml"]
    assert "MemoryMax=2G" in (ROOT / "docs" / "deploy.md").read_text("utf-8")


@pytest.mark.parametrize("digest", [f"sha256:{'0a' * 32}", "", "sha256:short"])
def test_images_are_pinned_by_digest(tmp_path: Path, digest: str) -> None:
    """The script keeps what else is in the file, and changes nothing where the registry gives no digest."""
    shutil.copy(DEPLOY / "pin.sh", tmp_path)
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=x\nBASE=old\n", "utf-8")
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\necho '{digest}'\n", "utf-8")
    docker.chmod(0o755)
    words, paths = ["sh", str(tmp_path / "pin.sh")], {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(words, env=paths, capture_output=True, text=True, check=False)
    lines = (tmp_path / ".env").read_text("utf-8").splitlines()
    if len(digest) < 71:
        assert (done.returncode, lines) == (1, ["POSTGRES_PASSWORD=x", "BASE=old"])
        assert "gave no digest of python" in done.stderr
    else:
        assert done.returncode == 0, done.stderr
        pinned = [f"BASE=python:3.11-slim@{digest}", f"POSTGRES_IMAGE=postgres:18@{digest}"]
        assert lines == ["POSTGRES_PASSWORD=x", *pinned]
        assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
