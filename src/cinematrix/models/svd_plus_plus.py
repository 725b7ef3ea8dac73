"""SVD++: biased matrix factorization that also learns taste from which movies a user rated at all."""

from dataclasses import dataclass
from typing import ClassVar

from cinematrix.common.progress import Progress
from cinematrix.common.settings import SearchRange, SearchSpace
from cinematrix.data.ratings import Ratings
from cinematrix.models.components.biases import Biases
from cinematrix.models.components.factors import Factorization, Factors, FactorSettings, Penalty, require_positive
from cinematrix.models.contract_types import Abilities


@dataclass(frozen=True)
class SVDPlusPlusSettings(FactorSettings):
    """Hyper-parameters of `svd++`.

    Attributes:
        factors: number of factors of each user and movie.
        shrinkage: ridge penalty that pulls a user's or a movie's factors to 0, in ratings.
        regularization: additional penalty for each rating.
        epochs: passes over the ratings.
        learning_rate: learning rate of the first epoch, for residuals of standard deviation 1; it falls to a tenth.
        sign_shrinkage: shrinkage of the implicit factors y, those of having rated a movie at all.
        seed: random seed of the initial factors and of the order of the ratings.
    """

    SPACE: ClassVar[SearchSpace] = {
        "factors": (16, 32, 64, 128),
        "shrinkage": SearchRange(1.0, 20.0, log=True),
        "regularization": SearchRange(0.01, 0.3, log=True),
        "learning_rate": SearchRange(0.01, 0.06, log=True),
        "sign_shrinkage": SearchRange(10.0, 300.0, log=True),
    }

    epochs: int = 30
    learning_rate: float = 0.03
    sign_shrinkage: float = 60.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive(self, "epochs", "learning_rate", "sign_shrinkage")


class SVDPlusPlus(Factorization):
    """rating ≈ μ + b_u + b_i + (p_u + |N(u)|^(−1/2) Σ_{j ∈ N(u)} y_j) · q_i (Koren 2008, equation 15).

    SGD learns q, y and the movies' biases. Users are folded in, with Σ y_j as the prior mean of their factors.
    """

    name: ClassVar[str] = "svd++"
    abilities: ClassVar[Abilities] = Abilities(stars=True, vectors=True, explains=True, trains_with="numba")
    Settings = SVDPlusPlusSettings
    settings: SVDPlusPlusSettings

    def fit_factors(self, ratings: Ratings, biases: Biases, start: Factors, progress: Progress) -> Factors:
        from cinematrix.models.components.sgd import SGDTrainer

        s = self.settings
        trainer = SGDTrainer(s.factors, s.epochs, s.learning_rate, s.seed, Penalty(s.sign_shrinkage, s.regularization))
        return trainer.learn(ratings, biases, start, progress, self.name)
