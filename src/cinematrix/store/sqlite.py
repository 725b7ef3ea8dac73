"""The file of a SQLite database, and the driver: pysqlite3, whose SQLite is recent, if installed, or else Python's."""

import importlib
import importlib.util
import sqlite3
from pathlib import Path
from types import ModuleType

from sqlalchemy.engine import URL

from cinematrix.errors import StoreError

DRIVER: ModuleType = importlib.import_module("pysqlite3.dbapi2") if importlib.util.find_spec("pysqlite3") else sqlite3
"""DB-API module with the names of Python's `sqlite3`. pysqlite3 has wheels for some platforms only."""


def find_file(url: URL) -> Path:
    """Return the existing file of a SQLite database.

    Raises:
        StoreError: it doesn't exist.
    """
    file = Path(url.database or "").absolute()
    if not file.is_file():
        raise StoreError(f"the database file {file} doesn't exist; start the service once, which creates it")
    return file
