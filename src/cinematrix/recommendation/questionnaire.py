"""Questionnaire for new users: active learning picks movies whose ratings are expected to be the most informative.

The best question is the movie i of the largest

    value_i = P(seen i)^SEEN_CHANCE_EXPONENT · variance reduction_i

The variance reduction is how much a rating of i lowers the variance of the user's ratings of all movies, each weighted
by its number of raters (`RatingPrior`; Rubens, Elahi, Sugiyama & Kaplan 2015 survey such criteria). It doesn't depend
on the rating given, so it is exact and quick. Variance between movies counts more than variance common to all movies:
the generosity of a user changes the predicted stars, but no list.

Movies are asked about by region of taste (`taste_regions`), several at a time. The region is the one of the largest

    (seen + 1) / (asked + 2) · (largest value of its movies)^REGION_EXPONENT

so that the questions follow what was said: a user who has seen none of a region's movies isn't asked about others of
it soon, and one who has seen all of them is. The movies are those of the region that lie near its best one in time.
Each counts as rated for the choice of the next.

P(seen i) comes from a mixture over users of the training data, weighted by the likelihood of the answers so far:

    P(seen i) = (1 − q) · Σ_u w_u · seen_ui + q · popularity_i,      w_u ∝ Π_answers P(answer | u)^ANSWER_WEIGHT

with q = POPULARITY_WEIGHT, so "haven't seen it" is informative too. Nothing is trained per user. Only the answers and
the model's training data are needed, so the questionnaire works with any model.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.training_data import TrainingData
from cinematrix.recommendation.rating_prior import RatingPrior
from cinematrix.recommendation.taste_regions import find_regions

MAX_CANDIDATES = 2_000
"""Maximum movies that may be asked about, the most rated; few users have seen others."""

MAX_PROFILES = 2_000
"""Maximum users in the mixture, sampled at random."""

POPULARITY_WEIGHT = 0.3
"""Weight of a movie's popularity in the probability that a user has seen it, 0…1."""

ANSWER_WEIGHT = 0.5
"""Exponent of an answer's likelihood, 0…1; below 1 since answers aren't independent."""

SEEN_CHANCE_EXPONENT = 0.75
"""Exponent of P(seen) in the value of a question; 1: expected variance reduction; 0: P(seen) is ignored."""

CONTRAST_WEIGHT = 5.0
"""Weight of variance between movies relative to variance common to all movies."""

MIN_ANSWER_CHANCE = 1e-4
"""Minimum probability of an answer."""

REGION_EXPONENT = 0.33
"""Exponent of the best movie's value in the choice of a region, beside the share of its movies that were seen; below 1,
so that a user of another taste than most isn't asked about what most have seen."""

PAGE = 6
"""Movies asked about at a time."""

MAX_YEARS_APART = 15
"""Maximum years between the best movie and the others asked about with it."""


@dataclass(frozen=True)
class Question:
    """A movie to ask about.

    Attributes:
        movie: the movie's number.
        seen_chance: probability that the user has seen it, 0…1.
        variance_reduction: expected variance reduction by the user's rating, in stars², over all movies weighted as in
            `compute_target_matrix`; 0 for plain interactions.
    """

    movie: int
    seen_chance: float
    variance_reduction: float


@dataclass(frozen=True)
class QuestionPage:
    """Movies of one region of taste to ask about, the most informative first.

    Attributes:
        region: the region in words, such as `film noir`; empty if the catalog doesn't tell.
        years: years of the first and the last movie; None without years.
    """

    questions: list[Question]
    region: str
    years: tuple[int, int] | None


