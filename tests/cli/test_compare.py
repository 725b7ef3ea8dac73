"""Tests of `cinematrix compare` and `cinematrix tune`."""

import json
import shlex
import signal
import subprocess
import time
from pathlib import Path

import polars as pl
import pytest

from cinematrix.evaluation.compare import plots
from command_line import PROGRAM, clean_environment, run_failing, run_forked, run_json, run_ok

SIZES = [word for size in ("users=60", "movies=45", "ratings=1200", "seed=3") for word in ("--set", size)]


@pytest.fixture(autouse=True)
def _empty_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave plots out of the pages that are made in this process: they take most of its time. Forks draw them."""
    monkeypatch.setattr(plots, "render_themes", lambda _: plots.ThemedImage("data:,", "data:,"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of simulated data, with non-ASCII and HTML characters in its name."""
    folder = tmp_path_factory.mktemp("compare") / "Kino «Žižkov» & <b>映画</b>"
    run_json("data", "get", "simulated", "--to", folder, "--csv", *SIZES)
    return folder


def test_models_are_compared(data: Path, tmp_path: Path) -> None:
    """The text has the verdicts, then a row a model, then the protocol with its checks; page and cells are written."""
    page = tmp_path / "out.html"
    text = run_ok("compare", data, "--models", "bias", "--split", "time", "--report", page, by=run_forked)
    verdicts = ["1,200 ratings", "\ntime\n", "\n  rmse ", "\n  ndcg@10 ", "\n  disliked@10 "]
    figures = ["\nmodel ", "peak memory\n", "\npopular ", "\nbias ", "Global time split", "Checked: ", "every training"]
    parts = [*verdicts, *figures, f"report written to {page}, with all measures"]
    assert [part for part in parts if part not in text] == []
    assert sorted(parts, key=text.index) == parts
    assert len(text.splitlines()) < 25
    html = page.read_text("utf-8")
    assert "users with &lt; 20" in html
    assert "tail movies" in html
    assert "&lt;b&gt;映画" in html
    assert "<b>映画" not in html
    assert "data:image/png;base64," in html
    assert sorted(p.name.split(".")[0] for p in (tmp_path / "out.cells").iterdir()) == ["bias", "popular"]


def test_lists_by_stars_are_compared_on_halves(data: Path, tmp_path: Path) -> None:
    """`--by` and `--split half` reach the cells; the table of liking has its measures."""
    words = ["compare", data, "--models", "popular", "--split", "half", "--on", "local", "--by", "stars"]
    text = " ".join(run_ok(*words, "--report", tmp_path / "out.html").split())
    for word in ("by stars of the", "Half split", "every rating given is earlier", "ndcg_liked@10", "disliked@10"):
        assert word in text, word
    found = run_json(*words, "--report", tmp_path / "out.html", "--resume")
    assert found["plan"]["by"] == found["questions"][0]["protocol"]["by"] == "stars"
    (measures,) = {tuple(sorted(m["name"] for m in row["measures"]))
                   for row in found["questions"][0]["rows"] if row["segment"] == "all"}  # fmt: skip
    assert {"disliked@10", "expected_below@10", "ndcg_above@10", "ndcg_rare@10"} <= set(measures)
    assert "lists can't be ordered by 'fame'" in run_failing(*words[:-1], "fame", "--report", tmp_path / "no.html")


def test_a_published_protocol_stands_beside_its_figures(data: Path, tmp_path: Path) -> None:
    """Our models, the papers' with their status, and the reason why they don't compare; resumed, and as a page."""
    page = tmp_path / "out.html"
    words = ["compare", data, "--models", "ease", "--protocol", "strong-generalisation", "--report", page]
    words += ["--on", "local"]
    text = run_ok(*words)
    for part in (
        "Not comparable with the published figures:",
        "published on ml-20m, netflix, and this is a table of 60",
        "capped_recall@20",
        "Mult-VAE",
        "verified in table III of Vančura & Kordík 2021",
    ):
        assert part in text, part
    found = run_json(*words, "--resume")
    assert list(found["models"]) == ["popular", "ease"]
    assert f"{found['models']['ease']['measures']['ndcg@100']['value']:.4f}" in text
    assert found["models"]["ease"]["cpu_s"] > 0
    assert {each["status"] for each in found["published"]} == {"verified"}
    assert "Not comparable" in page.read_text("utf-8")
    assert "can't be chosen with the protocol" in run_failing(*words, "--resume", "--split", "time")
    assert "there is no protocol 'random'" in run_failing(*words[:4], "--protocol", "random", "--report", page)


def test_resume_reuses_the_cells(data: Path, tmp_path: Path) -> None:
    """A resumed, larger comparison reuses the existing cells and gives the same numbers."""
    words = ["compare", data, "--models", "popular", "--report", tmp_path / "out.html"]
    first = run_json(*words, "--split", "random")
    files = {path: path.read_bytes() for path in (tmp_path / "out.cells").iterdir()}
    larger = run_json(*words, "--split", "random,new-movies", "--resume")
    assert larger["questions"][0] == first["questions"][0]
    assert [question["name"] for question in larger["questions"]] == ["random", "new-movies"]
    assert {path: path.read_bytes() for path in files} == files
    assert larger["plan"]["splits"] == ["random", "new-movies"]
    assert larger["failures"] == []


