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

ANSWER_SECONDS = 2.0
"""Maximum seconds to wait for the database: for a connection, a statement or a lock."""

PAUSE_SECONDS = 1.0
"""Seconds after an answer that didn't come, in which the database isn't asked."""

SERVER_TIMEOUTS = f"-c statement_timeout={ANSWER_SECONDS * 1000:.0f} -c lock_timeout={ANSWER_SECONDS * 750:.0f}"
"""Timeouts that the database keeps itself, a little shorter for locks, so that the reason is known."""


class Circuit:
    """Circuit breaker: open for `PAUSE_SECONDS` after the database didn't answer."""

    def __init__(self) -> None:
        self._open_until = 0.0

    def check(self) -> None:
        """Check that the database may be asked.

        Raises:
            OperationalError: it didn't answer a moment ago.
        """
        if time.monotonic() < self._open_until:
            raise psycopg.OperationalError("the database didn't answer a moment ago")

    def open(self) -> None:
        """Let nothing ask the database for a moment."""
        self._open_until = time.monotonic() + PAUSE_SECONDS


class TimedConnection(psycopg.Connection[Any]):
    """Connection that gives up an answer after `ANSWER_SECONDS`, or while the circuit is open, and is closed then."""

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
        try:
            return super().wait(gen, interval, ANSWER_SECONDS + 0.5 if timeout is None else timeout)
        except _WaitTimeout as error:
            self.circuit.open()
            self.close()
            raise psycopg.OperationalError("the database doesn't answer") from error


def make_postgresql_engine(url: URL, *, patient: bool, **options: Any) -> Engine:
    """Make an engine. `patient`: wait for the database as long as it takes, as commands do and servers don't."""
    engine = create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, **options)
    if not patient:
        circuit = Circuit()

        @event.listens_for(engine, "do_connect")
        def connect(_: Any, __: Any, arguments: Any, parameters: dict[str, Any]) -> TimedConnection:
            circuit.check()
            limits: dict[str, Any] = {"connect_timeout": round(ANSWER_SECONDS), "options": SERVER_TIMEOUTS}
            try:
                connection = TimedConnection.connect(*arguments, **limits | parameters)
            except ConnectionTimeout:
                circuit.open()
                raise
            connection.circuit = circuit
            return connection

    return engine
