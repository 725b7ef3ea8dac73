"""A pilot finds the number of epochs, then all ratings are learned: `cinematrix.models.training.two_stage`."""

from typing import Any

import numpy as np
import pytest

from cinematrix.data.ratings import Ratings
from cinematrix.models.contract_types import Training, TrainingOptions
from cinematrix.models.training.loop import Schedule
from cinematrix.models.training.two_stage import MIN_RATINGS_TO_SPLIT, train_in_two_stages
from training_task import LineTask

SCHEDULE = Schedule(epochs=5, learning_rate=0.01)
ERRORS = [9.0, 5.0, 3.0, 4.0, 6.0, 8.0]
"""Validation errors of the untrained net and after each epoch: the second epoch is the best."""


def make_ratings(n: int) -> Ratings:
    """Return `n` ratings."""
    return Ratings.from_arrays(np.arange(n) % 7, np.arange(n), np.arange(n) % 5 + 1.0)


class Builder:
    """Builds tasks and records their ratings."""

    def __init__(self) -> None:
        self.built: list[tuple[Ratings, Ratings, LineTask]] = []

    def __call__(self, learn: Ratings, judged: Ratings) -> LineTask:
        """Build a task with the validation errors `ERRORS`."""
        self.built.append((learn, judged, LineTask(errors=ERRORS)))
        return self.built[-1][2]


def train_line(
    ratings: Ratings, validation: Ratings | None = None, **run: Any
) -> tuple[Builder, LineTask, LineTask, Any]:
    """Train; return the builder, the task, the pilot, and the log."""
    build = Builder()
    task, pilot, log = train_in_two_stages(
        build, Training(ratings, validation, options=TrainingOptions(**run)), SCHEDULE, 0.2,
        name="line", measure="error", data="x", threads=1,
    )  # fmt: skip
    return build, task, pilot, log


def epochs(task: LineTask) -> int:
    """Return the number of epochs of a task's training."""
    return len(task.batches_seen) // task.steps_per_epoch


def test_a_pilot_finds_the_epochs_and_all_ratings_are_learned() -> None:
    """The pilot holds out a fifth; the returned task has learned all ratings for the pilot's best number of epochs."""
    ratings = make_ratings(100)
    build, task, pilot, log = train_line(ratings)
    (part, held_out, first), (learned, _, second) = build.built
    assert (len(part), len(held_out), len(learned)) == (80, 20, 100)
    assert (epochs(first), epochs(second), log.best_epoch) == (5, 2, 2)
    assert task is second
    assert pilot is first
    assert learned is ratings
    assert second.validated == []


@pytest.mark.parametrize("n", [MIN_RATINGS_TO_SPLIT - 1, 100])
def test_one_training_is_enough_with_given_validation_or_few_ratings(n: int) -> None:
    """It keeps the epoch with the best validation error."""
    ratings, given = make_ratings(n), None if n < MIN_RATINGS_TO_SPLIT else make_ratings(30)
    build, task, pilot, log = train_line(ratings, given)
    ((learned, held_out, only),) = build.built
    assert pilot is only
    assert learned is ratings
    assert held_out is (ratings if given is None else given)
    assert task is only
    assert (epochs(only), log.best_epoch) == (5, 2)


def test_a_net_that_only_gets_worse_is_trained_for_one_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """At least one epoch is trained, even if the untrained net has the lowest error."""
    monkeypatch.setitem(globals(), "ERRORS", [1.0, 2.0, 3.0, 4.0, 5.0, 5.5])
    _, task, _, log = train_line(make_ratings(100))
    assert (log.best_epoch, epochs(task)) == (0, 1)


def test_pilot_and_training_have_checkpoints_of_their_own(tmp_path: Any) -> None:
    """A resumed run repeats no epoch and gives the same net."""
    ratings, checkpoint = make_ratings(100), tmp_path / "c"
    _, task, _, _ = train_line(ratings, checkpoint=checkpoint)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.all", "c.pilot"]
    resumed_build, resumed, _, log = train_line(ratings, checkpoint=checkpoint, resume=True)
    assert [epochs(each) for *_, each in resumed_build.built] == [0, 0]
    assert log.best_epoch == 2
    for name, tensor in task.net.state_dict().items():
        np.testing.assert_array_equal(tensor, resumed.net.state_dict()[name])
