"""Seeded kills while eight writers write, and a ledger of what they were told.

Writers rate movies of their own and of one user whom they share, take ratings back, and send bulks that they send
again if no answer came. Every so often the server, or PostgreSQL under it, gets SIGKILL. Afterwards each rating must
be one that the ledger allows: an acknowledged one that no later acknowledged one replaced, or one without an answer.

    python tests/crashes.py --kills 1000 --seed 7
"""

import argparse
import http.client
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import numpy as np
from sqlalchemy import text

from cinematrix.models.artifact import save
from cinematrix.models.bias import Bias
from cinematrix.store.records import Store
from databases import Postgres
from serving import ServerProcess, send_request
from worlds import taste_world

WRITERS = 8
SHARED = "shared"

Pair = tuple[str, int]


@dataclass
class PendingWrite:
    """One write of one pair: `mark` tells it from all others, None where it takes the rating back."""

    mark: int | None
    started: float
    ended: float | None = None


@dataclass
class Ledger:
    """All writes of each pair since it was last read in peace, and everything that was wrong."""

    pairs: dict[Pair, list[PendingWrite]]
    marks: int = 0
    acknowledged: int = 0
    wrong: list[str] = field(default_factory=list)

    def begin(self, pairs: list[Pair], gone: bool = False) -> list[PendingWrite]:
        """Writes under way, of one mark."""
        self.marks += 1
        writes = [PendingWrite(None if gone else self.marks, time.monotonic()) for _ in pairs]
        for pair, write in zip(pairs, writes, strict=True):
            self.pairs[pair].append(write)
        return writes

    def end(self, writes: list[PendingWrite]) -> None:
        """They were acknowledged."""
        self.acknowledged += 1
        for write in writes:
            write.ended = time.monotonic()

    def refused(self, pairs: list[Pair], writes: list[PendingWrite]) -> None:
        """They surely weren't applied."""
        for pair, write in zip(pairs, writes, strict=True):
            self.pairs[pair].remove(write)

    def settle(self, found: dict[Pair, int | None]) -> None:
        """Compare with what is there now, and go on from that."""
        for pair in found.keys() - self.pairs.keys():
            self.wrong.append(f"phantom: {pair} was never written")
        for pair, writes in self.pairs.items():
            mark = found.get(pair)
            if mark not in possible_marks(writes):
                self.wrong.append(f"lost or phantom: {pair} is {mark} and may be {possible_marks(writes)}")
            self.pairs[pair] = [PendingWrite(mark, 0, 0)]


def possible_marks(writes: list[PendingWrite]) -> set[int | None]:
    """What a pair may be: what no acknowledged write replaced that began after it had ended."""
    last = max(write.started for write in writes if write.ended is not None)
    return {write.mark for write in writes if write.ended is None or write.ended >= last}


def rating_of_mark(mark: int) -> float:
    """The rating that goes with a mark."""
    return 0.5 + mark % 10 / 2


