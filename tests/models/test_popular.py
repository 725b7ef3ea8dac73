"""The model `popular`."""

import numpy as np

from cinematrix.data.ratings import Ratings
from cinematrix.models.popular import Popular
from contract import Contract


class TestPopular(Contract):
    """Contract tests of `popular`."""

    kind = Popular
    learns_taste = False


def test_lists_are_by_number_of_raters_and_stars_by_shrunk_mean() -> None:
    """Counts order the list; expected ratings are (sum + 5 × mean) / (n + 5)."""
    ratings = Ratings.from_arrays([1, 2, 3, 1], [10, 10, 10, 20], [5, 4, 3, 1])
    model = Popular().fit(ratings)
    assert model.score(ratings.by_user)[0].tolist() == [3, 1]
    mean = 13 / 4
    np.testing.assert_allclose(
        model.predict([1, 1, 1], [10, 20, 30]), [(12 + 5 * mean) / 8, (1 + 5 * mean) / 6, mean], rtol=1e-6
    )


def test_for_views_the_probability_is_the_share_of_viewers() -> None:
    """Two of three users watched it: two thirds; no user watched it: 0."""
    model = Popular().fit(Ratings.from_arrays([1, 2, 3, 1], [10, 10, 20, 20]))
    np.testing.assert_allclose(model.predict([1, 1], [10, 99]), [2 / 3, 0], rtol=1e-6)
