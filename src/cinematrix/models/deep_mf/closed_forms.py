"""Closed forms added to the towers of `deep-mf` after their training, in NumPy.

Each part is fitted with the pilot, the net that hasn't seen the validation ratings. It is then kept for the net that
has learned from all of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.data.features import series_membership, title_words
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
    best_unless_noise,
    split_into_sittings,
    weigh_by_rating,
)
from cinematrix.models.components.pmf_posterior import Posterior
from cinematrix.models.components.quantised_rows import QuantisedRows
from cinematrix.models.deep_mf.blended_stars import PRIOR_PMF_WEIGHT, BlendedStarsHead
from cinematrix.models.deep_mf.heads import RankingHead, StarsHead
from cinematrix.models.deep_mf.residual_gp import (
    AUDIENCE_RANK,
    COMBINED_NOISE,
    COMBINED_SHARPNESS,
    ResidualGP,
    embed_content,
    embed_movies,
    fit_weight,
)
from cinematrix.models.deep_mf.small_samples import hold_out_from_biases
from cinematrix.models.deep_mf.towers import Float32, Towers
from cinematrix.models.deep_mf.uncertainty import HeldOut, PredictedPairs, RatingUncertainty, movie_facts

if TYPE_CHECKING:
    from cinematrix.models.deep_mf.settings import DeepMFSettings

RIDGE_CHOICES = (200.0, 400.0, 800.0)
"""Candidate ridges of low-rank EASE."""

WEIGHT_CHOICES = (0.0, 10.0, 40.0, 160.0)
"""Candidate weights of low-rank EASE; 0 leaves it out."""

DEFAULT_CHOICE = (400.0, 40.0)
"""Ridge and weight of low-rank EASE unless others are significantly better."""

NEARLY_ALL = 0.95
"""Share of the ratings from which on their spectrum stands for that of all."""

MAX_VALIDATION_USERS = 1_000
"""Maximum users whose validation movies decide that choice."""

MAX_VALIDATION_RATINGS = 20_000
"""Maximum validation ratings used to fit the residual process and the uncertainty."""


@dataclass(frozen=True, eq=False)
class TrainedHead:
    """A head's towers with the biases (None for plain interactions) and the standard deviation that they build on."""

    towers: Towers
    biases: Biases | None
    sigma: float