class RatingWriter:
    """One of the eight, with a user and movies of its own."""

    def __init__(self, number: int, ledger: Ledger, movies: list[int]) -> None:
        self.name, self.ledger, self.movies = f"writer{number}", ledger, movies
        self.unanswered: tuple[list[Pair], list[PendingWrite], str] | None = None

    def write(self, port: int, rng: np.random.Generator, stop: Event) -> None:
        """Write until told to stop or the server is gone."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            while not stop.is_set():
                self._turn(connection, rng)
        except (OSError, http.client.HTTPException):
            pass
        except Exception as error:
            self.ledger.wrong.append(f"{self.name} failed: {error!r}")
            raise
        finally:
            connection.close()

    def _turn(self, connection: http.client.HTTPConnection, rng: np.random.Generator) -> None:
        kind, movie = rng.random(), self.movies[rng.integers(4)]
        if kind < 0.15:
            return self.bulk(connection, [(self.name, movie) for movie in self.movies[:3]])
        pair = (SHARED, self.movies[0]) if kind < 0.3 else (self.name, movie)
        gone = kind > 0.9
        writes = self.ledger.begin([pair], gone)
        mark = writes[0].mark
        body = None if mark is None else {"rating": rating_of_mark(mark), "time": mark}
        path = f"/v1/users/{pair[0]}/ratings/{pair[1]}"
        self._account(*send_request(connection, "DELETE" if gone else "PUT", path, body), [pair], writes)

    def bulk(
        self,
        connection: http.client.HTTPConnection,
        pairs: list[Pair],
        again: tuple[list[PendingWrite], str] | None = None,
    ) -> None:
        """All or none; `resend_bulk` sends one a second time."""
        writes, key = again or (self.ledger.begin(pairs), secrets.token_hex(8))
        self.unanswered = (pairs, writes, key)
        mark = writes[0].mark
        assert mark is not None
        rows = [{"user": user, "movie": movie, "rating": rating_of_mark(mark), "time": mark} for user, movie in pairs]
        answer = send_request(connection, "POST", "/v1/ratings", {"ratings": rows}, {"Idempotency-Key": key})
        self._account(*answer, pairs, writes)
        if answer[0] != 503:
            self.unanswered = None

    def _account(self, status: int, body: object, pairs: list[Pair], writes: list[PendingWrite]) -> None:
        if status in (200, 201, 204):
            self.ledger.end(writes)
        elif status in (404, 429):
            self.ledger.refused(pairs, writes)
        elif status != 503:
            self.ledger.wrong.append(f"status {status}: {body!r}")
        if status in (429, 503):
            time.sleep(0.02)

    def resend_bulk(self, port: int) -> None:
        """Send the bulk that got no answer again; it is applied once, now or then."""
        if self.unanswered is None:
            return
        (pairs, old, key), acknowledged = self.unanswered, self.ledger.acknowledged
        writes = [PendingWrite(write.mark, time.monotonic()) for write in old]
        for pair, write in zip(pairs, writes, strict=True):
            self.ledger.pairs[pair].append(write)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self.bulk(connection, pairs, (writes, key))
        connection.close()
        if self.ledger.acknowledged == acknowledged:
            self.ledger.wrong.append(f"the bulk {key} wasn't answered when it came again")


@dataclass
class CrashReport:
    """What kills came to."""

    seed: int
    kills: int = 0
    acknowledged: int = 0
    unanswered: int = 0
    slowest: float = 0.0
    worked: float = 0.0
    wrong: list[str] = field(default_factory=list)


class CrashRun:
    """A store, its server, its writers."""

    def __init__(self, folder: Path, db: str, seed: int, postgres: Postgres | None = None) -> None:
        ratings, catalog = taste_world(np.random.default_rng(5))
        self.folder, self.db, self.postgres, self.report = folder, db, postgres, CrashReport(seed)
        model = Bias().fit(ratings, catalog)
        save(model, folder / "model", force=True)
        movies = model.data.movies.ids[:5].tolist()
        names = [SHARED, *(f"writer{number}" for number in range(WRITERS))]
        self.ledger = Ledger({(name, movie): [PendingWrite(None, 0, 0)] for name in names for movie in movies})
        self.writers = [RatingWriter(number, self.ledger, movies) for number in range(WRITERS)]
        self._start()

    def run(self, kills: int, tell: Callable[[str], object] = lambda _: None) -> CrashReport:
        """So many kills, one after the other; ends at the first thing that is wrong."""
        for _ in range(kills):
            rng = np.random.default_rng([self.report.seed, self.report.kills])
            if self.postgres is not None and rng.random() < 0.3:
                self._under(self._restart_postgres, rng)
            else:
                self._under(self.server.kill, rng)
                self._start()
            self.report.kills += 1
            self._check()
            tell(f"kill {self.report.kills}: {self.ledger.acknowledged} writes acknowledged")
            if self.ledger.wrong:
                break
        self.server.kill()
        self.report.acknowledged, self.report.wrong = self.ledger.acknowledged, self.ledger.wrong
        return self.report

    def _start(self) -> None:
        self.server = ServerProcess(self.folder / "model", self.db, self.folder / "log", "--new-users", "100").ready()
        self.report.slowest = max(self.report.slowest, self.server.seconds)
        self.report.worked = max(self.report.worked, self.server.worked)

    def _under(self, strike: Callable[[], None], rng: np.random.Generator) -> None:
        """Strike at a moment when all writers write."""
        stop, before = Event(), self.ledger.acknowledged
        seeds = rng.integers(2**31, size=WRITERS)
        threads = [
            Thread(target=writer.write, args=(self.server.port, np.random.default_rng(seed), stop))
            for writer, seed in zip(self.writers, seeds, strict=True)
        ]
        for thread in threads:
            thread.start()
        wait_for(lambda: self.ledger.acknowledged > before + WRITERS or not any(map(Thread.is_alive, threads)))
        time.sleep(rng.uniform(0, 0.3))
        strike()
        stop.set()
        for thread in threads:
            thread.join()

    def _restart_postgres(self) -> None:
        """Kill PostgreSQL and start it; the server finds its way back by itself."""
        assert self.postgres is not None
        self.postgres.kill()
        time.sleep(0.2)
        self.postgres.start()
        before = self.ledger.acknowledged
        wait_for(lambda: self.ledger.acknowledged > before)

    def _check(self) -> None:
        """Read through the server and in the database, and send unanswered bulks again."""
        self.report.unanswered += sum(write.ended is None for writes in self.ledger.pairs.values() for write in writes)
        rows, found = self._rows(), self._answers()
        if {pair: mark for pair, mark in rows.items() if mark is not None} != found:
            self.ledger.wrong.append("the server tells something other than what the database holds")
        self._whole(found)
        self.ledger.settle(dict(rows))
        for writer in self.writers:
            writer.resend_bulk(self.server.port)

    def _rows(self) -> dict[Pair, int | None]:
        """The marks in the database, which must be whole, with one row a pair."""
        store = Store.open(self.db)
        with store.engine.connect() as connection:
            if self.postgres is None and connection.exec_driver_sql("PRAGMA quick_check").scalar() != "ok":
                self.ledger.wrong.append("quick_check isn't ok")
            rows = connection.execute(text('select "user", movie, steps, given from ratings')).all()
        store.close()
        if len({row[:2] for row in rows}) != len(rows):
            self.ledger.wrong.append("a pair has two rows")
        return {(user, int(movie)): None if steps is None else given for user, movie, steps, given in rows}

    def _answers(self) -> dict[Pair, int]:
        """The marks that the server tells."""
        found = {}
        for user in {user for user, _ in self.ledger.pairs}:
            status, body = self.server.ask("GET", f"/v1/users/{user}/ratings")
            for row in body["ratings"] if status == 200 else ():
                if row["rating"] != rating_of_mark(row["time"]):
                    self.ledger.wrong.append(f"{user}'s rating of {row['movie']} has another write's time")
                found[user, row["movie"]] = row["time"]
        return found

    def _whole(self, found: dict[Pair, int]) -> None:
        """Of an unanswered bulk all rows are there, or none."""
        for writer in self.writers:
            if writer.unanswered is not None:
                pairs, writes, _ = writer.unanswered
                there = {found.get(pair) == write.mark for pair, write in zip(pairs, writes, strict=True)}
                if len(there) != 1:
                    self.ledger.wrong.append(f"half of {writer.name}'s bulk is there")


def wait_for(true: Callable[[], bool]) -> None:
    """Wait until something is true, at most half a minute."""
    until = time.monotonic() + 30
    while not true():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.002)


def run_crashes(
    kind: str, kills: int, seed: int, folder: Path, tell: Callable[[str], object] = lambda _: None
) -> CrashReport:
    """Kills on a database of its own kind."""
    if kind == "sqlite":
        return CrashRun(folder, f"sqlite:///{folder}/store.db", seed).run(kills, tell)
    postgres = Postgres()
    try:
        return CrashRun(folder, postgres.database(), seed, postgres).run(kills, tell)
    finally:
        postgres.stop()


def main() -> int:
    """Half of the kills on SQLite, half on PostgreSQL."""
    parser = argparse.ArgumentParser(description="Kill the server while writers write, and count what is lost.")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    asked = parser.parse_args()
    failed = False
    for kind, kills in (("sqlite", asked.kills // 2), ("postgresql", asked.kills - asked.kills // 2)):
        with tempfile.TemporaryDirectory() as folder:
            print(f"{kind}: {kills} kills, --seed {asked.seed}", flush=True)
            report = run_crashes(
                kind, kills, asked.seed, Path(folder), lambda line: print(f"\r{line}", end="", flush=True)
            )
            print(f"\n{report}", flush=True)
            failed = failed or bool(report.wrong)
    return int(failed)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
