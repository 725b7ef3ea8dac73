"""Tests of `cinematrix.evaluation.compare.cell` and `cinematrix.evaluation.compare.run`."""

import json
import math
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from cinematrix.common import optional
from cinematrix.common.process_memory import read_peak_megabytes
from cinematrix.common.spread import processes
from cinematrix.data import splits
from cinematrix.data.ratings import Ratings
from cinematrix.errors import DataError, MissingExtraError, SettingError
from cinematrix.evaluation.compare import cell, run
from cinematrix.evaluation.compare.cell import (
    GIVEN_COUNTS,
    MAIN_MEASURES,
    PAIRED_MEASURES,
    make_questions,
    measure_cell,
)
from cinematrix.evaluation.compare.results import compute_value, sum_by_user
from cinematrix.evaluation.compare.run import ComparisonPlan, estimate_time_left, run_comparison
from cinematrix.evaluation.evaluate import evaluate
from cinematrix.metrics.segments import MOVIE_SEGMENTS
from cinematrix.models.bias import Bias
from cinematrix.models.deep_mf.settings import DeepMFSettings
from comparison_cells import World, make_cell
from worlds import as_interactions


class RecordedProgress:
    """Progress receiver that records its calls."""

    def __init__(self) -> None:
        self.total, self.done, self.notes, self.stopped = 0, 0, [""], False

    def start(self, what: str, total: int) -> None:
        self.total = total

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.done += steps
        self.notes.append(note)

    def stop(self) -> None:
        self.stopped = True


def test_a_cell_measures_what_evaluate_measures(world: World, tmp_path: Path) -> None:
    """Sums and weights by user give the numbers of `evaluate` on the same split; costs are above 0."""
    found = measure_cell(make_cell(world), *world, tmp_path)
    split = splits.random(world[0])
    wanted = evaluate(Bias().fit(split.train, world[1]), split.test)
    sums = sum_by_user(found["questions"], "all", len(world[0].users))
    for name, pair in sums.items():
        assert compute_value(name, pair) == pytest.approx(wanted[name]), name
    assert sorted(sums) == sorted(PAIRED_MEASURES)
    assert found["questions"][0]["movies_shown"] == wanted["movies_shown@10"]
    tail = sum_by_user(found["questions"], "tail movies", len(world[0].users))
    assert sorted(tail) == sorted(MAIN_MEASURES)
    (question,) = found["questions"]
    assert question["coverage"] == wanted["coverage@10"]
    assert min(found["training_s"], found["peak_mb"], question["list_ms"], question["pair_us"]) > 0
    assert json.loads(json.dumps(found, allow_nan=False)) == json.loads(json.dumps(found))


def test_segments_of_movies_add_up_to_all(world: World, tmp_path: Path) -> None:
    """Squared errors and ratings of head, torso and tail add up to those of all movies."""
    found = measure_cell(make_cell(world), *world, tmp_path)["questions"]
    n_users = len(world[0].users)
    parts = [sum_by_user(found, name, n_users).get("rmse", (np.zeros(1), np.zeros(1))) for name in MOVIE_SEGMENTS]
    whole = sum_by_user(found, "all", n_users)["rmse"]
    for column in (0, 1):
        assert sum(part[column].sum() for part in parts) == pytest.approx(whole[column].sum())
    assert len(found[0]["movies"]) == 3


def test_seeds_change_the_split_and_the_model(world: World, tmp_path: Path) -> None:
    """Seed 0 is split 42 and the model's own seed; seed 2 is split 44 and that seed + 2."""
    settings = asdict(DeepMFSettings(**{**DeepMFSettings.PRESETS["fast"], "factors": 2, "seed": 5, "ranking": False}))
    found = measure_cell(make_cell(world, "deep-mf", seed=2, settings=settings), *world, tmp_path)
    assert found["settings"]["seed"] == 7
    assert "seed 44" in found["questions"][0]["protocol"]["split"]


def test_new_users_have_a_question_for_every_number_of_ratings_given(world: World, tmp_path: Path) -> None:
    """One training serves all questions; a user who gave k ratings has a history of k."""
    found = measure_cell(make_cell(world, split="new-users"), *world, tmp_path)
    for question, k in zip(found["questions"], GIVEN_COUNTS, strict=True):
        assert question["question"] == f"new-users, {k} rating{'s' * (k != 1)} given"
        assert set(question["parts"]["all"]["history"]) == {k}
    trains = [split.train.by_user.items.tobytes() for _, split in make_questions("new-users", world[0], 0)]
    assert len(set(trains)) == 1


