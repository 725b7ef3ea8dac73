"""Tables of a notebook that aren't frames."""

from collections.abc import Iterable, Sequence
from typing import Any

from IPython.display import HTML, display

from cinematrix.common.html import html_table


def show(columns: Iterable[str], rows: Iterable[Sequence[Any]], caption: str = "") -> None:
    """Show a table. A column whose name ends in `#` (not shown) holds numbers."""
    display(HTML(html_table(list(columns), list(rows), caption)))  # type: ignore[no-untyped-call]
