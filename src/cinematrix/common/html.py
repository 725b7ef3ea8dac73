"""Tables in HTML, for notebooks."""

from collections.abc import Sequence
from html import escape
from typing import Any


def html_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], caption: str = "", notes: str = "") -> str:
    """Return a table in HTML with every text escaped.

    A column whose name ends in `#` (not shown) holds numbers and is aligned to the right.
    """
    styles = ['style="text-align: right"' if name.endswith("#") else 'style="text-align: left"' for name in columns]
    head = "".join(
        f"<th {style}>{escape(name.removesuffix('#'))}</th>" for name, style in zip(columns, styles, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(f"<td {s}>{escape(_text(cell))}</td>" for cell, s in zip(row, styles, strict=True)) + "</tr>"
        for row in rows
    )
    title = f'<caption style="text-align: left; font-weight: bold">{escape(caption)}</caption>' if caption else ""
    under = "".join(f'<p style="white-space: pre-line">{escape(notes)}</p>' if notes else "")
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{under}"


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)
