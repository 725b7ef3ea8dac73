"""The store: nothing acknowledged is lost, on SQLite and on a real PostgreSQL."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from cinematrix.data.ratings import Scale
from cinematrix.errors import SettingError, StoreError
from cinematrix.store.engine import hold_server_lock, open_engine, wal_is_safe
from cinematrix.store.keys import create_key, find_key, list_keys
from cinematrix.store.records import Rating, Store
from cinematrix.store.refits import list_refits
from cinematrix.store.sqlite import DRIVER
from cinematrix.store.tables import SCHEMA

HALF_STARS = Scale(0.5, 5, 0.5)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, database: Callable[[str], str]) -> str:
    """An empty database of each kind."""
    return database(request.param)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """An empty store of each kind."""
    store = Store.open(url)
    yield store
    store.close()


def note(store: Store, user: str, movie: str, kind: str, *, gone: bool = False) -> None:
    """One event in a transaction of its own."""
    with store.write_transaction() as connection:
        store.note(connection, user, movie, kind, gone=gone)


def rate(store: Store, *ratings: Rating) -> list[bool]:
    """Ratings in one transaction."""
    with store.write_transaction() as connection:
        return [kept.updated for kept in store.rate(connection, ratings)]


def steps(store: Store, user: str) -> dict[str, int | None]:
    """What a user's ratings are."""
    return {rating.movie: rating.steps for rating in store.person(user).ratings}


@pytest.mark.fault(4)
def test_ratings_behave_as_a_dict(store: Store) -> None:
    """Whatever is rated, rated again and taken back in whatever order, the last word on each pair stands."""
    rng, model = np.random.default_rng(7), dict[tuple[str, str], int | None]()
    for _ in range(60):
        rows = [
            Rating(
                f"u{rng.integers(3)}", f"m{rng.integers(5)}", None if rng.random() < 0.2 else int(rng.integers(1, 11))
            )
            for _ in range(rng.integers(1, 4))
        ]
        expected = []
        for row in rows:
            expected.append(model.get((row.user, row.movie)) is not None)
            model[row.user, row.movie] = row.steps
        assert rate(store, *rows) == expected
    for user in ("u0", "u1", "u2"):
        assert steps(store, user) == {movie: value for (who, movie), value in model.items() if who == user}


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    """An error at the second of two ratings takes the first one back."""
    with pytest.raises((DBAPIError, OverflowError)):
        rate(store, Rating("u", "m", 3), Rating("u", "n", 10**30))
    assert not store.person("u").known


@pytest.mark.fault(5)
def test_sixteen_writers_of_one_rating_all_succeed(store: Store) -> None:
    """Nobody is told of a locked database, and one row is left with one of the values."""
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda value: rate(store, Rating("u", "m", value)), range(1, 65)))
    assert len(store.person("u").ratings) == 1
    assert steps(store, "u")["m"] in range(1, 65)


def test_bulks_of_the_same_users_do_not_block_each_other(store: Store) -> None:
    """In whatever order eight writers name two users, all their transactions end well."""

    def write(turn: int) -> None:
        users = ("ann", "bob")[:: 1 if turn % 2 else -1]
        rate(store, *(Rating(user, f"m{turn % 5}", turn % 10 + 1) for user in users))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(80)))
    assert steps(store, "ann") == steps(store, "bob")
    assert len(steps(store, "ann")) == 5


def test_a_forgotten_user_leaves_her_id_and_an_audit_line(store: Store, url: str) -> None:
    """Ratings, events and answers to repeats are gone at once, others' ratings aren't."""
    rate(store, Rating("ann", "m", 3, 17), Rating("bob", "m", 4))
    with store.write_transaction() as connection:
        store.note(connection, "ann", "n", "seen")
        store.remember(connection, "again", b"x", "{}", {"ann", "bob"})
        store.remember(connection, "other", b"x", "{}", {"bob"})
    assert store.person("ann").events == {"seen": ["n"]}
    store.forget("ann", "key 1")
    assert store.person("ann").as_dict() == {
        "user": "ann", "known": False, "forgotten": True, "ratings": [], "events": {},
    }  # fmt: skip
    assert steps(store, "bob") == {"m": 4}
    assert store.audit() == ["deleted user ann"]
    with store.write_transaction() as connection:
        assert store.answered(connection, "again") is None
        assert store.answered(connection, "other") == (b"x", "{}")
    assert store.n_users() == 1


def test_what_was_written_is_there_after_opening_anew(store: Store, url: str) -> None:
    """Times come back with the ratings: the server's of now, the client's as given."""
    rate(store, Rating("u", "m", 9, 1_234))
    other = Store.open(url)
    (found,) = other.person("u").ratings
    other.close()
    assert (found.movie, found.steps, found.given) == ("m", 9, 1_234)
    assert abs(found.received - time.time() * 1000) < 60_000


