"""A user's own standard: a movie is worth showing if its expected rating is at or above the user's mean rating."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.models.base import Recommender
from cinematrix.models.liking import RatingLevels

Float64 = NDArray[np.float64]


def own_mean(model: Recommender, history: Histories) -> float:
    """Return the mean rating of the one user of `history`; −∞ without stars.

    The mean of all users stands in for it if the history is empty. It does too if it is lower and all ratings are
    equal: those of loved movies alone say nothing of what the user likes less, and hardly any movie is expected above.
    """
    if model.data.scale is None:
        return -np.inf
    own = float(RatingLevels.of(model.data, history).bar[0])
    equal = history.values is not None and len(history.values) > 0 and np.ptp(history.values) == 0
    return min(own, model.data.rating_level[0]) if equal else own


def expected_stars(model: Recommender, history: Histories, movies: Numbers) -> Float64:
    """Return the expected ratings by the one user of `history`; probabilities for a model without stars."""
    return model.predict_pairs(history, np.zeros(len(movies), np.int32), movies).astype(np.float64)


def round_as_shown(stars: Any) -> Any:
    """Round an expected rating, or an array of them, to the one decimal that is shown; halves upwards."""
    return np.floor(10 * stars + 0.5) / 10
