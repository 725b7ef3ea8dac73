"""Table of attacks: how long others wait for a kept list meanwhile, and what an attack costs a server.

    python tests/helpers/attack_table.py MODEL [--seconds 20] [--rate 20]

Each kind of attack runs by itself, then all of them do at once. They run in a process of their own, so that they don't
delay the requests of others. Others request kept lists on new connections; a wait counts from the moment when the
request was due. Prints Markdown.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from attacks import (
    KINDS,
    LOCK_SECONDS,
    MEMORY_LIMIT,
    Kind,
    costs_of_refusal,
    peak_bytes,
    processor_seconds,
    slowest_locked_write,
    turns,
)
from cinematrix.store.keys import create_key
from cinematrix.store.records import Store
from databases import Postgres
from serving import PROGRAM, ServerProcess, resident_bytes
from waiting import wait_for

USERS, LISTS_A_SECOND = 50, 25.0
"""Others, and the kept lists that they request together."""

IDLE_SECONDS = 0.05
"""Processor seconds that an idle server uses in a second at most."""

FORK = get_context("fork")


class Row(NamedTuple):
    """Measured beside an attack.

    Attributes:
        waits: ms of each kept list, ascending; infinity for one that was refused.
        sent: turns of the attack.
        ms: processor ms of the server for each turn.
        peak: maximum memory of the server in bytes.
    """

    name: str
    waits: list[float]
    sent: int
    ms: float
    peak: int

    def markdown(self) -> str:
        """Return the row in Markdown."""
        at = [self.waits[min(len(self.waits) - 1, len(self.waits) * share // 100)] for share in (50, 99, 100)]
        waits = " | ".join(f"{wait:.1f}" for wait in at)
        cost = f"{self.sent:,} | {self.ms:.2f}" if self.sent else " | "
        return f"| {self.name} | {len(self.waits)} | {waits} | {cost} | {self.peak / 1e6:.0f} |"


HEAD = (
    "| attack | kept lists of others | p50 ms | p99 ms (≤ 50) | longest ms | turns | processor ms a turn | peak MB |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
)


def request_lists(server: ServerProcess, key: Mapping[str, str], seconds: float) -> list[float]:
    """Request kept lists of several users; return the ms of each, ascending, infinity for a refusal."""
    waits, began = [], time.monotonic()
    for turn in turns(seconds, LISTS_A_SECOND):
        status, _ = server.ask("GET", f"/v1/users/{1 + turn % USERS}/recommendations", headers=key)
        ms = 1000 * (time.monotonic() - began - turn / LISTS_A_SECOND)
        waits.append(ms if status == 200 else float("inf"))
    return sorted(waits)


def is_idle(server: ServerProcess) -> bool:
    """Return whether a server does next to nothing for a second; after its start it builds indexes."""
    before = processor_seconds(server)
    time.sleep(1)
    return processor_seconds(server) - before < IDLE_SECONDS


@contextmanager
def attacking(
    kinds: Sequence[Kind], server: ServerProcess, key: Mapping[str, str], seconds: float, rate: float
) -> Iterator[list[Any]]:
    """Attack for some seconds in processes of their own; yield counters of the turns, once connections are open."""
    counters = [FORK.Value("q") for _ in kinds]

    def attack(kind: Kind, counter: Any) -> None:
        def counted(all_turns: Iterable[int]) -> Iterator[int]:
            for number, _ in enumerate(all_turns):
                counter.value = number
                yield number

        kind.attack(server, key, counted(chain(range(kind.opened), turns(seconds, rate))))

    processes = [FORK.Process(target=attack, args=pair) for pair in zip(kinds, counters, strict=True)]
    for process in processes:
        process.start()
    for kind, counter in zip(kinds, counters, strict=True):
        wait_for(lambda kind=kind, counter=counter: counter.value >= kind.opened, 60)
    yield counters
    for process in processes:
        process.join()


def measure(
    name: str, kinds: Sequence[Kind], server: ServerProcess, keys: Sequence[Mapping[str, str]], seconds: float,
    rate: float, idle: float,
) -> Row:  # fmt: skip
    """Return the row of attacks that run together.

    Args:
        keys: headers of the attackers' key, and of the others'.
        idle: processor seconds of the server for a kept list without attacks.
    """
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")  # the peak counts from now
    with attacking(kinds, server, keys[0], seconds, rate) as counters:
        before, sent = processor_seconds(server), sum(counter.value for counter in counters)
        waits = request_lists(server, keys[1], seconds)
        worked = processor_seconds(server) - before - idle * len(waits)
        sent = sum(counter.value for counter in counters) - sent
    return Row(name, waits, sent, 1000 * worked / max(sent, 1), peak_bytes(server))


def run(folder: Path, seconds: float, rate: float) -> bool:
    """Run each attack for some seconds; return whether the memory stayed within its limit."""
    with tempfile.TemporaryDirectory() as place:
        db = f"sqlite:///{place}/store.db"
        store = Store.open(db)
        keys = [{"X-API-Key": create_key(store, "write")} for _ in range(2)]
        store.close()
        words = ("--proxy", "127.0.0.1", "--public")
        with ServerProcess(folder, db, Path(place) / "log", *words, program=PROGRAM) as server:
            at_rest = resident_bytes(server.ready().process.pid)
            request_lists(server, keys[1], USERS / LISTS_A_SECOND)
            wait_for(lambda: is_idle(server), 60)
            before = processor_seconds(server)
            rows = [Row("none", request_lists(server, keys[1], seconds), 0, 0.0, peak_bytes(server))]
            idle = (processor_seconds(server) - before) / len(rows[0].waits)
            print(*HEAD, rows[0].markdown(), sep="\n", flush=True)
            for name, kinds in [*((kind.name, [kind]) for kind in KINDS), ("all of them at once", KINDS)]:
                rows.append(measure(name, kinds, server, keys, seconds, rate, idle))
                print(rows[-1].markdown(), flush=True)
            more = max(row.peak for row in rows) - at_rest
            print(
                f"\n{rate:g} turns a second of each attack, {LISTS_A_SECOND:g} kept lists a second of {USERS} others, "
                f"each of {1000 * idle:.2f} ms of the processor; at most {more / 1e6:.0f} MB on top of the model's "
                f"{at_rest / 1e6:.0f} MB (≤ {MEMORY_LIMIT / 1e6:.0f} MB).\n"
            )
            return more <= MEMORY_LIMIT


def print_refusals(folder: Path) -> None:
    """Print what the refusal of each hostile body costs, without a limit of requests that would refuse it earlier."""
    print("| hostile body | status | bytes of the answer | processor ms (< 5) |", "| --- | --- | --- | --- |", sep="\n")
    with (
        tempfile.TemporaryDirectory() as place,
        ServerProcess(folder, f"sqlite:///{place}/store.db", Path(place) / "log", "--reads", "1000000") as server,
    ):
        wait_for(lambda: is_idle(server.ready()), 60)
        for kind, status, size, ms in costs_of_refusal(server, 20):
            print(f"| {kind} | {status} | {size:,} | {ms:.1f} |", flush=True)


def run_locked(folder: Path) -> bool:
    """Write to a locked table of PostgreSQL by ever more writers; print and return whether all are refused in time."""
    postgres, fine = Postgres(), True
    print("\n| writes to a locked table | statuses | slowest s (< 3) |", "| --- | --- | --- |", sep="\n")
    try:
        with tempfile.TemporaryDirectory() as place:
            db = postgres.database()
            with ServerProcess(folder, db, Path(place) / "log", "--new-users", "9", program=PROGRAM) as server:
                movie = server.ready().ask("GET", "/v1/users/none/recommendations?n=1")[1]["items"][0]["movie"]
                for n in (4, 20, 60):
                    statuses, slowest = slowest_locked_write(server, db, f"/v1/users/1/ratings/{movie}", n)
                    print(f"| {n} | {', '.join(map(str, sorted(statuses)))} | {slowest:.1f} |", flush=True)
                    fine = fine and statuses == {503} and slowest < LOCK_SECONDS
    finally:
        postgres.stop()
    return fine


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of a model")
    parser.add_argument("--seconds", type=float, default=20, help="seconds of each attack")
    parser.add_argument("--rate", type=float, default=20, help="turns a second of each attack")
    given = parser.parse_args()
    bounded = run(given.model, given.seconds, given.rate)
    print_refusals(given.model)
    sys.exit(not (run_locked(given.model) and bounded))
