"""Users and movies by how many ratings they have: `cinematrix.evaluation.segments`."""

import numpy as np

from cinematrix.data.ratings import Ratings
from cinematrix.evaluation.segments import MOVIE_SEGMENTS, USER_SEGMENTS, assign_movie_segments, select_users


def test_users_are_in_one_segment_each() -> None:
    """0 and 19 ratings are few, 20 and 100 some, 101 many."""
    history = np.array([0.0, 19, 20, 100, 101, 5000])
    found = np.array([select_users(segment, history) for segment in USER_SEGMENTS])
    assert found.argmax(0).tolist() == [0, 0, 1, 1, 2, 2]
    assert (found.sum(0) == 1).all()


def test_movies_by_hand() -> None:
    """Of 20 ratings, the movie with 9 and the next with 5 begin before the half, one of 4 before nine tenths."""
    counts = {5: 1, 6: 9, 7: 5, 8: 4, 9: 1}
    movies = np.repeat(list(counts), list(counts.values()))
    users = np.concatenate([np.arange(n) for n in counts.values()])
    ratings = Ratings.from_arrays(users, movies, np.full(20, 3.0))
    assert assign_movie_segments(ratings).tolist() == [2, 0, 0, 1, 2]  # 18 of 20 come before the last two: nine tenths
    unrated = ratings.take(ratings.movie != 4)
    assert assign_movie_segments(unrated)[4] == MOVIE_SEGMENTS.index("tail movies")
