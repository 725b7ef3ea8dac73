"""Make the SQLite stores of earlier versions by their own code: `python tests/store/make_old_stores.py REV …`.

Each is written as SQL into tests/store/old/. `RECORDS` lists what is in them. A revision of each version that ever was:

    95fc852 fd8e93d e175062 bd12579 65522bc 56fd470 907d47f c2a1855 c74fac0 42d5ffb bd02ff1 6230570 a7b4d7b

Two branches had different fifth steps: 65522bc, 907d47f and c2a1855 lack that of 56fd470.
"""

import inspect
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "old"

NEW_USER, DELETED_USER = "zoë", "gone-4711"


def name(module: str, *names: str) -> Any:
    """Return the first name that this revision's module has; None if it has no such module or name."""
    with suppress(ModuleNotFoundError):
        found = import_module(module)
        return next((getattr(found, each) for each in names if hasattr(found, each)), None)
    return None


def write(store: Any) -> Any:
    """Return a write transaction."""
    return getattr(store, "write_transaction", None) or store.writing


def note(store: Any, user: str, movie: str, kind: str) -> None:
    """Store an event."""
    if "connection" in inspect.signature(store.note).parameters:
        with write(store)() as connection:
            store.note(connection, user, movie, kind)
    else:
        store.note(user, movie, kind)


def fill(url: str) -> None:
    """Write the same records with the code of any revision. What a version doesn't have is left out."""
    store, rating = name("cinematrix.store.records", "Store").open(url), name("cinematrix.store.records", "Rating")
    scale = name("cinematrix.data.ratings", "Scale") or name("cinematrix.ratings", "Scale")
    store.fix_scale(scale(0.5, 5, 0.5))
    rows = [("ann", "1", 7, None), ("ann", "318", 10, 1_600_000_000), (NEW_USER, "2", 3, None)]
    rows += [(NEW_USER, "318", 3, None), (DELETED_USER, "1", 9, None)]
    with write(store)() as connection:
        store.rate(connection, [rating(*row) for row in rows])
    with write(store)() as connection:
        store.rate(connection, [rating(NEW_USER, "2", None, None)])
    for user, movie, kind in (("ann", "50", "watchlist"), (NEW_USER, "1", "seen"), (DELETED_USER, "7", "like")):
        note(store, user, movie, kind)
    name("cinematrix.store.keys", "create_key")(store, "write")
    with write(store)() as connection:
        users = [{"ann"}] if "users" in inspect.signature(store.remember).parameters else []
        store.remember(connection, "again", b"digest", "{}", *users)
    if ask := name("cinematrix.store.refits", "request_refit", "ask"):
        ask(store, "key 1")
    if put := name("cinematrix.store.movies", "put_movies"):
        movie = name("cinematrix.data.catalog", "MovieMetadata") or name("cinematrix.store.movies", "Film")
        put(store, [movie("99999", "Neuer Film", 2026, ["Drama"])], "key 1")
    if create := name("cinematrix.store.tokens", "create_token"):
        create(store, "ann", 3, "key 1")
        create(store, DELETED_USER, 3, "key 1")
    store.forget(DELETED_USER, "key 1")
    store.close()


def make(revision: str) -> None:
    """Run `fill` with the code of a revision, and write the store as SQL."""
    with tempfile.TemporaryDirectory() as place:
        archive = subprocess.run(["git", "archive", revision, "src"], stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(["tar", "-x", "-C", place], input=archive, check=True)
        surroundings = os.environ | {"PYTHONPATH": f"{place}/src"}
        command = [sys.executable, __file__, "--fill", f"sqlite:///{place}/store.db"]
        subprocess.run(command, check=True, env=surroundings)
        with closing(sqlite3.connect(f"{place}/store.db")) as database:
            (version,) = database.execute("select version from schema").fetchone()
            lines = "\n".join(database.iterdump())
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"version{version}-{revision}.sql").write_text(f"{lines}\n", "utf-8")


if __name__ == "__main__":
    if sys.argv[1] == "--fill":
        fill(sys.argv[2])
    else:
        for given in sys.argv[1:]:
            make(given)
