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

from cinematrix.data.features import series
from cinematrix.data.histories import Histories
from cinematrix.data.known import Known
from cinematrix.data.ratings import Ratings
from cinematrix.metrics.accuracy import ndcg
from cinematrix.metrics.top_n import top_n
from cinematrix.models.components.biases import Biases
from cinematrix.models.components.calibration import Chance, judges
from cinematrix.models.components.ease_low_rank import SERIES, Neighbours, Spectrum, liked_more, sittings
from cinematrix.models.deep_mf.heads import RankingHead, StarsHead
from cinematrix.models.deep_mf.residual_gp import AUDIENCE, Kriging, facts, places
from cinematrix.models.deep_mf.towers import Floats, Towers
from cinematrix.models.deep_mf.uncertainty import Predicted, Spread, about_movies

if TYPE_CHECKING:
    from cinematrix.models.deep_mf.settings import DeepMFSettings

DECAYS = (200.0, 400.0, 800.0)
WEIGHTS = (0.0, 10.0, 40.0, 160.0)
USUAL = (400.0, 40.0)
"""Ridges and weights of the item-item model to choose from, and those that stay unless others are clearly better."""

JUDGES = 1_000
"""Users whose validation movies that choice is made by."""

ENOUGH = 20_000
"""Validation ratings that say enough of how predictions fail."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A head's towers with the biases (None for plain interactions) and the deviation that they stand on."""

    towers: Towers
    biases: Biases | None
    sigma: float


@dataclass
class Beside:
    """Puts the closed forms beside towers: `learn` and `validation` are cut from `ratings`, or `learn` is all of it."""

    settings: "DeepMFSettings"
    known: Known
    ratings: Ratings
    learn: Ratings
    validation: Ratings
    content: sparse.csr_matrix | None
    spectra: dict[int, Spectrum] = field(default_factory=dict)

    def stars(self, trained: Trained, pilot: Trained) -> tuple[StarsHead, Spread]:
        """The rating head and how ratings scatter around its predictions."""
        head, judged = self._plain(trained), self._plain(pilot)
        if self.settings.kriging:
            judged = replace(judged, kriging=Kriging(self._places(judged.towers, self.learn)))
            head = replace(head, kriging=Kriging(self._places(head.towers, self.ratings)), newcomers=self._newcomers)
        if self.validation is self.ratings:
            return head, self._before(head)
        missing, added = judged.missed(*self._tested)
        if head.kriging and judged.kriging:
            fitted = judged.kriging.weighed(added, missing)
            added = added * np.float32(fitted.weight / judged.kriging.weight)
            head = replace(head, kriging=replace(head.kriging, weight=fitted.weight))
        return head, self._spread(head, judged, added - missing)

    def ranking(self, trained: Trained, pilot: Trained, stars: StarsHead | None) -> RankingHead:
        """The ranking head with the item-item model beside it, and the chance that scores stand for.

        Its ridge and its weight are those that rank the validation movies best beside the pilot's towers.
        """
        head, judged = RankingHead(trained.towers), RankingHead(pilot.towers)
        given, later = self._judges(JUDGES)
        residual = None if stars is None or given.values is None else stars.residual(given)[1]
        rank = self.settings.neighbours
        if rank:
            spectrum, scores = self._spectrum(self.learn).largest(rank), judged.score(given, residual)
            weighed = None if residual is None else liked_more(residual)
            decay, weight = best_beside(scores, spectrum, given, later, weighed)
            if weight:
                judged = replace(judged, neighbours=Neighbours.of(spectrum, decay, weight))
                both = Neighbours.of(self._spectrum(self.ratings).largest(rank), decay, weight)
                head = replace(head, neighbours=both)
        if stars is not None:
            return head
        given, later = judges(self.learn, self.validation, len(self.known.movies))
        return replace(head, chance=Chance.fitted(judged.score(given, None), given, later))

    def _plain(self, trained: Trained) -> StarsHead:
        assert trained.biases is not None, "the rating head has biases"
        return StarsHead(trained.biases, trained.sigma, trained.towers, self._new)

    @cached_property
    def _new(self) -> NDArray[np.bool_]:
        """Which movies nobody has rated; the last place stands for `UNKNOWN`. `[n_movies + 1]`."""
        return np.asarray(self._raters(self.ratings, 1) == 0)

    def _raters(self, ratings: Ratings, more: int = 0) -> NDArray[np.int64]:
        return np.bincount(ratings.movie, minlength=len(self.known.movies) + more).astype(np.int64)

    @property
    def _newcomers(self) -> Kriging | None:
        """The process for movies that nobody has rated, where there is content."""
        return None if self.content is None or not self.content.nnz else Kriging(facts(self.content))

    def _places(self, towers: Towers, ratings: Ratings) -> Floats:
        vectors = towers.movies[:-1, :, :-1].reshape(len(self.known.movies), -1)
        return places(vectors, self._spectrum(ratings), self.content, self._raters(ratings))

    def _spectrum(self, ratings: Ratings) -> Spectrum:
        """Of the histories and sittings of `ratings`, with content and series; computed once for both heads."""
        if id(ratings) not in self.spectra:
            rank = max(self.settings.neighbours, AUDIENCE)
            made = Spectrum.of(ratings.by_user, self._facts, len(self.known.movies), rank, sittings(ratings))
            self.spectra[id(ratings)] = made
        return self.spectra[id(ratings)]

    @cached_property
    def _facts(self) -> sparse.csr_matrix | None:
        """Content and series side by side; None without content."""
        if self.content is None:
            return None
        return sparse.hstack([self.content, SERIES * series(self.known.catalog)], format="csr")

    def _judges(self, most: int) -> tuple[Histories, Histories]:
        """The histories, and the validation ratings, of at most so many users who have both."""
        users = np.flatnonzero(self.validation.by_user.counts)[:most]
        return self.learn.by_user.take(users), self.validation.by_user.take(users)

    @cached_property
    def _tested(self) -> tuple[Histories, Histories]:
        """The same of as many users as have `ENOUGH` validation ratings together."""
        counts = self.validation.by_user.counts
        return self._judges(1 + int((counts[counts > 0].cumsum() < ENOUGH).sum()))

    def _before(self, head: StarsHead) -> Spread:
        """How ratings scatter as far as is known before any prediction was compared with a rating."""
        assert self.ratings.scale is not None, "only ratings have a spread"
        residual = head.residual(self.ratings.by_user)[1]
        return Spread.before(self.ratings.scale, self.ratings.by_user, residual, len(self.known.movies))

    def _spread(self, head: StarsHead, judged: StarsHead, error: Floats) -> Spread:
        """The same from the pilot, which hasn't seen the validation ratings: how far off (`error`) it foresaw them."""
        before, (given, later) = self._before(head), self._tested
        assert later.values is not None, "only ratings have a spread"
        everybody = self.learn.by_user
        then = about_movies(everybody, judged.residual(everybody)[1], len(self.known.movies))
        stars = before.scale.clip(later.values + error)
        seen = Predicted(given, judged.residual(given)[1], later.rows, later.items, stars)
        return replace(before, movies=then).fitted(seen, later.values, before.movies)


def best_beside(
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
    for decay in DECAYS:
        model = Neighbours.of(spectrum, decay)
        beside = model.score(model.gather(given, weighed))
        for weight in WEIGHTS:
            quality[decay, weight] = ndcg(top_n(scores + weight * beside, 10, given).movies, later)
    best = max(quality, key=lambda option: float(np.nanmean(quality[option])))
    gains = quality[best] - quality[USUAL]
    return best if gains.mean() > 2 * gains.std() / len(gains) ** 0.5 else USUAL
