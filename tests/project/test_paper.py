"""The pages that argue with figures: each figure stands in the results or the log, and each name in the code."""

import re
from pathlib import Path

import pytest

from places import ROOT

DOCS = ROOT / "docs"
PAGES = [
    *(DOCS / name for name in ("paper.md", "decisions.md", "limits.md")),
    *sorted((DOCS / "concepts").glob("*.md")),
]
SOURCES = [ROOT / "benchmarks" / "RESULTS.md", DOCS / "experiments.md"]
MATHEMATICS = {"E", "logistic", "mean", "rank", "rms", "millions", "pairs"}
"""Words of equations that aren't names of the code."""


def figures(text: str) -> set[str]:
    """Figures with three decimals or more, by which one measurement is told from another."""
    return set(re.findall(r"(?<![\w.])\d{1,2}\.\d{3,}(?![\w.]*\d)", text))


def rounded(found: set[str]) -> set[str]:
    """The figures, and what they are with fewer decimals."""
    return found | {f"{float(each):.{n}f}" for each in found for n in range(3, len(each.split(".")[1]))}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_figure_has_a_source(page: Path) -> None:
    """A figure that was measured anew is wrong wherever the old one is cited."""
    known = rounded(set().union(*(figures(source.read_text("utf-8")) for source in SOURCES)))
    assert figures(page.read_text("utf-8")) <= known


def test_a_wrong_figure_is_seen() -> None:
    """Also one that differs in its last decimal."""
    assert rounded(figures("RMSE 0.7850, 1.2 and 3.14 by 0.19.1")) == {"0.7850", "0.785"}


def test_the_equations_have_the_names_of_the_code() -> None:
    """Each word of an equation is an attribute, a setting or a constant of `deep-mf`, or a word of mathematics."""
    equations = re.findall(r"\$\$(.*?)\$\$", (DOCS / "paper.md").read_text("utf-8"), re.DOTALL)
    words = set(re.findall(r"\\mathrm\{([\w\\]+)\}", " ".join(equations)))
    names = {word.replace("\\_", "_") for word in words} - MATHEMATICS
    code = " ".join(path.read_text("utf-8") for path in (ROOT / "src" / "cinematrix" / "models").rglob("*.py"))
    assert {name for name in names if not re.search(rf"\b{name}\b", code)} == set()
    assert len(names) > 15
