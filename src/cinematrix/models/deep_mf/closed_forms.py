"""What stands beside the towers of `deep-mf` in closed form, learned once they are trained: NumPy alone.

Each part is learned from the pilot, the net that hasn't seen the validation ratings, and then kept for the net that
has learned from all of them.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.data.features import series_membership
from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.data.training_data import TrainingData
from cinematrix.metrics.accuracy import ndcg
from cinematrix.metrics.top_n import top_n
from cinematrix.models.components.biases import Biases
from cinematrix.models.components.calibration import Calibration, select_validation_users
from cinematrix.models.components.ease_low_rank import (
    SERIES_WEIGHT,
    LowRankEase,
    Spectrum,
    split_into_sittings,
    weigh_by_rating,
)
from cinematrix.models.deep_mf.heads import RankingHead, StarsHead
from cinematrix.models.deep_mf.residual_gp import AUDIENCE_RANK, ResidualGP, embed_content, embed_movies
from cinematrix.models.deep_mf.towers import Float32, Towers
from cinematrix.models.deep_mf.uncertainty import PredictedPairs, RatingUncertainty, movie_facts

if TYPE_CHECKING:
    from cinematrix.models.deep_mf.settings import DeepMFSettings

RIDGE_CHOICES = (200.0, 400.0, 800.0)
WEIGHT_CHOICES = (0.0, 10.0, 40.0, 160.0)
DEFAULT_CHOICE = (400.0, 40.0)
"""Ridges and weights of the item-item model to choose from, and those that stay unless others are clearly better."""

MAX_VALIDATION_USERS = 1_000
"""Users whose validation movies that choice is made by."""

MAX_VALIDATION_RATINGS = 20_000
"""Validation ratings that say enough of how predictions fail."""


@dataclass(frozen=True, eq=False)
class TrainedHead:
    """A head's towers with the biases (None for plain interactions) and the deviation that they stand on."""

    towers: Towers
    biases: Biases | None
    sigma: float


