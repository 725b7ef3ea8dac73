"""The SQLite that the store writes with: that of the package pysqlite3, a recent one, or else Python's own."""

import importlib
import importlib.util
import sqlite3
from types import ModuleType

DRIVER: ModuleType = importlib.import_module("pysqlite3.dbapi2") if importlib.util.find_spec("pysqlite3") else sqlite3
"""A DB-API module with the names of Python's `sqlite3`. pysqlite3 has wheels for some platforms only."""
