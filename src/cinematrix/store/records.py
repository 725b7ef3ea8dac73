"""What the store keeps of people: their ratings and events, each write one durable transaction."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple, Self

from sqlalchemy import Connection, Engine, delete, func, insert, select, text, update

from cinematrix.data.ratings import Scale
from cinematrix.store.engine import open_engine, write_transaction
from cinematrix.store.scales import check_scale, read_scale
from cinematrix.store.sqlite import DRIVER
from cinematrix.store.statements import (
    SELECT_REVISION,
    SELECT_USER_RECORDS,
    draw_revision,
    find_rated_pairs,
    lock_users,
    now_ms,
    upsert,
)
from cinematrix.store.tables import (
    ANSWERED,
    AUDIT,
    EVENTS,
    FORGOTTEN,
    IDEMPOTENCY,
    RATINGS,
    SCALE,
    SUSPECTS,
    TOKENS,
    USERS,
)

EVENT_KINDS = ("seen", "not_interested", "like", "watchlist")
"""What can be said of a movie besides stars."""

DAY_MS = 86_400_000
EPOCH = date(1970, 1, 1)
IDEMPOTENCY_MS = DAY_MS
"""For a day an idempotency key stands for the answer that it first got."""

USER_COUNT_LOCK_ID = 0x43494E46
"""The PostgreSQL advisory lock under which users are counted before one is made."""


class Revision(NamedTuple):
    """What stands for all that the store has of one user: while it is the same, she is.

    Attributes:
        number: drawn anew with each write for her; None while the store doesn't know her.
        forgotten: she was deleted.
    """

    number: int | None
    forgotten: bool


class Rating(NamedTuple):
    """A rating as it comes in: `steps` of the scale (None: taken back), and the client's time
    in seconds, if told."""

    user: str
    movie: str
    steps: int | None
    given: int | None = None


class SavedRating(NamedTuple):
    """What became of a rating: it replaced another, and the server's time in ms."""

    updated: bool
    received: int


@dataclass(frozen=True)
class StoredRating:
    """A rating as it stands in the store: `received` is the server's time in ms, `given` the client's in seconds."""

    movie: str
    steps: int | None
    received: int
    given: int | None


