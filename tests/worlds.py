"""Synthetic worlds whose answer is known: neither square nor symmetric, IDs unsorted, one user without ratings."""

import numpy as np

from cinematrix.catalog import Catalog
from cinematrix.ratings import Ratings, Scale

N_USERS, N_MOVIES = 60, 41
GENRES = ("Comedy", "Horror")


def taste_world(rng: np.random.Generator, share: float = 0.6) -> tuple[Ratings, Catalog]:
    """Half the users love comedies and hate horror, the other half the reverse; noise is a tenth of a star.

    The last two movies have no ratings (the catalog knows their genre); the user with the highest number has
    none either. Movie `m` is a comedy if `m` is even. The best RMSE is 0.1 plus rounding to half stars.
    """
    likes = rng.integers(0, 2, N_USERS)
    comedy = np.arange(N_MOVIES) % 2 == 0
    stars = 3.0 + np.where(likes[:, None] == comedy[None], 1.25, -1.25) + rng.normal(0, 0.1, (N_USERS, N_MOVIES))
    seen = rng.random((N_USERS, N_MOVIES)) < share
    seen[-1] = False
    seen[:, -2:] = False
    users, movies = np.nonzero(seen)
    order = rng.permutation(len(users))
    user_ids, movie_ids = rng.permutation(1000)[:N_USERS], rng.permutation(5000)[:N_MOVIES]
    ratings = Ratings.from_arrays(
        user_ids[users[order]], movie_ids[movies[order]], np.round(stars[users, movies][order] * 2) / 2,
        1_000_000_000 + np.arange(len(order)), scale=Scale(0.5, 5, 0.5),
    )  # fmt: skip
    names = [f"{'Funny' if c else 'Scary'} {place}" for place, c in enumerate(comedy)]
    genres = [[GENRES[0] if c else GENRES[1]] for c in comedy]
    catalog = Catalog.of(movie_ids, title=names, year=[1980 + p for p in range(N_MOVIES)], genres=genres)
    return ratings, catalog


def as_interactions(ratings: Ratings) -> Ratings:
    """The rows rated 3 or better, as views without stars."""
    assert ratings.rating is not None
    liked = ratings.take(ratings.rating >= 3)
    return Ratings.from_arrays(liked.users.ids[liked.user], liked.movies.ids[liked.movie], None, liked.time)
