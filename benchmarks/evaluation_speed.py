"""Measure time and memory of an evaluation, beyond the model and the data, for growing numbers of users.

    python benchmarks/evaluation_speed.py [--users 610 20000] [--movies 9724]

The model scores by 64 random factors, which costs about as much as a factorization. Users have 100 ratings each, a
fifth of them tested. The peak is from a second, traced run. Prints one line of JSON per number of users.
"""

import argparse
import json
import time
import tracemalloc

import numpy as np
from numpy.typing import NDArray

from cinematrix.data import splits
from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.evaluation.evaluate import evaluate
from cinematrix.metrics.top_n import top_n
from cinematrix.models.contract_types import Ordering
from cinematrix.models.popular import Popular


class RandomFactors(Popular):
    """A model whose user vectors are sums of the movies' random vectors; stars are Popular's."""

    FACTORS = 64

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        n_movies = len(self.data.movies)
        factors = np.random.default_rng(0).random((n_movies, self.FACTORS), np.float32)
        scores: NDArray[np.float32] = (histories.matrix(n_movies) @ factors) @ factors.T
        return scores


def main() -> None:
    """Measure each number of users."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, nargs="+", default=[610, 20_000])
    parser.add_argument("--movies", type=int, default=9_724)
    options = parser.parse_args()
    for n_users in options.users:
        print(json.dumps(measure(n_users, options.movies)), flush=True)


def measure(n_users: int, n_movies: int) -> dict[str, float]:
    """Measure seconds and megabytes of one evaluation, and seconds of the sorter alone."""
    split = splits.random(made_up(n_users, n_movies))
    model = RandomFactors().fit(split.train)
    started = time.perf_counter()
    evaluate(model, split.test, by="ranking")
    seconds = time.perf_counter() - started
    tracemalloc.start()
    evaluate(model, split.test, by="ranking")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {
        "users": n_users,
        "movies": n_movies,
        "tested": len(split.test),
        "evaluate_seconds": round(seconds, 2),
        "peak_megabytes": round(peak / 1e6, 1),
        "top_20_seconds": round(sorting(n_users, n_movies), 2),
    }


def made_up(n_users: int, n_movies: int) -> Ratings:
    """Return 100 random ratings per user, popular movies more often."""
    generator = np.random.default_rng(1)
    users = np.repeat(np.arange(n_users), 100)
    movies = (n_movies * generator.random(len(users)) ** 3).astype(np.int64)
    return Ratings.from_arrays(users, movies, generator.integers(1, 11, len(users)) / 2)


def sorting(n_users: int, n_movies: int, at_once: int = 610) -> float:
    """Measure the seconds for selecting the best 20 movies of all users from given scores."""
    scores = np.random.default_rng(2).random((at_once, n_movies), np.float32)
    started = time.perf_counter()
    for start in range(0, n_users, at_once):
        top_n(scores[: n_users - start], 20)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
