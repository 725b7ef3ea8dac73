"""Rating updates: `cinematrix.data.rating_updates`."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cinematrix.data.rating_updates import RatingUpdates, apply_updates


def table(rows: dict[tuple[int, int], float], time: int) -> RatingUpdates:
    """Create rows of pairs and ratings, all of one time."""
    n = len(rows)
    users, movies = (np.array([pair[side] for pair in rows], np.int32) for side in (0, 1))
    return RatingUpdates(
        users, movies, np.array(list(rows.values()), np.float32), np.full(n, time), np.full(n, time * 1000)
    )


PAIRS = st.tuples(st.integers(0, 3), st.integers(0, 5))
STARS = st.sampled_from([1.0, 2.5, 5.0])


@given(st.dictionaries(PAIRS, STARS), st.dictionaries(PAIRS, STARS | st.just(float("nan"))))
def test_it_is_one_dict_updated_with_another(
    before: dict[tuple[int, int], float], since: dict[tuple[int, int], float]
) -> None:
    """Updated pairs have the new rating and time, deleted ones are removed, and other pairs stay."""
    updated = apply_updates(table(before, 1), table(since, 2))
    expected = {pair: (stars, 2 if pair in since else 1) for pair, stars in (before | since).items() if stars == stars}
    pairs = zip(updated.user.tolist(), updated.movie.tolist(), strict=True)
    assert dict(zip(pairs, zip(updated.rating.tolist(), updated.time.tolist(), strict=True), strict=True)) == expected
    assert len(updated.user) == len(expected)
    assert np.array_equal(updated.received, updated.time * 1000)
