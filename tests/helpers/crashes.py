"""Crash test: seeded kills of the server while eight writers write, and a ledger of the acknowledged writes.

Each writer rates movies for its own user and for one shared user, deletes ratings, and sends bulks, which it resends if
no response came. The server, or PostgreSQL under it, gets SIGKILL at random moments. Afterwards each rating must be one
that the ledger allows: the last acknowledged one, or one without a response.

With several workers, most kills are of one of them, and the server must go on.

The first server is started as a user starts it, unless `fresh` is False. The later ones are forks of a process that
has imported the program.

    python tests/helpers/crashes.py --kills 1000 --seed 7 --workers 2
"""

import argparse
import http.client
import os
import secrets
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from threading import Event, Thread

import numpy as np
from sqlalchemy import text

from cinematrix.models.artifact import save
from cinematrix.models.bias import Bias
from cinematrix.store.records import Store
from databases import Postgres
from serving import PROGRAM, ServerProcess, send_request
from worlds import taste_world

WRITERS = 8
SHARED = "shared"

Pair = tuple[str, int]


@dataclass
class PendingWrite:
    """One write of one pair. `mark` identifies it; None: it deletes the rating."""

    mark: int | None
    started: float
    ended: float | None = None


@dataclass
class Ledger:
    """All writes of each pair since the last check, and all errors (`wrong`)."""

    pairs: dict[Pair, list[PendingWrite]]
    marks: Iterator[int] = field(default_factory=lambda: count(1))
    acknowledged: int = 0
    wrong: list[str] = field(default_factory=list)

    def begin(self, pairs: list[Pair], gone: bool = False) -> list[PendingWrite]:
        """Record writes that start, all with one mark."""
        mark = next(self.marks)  # read once: other writers draw marks meanwhile
        writes = [PendingWrite(None if gone else mark, time.monotonic()) for _ in pairs]
        for pair, write in zip(pairs, writes, strict=True):
            self.pairs[pair].append(write)
        return writes

    def end(self, writes: list[PendingWrite]) -> None:
        """Record that writes were acknowledged."""
        self.acknowledged += 1
        for write in writes:
            write.ended = time.monotonic()

    def refused(self, pairs: list[Pair], writes: list[PendingWrite]) -> None:
        """Remove writes that were refused and so not applied."""
        for pair, write in zip(pairs, writes, strict=True):
            self.pairs[pair].remove(write)

    def settle(self, found: dict[Pair, int | None]) -> None:
        """Compare with the stored marks, and restart the ledger from them."""
        for pair in found.keys() - self.pairs.keys():
            self.wrong.append(f"phantom: {pair} was never written")
        for pair, writes in self.pairs.items():
            mark = found.get(pair)
            if mark not in possible_marks(writes):
                self.wrong.append(f"lost or phantom: {pair} is {mark} and may be {possible_marks(writes)}")
            self.pairs[pair] = [PendingWrite(mark, 0, 0)]


def possible_marks(writes: list[PendingWrite]) -> set[int | None]:
    """Return the marks that a pair may have: those not replaced by a later acknowledged write."""
    last = max(write.started for write in writes if write.ended is not None)
    return {write.mark for write in writes if write.ended is None or write.ended >= last}


def rating_of_mark(mark: int) -> float:
    """Return the rating written with a mark."""
    return 0.5 + mark % 10 / 2


class RatingWriter:
    """One of the eight writers, with its own user and movies."""

    def __init__(self, number: int, ledger: Ledger, movies: list[int]) -> None:
        self.name, self.ledger, self.movies = f"writer{number}", ledger, movies
        self.unanswered: tuple[list[Pair], list[PendingWrite], str] | None = None

    def write(self, port: int, rng: np.random.Generator, stop: Event) -> None:
        """Write until `stop` is set or the server is gone."""
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
        """Send a bulk of ratings, which is stored whole or not at all. `again`: writes and key of a bulk to resend."""
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
        """Resend the bulk that got no response. It must be applied exactly once."""
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
            self.ledger.wrong.append(f"the bulk {key} got no response when it was resent")


@dataclass
class CrashReport:
    """Results of a crash test.

    Attributes:
        slowest, worked: longest start of the server, in seconds and in seconds of processor time.
    """

    seed: int
    kills: int = 0
    acknowledged: int = 0
    unanswered: int = 0
    slowest: float = 0.0
    worked: float = 0.0
    wrong: list[str] = field(default_factory=list)


