"""Comparisons, cell by cell: `cinematrix.evaluation.compare.cell` and `cinematrix.evaluation.compare.run`."""

import json
import math
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from cinematrix.common import optional
from cinematrix.data import splits
from cinematrix.data.ratings import Ratings
from cinematrix.errors import DataError, MissingExtraError, SettingError
from cinematrix.evaluation.compare import cell, run
from cinematrix.evaluation.compare.cell import GIVEN_COUNTS, make_questions, measure_cell
from cinematrix.evaluation.compare.results import compute_value, sum_by_user
from cinematrix.evaluation.compare.run import ComparisonPlan, estimate_time_left, run_comparison
from cinematrix.evaluation.evaluate import evaluate
from cinematrix.evaluation.segments import MOVIE_SEGMENTS
from cinematrix.models.bias import Bias
from cinematrix.models.deep_mf.settings import DeepMFSettings
from comparison_cells import World, make_cell
from worlds import as_interactions


class Heard:
    """A progress that remembers."""

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
    """Sums and weights by user give the very numbers of `evaluate` on the yardstick's split; costs are above 0."""
    found = measure_cell(make_cell(world), *world, tmp_path)
    split = splits.random(world[0])
    wanted = evaluate(Bias().fit(split.train, world[1]), split.test)
    sums = sum_by_user(found["questions"], "all", len(world[0].users))
    for name, pair in sums.items():
        assert compute_value(name, pair) == pytest.approx(wanted[name]), name
    assert sorted(sums) == ["mae", "ndcg@10", "recall@10", "rmse"]
    (question,) = found["questions"]
    assert question["coverage"] == wanted["coverage@10"]
    assert min(found["training_s"], found["peak_mb"], question["list_ms"], question["pair_us"]) > 0
    assert json.loads(json.dumps(found, allow_nan=False)) == json.loads(json.dumps(found))


def test_segments_of_movies_add_up_to_the_whole(world: World, tmp_path: Path) -> None:
    """Head, torso and tail have all squared errors and all ratings between them."""
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


def test_new_users_are_asked_for_every_number_of_ratings_given(world: World, tmp_path: Path) -> None:
    """One training serves all; who has given k ratings has a history of k."""
    found = measure_cell(make_cell(world, split="new-users"), *world, tmp_path)
    for question, k in zip(found["questions"], GIVEN_COUNTS, strict=True):
        assert question["question"] == f"new-users, {k} rating{'s' * (k != 1)} given"
        assert set(question["parts"]["all"]["history"]) == {k}
    trains = [split.train.by_user.items.tobytes() for _, split in make_questions("new-users", world[0], 0)]
    assert len(set(trains)) == 1


def test_numbers_that_leave_nothing_to_test_are_left_out() -> None:
    """Where new users have six ratings at most, they can't give ten."""
    users, movies = np.divmod(np.arange(60), 6)
    ratings = Ratings.from_arrays(users, movies, np.resize([3.0, 4.0], 60))
    asked = [name for name, _ in make_questions("new-users", ratings, 0)]
    assert asked == [f"new-users, {k} given" for k in ("0 ratings", "1 rating", "2 ratings", "5 ratings")]
    with pytest.raises(DataError, match="both need one at least"):
        next(make_questions("new-users", ratings.take(ratings.user == 0), 0))


def test_the_name_of_a_cell_holds_all_that_its_numbers_depend_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other data, settings, seeds, trials, splits, models or versions have another name."""
    one = make_cell(world)
    changed = {"model": "popular", "settings": {"a": 1}, "split": "time", "seed": 1, "trials": 2, "data": "other"}
    names = {one.name, *(replace(one, **{key: changed[key]}).name for key in changed)}
    monkeypatch.setattr(cell, "version", lambda name: "99")
    assert len(names | {one.name}) == 8


def test_a_plan_has_the_floor_in_and_checks_names() -> None:
    """Popular and Bias come first and once; unknown models, splits and settings are refused before any work."""
    plan = ComparisonPlan.of(["deep-mf", "bias"], {}, ["time", "random", "time"], seeds=2)
    assert list(plan.settings) == ["popular", "bias", "deep-mf"]
    assert plan.splits == ("time", "random")
    assert len(plan.cells("data")) == 3 * 2 * 2
    with pytest.raises(SettingError, match="no model 'svg'"):
        ComparisonPlan.of(["svg"], {}, ["random"])
    with pytest.raises(SettingError, match="no split 'k-fold' to compare on; the splits are random, time"):
        ComparisonPlan.of([], {}, ["k-fold"])
    with pytest.raises(SettingError, match="settings of deep-mf are given, which isn't compared"):
        ComparisonPlan.of([], {"deep-mf": DeepMFSettings()}, ["random"])


def test_a_plan_asks_for_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a model trains with, and what the search needs, but only for models that are searched."""
    monkeypatch.setattr(optional, "find_spec", lambda name: None if name == "optuna" else object())
    ComparisonPlan.of(["deep-mf"], {}, ["random"])
    ComparisonPlan.of([], {}, ["random"], trials=3)
    with pytest.raises(MissingExtraError, match="Optuna"):
        ComparisonPlan.of(["deep-mf"], {}, ["random"], trials=3)
    monkeypatch.setattr(optional, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="PyTorch"):
        ComparisonPlan.of(["deep-mf"], {}, ["random"])


