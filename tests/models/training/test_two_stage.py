"""A pilot says how long, then all ratings: `cinematrix.models.training.two_stage`."""

from typing import Any

import numpy as np
import pytest

from cinematrix.data.ratings import Ratings
from cinematrix.models.base import Training, TrainingOptions
from cinematrix.models.training.loop import Schedule
from cinematrix.models.training.two_stage import MIN_RATINGS_TO_SPLIT, train_in_two_stages
from training_task import LineTask

SCHEDULE = Schedule(epochs=5, learning_rate=0.01)
ERRORS = [9.0, 5.0, 3.0, 4.0, 6.0, 8.0]
"""Of the untrained net and after each epoch: the second is the best."""


def ratings_of(n: int) -> Ratings:
    """So many."""
    return Ratings.from_arrays(np.arange(n) % 7, np.arange(n), np.arange(n) % 5 + 1.0)


class Builder:
    """Makes tasks, and remembers of what."""

    def __init__(self) -> None:
        self.made: list[tuple[Ratings, Ratings, LineTask]] = []

    def __call__(self, learn: Ratings, judged: Ratings) -> LineTask:
        """A task whose validation errors are known."""
        self.made.append((learn, judged, LineTask(errors=ERRORS)))
        return self.made[-1][2]


def trained(ratings: Ratings, validation: Ratings | None = None, **run: Any) -> tuple[Builder, LineTask, LineTask, Any]:
    """What was built, the task, the pilot, and the log."""
    build = Builder()
    task, pilot, log = train_in_two_stages(
        build, Training(ratings, validation, options=TrainingOptions(**run)), SCHEDULE, 0.2,
        name="line", measure="error", data="x", threads=1,
    )  # fmt: skip
    return build, task, pilot, log


def epochs(task: LineTask) -> int:
    """How long it was trained."""
    return len(task.batches_seen) // task.steps_per_epoch


def test_a_pilot_finds_out_how_long_and_all_ratings_are_learned_for_as_long() -> None:
    """The pilot keeps a fifth for validation; the task that comes back has seen everything for its best epochs."""
    ratings = ratings_of(100)
    build, task, pilot, log = trained(ratings)
    (part, judged, first), (learned, _, second) = build.made
    assert (len(part), len(judged), len(learned)) == (80, 20, 100)
    assert (epochs(first), epochs(second), log.best_epoch) == (5, 2, 2)
    assert task is second
    assert pilot is first
    assert learned is ratings
    assert second.validated == []


@pytest.mark.parametrize("n", [MIN_RATINGS_TO_SPLIT - 1, 100])
def test_one_training_is_enough_where_validation_is_given_or_too_little_is_there(n: int) -> None:
    """It keeps its best epoch on what it is validated on."""
    ratings, given = ratings_of(n), None if n < MIN_RATINGS_TO_SPLIT else ratings_of(30)
    build, task, pilot, log = trained(ratings, given)
    ((learned, judged, only),) = build.made
    assert pilot is only
    assert learned is ratings
    assert judged is (ratings if given is None else given)
    assert task is only
    assert (epochs(only), log.best_epoch) == (5, 2)


def test_a_net_that_only_gets_worse_is_trained_for_one_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """An untrained net is no model."""
    monkeypatch.setitem(globals(), "ERRORS", [1.0, 2.0, 3.0, 4.0, 5.0, 5.5])
    _, task, _, log = trained(ratings_of(100))
    assert (log.best_epoch, epochs(task)) == (0, 1)


def test_pilot_and_training_have_checkpoints_of_their_own(tmp_path: Any) -> None:
    """A run that goes on from them does nothing twice, and gives the same net."""
    ratings, checkpoint = ratings_of(100), tmp_path / "c"
    _, task, _, _ = trained(ratings, checkpoint=checkpoint)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.all", "c.pilot"]
    again, same, _, log = trained(ratings, checkpoint=checkpoint, resume=True)
    assert [epochs(each) for *_, each in again.made] == [0, 0]
    assert log.best_epoch == 2
    for name, tensor in task.net.state_dict().items():
        np.testing.assert_array_equal(tensor, same.net.state_dict()[name])
