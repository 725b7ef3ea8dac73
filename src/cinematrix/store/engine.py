"""Database engines with durable commits, and lock files that give a SQLite file to one server."""

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, SQLAlchemyError

from cinematrix.common.atomic_files import write_atomically
from cinematrix.errors import InputError, StoreError
from cinematrix.store.erasure import rebuild_file, remove_copies
from cinematrix.store.locks import AdvisoryLock, hold_until_commit, shorten_lock_timeout
from cinematrix.store.migrations import MIGRATIONS, migrate, read_version
from cinematrix.store.settings import StoreSettings, read_settings
from cinematrix.store.sqlite import DRIVER, find_file
from cinematrix.store.tables import FORGOTTEN
from cinematrix.store.timing import time_commit

LOCK_DEADLINE: ContextVar[float | None] = ContextVar("lock_deadline", default=None)
"""Time until which write transactions of this context wait for locks, in monotonic seconds."""


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Return whether this SQLite is free of the race in which a reset of the write-ahead log loses a commit.

    3.7.0 to 3.51.2 have the race, except 3.44.6, 3.50.7 and later releases of these two series.
    """
    return version >= (3, 51, 3) or any(version[:2] == fixed[:2] and version >= fixed for fixed in _BACKPORTS)


_BACKPORTS = ((3, 44, 6), (3, 50, 7))


def open_engine(url: str, settings: StoreSettings | None = None) -> Engine:
    """Open the database at `url` (`sqlite:///file` or `postgresql://…`) and migrate its tables to the current version.

    With the settings of a server, statements fail if PostgreSQL doesn't answer within seconds. Migrations always wait.

    SQLite syncs at each commit. It uses a write-ahead log, which doesn't block readers, if its version is free of the
    log's race (`wal_is_safe`), and a rollback journal otherwise.

    Raises:
        StoreError: the database can't be opened, is damaged, has foreign tables, or has a newer version.
    """
    database, used = parse_url(url), settings or StoreSettings()
    is_sqlite = database.get_backend_name() == "sqlite"
    engine, version = _sqlite(database, used) if is_sqlite else _postgresql(database, used), 0
    try:
        with write_transaction(engine) as connection:
            hold_until_commit(connection, AdvisoryLock.MIGRATION)
            if is_sqlite and 0 < (version := read_version(connection)) < len(MIGRATIONS):
                back_up(database, version)
            migrate(connection)
            has_deleted_users = connection.scalar(select(FORGOTTEN.c.user).limit(1)) is not None
        if has_deleted_users:
            remove_copies(database)
        if 0 < version < len(MIGRATIONS):
            rebuild_file(engine)
    except SQLAlchemyError as error:
        engine.dispose()
        raise StoreError(f"the database {database.render_as_string()} can't be opened: {_reason(error)}") from error
    except InputError:
        engine.dispose()
        raise
    if settings is None or is_sqlite:
        return engine
    engine.dispose()
    return _postgresql(database, settings, patient=False)


@contextmanager
def open_read_only(url: str) -> Iterator[Connection]:
    """Open the database without creating or migrating it. The integrity of a SQLite file is checked first.

    Raises:
        StoreError: the database doesn't exist, can't be opened, or is damaged.
    """
    database = parse_url(url)
    is_sqlite = database.get_backend_name() == "sqlite"
    engine = _sqlite_read_only(database) if is_sqlite else _postgresql(database, StoreSettings())
    try:
        with engine.connect() as connection:
            check_integrity(engine)
            yield connection
    except SQLAlchemyError as error:
        raise StoreError(f"the database {database.render_as_string()} can't be opened: {_reason(error)}") from error
    finally:
        engine.dispose()


@contextmanager
def write_transaction(engine: Engine) -> Iterator[Connection]:
    """Open a write transaction. SQLite locks at its start, when waiting is safe; upgrading a lock later isn't."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        elif (deadline := LOCK_DEADLINE.get()) is not None:
            shorten_lock_timeout(connection, deadline - time.monotonic(), read_settings(engine))
        yield connection
        with time_commit(connection):
            connection.commit()


@contextmanager
def give_up_locks_at(deadline: float) -> Iterator[None]:
    """Let write transactions in this block wait for locks of PostgreSQL until `deadline`, in monotonic seconds."""
    token = LOCK_DEADLINE.set(deadline)
    try:
        yield
    finally:
        LOCK_DEADLINE.reset(token)


@contextmanager
def hold_server_lock(url: str) -> Iterator[None]:
    """Hold the lock file beside a SQLite file. PostgreSQL allows several servers and needs no lock.

    The lock is released when the process ends, however it ends.

    Raises:
        StoreError: another server holds the lock.
    """
    database = parse_url(url)
    if database.get_backend_name() != "sqlite" or not database.database:
        yield
        return
    with hold_lock_file(database, "lock", "stop it, or serve from PostgreSQL"):
        yield


