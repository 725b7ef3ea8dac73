"""Hyper-parameters of `autorec`."""

from dataclasses import dataclass
from typing import ClassVar

from cinematrix.common.settings import SearchRange, SearchSpace, check_settings
from cinematrix.errors import SettingError

SIDES = ("item", "user")


@dataclass(frozen=True)
class AutoRecSettings:
    """Hyper-parameters of `autorec`. Their search is described in docs/experiments.md.

    Attributes:
        side: rows to encode: item (a movie's ratings by all users) or user (a user's ratings of all movies).
        hidden: width of the hidden layer.
        dropout: share of a row's ratings that are hidden from the encoder in a step.
        batch: rows in a step.
        epochs: maximum passes over the rows.
        patience: epochs without a better validation RMSE before training stops; 0: never stop early.
        learning_rate: peak of the one-cycle schedule.
        weight_decay: AdamW's weight decay.
        validation_share: share of the ratings held out to find the number of epochs.
        seed: random seed of everything.
    """

    SPACE: ClassVar[SearchSpace] = {
        "hidden": (100, 200, 400),
        "dropout": SearchRange(0.2, 0.8),
        "learning_rate": SearchRange(5e-4, 5e-3, log=True),
        "weight_decay": SearchRange(0.01, 1.0, log=True),
    }

    side: str = "item"
    hidden: int = 200
    dropout: float = 0.5
    batch: int = 100
    epochs: int = 20
    patience: int = 0
    learning_rate: float = 0.002
    weight_decay: float = 0.1
    validation_share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.side not in SIDES:
            raise SettingError(f"side is {self.side!r}; it is item or user")
        check_settings(self, lambda x: x >= 1, "must be at least 1", "hidden batch epochs")
        check_settings(self, lambda x: x >= 0, "can't be negative", "patience weight_decay")
        check_settings(self, lambda x: 0 <= x < 1, "is a share from 0 to below 1", "dropout")
        check_settings(self, lambda x: 0 < x < 1, "is a share between 0 and 1", "validation_share")
        check_settings(self, lambda x: x > 0, "must be above 0", "learning_rate")
