"""`cinematrix compare` and `cinematrix tune` as a user meets them, each in a process of its own."""

import json
import shlex
import signal
import subprocess
import time
from pathlib import Path

import polars as pl
import pytest

from command_line import PROGRAM, clean_environment, run_cli, run_failing, run_json, run_ok

SIZES = [word for size in ("users=60", "movies=45", "ratings=1200", "seed=3") for word in ("--set", size)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of simulated data whose name isn't easy."""
    folder = tmp_path_factory.mktemp("compare") / "Kino «Žižkov» & <b>映画</b>"
    run_json("data", "get", "simulated", "--to", folder, "--csv", *SIZES)
    return folder


def test_models_are_compared(data: Path, tmp_path: Path) -> None:
    """In text: tables, segments, the protocol with its checks and a verdict; the page and the cells lie beside."""
    page = tmp_path / "out.html"
    text = run_ok("compare", data, "--models", "bias", "--split", "time", "--report", page, by=run_cli)
    for words in (
        *("60 users × 45 movies, 1,200 ratings", "popular", "bias", "peak memory", "users with < 20", "tail movies"),
        *("Global time split", "Checked: no tested rating is in training", "every training rating is earlier"),
        *("Verdict", " is best by rmse (", " is best by ndcg@10 (", f"report written to {page}"),
    ):
        assert words in text, words
    html = page.read_text("utf-8")
    assert "&lt;b&gt;映画" in html
    assert "<b>映画" not in html
    assert sorted(p.name.split(".")[0] for p in (tmp_path / "out.cells").iterdir()) == ["bias", "popular"]


def test_a_comparison_as_json_goes_on_with_what_there_is(data: Path, tmp_path: Path) -> None:
    """Cells measured before are taken as they are, also by a larger comparison; the numbers are the same."""
    words = ["compare", data, "--models", "popular", "--report", tmp_path / "out.html"]
    found = run_json(*words, "--split", "random")
    files = {path: path.read_bytes() for path in (tmp_path / "out.cells").iterdir()}
    more = run_json(*words, "--split", "random,new-movies", "--resume")
    assert more["questions"][0] == found["questions"][0]
    assert [question["name"] for question in more["questions"]] == ["random", "new-movies"]
    assert {path: path.read_bytes() for path in files} == files
    assert more["plan"]["splits"] == ["random", "new-movies"]
    assert more["failures"] == []


def test_nothing_is_replaced_unasked(data: Path, tmp_path: Path) -> None:
    """Neither a page nor cells, whose loss may cost hours; --force begins anew."""
    words = ["compare", data, "--models", "popular", "--report", tmp_path / "out.html"]
    (tmp_path / "out.cells").mkdir()
    (tmp_path / "out.cells" / "old.json").touch()
    assert "out.cells holds what was measured before; add --resume" in run_failing(*words)
    (tmp_path / "out.html").touch()
    assert "out.html exists already" in run_failing(*words)
    assert "other.html exists already" in run_failing(*words[:-1], _touched(tmp_path / "other.html"), "--resume")
    run_ok(*words, "--force")
    assert not (tmp_path / "out.cells" / "old.json").exists()


def _touched(path: Path) -> Path:
    path.touch()
    return path


def test_wrong_words_are_refused_before_any_work(tmp_path: Path) -> None:
    """Names and settings are looked at before the data, which aren't even there."""
    words = ["compare", tmp_path / "nowhere", "--models"]
    assert "there is no model 'svg'" in run_failing(*words, "svg")
    assert "no split 'k-fold' to compare on" in run_failing(*words, "bias", "--split", "k-fold")
    assert "write MODEL.key=value with one of deep-mf" in run_failing(*words, "deep-mf", "--set", "preset=fast")
    assert "deep-mf has no such setting" in run_failing(*words, "deep-mf", "--set", "deep-mf.colour=red")
    assert "nowhere" in run_failing(*words, "bias")


def test_data_without_time_cannot_be_split_by_it(data: Path, tmp_path: Path) -> None:
    """The one sentence comes before any training, and leaves no page."""
    table = pl.read_csv(data / "ratings.csv")
    table.drop("timestamp").write_csv(tmp_path / "ratings.csv")
    words = ["compare", tmp_path / "ratings.csv", "--models", "bias", "--report", tmp_path / "out.html"]
    assert "the ratings have no time column" in run_failing(*words, "--split", "random,time")
    assert not (tmp_path / "out.html").exists()


def test_a_failing_model_has_a_row_that_says_why(data: Path, tmp_path: Path) -> None:
    """A training that diverges is told, and the comparison of the others stands; the exit code is 0."""
    words = ["compare", data, "--models", "deep-mf", "--report", tmp_path / "out.html"]
    wild = ["learning_rate=1e30", "members=1", "factors=8", "epochs=3", "ranking=false"]
    sets = [word for pair in wild for word in ("--set", f"deep-mf.{pair}")]
    found = run_json(*words, *sets, by=run_cli)
    (failure,) = found["failures"]
    assert (failure["model"], failure["split"], failure["seed"]) == ("deep-mf", "random", 0)
    assert "learning_rate" in failure["why"]
    assert {row["model"] for row in found["questions"][0]["rows"]} == {"popular", "bias"}
    assert "Not measured" in (tmp_path / "out.html").read_text("utf-8")


def test_ctrl_c_keeps_finished_cells_and_resume_goes_on(data: Path, tmp_path: Path) -> None:
    """Interrupted, it ends with 130 and finished cells stay as they were; --resume measures the rest."""
    words = ["compare", data, "--models", "bias", "--seeds", 3, "--report", tmp_path / "out.html"]
    cells = tmp_path / "out.cells"
    running = subprocess.Popen(
        [*PROGRAM, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment()
    )
    ended = time.monotonic() + 60
    while len(list(cells.glob("*.json"))) < 2 and time.monotonic() < ended:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    out, errors = running.communicate(timeout=30)
    assert (running.returncode, out) == (130, "")
    assert errors == f"what is finished lies in {cells}; go on with --resume\ncinematrix: interrupted\n"
    assert not (tmp_path / "out.html").exists()
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in cells.glob("*.json")}
    assert 2 <= len(before) < 6
    assert len(list(cells.iterdir())) == len(before)  # no data, nothing half-written
    found = run_json(*words, "--resume", by=run_cli)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before
    assert len(list(cells.glob("*.json"))) == 6
    assert found["failures"] == []
    assert len(found["questions"][0]["by_seed"]["bias"]["rmse"]) == 3


def test_tune_prints_a_line_that_trains(data: Path, tmp_path: Path) -> None:
    """The best settings come as a command that runs; a second search of the same trials trains nothing more."""
    start = [
        word for pair in ("members=1", "epochs=1", "ranking=false", "residual_gp=false") for word in ("--set", pair)
    ]
    words = ["tune", data, "--model", "deep-mf", "--trials", 2, "--study", tmp_path / "study", *start]
    found = run_json(*words)
    assert found["measure"] == "rmse"
    assert found["settings"]["epochs"] == 1
    text = run_ok(*words)
    assert f"deep-mf: rmse {found['value']:.4f} in validation" in text
    assert found["command"] in text.replace("\n", " ")
    command = shlex.split(found["command"])
    assert command[:2] == ["cinematrix", "train"]
    command[command.index("model")] = str(tmp_path / "model")
    trained = run_json(*command[1:])
    assert json.loads((tmp_path / "model" / "model.json").read_text())["settings"] == found["settings"]
    assert trained["out"] == str(tmp_path / "model")


def test_a_model_without_a_space_says_so(data: Path) -> None:
    """Bias has nothing to search."""
    assert "bias has no space of hyper-parameters to search" in run_failing("tune", data, "--model", "bias")
