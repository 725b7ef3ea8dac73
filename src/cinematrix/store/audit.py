"""Audit log, as an operator reads it: page by page, the newest line first."""

from typing import NamedTuple

from sqlalchemy import select

from cinematrix.store.records import Store
from cinematrix.store.tables import AUDIT


class AuditLine(NamedTuple):
    """A line of the audit log.

    Attributes:
        line: number of the line, which grows with time.
        at: time in epoch milliseconds.
        who: who did it: `key` and a key's name, `user` and a user, an address, `schedule` or `command line`.
        what: what was done.
        user: user whom it is about; their pseudonym once they are deleted.
    """

    line: int
    at: int
    who: str
    what: str
    user: str | None


class AuditFilter(NamedTuple):
    """Wanted lines; None: all.

    Attributes:
        user: ID of a user whom the lines are about, or who did it. A deleted user is found too.
        who: who did it, as in the lines.
        since, until: times in epoch milliseconds; `until` itself is left out.
        before: number of a line; only older ones are wanted.
    """

    user: str | None = None
    who: str | None = None
    since: int | None = None
    until: int | None = None
    before: int | None = None


def list_audit(store: Store, wanted: AuditFilter, n: int) -> list[AuditLine]:
    """Return the newest `n` of the wanted lines, the newest first."""
    statement = select(*(AUDIT.c[name] for name in AuditLine._fields)).order_by(AUDIT.c.line.desc()).limit(n)
    if wanted.user is not None:
        names = wanted.user, store.pseudonym(wanted.user)
        statement = statement.where(AUDIT.c.user.in_(names) | AUDIT.c.who.in_([f"user {name}" for name in names]))
    if wanted.who is not None:
        statement = statement.where(AUDIT.c.who == wanted.who)
    if wanted.since is not None:
        statement = statement.where(AUDIT.c.at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(AUDIT.c.at < wanted.until)
    if wanted.before is not None:
        statement = statement.where(AUDIT.c.line < wanted.before)
    with store.engine.connect() as connection:
        return [AuditLine(*row) for row in connection.execute(statement)]
