"""Cinematrix and its peers on the same split: the error of predicted ratings, and the time.

    pip install 'cinematrix[train,peers]'
    python benchmarks/peers.py [--data FOLDER …] [--seeds 1] [--only MODEL …]

By default the data set that `cinematrix demo` would take. Each training runs in a process of its own, on one thread.
Writes its tables into benchmarks/RESULTS.md.

Peers: Surprise's SVD (biased matrix factorization by SGD) with its defaults and tuned on a tenth of the training
ratings; myFM (Bayesian factorization machines by Gibbs sampling; regression and ordered probit) with the features of
its own MovieLens example: user and movie, each user's movies, each movie's raters, and genres and years.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix import splits
from cinematrix.catalog import Catalog
from cinematrix.content import features
from cinematrix.datasets import default
from cinematrix.histories import Histories
from cinematrix.importers import read
from cinematrix.metrics import mae, rmse
from cinematrix.ratings import Ratings
from measures import child, peak_megabytes
from results import markdown, mean, put

OWN = ("bias", "deep-mf")
RANK, ITERATIONS = 10, 300
SVD_TRIALS = 30

Stars = NDArray[np.float32]


def main() -> None:
    """Measure everything and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, nargs="+", default=[])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=[*OWN, *PEERS], default=[*OWN, *PEERS])
    parser.add_argument("--fit", nargs=3, metavar=("FOLDER", "PEER", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit:
        print(json.dumps(fit(Path(options.fit[0]), options.fit[1], int(options.fit[2]))))
        return
    folders = options.data or [default().path]
    put([compared(folder, options.only, options.seeds) for folder in folders])


def compared(folder: Path, models: list[str], seeds: int) -> str:
    """A table of all on one data set."""
    rows = []
    for model in models:
        script = "bars.py" if model in OWN else "peers.py"
        runs = [child(script, "--fit", str(folder), model, str(seed)) for seed in range(seeds)]
        digits = {"rmse": 4, "mae": 4, "seconds": 1, "megabytes": 0}
        rows.append([f"`{model}`", *(f"{mean(run[name] for run in runs):.{n}f}" for name, n in digits.items())])
    table = markdown(["model", "RMSE", "MAE", "training s", "peak MB"], rows)
    return f"## Peers on `{folder.name}`, random split 42\n\n{table}\n\n" + (
        f"Means over seeds 0 to {seeds - 1} of the training. The time of a peer includes predicting, "
        "and that of the tuned SVD its search for settings."
    )


def fit(folder: Path, peer: str, seed: int) -> dict[str, float]:
    """Train one peer on the random split, measure it, and its time and memory."""
    os.environ["TQDM_DISABLE"] = "1"  # myFM's progress bar
    dataset = read(folder)
    cut = splits.random(dataset.ratings)
    catalog = (dataset.catalog or Catalog.empty(cut.train.movies)).align(cut.train.movies)
    truth, scale = cut.test.stars(peer)
    started = time.perf_counter()
    predicted = scale.clip(PEERS[peer](cut.train, cut.test, catalog, seed))
    seconds = time.perf_counter() - started
    errors = {"rmse": rmse(truth, predicted), "mae": mae(truth, predicted)}
    return {**errors, "seconds": seconds, "megabytes": peak_megabytes()}


def surprise_svd(train: Ratings, test: Ratings, _: Catalog, seed: int, **settings: Any) -> Stars:
    """Surprise's SVD."""
    from surprise import SVD, Dataset, Reader

    stars, scale = train.stars("SVD")
    data = Dataset(Reader(rating_scale=(scale.low, scale.high)))
    rows = zip(train.user.tolist(), train.movie.tolist(), stars.tolist(), strict=True)
    model = SVD(random_state=seed, **settings).fit(data.construct_trainset([(*row, None) for row in rows]))
    pairs = zip(test.user.tolist(), test.movie.tolist(), strict=True)
    return np.array([model.predict(user, movie).est for user, movie in pairs], np.float32)


def surprise_svd_tuned(train: Ratings, test: Ratings, catalog: Catalog, seed: int) -> Stars:
    """Surprise's SVD with the best of some random settings on a tenth of the training ratings."""
    cut, rng = splits.random(train, 0.1, seed), np.random.default_rng(seed)
    truth = cut.test.stars("SVD")[0]

    def drawn() -> dict[str, float]:
        return {
            "n_factors": int(rng.choice([20, 50, 100, 200])),
            "n_epochs": int(rng.choice([20, 40, 80])),
            "lr_all": float(rng.choice([0.002, 0.005, 0.01])),
            "reg_all": float(rng.choice([0.02, 0.05, 0.1, 0.2])),
        }

    trials = [drawn() for _ in range(SVD_TRIALS)]
    best = min(trials, key=lambda trial: rmse(truth, surprise_svd(cut.train, cut.test, catalog, seed, **trial)))
    return surprise_svd(train, test, catalog, seed, **best)


def myfm_regression(train: Ratings, test: Ratings, catalog: Catalog, seed: int) -> Stars:
    """myFM with a normal likelihood."""
    from myfm import MyFMRegressor

    sides = Sides(train, catalog)
    model = MyFMRegressor(rank=RANK, random_seed=seed)
    model.fit(None, train.stars("myFM")[0], sides.blocks(train), n_iter=ITERATIONS, group_shapes=sides.groups)
    return np.asarray(model.predict(None, sides.blocks(test)), np.float32)


def myfm_ordered(train: Ratings, test: Ratings, catalog: Catalog, seed: int) -> Stars:
    """myFM with ordered probit: the expectation over the levels that occur."""
    from myfm import MyFMOrderedProbit

    sides = Sides(train, catalog)
    levels, place = np.unique(train.stars("myFM")[0], return_inverse=True)
    model = MyFMOrderedProbit(rank=RANK, random_seed=seed)
    model.fit(None, place, sides.blocks(train), n_iter=ITERATIONS, group_shapes=sides.groups)
    return np.asarray(model.predict_proba(None, sides.blocks(test)) @ levels, np.float32)


class Sides:
    """The features of users and movies for myFM, each family with a prior of its own."""

    def __init__(self, train: Ratings, catalog: Catalog) -> None:
        users, movies = len(train.users), len(train.movies)
        content, genres = features(catalog), len(catalog.genres)
        of_user = [sparse.identity(users), seen(train.by_user, movies)]
        of_movie = [sparse.identity(movies), seen(train.by_movie, users), content[:, :genres], content[:, genres:]]
        self.user, self.movie = (sparse.hstack(part, format="csr", dtype=np.float64) for part in (of_user, of_movie))
        self.groups = [family.shape[1] for family in (*of_user, *of_movie)]

    def blocks(self, ratings: Ratings) -> list[Any]:
        """The features of each rating's user and movie."""
        from myfm import RelationBlock

        return [RelationBlock(ratings.user, self.user), RelationBlock(ratings.movie, self.movie)]


def seen(histories: Histories, n_items: int) -> sparse.csr_matrix:
    """Which items are in each history, over the root of their number."""
    norm = 1 / np.sqrt(np.maximum(histories.counts, 1))
    return sparse.diags(norm) @ histories.matrix(n_items)


PEERS: dict[str, Callable[[Ratings, Ratings, Catalog, int], Stars]] = {
    "surprise-svd": surprise_svd,
    "surprise-svd-tuned": surprise_svd_tuned,
    "myfm-regression": myfm_regression,
    "myfm-ordered": myfm_ordered,
}
"""Each a function of training ratings, tested pairs, catalog and seed."""


if __name__ == "__main__":
    main()
