"""Synthetic rating data with a known structure: not square or symmetric, IDs unsorted, one user without ratings."""

from dataclasses import dataclass

import numpy as np

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.models.base import Recommender

N_USERS, N_MOVIES = 60, 41
GENRES = ("Comedy", "Horror")


def taste_world(
    rng: np.random.Generator, share: float = 0.6, n_users: int = N_USERS, n_movies: int = N_MOVIES
) -> tuple[Ratings, Catalog]:
    """Make ratings of users who love comedies and hate horror, or the reverse, with a noise of 0.1 stars.

    The last two movies have no ratings, only genres in the catalog; the user with the highest index has none either.
    Movie `m` is a comedy if `m` is even. The best RMSE is 0.1 plus rounding to half stars.
    """
    likes = rng.integers(0, 2, n_users)
    comedy = np.arange(n_movies) % 2 == 0
    stars = 3.0 + np.where(likes[:, None] == comedy[None], 1.25, -1.25) + rng.normal(0, 0.1, (n_users, n_movies))
    seen = rng.random((n_users, n_movies)) < share
    seen[-1] = False
    seen[:, -2:] = False
    users, movies = np.nonzero(seen)
    order = rng.permutation(len(users))
    user_ids, movie_ids = rng.permutation(1000)[:n_users], rng.permutation(5000)[:n_movies]
    ratings = Ratings.from_arrays(
        user_ids[users[order]], movie_ids[movies[order]], np.round(stars[users, movies][order] * 2) / 2,
        1_000_000_000 + np.arange(len(order)), scale=Scale(0.5, 5, 0.5),
    )  # fmt: skip
    names = [f"{'Funny' if c else 'Scary'} {place}" for place, c in enumerate(comedy)]
    genres = [[GENRES[0] if c else GENRES[1]] for c in comedy]
    catalog = Catalog.of(movie_ids, title=names, year=[1980 + p for p in range(n_movies)], genres=genres)
    return ratings, catalog


def as_interactions(ratings: Ratings) -> Ratings:
    """Return the rows rated 3 or better as interactions without stars."""
    assert ratings.rating is not None
    liked = ratings.take(ratings.rating >= 3)
    return Ratings.from_arrays(liked.users.ids[liked.user], liked.movies.ids[liked.movie], None, liked.time)


@dataclass(frozen=True)
class FactorWorld:
    """Ratings made from planted factors.

    Attributes:
        train: ratings of a third of the pairs, on a scale from 0 to 100.
        users, movies, stars: IDs of the other pairs, and their ratings without noise.
        noise: standard deviation of the noise.
        movie_factors: `[n_movies, 2]`, in the order of `train.movies`.
    """

    train: Ratings
    users: np.ndarray
    movies: np.ndarray
    stars: np.ndarray
    noise: float
    movie_factors: np.ndarray


def factor_world(rng: np.random.Generator, n_users: int = 150, n_movies: int = 90) -> FactorWorld:
    """Make ratings of 50 + biases (σ 5) + two factors (σ 12 together) + noise (σ 4)."""
    q = rng.normal(0, 1, (n_movies, 2))
    truth = 50 + rng.normal(0, 5, (n_users, 1)) + rng.normal(0, 5, n_movies) + rng.normal(0, 8.5, (n_users, 2)) @ q.T
    seen = rng.random(truth.shape) < 1 / 3
    stars = np.clip(truth + rng.normal(0, 4, truth.shape), 0, 100)
    user_ids, movie_ids = rng.permutation(1000)[:n_users], np.sort(rng.permutation(5000)[:n_movies])
    users, movies = np.nonzero(seen)
    train = Ratings.from_arrays(user_ids[users], movie_ids[movies], stars[seen], scale=Scale(0, 100))
    users, movies = np.nonzero(~seen)
    return FactorWorld(train, user_ids[users], movie_ids[movies], np.clip(truth[~seen], 0, 100), 4.0, q)


def check_planted_factors(model: Recommender, within: float = 1.0) -> None:
    """Check that the model's RMSE on unseen pairs is below `within` × the noise (biases alone: three times the noise).

    Its vectors must span the planted factors, by linear regression.
    """
    world = factor_world(np.random.default_rng(8))
    model.fit(world.train)
    error = np.sqrt(np.mean((model.predict(world.users, world.movies) - world.stars) ** 2))
    assert error < within * world.noise
    x = np.column_stack([model.vectors(), np.ones(len(world.movie_factors))])
    axes = np.linalg.svd(x - x.mean(0), full_matrices=False)[0][:, :2]
    planted = world.movie_factors - world.movie_factors.mean(0)
    left = planted - axes @ (axes.T @ planted)
    assert left.var() < 0.1 * planted.var()