def test_the_scale_is_said_once(store: Store) -> None:
    """The same one is welcome again; another, or one without steps, isn't."""
    store.fix_scale(HALF_STARS)
    store.fix_scale(HALF_STARS)
    with pytest.raises(StoreError, match=r"0\.5–5 in steps of 0\.5 and the model's 0\.5–5 in steps of 1"):
        store.fix_scale(replace(HALF_STARS, step=1.0))
    with pytest.raises(SettingError, match="has no steps"):
        store.fix_scale(replace(HALF_STARS, step=0.0))


def test_a_users_revision_is_another_one_after_each_write_for_her(store: Store) -> None:
    """And not after a write for somebody else; what a glance tells is the same, where it tells anything."""
    seen = [store.revision("ann")]
    assert seen == [(None, False)]
    for write in (
        lambda: rate(store, Rating("ann", "m", 3)),
        lambda: rate(store, Rating("ann", "m", 3)),
        lambda: rate(store, Rating("ann", "m", None)),
        lambda: note(store, "ann", "n", "seen"),
        lambda: note(store, "ann", "n", "seen", gone=True),
        lambda: store.forget("ann", "admin"),
        lambda: rate(store, Rating("ann", "m", 3)),
    ):
        write()
        assert store.revision("ann") not in seen
        seen.append(store.revision("ann"))
        assert store.peek_revision("ann") in (seen[-1], None)
    rate(store, Rating("bob", "m", 3))
    assert store.revision("ann") == seen[-1]


def test_a_glance_never_waits(tmp_path: Path) -> None:
    """While another process commits it tells nothing, at once."""
    store = Store.open(f"sqlite:///{tmp_path}/s.db")
    rate(store, Rating("ann", "m", 3))
    assert store.peek_revision("ann") == store.revision("ann")
    with store.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
        begun = time.perf_counter()
        told = store.peek_revision("ann")
        assert time.perf_counter() - begun < 1
    assert told in (None, store.revision("ann"))  # beside a write-ahead log readers go on
    store.close()


def test_a_store_of_the_first_version_gets_revisions(store: Store, url: str) -> None:
    """What it holds stays."""
    rate(store, Rating("ann", "m", 3))
    with store.write_transaction() as connection:
        connection.execute(text("alter table users drop column revision"))
        connection.execute(update(SCHEMA).values(version=1))
    other = Store.open(url)
    assert steps(other, "ann") == {"m": 3}
    before = other.revision("ann")
    rate(other, Rating("ann", "m", 4))
    assert before != other.revision("ann")
    other.close()


@pytest.mark.fault(35)
def test_a_newer_or_a_strangers_database_is_refused(url: str) -> None:
    """Neither is touched."""
    store = Store.open(url)
    with store.write_transaction() as connection:
        connection.execute(update(SCHEMA).values(version=99))
    store.close()
    with pytest.raises(StoreError, match=r"version 99.*upgrade"):
        open_engine(url)
    with store.write_transaction() as connection:
        connection.execute(text("drop table schema"))
    store.close()
    with pytest.raises(StoreError, match="tables that aren't Cinematrix's, such as answered"):
        open_engine(url)


@pytest.mark.fault(35)
def test_what_is_no_database_is_one_clear_error(tmp_path: Path) -> None:
    """A file of something else stays as it is; passwords in a URL aren't told."""
    file = tmp_path / "notes.txt"
    file.write_text("not a database, but long enough to have a header of its own" * 20)
    with pytest.raises(StoreError, match="file is not a database"):
        open_engine(f"sqlite:///{file}")
    assert file.read_text().startswith("not a database")
    with pytest.raises(StoreError, match=r"sqlite:///file or postgresql://"):
        open_engine("nonsense")
    with pytest.raises(StoreError, match="mysql isn't supported"):
        open_engine("mysql://localhost/x")
    with pytest.raises(StoreError, match=r"can't be opened") as error:
        open_engine("postgresql://me:hush@127.0.0.1:1/x?connect_timeout=1")
    assert "hush" not in str(error.value)


@pytest.mark.fault(43)
def test_keys_are_found_by_their_secret_alone(store: Store) -> None:
    """The database doesn't hold the secret; another secret finds nothing; there is no role but the three."""
    secret = create_key(store, "write")
    (key,) = list_keys(store)
    assert find_key([key], secret) == key
    assert key.role == "write"
    assert find_key([key], secret + "x") is None
    assert secret.encode() not in key.hash
    assert store.audit() == [f"made key {key.name} for write"]
    with pytest.raises(SettingError, match="read, write, admin"):
        create_key(store, "root")


