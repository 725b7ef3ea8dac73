"""Stores of earlier versions, made by their own code: `tests/store/make_old_stores.py`."""

from contextlib import closing
from pathlib import Path

from cinematrix.store.sqlite import DRIVER
from places import ROOT

OLD_STORES = sorted((ROOT / "tests" / "store" / "old").glob("version*.sql"))
"""SQL of the stores, by version."""


def restore(dump: Path, file: Path) -> str:
    """Make the SQLite file of a dump; return its URL."""
    with closing(DRIVER.connect(file)) as database:
        database.executescript(dump.read_text("utf-8"))
    return f"sqlite:///{file}"
