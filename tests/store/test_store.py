"""Tests of the store on SQLite and on a real PostgreSQL: no acknowledged write is lost."""

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
from cinematrix.store.records import Rating, Revision, Store, UserRecords
from cinematrix.store.refits import list_refits
from cinematrix.store.sqlite import DRIVER
from cinematrix.store.tables import SCHEMA
from forks import ForkedRuns
from waiting import wait_for

HALF_STARS = Scale(0.5, 5, 0.5)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, database: Callable[[str], str]) -> str:
    """Return the URL of an empty database of each kind."""
    return database(request.param)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Yield an empty store on each database."""
    store = Store.open(url)
    yield store
    store.close()


def note(store: Store, user: str, movie: str, kind: str, *, gone: bool = False) -> None:
    """Save or delete an event in a transaction."""
    with store.write_transaction() as connection:
        store.note(connection, user, movie, kind, gone=gone)


def rate(store: Store, *ratings: Rating) -> list[bool]:
    """Save ratings in one transaction; return which of them replaced another."""
    with store.write_transaction() as connection:
        return [saved.updated for saved in store.rate(connection, ratings)]


def steps(store: Store, user: str) -> dict[str, int | None]:
    """Return a user's ratings in steps by movie."""
    return {rating.movie: rating.steps for rating in store.person(user).ratings}


@pytest.mark.fault(4)
def test_ratings_behave_as_a_dict(store: Store) -> None:
    """After any sequence of saved and deleted ratings, the last write of each user and movie counts."""
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
    """An error at the second of two ratings rolls back the first."""
    with pytest.raises((DBAPIError, OverflowError)):
        rate(store, Rating("u", "m", 3), Rating("u", "n", 10**30))
    assert not store.person("u").known


@pytest.mark.fault(5)
def test_sixteen_writers_of_one_rating_all_succeed(store: Store) -> None:
    """No writer gets an error of a locked database, and one row is left with one of the values."""
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda value: rate(store, Rating("u", "m", value)), range(1, 65)))
    assert len(store.person("u").ratings) == 1
    assert steps(store, "u")["m"] in range(1, 65)


def test_bulks_of_the_same_users_do_not_block_each_other(store: Store) -> None:
    """Eight writers name two users in either order, and all their transactions succeed."""

    def write(turn: int) -> None:
        users = ("ann", "bob")[:: 1 if turn % 2 else -1]
        rate(store, *(Rating(user, f"m{turn % 5}", turn % 10 + 1) for user in users))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(80)))
    assert steps(store, "ann") == steps(store, "bob")
    assert len(steps(store, "ann")) == 5


def test_a_deleted_user_leaves_a_pseudonym_and_an_audit_line(store: Store, url: str) -> None:
    """Ratings, events and stored responses are deleted at once; other users' records stay."""
    rate(store, Rating("ann", "m", 3, 17), Rating("bob", "m", 4))
    with store.write_transaction() as connection:
        store.note(connection, "ann", "n", "seen")
        store.remember(connection, "repeat", b"x", "{}", {"ann", "bob"})
        store.remember(connection, "other", b"x", "{}", {"bob"})
    assert store.person("ann").events == {"seen": ["n"]}
    store.forget("ann", "key 1")
    assert store.person("ann") == UserRecords("ann", Revision(None, True), [], {}, {})
    assert steps(store, "bob") == {"m": 4}
    assert store.audit() == [f"deleted user {store.pseudonym('ann')}"]
    with store.write_transaction() as connection:
        assert store.answered(connection, "repeat") is None
        assert store.answered(connection, "other") == (b"x", "{}")
    assert store.n_users() == 1


def test_people_read_together_are_those_read_alone(store: Store) -> None:
    """A rated, a deleted and an unknown user, in any order, with the revisions of their records."""
    rate(store, Rating("ann", "m", 3, 17), Rating("bob", "m", 4), Rating("ann", "n", None))
    with store.write_transaction() as connection:
        store.note(connection, "ann", "o", "seen", given=5)
    store.forget("bob", "key 1")
    names = ["bob", "nobody", "ann", "bob"]
    people = store.people(names)
    assert people == [store.person(name) for name in names]
    assert [person.revision for person in people] == [store.revision(name) for name in names]
    assert [(person.known, person.forgotten) for person in people[:3]] == [(False, True), (False, False), (True, False)]
    assert ([row.movie for row in people[2].ratings], people[2].event_times) == (["m", "n"], {"seen": {"o": 5}})


def test_ratings_persist_after_reopening(store: Store, url: str) -> None:
    """Ratings have their times: the server's is now, the client's as given."""
    rate(store, Rating("u", "m", 9, 1_234))
    other = Store.open(url)
    (rating,) = other.person("u").ratings
    other.close()
    assert (rating.movie, rating.steps, rating.given) == ("m", 9, 1_234)
    assert abs(rating.received - time.time() * 1000) < 60_000


def test_the_scale_is_fixed_once(store: Store) -> None:
    """The same scale is accepted again; another, or one without steps, is refused."""
    store.fix_scale(HALF_STARS)
    store.fix_scale(HALF_STARS)
    with pytest.raises(StoreError, match=r"0\.5–5 in steps of 0\.5 and the model's 0\.5–5 in steps of 1"):
        store.fix_scale(replace(HALF_STARS, step=1.0))
    with pytest.raises(SettingError, match="has no steps"):
        store.fix_scale(replace(HALF_STARS, step=0.0))


