"""Trials of a hyper-parameter search: settings, validated on splits of the training ratings."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from cinematrix.common.progress import Progress
from cinematrix.data import splits
from cinematrix.data.bundle import read_bundle, write_bundle
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import Split
from cinematrix.evaluation.evaluate import evaluate
from cinematrix.models.base import Recommender

ROUNDS = 3
"""Number of splits that a trial is measured on."""

TUNING_SPLITS: dict[str, Callable[[Ratings, int], Split]] = {
    "random": lambda ratings, round_: splits.random(ratings, seed=1_000 + round_),
    "per-user": lambda ratings, round_: splits.per_user(ratings, seed=1_000 + round_),
    "time": lambda ratings, round_: splits.global_time(ratings, 0.1 * (1 + round_)),
    "half": lambda ratings, round_: splits.half(ratings, 0.1 * (1 + round_)),
    "new-users": lambda ratings, round_: splits.new_users(ratings, seed=1_000 + round_),
    "new-movies": lambda ratings, round_: splits.new_movies(ratings, seed=1_000 + round_),
}
"""Validation splits by name: functions of (ratings, round 0…ROUNDS − 1)."""


@dataclass(frozen=True)
class TuningData:
    """Input of all trials: the training ratings and the catalog."""

    ratings: Ratings
    catalog: Catalog | None

    def write(self, folder: Path) -> None:
        """Write the input to a folder, for other processes."""
        write_bundle(folder / "data", self.ratings, self.catalog)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what `write` wrote."""
        return cls(*read_bundle(folder / "data"))


class TrialRound(NamedTuple):
    """A trial's settings, to be validated on one of its splits."""

    trial: int
    kind: type[Recommender]
    settings: Any
    cut: str
    round: int
    measure: str

    def __str__(self) -> str:
        return f"trial {self.trial + 1}, split {self.round + 1} of {ROUNDS}"


def validate(data: TuningData, job: TrialRound, progress: Progress) -> float:
    """Train a model on the part of a split, and return its measure on the rest."""
    split = TUNING_SPLITS[job.cut](data.ratings, job.round)
    model = job.kind(job.settings)
    model.fit(split.train, data.catalog)
    return evaluate(model, split.test, by="ranking", given=split.given)[job.measure]
