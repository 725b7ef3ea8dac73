"""PostgreSQL advisory locks, each with a number of its own."""

from enum import IntEnum, unique

from sqlalchemy import Connection, text

from cinematrix.store.settings import StoreSettings


@unique
class AdvisoryLock(IntEnum):
    """Numbers of the advisory locks.

    Attributes:
        MIGRATION: held while tables are migrated, so that servers started at once migrate one after the other.
        USER_COUNT: held while users are counted before one is created.
        REFIT_REQUEST: held while a server checks whether a scheduled refit is due.
        IDEMPOTENCY: first half of the locks of idempotency keys, each held while its request is applied.
        REFIT: held by the running refit, for minutes. No request may wait for it.
        IMPRESSIONS: held while impressions are stored, or moved to the counts by day, and while a user is deleted.
    """

    MIGRATION = 0x43494E45
    USER_COUNT = 0x43494E46
    REFIT_REQUEST = 0x43494E47
    REFIT = 0x43494E48
    IDEMPOTENCY = 0x43494E49
    IMPRESSIONS = 0x43494E4A


LOCK_SHARE = 0.45
"""Time to wait for a lock as a share of that for an answer, so that the reason of a failure is known."""

LOCKS_OF_A_WRITE = 3
"""Locks that a write may wait for one after the other: the count of users, the user, and the table."""


def shorten_lock_timeout(connection: Connection, seconds: float, settings: StoreSettings) -> None:
    """Let a transaction on PostgreSQL wait for all its locks for so many seconds, if these are fewer than usual."""
    each = seconds / LOCKS_OF_A_WRITE
    if each < settings.answer_seconds * LOCK_SHARE:
        connection.exec_driver_sql(f"set local lock_timeout = {max(1, round(1000 * each))}")


def hold_until_commit(connection: Connection, lock: AdvisoryLock) -> None:
    """Wait for a lock and hold it until the transaction ends. SQLite has one writer and needs no lock."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": int(lock)})


def hold_key_until_commit(connection: Connection, key: str) -> None:
    """Wait for the lock of an idempotency key and hold it until the transaction ends, as `hold_until_commit` does."""
    if connection.dialect.name == "postgresql":
        statement = text("select pg_advisory_xact_lock(:lock, hashtext(:key))")
        connection.execute(statement, {"lock": int(AdvisoryLock.IDEMPOTENCY), "key": key})
