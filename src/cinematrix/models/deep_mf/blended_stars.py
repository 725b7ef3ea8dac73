"""The rating head of `deep-mf` with a chain of `pmf` beside it, in NumPy.

Where ratings are few, the towers' tables learn little of which movies are watched together, and neither of two models
is right: the mean of both has a smaller error than the better one. They share no errors, since the one is a net that
stops early and the other a mean over samples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.models.components.pmf_posterior import Posterior
from cinematrix.models.components.shares import mix_shares
from cinematrix.models.contract_types import ScoreShares
from cinematrix.models.deep_mf.heads import StarsHead
from cinematrix.models.deep_mf.towers import Float32

PRIOR_PMF_WEIGHT = 0.4
"""Prior mean of the weight of `pmf`."""


@dataclass(frozen=True, eq=False, kw_only=True)
class BlendedStarsHead(StarsHead):
    """Expected ratings: the weighted mean of those of a `StarsHead` and of `pmf`.

    Movies without ratings are without `pmf`, which takes them for obscure ones, as training meets them. Estimates for
    ordering (`score_without_gp`, and those of `score_best`) and the residuals are without it too.

    Attributes:
        pmf: the posterior of the factorization.
        weight: its weight in the mean.
    """

    pmf: Posterior
    weight: float

    @classmethod
    def of(cls, head: StarsHead, pmf: Posterior, weight: float = PRIOR_PMF_WEIGHT) -> Self:
        """Return the mean of `head` and `pmf`."""
        own = {each.name: getattr(head, each.name) for each in fields(StarsHead) if each.init}
        return cls(**own, pmf=pmf, weight=weight)

    def score(self, histories: Histories) -> Float32:
        stars = super().score(histories)
        if histories.values is None:
            return stars
        return self._mix(stars, self.pmf.score(histories), self._weight(slice(-1)))

    def refine(self, histories: Histories, rows: Numbers, movies: Numbers, rough: Float32) -> Float32:
        stars = super().refine(histories, rows, movies, rough)
        if histories.values is None:
            return stars
        return self._mix(stars, self.pmf.pairs(histories, rows, movies), self._weight(movies))

    def _weight(self, movies: Numbers | slice) -> Float32:
        """Return the weight of `pmf` in the expected ratings of `movies`. `[n]`."""
        return np.where(self.new[movies], np.float32(0), np.float32(self.weight))

    def _mix(self, stars: Float32, sampled: Float32, weight: Float32) -> Float32:
        stars += weight * (sampled - stars)
        return stars

    def shares(self, history: Histories, movies: Numbers) -> ScoreShares:
        own, weight = super().shares(history, movies), self._weight(movies)
        if history.values is None:
            return own
        return mix_shares([own, self.pmf.shares(history, movies)], np.stack([1 - weight, weight]))

    def rating_shares(self, histories: Histories, movies: Sequence[Numbers]) -> list[Float32]:
        own = super().rating_shares(histories, movies)
        if histories.values is None:
            return own
        sampled = [self.pmf.shares(*each).ratings for each in zip(histories.split(), movies, strict=True)]
        weights = [self._weight(each)[:, None] for each in movies]
        return [self._mix(*each) for each in zip(own, sampled, weights, strict=True)]

    def arrays(self) -> dict[str, NDArray[Any]]:
        sampled = {f"pmf.{name}": array for name, array in self.pmf.arrays().items()}
        return super().arrays() | sampled | {"pmf.weight": np.array([self.weight])}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> StarsHead | None:
        """Return the rating head from the output of `arrays`, blended if it was; None if there is none."""
        head = StarsHead.from_arrays(arrays)
        if head is None or "pmf.weight" not in arrays:
            return head
        own = {name.removeprefix("pmf."): array for name, array in arrays.items() if name.startswith("pmf.")}
        weight = own.pop("weight").item()
        return cls.of(head, Posterior.from_arrays(own), weight)
