"""The tables, and how an older store becomes one of today.

IDs are text here; the service turns them into what the catalog has. Times are milliseconds since 1970, UTC,
but for `given`, in seconds as the API has it.
"""

from collections.abc import Callable

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

from cinematrix.errors import StoreError

METADATA = MetaData()

SCHEMA = Table("schema", METADATA, Column("version", Integer, nullable=False))
SCALE = Table(
    "scale", METADATA, *(Column(name, Float, nullable=False) for name in ("low", "high", "step")),
    comment="one row: the scale that the steps of ratings are steps of",
)  # fmt: skip
USERS = Table(
    "users",
    METADATA,
    Column("user", Text, primary_key=True),
    Column("created", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False, server_default="0", comment="another one after each write for her"),
)
FORGOTTEN = Table("forgotten", METADATA, Column("user", Text, primary_key=True))
RATINGS = Table(
    "ratings",
    METADATA,
    Column("user", Text, primary_key=True),
    Column("movie", Text, primary_key=True),
    Column("steps", Integer, comment="rating ÷ the scale's step; null: taken back"),
    Column("received", BigInteger, nullable=False, comment="the server's time"),
    Column("given", BigInteger, comment="the client's time"),
)
EVENTS = Table(
    "events",
    METADATA,
    Column("user", Text, primary_key=True),
    Column("movie", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("received", BigInteger, nullable=False),
)
KEYS = Table(
    "keys",
    METADATA,
    Column("key", Text, primary_key=True, comment="what it is called in the audit"),
    Column("role", Text, CheckConstraint("role in ('read', 'write', 'admin')"), nullable=False),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("created", BigInteger, nullable=False),
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
    Column("who", Text, nullable=False, comment="the key, never its secret"),
    Column("what", Text, nullable=False),
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
    Column("user", Text, primary_key=True, index=True, comment="somebody whom its request is about"),
)

REFITS = Table(
    "refits",
    METADATA,
    Column("refit", Integer, primary_key=True, autoincrement=True),
    Column("who", Text, nullable=False, comment="who asked for it"),
    Column("force", Boolean, nullable=False),
    Column("asked", BigInteger, nullable=False),
    Column("begun", BigInteger),
    Column("ended", BigInteger),
    Column("state", Text, nullable=False, comment="asked, running, promoted, refused or failed"),
    Column("against", Text, comment="the version that served"),
    Column("version", Text, comment="the new one"),
    Column("why", Text, nullable=False, comment="what the gate found, or what failed"),
    Column("figures", Text, nullable=False, comment="JSON"),
)
SUSPECTS = Table(
    "suspects",
    METADATA,
    Column("user", Text, primary_key=True),
    Column("refit", Integer, nullable=False, comment="the last one, which left this profile out"),
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


def _first(connection: Connection) -> None:
    METADATA.create_all(connection)


def _second(connection: Connection) -> None:
    METADATA.create_all(connection, [REFITS, SUSPECTS, MOVIES])


def _add_revisions(connection: Connection) -> None:
    if USERS.c.revision.name not in {column["name"] for column in inspect(connection).get_columns(USERS.name)}:
        connection.execute(text(f"alter table users add column revision {BigInteger()} not null default 0"))


def _add_tokens(connection: Connection) -> None:
    """Answers kept until now don't say whom they are about, and go; they would have stood for a day at most."""
    METADATA.create_all(connection, [TOKENS, ANSWERED])
    connection.execute(delete(IDEMPOTENCY))


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_first, _second, _add_revisions, _add_tokens)
"""Migration `i` turns a store of version `i` into one of version `i + 1`; the last ones make today's tables."""


def read_version(connection: Connection) -> int:
    """The version of a store; 0 where there are no tables.

    Raises:
        StoreError: it holds tables that aren't ours.
    """
    names = set(inspect(connection).get_table_names())
    if names and SCHEMA.name not in names:
        raise StoreError(f"the database holds tables that aren't Cinematrix's, such as {min(names)}; give another one")
    version = connection.scalar(select(SCHEMA.c.version)) if names else 0
    assert isinstance(version, int)
    return version


def check_version(version: int) -> None:
    """Refuse a store from the future.

    Raises:
        StoreError: it was written by a newer Cinematrix.
    """
    if version > len(MIGRATIONS):
        raise StoreError(
            f"the store has version {version} and this Cinematrix knows {len(MIGRATIONS)}; upgrade cinematrix"
        )


def migrate(connection: Connection) -> None:
    """Bring the store to today's version, inside the caller's transaction: whole or not at all.

    Raises:
        StoreError: it was written by a newer Cinematrix, or holds tables that aren't ours.
    """
    version = read_version(connection)
    check_version(version)
    for step in MIGRATIONS[version:]:
        step(connection)
    if version == 0:
        connection.execute(insert(SCHEMA).values(version=len(MIGRATIONS)))
    elif version < len(MIGRATIONS):
        connection.execute(update(SCHEMA).values(version=len(MIGRATIONS)))