def test_the_time_left_goes_by_what_each_model_took(world: World) -> None:
    """The model's own mean, for one that wasn't there yet the mean of all models; nothing before the first cell."""
    done = [{"key": {"model": m}, "seconds": s} for m, s in (("bias", 10.0), ("bias", 20.0), ("popular", 5.0))]
    assert estimate_time_left([make_cell(world), make_cell(world, "deep-mf")], done) == "about 25 s left, "
    assert estimate_time_left([make_cell(world)] * 12, done) == "about 3 min left, "
    assert estimate_time_left([make_cell(world)], []) == ""


def test_finished_cells_are_kept_and_not_measured_again(world: World, tmp_path: Path) -> None:
    """A second run takes every file as it is; a damaged one, or one of something else, is measured anew."""
    plan = ComparisonPlan.of([], {}, ["random"])
    heard = Heard()
    first = run_comparison(plan, *world, tmp_path, heard)
    assert (heard.total, heard.done, heard.stopped) == (2, 2, True)
    assert any("s left, bias on random, seed 0: evaluating bias" in note for note in heard.notes)
    files = sorted(tmp_path.iterdir())
    assert [file.name.split(".")[0] for file in files] == ["bias", "popular"]
    before = [file.stat().st_mtime_ns for file in files]
    again = run_comparison(plan, *world, tmp_path)
    assert again == first
    assert first.failures == []
    assert [file.stat().st_mtime_ns for file in files] == before
    files[0].write_text(files[0].read_text()[:-100])
    files[1].write_text(files[1].read_text().replace('"seed": 0', '"seed": 9'))
    mended = run_comparison(plan, *world, tmp_path)
    assert [cell["questions"][0]["parts"] for cell in mended.cells] == [
        cell["questions"][0]["parts"] for cell in first.cells
    ]
    assert [cell["key"] for cell in mended.cells] == [cell["key"] for cell in first.cells]
    assert all(new > old for new, old in zip([f.stat().st_mtime_ns for f in files], before, strict=True))
    assert sorted(tmp_path.iterdir()) == files  # no data and nothing half-written is left


@pytest.mark.parametrize(
    ("breakage", "why"),
    [
        ("raise ValueError('no such luck')", "stopped with ValueError: no such luck"),
        ("raise CinematrixError('the numbers went wrong')", "the numbers went wrong"),
        ("raise MemoryError", "ran out of memory, after"),
        ("os.kill(os.getpid(), 9)", "was ended by the signal SIGKILL, most likely for want of memory"),
        ("print('{}\\nnoise'); sys.exit(3)", "stopped with no message"),
        ("return {}", "ended without a result"),
    ],
)
def test_what_breaks_in_one_cell_leaves_the_others(
    breakage: str, why: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each way to fail is told in a sentence, and the other model is measured."""
    code = f"""
import os, sys
from cinematrix.evaluation.compare import cell as cells
from cinematrix.errors import CinematrixError
whole = cells.measure_cell
def measure(cell, *more):
    if cell.model == "bias":
        {breakage}
    return whole(cell, *more)
cells.measure_cell = measure
cells.main()
"""
    monkeypatch.setattr(run, "CELL_COMMAND", [sys.executable, "-c", code])
    found = run_comparison(ComparisonPlan.of([], {}, ["random"]), *world, tmp_path)
    assert [cell["key"]["model"] for cell in found.cells] == ["popular"]
    ((cell, told),) = [(failure.cell.model, failure.why) for failure in found.failures]
    assert cell == "bias"
    assert told.startswith(why)


def test_a_model_that_cannot_learn_from_the_data_says_why(world: World, tmp_path: Path) -> None:
    """Bias needs stars; Popular ranks plain interactions."""
    found = run_comparison(ComparisonPlan.of([], {}, ["random"]), as_interactions(world[0]), world[1], tmp_path)
    (failure,) = found.failures
    assert "needs ratings with stars, and these are plain interactions" in failure.why
    assert list(found.cells[0]["questions"][0]["parts"]["all"]["measures"]) == ["ndcg@10", "recall@10"]


def test_a_leak_stops_everything_before_any_training(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A split that leaks ends the comparison with an error, and nothing was measured."""
    split = splits.random(world[0])
    leaking = replace(split, train=world[0])
    monkeypatch.setattr(run, "make_questions", lambda *_: [("random", leaking)])
    with pytest.raises(DataError, match="tested ratings are also in training"):
        run_comparison(ComparisonPlan.of([], {}, ["random"]), *world, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_cell_may_search_within_its_training_part(world: World, tmp_path: Path) -> None:
    """The search is kept beside the cell and told in it; the settings found are those trained with."""
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


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the count of Linux")
def test_a_childs_peak_of_memory_is_its_own() -> None:
    """A parent of 300 MB more doesn't make its child larger."""
    import subprocess

    ballast = np.ones(40_000_000)
    code = "from cinematrix.evaluation.compare.cell import read_peak_megabytes; print(read_peak_megabytes())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert 20 < float(run.stdout) < cell.read_peak_megabytes() - ballast.nbytes / 2e6