@pytest.mark.fault(36)
@pytest.mark.parametrize(
    ("version", "safe"),
    [((3, 40, 1), False), ((3, 44, 5), False), ((3, 44, 6), True), ((3, 45, 0), False), ((3, 50, 7), True),
     ((3, 51, 2), False), ((3, 51, 3), True), ((3, 53, 0), True)],
)  # fmt: skip
def test_the_write_ahead_log_is_used_where_it_is_safe(version: tuple[int, ...], safe: bool) -> None:
    """3.7.0 to 3.51.2 have the race, but for two series with fixes."""
    assert wal_is_safe(version) is safe


@pytest.mark.fault(36)
@pytest.mark.parametrize(("version", "journal"), [((3, 40, 1), "delete"), ((3, 53, 0), "wal")])
def test_sqlite_syncs_each_commit(
    version: tuple[int, int, int], journal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With either journal."""
    monkeypatch.setattr(DRIVER, "sqlite_version_info", version)
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == journal
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    store.close()


@pytest.mark.fault(34)
def test_one_server_alone_has_a_sqlite_file(tmp_path: Path) -> None:
    """A second one is told who has it; a killed one lets go."""
    url = f"sqlite:///{tmp_path}/store.db"
    code = "import sys, time; from cinematrix.store.engine import hold_server_lock"
    code += "\nwith hold_server_lock(sys.argv[1]): print('in', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, url], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "in\n"
        with pytest.raises(StoreError, match=f"process id {first.pid}; stop it"), hold_server_lock(url):
            pass
        first.kill()
    with (
        hold_server_lock(url),
        hold_server_lock("postgresql://anywhere/x"),
        hold_server_lock("postgresql://anywhere/x"),
    ):
        pass


WRITER = """
import sys, threading
from cinematrix.store.records import Rating, Store
from cinematrix.store.refits import list_refits
store = Store.open(sys.argv[1])
def write(worker, start):
    for value in range(start, 1_000_000):
        with store.write_transaction() as connection:
            store.rate(connection, [Rating(worker, f"m{value % 7}", value)])
        print(f"{worker} {value}\\n", end="", flush=True)
for worker, start in zip("abc", sys.argv[2:]):
    threading.Thread(target=write, args=(worker, int(start))).start()
"""


@pytest.mark.fault(31)
def test_no_acknowledged_rating_is_lost_when_writers_are_killed(url: str) -> None:
    """Ten seeded kills of three writers: each movie's rating is the last acknowledged one, or the one in flight."""
    rng, last = np.random.default_rng(11), dict.fromkeys("abc", -1)
    ledger: dict[tuple[str, str], int] = {}
    for _ in range(10):
        starts = [str(value + 1) for value in last.values()]
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, url, *starts], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline()]
            time.sleep(float(rng.uniform(0, 0.1)))
            writer.kill()
            lines += writer.stdout.readlines()
        for worker, value in (line.split() for line in lines if line.endswith("\n") and line.strip()):
            last[worker] = int(value)
            ledger[worker, f"m{last[worker] % 7}"] = last[worker]
    store = Store.open(url)
    for worker, value in last.items():
        found, in_flight = steps(store, worker), value + 1
        expected = {movie: kept for (who, movie), kept in ledger.items() if who == worker}
        assert found in (expected, expected | {f"m{in_flight % 7}": in_flight})
    store.close()
    assert sum(last.values()) + 3 >= 10  # one a kill at least


HALFWAY = """
import os, sys
from cinematrix.store import tables
from cinematrix.store.engine import open_engine
first, second, *more = tables.MIGRATIONS
def halfway(connection):
    second(connection)
    os._exit(9)
tables.MIGRATIONS = (first, halfway, *more)
open_engine(sys.argv[1])
"""


@pytest.mark.fault(35)
def test_an_older_store_is_migrated_after_a_copy_was_made(store: Store, url: str) -> None:
    """What was in it stays, and what was there before stands in FILE.v1; killed halfway, it is the old one still."""
    rate(store, Rating("u", "m", 7))
    with store.write_transaction() as connection:
        for table in ("refits", "suspects", "movies"):
            connection.execute(text(f"drop table {table}"))
        connection.execute(update(SCHEMA).values(version=1))
    store.close()
    assert subprocess.run([sys.executable, "-c", HALFWAY, url]).returncode == 9
    with store.engine.connect() as connection:
        assert connection.scalar(text("select version from schema")) == 1
    store.close()
    again = Store.open(url)
    assert steps(again, "u") == {"m": 7}
    assert list_refits(again) == []
    again.close()
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///") + ".v1") as copy:
            assert copy.execute("select version from schema").fetchall() == [(1,)]
            assert copy.execute("select user, movie, steps from ratings").fetchall() == [("u", "m", 7)]
        copy.close()
