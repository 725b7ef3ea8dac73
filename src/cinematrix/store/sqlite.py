"""The SQLite driver: the package pysqlite3, whose SQLite is recent, if installed, or else Python's own."""

import importlib
import importlib.util
import sqlite3
from types import ModuleType

DRIVER: ModuleType = importlib.import_module("pysqlite3.dbapi2") if importlib.util.find_spec("pysqlite3") else sqlite3
"""DB-API module with the names of Python's `sqlite3`. pysqlite3 has wheels for some platforms only."""
