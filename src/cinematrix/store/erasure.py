"""Erasure of deleted data from the files of a SQLite store: the write-ahead log and copies of older versions.

`secure_delete` overwrites deleted rows in the file itself. PostgreSQL removes them by its own vacuum.
"""

from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import URL

from cinematrix.store.sqlite import DRIVER

TABLES_OF_USERS = """select m.name from sqlite_master m join pragma_table_info(m.name) c
    where m.type = 'table' and c.name = 'user'"""
"""Select the tables that have a column with a user's ID."""


def truncate_log(engine: Engine) -> bool:
    """Write the write-ahead log back to the file and empty it. Return whether that was possible: nobody else reads."""
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return True
    with engine.connect() as connection:
        busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    return not busy


def rebuild_file(engine: Engine) -> None:
    """Rebuild a SQLite file, whose free pages have data deleted by versions without `secure_delete`."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("VACUUM")
        truncate_log(engine)


def erase_from_copies(url: URL, user: str) -> None:
    """Delete a user's rows from the copies that were made before migrations (`FILE.v1` …), and rebuild these."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return
    file = Path(url.database)
    for copy in file.parent.glob(f"{file.name}.v*"):
        if copy.suffix[2:].isdigit():
            with closing(DRIVER.connect(copy, isolation_level=None)) as connection:
                _erase_from_copy(connection, user)


def _erase_from_copy(connection: "DRIVER.Connection", user: str) -> None:  # type: ignore[name-defined]
    tables = [name for (name,) in connection.execute(TABLES_OF_USERS)]
    connection.execute("BEGIN IMMEDIATE")
    gone = [connection.execute(f'delete from "{name}" where user = ?', (user,)).rowcount for name in tables]
    about = "what like '% user %' and substr(what, -length(?)) = ? or who = ?"
    gone.append(connection.execute(f"delete from audit where {about}", (user, user, f"user {user}")).rowcount)
    connection.execute("COMMIT")
    if any(gone):
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("VACUUM")