@dataclass
class ClosedForms:
    """Puts the closed forms beside towers: `learn` and `validation` are cut from `ratings`, or `learn` is all of it."""

    settings: "DeepMFSettings"
    data: TrainingData
    ratings: Ratings
    learn: Ratings
    validation: Ratings
    content: sparse.csr_matrix | None
    spectra: dict[int, Spectrum] = field(default_factory=dict)

    def stars(self, trained: TrainedHead, pilot: TrainedHead) -> tuple[StarsHead, RatingUncertainty]:
        """The rating head and how ratings scatter around its predictions."""
        head, judged = self._plain(trained), self._plain(pilot)
        if self.settings.residual_gp:
            judged = replace(judged, residual_gp=ResidualGP(self._places(judged.towers, self.learn)))
            head = replace(
                head, residual_gp=ResidualGP(self._places(head.towers, self.ratings)), new_movie_gp=self._newcomers
            )
        if self.validation is self.ratings:
            return head, self._prior_uncertainty(head)
        missing, added = judged.held_out_residuals(*self._tested)
        if head.residual_gp and judged.residual_gp:
            fitted = judged.residual_gp.fit_weight(added, missing)
            added = added * np.float32(fitted.weight / judged.residual_gp.weight)
            head = replace(head, residual_gp=replace(head.residual_gp, weight=fitted.weight))
        return head, self._fit_uncertainty(head, judged, added - missing)

    def ranking(self, trained: TrainedHead, pilot: TrainedHead, stars: StarsHead | None) -> RankingHead:
        """The ranking head with the item-item model beside it, and the chance that scores stand for.

        Its ridge and its weight are those that rank the validation movies best beside the pilot's towers.
        """
        head, judged = RankingHead(trained.towers), RankingHead(pilot.towers)
        given, later = self._judges(MAX_VALIDATION_USERS)
        residual = None if stars is None or given.values is None else stars.residual(given)[1]
        rank = self.settings.ease_rank
        if rank:
            spectrum, scores = self._spectrum(self.learn).largest(rank), judged.score(given, residual)
            weighed = None if residual is None else weigh_by_rating(residual)
            decay, weight = choose_ridge_and_weight(scores, spectrum, given, later, weighed)
            if weight:
                judged = replace(judged, low_rank_ease=LowRankEase.of(spectrum, decay, weight))
                both = LowRankEase.of(self._spectrum(self.ratings).largest(rank), decay, weight)
                head = replace(head, low_rank_ease=both)
        if stars is not None:
            return head
        given, later = select_validation_users(self.learn, self.validation, len(self.data.movies))
        return replace(head, calibration=Calibration.fitted(judged.score(given, None), given, later))

    def _plain(self, trained: TrainedHead) -> StarsHead:
        assert trained.biases is not None, "the rating head has biases"
        return StarsHead(trained.biases, trained.sigma, trained.towers, self._new)

    @cached_property
    def _new(self) -> NDArray[np.bool_]:
        """Which movies nobody has rated; the last place stands for `UNKNOWN`. `[n_movies + 1]`."""
        return np.asarray(self._raters(self.ratings, 1) == 0)

    def _raters(self, ratings: Ratings, more: int = 0) -> NDArray[np.int64]:
        return np.bincount(ratings.movie, minlength=len(self.data.movies) + more).astype(np.int64)

    @property
    def _newcomers(self) -> ResidualGP | None:
        """The process for movies that nobody has rated, where there is content."""
        return None if self.content is None or not self.content.nnz else ResidualGP(embed_content(self.content))

    def _places(self, towers: Towers, ratings: Ratings) -> Float32:
        vectors = towers.movies[:-1, :, :-1].reshape(len(self.data.movies), -1)
        return embed_movies(vectors, self._spectrum(ratings), self.content, self._raters(ratings))

    def _spectrum(self, ratings: Ratings) -> Spectrum:
        """Of the histories and sittings of `ratings`, with content and series; computed once for both heads."""
        if id(ratings) not in self.spectra:
            rank = max(self.settings.ease_rank, AUDIENCE_RANK)
            made = Spectrum.of(ratings.by_user, self._facts, len(self.data.movies), rank, split_into_sittings(ratings))
            self.spectra[id(ratings)] = made
        return self.spectra[id(ratings)]

    @cached_property
    def _facts(self) -> sparse.csr_matrix | None:
        """Content and series side by side; None without content."""
        if self.content is None:
            return None
        return sparse.hstack([self.content, SERIES_WEIGHT * series_membership(self.data.catalog)], format="csr")

    def _judges(self, most: int) -> tuple[Histories, Histories]:
        """The histories, and the validation ratings, of at most so many users who have both."""
        users = np.flatnonzero(self.validation.by_user.counts)[:most]
        return self.learn.by_user.take(users), self.validation.by_user.take(users)

    @cached_property
    def _tested(self) -> tuple[Histories, Histories]:
        """The same of as many users as have `MAX_VALIDATION_RATINGS` validation ratings together."""
        counts = self.validation.by_user.counts
        return self._judges(1 + int((counts[counts > 0].cumsum() < MAX_VALIDATION_RATINGS).sum()))

    def _prior_uncertainty(self, head: StarsHead) -> RatingUncertainty:
        """How ratings scatter as far as is known before any prediction was compared with a rating."""
        assert self.ratings.scale is not None, "only ratings have a spread"
        residual = head.residual(self.ratings.by_user)[1]
        return RatingUncertainty.before(self.ratings.scale, self.ratings.by_user, residual, len(self.data.movies))

    def _fit_uncertainty(self, head: StarsHead, judged: StarsHead, error: Float32) -> RatingUncertainty:
        """The same from the pilot, which hasn't seen the validation ratings: how far off (`error`) it foresaw them."""
        before, (given, later) = self._prior_uncertainty(head), self._tested
        assert later.values is not None, "only ratings have a spread"
        everybody = self.learn.by_user
        then = movie_facts(everybody, judged.residual(everybody)[1], len(self.data.movies))
        stars = before.scale.clip(later.values + error)
        seen = PredictedPairs(given, judged.residual(given)[1], later.rows, later.items, stars)
        return replace(before, movies=then).fitted(seen, later.values, before.movies)


def choose_ridge_and_weight(
    scores: NDArray[np.float32],
    spectrum: Spectrum,
    given: Histories,
    later: Histories,
    weighed: NDArray[np.float32] | None,
) -> tuple[float, float]:
    """The ridge and the weight of the item-item model with which it ranks `later` best (NDCG@10) beside `scores`.

    They are the usual ones unless others are better by two standard errors of the users' gains: the best of many on
    few users is mostly luck.
    """
    quality = {}
    for decay in RIDGE_CHOICES:
        model = LowRankEase.of(spectrum, decay)
        beside = model.score(model.gather(given, weighed))
        for weight in WEIGHT_CHOICES:
            quality[decay, weight] = ndcg(top_n(scores + weight * beside, 10, given).movies, later)
    best = max(quality, key=lambda option: float(np.nanmean(quality[option])))
    gains = quality[best] - quality[DEFAULT_CHOICE]
    return best if gains.mean() > 2 * gains.std() / len(gains) ** 0.5 else DEFAULT_CHOICE