@dataclass(frozen=True)
class UserRecords:
    """All that the store has of one user, read at one moment.

    Attributes:
        known: the store has heard of her.
        forgotten: she was deleted, and what the model still remembers of her must not be used.
        ratings: hers, those taken back included.
        events: movies by kind.
    """

    user: str
    known: bool
    forgotten: bool
    ratings: list[StoredRating]
    events: dict[str, list[str]]

    def as_dict(self) -> dict[str, Any]:
        """All of it for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Store:
    """The records in one database; every method is one transaction, on disk when it returns."""

    engine: Engine

    @classmethod
    def open(cls, url: str) -> Self:
        """The store at `url`, as `open_engine` says."""
        return cls(open_engine(url))

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()
        if "_glancing" in vars(self) and self._glancing:
            self._glancing.close()

    def write_transaction(self) -> AbstractContextManager[Connection]:
        """A transaction for several writes at once."""
        return write_transaction(self.engine)

    def fix_scale(self, scale: Scale) -> None:
        """Say what the steps are steps of, once and for all.

        Raises:
            SettingError: the scale has no steps.
            StoreError: the store holds ratings on another scale.
        """
        with self.write_transaction() as connection:
            kept = read_scale(connection)
            check_scale(kept, scale)
            if kept is None:
                connection.execute(insert(SCALE).values(asdict(scale)))

    def rate(self, connection: Connection, ratings: Sequence[Rating]) -> list[SavedRating]:
        """Keep ratings, the last of a pair winning."""
        now, kept = now_ms(), []
        last = {(rating.user, rating.movie): rating for rating in ratings}
        lock_users(connection, {rating.user for rating in ratings}, now)
        present = find_rated_pairs(connection, list(last))
        for rating in ratings:
            pair = rating.user, rating.movie
            kept.append(SavedRating(pair in present, now))
            (present.discard if rating.steps is None else present.add)(pair)
        upsert(connection, RATINGS, [rating._asdict() | {"received": now} for rating in last.values()])
        return kept

    def note(self, connection: Connection, user: str, movie: str, kind: str, *, gone: bool = False) -> None:
        """Keep an event, or take it back."""
        key = {"user": user, "movie": movie, "kind": kind}
        if gone:
            connection.execute(delete(EVENTS).filter_by(**key))
            connection.execute(update(USERS).filter_by(user=user).values(revision=draw_revision()))
            return
        lock_users(connection, {user}, now_ms())
        upsert(connection, EVENTS, [key | {"received": now_ms()}])

    def has_room_for(self, connection: Connection, user: str, most: int, *, remembered: bool) -> bool:
        """Whether a user may be written for in this transaction: one who is known, or a new one, who is known then.

        Args:
            most: so many users may the store hold for a new one to be welcome.
            remembered: the model knows her, which counts unless she was deleted.
        """
        if connection.scalar(select(USERS.c.user).filter_by(user=user)) is not None:
            return True
        if remembered and connection.scalar(select(FORGOTTEN.c.user).filter_by(user=user)) is None:
            return True
        if most and connection.dialect.name == "postgresql":  # so that two don't count at once
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": USER_COUNT_LOCK_ID})
        if (connection.scalar(select(func.count()).select_from(USERS)) or 0) >= most:
            return False
        lock_users(connection, {user}, now_ms())
        return True

    def person(self, user: str) -> UserRecords:
        """What there is of one user; empty if there is nothing."""
        with self.engine.connect() as connection:
            rows = connection.execute(SELECT_USER_RECORDS, {"user": user}).all()
        ratings = [
            StoredRating(movie, steps, received, given)
            for what, movie, steps, received, given in rows
            if what == "rating"
        ]
        events: dict[str, list[str]] = {}
        for what, movie, *_ in rows:
            if what in EVENT_KINDS:
                events.setdefault(what, []).append(movie)
        about = {row.what for row in rows}
        return UserRecords(user, "known" in about, "forgotten" in about, ratings, events)

    def revision(self, user: str) -> Revision:
        """What stands for all that `person` would tell. Read before it, it is never newer than that."""
        with self.engine.connect() as connection:
            number, forgotten = connection.exec_driver_sql(self._revision, {"user": user}).one()
        return Revision(number, bool(forgotten))

    def peek_revision(self, user: str) -> Revision | None:
        """The same in a few microseconds, or None where it can't be told without waiting.

        From a SQLite file it can, unless somebody is writing. For one thread alone.
        """
        if self._glancing is None:
            return None
        try:
            number, forgotten = self._glancing.execute(self._revision, {"user": user}).fetchone()
        except DRIVER.Error:
            return None
        return Revision(number, bool(forgotten))

    @cached_property
    def _revision(self) -> str:
        return SELECT_REVISION.format(user=":user" if self.engine.dialect.name == "sqlite" else "%(user)s")

    @cached_property
    def _glancing(self) -> Any:
        """A connection that never waits."""
        if self.engine.dialect.name != "sqlite" or not self.engine.url.database:
            return None
        return DRIVER.connect(self.engine.url.database, timeout=0, isolation_level=None, check_same_thread=False)

    def n_users(self) -> int:
        """How many users the store has heard of."""
        with self.engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(USERS)) or 0

    def n_ratings(self) -> int:
        """How many ratings stand."""
        with self.engine.connect() as connection:
            return connection.scalar(select(func.count()).where(RATINGS.c.steps.is_not(None))) or 0

    def ratings_by_day(self, since: date) -> dict[date, int]:
        """How many ratings that still stand were received on each day (UTC) from one on, if there are any."""
        start = int(datetime(since.year, since.month, since.day, tzinfo=UTC).timestamp() * 1000)
        day = RATINGS.c.received // DAY_MS
        wanted = (
            select(day, func.count()).where(RATINGS.c.steps.is_not(None), RATINGS.c.received >= start).group_by(day)
        )
        with self.engine.connect() as connection:
            return {EPOCH + timedelta(number): count for number, count in connection.execute(wanted)}

    def forget(self, user: str, who: str) -> None:
        """Delete a user whole; what stays is her ID among the forgotten, so that no model learns from her again."""
        with self.write_transaction() as connection:
            about_her = select(ANSWERED.c.key).filter_by(user=user)
            connection.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.key.in_(about_her)))
            for table in (RATINGS, EVENTS, USERS, TOKENS, ANSWERED, SUSPECTS):
                connection.execute(delete(table).filter_by(user=user))
            upsert(connection, FORGOTTEN, [{"user": user}])
            connection.execute(insert(AUDIT).values(at=now_ms(), who=who, what=f"deleted user {user}"))

    def audit(self) -> list[str]:
        """The lines of the audit, the oldest first."""
        with self.engine.connect() as connection:
            return list(connection.scalars(select(AUDIT.c.what).order_by(AUDIT.c.line)))

    def answered(self, connection: Connection, key: str) -> tuple[bytes, str] | None:
        """The digest of the request that first came with this idempotency key, and its answer."""
        connection.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.at < now_ms() - IDEMPOTENCY_MS))
        connection.execute(delete(ANSWERED).where(ANSWERED.c.key.not_in(select(IDEMPOTENCY.c.key))))
        row = connection.execute(select(IDEMPOTENCY.c.body, IDEMPOTENCY.c.answer).filter_by(key=key)).first()
        return None if row is None else (row.body, row.answer)

    def remember(self, connection: Connection, key: str, body: bytes, answer: str, users: set[str]) -> None:
        """Keep an answer about `users` under its idempotency key, in the transaction of what it answers."""
        connection.execute(insert(IDEMPOTENCY).values(key=key, body=body, answer=answer, at=now_ms()))
        connection.execute(insert(ANSWERED), [{"key": key, "user": user} for user in sorted(users)])
