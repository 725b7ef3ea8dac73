"""Tests of `cinematrix.metrics.segments`."""

import numpy as np

from cinematrix.metrics.segments import MOVIE_SEGMENTS, USER_SEGMENTS, assign_movie_segments, select_users


def test_users_are_in_one_segment_each() -> None:
    """0 and 19 ratings are in the first segment, 20 and 100 in the second, 101 in the third."""
    history = np.array([0.0, 19, 20, 100, 101, 5000])
    found = np.array([select_users(segment, history) for segment in USER_SEGMENTS])
    assert found.argmax(0).tolist() == [0, 0, 1, 1, 2, 2]
    assert (found.sum(0) == 1).all()


def test_segments_of_movies_by_hand() -> None:
    """The movies with 9 and 5 of 20 ratings start below one half, the one with 4 below nine tenths."""
    counts = np.array([1, 9, 5, 4, 1])
    assert assign_movie_segments(counts).tolist() == [2, 0, 0, 1, 2]  # 18 of 20 come before the last two: nine tenths
    assert assign_movie_segments(np.append(counts, 0))[5] == MOVIE_SEGMENTS.index("tail movies")
