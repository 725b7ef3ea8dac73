"""`cinematrix import`, as a user meets it."""

import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from cinematrix.cli.main import run
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.models.artifact import save
from cinematrix.models.bias import Bias
from cinematrix.store.records import Store
from export_files import LETTERBOXD, lines

PROGRAM = [sys.executable, "-c", "from cinematrix.cli.main import run; run()"]
ROWS = ("2023-01-01,Funny 0,1980,u,4.5", "2023-01-01,Scary 1,1981,u,1")
MISS = "2023-01-02,Funny Nought,1980,u,3"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, world: tuple[Ratings, Catalog]) -> Path:
    """A model to match to."""
    path = tmp_path_factory.mktemp("model") / "model"
    save(Bias().fit(*world), path)
    return path


@pytest.fixture
def words(folder: Path, tmp_path: Path) -> list[str]:
    """The options of every import here."""
    return ["--user", "ann", "--model", str(folder), "--db", f"sqlite:///{tmp_path}/store.db"]


def here(*options: object) -> tuple[int, str, str]:
    """`cinematrix import` in this process: exit code, output, errors."""
    out, errors = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(out), redirect_stderr(errors):
        patched.setattr(sys, "argv", ["cinematrix", "import", *map(str, options)])
        with pytest.raises(SystemExit) as end:
            run()
    return int(end.value.code or 0), out.getvalue(), errors.getvalue()


def written(path: Path, *rows: str) -> Path:
    """Letterboxd's ratings in a file."""
    path.write_bytes(lines(f"{LETTERBOXD},Rating", *rows))
    return path


def stored(tmp_path: Path) -> dict[str, Any]:
    """Ann's ratings in stars."""
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    rows = {row.movie: row.steps for row in store.person("ann").ratings}
    store.close()
    return rows


def test_a_whole_import_ends_with_0_and_again_changes_nothing(words: list[str], tmp_path: Path) -> None:
    """What came of the rows in one line; as JSON the same as the service answers."""
    file = written(tmp_path / "ratings.csv", *ROWS)
    code, out, errors = here(file, *words)
    assert (code, errors) == (0, "")
    assert out == "letterboxd: 2 rows read: 2 imported, 0 updated, 0 duplicates, 0 skipped, 0 unmatched\n"
    before = stored(tmp_path)
    assert sorted(before.values()) == [2, 9]
    code, out, _ = here(file, *words, "--json")
    found = json.loads(out)
    assert (code, found["imported"], found["duplicates"]) == (0, 0, 2)
    assert [row["title"] for row in found["ratings"]] == ["Funny 0", "Scary 1"]
    assert stored(tmp_path) == before


def test_a_partial_import_ends_with_3_and_a_pick_completes_it(words: list[str], tmp_path: Path, folder: Path) -> None:
    """The misses are shown with candidates and written to a file, which, filled in, or in words, says what is meant."""
    file = written(tmp_path / "ratings.csv", *ROWS, MISS, "2023-01-01,Scary 3,1983,u,0")
    misses = tmp_path / "misses.csv"
    code, out, errors = here(file, *words, "--unmatched", misses)
    assert (code, errors) == (3, "")
    assert "2 imported, 0 updated, 0 duplicates, 1 skipped, 1 unmatched" in out
    assert "skipped 1: no rating" in out
    assert "Funny Nought (1980)" in out
    head, row = misses.read_text("utf-8").splitlines()
    assert head.startswith("row,kind,title,year,rating,movie,")
    assert row.startswith("4,rating,Funny Nought,1980,3.0,,")
    movie = next(id_ for id_, steps in stored(tmp_path).items() if steps == 2)
    assert here(file, *words, "--pick", "4=nothing")[0] == 2
    assert here(file, *words, "--pick", "four")[0] == 2
    assert here(file, *words, "--pick", f"4={movie}")[:1] == (3,)
    assert stored(tmp_path)[movie] == 6
    misses.write_text(misses.read_text("utf-8").replace("1980,3.0,,", f"1980,3.0,{movie},"), "utf-8")
    assert "0 imported, 0 updated, 3 duplicates, 1 skipped, 0 unmatched" in here(file, *words, "--pick", misses)[1]


def test_errors_name_the_file_and_keep_nothing(words: list[str], tmp_path: Path) -> None:
    """No such file, no export, a mapping of nothing, a user without a name: one line, exit code 2."""
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b'title,rating\nHeat,4\n"Alien,5\n')
    for file, more, says in (
        (tmp_path / "none.csv", [], "can't be read"),
        (tmp_path, [], "can't be read"),
        (bad, [], "bad.csv: line 3"),
        (bad, ["--columns", "user=title"], "no 'user' to map"),
        (bad, ["--columns", "title"], "aren't understood"),
        (bad, ["--user", "a/b"], "user"),
        (written(tmp_path / "ratings.csv", *ROWS), ["--model", str(tmp_path / "none")], "none"),
    ):
        code, out, errors = here(file, *words, *more)
        assert (code, out) == (2, ""), errors
        assert says in errors
        assert errors.count("\n") == 1
    assert not (tmp_path / "store.db").exists()


@pytest.mark.fault(18)
def test_a_kill_in_the_middle_keeps_all_or_nothing(words: list[str], tmp_path: Path) -> None:
    """Killed before the commit nothing is there; the same import afterwards is whole."""
    file = written(tmp_path / "ratings.csv", *ROWS)
    code = (
        "import os; from cinematrix.store import merging\nwhole = merging.merge_records\n"
        "def merge(*rest):\n    whole(*rest)\n    os.kill(os.getpid(), 9)\n"
        "merging.merge_records = merge\nfrom cinematrix.cli.main import run; run()"
    )
    killed = subprocess.run([sys.executable, "-c", code, "import", str(file), *words], check=False, capture_output=True)
    assert killed.returncode == -9
    assert stored(tmp_path) == {}
    assert here(file, *words)[0] == 0
    assert len(stored(tmp_path)) == 2
