"""IDs of the users of a store, and the revision of all of their records together."""

from sqlalchemy import func, select

from cinematrix.store.records import Store
from cinematrix.store.tables import FORGOTTEN, USERS

HALF = 2**31
"""Base of the halves in which revisions are added up, so that no sum overflows."""


def list_user_ids(store: Store) -> list[str]:
    """Return the IDs of all users, in order."""
    with store.engine.connect() as connection:
        return list(connection.scalars(select(USERS.c.user).order_by(USERS.c.user)))


def read_store_revision(store: Store) -> tuple[int, ...]:
    """Return the revision of all users together, which every write for any of them and every deletion changes."""
    sums = [func.coalesce(func.sum(half), 0) for half in (USERS.c.revision % HALF, USERS.c.revision // HALF)]
    with store.engine.connect() as connection:
        row = connection.execute(select(func.count(), *sums).select_from(USERS)).one()
        deleted = connection.scalar(select(func.count()).select_from(FORGOTTEN))
    return (*map(int, row), deleted or 0)


def draw_lot(store: Store, user: str) -> float:
    """Return the user's lot from 0 to 1, always the same, by a keyed hash of the ID."""
    return int(store.pseudonym(f"candidate {user}")[:8], 16) / 2**32
