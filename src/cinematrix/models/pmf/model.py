"""Bayesian probabilistic matrix factorization: distributions of biases and factors, by Gibbs sampling."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from cinematrix.common.settings import SearchSpace, check_settings
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import level_spacing
from cinematrix.data.training_data import TrainingData
from cinematrix.models.base import Recommender
from cinematrix.models.components.coverage import check_coverage
from cinematrix.models.components.ordinal import UNIFORM_SHARE
from cinematrix.models.components.pmf_posterior import Posterior
from cinematrix.models.contract_types import Abilities, Ordering, ScoreShares, Training


@dataclass(frozen=True)
class PMFSettings:
    """Hyper-parameters of `pmf`; all others, precisions of all kinds, are sampled with the factors.

    Attributes:
        factors: number of factors of each user and movie, besides the bias.
        history: learn from which movies a user rated at all, and which users rated a movie.
        content: learn from genres, years and tags.
        chains: independent chains, each from a random start; predictions are means over all.
        burn_in: sweeps at the start of each chain that are discarded.
        samples: samples kept of each chain.
        thinning: sweeps from one kept sample to the next.
        seed: random seed of everything.
    """

    SPACE: ClassVar[SearchSpace] = {
        "factors": (6, 10, 16, 24),
        "burn_in": (10, 20, 30),
        "chains": (2, 4, 8),
    }

    factors: int = 10
    history: bool = True
    content: bool = True
    chains: int = 4
    burn_in: int = 10
    samples: int = 8
    thinning: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        check_settings(self, lambda x: x >= 1, "must be at least 1", "factors chains samples thinning")
        check_settings(self, lambda x: x >= 0, "can't be negative", "burn_in")


class PMF(Recommender):
    """Biases and factors of users and movies with normal priors, whose precisions and centers are sampled too.

    Centers follow from features: the movies that a user rated, the users who rated a movie, its genres, year and tags.
    The model stores samples of the movies. Given one of them, a user's vector is the posterior mean from their ratings,
    in closed form, for training users and new users alike. Movies without ratings are placed by their content.
    """

    name: ClassVar[str] = "pmf"
    abilities: ClassVar[Abilities] = Abilities(
        stars=True, vectors=True, explains=True, intervals=True, trains_with="numba"
    )
    Settings = PMFSettings
    settings: PMFSettings

    def learn(self, training: Training) -> None:
        from cinematrix.models.components.pmf_gibbs import SamplingPlan, sample_posterior

        s, threads = self.settings, training.options.threads
        plan = SamplingPlan(s.factors + 1, s.chains, s.burn_in, s.samples, s.thinning, s.seed)
        self.posterior = sample_posterior(
            self.data, training.ratings, plan,
            history=s.history, content=s.content, threads=threads, progress=training.progress,
        )  # fmt: skip

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        return self.posterior.score(histories)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        assert self.data.scale is not None, "PMF is fitted on ratings with stars only"
        return self.data.scale.clip(self.posterior.pairs(histories, rows, movies))

    @property
    def has_intervals(self) -> bool:
        return True

    def distribution_pairs(
        self, histories: Histories, rows: Numbers, movies: Numbers, *, stars: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        assert self.data.scale is not None, "PMF is fitted on ratings with stars only"
        levels, half = self.data.scale.levels(), level_spacing(self.data.scale) / 2
        expected, deviation = self._normal(histories, rows, movies, stars)
        below = ndtr((levels[:-1] + half - expected[:, None]) / deviation[:, None])
        ends = np.zeros((len(rows), 1))
        share = np.diff(np.hstack([ends, below, ends + 1]), axis=1)
        return np.asarray((1 - UNIFORM_SHARE) * share + UNIFORM_SHARE / len(levels), np.float32)

    def interval_pairs(
        self,
        histories: Histories,
        rows: Numbers,
        movies: Numbers,
        coverage: float = 0.8,
        *,
        stars: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        assert self.data.scale is not None, "PMF is fitted on ratings with stars only"
        check_coverage(coverage)
        expected, deviation = self._normal(histories, rows, movies, stars)
        reach = np.float32(ndtri((1 + coverage) / 2)) * deviation
        stars = self.data.scale.clip(expected) if stars is None else stars
        low, high = self.data.scale.clip(expected - reach), self.data.scale.clip(expected + reach)
        return np.minimum(low, stars), np.maximum(high, stars)

    def _normal(
        self, histories: Histories, rows: Numbers, movies: Numbers, stars: NDArray[np.float32] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the mean and the standard deviation of the ratings of pairs; a given prediction is the mean."""
        assert self.data.scale is not None, "PMF is fitted on ratings with stars only"
        expected, deviation = self.posterior.predict_with_deviations(histories, rows, movies)
        if stars is None:
            return expected, deviation
        return np.where(np.isclose(stars, self.data.scale.clip(expected)), expected, stars), deviation

    def shares(self, history: Histories, movies: Numbers, *, by: Ordering = "ranking") -> ScoreShares:
        return self.posterior.shares(history, movies)

    def vectors(self) -> NDArray[np.float32]:
        return self.posterior.movies[:-1, :, 1:].reshape(len(self.data.movies), -1)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return self.posterior.arrays()

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(settings)
        model.data, model.posterior = data, Posterior.from_arrays(arrays)
        return model
