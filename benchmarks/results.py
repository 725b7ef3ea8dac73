"""The file RESULTS.md: each benchmark has a part under its name, which its next run replaces."""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
HEAD = "# Results\n\nEach part is written by the benchmark that it names.\n"


def put(parts: list[str], of: str = "") -> None:
    """Replace the parts of the running benchmark (of the data set `of`) in RESULTS.md.

    Parts of other benchmarks and of other data sets stay.
    """
    name = f"{Path(sys.argv[0]).name} {of}".strip()
    text = RESULTS.read_text("utf-8") if RESULTS.exists() else ""
    pages = dict(re.findall(r"<!-- ([^\n]+) -->\n\n(.*?)(?=\n<!-- |\Z)", text, re.DOTALL))
    pages[name] = "\n\n".join([provenance(), *parts]) + "\n"
    written = "".join(f"\n<!-- {script} -->\n\n{page}" for script, page in pages.items())
    RESULTS.write_text(HEAD + written, encoding="utf-8")
    print(f"written to {RESULTS}")


def provenance() -> str:
    """Return command, commit, date and machine in one line; of paths the last part only."""
    torch = f"torch {version('torch')}, " if find_spec("torch") else ""
    git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False)
    shown = [Path(word).name if "/" in word else word for word in sys.argv[1:]]
    return (
        f"`python benchmarks/{' '.join([Path(sys.argv[0]).name, *shown])}`: commit {git.stdout.strip()}, "
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {torch}"
        f"{os.cpu_count()} cores ({platform.machine()})."
    )


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def mean(values: Iterable[float]) -> float:
    """Return the arithmetic mean."""
    listed = list(values)
    return sum(listed) / len(listed)


def over_seeds(values: Iterable[float]) -> str:
    """Return the mean, followed by each seed's value in brackets."""
    listed = list(values)
    return f"**{mean(listed):.4f}** ({' '.join(f'{value:.4f}' for value in listed)})"
