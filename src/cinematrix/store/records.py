"""Stored ratings and events of users; each write is one durable transaction."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple, Self

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from cinematrix.common.durations import DAY_MS
from cinematrix.data.ratings import Scale
from cinematrix.store.engine import file_identity, open_engine, write_transaction
from cinematrix.store.erasure import remove_copies, truncate_log
from cinematrix.store.locks import AdvisoryLock, hold_key_until_commit, hold_until_commit
from cinematrix.store.pseudonyms import make_pseudonym
from cinematrix.store.scales import check_scale, read_scale
from cinematrix.store.settings import StoreSettings, read_settings
from cinematrix.store.sqlite import DRIVER
from cinematrix.store.statements import (
    SELECT_REVISION,
    SELECT_USER_RECORDS,
    draw_revision,
    find_rated_pairs,
    lock_users,
    now_ms,
    take_off_watchlist,
    upsert,
    write_audit,
)
from cinematrix.store.tables import (
    ANSWERED,
    AUDIT,
    EVENTS,
    FORGOTTEN,
    IDEMPOTENCY,
    PSEUDONYM_KEY,
    RATINGS,
    SCALE,
    SESSIONS,
    SHARES,
    SHOWN,
    SIGN_INS,
    SUSPECTS,
    TOKENS,
    TRIALS,
    UNMATCHED,
    USERS,
)

EVENT_KINDS = ("seen", "not_interested", "like", "watchlist")
"""Kinds of events, besides ratings."""

HIDING_EVENTS = ("seen", "like", "not_interested")
"""Events that exclude a movie from a user's lists."""

WATCHED_EVENTS = ("like", "seen")
"""Events that count as a user's history if the model was trained on plain interactions (watched or not)."""

ENDING_EVENTS = ("seen", "not_interested")
"""Events that take a movie off the user's watchlist, as a rating does."""

EPOCH = date(1970, 1, 1)


class Revision(NamedTuple):
    """Revision of a user's records: equal revisions mean equal records.

    Attributes:
        number: random number, drawn again with each write for the user; None if the store doesn't have the user.
        forgotten: the user was deleted.
    """

    number: int | None
    forgotten: bool


class Rating(NamedTuple):
    """A rating to save.

    Attributes:
        steps: rating in steps of the scale; None: deleted.
        given: the client's time in epoch seconds; None if unknown.
        source: the export that the rating is from; None: the user gave it here.
    """

    user: str
    movie: str
    steps: int | None
    given: int | None = None
    source: str | None = None


class SavedRating(NamedTuple):
    """Result of saving a rating: whether it replaced another, and the server's time in ms."""

    updated: bool
    received: int


@dataclass(frozen=True)
class StoredRating:
    """A stored rating: `received` is the server's time in ms, `given` the client's in seconds, `source` its export."""

    movie: str
    steps: int | None
    received: int
    given: int | None
    source: str | None = None


@dataclass(frozen=True)
class UserRecords:
    """All stored records of one user, read in one statement.

    Attributes:
        revision: their revision.
        ratings: all ratings, deleted ones included.
        events: movies by kind of event.
        event_times: by kind, the times of events in epoch seconds by movie, where an export gave them.
    """

    user: str
    revision: Revision
    ratings: list[StoredRating]
    events: dict[str, list[str]]
    event_times: dict[str, dict[str, int]]

    @property
    def known(self) -> bool:
        """Return whether the store has the user."""
        return self.revision.number is not None

    @property
    def forgotten(self) -> bool:
        """Return whether the user was deleted, so that the model's training data of the user must not be used."""
        return self.revision.forgotten

    @classmethod
    def of(cls, user: str, rows: Iterable[Sequence[Any]]) -> Self:
        """Return the records of a user from the rows of `SELECT_USER_RECORDS`, without their user."""
        number, forgotten, ratings = None, False, list[StoredRating]()
        events: dict[str, list[str]] = {}
        times: dict[str, dict[str, int]] = {}
        for what, movie, steps, received, given, source in rows:
            if what == "rating":
                ratings.append(StoredRating(movie, steps, received, given, source))
            elif what == "revision":
                number = received
            elif what == "forgotten":
                forgotten = True
            else:
                events.setdefault(what, []).append(movie)
                if given is not None:
                    times.setdefault(what, {})[movie] = given
        return cls(user, Revision(number, forgotten), ratings, events, times)


