"""Requests made to be expensive: refusing them is cheap, whatever is sent."""

import json
import time
from pathlib import Path

import pytest

from attacks import costs_of_refusal
from serving import ServerProcess

MAX_ERRORS = 10
MAX_MS = 5.0
"""Processor time in ms to refuse a request, on the reference machine."""

FULL_BODY, MAX_FULL_MS = "as much as is taken, but for a member", 10.0
"""A body within all limits that is wrong at its end must be read whole, as one that is right; and its bar."""

REFERENCE_MS = 3.0
"""Processor time in ms that parsing `REFERENCE_WORK` takes on the reference machine while it is idle."""


def slowness() -> float:
    """Return how much slower this machine is now than the reference machine, at least 1."""
    began = time.process_time()
    for _ in range(10):
        json.loads(REFERENCE_WORK)
    return max(1.0, (time.process_time() - began) * 100 / REFERENCE_MS)


REFERENCE_WORK = json.dumps([{"movie": number, "rating": 4.5} for number in range(10_000)])


@pytest.mark.fault(9, 38)
def test_refusing_a_hostile_body_is_cheap(folder: Path, tmp_path: Path) -> None:
    """Each kind is refused with a short answer, in a few ms of the processor."""
    with ServerProcess(folder, f"sqlite:///{tmp_path}/store.db", tmp_path / "log") as server:
        server.ready()
        costs = {kind: cost for kind, *cost in costs_of_refusal(server, 10)}
        slower = slowness()
    assert {kind: status for kind, (status, *_) in costs.items() if status not in (400, 413, 422)} == {}
    assert {kind: size for kind, (_, size, _) in costs.items() if size > 2_000} == {}
    most = dict.fromkeys(costs, MAX_MS * slower) | {FULL_BODY: MAX_FULL_MS * slower}
    assert {kind: ms for kind, (_, _, ms) in costs.items() if round(ms) > most[kind]} == {}


@pytest.mark.fault(9)
def test_an_answer_names_ten_errors_at_most(folder: Path, tmp_path: Path) -> None:
    """Unknown members and parameters are errors each, and ten of them are named."""
    with ServerProcess(folder, f"sqlite:///{tmp_path}/store.db", tmp_path / "log") as server:
        server.ready()
        body = json.dumps({str(n): n for n in range(90)}).encode()
        status, answer = server.send("POST", "/v1/recommendations", body)
        assert (status, len(json.loads(answer)["errors"])) == (422, MAX_ERRORS)
        status, answer = server.send(
            "GET", "/v1/users/1/recommendations?" + "&".join(f"x{n}=1" for n in range(90)), b""
        )
        assert (status, len(json.loads(answer)["errors"])) == (422, MAX_ERRORS)
        status, answer = server.send("GET", "/v1/users/1/recommendations?" + "x=1&" * 5_000, b"")
        assert status == 414
        assert len(answer) < 2_000
