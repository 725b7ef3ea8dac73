"""Erasure of deleted data from the files of a SQLite store: the write-ahead log and copies of older versions.

`secure_delete` overwrites deleted rows in the file itself. PostgreSQL removes them by its own vacuum.
"""

import glob
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import URL


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


def remove_copies(url: URL) -> None:
    """Delete the copies that were made before migrations (`FILE.v1` …), since a deleted user's ID may be in them."""
    if url.get_backend_name() == "sqlite" and url.database:
        file = Path(url.database)
        for copy in file.parent.glob(f"{glob.escape(file.name)}.v*"):
            if copy.suffix[2:].isdigit():
                copy.unlink(missing_ok=True)
