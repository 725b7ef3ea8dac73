"""Measure the structure of the source: files, packages, lengths, docstrings, and the entries that a task passes.

    python benchmarks/structure.py

The tests hold the figures to their bars (tests/project/test_structure.py).
"""

import ast
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

import cinematrix
from results import markdown, put

SOURCE = Path(cinematrix.__file__).parent
ROOT = SOURCE.parents[1]

RIDDLES = re.compile(r"^(What|How|Whether|Who|Which|Whose|When|Why|Where|Of)\b")
"""Words that open a docstring without naming the thing."""

PRONOUNS = re.compile(r"\b(she|her|hers|herself)\b", re.IGNORECASE)
"""Words for a user, who is 'the user' or 'they'."""

LONG_FUNCTION, LONG_FILE = 50, 300
"""Lines from which a function or a file counts as long."""


def top_files() -> list[str]:
    """Return the Python files directly in the package."""
    return sorted(path.name for path in SOURCE.glob("*.py"))


def docstrings(folder: Path) -> Iterator[tuple[Path, int, str]]:
    """Yield file, line and text of every docstring, those of constants and attributes included."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            for statement in getattr(node, "body", []) if isinstance(getattr(node, "body", []), list) else []:
                value = statement.value if isinstance(statement, ast.Expr) else None
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield path, statement.lineno, value.value.strip()


def riddles(*folders: Path) -> tuple[list[str], int]:
    """Return the docstrings that open with one of `RIDDLES`, and the number of all docstrings."""
    found = [(path, line, text) for folder in folders for path, line, text in docstrings(folder)]
    opening = [f"{path.relative_to(ROOT)}:{line}: {text[:60]}" for path, line, text in found if RIDDLES.match(text)]
    return opening, len(found)


def pronouns() -> list[str]:
    """Return the lines of code, page, tests and documents that call a user she or her."""
    found = []
    for path in [*ROOT.glob("*.md"), *(file for name in ("src", "tests", "benchmarks", "docs", "deploy")
                                       for file in (ROOT / name).rglob("*"))]:  # fmt: skip
        names_them = path.name in ("structure.py", "test_structure.py")
        made = {"_build", "node_modules"} & set(path.parts)
        if path.suffix in (".py", ".md", ".js", ".html", ".css") and not names_them and not made:
            lines = path.read_text("utf-8").splitlines()
            found += [f"{path.relative_to(ROOT)}:{n}: {line.strip()[:80]}" for n, line in enumerate(lines, 1)
                      if PRONOUNS.search(line)]  # fmt: skip
    return found


def long_functions() -> list[str]:
    """Return the functions of more than `LONG_FUNCTION` lines."""
    return [
        f"{path.relative_to(SOURCE)}: {node.name}, {node.end_lineno - node.lineno + 1} lines"
        for path in sorted(SOURCE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > LONG_FUNCTION
    ]


def long_files() -> list[str]:
    """Return the files of more than `LONG_FILE` lines."""
    counts = {path: len(path.read_text("utf-8").splitlines()) for path in sorted(SOURCE.rglob("*.py"))}
    return [f"{path.relative_to(SOURCE)}: {count} lines" for path, count in counts.items() if count > LONG_FILE]


def entries_passed(task: Callable[[], Any]) -> list[str]:
    """Return the entries of the package's folder whose functions run during `task`."""
    passed: set[str] = set()

    def note(frame: FrameType, event: str, _: Any) -> None:
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(str(SOURCE)):
            passed.add(Path(file).relative_to(SOURCE).parts[0])

    sys.setprofile(note)
    try:
        task()
    finally:
        sys.setprofile(None)
    return sorted(passed - {"__init__.py"})


def tasks(folder: Path) -> dict[str, Callable[[], Any]]:
    """Return a training, a list and an import on small data."""
    from cinematrix.data.catalog import Catalog
    from cinematrix.data.ratings import Ratings, Scale
    from cinematrix.importers import read
    from cinematrix.importers.outcome import match_entries
    from cinematrix.importers.result import ImportRecords
    from cinematrix.models.deep_mf.model import DeepMF
    from cinematrix.models.deep_mf.settings import DeepMFSettings
    from cinematrix.recommendation.lists import get_history, recommend
    from cinematrix.store.merging import merge_import
    from cinematrix.store.records import Store

    rng, scale = np.random.default_rng(0), Scale(0.5, 5, 0.5)
    stars = rng.integers(1, 11, 400) / 2
    ratings = Ratings.from_arrays(rng.integers(0, 40, 400), rng.integers(0, 30, 400), stars, scale=scale)
    catalog = Catalog.of(range(30), title=[f"Film {i}" for i in range(30)], year=[1990 + i for i in range(30)])
    small = DeepMFSettings(factors=4, members=1, epochs=1, ranking_epochs=1, ease_rank=4)
    model = DeepMF(small).fit(ratings, catalog)
    store = Store.open(f"sqlite:///{folder}/store.db")
    export = b"Date,Name,Year,Letterboxd URI,Rating\n2024-01-02,Film 3,1993,x,4.5\n"

    def bring() -> None:
        matched = match_entries(read(export, "ratings.csv"), catalog, scale)
        with store.write_transaction() as connection:
            merge_import(connection, "ann", ImportRecords.of(matched, catalog, scale))

    return {
        "training": lambda: DeepMF(small).fit(ratings, catalog),
        "list": lambda: recommend(model, get_history(model, model.data.users.ids[0]), 5),
        "import": bring,
    }


def main() -> None:
    """Measure every figure and write the table."""
    opening, all_docstrings = riddles(SOURCE)
    rows = [
        ["Python files directly in `src/cinematrix`", "77", str(len(top_files())), "6"],
        ["docstrings opening with What, How …", "467 of 2,011", f"{len(opening)} of {all_docstrings:,}", "3 %"],
        ["lines with a female pronoun, code and documents", "396", str(len(pronouns())), "0"],
        [f"functions over {LONG_FUNCTION} lines", "5", str(len(long_functions())), "0"],
        [f"files over {LONG_FILE} lines", "6", str(len(long_files())), "4"],
    ]
    before = {"training": "30", "list": "20", "import": "17"}
    with tempfile.TemporaryDirectory() as folder:
        for name, task in tasks(Path(folder)).items():
            passed = entries_passed(task)
            rows.append([f"entries that {name} passes", before[name], f"{len(passed)}: {', '.join(passed)}", "6"])
    put([f"## The house\n\n{markdown(['what', 'before the packages', 'now', 'at most'], rows)}"])


if __name__ == "__main__":
    main()
