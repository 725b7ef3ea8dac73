"""More held-out ratings where validation holds few: errors of the biases, cross-validated on all ratings.

A tenth of a few hundred ratings says little about the width of intervals. On so few ratings the expected ratings are
hardly more than biases, whose errors on every rating take no training (cross-validation; Stone 1974).
"""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import Split, k_fold
from cinematrix.models.components.biases import Biases
from cinematrix.models.deep_mf.uncertainty import HeldOut, PredictedPairs, movie_facts

ENOUGH_RATINGS = 1_000
"""Held-out ratings that need no others beside them."""

FOLDS = 10
"""Parts of the ratings; the biases that predict one are those of all others."""


def hold_out_from_biases(ratings: Ratings, held_out: int) -> Iterator[HeldOut]:
    """Yield as many parts of the ratings, predicted by biases, as make up for `held_out` being few."""
    missing = ENOUGH_RATINGS - held_out
    parts = min(FOLDS, len(ratings))
    folds = max(0, -(-missing * parts // len(ratings))) if parts > 1 else 0
    if folds:
        yield from (predict_by_biases(cut) for cut in islice(k_fold(ratings, parts), folds))


def predict_by_biases(cut: Split) -> HeldOut:
    """Return the tested ratings with their predictions by the biases of the others."""
    learn, test = cut.train, cut.test
    assert test.rating is not None and learn.scale is not None, "only ratings have an uncertainty"  # noqa: PT018
    histories, n_movies = learn.by_user, len(learn.movies)
    biases = Biases.of(learn)
    user, residual = biases.residuals(histories)
    residual = residual / np.float32(residual.std() or 1)
    stars = learn.scale.clip(biases.predict(user[test.user], test.movie))
    facts = movie_facts(histories, residual, n_movies)
    return HeldOut(PredictedPairs(histories, residual, test.user, test.movie, stars), test.rating, facts)
