"""Rating tables as people bring them, through the commands: training, pairs, histories and tests by the same rules."""

from pathlib import Path

import numpy as np
import pytest

from cinematrix.data.readers import read
from cinematrix.models import model_class
from command_line import run_failing, run_in_process, run_json, run_ok

CASES = Path(__file__).parents[1] / "data/cases"


@pytest.fixture(scope="module")
def m0(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model `bias` of F00-base.csv."""
    folder = tmp_path_factory.mktemp("tables") / "m0"
    run_ok("train", CASES / "F00-base.csv", "--model", "bias", "--out", folder)
    return folder


def predictions(model: Path, pairs: Path, out: Path) -> list[str]:
    """Predict, and return the predictions as written."""
    run_ok("predict", model, pairs, "--out", out, "--force")
    return [line.split(",")[2] for line in out.read_text().splitlines()[1:]]


def test_users_of_19_digits_are_known(tmp_path: Path) -> None:
    """Their predictions differ from a stranger's, and the strangers are counted."""
    run_ok("train", CASES / "F01-ids19.csv", "--model", "bias", "--out", tmp_path / "m")
    found = run_json("predict", tmp_path / "m", CASES / "F01-pairs.csv", "--out", tmp_path / "out.csv")
    assert found["notes"] == [f"1 of 3 users of {CASES / 'F01-pairs.csv'} isn't in the model: nobody"]
    answers = [line.split(",")[2] for line in (tmp_path / "out.csv").read_text().splitlines()[1:]]
    assert len(set(answers)) == 3
    assert run_json("recommend", tmp_path / "m", "--user", "1000000000000000002")["items"]


def test_floats_separators_and_types_make_no_difference(m0: Path, tmp_path: Path) -> None:
    """Pairs of floats, with semicolons or RecBole's header, get the answers of plain ones."""
    (tmp_path / "plain.csv").write_text("user,movie\n2,1\n5,1\n")
    plain = predictions(m0, tmp_path / "plain.csv", tmp_path / "out.csv")
    assert predictions(m0, CASES / "F05-float-pairs.csv", tmp_path / "out.csv") == plain
    one = predictions(m0, CASES / "F13-pairs-semicolon.csv", tmp_path / "out.csv")
    assert predictions(m0, CASES / "F13-pairs.inter", tmp_path / "out.csv") == one


def test_a_history_is_read_by_time_and_by_id(m0: Path, tmp_path: Path) -> None:
    """The latest rating counts, wherever it stands, and "1.0" is movie 1."""
    (tmp_path / "latest.csv").write_text("movieId,rating\n1,5\n")
    words = ("recommend", m0, "--by", "stars", "--history")
    assert (
        run_json(*words, CASES / "F11-history-older-last.csv")["items"]
        == (run_json(*words, tmp_path / "latest.csv")["items"])
    )
    assert run_json(*words, CASES / "F05-float-history.csv")["unknown"] == []


def test_a_rating_off_the_models_scale_is_refused(tmp_path: Path) -> None:
    """A model of 0 and 1 predicts between them and refuses a 5."""
    run_ok("train", CASES / "F07-binary.csv", "--model", "bias", "--out", tmp_path / "m")
    error = run_failing("recommend", tmp_path / "m", "--history", CASES / "F07-history5.csv")
    assert "must be on the model's scale 0–1" in error
    (tmp_path / "pairs.csv").write_text("user,movie\n1,1\n1,4\n")
    assert all(0 <= float(each) <= 1 for each in predictions(tmp_path / "m", tmp_path / "pairs.csv", tmp_path / "o"))


def test_nothing_known_is_an_error(m0: Path, tmp_path: Path) -> None:
    """Pairs, tests and histories of other IDs are refused, with IDs of both sides."""
    table = tmp_path / "other.csv"
    table.write_text("user,movie,rating\nann,tt1,3\nbob,tt2,4\n")
    for words in (("predict", m0, table, "--out", tmp_path / "out.csv"), ("evaluate", m0, table)):
        assert "none of the 2 users of" in run_failing(*words)
    table.write_text("user,movie,rating\n1,tt1,3\n2,tt2,4\n")
    for words in (("predict", m0, table, "--out", tmp_path / "out.csv"), ("evaluate", m0, table)):
        assert "none of the 2 movies of" in run_failing(*words)
    table.write_text("movie,rating\ntt1,3\n")
    refusal = run_failing("recommend", m0, "--history", table)
    assert "none of the 1 movies of" in refusal
    assert "bring titles by 'cinematrix import'" in refusal


def test_a_traceback_is_one_sentence() -> None:
    """A user NaN, a time before the calendar and a mark for "not rated" are errors of one line."""
    assert "the user is missing" in run_failing("data", "describe", CASES / "F08-nan-user.parquet")
    assert "1 dropped" in run_ok("data", "describe", CASES / "F08-nan-user.parquet", "--skip-bad")
    words = ("data", "split", CASES / "F09-neg-time.csv", "--split", "time", "--out", "out")
    assert "before the year 1" in run_failing(*words)
    assert "--missing 99" in run_failing("data", "describe", CASES / "F14-null-marks.csv")


def test_an_error_of_a_test_names_options_that_are_there(m0: Path, tmp_path: Path) -> None:
    """Marks and bad lines of a test can be dropped, and the report says how many."""
    table = tmp_path / "test.csv"
    table.write_text("user,item,rating\n9,6,99\n1,3,3\n8,1,2\n8,2,5\n")
    assert "--missing 99" in run_failing("evaluate", m0, table)
    assert "1 rows dropped: rating 99 means not rated (lines 2)" in run_ok("evaluate", m0, table, "--missing", "99")
    table.write_text("user,item,rating\n9,6,9\n1,3,3\n")
    assert "--skip-bad" in run_failing("evaluate", m0, table)
    assert "1 rows dropped: rating is off the scale (lines 2)" in run_ok("evaluate", m0, table, "--skip-bad")


def test_training_says_what_it_read(tmp_path: Path) -> None:
    """Notes are part of the result, in text and in JSON; doubts are warnings on stderr."""
    words = ("train", CASES / "F14-null-marks.csv", "--missing", "99", "--model", "bias", "--out", tmp_path / "m")
    assert "rows dropped: rating 99 means not rated (lines" in run_ok(*words)
    found = run_json("train", CASES / "F10-no-header.csv", "--model", "bias", "--out", tmp_path / "n")
    assert found["reading"]["notes"][0].startswith("there is no header")
    done = run_in_process("train", CASES / "F02-counts.csv", "--model", "popular", "--out", tmp_path / "c")
    assert (done.returncode, done.stderr.splitlines()) == (
        0,
        ["warning: the counts (up to 100000) aren't weighed by any model: a movie watched a hundred times counts as "
         "watched once"],
    )  # fmt: skip
    assert run_ok("train", CASES / "F02-ones.csv", "--model", "popular", "--out", tmp_path / "o")


@pytest.mark.parametrize("name", ["popular", "ials", "item-knn", "user-knn", "ease"])
def test_counts_are_not_weighed_as_the_warning_says(name: str) -> None:
    """Plays from 1 to 100,000 give the scores of one play each."""
    scores = []
    for file in ("F02-counts.csv", "F02-ones.csv"):
        model = model_class(name)().fit(read(CASES / file).ratings)
        scores.append(model.score(model.data.history))
    np.testing.assert_array_equal(*scores)
