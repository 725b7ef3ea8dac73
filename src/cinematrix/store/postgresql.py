"""PostgreSQL engine whose connections don't wait for a database that stands still.

A stopped database keeps its connections open and answers nothing, so only a timeout on this side notices it. After one,
connections and statements of this process fail at once for a moment, so that requests don't queue up.
"""

import time
from typing import Any

import psycopg
from psycopg.errors import ConnectionTimeout, _WaitTimeout
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL

from cinematrix.store.locks import LOCK_SHARE
from cinematrix.store.settings import StoreSettings


class Circuit:
    """Circuit breaker: open for `pause_seconds` after the database didn't answer. `settings`: those of the store."""

    def __init__(self, settings: StoreSettings) -> None:
        self.settings, self._open_until = settings, 0.0

    def check(self) -> None:
        """Check that the database may be asked.

        Raises:
            OperationalError: it didn't answer a moment ago.
        """
        if time.monotonic() < self._open_until:
            raise psycopg.OperationalError("the database didn't answer a moment ago")

    def open(self) -> None:
        """Let nothing ask the database for a moment."""
        self._open_until = time.monotonic() + self.settings.pause_seconds


class TimedConnection(psycopg.Connection[Any]):
    """Connection that gives up an answer after `answer_seconds`, or while the circuit is open, and is closed then."""

    circuit: Circuit

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Wait for an answer, as psycopg does, but not for long.

        Raises:
            OperationalError: the database doesn't answer.
        """
        try:
            self.circuit.check()
        except psycopg.OperationalError:
            self.close()
            raise
        patience = self.circuit.settings.answer_seconds + 0.5 if timeout is None else timeout
        try:
            return super().wait(gen, interval, patience)
        except _WaitTimeout as error:
            self.circuit.open()
            self.close()
            raise psycopg.OperationalError("the database doesn't answer") from error


def make_postgresql_engine(url: URL, settings: StoreSettings, *, patient: bool) -> Engine:
    """Make an engine. `patient`: wait for the database as long as it takes, as commands do and servers don't."""
    kept = min(5, settings.db_connections)
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, pool_size=kept, hide_parameters=True,
        max_overflow=settings.db_connections - kept, pool_timeout=settings.busy_seconds,
        execution_options=settings.execution_options(),
    )  # fmt: skip
    if not patient:
        circuit, ms = Circuit(settings), settings.answer_seconds * 1000
        timeouts = f"-c statement_timeout={ms:.0f} -c lock_timeout={ms * LOCK_SHARE:.0f}"

        @event.listens_for(engine, "do_connect")
        def connect(_: Any, __: Any, arguments: Any, parameters: dict[str, Any]) -> TimedConnection:
            circuit.check()
            limits: dict[str, Any] = {"connect_timeout": max(1, round(settings.answer_seconds)), "options": timeouts}
            try:
                connection = TimedConnection.connect(*arguments, **limits | parameters)
            except ConnectionTimeout:
                circuit.open()
                raise
            connection.circuit = circuit
            return connection

    return engine
