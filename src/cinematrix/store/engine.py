"""Opening a database so that what is committed is on the disk, and so that one server alone has a SQLite file."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, SQLAlchemyError

from cinematrix.common.atomic_files import write_atomically
from cinematrix.errors import InputError, StoreError
from cinematrix.store.sqlite import DRIVER
from cinematrix.store.tables import MIGRATIONS, migrate, read_version

BUSY_MS = 5_000
"""How long a writer waits for another before it gives up."""

MIN_FREE_BYTES = 64_000_000
"""Room that the disk of a SQLite file must have for a server to be ready."""

MIGRATION_LOCK_ID = 0x43494E45
"""The PostgreSQL advisory lock under which several servers that start at once migrate one after the other."""


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Whether this SQLite is free of the race in which a reset of the write-ahead log loses a commit.

    3.7.0 to 3.51.2 have it, but for the releases 3.44.6 and 3.50.7 and what follows these in their series.
    """
    return version >= (3, 51, 3) or any(version[:2] == fixed[:2] and version >= fixed for fixed in _BACKPORTS)


_BACKPORTS = ((3, 44, 6), (3, 50, 7))


def open_engine(url: str) -> Engine:
    """The database at `url` (`sqlite:///file` or `postgresql://…`), with today's tables in it.

    SQLite syncs at each commit. It writes a write-ahead log, beside which readers go on, where its version is free
    of the log's race (`wal_is_safe`), and a rollback journal where it isn't.

    Raises:
        StoreError: it can't be opened, is damaged, isn't ours, or is newer than this Cinematrix.
    """
    found = _parsed(url)
    engine = _sqlite(found) if found.get_backend_name() == "sqlite" else _postgresql(found)
    try:
        with write_transaction(engine) as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK_ID})
            elif 0 < (version := read_version(connection)) < len(MIGRATIONS):
                back_up(found, version)
            migrate(connection)
    except SQLAlchemyError as error:
        engine.dispose()
        raise StoreError(f"the database {found.render_as_string()} can't be opened: {_reason(error)}") from error
    except InputError:
        engine.dispose()
        raise
    return engine


@contextmanager
def open_read_only(url: str) -> Iterator[Connection]:
    """The database to look at, neither made nor migrated, a SQLite file read through first.

    Raises:
        StoreError: it isn't there, can't be opened, or is damaged.
    """
    found = _parsed(url)
    engine = _sqlite_to_read(found) if found.get_backend_name() == "sqlite" else _postgresql(found)
    try:
        with engine.connect() as connection:
            check_integrity(engine)
            yield connection
    except SQLAlchemyError as error:
        raise StoreError(f"the database {found.render_as_string()} can't be opened: {_reason(error)}") from error
    finally:
        engine.dispose()


@contextmanager
def write_transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes. SQLite takes its lock at the start: waiting is safe then, upgrading later isn't."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection
        connection.commit()


@contextmanager
def hold_server_lock(url: str) -> Iterator[None]:
    """Hold the lock file beside a SQLite file; of PostgreSQL there may be many servers.

    The lock goes with the process, however it ends.

    Raises:
        StoreError: another server holds it.
    """
    found = _parsed(url)
    if found.get_backend_name() != "sqlite" or not found.database:
        yield
        return
    with hold_lock_file(found, "lock", "stop it, or serve from PostgreSQL"):
        yield


@contextmanager
def hold_lock_file(url: URL, ending: str, remedy: str) -> Iterator[None]:
    """Hold the lock file with this ending beside a SQLite file, which tells the holder's process id.

    Raises:
        StoreError: another process holds it.
    """
    path = Path(f"{url.database}.{ending}")
    with path.open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = path.read_text("ascii") or "unknown"
            raise StoreError(f"{path} is held by the process with process id {holder}; {remedy}") from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _parsed(url: str) -> URL:
    try:
        found = make_url(url)
    except ArgumentError as error:
        raise StoreError("the URL of the database isn't one; write sqlite:///file or postgresql://…") from error
    if found.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError(f"{found.get_backend_name()} isn't supported; write sqlite:///file or postgresql://…")
    return found


def _postgresql(url: URL) -> Engine:
    return create_engine(
        url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, pool_timeout=BUSY_MS / 1000, hide_parameters=True
    )


def back_up(url: URL, version: int) -> None:
    """Copy a SQLite file, as it is before it is migrated, to `FILE.v1` (its version) beside it.

    PostgreSQL has tools of its own (`pg_dump`), and migrations are whole or not at all in both.
    """
    assert url.database, "a store in memory is never migrated"
    with (
        write_atomically(Path(f"{url.database}.v{version}"), force=True) as copy,
        closing(DRIVER.connect(url.database)) as source,
        closing(DRIVER.connect(copy)) as target,
    ):
        source.backup(target)


def _sqlite(url: URL) -> Engine:
    if url.database:
        Path(url.database).absolute().parent.mkdir(parents=True, exist_ok=True)
        Path(url.database).touch()

    def connect() -> Any:
        """To the file that is there: one that was deleted under a server isn't made anew, empty."""
        return DRIVER.connect(
            f"{Path(url.database or '').absolute().as_uri()}?mode=rw", uri=True, check_same_thread=False
        )

    made = {"creator": connect} if url.database else {}
    engine = create_engine(
        url, module=DRIVER, hide_parameters=True, **made
    )  # so that errors tell nothing of what is kept
    journal = "WAL" if wal_is_safe(DRIVER.sqlite_version_info) else "DELETE"

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say so
        for pragma in (f"busy_timeout={BUSY_MS}", f"journal_mode={journal}", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")

    if url.database:
        _follow(engine, Path(url.database))
    return engine


def _sqlite_to_read(url: URL) -> Engine:
    file = Path(url.database or "").absolute()
    if not file.is_file():
        raise StoreError(f"there is no file {file}; it is made when it is first served")
    return create_engine(
        url, module=DRIVER, hide_parameters=True, creator=lambda: DRIVER.connect(f"{file.as_uri()}?mode=ro", uri=True)
    )


def _follow(engine: Engine, file: Path) -> None:
    """Leave connections to a file that was deleted or replaced: what they write would be lost."""

    @event.listens_for(engine, "connect")
    def opened(_: Any, record: Any) -> None:
        record.info["file"] = _identity(file)

    @event.listens_for(engine, "checkout")
    def taken(_: Any, record: Any, __: Any) -> None:
        if record.info["file"] != _identity(file):
            raise DisconnectionError(f"{file} was deleted or replaced")


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def check_integrity(engine: Engine) -> None:
    """Read a SQLite file through; PostgreSQL checks its pages itself as it reads them.

    Raises:
        StoreError: it is damaged.
    """
    if engine.dialect.name != "sqlite":
        return
    try:
        with engine.connect() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    except DBAPIError as error:
        found = _reason(error)
    if found != "ok":
        engine.dispose()
        raise StoreError(
            f"the database {engine.url.database} is damaged ({' '.join(str(found).split())}) and is left as it is; "
            "restore a backup, as docs/deploy.md says"
        )


def free_bytes(engine: Engine) -> float:
    """Room on the disk of a SQLite file; of PostgreSQL's nothing is known here."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return float("inf")
    return shutil.disk_usage(Path(engine.url.database).absolute().parent).free


def _reason(error: SQLAlchemyError) -> str:
    return " ".join(str(error.orig if isinstance(error, DBAPIError) else error).split())
