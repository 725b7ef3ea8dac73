"""How long to train, found by a pilot on a part of the ratings; then all of them for as long. Needs torch."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from cinematrix.common.progress import Progress
from cinematrix.data.ratings import Ratings, fingerprint
from cinematrix.data.splits import random
from cinematrix.models.base import TrainingOptions
from cinematrix.models.training.loop import Schedule, TrainingLog, TrainingTask, seeded_torch, train

AnyTask = TypeVar("AnyTask", bound=TrainingTask)

MIN_RATINGS_TO_SPLIT = 20
"""With fewer ratings than this none is put aside for validation."""


def train_in_two_stages(
    build: Callable[[Ratings, Ratings], AnyTask],
    ratings: Ratings,
    validation: Ratings | None,
    schedule: Schedule,
    share: float,
    *,
    name: str,
    measure: str,
    data: str,
    threads: int,
    run: TrainingOptions,
    progress: Progress | None,
) -> tuple[AnyTask, AnyTask, TrainingLog]:
    """A task whose net is trained on all of `ratings`, and the task that was validated (the pilot) with its log.

    Where validation ratings are given, or there are too few ratings to cut some off, one training keeps the epoch that
    is best on them; it is both tasks.

    Args:
        build: makes a task of ratings to learn from and ratings to validate on; the schedule's seed is set around it.
        share: of the ratings, which the pilot is validated on.
        name: of the model, for the progress bar.
        measure: what the task's `validate` returns.
        data: what must be the same, beside the ratings, for a checkpoint to fit.
        threads: that torch computes with, unless `run` says.
    """

    def trained(
        learn: Ratings, judged: Ratings, schedule: Schedule, what: str, part: str
    ) -> tuple[AnyTask, TrainingLog]:
        path = run.checkpoint and run.checkpoint.with_name(f"{run.checkpoint.name}.{part}")
        with seeded_torch(schedule.seed, run.threads or threads):
            task = build(learn, judged)
            log = train(
                task, schedule, run=replace(run, checkpoint=path), what=what, measure=measure,
                data=f"{data} {fingerprint(ratings)}", progress=progress,
            )  # fmt: skip
        return task, log

    if validation is not None or len(ratings) < MIN_RATINGS_TO_SPLIT:
        task, log = trained(ratings, ratings if validation is None else validation, schedule, name, "all")
        return task, task, log
    cut = random(ratings, share, schedule.seed)
    pilot, log = trained(cut.train, cut.test, schedule, f"{name}, how long", "pilot")
    as_long = replace(schedule, epochs=max(log.best_epoch, 1), keep_best=False)
    task, _ = trained(ratings, cut.test, as_long, name, "all")
    return task, pilot, log
