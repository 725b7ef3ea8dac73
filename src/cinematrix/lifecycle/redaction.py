"""Removal of names and secrets from findings, which people paste into public reports of problems."""

import getpass
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

SECRET = re.compile(r"pass|key|user|host|service", re.IGNORECASE)
"""Names of a URL's parameters whose values are left out."""


def redact(text: str, url: str | None = None) -> str:
    """Return a text without the user's name in paths, and without the credentials and host of a store.

    The home folder becomes `~`, other places of the user's name in a path `USER`.

    Args:
        url: the URL of the store.
    """
    for pattern, replacement in (*_find_url_words(url or ""), *_find_path_words()):
        text = re.sub(pattern, replacement, text)
    return text


def _find_url_words(url: str) -> Iterator[tuple[str, str]]:
    """Yield patterns of the credentials and hosts in a URL, each with its replacement."""
    try:
        parts = urlsplit(url)
        words = [(parts.password, "***"), (parts.username, "USER"), (parts.hostname, "HOST")]
    except ValueError:  # an invalid URL is in no error's message
        return
    words += [(value, "***") for name, value in parse_qsl(parts.query) if SECRET.search(name)]
    for word, replacement in words:
        for written in {word, unquote(word)} if word else ():
            yield rf"(?<!\w){re.escape(written)}(?!\w)", replacement


def _find_path_words() -> Iterator[tuple[str, str]]:
    """Yield patterns of the home folder, and of the user's name within a path, each with its replacement."""
    try:
        home, name = Path.home(), getpass.getuser()
    except (RuntimeError, KeyError, OSError):  # a user without an entry in the system's table
        return
    if home.name:
        for place in dict.fromkeys((home, home.resolve())):
            yield rf"{re.escape(str(place))}(?![\w.-])", "~"
    yield rf"(?<=[/\\]){re.escape(name)}(?![\w.-])", "USER"
