"""Users of the store, as an operator sees them: counts, last activity, and everything that is stored of one."""

from typing import Any, NamedTuple

from sqlalchemy import ScalarSelect, Table, func, select

from cinematrix.store.audit import AuditFilter, list_audit
from cinematrix.store.records import Store
from cinematrix.store.scales import read_scale
from cinematrix.store.sign_ins import list_sign_ins
from cinematrix.store.statements import now_ms
from cinematrix.store.tables import EVENTS, RATINGS, TOKENS, UNMATCHED, USERS
from cinematrix.store.unmatched import list_unmatched

AUDIT_LINES = 10_000
"""Maximum lines of the audit log in a user's export."""


class UserSummary(NamedTuple):
    """A user in the store; times in epoch milliseconds.

    Attributes:
        user: ID.
        created: time of the first write for them.
        active: time of the last rating or event; None: they have none.
        ratings: number of ratings, without deleted ones.
        events: number of events.
        unmatched: number of imported films that the catalog lacks.
        tokens: number of valid tokens.
    """

    user: str
    created: int
    active: int | None
    ratings: int
    events: int
    unmatched: int
    tokens: int


def list_users(store: Store, n: int, after: str | None = None) -> list[UserSummary]:
    """Return the first `n` users in the order of their IDs as texts, or the first after one."""
    users = select(USERS.c.user, USERS.c.created).order_by(USERS.c.user).limit(n)
    if after is not None:
        users = users.where(USERS.c.user > after)
    page = users.subquery()

    def count(table: Table, *conditions: Any) -> ScalarSelect[int]:
        counted = select(func.count()).select_from(table).where(table.c.user == page.c.user, *conditions)
        return counted.scalar_subquery()

    last = (
        select(func.max(table.c.received)).where(table.c.user == page.c.user).scalar_subquery()
        for table in (RATINGS, EVENTS)
    )
    counts = (
        count(RATINGS, RATINGS.c.steps.is_not(None)), count(EVENTS), count(UNMATCHED),
        count(TOKENS, TOKENS.c.expires > now_ms()),
    )  # fmt: skip
    statement = select(page.c.user, page.c.created, *last, *counts).order_by(page.c.user)
    with store.engine.connect() as connection:
        rows = connection.execute(statement).all()
    return [
        UserSummary(user, created, max(filter(None, (rated, noted)), default=None), *counts)
        for user, created, rated, noted, *counts in rows
    ]


def export_records(store: Store, user: str) -> dict[str, Any]:
    """Return everything that the store has about a user, for JSON. Deleted ratings have no value.

    Those of the model's training data aren't in it.
    """
    person = store.person(user)
    with store.engine.connect() as connection:
        scale, unmatched = read_scale(connection), list_unmatched(connection, user)
    ratings = [
        {
            "movie": row.movie, "rating": None if row.steps is None or scale is None else row.steps * scale.step,
            "received": row.received, "time": row.given, "source": row.source,
        }
        for row in person.ratings
    ]  # fmt: skip
    return {
        "user": user,
        "name_in_log": store.name_in_log(user),
        "deleted": person.forgotten,
        "ratings": ratings,
        "events": person.events,
        "event_times": person.event_times,
        "unmatched": [film._asdict() for film in unmatched],
        "sign_in": next((each._asdict() for each in list_sign_ins(store, 1, user=user)), None),
        "audit": [line._asdict() for line in list_audit(store, AuditFilter(user), AUDIT_LINES)],
    }
