"""RESULTS.md: each benchmark's tables stand in it under the benchmark's name, and are replaced by its next run."""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"
HEAD = "# Results\n\nEach part is written by the benchmark that it names.\n"


def put(parts: list[str], of: str = "") -> None:
    """Write the parts of the benchmark that is running, in place of its earlier ones (of the data set `of`).

    Those of other benchmarks, and of other sets, stay.
    """
    name = f"{Path(sys.argv[0]).name} {of}".strip()
    text = RESULTS.read_text("utf-8") if RESULTS.exists() else ""
    pages = dict(re.findall(r"<!-- ([^\n]+) -->\n\n(.*?)(?=\n<!-- |\Z)", text, re.DOTALL))
    pages[name] = "\n\n".join([provenance(), *parts]) + "\n"
    written = "".join(f"\n<!-- {script} -->\n\n{page}" for script, page in pages.items())
    RESULTS.write_text(HEAD + written, encoding="utf-8")
    print(f"written to {RESULTS}")


def provenance() -> str:
    """Command, commit, date and machine; of paths the last part only."""
    import torch

    git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=False)
    shown = [Path(word).name if "/" in word else word for word in sys.argv[1:]]
    return (
        f"`python benchmarks/{' '.join([Path(sys.argv[0]).name, *shown])}`: commit {git.stdout.strip()}, "
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, torch {torch.__version__}, "
        f"{os.cpu_count()} cores ({platform.machine()})."
    )


def markdown(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def mean(values: Iterable[float]) -> float:
    """The arithmetic mean."""
    listed = list(values)
    return sum(listed) / len(listed)


def over_seeds(values: Iterable[float]) -> str:
    """The mean, and each seed's value behind it."""
    listed = list(values)
    return f"**{mean(listed):.4f}** ({' '.join(f'{value:.4f}' for value in listed)})"
