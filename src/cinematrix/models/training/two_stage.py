"""How long to train, found by a pilot on a part of the ratings; then all of them for as long. Needs torch."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from cinematrix.data.ratings import Ratings, fingerprint
from cinematrix.data.splits import random
from cinematrix.models.base import Training, TrainingLog
from cinematrix.models.training.loop import Schedule, TrainingTask, seeded_torch, train

AnyTask = TypeVar("AnyTask", bound=TrainingTask)

MIN_RATINGS_TO_SPLIT = 20
"""With fewer ratings than this none is put aside for validation."""


def train_in_two_stages(
    build: Callable[[Ratings, Ratings], AnyTask],
    training: Training,
    schedule: Schedule,
    share: float,
    *,
    name: str,
    measure: str,
    data: str,
    threads: int,
) -> tuple[AnyTask, AnyTask, TrainingLog]:
    """A task whose net is trained on all ratings, and the task that was validated (the pilot) with its log.

    Where validation ratings are given, or there are too few ratings to cut some off, one training keeps the epoch that
    is best on them; it is both tasks.

    Args:
        build: makes a task of ratings to learn from and ratings to validate on; the schedule's seed is set around it.
        share: of the ratings, which the pilot is validated on.
        name: of the model, for the progress bar.
        measure: what the task's `validate` returns.
        data: what must be the same, beside the ratings, for a checkpoint to fit.
        threads: that torch computes with, unless the training's options say.
    """

    ratings, validation, options = training.ratings, training.validation, training.options

    def trained(
        learn: Ratings, judged: Ratings, schedule: Schedule, what: str, part: str
    ) -> tuple[AnyTask, TrainingLog]:
        path = options.checkpoint and options.checkpoint.with_name(f"{options.checkpoint.name}.{part}")
        with seeded_torch(schedule.seed, options.threads or threads):
            task = build(learn, judged)
            log = train(
                task, schedule, run=replace(options, checkpoint=path), what=what, measure=measure,
                data=f"{data} {fingerprint(ratings)}", progress=training.progress,
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