@dataclass(frozen=True)
class Store:
    """Store of user records in one database. Every method without a `connection` is one durable transaction."""

    engine: Engine
    _erasing: Event = field(default_factory=Event, repr=False, compare=False)

    @classmethod
    def open(cls, url: str, settings: StoreSettings | None = None) -> Self:
        """Open the store at `url`, as `open_engine` does. `settings`: those of a server."""
        return cls(open_engine(url, settings))

    @property
    def settings(self) -> StoreSettings:
        """Settings with which the store was opened."""
        return read_settings(self.engine)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        if "_peek_connection" in vars(self) and self._peek_connection:
            self._peek_connection.close()

    def write_transaction(self) -> AbstractContextManager[Connection]:
        """Open a transaction for several writes."""
        return write_transaction(self.engine)

    def fix_scale(self, scale: Scale) -> None:
        """Store the scale of the ratings if there is none yet; check it otherwise.

        Raises:
            SettingError: the scale has no steps.
            StoreError: the store holds ratings on another scale.
        """
        with self.write_transaction() as connection:
            stored = read_scale(connection)
            check_scale(stored, scale)
            if stored is None:
                connection.execute(insert(SCALE).values(asdict(scale)))

    def rate(self, connection: Connection, ratings: Sequence[Rating]) -> list[SavedRating]:
        """Save ratings. The last rating of a user and movie wins, and takes the movie off the watchlist."""
        now, saved = now_ms(), []
        last = {(rating.user, rating.movie): rating for rating in ratings}
        lock_users(connection, {rating.user for rating in ratings}, now)
        present = find_rated_pairs(connection, list(last))
        for rating in ratings:
            pair = rating.user, rating.movie
            saved.append(SavedRating(pair in present, now))
            (present.discard if rating.steps is None else present.add)(pair)
        upsert(connection, RATINGS, [rating._asdict() | {"received": now} for rating in last.values()])
        take_off_watchlist(connection, [pair for pair, rating in last.items() if rating.steps is not None])
        return saved

    def note(
        self, connection: Connection, user: str, movie: str, kind: str, *, gone: bool = False, given: int | None = None
    ) -> None:
        """Save an event; `gone`: delete it. One of `ENDING_EVENTS` takes the movie off the watchlist.

        `given`: the client's time in epoch seconds.
        """
        key = {"user": user, "movie": movie, "kind": kind}
        if gone:
            connection.execute(delete(EVENTS).filter_by(**key))
            connection.execute(update(USERS).filter_by(user=user).values(revision=draw_revision()))
            return
        lock_users(connection, {user}, now_ms())
        times = {"received": now_ms()} | ({} if given is None else {"given": given})
        upsert(connection, EVENTS, [key | times])
        if kind in ENDING_EVENTS:
            take_off_watchlist(connection, [(user, movie)])

    def has_room_for(self, connection: Connection, user: str, most: int, *, remembered: bool) -> bool:
        """Return whether a user may write in this transaction. A new user is created if there is room.

        Args:
            connection: connection of the caller's transaction.
            user: ID of the user.
            most: maximum number of stored users at which a new one is refused.
            remembered: the model was trained on the user, who is then accepted unless deleted.
        """
        if connection.scalar(select(USERS.c.user).filter_by(user=user)) is not None:
            return True
        if remembered and connection.scalar(select(FORGOTTEN.c.user).filter_by(user=self.pseudonym(user))) is None:
            return True
        if most:
            hold_until_commit(connection, AdvisoryLock.USER_COUNT)
        if (connection.scalar(select(func.count()).select_from(USERS)) or 0) >= most:
            return False
        lock_users(connection, {user}, now_ms())
        return True

    def person(self, user: str) -> UserRecords:
        """Return the records of one user; empty if there are none."""
        return self.people([user])[0]

    def people(self, users: Sequence[str]) -> list[UserRecords]:
        """Return the records of some users at one moment, which takes hardly longer than those of one."""
        names = {self.pseudonym(user): user for user in users}
        wanted = {"users": list(users), "pseudonyms": list(names)}
        with self.engine.connect() as connection:
            rows = connection.execute(SELECT_USER_RECORDS, wanted).all()
        found: dict[str, list[Sequence[Any]]] = {user: [] for user in users}
        for what, name, *rest in rows:
            found[names[name] if what == "forgotten" else name].append((what, *rest))
        return [UserRecords.of(user, found[user]) for user in users]

    def revision(self, user: str) -> Revision:
        """Return the revision of a user's records."""
        with self.engine.connect() as connection:
            number, forgotten = connection.exec_driver_sql(self._revision_sql, self._both_names(user)).one()
        return Revision(number, bool(forgotten))

    def peek_revision(self, user: str) -> Revision | None:
        """Return the revision within microseconds; None if that would need waiting.

        A SQLite file is readable unless a writer commits; PostgreSQL always gives None. Not thread-safe.
        """
        if self._peek_connection is None or file_identity(self._peek_file) != self._peek_identity:
            return None
        try:
            row = self._peek_connection.execute(self._revision_sql, self._both_names(user))
            number, forgotten = row.fetchone()
        except DRIVER.Error:
            return None
        return Revision(number, bool(forgotten))

    @cached_property
    def _revision_sql(self) -> str:
        form = ":{}" if self.engine.dialect.name == "sqlite" else "%({})s"
        return SELECT_REVISION.format(user=form.format("user"), pseudonym=form.format("pseudonym"))

    @cached_property
    def _pseudonym_key(self) -> bytes:
        with self.engine.connect() as connection:
            return bytes(connection.execute(select(PSEUDONYM_KEY.c.key)).scalar_one())

    def pseudonym(self, user: str) -> str:
        """Return what the store keeps in place of the ID of a deleted user."""
        return make_pseudonym(self._pseudonym_key, user)

    def name_in_log(self, user: str) -> str:
        """Return what log lines have in place of a user's ID. It differs from what the store keeps of a deleted one."""
        return make_pseudonym(self._pseudonym_key, f"log {user}")

    def _both_names(self, user: str) -> dict[str, str]:
        return {"user": user, "pseudonym": self.pseudonym(user)}

    @cached_property
    def _peek_file(self) -> Path:
        return Path(self.engine.url.database or "")

    @cached_property
    def _peek_identity(self) -> tuple[int, int] | None:
        return file_identity(self._peek_file)

    @cached_property
    def _peek_connection(self) -> Any:
        """A connection that never waits for a lock; None unless the database is a SQLite file."""
        if self.engine.dialect.name != "sqlite" or not self.engine.url.database:
            return None
        return DRIVER.connect(self.engine.url.database, timeout=0, isolation_level=None, check_same_thread=False)

    def n_users(self) -> int:
        """Number of users in the store."""
        with self.engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(USERS)) or 0

    def n_ratings(self) -> int:
        """Number of ratings, without deleted ones."""
        with self.engine.connect() as connection:
            return connection.scalar(select(func.count()).where(RATINGS.c.steps.is_not(None))) or 0

    def ratings_by_day(self, since: date) -> dict[date, int]:
        """Return the number of ratings received per day (UTC) from `since` on; days without ratings are left out."""
        start = int(datetime(since.year, since.month, since.day, tzinfo=UTC).timestamp() * 1000)
        day = RATINGS.c.received // DAY_MS
        wanted = (
            select(day, func.count()).where(RATINGS.c.steps.is_not(None), RATINGS.c.received >= start).group_by(day)
        )
        with self.engine.connect() as connection:
            return {EPOCH + timedelta(number): count for number, count in connection.execute(wanted)}

    def forget(self, user: str, who: str) -> None:
        """Delete a user for good. A pseudonym stays, so that no model is trained on them again.

        Deleted rows are overwritten, and copies of older versions are deleted. If somebody reads just now, the
        write-ahead log is emptied by the next `finish_erasure`.
        """
        with self.write_transaction() as connection:
            hold_until_commit(connection, AdvisoryLock.IMPRESSIONS)
            keys = select(ANSWERED.c.key).filter_by(user=user)
            connection.execute(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.key.in_(keys)))
            learned = (RATINGS, EVENTS, UNMATCHED, SHARES, USERS, ANSWERED, SUSPECTS, SHOWN, TRIALS)
            for table in (*learned, TOKENS, SIGN_INS, SESSIONS):
                connection.execute(delete(table).filter_by(user=user))
            name, itself = self.pseudonym(user), f"user {user}"
            upsert(connection, FORGOTTEN, [{"user": name}])
            connection.execute(update(AUDIT).filter_by(user=user).values(user=name))
            connection.execute(update(AUDIT).filter_by(who=itself).values(who=f"user {name}"))
            write_audit(connection, f"user {name}" if who == itself else who, "deleted user", name)
        remove_copies(self.engine.url)
        self._erasing.set()
        self.finish_erasure()

    def finish_erasure(self) -> None:
        """Empty the write-ahead log if it may still have data of deleted users."""
        if self._erasing.is_set():
            self._erasing.clear()
            if not truncate_log(self.engine):
                self._erasing.set()

    @property
    def erasing(self) -> bool:
        """Return whether the write-ahead log may still have data of deleted users."""
        return self._erasing.is_set()

    def audit(self) -> list[str]:
        """Return the lines of the audit log, the oldest first."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(AUDIT.c.what, AUDIT.c.user).order_by(AUDIT.c.line))
            return [what if user is None else f"{what} {user}" for what, user in rows]

    def answered(self, connection: Connection, key: str) -> tuple[bytes, str] | None:
        """Return the request digest and the response stored under an idempotency key; None if there are none.

        Another request with this key, on any server, waits until the transaction ends.
        """
        hold_key_until_commit(connection, key)
        expired = IDEMPOTENCY.c.at < now_ms() - self.settings.repeat_days * DAY_MS
        connection.execute(delete(ANSWERED).where(ANSWERED.c.key.in_(select(IDEMPOTENCY.c.key).where(expired))))
        connection.execute(delete(IDEMPOTENCY).where(expired))
        row = connection.execute(select(IDEMPOTENCY.c.body, IDEMPOTENCY.c.answer).filter_by(key=key)).first()
        return None if row is None else (row.body, row.answer)

    def remember(self, connection: Connection, key: str, body: bytes, answer: str, users: set[str]) -> None:
        """Store a response about `users` under its idempotency key, in the transaction of its request."""
        connection.execute(insert(IDEMPOTENCY).values(key=key, body=body, answer=answer, at=now_ms()))
        connection.execute(insert(ANSWERED), [{"key": key, "user": user} for user in sorted(users)])
