"""Migrations of stores that earlier versions of Cinematrix wrote."""

import re
import secrets
from collections.abc import Callable
from typing import Any

from sqlalchemy import Column, Connection, delete, insert, inspect, select, text, update
from sqlalchemy.schema import CreateColumn

from cinematrix.errors import StoreError
from cinematrix.store.pseudonyms import KEY_BYTES, make_pseudonym
from cinematrix.store.tables import (
    ANSWERED,
    AUDIT,
    EVENTS,
    FOLLOWED,
    FORGOTTEN,
    IDEMPOTENCY,
    KEYS,
    METADATA,
    MOVIES,
    PSEUDONYM_KEY,
    RATINGS,
    REFITS,
    REVISIONS,
    SCHEMA,
    SESSIONS,
    SHARES,
    SHOWN,
    SIGN_INS,
    STATISTICS,
    SUSPECTS,
    TOKENS,
    TRIALS,
    UNMATCHED,
    USERS,
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
    counted = connection.scalar(select(REVISIONS.c.number).filter_by(name=MOVIES.name)) is not None
    if not counted and connection.scalar(select(MOVIES.c.movie).limit(1)) is not None:
        connection.execute(insert(REVISIONS).values(name=MOVIES.name, number=1))


def _add_unmatched(connection: Connection) -> None:
    METADATA.create_all(connection, [UNMATCHED])


def _add_shares(connection: Connection) -> None:
    METADATA.create_all(connection, [SHARES])


def _add_impressions_and_plays(connection: Connection) -> None:
    METADATA.create_all(connection, [SHOWN, FOLLOWED, TRIALS])
    _add_column(connection, EVENTS.c.plays)


def _add_sign_ins(connection: Connection) -> None:
    METADATA.create_all(connection, [SIGN_INS, SESSIONS])


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
    _add_imported,  # again: on a branch of development the fifth step was `_add_key_lifetimes`
    _add_unmatched,
    _add_shares,
    _add_impressions_and_plays,
    _add_sign_ins,
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
