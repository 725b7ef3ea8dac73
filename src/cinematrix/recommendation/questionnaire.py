"""Which film to ask a newcomer about next: the one whose rating would tell most, if she is likely to have seen it.

A question is worth

    worth_i = P(she has seen i)^PATIENCE · what her rating of i tells

What it tells is how much of the doubt about her ratings of all films, each weighed by how many have seen it, it would
take away (`prior`; Rubens, Elahi, Sugiyama & Kaplan 2015 survey such criteria). That needs no answer to be known
beforehand, so it is exact and quick. Doubt by which her films differ counts more than doubt about all of them alike:
how generous she is changes her stars, but no list.

The chance that she has seen it is learned from what she has seen and what she hasn't: each person of the training data
is a guess at who she might be, and what she answers makes those likelier who would have answered so:

    P(seen i) = (1 − TYPICAL) · Σ_u w_u · seen_ui + TYPICAL · popularity_i,       w_u ∝ Π_asked P(her answer | u)^TRUST

so "haven't seen it" is an answer that tells something too. Nothing is learned for her; everything follows from her
answers and what a model keeps of its data, so that any model may stand behind.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.training_data import TrainingData
from cinematrix.recommendation.rating_prior import RatingPrior

MAX_CANDIDATES = 2_000
"""Films that may be asked about: those that most people have rated. Others would be asked about in vain."""

MAX_PROFILES = 2_000
"""Guesses at who she is; of more people, as many drawn at random."""

POPULARITY_WEIGHT = 0.3
"""How much of what each of them has seen is taken to be what everybody sees."""

ANSWER_WEIGHT = 0.5
"""How much an answer counts for who she is: answers aren't independent of each other, as the product above has them."""

SEEN_CHANCE_EXPONENT = 0.5
"""1: what a question tells on average; 0: what a rating tells, however many films she hasn't seen are asked before."""

CONTRAST_WEIGHT = 5.0
"""How much more what tells films apart counts than what raises or lowers her stars for all of them."""

MIN_ANSWER_CHANCE = 1e-4
"""No answer is less likely than that."""


@dataclass(frozen=True)
class Question:
    """A film to ask about: its number, the chance that she has seen it, and what its rating would tell.

    Attributes:
        movie: the movie's number.
        seen_chance: 0…1.
        tells: the variance, in stars², that her rating would take away from an average film, weighed as
            `compute_target_matrix` has it; 0 for interactions.
    """

    movie: int
    seen_chance: float
    variance_reduction: float


@dataclass(frozen=True, eq=False)
class Questionnaire:
    """What is asked, prepared once for a model.

    Attributes:
        movies: int32 `[n]`, the films that may be asked about, ascending.
        place: int64 `[n_movies]`, where each movie is among these, -1 if it isn't.
        seen: float32 `[people, n]`, 1 where one of the people has rated the film.
        popularity: float32 `[n]`, the share of the people who have.
        tastes: how ratings of these go together; None where the data have no ratings: then what is likely to have been
            seen is asked.
        sought: what all answers are for, as `compute_target_matrix` has it of all movies; empty without tastes.
    """

    movies: Numbers
    place: NDArray[np.int64]
    seen: NDArray[np.float32]
    popularity: NDArray[np.float32]
    prior: RatingPrior | None
    target_matrix: NDArray[np.float64]

    @classmethod
    def of(cls, known: TrainingData) -> Self:
        """The questionnaire from what a model keeps of its data."""
        people = np.flatnonzero(known.history.counts)
        drawn = np.sort(np.random.default_rng(0).permutation(people)[:MAX_PROFILES])
        histories = known.history.take(drawn)
        raters = np.bincount(histories.items, minlength=len(known.movies))
        rated = np.flatnonzero(raters)
        asked = np.sort(np.argsort(-raters[rated], kind="stable")[:MAX_CANDIDATES])
        movies: Numbers = rated[asked].astype(np.int32)
        seen = histories.matrix(len(known.movies))[:, movies].toarray()
        tastes, sought = None, np.zeros((0, 0))
        if known.scale is not None and len(histories.items):
            learned = RatingPrior.of(histories.matrix(len(known.movies), histories.values)[:, rated])
            tastes, sought = learned.take(asked), compute_target_matrix(learned.loadings, raters[rated] / raters.sum())
        place = np.full(len(known.movies), -1)
        place[movies] = np.arange(len(movies))
        return cls(movies, place, seen, seen.sum(0) / np.float32(max(len(seen), 1)), tastes, sought)

    def next(self, history: Histories, unseen: Numbers, never: Numbers | None = None) -> Question | None:
        """The film to ask about, or None when all have been.

        Args:
            history: what she has rated, one history.
            unseen: movies that she hasn't seen.
            never: movies that aren't to be asked about for other reasons.
        """
        rated, not_seen = self._places(history.items), self._places(unseen)
        left = np.ones(len(self.movies), bool)
        left[np.concatenate([rated, not_seen, self._places(unseen if never is None else never)])] = False
        if not left.any():
            return None
        chance, tells = self.chances(rated, not_seen), self.variance_reduction(rated)
        best = int(np.argmax(np.where(left, chance**SEEN_CHANCE_EXPONENT * tells, -1)))
        return Question(int(self.movies[best]), float(chance[best]), 0.0 if self.prior is None else float(tells[best]))

    def chances(self, rated: NDArray[np.int64], unseen: NDArray[np.int64]) -> NDArray[np.float64]:
        """How likely she has seen each film, by those that she has and hasn't (places among `movies`). `[n]`."""
        with_, without = (
            np.clip(POPULARITY_WEIGHT * self.popularity + bit, MIN_ANSWER_CHANCE, 1 - MIN_ANSWER_CHANCE)
            for bit in (1 - POPULARITY_WEIGHT, 0)
        )
        evidence = np.zeros(len(self.movies), np.float32)
        evidence[rated] = np.log(with_ / without)[rated]
        evidence[unseen] = np.log((1 - with_) / (1 - without))[unseen]
        likely = ANSWER_WEIGHT * (self.seen @ evidence)
        weights = np.exp(likely - likely.max())
        return np.asarray(
            (1 - POPULARITY_WEIGHT) * (weights / weights.sum() @ self.seen) + POPULARITY_WEIGHT * self.popularity,
            np.float64,
        )

    def variance_reduction(self, rated: NDArray[np.int64]) -> NDArray[np.float64]:
        """What a rating of each film would tell beside those of the films that she has rated (places). `[n]`."""
        if self.prior is None:
            return np.ones(len(self.movies))
        return self.prior.told(self.prior.doubt(rated), self.target_matrix)

    def _places(self, movies: Numbers) -> NDArray[np.int64]:
        """Where movies are among those that may be asked about; those that aren't are left out."""
        places = self.place[movies[movies >= 0]]
        return np.asarray(places[places >= 0])


def compute_target_matrix(loadings: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ_j weight_j a_j a_jᵀ, where that by which loadings differ from the usual counts `CONTRAST_WEIGHT` times. `[factors]²`."""
    usual = weights @ loadings
    apart = loadings - usual
    return np.asarray(np.outer(usual, usual) + CONTRAST_WEIGHT * (apart.T * weights) @ apart)