def test_existing_results_are_replaced_only_by_force(data: Path, tmp_path: Path) -> None:
    """An existing page or folder of cells is an error; --force starts again."""
    words = ["compare", data, "--models", "popular", "--on", "local", "--report", tmp_path / "out.html"]
    (tmp_path / "out.cells").mkdir()
    (tmp_path / "out.cells" / "old.json").touch()
    assert "out.cells holds earlier results; add --resume" in run_failing(*words)
    (tmp_path / "out.html").touch()
    assert "out.html exists already" in run_failing(*words)
    assert "other.html exists already" in run_failing(*words[:-1], _touched(tmp_path / "other.html"), "--resume")
    run_ok(*words, "--force")
    assert not (tmp_path / "out.cells" / "old.json").exists()


def _touched(path: Path) -> Path:
    path.touch()
    return path


def test_invalid_arguments_are_errors_before_the_work(tmp_path: Path) -> None:
    """Names and settings are checked before the data are read."""
    words = ["compare", tmp_path / "nowhere", "--models"]
    assert "there is no model 'svg'" in run_failing(*words, "svg")
    assert "no split 'k-fold' to compare on" in run_failing(*words, "bias", "--split", "k-fold")
    assert "write MODEL.key=value with one of deep-mf" in run_failing(*words, "deep-mf", "--set", "preset=fast")
    assert "deep-mf has no such setting" in run_failing(*words, "deep-mf", "--set", "deep-mf.colour=red")
    for command in ([*words, "bias"], ["tune", words[1]], ["recommend", words[1], "--all"]):
        assert "work can't run on 'cloud'; it must be local (this" in run_failing(*command, "--on", "cloud")
    assert "--on says where the lists of --all are made" in run_failing(
        "recommend", words[1], "--user", 1, "--on", "local"
    )
    assert "nowhere" in run_failing(*words, "bias")


def test_data_without_time_cannot_be_split_by_it(data: Path, tmp_path: Path) -> None:
    """The error comes before any training, and no page is written."""
    table = pl.read_csv(data / "ratings.csv")
    table.drop("timestamp").write_csv(tmp_path / "ratings.csv")
    words = ["compare", tmp_path / "ratings.csv", "--models", "bias", "--report", tmp_path / "out.html"]
    assert "the ratings have no time column" in run_failing(*words, "--split", "random,time")
    assert not (tmp_path / "out.html").exists()


def test_a_failing_model_is_reported(data: Path, tmp_path: Path) -> None:
    """A diverging training is reported and the other models are compared; the exit code is 0."""
    words = ["compare", data, "--models", "deep-mf", "--report", tmp_path / "out.html"]
    diverging = ["learning_rate=1e30", "members=1", "factors=8", "epochs=3", "ranking=false"]
    sets = [word for pair in diverging for word in ("--set", f"deep-mf.{pair}")]
    found = run_json(*words, *sets, by=run_forked)
    (failure,) = found["failures"]
    assert (failure["model"], failure["split"], failure["seed"]) == ("deep-mf", "random", 0)
    assert "learning_rate" in failure["why"]
    assert {row["model"] for row in found["questions"][0]["rows"]} == {"popular", "bias"}
    assert "Not measured" in (tmp_path / "out.html").read_text("utf-8")


def test_ctrl_c_keeps_finished_cells_and_resume_continues(data: Path, tmp_path: Path) -> None:
    """Ctrl-C ends with 130 and keeps the finished cells; --resume measures the rest."""
    words = ["compare", data, "--models", "bias", "--seeds", 3, "--report", tmp_path / "out.html"]
    cells = tmp_path / "out.cells"
    running = subprocess.Popen(
        [*PROGRAM, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment()
    )
    deadline = time.monotonic() + 60
    while len(list(cells.glob("*.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    out, errors = running.communicate(timeout=30)
    assert (running.returncode, out) == (130, "")
    assert errors == f"finished results are in {cells}; continue with --resume\ncinematrix: interrupted\n"
    assert not (tmp_path / "out.html").exists()
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in cells.glob("*.json")}
    assert 2 <= len(before) < 6
    assert len(list(cells.iterdir())) == len(before)  # no data and no partial files
    found = run_json(*words, "--resume")
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before
    assert len(list(cells.glob("*.json"))) == 6
    assert found["failures"] == []
    assert len(found["questions"][0]["by_seed"]["bias"]["rmse"]) == 3


def test_tune_prints_a_training_command(data: Path, tmp_path: Path) -> None:
    """The best settings are a command that runs; repeating a finished study gives the same result."""
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


def test_a_model_without_a_search_space_is_an_error(data: Path) -> None:
    """Bias has no search space."""
    assert "bias has no space of hyper-parameters to search" in run_failing("tune", data, "--model", "bias")
