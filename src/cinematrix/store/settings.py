"""Settings of the store, as a server has them."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from cinematrix.common.options import check_options, option

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

store = partial(option, group="Store")

DEFAULT_DATABASE = "sqlite:///cinematrix.db"
"""Default URL of the store."""

OPTION = "cinematrix_store"
"""Name of the settings in an engine's execution options, which its connections inherit."""

MIN_FREE_BYTES = 64_000_000
"""Minimum free disk bytes at a SQLite file for a server to be ready."""


@dataclass(frozen=True)
class StoreSettings:
    """Settings of a server's store. They are described by their options."""

    busy_seconds: float = store("Time for which a write waits for another.", 5.0, unit="seconds", low=0.01, high=60)
    db_connections: int = store("Maximum connections to PostgreSQL.", 15, low=2, high=1_000)
    answer_seconds: float = store(
        "Time for which a request waits for PostgreSQL: for a connection, a statement or a lock.", 2.0,
        unit="seconds", low=0.2, high=60,
    )  # fmt: skip
    pause_seconds: float = store(
        "Time for which PostgreSQL isn't asked after it didn't answer.", 1.0, unit="seconds", low=0, high=60
    )
    repeat_days: float = store("Time for which the answer to an `Idempotency-Key` is kept.", 1.0, unit="days", low=0.01)
    audit_days: float = store("Time for which a line of the audit log is kept.", 365.0, unit="days", low=1)
    min_people: int = store(
        "People from whom a number is published, and by whom it changes at least.", 5, unit="people", low=5
    )

    def __post_init__(self) -> None:
        check_options(self)

    def execution_options(self) -> dict[str, Any]:
        """Return execution options with which an engine and its connections know these settings."""
        return {OPTION: self}


def read_settings(source: "Engine | Connection") -> StoreSettings:
    """Return the settings with which the store was opened."""
    settings: StoreSettings = source.get_execution_options()[OPTION]
    return settings
