"""Tables of the store.

IDs are text here; the service converts them to the catalog's type. Times are UTC epoch milliseconds, except `given`,
which is in seconds, as in the API.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

METADATA = MetaData()

SCHEMA = Table("schema", METADATA, Column("version", Integer, nullable=False))
SCALE = Table(
    "scale", METADATA, *(Column(name, Float, nullable=False) for name in ("low", "high", "step")),
    comment="one row: the scale in whose steps ratings are stored",
)  # fmt: skip
USERS = Table(
    "users",
    METADATA,
    Column("user", Text, primary_key=True),
    Column("created", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False, server_default="0", comment="changes with each write for the user"),
)
FORGOTTEN = Table("forgotten", METADATA, Column("user", Text, primary_key=True, comment="pseudonym of a deleted user"))
PSEUDONYM_KEY = Table("pseudonym_key", METADATA, Column("key", LargeBinary, nullable=False))
RATINGS = Table(
    "ratings",
    METADATA,
    Column("user", Text, primary_key=True),
    Column("movie", Text, primary_key=True),
    Column("steps", Integer, comment="rating ÷ the scale's step; null: deleted"),
    Column("received", BigInteger, nullable=False, comment="the server's time"),
    Column("given", BigInteger, comment="the client's time"),
    Column("source", Text, comment="the export that gave the rating; null: it was given here"),
)
EVENTS = Table(
    "events",
    METADATA,
    Column("user", Text, primary_key=True),
    Column("movie", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("received", BigInteger, nullable=False),
    Column("given", BigInteger, comment="when the movie was seen or added, if an export says it"),
    Column("plays", BigInteger, comment="times that the movie was played; null: not told"),
)
KEYS = Table(
    "keys",
    METADATA,
    Column("key", Text, primary_key=True, comment="name of the key in the audit log"),
    Column("role", Text, CheckConstraint("role in ('read', 'write', 'admin')"), nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, comment="null: never"),
    Column("used", BigInteger, comment="last use, to the minute; null: never"),
)
TOKENS = Table(
    "tokens",
    METADATA,
    Column("hash", LargeBinary, primary_key=True, comment="SHA-256 of the token"),
    Column("user", Text, nullable=False, index=True),
    Column("expires", BigInteger, nullable=False),
)
AUDIT = Table(
    "audit",
    METADATA,
    Column("line", Integer, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("who", Text, nullable=False, comment="name of the key, never its secret"),
    Column("what", Text, nullable=False),
    Column("user", Text, comment="the user whom the line is about; their pseudonym once deleted"),
)
IDEMPOTENCY = Table(
    "idempotency",
    METADATA,
    Column("key", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False, comment="SHA-256 of the request"),
    Column("answer", Text, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
)
ANSWERED = Table(
    "answered",
    METADATA,
    Column("key", Text, primary_key=True, comment="an idempotency key"),
    Column("user", Text, primary_key=True, index=True, comment="a user whom the request is about"),
)

REFITS = Table(
    "refits",
    METADATA,
    Column("refit", Integer, primary_key=True, autoincrement=True),
    Column("who", Text, nullable=False, comment="name of the requester"),
    Column("force", Boolean, nullable=False),
    Column("asked", BigInteger, nullable=False),
    Column("begun", BigInteger),
    Column("ended", BigInteger),
    Column("state", Text, nullable=False, comment="asked, running, promoted, refused or failed"),
    Column("against", Text, comment="the version served before"),
    Column("version", Text, comment="the new version"),
    Column("why", Text, nullable=False, comment="reason of the gate, or of the failure"),
    Column("figures", Text, nullable=False, comment="JSON"),
)
SUSPECTS = Table(
    "suspects",
    METADATA,
    Column("user", Text, primary_key=True),
    Column("refit", Integer, nullable=False, comment="the last refit, which left this profile out"),
    Column("why", Text, nullable=False),
)
MOVIES = Table(
    "movies",
    METADATA,
    Column("movie", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("year", Integer),
    Column("genres", Text, nullable=False, comment="JSON"),
    Column("changed", BigInteger, nullable=False),
)

STATISTICS = Table(
    "statistics",
    METADATA,
    Column("name", Text, primary_key=True, comment="a movie, or two"),
    Column("counts", Text, nullable=False, comment="JSON: published numbers of people by answer"),
)

REVISIONS = Table(
    "revisions",
    METADATA,
    Column("name", Text, primary_key=True, comment="what is counted: movies"),
    Column("number", BigInteger, nullable=False, comment="changes until now"),
)

UNMATCHED = Table(
    "unmatched",
    METADATA,
    *(Column(name, Text, primary_key=True) for name in ("user", "row")),
    *(Column(name, Text, nullable=False) for name in ("kind", "title")),
    *(Column(name, BigInteger) for name in ("year", "imdb", "tmdb", "time")),
    *(Column(name, Text) for name in ("movie", "source")),
    Column("rating", Float, comment="on the store's scale"),
    Column("received", BigInteger, nullable=False),
    comment="films of imports that the catalog lacks: fields of importers.result.UnmatchedFilm",
)

SIGN_INS = Table(
    "sign_ins",
    METADATA,
    Column("name", Text, primary_key=True, comment="name to sign in with, folded"),
    Column("user", Text, nullable=False, unique=True),
    Column("created", BigInteger, nullable=False),
    Column("password", Text, comment="Argon2 hash; null: not chosen yet"),
    Column("invitation", LargeBinary, unique=True, comment="SHA-256 of the invitation; null: there is none"),
    Column("invited_until", BigInteger),
)
SESSIONS = Table(
    "sessions",
    METADATA,
    Column("hash", LargeBinary, primary_key=True, comment="SHA-256 of the cookie's secret"),
    Column("user", Text, nullable=False, index=True),
    Column("created", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False, comment="last use, to the minute"),
)

SHARES = Table(
    "shares",
    METADATA,
    Column("share", Text, primary_key=True, comment="random ID in the link"),
    Column("secret", LargeBinary, nullable=False, comment="SHA-256 of the secret that revokes the list"),
    Column("user", Text, index=True, comment="the user whose list it is; null: a visitor without an account"),
    Column("content", Text, nullable=False, comment="JSON: name, note and films"),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False, index=True),
)

OUTCOMES = ("high", "low", "vetoed", "seen", "watchlisted")
"""Outcomes of a recommendation: the user rated the movie at or above their mean, or below it, or sent an event."""


def _list_columns() -> tuple[Column[Any], ...]:
    return (
        Column("day", Integer, primary_key=True, comment="of the first time shown, in days since 1970 (UTC)"),
        Column("kind", Text, primary_key=True, comment="kind of the list"),
        Column("version", Text, primary_key=True, comment="version of the model"),
        Column("against", Text, primary_key=True, comment="the version compared with at that time; empty: none"),
        *(Column(name, Integer, nullable=False, server_default="0") for name in ("shown", *OUTCOMES)),
    )


SHOWN = Table(
    "shown",
    METADATA,
    Column("user", Text, primary_key=True),
    *_list_columns(),
    Column("at", BigInteger, nullable=False, comment="the first time on this day"),
    Column("movies", Text, nullable=False, comment="JSON: IDs of the movies first shown on this day"),
    Column("revision", BigInteger, comment="the user's revision when the outcomes were counted; null: not yet"),
    comment="who was shown what in the last two weeks",
)
FOLLOWED = Table("followed", METADATA, *_list_columns(), comment="what followed on days before the last two weeks")
TRIALS = Table(
    "trials",
    METADATA,
    *(Column(name, Text, primary_key=True) for name in ("user", "version", "against")),
    *(Column(name, Integer, nullable=False) for name in ("shown", "high")),
    comment="what followed before the last two weeks by user, while two versions are compared",
)