class CrashRun:
    """A crash test: a store, its server and its writers."""

    def __init__(
        self, folder: Path, db: str, seed: int, postgres: Postgres | None = None, workers: int = 1, fresh: bool = True
    ) -> None:
        ratings, catalog = taste_world(np.random.default_rng(5))
        self.folder, self.db, self.postgres, self.report = folder, db, postgres, CrashReport(seed)
        self.n_workers = workers
        model = Bias().fit(ratings, catalog)
        save(model, folder / "model", force=True)
        movies = model.data.movies.ids[:5].tolist()
        names = [SHARED, *(f"writer{number}" for number in range(WRITERS))]
        self.ledger = Ledger({(name, movie): [PendingWrite(None, 0, 0)] for name in names for movie in movies})
        self.writers = [RatingWriter(number, self.ledger, movies) for number in range(WRITERS)]
        self._start(PROGRAM if fresh else None)

    def run(self, kills: int, tell: Callable[[str], object] = lambda _: None) -> CrashReport:
        """Kill the server or database `kills` times, but stop at the first error."""
        self._kill_often(kills, tell)
        self.server.kill()
        self.report.acknowledged, self.report.wrong = self.ledger.acknowledged, self.ledger.wrong
        return self.report

    def _kill_often(self, kills: int, tell: Callable[[str], object]) -> None:
        for _ in range(kills):
            rng = np.random.default_rng([self.report.seed, self.report.kills])
            if self.postgres is not None and rng.random() < 0.3:
                self._under(self._restart_postgres, rng)
            elif self.n_workers > 1 and rng.random() < 0.8:
                self._under(partial(self._kill_worker, int(rng.integers(self.n_workers))), rng)
            else:
                self._under(self.server.kill, rng)
                self._start()
            self.report.kills += 1
            self._check()
            tell(f"kill {self.report.kills}: {self.ledger.acknowledged} writes acknowledged")
            if self.ledger.wrong:
                break

    def _start(self, program: list[str] | None = None) -> None:
        words = ("--new-users", "100", "--workers", str(self.n_workers))
        log = self.folder / "log"
        self.server = ServerProcess(self.folder / "model", self.db, log, *words, program=program).ready()
        self._wait_for_workers()
        self.report.slowest = max(self.report.slowest, self.server.seconds)
        self.report.worked = max(self.report.worked, self.server.worked)

    def _under(self, strike: Callable[[], None], rng: np.random.Generator) -> None:
        """Run `strike` at a random moment while all writers write."""
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

    def _kill_worker(self, number: int) -> None:
        """Kill a worker. It must be replaced, while the others go on."""
        killed = self.server.workers()[number]
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: killed not in self.server.workers())
        self._wait_for_workers()

    def _wait_for_workers(self) -> None:
        if self.n_workers > 1:
            wait_for(lambda: self.server.all_ready(self.n_workers))

    def _restart_postgres(self) -> None:
        """Kill and restart PostgreSQL. The server must reconnect by itself."""
        assert self.postgres is not None
        self.postgres.kill()
        time.sleep(0.2)
        self.postgres.start()
        before = self.ledger.acknowledged
        wait_for(lambda: self.ledger.acknowledged > before)

    def _check(self) -> None:
        """Compare the server's responses, the database and the ledger, and resend unanswered bulks."""
        self.report.unanswered += sum(write.ended is None for writes in self.ledger.pairs.values() for write in writes)
        rows, served = self._read_database(), self._read_server()
        if {pair: mark for pair, mark in rows.items() if mark is not None} != served:
            self.ledger.wrong.append("the server's ratings differ from those in the database")
        self._check_bulks(served)
        self.ledger.settle(dict(rows))
        for writer in self.writers:
            writer.resend_bulk(self.server.port)

    def _read_database(self) -> dict[Pair, int | None]:
        """Return the marks in the database, which must be intact, with one row a pair."""
        store = Store.open(self.db)
        with store.engine.connect() as connection:
            if self.postgres is None and connection.exec_driver_sql("PRAGMA quick_check").scalar() != "ok":
                self.ledger.wrong.append("quick_check isn't ok")
            rows = connection.execute(text('select "user", movie, steps, given from ratings')).all()
        store.close()
        if len({row[:2] for row in rows}) != len(rows):
            self.ledger.wrong.append("a pair has two rows")
        return {(user, int(movie)): None if steps is None else given for user, movie, steps, given in rows}

    def _read_server(self) -> dict[Pair, int]:
        """Return the marks in the server's responses."""
        marks = {}
        for user in {user for user, _ in self.ledger.pairs}:
            status, body = self.server.ask("GET", f"/v1/users/{user}/ratings")
            for row in body["ratings"] if status == 200 else ():
                if row["rating"] != rating_of_mark(row["time"]):
                    self.ledger.wrong.append(f"{user}'s rating of {row['movie']} has another write's time")
                marks[user, row["movie"]] = row["time"]
        return marks

    def _check_bulks(self, found: dict[Pair, int]) -> None:
        """Check that of an unanswered bulk all rows are stored, or none."""
        for writer in self.writers:
            if writer.unanswered is not None:
                pairs, writes, _ = writer.unanswered
                stored = {found.get(pair) == write.mark for pair, write in zip(pairs, writes, strict=True)}
                if len(stored) != 1:
                    self.ledger.wrong.append(f"only a part of {writer.name}'s bulk is stored")


def wait_for(true: Callable[[], bool]) -> None:
    """Wait until a condition is true, for at most 30 seconds."""
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "the condition didn't become true within 30 seconds"
        time.sleep(0.002)


def run_crashes(
    kind: str,
    kills: int,
    seed: int,
    folder: Path,
    tell: Callable[[str], object] = lambda _: None,
    workers: int = 1,
    fresh: bool = True,
) -> CrashReport:
    """Run a crash test on a new database of a kind, `sqlite` or `postgresql`."""
    if kind == "sqlite":
        return CrashRun(folder, f"sqlite:///{folder}/store.db", seed, workers=workers, fresh=fresh).run(kills, tell)
    postgres = Postgres()
    try:
        return CrashRun(folder, postgres.database(), seed, postgres, workers, fresh).run(kills, tell)
    finally:
        postgres.stop()


def main() -> int:
    """Run half of the kills on SQLite and half on PostgreSQL. Return the exit status."""
    parser = argparse.ArgumentParser(description="Kill the server while writers write, and count what is lost.")
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    failed = False
    for kind, kills in (("sqlite", options.kills // 2), ("postgresql", options.kills - options.kills // 2)):
        with tempfile.TemporaryDirectory() as folder:
            print(f"{kind}: {kills} kills, --seed {options.seed}", flush=True)
            report = run_crashes(
                kind,
                kills,
                options.seed,
                Path(folder),
                lambda line: print(f"\r{line}", end="", flush=True),
                options.workers,
            )
            print(f"\n{report}", flush=True)
            failed = failed or bool(report.wrong)
    return int(failed)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
