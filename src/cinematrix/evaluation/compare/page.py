"""Parts of the HTML pages of comparisons: the template, tables, images, and versions of the libraries."""

from html import escape
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, Protocol

from cinematrix.common.atomic_files import write_atomically
from cinematrix.evaluation.compare.plots import ThemedImage
from cinematrix.evaluation.compare.tables import format_settings

LIBRARIES = ("cinematrix", "numpy", "scipy", "polars", "torch", "numba", "optuna")
"""Packages whose versions are reported."""


class Page(Protocol):
    """A report that renders itself as an HTML page."""

    def page(self) -> str:
        """Return the page."""


def fill_page(*, curves: str = "", tuned: str = "", **parts: str) -> str:
    """Fill the template with HTML parts by the names of its places."""
    template = files("cinematrix.evaluation.compare").joinpath("templates/comparison.html").read_text(encoding="utf-8")
    return Template(template).substitute(curves=curves, tuned=tuned, **parts)


def write_page(report: Page, path: Path, *, force: bool = False) -> None:
    """Write the HTML page to a file, atomically.

    Raises:
        InputError: the file exists and `force` isn't given, or it can't be written.
    """
    page = report.page()
    with write_atomically(path, force=force) as file:
        file.write_text(page, encoding="utf-8")


def read_library_versions() -> dict[str, str]:
    """Return the versions of the installed packages among `LIBRARIES`."""
    versions = {}
    for name in LIBRARIES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def render_settings(settings: dict[str, dict[str, Any]]) -> str:
    """Render a table of the models' settings."""
    rows = [[name, format_settings(values) or "no settings"] for name, values in settings.items()]
    return render_table(["model", "settings"], rows)


def render_table(columns: list[str], rows: list[list[Any]]) -> str:
    """Render an HTML table, all text escaped."""
    kinds = [' class="number"' if name.endswith("#") else "" for name in columns]
    head = [
        f'<th scope="col"{kind}>{escape(name.removesuffix("#"))}</th>'
        for name, kind in zip(columns, kinds, strict=True)
    ]
    body = [[f"<td{kind}>{escape(str(cell))}</td>" for cell, kind in zip(row, kinds, strict=True)] for row in rows]
    lines = "\n".join(f"<tr>{''.join(cells)}</tr>" for cells in body)
    return f'<div class="wide"><table><thead><tr>{"".join(head)}</tr></thead><tbody>{lines}</tbody></table></div>'


def render_image(image: ThemedImage | None, alternative: str) -> str:
    """Render a plot as a `picture` element with both themes; empty for None."""
    if image is None:
        return ""
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{image.dark}">'
        f'<img src="{image.light}" alt="{escape(alternative)}"></picture>'
    )
