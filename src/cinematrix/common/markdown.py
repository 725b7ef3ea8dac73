"""Pieces of Markdown."""

import json
from collections.abc import Iterable, Sequence


def as_code(text: str) -> str:
    """Return a text as code, on one line and without what would end the code or the table's cell."""
    return f"`{json.dumps(text, ensure_ascii=False)[1:-1].replace('`', chr(39)).replace('|', '/')}`"


def as_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def as_list(items: Iterable[str]) -> str:
    """Return a list with a bullet before each item."""
    return "\n".join(f"- {item}" for item in items)
