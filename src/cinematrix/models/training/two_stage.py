"""Two-stage training: a pilot on a part of the ratings finds the number of epochs, then a net learns from all of them.

Needs torch.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from cinematrix.data.ratings import Ratings, fingerprint
from cinematrix.data.splits import random
from cinematrix.models.contract_types import Training, TrainingLog
from cinematrix.models.training.loop import Schedule, TrainingTask, seeded_torch, train

AnyTask = TypeVar("AnyTask", bound=TrainingTask)

MIN_RATINGS_TO_SPLIT = 20
"""Minimum ratings from which some are held out for validation."""


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
    """Train on all ratings; return that task, the validated task (the pilot), and the pilot's log.

    Where validation ratings are given, or there are too few ratings to hold some out, one training keeps its epoch with
    the best validation error, and its task is returned as both.

    Args:
        build: builds a task from training and validation ratings; torch is seeded with the schedule's seed around it.
        share: share of the ratings that the pilot is validated on.
        name: name of the model, for the progress bar.
        measure: name of the value of the task's `validate`.
        data: identity of the training besides the ratings; a checkpoint with another one is refused.
        threads: threads of torch, unless the training's options set them.
    """
    ratings, validation, options = training.ratings, training.validation, training.options

    def train_once(
        learn: Ratings, held_out: Ratings, schedule: Schedule, what: str, part: str
    ) -> tuple[AnyTask, TrainingLog]:
        path = options.checkpoint and options.checkpoint.with_name(f"{options.checkpoint.name}.{part}")
        with seeded_torch(schedule.seed, options.threads or threads):
            task = build(learn, held_out)
            log = train(
                task, schedule, run=replace(options, checkpoint=path), what=what, measure=measure,
                data=f"{data} {fingerprint(ratings)}", progress=training.progress,
            )  # fmt: skip
        return task, log

    if validation is not None or len(ratings) < MIN_RATINGS_TO_SPLIT:
        task, log = train_once(ratings, ratings if validation is None else validation, schedule, name, "all")
        return task, task, log
    cut = random(ratings, share, schedule.seed)
    pilot, log = train_once(cut.train, cut.test, schedule, f"{name} pilot", "pilot")
    fixed = replace(schedule, epochs=max(log.best_epoch, 1), keep_best=False)
    task, _ = train_once(ratings, cut.test, fixed, name, "all")
    return task, pilot, log