@contextmanager
def hold_lock_file(url: URL, ending: str, remedy: str) -> Iterator[None]:
    """Hold the lock file with this ending beside a SQLite file. It contains the holder's process ID.

    Raises:
        StoreError: another process holds the lock.
    """
    path = Path(f"{Path(url.database or '').resolve()}.{ending}")  # of the file itself, whatever links lead to it
    with _open_private(path) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = path.read_text("ascii") or "unknown"
            raise StoreError(f"{path} is held by the process with process id {holder}; {remedy}") from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _open_private(path: Path) -> TextIO:
    """Open a file to append to it. A new one is readable by its owner alone.

    Raises:
        StoreError: it can't be written to.
    """
    try:
        path.absolute().parent.mkdir(parents=True, exist_ok=True)
        return open(path, "a+", encoding="ascii", opener=partial(os.open, mode=0o600))
    except OSError as error:
        raise StoreError(f"{path} can't be written to ({error.strerror}); give another place with --db") from error


def parse_url(url: str) -> URL:
    """Return the URL of a database that is supported.

    Raises:
        StoreError: it isn't.
    """
    try:
        database = make_url(url)
    except ArgumentError as error:
        raise StoreError("the URL of the database is invalid; write sqlite:///file or postgresql://…") from error
    if database.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError(
            f"the database {database.get_backend_name()} isn't supported; write sqlite:///file or postgresql://…"
        )
    return database


def _postgresql(url: URL, settings: StoreSettings, *, patient: bool = True) -> Engine:
    from cinematrix.store.postgresql import make_postgresql_engine

    return make_postgresql_engine(url, settings, patient=patient)


def back_up(url: URL, version: int) -> None:
    """Copy a SQLite file before its migration to `FILE.v1` (`version`) beside it. It stays until a user is deleted.

    PostgreSQL has its own tools (`pg_dump`). Migrations are atomic in both databases.
    """
    assert url.database, "a store in memory is never migrated"
    with (
        write_atomically(Path(f"{url.database}.v{version}"), force=True) as copy,
        closing(DRIVER.connect(url.database)) as source,
        closing(DRIVER.connect(copy)) as target,
    ):
        source.backup(target)


def _sqlite(url: URL, settings: StoreSettings) -> Engine:
    if url.database:
        _open_private(Path(url.database)).close()

    def connect() -> Any:
        """Connect to the existing file; a file deleted while a server runs isn't created again, empty."""
        return DRIVER.connect(
            f"{Path(url.database or '').absolute().as_uri()}?mode=rw", uri=True, check_same_thread=False
        )

    options: dict[str, Any] = {"creator": connect} if url.database else {}
    # Hidden parameters keep stored data out of error messages.
    engine = create_engine(
        url, module=DRIVER, hide_parameters=True, execution_options=settings.execution_options(), **options
    )
    journal = "WAL" if wal_is_safe(DRIVER.sqlite_version_info) else "DELETE"

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # transactions begin explicitly
        wait = f"busy_timeout={settings.busy_seconds * 1000:.0f}"
        for pragma in (wait, f"journal_mode={journal}", "synchronous=FULL", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    if url.database:
        _disconnect_if_replaced(engine, Path(url.database))
    return engine


def _sqlite_read_only(url: URL) -> Engine:
    file = find_file(url)
    return create_engine(
        url, module=DRIVER, hide_parameters=True, creator=lambda: DRIVER.connect(f"{file.as_uri()}?mode=ro", uri=True)
    )


def _disconnect_if_replaced(engine: Engine, file: Path) -> None:
    """Discard connections to a file that was deleted or replaced: their writes would be lost."""

    @event.listens_for(engine, "connect")
    def on_connect(_: Any, record: Any) -> None:
        record.info["file"] = file_identity(file)

    @event.listens_for(engine, "checkout")
    def on_checkout(_: Any, record: Any, __: Any) -> None:
        if record.info["file"] != file_identity(file):
            raise DisconnectionError(f"{file} was deleted or replaced")


def file_identity(file: Path) -> tuple[int, int] | None:
    """Return the device and inode of a file, which another file of this name doesn't have; None if there is none."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def check_integrity(engine: Engine) -> None:
    """Check the integrity of a SQLite file. PostgreSQL checks its pages itself when it reads them.

    Raises:
        StoreError: the file is damaged.
    """
    if engine.dialect.name != "sqlite":
        return
    try:
        with engine.connect() as connection:
            outcome = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    except DBAPIError as error:
        outcome = _reason(error)
    if outcome != "ok":
        engine.dispose()
        raise StoreError(
            f"the database {engine.url.database} is damaged ({' '.join(str(outcome).split())}) and is left as it is; "
            "restore a backup, as docs/deploy.md says"
        )


def free_bytes(engine: Engine) -> float:
    """Return the free disk bytes at a SQLite file; infinity for PostgreSQL, whose disk isn't visible here."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return float("inf")
    return shutil.disk_usage(Path(engine.url.database).absolute().parent).free


def _reason(error: SQLAlchemyError) -> str:
    return " ".join(str(error.orig if isinstance(error, DBAPIError) else error).split())
