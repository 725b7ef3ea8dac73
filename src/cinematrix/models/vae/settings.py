"""Hyper-parameters of `vae`."""

from dataclasses import dataclass
from typing import ClassVar

from cinematrix.common.settings import SearchRange, SearchSpace, check_settings


@dataclass(frozen=True)
class VAESettings:
    """Hyper-parameters of `vae`. Their search is described in docs/experiments.md.

    Attributes:
        factors: width of the code of a history.
        hidden: width of the hidden layers of encoder and decoder; 0: none.
        dropout: share of a history's entries that are hidden from the encoder in a step.
        beta: weight of the codes' divergence from the prior.
        anneal_share: share of all steps in which that weight rises from 0 to `beta`.
        batch: users in a step.
        epochs: maximum passes over the users.
        patience: epochs without a better validation loss before training stops; 0: never stop early.
        learning_rate: peak of the one-cycle schedule.
        weight_decay: AdamW's weight decay.
        validation_share: share of the interactions held out to find the number of epochs.
        seed: random seed of everything.
    """

    SPACE: ClassVar[SearchSpace] = {
        "factors": (100, 200, 400),
        "dropout": SearchRange(0.3, 0.8),
        "beta": SearchRange(0.05, 1.0, log=True),
        "learning_rate": SearchRange(5e-4, 5e-3, log=True),
    }

    factors: int = 200
    hidden: int = 0
    dropout: float = 0.7
    beta: float = 0.2
    anneal_share: float = 0.5
    batch: int = 25
    epochs: int = 20
    patience: int = 0
    learning_rate: float = 0.002
    weight_decay: float = 0.0
    validation_share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        check_settings(self, lambda x: x >= 1, "must be at least 1", "factors batch epochs")
        check_settings(self, lambda x: x >= 0, "can't be negative", "hidden beta patience weight_decay")
        check_settings(self, lambda x: 0 <= x < 1, "is a share from 0 to below 1", "dropout")
        check_settings(self, lambda x: 0 <= x <= 1, "is a share from 0 to 1", "anneal_share")
        check_settings(self, lambda x: 0 < x < 1, "is a share between 0 and 1", "validation_share")
        check_settings(self, lambda x: x > 0, "must be above 0", "learning_rate")
