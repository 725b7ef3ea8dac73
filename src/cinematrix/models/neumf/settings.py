"""TODO models.neumf.settings."""

from dataclasses import dataclass
from typing import ClassVar

from cinematrix.common.settings import SearchRange, SearchSpace, check_settings


@dataclass(frozen=True)
class NeuMFSettings:
    """Hyper-parameters of `neumf`. How they were found is in docs/experiments.md.

    Attributes:
        factors: width of each of the two embeddings of a user and of a movie.
        negatives: movies drawn at random that stand against each watched one.
        popularity_exponent: the power of how often a movie was watched that these are drawn by; 0: all alike.
        batch: watched movies in a step.
        epochs: the most passes.
        patience: epochs without a better validation loss before training stops; 0: never before the end.
        learning_rate: the peak of the one-cycle schedule.
        weight_decay: AdamW's.
        validation_share: of the interactions, to find out how many epochs are enough.
        seed: of everything random.
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
