"""SVD: biased matrix factorization by stochastic gradient descent, the standard model of the Netflix prize."""

from dataclasses import dataclass
from typing import ClassVar

from cinematrix.common.progress import Progress
from cinematrix.common.settings import SearchRange, SearchSpace
from cinematrix.data.ratings import Ratings
from cinematrix.models.components.biases import Biases
from cinematrix.models.components.factors import Factorization, Factors, FactorSettings, require_positive
from cinematrix.models.contract_types import Abilities


@dataclass(frozen=True)
class SVDSettings(FactorSettings):
    """Hyper-parameters of `svd`.

    Attributes:
        factors: number of factors of each user and movie.
        shrinkage: ridge penalty that pulls a user's or a movie's factors to 0, in ratings.
        regularization: additional penalty for each rating.
        epochs: passes over the ratings.
        learning_rate: learning rate of the first epoch, for residuals of standard deviation 1; it falls to a tenth.
        seed: random seed of the initial factors and of the order of the ratings.
    """

    SPACE: ClassVar[SearchSpace] = {
        "factors": (16, 32, 64, 128),
        "shrinkage": SearchRange(1.0, 20.0, log=True),
        "regularization": SearchRange(0.01, 0.3, log=True),
        "learning_rate": SearchRange(0.01, 0.06, log=True),
    }

    epochs: int = 30
    learning_rate: float = 0.03

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "epochs", "learning_rate")


class SVD(Factorization):
    """rating ≈ μ + b_u + b_i + p_u · q_i (Koren, Bell & Volinsky 2009, equation 4).

    SGD learns the movies' factors and biases. Users are folded in, in closed form, inside and outside the training
    data: the exact solution for the movies' factors predicts no worse than the users' factors from SGD.
    """

    name: ClassVar[str] = "svd"
    abilities: ClassVar[Abilities] = Abilities(stars=True, vectors=True, explains=True, trains_with="numba")
    Settings = SVDSettings
    settings: SVDSettings

    def fit_factors(self, ratings: Ratings, biases: Biases, start: Factors, progress: Progress) -> Factors:
        from cinematrix.models.components.sgd import SGDTrainer

        s = self.settings
        trainer = SGDTrainer(s.factors, s.epochs, s.learning_rate, s.seed)
        return trainer.learn(ratings, biases, start, progress, self.name)
