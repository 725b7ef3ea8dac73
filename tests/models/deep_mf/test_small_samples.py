"""Held-out ratings of the biases beside few validation ratings: `cinematrix.models.deep_mf.small_samples`."""

import numpy as np
import pytest
from numpy.typing import NDArray

from cinematrix.data.histories import find_entries
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.models.components.biases import Biases
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.models.deep_mf.small_samples import ENOUGH_RATINGS, hold_out_from_biases


def small_world(
    scale: Scale, n: int, seed: int
) -> tuple[Ratings, NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Return `n` ratings of users and movies with biases, and as many others: users, movies and ratings."""
    rng = np.random.default_rng(seed)
    users, movies = round(2 * n**0.5), round(3 * n**0.5)
    user, movie = np.divmod(rng.choice(users * movies, 2 * n, replace=False), movies)
    share = 0.65 + 0.1 * rng.normal(size=users)[user] + 0.1 * rng.normal(size=movies)[movie]
    share += 0.18 * rng.normal(size=2 * n)
    levels = scale.levels()
    stars = levels[np.clip(np.round(share * (len(levels) - 1)), 0, len(levels) - 1).astype(int)]
    return Ratings.from_arrays(user[:n], movie[:n], stars[:n], scale=scale), user[n:], movie[n:], stars[n:]


@pytest.mark.parametrize(("scale", "n"), [(Scale(1, 100, 1), 100), (Scale(0.5, 5, 0.5), 200)], ids=str)
def test_intervals_from_few_ratings_hold_what_they_promise(scale: Scale, n: int) -> None:
    """Trained on 100 or 200 ratings, 80 % intervals hold 78 to 84 % of others, over twenty worlds."""
    covered, settings = [], DeepMFSettings(**DeepMFSettings.PRESETS["fast"], ranking=False)
    for seed in range(20):
        ratings, users, movies, stars = small_world(scale, n, seed)
        model = DeepMF(settings).fit(ratings)
        known = model.data.users.numbers(users) >= 0
        pairs = model.data.users.numbers(users[known]), model.data.movies.numbers(movies[known])
        low, high = model.interval_pairs(model.data.history, *pairs)
        covered.append(np.mean((low <= stars[known]) & (stars[known] <= high)))
    assert 0.78 < np.mean(covered) < 0.84


def test_each_rating_is_predicted_by_biases_that_have_not_seen_it() -> None:
    """The parts hold every rating once, in no history, and the predictions are those of `Biases` of the others."""
    ratings = small_world(Scale(1, 5, 1), 100, 0)[0]
    parts = list(hold_out_from_biases(ratings, 10))
    held = [
        (u, m, r) for part in parts for u, m, r in zip(part.pairs.rows, part.pairs.movies, part.ratings, strict=True)
    ]
    assert sorted(held) == sorted(zip(ratings.user, ratings.movie, ratings.rating, strict=True))  # type: ignore[arg-type]
    for part in parts:
        pairs = part.pairs
        assert np.all(find_entries(pairs.histories, pairs.rows, pairs.movies) < 0)
    pairs = parts[0].pairs
    tested = {(u, m) for u, m in zip(pairs.rows, pairs.movies, strict=True)}
    others = ratings.take(np.array([(u, m) not in tested for u, m in zip(ratings.user, ratings.movie, strict=True)]))
    biases = Biases.of(others)
    expected = Scale(1, 5, 1).clip(biases.predict(biases.of_users(others.by_user)[pairs.rows], pairs.movies))
    np.testing.assert_allclose(pairs.stars, expected, atol=1e-5)


@pytest.mark.parametrize(("held_out", "more"), [(50, 500), (500, 500), (ENOUGH_RATINGS - 1, 50), (ENOUGH_RATINGS, 0)])
def test_as_many_are_held_out_as_are_missing(held_out: int, more: int) -> None:
    """Parts of 50 out of 500 ratings are added until there are a thousand, or none is left; with a thousand none is."""
    ratings = small_world(Scale(1, 5, 1), 500, 0)[0]
    assert sum(len(part.ratings) for part in hold_out_from_biases(ratings, held_out)) == more


def test_a_single_rating_gives_none() -> None:
    """There is nothing to learn its biases from."""
    assert not list(hold_out_from_biases(Ratings.from_arrays([1], [1], [3.0], scale=Scale(1, 5, 1)), 1))
