"""Similarities of movies: `cinematrix.models.components.neighbourhoods`."""

import numpy as np

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.training_data import TrainingData
from cinematrix.models.components.neighbourhoods import genre_adjusted_similarity


def test_common_viewers_count_more_than_similar_names() -> None:
    """A movie without common raters comes last, whatever the model's cosine; without any raters, cosines decide."""
    raters = [(user, movie) for movie, users in ((1, range(20)), (2, range(10, 20)), (3, [30])) for user in users]
    users, movies = zip(*raters, strict=True)
    ratings = Ratings.from_arrays(users, movies, [4.0] * len(users), scale=Scale(1, 5, 1))
    data = TrainingData.of(ratings, Catalog.of([1, 2, 3, 4], genres=[["Crime"], ["Crime"], ["Crime"], []]))
    cosines, same_people, same_word, unrated = np.float32([1, 0.3, 0.9, 0.4]), 1, 2, 3
    similarity = genre_adjusted_similarity(cosines, 0, data)
    assert similarity[same_people] > 10 * similarity[same_word] > 0
    assert similarity[same_word] > similarity[unrated]
    of_unrated = genre_adjusted_similarity(np.float32([0.1, 0.5, 0.3, 1]), unrated, data)
    assert np.argsort(-of_unrated).tolist() == [unrated, 1, 2, 0]
