"""Hyper-parameters of `neumf`."""

from dataclasses import dataclass
from typing import ClassVar

from cinematrix.common.settings import SearchRange, SearchSpace, check_settings


@dataclass(frozen=True)
class NeuMFSettings:
    """Hyper-parameters of `neumf`. Their search is described in docs/experiments.md.

    Attributes:
        factors: width of each of the two embeddings of a user and of a movie.
        negatives: unwatched movies drawn for each watched one.
        popularity_exponent: exponent of a movie's views in the probability of drawing it; 0: uniform.
        batch: watched movies in a step.
        epochs: maximum passes over the interactions.
        patience: epochs without a better validation loss before training stops; 0: never stop early.
        learning_rate: peak of the one-cycle schedule.
        weight_decay: AdamW's weight decay.
        validation_share: share of the interactions held out to find the number of epochs.
        seed: random seed of everything.
    """

    SPACE: ClassVar[SearchSpace] = {
        "factors": (8, 16, 32, 64),
        "negatives": (2, 4, 8),
        "popularity_exponent": SearchRange(0.0, 1.0),
        "learning_rate": SearchRange(5e-4, 1e-2, log=True),
        "weight_decay": SearchRange(0.01, 5.0, log=True),
    }

    factors: int = 32
    negatives: int = 4
    popularity_exponent: float = 0.75
    batch: int = 512
    epochs: int = 15
    patience: int = 0
    learning_rate: float = 0.005
    weight_decay: float = 3.0
    validation_share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        check_settings(self, lambda x: x >= 2, "must be at least 2", "factors")
        check_settings(self, lambda x: x >= 1, "must be at least 1", "negatives batch epochs")
        check_settings(self, lambda x: 0 <= x <= 1, "is a power from 0 to 1", "popularity_exponent")
        check_settings(self, lambda x: x >= 0, "can't be negative", "patience weight_decay")
        check_settings(self, lambda x: 0 < x < 1, "is a share between 0 and 1", "validation_share")
        check_settings(self, lambda x: x > 0, "must be above 0", "learning_rate")
