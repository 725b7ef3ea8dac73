"""The store, as commands open it, and its times as they are shown."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cinematrix.common.durations import parse_duration
from cinematrix.errors import SettingError

if TYPE_CHECKING:
    from cinematrix.store.records import Store


@contextmanager
def open_store(db: str, *, existing: bool = False) -> "Iterator[Store]":
    """Open the store, and close it in the end. `existing`: don't create it.

    Raises:
        StoreError: there is none, or it can't be opened.
    """
    from cinematrix.common.optional import require_serving_package

    require_serving_package("sqlalchemy")
    from cinematrix.store.engine import parse_url
    from cinematrix.store.records import Store
    from cinematrix.store.sqlite import find_file

    url = parse_url(db)
    if existing and url.get_backend_name() == "sqlite":
        find_file(url)

    store = Store.open(db)
    try:
        yield store
    finally:
        store.close()


def show_time(ms: int | None) -> str:
    """Return a time in epoch milliseconds as text; `never` if there is none."""
    return "never" if ms is None else datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def parse_time(text: str) -> int:
    """Parse a date or time in UTC, or a duration before now such as `7d`, to epoch milliseconds.

    Raises:
        SettingError: the text is none of them.
    """
    with suppress(SettingError):
        return round((datetime.now(UTC).timestamp() - parse_duration(text)) * 1000)
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingError(
            f"{text!r} isn't a time; write a date, such as 2026-11-30, or how long ago, such as 7d"
        ) from error
    return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
