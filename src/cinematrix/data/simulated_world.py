"""Simulated world of users and movies with known parameters, from which ratings are drawn.

Users and movies have biases and latent factors; a movie's factors depend in part on its genres. Users watch movies
released before their first rating, and prefer popular movies and movies to their taste. A rating is
`mean + user bias + movie bias + user factors · movie factors + noise`, rounded to the scale. So the best RMSE that
any model can reach (`GroundTruth.noise_floor`) is known.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtr

from cinematrix.common.durations import DAY_SECONDS
from cinematrix.common.progress import Progress
from cinematrix.data.ratings import Scale
from cinematrix.errors import SettingError

GENRES = (
    *("Action", "Adventure", "Animation", "Children", "Comedy", "Crime", "Documentary", "Drama", "Fantasy"),
    *("Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
)

BATCH_RATINGS = 1 << 23
"""Maximum users × movies in memory at a time, about 100 MB."""

_YEAR = 365.2425 * DAY_SECONDS


@dataclass(frozen=True)
class SimulationSettings:
    """Settings of a simulated world.

    Attributes:
        users, movies, ratings: number of each; (user, movie) pairs are distinct.
        factors: number of latent factors of each user and movie.
        seed: random seed; the same settings give the same world.
        noise: standard deviation of the unpredictable part of a rating, in stars.
        spread: standard deviation of the factors' part of a rating, in stars; that of each bias is half of it.
        taste: strength of users' preference for movies to their taste; 0: popularity alone decides.
        tail: exponent by which popularity falls with rank; 0: all movies are equally popular.
        genre_share: share of the variance of a movie's factors that comes from its genres, 0…1.
        low, high, step: rating scale, in stars.
        since, years: first year with ratings, and number of years with ratings.
    """

    users: int = 6000
    movies: int = 4000
    ratings: int = 1_000_000
    factors: int = 8
    seed: int = 0
    noise: float = 0.8
    spread: float = 0.6
    taste: float = 1.0
    tail: float = 0.9
    genre_share: float = 0.6
    low: float = 0.5
    high: float = 5.0
    step: float = 0.5
    since: int = 2000
    years: int = 20

    def __post_init__(self) -> None:
        minimum: dict[str, float] = {
            "users": 1,
            "movies": 1,
            "ratings": self.users,
            "factors": 1,
            "noise": 0,
            "years": 1,
        }
        minimum |= {"spread": 0, "taste": 0, "tail": 0, "genre_share": 0, "seed": 0, "since": 1900}
        maximum = {"genre_share": 1, "tail": 3, "taste": 10}
        for name, low in minimum.items():
            if not low <= getattr(self, name) <= maximum.get(name, np.inf):
                upper = f" and at most {maximum[name]}" if name in maximum else ""
                raise SettingError(f"{name} {getattr(self, name)} must be at least {low}{upper}")
        if self.ratings > self.users * self.movies // 2:
            raise SettingError(f"ratings {self.ratings:,} must be at most half of users × movies; raise one of them")
        if not (self.step > 0 and self.low + self.step <= self.high):
            raise SettingError(f"step {self.step:g} must be above 0 and fit between low and high")


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """Parameters that the ratings were drawn from.

    Attributes:
        user_ids, movie_ids: int64 `[n]`, the IDs in the files, in the order of the rows below.
        mean: rating of an average movie by an average user, before rounding.
        user_bias, movie_bias: float32 `[n]`, in stars.
        user_factors, movie_factors: float32 `[n, factors]`.
        noise_floor: RMSE of the best possible prediction.
    """

    user_ids: NDArray[np.int64]
    movie_ids: NDArray[np.int64]
    mean: float
    user_bias: NDArray[np.float32]
    movie_bias: NDArray[np.float32]
    user_factors: NDArray[np.float32]
    movie_factors: NDArray[np.float32]
    noise_floor: float

    @classmethod
    def load(cls, folder: str | PathLike[str]) -> "GroundTruth":
        """Read the ground truth of a simulated data set from its folder."""
        with np.load(Path(folder) / "truth.npz", allow_pickle=False) as arrays:
            columns: dict[str, Any] = {name: array if array.ndim else float(array) for name, array in arrays.items()}
        return cls(**columns)


class SimulatedWorld:
    """Parameters of simulated users and movies, from which ratings are drawn batch by batch."""

    def __init__(self, settings: SimulationSettings) -> None:
        self.settings = s = settings
        rng, self._batch_seeds = np.random.default_rng([s.seed, 0]), np.random.SeedSequence([s.seed, 1])
        self.user_ids = rng.permutation(s.users).astype(np.int64) + 1
        self.movie_ids = np.sort(rng.choice(4 * s.movies, s.movies, replace=False)).astype(np.int64) + 1
        size = np.sqrt(s.spread / np.sqrt(s.factors))  # so that the dot product has the standard deviation `spread`
        self.user_factors = self._normal(rng, s.users, s.factors) * np.float32(size)
        self.genres = self._draw_genres(rng)
        self.movie_factors = self._movie_factors(rng) * np.float32(size)
        self.user_bias = self._normal(rng, s.users) * np.float32(s.spread / 2)
        self.movie_bias = self._normal(rng, s.movies) * np.float32(s.spread / 2)
        self.mean = s.low + 0.55 * (s.high - s.low)
        rank = rng.permutation(s.movies)
        self.log_popularity = (-s.tail * np.log(rank + 5.0)).astype(np.float32)
        self.release = self._draw_release(rng)
        self.start = s.since + s.years * rng.random(s.users)
        self.n_ratings = self._draw_activity(rng)
        self._scale = Scale(s.low, s.high, s.step)
        self._variances: list[NDArray[np.float64]] = []

    @staticmethod
    def _normal(rng: np.random.Generator, *shape: int) -> NDArray[np.float32]:
        return rng.standard_normal(shape, np.float32)

    def _draw_genres(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Draw one to three genres a movie, some genres more often than others. bool `[movies, len(GENRES)]`."""
        frequency = rng.dirichlet(np.full(len(GENRES), 2.0))
        race = rng.standard_exponential((self.settings.movies, len(GENRES))) / frequency
        return race.argsort(axis=1).argsort(axis=1) < rng.integers(1, 4, (self.settings.movies, 1))

    def _movie_factors(self, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw standard normal factors, `genre_share` of their variance from the genres."""
        s = self.settings
        directions = self._normal(rng, len(GENRES), s.factors)
        of_genres = self.genres @ directions / np.sqrt(self.genres.sum(axis=1, keepdims=True))
        own = self._normal(rng, s.movies, s.factors)
        return np.asarray(np.sqrt(s.genre_share) * of_genres + np.sqrt(1 - s.genre_share) * own, np.float32)

    def _draw_release(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw fractional release years, four fifths of them before the first rating."""
        s = self.settings
        before = s.since - rng.gamma(1.5, 10.0, s.movies).clip(0, 80)
        later = rng.permutation(s.movies) < s.movies // 5
        return np.where(later, s.since + s.years * rng.random(s.movies), before)

    def _draw_activity(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw each user's number of ratings: long-tailed, from 1 to the movies released by then, `ratings` in all."""
        s = self.settings
        maximum = np.searchsorted(np.sort(self.release), self.start, side="right")
        weight = rng.lognormal(0, 1.1, s.users)
        n = np.minimum(maximum, 1 + (weight / weight.sum() * (s.ratings - s.users)).astype(np.int64))
        while missing := s.ratings - int(n.sum()):
            room = np.flatnonzero(n < maximum)
            n[rng.choice(room, min(missing, len(room)), replace=False)] += 1
        return np.asarray(n, np.int64)

    def batches(self, progress: Progress | None) -> Iterator[pl.DataFrame]:
        """Yield the ratings of some users at a time; each batch has its own seed."""
        s = self.settings
        step = max(1, BATCH_RATINGS // s.movies)
        starts = range(0, s.users, step)
        for start, seed in zip(starts, self._batch_seeds.spawn(len(starts)), strict=True):
            batch = self._batch(np.arange(start, min(start + step, s.users)), np.random.default_rng(seed))
            if progress:
                progress.advance(len(batch))
            yield batch

    def _batch(self, users: NDArray[np.int64], rng: np.random.Generator) -> pl.DataFrame:
        n = self.n_ratings[users]
        user, movie = np.repeat(users, n), self._draw_movies(users, rng)
        stars = self._expectation(user, movie)
        self._variances.append(self._variance(stars[:: max(1, len(stars) // 4096)]))
        stars = self._round(stars + self.settings.noise * rng.standard_normal(len(stars)))
        columns = {"userId": self.user_ids[user], "movieId": self.movie_ids[movie], "rating": stars}
        return pl.DataFrame({**columns, "timestamp": self._times(user, n, rng)})

    def _draw_movies(self, users: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw the movies of each user without replacement, by an exponential race.

        The first k arrivals at rates w are a draw without replacement with probabilities proportional to w
        (Efraimidis and Spirakis, 2006).
        """
        rate = self.user_factors[users] @ self.movie_factors.T
        rate *= np.float32(self.settings.taste / max(self.settings.spread, 1e-6))
        rate += self.log_popularity
        np.exp(rate, out=rate)
        rate[self.release > self.start[users, None]] = 0
        with np.errstate(divide="ignore", invalid="ignore"):
            arrival = np.divide(rng.standard_exponential(rate.shape, np.float32), rate, out=rate)
        picks = [np.argpartition(row, k - 1)[:k] for row, k in zip(arrival, self.n_ratings[users], strict=True)]
        return np.concatenate(picks)

    def _expectation(self, user: NDArray[np.int64], movie: NDArray[np.int64]) -> NDArray[np.float32]:
        dot = np.einsum("nf,nf->n", self.user_factors[user], self.movie_factors[movie])
        expected: NDArray[np.float32] = self.mean + self.user_bias[user] + self.movie_bias[movie] + dot
        return expected

    def _round(self, stars: NDArray[Any]) -> NDArray[np.float32]:
        s = self.settings
        return self._scale.clip(s.low + np.round((stars - s.low) / s.step) * s.step)

    def _variance(self, expected: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the variance of the noisy, rounded rating at each expectation: the unpredictable part."""
        levels = self._scale.levels().astype(np.float64)
        cuts = (levels[:-1] + levels[1:]) / 2
        if not self.settings.noise:
            return np.zeros(len(expected))
        below = ndtr((cuts - expected[:, None]) / self.settings.noise)
        probability = np.diff(below, axis=1, prepend=0, append=1)
        variance: NDArray[np.float64] = probability @ levels**2 - (probability @ levels) ** 2
        return variance

    def _times(self, user: NDArray[np.int64], n: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw rating times in epoch seconds: about one a minute from a user's start on, with rare pauses of days."""
        pauses = np.where(rng.random(len(user)) < 0.02, rng.exponential(1e6, len(user)), 0)
        gaps = rng.exponential(60, len(user)) + pauses
        total = np.cumsum(gaps)
        first = np.repeat(np.cumsum(n) - n, n)
        return ((self.start[user] - 1970) * _YEAR + total - total[first]).astype(np.int64)

    def catalog(self) -> pl.DataFrame:
        """Return the movies in the columns of MovieLens' movies.csv."""
        movies = zip(self.movie_ids.tolist(), self.release.tolist(), strict=True)
        names = [f"Simulated Movie {id_} ({int(year)})" for id_, year in movies]
        genres = ["|".join(np.array(GENRES)[row]) for row in self.genres]
        return pl.DataFrame({"movieId": self.movie_ids, "title": names, "genres": genres})

    def truth(self) -> GroundTruth:
        """Return the ground truth; call it after all batches are drawn, because the noise floor depends on them."""
        floor = float(np.sqrt(np.concatenate(self._variances).mean()))
        return GroundTruth(
            self.user_ids, self.movie_ids, self.mean, self.user_bias, self.movie_bias,
            self.user_factors, self.movie_factors, floor,
        )  # fmt: skip
