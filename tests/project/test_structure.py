"""The figures of the house stay within their bars: files at the top, words of docstrings, lengths, ways of data."""

import sys
from pathlib import Path

import pytest

from places import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import structure


def test_few_files_stand_at_the_top() -> None:
    """Six at most."""
    assert len(structure.top_files()) <= 6


def test_docstrings_name_the_thing() -> None:
    """Fewer than 3 in a hundred open with What, How, Whether, Who, Which, Of …, in the tests and benchmarks too."""
    for folders in ((ROOT / "src",), (ROOT / "tests", ROOT / "benchmarks")):
        opening, all_docstrings = structure.riddles(*folders)
        assert len(opening) < 0.03 * all_docstrings, "\n".join(opening)


def test_a_user_is_the_user_or_they() -> None:
    """Nowhere she or her."""
    assert structure.pronouns() == []


def test_functions_and_files_are_short() -> None:
    """No function over 50 lines, at most three files over 300."""
    assert structure.long_functions() == []
    assert len(structure.long_files()) <= 3, structure.long_files()


@pytest.mark.parametrize("task", ["training", "list", "import"])
def test_the_way_of_the_data_is_short(task: str, tmp_path: Path) -> None:
    """A training, a list and an import pass six entries of the package's folder at most."""
    passed = structure.entries_passed(structure.tasks(tmp_path)[task])
    assert 0 < len(passed) <= 6, passed


def test_the_measures_see_what_they_measure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A riddle and a pronoun, put into a file, are found."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "new.py").write_text('"""Whether a riddle."""\n\nX = 1\n"""Her number."""\n')
    monkeypatch.setattr(structure, "ROOT", tmp_path)
    assert len(structure.riddles(tmp_path / "src")[0]) == 1
    assert len(structure.pronouns()) == 1