def test_numbers_of_ratings_that_leave_no_test_are_left_out() -> None:
    """If new users have at most six ratings, they can't give ten."""
    users, movies = np.divmod(np.arange(60), 6)
    ratings = Ratings.from_arrays(users, movies, np.resize([3.0, 4.0], 60))
    questions = [name for name, _ in make_questions("new-users", ratings, 0)]
    assert questions == [f"new-users, {k} given" for k in ("0 ratings", "1 rating", "2 ratings", "5 ratings")]
    with pytest.raises(DataError, match="both need one at least"):
        next(make_questions("new-users", ratings.take(ratings.user == 0), 0))


def test_the_name_of_a_cell_depends_on_all_its_inputs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other data, settings, seeds, trials, splits, models or versions give another name."""
    one = make_cell(world)
    changed = {"model": "popular", "settings": {"a": 1}, "split": "time", "seed": 1, "trials": 2, "data": "other"}
    changed["by"] = "stars"
    names = {one.name, *(replace(one, **{key: changed[key]}).name for key in changed)}
    monkeypatch.setattr(cell, "version", lambda name: "99")
    assert len(names | {one.name}) == 9


def test_a_plan_includes_the_baselines_and_checks_names() -> None:
    """Popular and Bias come first and once; unknown models, splits and settings are errors."""
    plan = ComparisonPlan.of(["deep-mf", "bias"], {}, ["time", "random", "time"], seeds=2)
    assert list(plan.settings) == ["popular", "bias", "deep-mf"]
    assert plan.splits == ("time", "random")
    assert len(plan.cells("data")) == 3 * 2 * 2
    with pytest.raises(SettingError, match="no model 'svg'"):
        ComparisonPlan.of(["svg"], {}, ["random"])
    with pytest.raises(SettingError, match="no split 'k-fold' to compare on; the splits are random, time"):
        ComparisonPlan.of([], {}, ["k-fold"])
    with pytest.raises(SettingError, match="settings are given for deep-mf, which isn't compared"):
        ComparisonPlan.of([], {"deep-mf": DeepMFSettings()}, ["random"])


def test_the_lists_are_in_the_order_of_the_plan(world: World, tmp_path: Path) -> None:
    """Every cell's lists are in that order, which the protocol and the speed are of; unknown orders are refused."""
    plan = ComparisonPlan.of([], {}, ["half"], by="stars")
    by_stars, by_default = (
        measure_cell(replace(plan.cells("d")[0], by=by), *world, tmp_path) for by in ("stars", None)
    )
    questions = [found["questions"][0] for found in (by_stars, by_default)]
    assert [question["protocol"]["by"] for question in questions] == ["stars", "liking"]
    sums = [sum(question["parts"]["all"]["measures"]["ndcg@10"][0]) for question in questions]
    assert sums[0] != sums[1]
    assert {c.by for c in plan.cells("d")} == {"stars"}
    with pytest.raises(SettingError, match="lists can't be ordered by 'fame'"):
        ComparisonPlan.of([], {}, ["random"], by="fame")
    with pytest.raises(SettingError, match="vae predicts no stars to order lists by"):
        ComparisonPlan.of(["vae"], {}, ["random"], by="stars")


