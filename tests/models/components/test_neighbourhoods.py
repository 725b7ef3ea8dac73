"""Which movies are alike: `cinematrix.models.components.neighbourhoods`."""

import numpy as np

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.training_data import TrainingData
from cinematrix.models.components.neighbourhoods import genre_adjusted_similarity


def test_films_that_the_same_people_watch_are_kin_before_namesakes() -> None:
    """What nobody rated together with a film comes last, however near a model has it; alone, nearness still orders."""
    raters = [(user, movie) for movie, users in ((1, range(20)), (2, range(10, 20)), (3, [30])) for user in users]
    users, movies = zip(*raters, strict=True)
    ratings = Ratings.from_arrays(users, movies, [4.0] * len(users), scale=Scale(1, 5, 1))
    known = TrainingData.of(ratings, Catalog.of([1, 2, 3, 4], genres=[["Crime"], ["Crime"], ["Crime"], []]))
    cosines, same_people, same_word, unrated = np.float32([1, 0.3, 0.9, 0.4]), 1, 2, 3
    alike = genre_adjusted_similarity(cosines, 0, known)
    assert alike[same_people] > 10 * alike[same_word] > 0
    assert alike[same_word] > alike[unrated]
    of_unrated = genre_adjusted_similarity(np.float32([0.1, 0.5, 0.3, 1]), unrated, known)
    assert np.argsort(-of_unrated).tolist() == [unrated, 1, 2, 0]