@dataclass
class ClosedForms:
    """Fits the closed forms beside towers: `learn` and `validation` are cut from `ratings`, or `learn` is all of it.

    `sample_pmf` samples a chain of `pmf` given some ratings; None: expected ratings are without `pmf`.
    """

    settings: "DeepMFSettings"
    data: TrainingData
    ratings: Ratings
    learn: Ratings
    validation: Ratings
    content: sparse.csr_matrix | None
    sample_pmf: Callable[[Ratings], Posterior] | None = None
    spectra: dict[int, Spectrum] = field(default_factory=dict)
    pilot_stars: StarsHead | None = None
    pilot_ranking: RankingHead | None = None

    def stars(self, trained: TrainedHead, pilot: TrainedHead) -> tuple[StarsHead, RatingUncertainty]:
        """Return the rating head and the uncertainty of its predictions."""
        head, pilot_head = self._build_stars_head(trained), self._build_stars_head(pilot)
        if self.settings.residual_gp:
            pilot_head = replace(pilot_head, residual_gp=self._residual_gp(pilot_head.towers, self.learn))
            head = replace(
                head,
                residual_gp=self._residual_gp(head.towers, self.ratings),
                new_movie_gp=self._new_movie_gp,
            )
        self.pilot_stars = pilot_head
        if self.validation is self.ratings:
            head = BlendedStarsHead.of(head, self.sample_pmf(self.ratings)) if self.sample_pmf else head
            return head, self._prior_uncertainty(head)
        missing, added = pilot_head.held_out_residuals(*self._test_histories)
        if head.residual_gp and pilot_head.residual_gp:
            fitted = pilot_head.residual_gp.fit_weight(added, missing)
            added = added * np.float32(fitted.weight / pilot_head.residual_gp.weight)
            head = replace(head, residual_gp=replace(head.residual_gp, weight=fitted.weight))
        error = added - missing
        if self.sample_pmf:
            head, error = self._blend(head, error, self.sample_pmf)
        return head, self._fit_uncertainty(head, pilot_head, error)

    def _blend(
        self, head: StarsHead, error: Float32, sample_pmf: Callable[[Ratings], Posterior]
    ) -> tuple[StarsHead, Float32]:
        """Return the head with `pmf` mixed in, and the pilot's errors on the validation ratings with it.

        Args:
            error: the pilot's errors without `pmf`.
        """
        pilot, (given, later) = sample_pmf(self.learn), self._test_histories
        assert later.values is not None, "only for models of ratings"
        added = pilot.pairs(given, later.rows, later.items) - later.values - error
        added[self._raters(self.learn)[later.items] == 0] = 0
        weight = fit_weight(added, -error, PRIOR_PMF_WEIGHT)
        pmf = pilot if self.learn is self.ratings else sample_pmf(self.ratings)
        return BlendedStarsHead.of(head, pmf, weight), error + np.float32(weight) * added

    def ranking(self, trained: TrainedHead, pilot: TrainedHead, stars: StarsHead | None) -> RankingHead:
        """Return the ranking head with low-rank EASE, calibrated to chances.

        Ridge and weight of EASE are those that rank the validation movies best beside the pilot's towers.
        """
        head, pilot_head = RankingHead(trained.towers), RankingHead(pilot.towers)
        given, later = self._validation_histories(MAX_VALIDATION_USERS)
        residual = None if stars is None or given.values is None else stars.residual(given)
        if rank := self.settings.ease_rank:
            spectrum, scores = self._spectrum(self.learn).strongest(rank), pilot_head.score(given, residual)
            weights = None if residual is None else weigh_by_rating(residual)
            decay, weight = choose_ridge_and_weight(scores, spectrum, given, later, weights)
            if weight:
                pilot_head = replace(pilot_head, low_rank_ease=LowRankEase.of(spectrum, decay, weight))
                ease = LowRankEase.of(self._spectrum(self.ratings).strongest(rank), decay, weight)
                head = replace(head, low_rank_ease=ease)
        if stars is not None and self.validation is self.ratings:
            return head
        given, later = select_validation_users(self.learn, self.validation, len(self.data.movies))
        residual = None if stars is None else stars.residual(given)
        fit = Calibration.fitted if stars is None else Calibration.fitted_within_users
        calibration = fit(pilot_head.score(given, residual), given, later)
        self.pilot_ranking = replace(pilot_head, calibration=calibration)
        return replace(head, calibration=calibration)

    def pilot(self) -> tuple[StarsHead, RankingHead, Histories, Histories] | None:
        """Return the pilot's heads, and histories with the validation ratings of the same users; None without them."""
        if self.pilot_stars is None or self.pilot_ranking is None:
            return None
        return self.pilot_stars, self.pilot_ranking, *self._validation_histories(MAX_VALIDATION_USERS)

    def _build_stars_head(self, trained: TrainedHead) -> StarsHead:
        assert trained.biases is not None, "the rating head has biases"
        return StarsHead(trained.biases, trained.sigma, trained.towers, self._unrated)

    @cached_property
    def _unrated(self) -> NDArray[np.bool_]:
        """Mask of the movies without ratings; the last entry is for `UNKNOWN`. bool `[n_movies + 1]`."""
        return np.asarray(self._raters(self.ratings, 1) == 0)

    def _raters(self, ratings: Ratings, more: int = 0) -> NDArray[np.int64]:
        return np.bincount(ratings.movie, minlength=len(self.data.movies) + more).astype(np.int64)

    @property
    def _new_movie_gp(self) -> ResidualGP | None:
        """Gaussian process for movies without ratings; None without content."""
        if self.content is None or not self.content.nnz:
            return None
        return ResidualGP(QuantisedRows.of(embed_content(self.content)))

    def _residual_gp(self, towers: Towers, ratings: Ratings) -> ResidualGP:
        """Return the Gaussian process for rated movies."""
        vectors = towers.movies[:-1, :, :-1].reshape(len(self.data.movies), -1)
        places = embed_movies(vectors, self._spectrum(ratings), self._descriptions, self._raters(ratings))
        return ResidualGP(QuantisedRows.of(places), sharpness=COMBINED_SHARPNESS, noise=COMBINED_NOISE)

    def _spectrum(self, ratings: Ratings) -> Spectrum:
        """Return the spectrum of the histories and sittings of `ratings`, with content and series; cached."""
        if len(self.learn) >= NEARLY_ALL * len(self.ratings):
            ratings = self.learn
        if id(ratings) not in self.spectra:
            rank = max(self.settings.ease_rank, AUDIENCE_RANK)
            spectrum = Spectrum.of(
                ratings.by_user, self._content_and_series, len(self.data.movies), rank, split_into_sittings(ratings)
            )
            self.spectra[id(ratings)] = spectrum
        return self.spectra[id(ratings)]

    @cached_property
    def _descriptions(self) -> list[sparse.csr_matrix]:
        """Features of content, and words of titles if they share any; none without content."""
        matrices = [] if self.content is None else [self.content, title_words(self.data.catalog)]
        return [matrix for matrix in matrices if matrix.nnz]

    @cached_property
    def _content_and_series(self) -> sparse.csr_matrix | None:
        """Features of content and series side by side; None without content."""
        if self.content is None:
            return None
        return sparse.hstack([self.content, SERIES_WEIGHT * series_membership(self.data.catalog)], format="csr")

    def _validation_histories(self, most: int) -> tuple[Histories, Histories]:
        """Return the histories, and the validation ratings, of at most `most` users who have both."""
        users = np.flatnonzero(self.validation.by_user.counts)[:most]
        return self.learn.by_user.take(users), self.validation.by_user.take(users)

    @cached_property
    def _test_histories(self) -> tuple[Histories, Histories]:
        """Histories and validation ratings of users with `MAX_VALIDATION_RATINGS` validation ratings together."""
        counts = self.validation.by_user.counts
        return self._validation_histories(1 + int((counts[counts > 0].cumsum() < MAX_VALIDATION_RATINGS).sum()))

    def _prior_uncertainty(self, head: StarsHead) -> RatingUncertainty:
        """Return the uncertainty before any prediction is compared with a rating."""
        assert self.ratings.scale is not None, "only ratings have an uncertainty"
        residual = head.residual(self.ratings.by_user)
        return RatingUncertainty.before(self.ratings.scale, self.ratings.by_user, residual, len(self.data.movies))

    def _fit_uncertainty(self, head: StarsHead, pilot_head: StarsHead, error: Float32) -> RatingUncertainty:
        """Return the uncertainty fitted to the pilot's errors (`error`) on the validation ratings."""
        prior, (given, later) = self._prior_uncertainty(head), self._test_histories
        assert later.values is not None, "only ratings have an uncertainty"
        histories = self.learn.by_user
        pilot_facts = movie_facts(histories, pilot_head.residual(histories), len(self.data.movies))
        stars = prior.scale.clip(later.values + error)
        pairs = PredictedPairs(given, pilot_head.residual(given), later.rows, later.items, stars)
        return prior.fitted(HeldOut(pairs, later.values, pilot_facts), *hold_out_from_biases(self.ratings, len(stars)))


def choose_ridge_and_weight(
    scores: NDArray[np.float32],
    spectrum: Spectrum,
    given: Histories,
    later: Histories,
    weights: NDArray[np.float32] | None,
) -> tuple[float, float]:
    """Return the ridge and the weight of low-rank EASE that rank `later` best (NDCG@10) when added to `scores`.

    They are `DEFAULT_CHOICE` unless others are significantly better (`best_unless_noise`).
    """
    quality = {}
    for decay in RIDGE_CHOICES:
        model = LowRankEase.of(spectrum, decay)
        ease_scores = model.score(model.gather(given, weights))
        for weight in WEIGHT_CHOICES:
            quality[decay, weight] = ndcg(top_n(scores + weight * ease_scores, 10, given).movies, later)
    return best_unless_noise(quality, DEFAULT_CHOICE)
