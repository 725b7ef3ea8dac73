"""What the store keeps of refits: who asked, what came of it and by which figures; and what they learn from."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, text, tuple_, update
from sqlalchemy.engine import Row

from cinematrix.errors import StoreError
from cinematrix.store.engine import hold_lock_file
from cinematrix.store.records import Store
from cinematrix.store.tables import AUDIT, FORGOTTEN, RATINGS, REFITS, SUSPECTS

REFIT_LOCK_ID = 0x43494E46
"""The PostgreSQL advisory lock that the one running refit holds."""

REQUEST_LOCK_ID = 0x43494E47
"""The one under which the schedule looks whether a refit is due."""

PAGE_ROWS = 50_000
"""Ratings read in one transaction, so that writers never wait long for a reader."""


@dataclass(frozen=True)
class Refit:
    """A refit as the store has it; times in ms.

    Attributes:
        who: asked for it.
        force: promote whatever the gate finds.
        state: asked, running, promoted, refused or failed.
        against, version: what served, and the new one.
        why: what the gate found, or what failed.
        figures: what was measured, as JSON has it.
    """

    refit: int
    who: str
    force: bool
    asked: int
    begun: int | None = None
    ended: int | None = None
    state: str = "asked"
    against: str | None = None
    version: str | None = None
    why: str = ""
    figures: dict[str, Any] = field(default_factory=dict)


@contextmanager
def hold_refit_lock(store: Store) -> Iterator[None]:
    """Hold the lock under which one refit at a time runs, whichever server began it; it goes with the process.

    Raises:
        StoreError: another one runs.
    """
    busy = "another refit of this store is running; wait until it has ended"
    if store.engine.dialect.name == "sqlite":
        with hold_lock_file(store.engine.url, "refit", busy):
            yield
        return
    with store.engine.connect() as connection:
        if not connection.scalar(text("select pg_try_advisory_lock(:key)"), {"key": REFIT_LOCK_ID}):
            raise StoreError(busy)
        connection.commit()  # the lock is the session's; a transaction would hold back vacuum for all the training
        try:
            yield
        finally:
            connection.execute(text("select pg_advisory_unlock(:key)"), {"key": REFIT_LOCK_ID})


def request_refit(store: Store, who: str, *, force: bool = False) -> Refit:
    """Write down that a refit is wanted."""
    with store.write_transaction() as connection:
        return _asked(connection, who, force)


def request_refit_if_due(store: Store, every: int, trained: int) -> Refit | None:
    """Write down that the schedule wants a refit, if `every` ms have gone since the last one, and since the model was
    `trained` (ms). Of several servers that ask at once, one gets it.
    """
    with store.write_transaction() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": REQUEST_LOCK_ID})
        last = connection.scalar(select(func.max(REFITS.c.asked))) or 0
        return _asked(connection, "schedule", False) if _now() - max(last, trained) >= every else None


def _asked(connection: Connection, who: str, force: bool) -> Refit:
    now = _now()
    row = {"who": who, "force": force, "asked": now, "state": "asked", "why": "", "figures": "{}"}
    key = connection.execute(insert(REFITS).values(row)).inserted_primary_key
    assert key is not None, "every row has a number"
    connection.execute(insert(AUDIT).values(at=now, who=who, what=f"asked for refit {key[0]}"))
    return Refit(key[0], who, force, now)


def append_audit(store: Store, who: str, what: str) -> None:
    """A line in the audit."""
    with store.write_transaction() as connection:
        connection.execute(insert(AUDIT).values(at=_now(), who=who, what=what))


def start_refit(store: Store, refit: int, against: str) -> None:
    """A refit runs now. Whoever calls holds the lock (`hold_refit_lock`), so one that seems to run was killed."""
    ended = {"state": "failed", "ended": _now(), "why": "its process was ended"}
    with store.write_transaction() as connection:
        connection.execute(update(REFITS).filter_by(state="running").values(ended))
        connection.execute(update(REFITS).filter_by(refit=refit).values(state="running", begun=_now(), against=against))


def finish_refit(store: Store, refit: int, state: str, why: str, **more: Any) -> None:
    """A refit has ended so; `more` are its version and figures."""
    figures = {"figures": json.dumps(more.pop("figures"))} if "figures" in more else {}
    with store.write_transaction() as connection:
        connection.execute(
            update(REFITS).filter_by(refit=refit).values(state=state, ended=_now(), why=why, **more, **figures)
        )


def find_refit(store: Store, refit: int) -> Refit | None:
    """One refit."""
    with store.engine.connect() as connection:
        row = connection.execute(select(REFITS).filter_by(refit=refit)).first()
    return None if row is None else _refit(row)


def list_refits(store: Store, n: int = 20) -> list[Refit]:
    """The last refits, the newest first."""
    with store.engine.connect() as connection:
        return [_refit(row) for row in connection.execute(select(REFITS).order_by(REFITS.c.refit.desc()).limit(n))]


def save_suspects(store: Store, refit: int, profiles: Mapping[str, str]) -> None:
    """Keep which profiles the last refit left out, and why; users forgotten meanwhile aren't named."""
    with store.write_transaction() as connection:
        gone = set(connection.scalars(select(FORGOTTEN.c.user)))
        rows = [{"user": user, "refit": refit, "why": why} for user, why in profiles.items() if user not in gone]
        connection.execute(delete(SUSPECTS))
        if rows:
            connection.execute(insert(SUSPECTS), rows)


def read_suspects(store: Store, refit: int) -> dict[str, str]:
    """The profiles that a refit left out, and why, as long as no other one has ended."""
    with store.engine.connect() as connection:
        rows = connection.execute(
            select(SUSPECTS.c.user, SUSPECTS.c.why).filter_by(refit=refit).order_by(SUSPECTS.c.user)
        )
        return {row.user: row.why for row in rows}


def iterate_ratings(store: Store) -> Iterator[Row[Any]]:
    """Every row of the table of ratings, those taken back included, by user and movie.

    They are read page by page: what is written meanwhile may be there or not, each row whole.
    """
    key, at = (RATINGS.c.user, RATINGS.c.movie), ("", "")
    while True:
        statement = select(RATINGS).where(tuple_(*key) > tuple_(*at)).order_by(*key).limit(PAGE_ROWS)
        with store.engine.connect() as connection:
            rows = connection.execute(statement).all()
        if not rows:
            return
        yield from rows
        at = (rows[-1].user, rows[-1].movie)


def list_forgotten_users(store: Store) -> list[str]:
    """Everybody whom no model may learn from again."""
    with store.engine.connect() as connection:
        return list(connection.scalars(select(FORGOTTEN.c.user)))


def _refit(row: Row[Any]) -> Refit:
    return Refit(**(dict(row._mapping) | {"figures": json.loads(row.figures)}))


def _now() -> int:
    return time.time_ns() // 1_000_000