def test_a_users_revision_changes_with_each_write_for_that_user(store: Store) -> None:
    """Writes for other users don't change it. `peek_revision` agrees or gives None."""
    revisions = [store.revision("ann")]
    assert revisions == [(None, False)]
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
        assert store.revision("ann") not in revisions
        revisions.append(store.revision("ann"))
        assert store.peek_revision("ann") in (revisions[-1], None)
    rate(store, Rating("bob", "m", 3))
    assert store.revision("ann") == revisions[-1]


def test_peek_revision_never_waits(tmp_path: Path) -> None:
    """While another connection holds the lock, it returns None, or the revision, at once."""
    store = Store.open(f"sqlite:///{tmp_path}/s.db")
    rate(store, Rating("ann", "m", 3))
    assert store.peek_revision("ann") == store.revision("ann")
    with store.engine.connect() as connection:
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
        begun = time.perf_counter()
        revision = store.peek_revision("ann")
        assert time.perf_counter() - begun < 1
    assert revision in (None, store.revision("ann"))  # a write-ahead log doesn't block readers
    store.close()


def test_a_store_of_the_first_version_gets_revisions(store: Store, url: str) -> None:
    """Its ratings stay."""
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
def test_a_newer_or_foreign_database_is_refused(url: str) -> None:
    """Neither is changed."""
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
def test_an_invalid_database_is_one_clear_error(tmp_path: Path) -> None:
    """A file that isn't a database is left as it is; the password of a URL isn't shown."""
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
    """The secret isn't stored; another secret finds no key; only three roles exist."""
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
    """3.7.0 to 3.51.2 have the race, except for fixed releases of two series."""
    assert wal_is_safe(version) is safe


@pytest.mark.fault(36)
@pytest.mark.parametrize(("version", "journal"), [((3, 40, 1), "delete"), ((3, 53, 0), "wal")])
def test_sqlite_syncs_each_commit(
    version: tuple[int, int, int], journal: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each commit is synced with either journal mode."""
    monkeypatch.setattr(DRIVER, "sqlite_version_info", version)
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == journal
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    store.close()


@pytest.mark.fault(34)
def test_only_one_server_opens_a_sqlite_file(tmp_path: Path) -> None:
    """The error of a second server names the first; a killed server releases the lock."""
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


WRITERS = """
import os, threading
from cinematrix.store.records import Rating, Store
def write(store, output, worker, start):
    for value in range(start, 1_000_000):
        with store.write_transaction() as connection:
            store.rate(connection, [Rating(worker, f"m{value % 7}", value)])
        os.write(output, f"{worker} {value}\\n".encode())
def run(url, file, *starts):
    store, output = Store.open(url), os.open(file, os.O_WRONLY | os.O_CREAT)
    for worker, start in zip("abc", starts):
        threading.Thread(target=write, args=(store, output, worker, int(start))).start()
    threading.Event().wait()
"""


@pytest.mark.fault(31)
def test_no_acknowledged_rating_is_lost_when_writers_are_killed(url: str, tmp_path: Path) -> None:
    """After ten seeded kills of three writers, each movie has the last acknowledged rating or the one in flight."""
    rng, last = np.random.default_rng(11), dict.fromkeys("abc", -1)
    ledger: dict[tuple[str, str], int] = {}
    with ForkedRuns(WRITERS) as writers:
        for turn in range(10):
            written = tmp_path / f"written{turn}"
            written.touch()
            with writers.running(url, written, *(value + 1 for value in last.values())):
                wait_for(lambda written=written: written.stat().st_size, 30)  # type: ignore[misc]
                time.sleep(float(rng.uniform(0, 0.1)))
            for worker, value in map(str.split, written.read_text().splitlines()):
                last[worker] = int(value)
                ledger[worker, f"m{last[worker] % 7}"] = last[worker]
    store = Store.open(url)
    for worker, value in last.items():
        ratings, in_flight = steps(store, worker), value + 1
        expected = {movie: steps for (who, movie), steps in ledger.items() if who == worker}
        assert ratings in (expected, expected | {f"m{in_flight % 7}": in_flight})
    store.close()
    assert sum(last.values()) + 3 >= 10  # at least one per kill


HALFWAY = """
import os, sys
from cinematrix.store import migrations
from cinematrix.store.engine import open_engine
first, second, *more = migrations.MIGRATIONS
def halfway(connection):
    second(connection)
    os._exit(9)
migrations.MIGRATIONS = (first, halfway, *more)
open_engine(sys.argv[1])
"""


@pytest.mark.fault(35)
def test_an_older_store_is_migrated_after_a_copy_was_made(store: Store, url: str) -> None:
    """Its records stay, and the old file is copied to FILE.v1; a migration killed halfway changes nothing."""
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
    migrated = Store.open(url)
    assert steps(migrated, "u") == {"m": 7}
    assert list_refits(migrated) == []
    migrated.close()
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///") + ".v1") as copy:
            assert copy.execute("select version from schema").fetchall() == [(1,)]
            assert copy.execute("select user, movie, steps from ratings").fetchall() == [("u", "m", 7)]
        copy.close()