def test_a_plan_checks_that_packages_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training packages are required, and Optuna only for models that are tuned."""
    monkeypatch.setattr(optional, "find_spec", lambda name: None if name == "optuna" else object())
    ComparisonPlan.of(["deep-mf"], {}, ["random"])
    ComparisonPlan.of([], {}, ["random"], trials=3)
    with pytest.raises(MissingExtraError, match="Optuna"):
        ComparisonPlan.of(["deep-mf"], {}, ["random"], trials=3)
    monkeypatch.setattr(optional, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="PyTorch"):
        ComparisonPlan.of(["deep-mf"], {}, ["random"])


def test_the_time_left_is_estimated_by_model(world: World) -> None:
    """A cell counts with the mean of its model, or else of all models; without finished cells there is no estimate."""
    done = [{"key": {"model": m}, "seconds": s} for m, s in (("bias", 10.0), ("bias", 20.0), ("popular", 5.0))]
    assert estimate_time_left([make_cell(world), make_cell(world, "deep-mf")], done) == "about 25 s left, "
    assert estimate_time_left([make_cell(world)] * 12, done) == "about 3 min left, "
    assert estimate_time_left([make_cell(world)], []) == ""


def test_finished_cells_are_stored_and_reused(world: World, tmp_path: Path) -> None:
    """A second run reuses every file; a damaged file or one of another cell is measured again."""
    plan = ComparisonPlan.of([], {}, ["random"])
    progress = RecordedProgress()
    first = run_comparison(plan, *world, tmp_path, progress)
    assert (progress.total, progress.done, progress.stopped) == (2, 2, True)
    assert any("s left, bias on random, seed 0: evaluating bias" in note for note in progress.notes)
    files = sorted(tmp_path.iterdir())
    assert [file.name.split(".")[0] for file in files] == ["bias", "popular"]
    before = [file.stat().st_mtime_ns for file in files]
    again = run_comparison(plan, *world, tmp_path)
    assert again == first
    assert first.failures == []
    assert [file.stat().st_mtime_ns for file in files] == before
    files[0].write_text(files[0].read_text()[:-100])
    files[1].write_text(files[1].read_text().replace('"seed": 0', '"seed": 9'))
    repaired = run_comparison(plan, *world, tmp_path)
    assert [cell["questions"][0]["parts"] for cell in repaired.cells] == [
        cell["questions"][0]["parts"] for cell in first.cells
    ]
    assert [cell["key"] for cell in repaired.cells] == [cell["key"] for cell in first.cells]
    assert all(new > old for new, old in zip([f.stat().st_mtime_ns for f in files], before, strict=True))
    assert sorted(tmp_path.iterdir()) == files  # no data and no partial files are left


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        ("raise ValueError('no such luck')", "stopped with ValueError: no such luck"),
        ("raise CinematrixError('the numbers went wrong')", "the numbers went wrong"),
        ("raise MemoryError", "ran out of memory, with a peak of"),
        ("os.kill(os.getpid(), 9)", "was ended by the signal SIGKILL, most likely because memory ran out"),
        ("print('{}\\nnoise'); sys.exit(3)", "stopped with SystemExit: 3"),
        ("print('the last words'); os._exit(3)", "stopped with the last words"),
    ],
)
def test_a_failing_cell_does_not_affect_the_others(
    failure: str, reason: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each failure has a reason in a sentence, and the other model is measured."""
    code = f"""
import os, sys
from cinematrix.evaluation.compare import cell as cells
from cinematrix.errors import CinematrixError
measure_cell = cells.measure_cell
def measure(cell, *more):
    if cell.model == "bias":
        {failure}
    return measure_cell(cell, *more)
cells.measure_cell = measure
from cinematrix.common.spread.worker import main
main()
"""
    monkeypatch.setattr(processes, "COMMAND", [sys.executable, "-c", code])
    found = run_comparison(ComparisonPlan.of([], {}, ["random"]), *world, tmp_path)
    assert [cell["key"]["model"] for cell in found.cells] == ["popular"]
    (failed,) = found.failures
    assert failed.cell.model == "bias"
    assert failed.why.startswith(reason)


def test_a_model_that_cannot_learn_from_the_data_is_a_failure(world: World, tmp_path: Path) -> None:
    """Bias needs stars; Popular ranks plain interactions."""
    found = run_comparison(ComparisonPlan.of([], {}, ["random"]), as_interactions(world[0]), world[1], tmp_path)
    (failure,) = found.failures
    assert "needs ratings with stars, and these are plain interactions" in failure.why
    assert list(found.cells[0]["questions"][0]["parts"]["all"]["measures"]) == [
        "ndcg@10", "recall@10", "ndcg_rare@10", "miscalibration@10"
    ]  # fmt: skip


def test_leakage_stops_the_comparison_before_training(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A split with leakage is an error, and no cell is measured."""
    split = splits.random(world[0])
    leaking = replace(split, train=world[0])
    monkeypatch.setattr(run, "make_questions", lambda *_: [("random", leaking)])
    with pytest.raises(DataError, match="tested ratings are also in training"):
        run_comparison(ComparisonPlan.of([], {}, ["random"]), *world, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_cell_can_tune_within_its_training_part(world: World, tmp_path: Path) -> None:
    """The study is stored beside the cell and its result in the cell; the model is trained with the best settings."""
    settings = asdict(
        DeepMFSettings(factors=32, members=1, epochs=1, ranking=False, residual_gp=False, two_stage=False)
    )
    found = measure_cell(make_cell(world, "deep-mf", trials=2, settings=settings), *world, tmp_path)
    assert found["tuned"]["trials"] == 2
    assert found["tuning_s"] > 0
    assert {key: found["settings"][key] for key in found["tuned"]["chosen"]} == found["tuned"]["chosen"]
    assert found["settings"]["epochs"] == 1
    assert [file.suffix for file in tmp_path.iterdir()] == [".study"]
    assert math.isfinite(found["tuned"]["value"])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_peak_memory_excludes_that_of_the_parent() -> None:
    """A parent with 320 MB more doesn't raise the peak of its child."""
    import subprocess

    ballast = np.ones(40_000_000)
    code = "from cinematrix.common.process_memory import read_peak_megabytes; print(read_peak_megabytes())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert 5 < float(run.stdout) < read_peak_megabytes() - ballast.nbytes / 2e6
