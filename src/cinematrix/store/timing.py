"""Durations of statements and commits, as an observer of the store is told of them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import ExceptionContext

Operation = Literal["read", "write", "lock", "commit"]
"""Kind of what the database does; `lock`: the begin of a write transaction of SQLite, which waits for other writers."""

OPERATIONS: dict[str, Operation] = {
    "SELECT": "read", "WITH": "read", "INSERT": "write", "UPDATE": "write", "DELETE": "write", "BEGIN": "lock",
}  # fmt: skip
"""Operations by the first word of a statement; others aren't told."""

Observer = Callable[[Operation, float], object]
"""Function that is told the operation and its duration in seconds, at its end."""

OPTION = "cinematrix_observer"
"""Name of the observer in an engine's execution options, which its connections inherit."""


def observe(engine: Engine, observer: Observer) -> None:
    """Tell an observer of each statement of an engine's connections, also of failed ones, and of each commit."""
    engine.update_execution_options(**{OPTION: observer})

    @event.listens_for(engine, "before_cursor_execute")
    def begin(_: Any, __: Any, ___: Any, ____: Any, context: Any, _____: Any) -> None:
        context.begun = time.perf_counter()

    def tell(context: Any, statement: str) -> None:
        operation = OPERATIONS.get(statement.lstrip().partition(" ")[0].partition("\n")[0].upper())
        if operation and hasattr(context, "begun"):
            observer(operation, time.perf_counter() - context.begun)

    @event.listens_for(engine, "after_cursor_execute")
    def end(_: Any, __: Any, statement: str, ___: Any, context: Any, ____: Any) -> None:
        tell(context, statement)

    @event.listens_for(engine, "handle_error")
    def fail(failure: ExceptionContext) -> None:
        if failure.statement:
            tell(failure.execution_context, failure.statement)


@contextmanager
def time_commit(connection: Connection) -> Iterator[None]:
    """Tell the observer of the connection's engine, if there is one, of a commit."""
    observer: Observer | None = connection.get_execution_options().get(OPTION)
    begun = time.perf_counter()
    try:
        yield
    finally:
        if observer:
            observer("commit", time.perf_counter() - begun)
