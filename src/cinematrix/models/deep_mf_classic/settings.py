"""Hyper-parameters of `deep-mf-classic`."""

from dataclasses import dataclass
from typing import ClassVar

from cinematrix.common.settings import SearchRange, SearchSpace
from cinematrix.errors import SettingError


@dataclass(frozen=True)
class DeepMFClassicSettings:
    """Hyper-parameters of `deep-mf-classic`, with the textbook's values.

    Attributes:
        factors: width of the embeddings.
        hidden: widths of the dense layers after the dot product.
        batch: ratings in a step.
        epochs: maximum passes over the ratings.
        patience: epochs without a better validation RMSE before training stops.
        learning_rate: Adam's learning rate.
        validation_share: share of the training ratings held out for early stopping.
        seed: random seed of the initial weights, the order and the validation ratings.
    """

    SPACE: ClassVar[SearchSpace] = {
        "factors": (4, 8, 16, 32, 64),
        "batch": (64, 128, 256, 512, 1024),
        "learning_rate": SearchRange(3e-4, 1e-2, log=True),
    }

    factors: int = 16
    hidden: tuple[int, int] = (64, 32)
    batch: int = 128
    epochs: int = 20
    patience: int = 3
    learning_rate: float = 0.001
    validation_share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", tuple(self.hidden))
        if min(self.factors, self.batch, self.epochs, *self.hidden) < 1:
            raise SettingError("factors, batch, epochs and hidden are counts; each must be at least 1")
