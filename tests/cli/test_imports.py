"""Tests of `cinematrix import`."""

import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from cinematrix.cli.imports import EXIT_PARTIAL
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
    """A model whose catalog the rows are matched to."""
    path = tmp_path_factory.mktemp("model") / "model"
    save(Bias().fit(*world), path)
    return path


@pytest.fixture
def words(folder: Path, tmp_path: Path) -> list[str]:
    """Options of every import."""
    return ["--user", "ann", "--model", str(folder), "--db", f"sqlite:///{tmp_path}/store.db"]


def run_import(*options: object) -> tuple[int, str, str]:
    """Run `cinematrix import` in this process; return exit code, output and errors."""
    out, errors = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(out), redirect_stderr(errors):
        patched.setattr(sys, "argv", ["cinematrix", "import", *map(str, options)])
        with pytest.raises(SystemExit) as end:
            run()
    return int(end.value.code or 0), out.getvalue(), errors.getvalue()


def write_ratings(path: Path, *rows: str) -> Path:
    """Write ratings in Letterboxd's format."""
    path.write_bytes(lines(f"{LETTERBOXD},Rating", *rows))
    return path


def read_steps(tmp_path: Path) -> dict[str, Any]:
    """Read the ratings of the user ann from the store, in steps of the scale, by movie."""
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    rows = {row.movie: row.steps for row in store.person("ann").ratings}
    store.close()
    return rows


def test_an_import_ends_with_0_and_is_idempotent(words: list[str], tmp_path: Path) -> None:
    """The counts are printed in one line or as JSON; a second import changes nothing."""
    file = write_ratings(tmp_path / "ratings.csv", *ROWS)
    code, out, errors = run_import(file, *words)
    assert (code, errors) == (0, "")
    assert out == "letterboxd: 2 rows read: 2 imported, 0 updated, 0 duplicates, 0 skipped, 0 unmatched\n"
    before = read_steps(tmp_path)
    assert sorted(before.values()) == [2, 9]
    code, out, _ = run_import(file, *words, "--json")
    found = json.loads(out)
    assert (code, found["imported"], found["duplicates"]) == (0, 0, 2)
    assert [row["title"] for row in found["ratings"]] == ["Funny 0", "Scary 1"]
    assert read_steps(tmp_path) == before


def test_a_partial_import_ends_with_3_and_a_pick_completes_it(words: list[str], tmp_path: Path, folder: Path) -> None:
    """Unmatched rows are printed with candidates and written to a file; a pick is an option or that file, filled in."""
    file = write_ratings(tmp_path / "ratings.csv", *ROWS, MISS, "2023-01-01,Scary 3,1983,u,0")
    misses = tmp_path / "misses.csv"
    code, out, errors = run_import(file, *words, "--unmatched", misses)
    assert (code, errors) == (3, "")
    assert "2 imported, 0 updated, 0 duplicates, 1 skipped, 1 unmatched" in out
    assert "skipped 1: no rating" in out
    assert "Funny Nought (1980)" in out
    head, row = misses.read_text("utf-8").splitlines()
    assert head.startswith("row,kind,title,year,rating,movie,")
    assert row.startswith("4,rating,Funny Nought,1980,3.0,,")
    movie = next(id_ for id_, steps in read_steps(tmp_path).items() if steps == 2)
    assert run_import(file, *words, "--pick", "4=nothing")[0] == 2
    assert run_import(file, *words, "--pick", "four")[0] == 2
    assert run_import(file, *words, "--pick", f"4={movie}")[:1] == (3,)
    assert read_steps(tmp_path)[movie] == 6
    misses.write_text(misses.read_text("utf-8").replace("1980,3.0,,", f"1980,3.0,{movie},"), "utf-8")
    assert (
        "0 imported, 0 updated, 3 duplicates, 1 skipped, 0 unmatched" in run_import(file, *words, "--pick", misses)[1]
    )


def test_errors_name_the_file_and_store_nothing(words: list[str], tmp_path: Path) -> None:
    """A missing file, an invalid file, mapping, user or model is one line with exit code 2."""
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b'title,rating\nHeat,4\n"Alien,5\n')
    for file, options, message in (
        (tmp_path / "none.csv", [], "can't be read"),
        (tmp_path, [], "can't be read"),
        (bad, [], "bad.csv: line 3"),
        (bad, ["--columns", "user=title"], "no field 'user' to map"),
        (bad, ["--columns", "title"], "aren't understood"),
        (bad, ["--user", "a/b"], "user"),
        (write_ratings(tmp_path / "ratings.csv", *ROWS), ["--model", str(tmp_path / "none")], "none"),
    ):
        code, out, errors = run_import(file, *words, *options)
        assert (code, out) == (2, ""), errors
        assert message in errors
        assert errors.count("\n") == 1
    assert not (tmp_path / "store.db").exists()


@pytest.mark.fault(18)
def test_a_killed_import_stores_nothing(words: list[str], tmp_path: Path) -> None:
    """A process killed before the commit stores nothing; the same import then succeeds."""
    file = write_ratings(tmp_path / "ratings.csv", *ROWS)
    code = (
        "import os; from cinematrix.store import merging\noriginal = merging.merge_records\n"
        "def merge(*rest):\n    original(*rest)\n    os.kill(os.getpid(), 9)\n"
        "merging.merge_records = merge\nfrom cinematrix.cli.main import run; run()"
    )
    killed = subprocess.run([sys.executable, "-c", code, "import", str(file), *words], check=False, capture_output=True)
    assert killed.returncode == -9
    assert read_steps(tmp_path) == {}
    assert run_import(file, *words)[0] == 0
    assert len(read_steps(tmp_path)) == 2


def test_certain_candidates_are_taken_and_newer_movies_counted_apart(words: list[str], tmp_path: Path) -> None:
    """`--certain` takes a misspelt title, and one without a year; a movie of 2050 isn't listed."""
    rows = ("2023-01-01,Fuunny 0,1980,u,4", "2023-01-01,Far Future,2050,u,4", "2023-01-01,Scary 1,,u,3")
    file = write_ratings(tmp_path / "ratings.csv", *rows)
    code, out, _ = run_import(file, *words)
    assert (code, out.splitlines()[0][-48:]) == (EXIT_PARTIAL, "0 skipped, 2 unmatched, 1 newer than the catalog")
    assert "Far Future" not in out
    code, out, _ = run_import(file, *words, "--certain", "--json")
    result = json.loads(out)
    assert [row["title"] for row in result["newer"]] == ["Far Future"]
    assert (code, result["imported"], result["unmatched"], result["unsure"]) == (EXIT_PARTIAL, 2, [], [])
    assert set(read_steps(tmp_path).values()) == {8, 6}


def test_the_profile_of_a_file_of_several_is_an_option(words: list[str], tmp_path: Path) -> None:
    """Without it the refusal names the profiles; with it the other rows are skipped."""
    file = tmp_path / "ViewingActivity.csv"
    head = "Profile Name,Start Time,Duration,Title,Supplemental Video Type"
    rows = [f"{who},2024-01-15 20:00:00,02:00:00,Funny 0 (1980)," for who in ("Ann", "Bob")]
    file.write_bytes(lines(head, *rows))
    code, _, errors = run_import(file, *words)
    assert code == 2
    assert "it has 'Ann', 'Bob'" in " ".join(errors.split())
    code, out, _ = run_import(file, *words, "--profile", "Ann")
    assert code == EXIT_PARTIAL
    assert "2 rows read: 1 imported" in out
