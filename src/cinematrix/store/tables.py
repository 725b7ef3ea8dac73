"""Tables of the store, and migrations of older stores.

IDs are text here; the service converts them to the catalog's type. Times are UTC epoch milliseconds, except `given`,
which is in seconds, as in the API.
"""

import re
import secrets
from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    delete,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.schema import CreateColumn

from cinematrix.errors import StoreError
from cinematrix.store.pseudonyms import KEY_BYTES, make_pseudonym

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


def _create_tables(connection: Connection) -> None:
    METADATA.create_all(connection)


def _add_refits(connection: Connection) -> None:
    METADATA.create_all(connection, [REFITS, SUSPECTS, MOVIES])


def _add_column(connection: Connection, column: Column[Any]) -> None:
    """Add a column to its table, unless the table was created with it."""
    if column.name not in {each["name"] for each in inspect(connection).get_columns(column.table.name)}:
        definition = CreateColumn(column).compile(dialect=connection.dialect)
        connection.execute(text(f"alter table {column.table.name} add column {definition}"))


def _add_revisions(connection: Connection) -> None:
    _add_column(connection, USERS.c.revision)


def _add_tokens(connection: Connection) -> None:
    """Add tokens. Stored responses, which lack their users, are deleted; they would expire within a day."""
    METADATA.create_all(connection, [TOKENS, ANSWERED])
    connection.execute(delete(IDEMPOTENCY))


def _add_imported(connection: Connection) -> None:
    """Add the time of an event, and the export that a rating is from."""
    _add_column(connection, RATINGS.c.source)
    _add_column(connection, EVENTS.c.given)


def _add_key_lifetimes(connection: Connection) -> None:
    for column in (KEYS.c.expires, KEYS.c.used):
        _add_column(connection, column)


def _add_statistics(connection: Connection) -> None:
    METADATA.create_all(connection, [STATISTICS])


def _add_movie_revisions(connection: Connection) -> None:
    METADATA.create_all(connection, [REVISIONS])
    if connection.scalar(select(MOVIES.c.movie).limit(1)) is not None:
        connection.execute(insert(REVISIONS).values(name=MOVIES.name, number=1))


def _add_unmatched(connection: Connection) -> None:
    METADATA.create_all(connection, [UNMATCHED])


AUDITED_USER = re.compile(r"(made a token of|revoked the tokens of|deleted) user (.*)", re.DOTALL)
"""Lines about users in audit logs of earlier versions."""


def _add_pseudonyms(connection: Connection) -> None:
    """Replace the IDs of deleted users by pseudonyms, and give lines of the audit log a column for the user."""
    METADATA.create_all(connection, [PSEUDONYM_KEY])
    _add_column(connection, AUDIT.c.user)
    key = connection.scalar(select(PSEUDONYM_KEY.c.key))
    if key is None:
        key = secrets.token_bytes(KEY_BYTES)
        connection.execute(insert(PSEUDONYM_KEY).values(key=key))
    pseudonyms = {user: make_pseudonym(key, user) for user in connection.scalars(select(FORGOTTEN.c.user))}
    for user, pseudonym in pseudonyms.items():
        connection.execute(update(FORGOTTEN).filter_by(user=user).values(user=pseudonym))
    for line, who, what in connection.execute(select(AUDIT.c.line, AUDIT.c.who, AUDIT.c.what)).all():
        match, actor = AUDITED_USER.fullmatch(what), who.removeprefix("user ")
        if match or actor in pseudonyms:
            user = pseudonyms.get(match[2], match[2]) if match else None
            who = f"user {pseudonyms[actor]}" if who != actor and actor in pseudonyms else who
            row = {"who": who, "what": f"{match[1]} user" if match else what, "user": user}
            connection.execute(update(AUDIT).filter_by(line=line).values(row))


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (
    _create_tables,
    _add_refits,
    _add_revisions,
    _add_tokens,
    _add_imported,
    _add_key_lifetimes,
    _add_pseudonyms,
    _add_statistics,
    _add_movie_revisions,
    _add_unmatched,
)
"""Migrations of the store; migration `i` turns version `i` into version `i + 1`."""


def read_version(connection: Connection) -> int:
    """Return the version of a store; 0 if there are no tables.

    Raises:
        StoreError: the database has tables that aren't Cinematrix's.
    """
    names = set(inspect(connection).get_table_names())
    if names and SCHEMA.name not in names:
        raise StoreError(f"the database holds tables that aren't Cinematrix's, such as {min(names)}; give another one")
    version = connection.scalar(select(SCHEMA.c.version)) if names else 0
    assert isinstance(version, int)
    return version


def check_version(version: int) -> None:
    """Check that this Cinematrix supports the version of a store.

    Raises:
        StoreError: the store was written by a newer Cinematrix.
    """
    if version > len(MIGRATIONS):
        raise StoreError(
            f"the store has version {version} and this Cinematrix supports {len(MIGRATIONS)}; upgrade cinematrix"
        )


def migrate(connection: Connection) -> None:
    """Migrate the store to the current version, atomically, in the caller's transaction.

    Raises:
        StoreError: the store was written by a newer Cinematrix, or has tables that aren't Cinematrix's.
    """
    version = read_version(connection)
    check_version(version)
    for step in MIGRATIONS[version:]:
        step(connection)
    if version == 0:
        connection.execute(insert(SCHEMA).values(version=len(MIGRATIONS)))
    elif version < len(MIGRATIONS):
        connection.execute(update(SCHEMA).values(version=len(MIGRATIONS)))
