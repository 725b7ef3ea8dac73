"""Stored refits with their requests, outcomes and figures, and the stored ratings for training."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select, text, tuple_, update
from sqlalchemy.engine import Row

from cinematrix.errors import StoreError
from cinematrix.store.engine import hold_lock_file
from cinematrix.store.locks import AdvisoryLock, hold_until_commit
from cinematrix.store.records import Store
from cinematrix.store.statements import find_forgotten, now_ms, write_audit
from cinematrix.store.tables import REFITS, SUSPECTS

PAGE_ROWS = 50_000
"""Maximum rows read in one transaction, so that writers never wait long for a reader."""


@dataclass(frozen=True)
class Refit:
    """A stored refit; times in epoch milliseconds.

    Attributes:
        refit: number of the refit.
        who: name of the requester.
        force: promote the new version even if the gate refuses it.
        asked, begun, ended: times of the request, the start and the end.
        state: asked, running, promoted, refused or failed.
        against, version: the version served before, and the new version.
        why: reason of the gate, or of the failure.
        figures: measured figures, JSON-compatible.
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
    """Hold the lock that allows one refit at a time across servers. It is released when the process ends.

    Raises:
        StoreError: another refit is running.
    """
    busy = "another refit of this store is running; wait until it has ended"
    if store.engine.dialect.name == "sqlite":
        with hold_lock_file(store.engine.url, "refit", busy):
            yield
        return
    with store.engine.connect() as connection:
        if not connection.scalar(text("select pg_try_advisory_lock(:key)"), {"key": int(AdvisoryLock.REFIT)}):
            raise StoreError(busy)
        connection.commit()  # the lock is the session's; an open transaction would block vacuum during training
        try:
            yield
        finally:
            connection.execute(text("select pg_advisory_unlock(:key)"), {"key": int(AdvisoryLock.REFIT)})


def request_refit(store: Store, who: str, *, force: bool = False) -> Refit:
    """Request a refit."""
    with store.write_transaction() as connection:
        return _insert_request(connection, who, force)


def request_refit_if_due(store: Store, every: int, trained: int) -> Refit | None:
    """Request a scheduled refit if `every` ms have passed since the last request and since the training.

    If several servers ask at once, one of them gets the refit.

    Args:
        store: the store.
        every: interval of the schedule in ms.
        trained: time of the model's training in epoch milliseconds.
    """
    with store.write_transaction() as connection:
        hold_until_commit(connection, AdvisoryLock.REFIT_REQUEST)
        last = connection.scalar(select(func.max(REFITS.c.asked))) or 0
        return _insert_request(connection, "schedule", False) if now_ms() - max(last, trained) >= every else None


def _insert_request(connection: Connection, who: str, force: bool) -> Refit:
    now = now_ms()
    row = {"who": who, "force": force, "asked": now, "state": "asked", "why": "", "figures": "{}"}
    key = connection.execute(insert(REFITS).values(row)).inserted_primary_key
    assert key is not None, "every row has a number"
    write_audit(connection, who, f"asked for refit {key[0]}")
    return Refit(key[0], who, force, now)


def append_audit(store: Store, who: str, what: str) -> None:
    """Append a line to the audit log, in a transaction of its own."""
    with store.write_transaction() as connection:
        write_audit(connection, who, what)


def start_refit(store: Store, refit: int, against: str) -> None:
    """Mark a refit as running.

    The caller holds the lock (`hold_refit_lock`), so any other refit marked as running was killed and has failed.
    """
    ended = {"state": "failed", "ended": now_ms(), "why": "its process was ended"}
    with store.write_transaction() as connection:
        connection.execute(update(REFITS).filter_by(state="running").values(ended))
        connection.execute(
            update(REFITS).filter_by(refit=refit).values(state="running", begun=now_ms(), against=against)
        )


def finish_refit(store: Store, refit: int, state: str, why: str, **more: Any) -> None:
    """Mark a refit as ended; `more`: its `version` and `figures`."""
    figures = {"figures": json.dumps(more.pop("figures"))} if "figures" in more else {}
    with store.write_transaction() as connection:
        connection.execute(
            update(REFITS).filter_by(refit=refit).values(state=state, ended=now_ms(), why=why, **more, **figures)
        )


def find_refit(store: Store, refit: int) -> Refit | None:
    """Return a refit; None if there is none with this number."""
    with store.engine.connect() as connection:
        row = connection.execute(select(REFITS).filter_by(refit=refit)).first()
    return None if row is None else _parse_refit(row)


def list_refits(store: Store, n: int = 20) -> list[Refit]:
    """Return the last `n` refits, the newest first."""
    with store.engine.connect() as connection:
        return [
            _parse_refit(row) for row in connection.execute(select(REFITS).order_by(REFITS.c.refit.desc()).limit(n))
        ]


def save_suspects(store: Store, refit: int, profiles: Mapping[str, str]) -> None:
    """Store the profiles that the last refit left out, with reasons. Users deleted meanwhile are left out."""
    with store.write_transaction() as connection:
        forgotten = find_forgotten(connection, profiles, store.pseudonym)
        rows = [{"user": user, "refit": refit, "why": why} for user, why in profiles.items() if user not in forgotten]
        connection.execute(delete(SUSPECTS))
        if rows:
            connection.execute(insert(SUSPECTS), rows)


def read_suspects(store: Store, refit: int) -> dict[str, str]:
    """Return the profiles that a refit left out, with reasons; empty once a later refit has saved its own."""
    with store.engine.connect() as connection:
        rows = connection.execute(
            select(SUSPECTS.c.user, SUSPECTS.c.why).filter_by(refit=refit).order_by(SUSPECTS.c.user)
        )
        return {row.user: row.why for row in rows}


def iterate_rows(store: Store, table: Table) -> Iterator[Row[Any]]:
    """Yield all rows of the table of ratings (deleted ratings included) or of events, by user and movie.

    They are read page by page. A concurrent write may be included or not; each row is consistent.
    """
    key = tuple(table.primary_key.columns)
    at: tuple[str, ...] = ("",) * len(key)
    while True:
        statement = select(table).where(tuple_(*key) > tuple_(*at)).order_by(*key).limit(PAGE_ROWS)
        with store.engine.connect() as connection:
            rows = connection.execute(statement).all()
        if not rows:
            return
        yield from rows
        at = tuple(getattr(rows[-1], column.name) for column in key)


def find_forgotten_users(store: Store, users: Iterable[str]) -> set[str]:
    """Return those of the users who were deleted, and whom no model may be trained on again."""
    with store.engine.connect() as connection:
        return find_forgotten(connection, users, store.pseudonym)


def _parse_refit(row: Row[Any]) -> Refit:
    return Refit(**(dict(row._mapping) | {"figures": json.loads(row.figures)}))