@dataclass(frozen=True, eq=False)
class Questionnaire:
    """Questionnaire of a model, prepared once.

    Attributes:
        movies: int32 `[n]`, candidate movies, ascending.
        place: int64 `[n_movies]`, index of each movie in `movies`; -1 if it is no candidate.
        seen: sparse float32 `[users, n]`, 1 if a user of the mixture has rated the movie.
        popularity: float32 `[n]`, share of these users who have rated the movie.
        prior: prior of the candidates' ratings; None for plain interactions, when P(seen) alone decides.
        target_matrix: `compute_target_matrix` of all movies; empty without a prior.
        regions: names of the regions of taste.
        belongs: bool `[n, regions]`, which candidate belongs to which.
        years: float32 `[n]`, NaN where missing.
    """

    movies: Numbers
    place: NDArray[np.int64]
    seen: sparse.csr_matrix
    popularity: NDArray[np.float32]
    prior: RatingPrior | None
    target_matrix: NDArray[np.float64]
    regions: list[str]
    belongs: NDArray[np.bool_]
    years: NDArray[np.float32]

    @classmethod
    def of(cls, known: TrainingData) -> Self:
        """Create the questionnaire from a model's training data."""
        active = np.flatnonzero(known.history.counts)
        sampled = np.sort(np.random.default_rng(0).permutation(active)[:MAX_PROFILES])
        histories = known.history.take(sampled)
        raters = np.bincount(histories.items, minlength=len(known.movies))
        rated = np.flatnonzero(raters)
        candidates = np.sort(np.argsort(-raters[rated], kind="stable")[:MAX_CANDIDATES])
        movies: Numbers = rated[candidates].astype(np.int32)
        seen = histories.matrix(len(known.movies))[:, movies].tocsr()
        prior, target = None, np.zeros((0, 0))
        if known.scale is not None and len(histories.items):
            full = RatingPrior.of(histories.matrix(len(known.movies), histories.values)[:, rated])
            prior, target = full.take(candidates), compute_target_matrix(full.loadings, raters[rated] / raters.sum())
        place = np.full(len(known.movies), -1)
        place[movies] = np.arange(len(movies))
        popularity = raters[movies].astype(np.float32) / np.float32(max(len(sampled), 1))
        regions, belongs = find_regions(known.catalog)
        years = known.catalog.years[movies]
        return cls(movies, place, seen, popularity, prior, target, regions, belongs[movies], years)

    def next(
        self, history: Histories, unseen: Numbers, never: Numbers | None = None, n: int = PAGE
    ) -> QuestionPage | None:
        """Return the next page of at most `n` movies, or None if no candidate is left.

        Args:
            history: the user's ratings, one history.
            unseen: movies that the user hasn't seen.
            never: further movies to leave out.
        """
        rated, not_seen = self._places(history.items), self._places(unseen)
        left = np.ones(len(self.movies), bool)
        left[np.concatenate([rated, not_seen, self._places(unseen if never is None else never)])] = False
        if not left.any():
            return None
        chance = self.chances(rated, not_seen)
        weight, asked, questions = chance**SEEN_CHANCE_EXPONENT, rated, list[Question]()
        reduction = self.variance_reduction(asked)
        region = self._choose_region(np.where(left, weight * reduction, 0), self.region_rates(rated, not_seen))
        left = self._near_best(np.where(left & self.belongs[:, region], weight * reduction, -1), n)
        while len(questions) < n and left.any():
            best = int(np.argmax(np.where(left, weight * reduction, -1)))
            shown = 0.0 if self.prior is None else float(reduction[best])
            questions.append(Question(int(self.movies[best]), float(chance[best]), shown))
            left[best], asked = False, np.append(asked, best)
            reduction = self.variance_reduction(asked)
        return QuestionPage(questions, self.regions[region], self._span(asked[len(rated) :]))

    def region_rates(self, rated: NDArray[np.int64], unseen: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the share of movies seen of those asked about in each region: (seen + 1) / (asked + 2)."""
        seen, missed = (self.belongs[places].sum(0) for places in (rated, unseen))
        return np.asarray((seen + 1) / (seen + missed + 2))

    def _choose_region(self, value: NDArray[np.float64], rates: NDArray[np.float64]) -> int:
        """Return the region of the largest rate · (value of its best movie)^REGION_EXPONENT."""
        best = (self.belongs * value[:, None]).max(0)
        return int(np.argmax(rates * best**REGION_EXPONENT))

    def _near_best(self, value: NDArray[np.float64], n: int) -> NDArray[np.bool_]:
        """Return a mask of the movies of a value ≥ 0 that lie near the best one in time, of all if those aren't `n`."""
        near = (value >= 0) & ~(np.abs(self.years - self.years[np.argmax(value)]) > MAX_YEARS_APART)
        return near if near.sum() >= n else value >= 0

    def _span(self, places: NDArray[np.int64]) -> tuple[int, int] | None:
        years = self.years[places]
        years = years[np.isfinite(years)]
        return (int(years.min()), int(years.max())) if len(years) else None

    def chances(self, rated: NDArray[np.int64], unseen: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the probability that the user has seen each candidate, given rated and unseen indices. `[n]`."""
        with_, without = (
            np.clip(POPULARITY_WEIGHT * self.popularity + bit, MIN_ANSWER_CHANCE, 1 - MIN_ANSWER_CHANCE)
            for bit in (1 - POPULARITY_WEIGHT, 0)
        )
        log_ratio = np.zeros(len(self.movies), np.float32)
        log_ratio[rated] = np.log(with_ / without)[rated]
        log_ratio[unseen] = np.log((1 - with_) / (1 - without))[unseen]
        log_likelihood = ANSWER_WEIGHT * (self.seen @ log_ratio)
        weights = np.exp(log_likelihood - log_likelihood.max())
        return np.asarray(
            (1 - POPULARITY_WEIGHT) * (self.seen.T @ (weights / weights.sum())) + POPULARITY_WEIGHT * self.popularity,
            np.float64,
        )

    def variance_reduction(self, rated: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the variance reduction by a rating of each candidate, given the rated indices. `[n]`."""
        if self.prior is None:
            return np.ones(len(self.movies))
        return self.prior.told(self.prior.doubt(rated), self.target_matrix)

    def _places(self, movies: Numbers) -> NDArray[np.int64]:
        """Return the indices of movies among the candidates; others are left out."""
        places = self.place[movies[movies >= 0]]
        return np.asarray(places[places >= 0])


def compute_target_matrix(loadings: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Σ_j weight_j a_j a_jᵀ, with `CONTRAST_WEIGHT` on deviations from the mean loading. `[factors]²`."""
    mean = weights @ loadings
    deviations = loadings - mean
    return np.asarray(np.outer(mean, mean) + CONTRAST_WEIGHT * (deviations.T * weights) @ deviations)
