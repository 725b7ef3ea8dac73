"""Other recommenders for `peers.py`: each predicts the test ratings, or scores movies for lists."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

import peer_cornac
import peer_lenskit
from cinematrix.data import splits
from cinematrix.data.catalog import Catalog
from cinematrix.data.features import movie_features
from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.metrics.accuracy import rmse

RANK, ITERATIONS = 10, 300
"""Rank and sampling iterations of myFM."""
SVD_TRIALS = 30
"""Random settings tried for Surprise's SVD."""

Stars = NDArray[np.float32]


def implicit_als(train: Ratings, seed: int, **settings: Any) -> Stars:
    """Return scores of implicit's ALS."""
    from implicit.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(iterations=10, random_state=seed, **settings)
    model.fit(train.by_user.matrix(len(train.movies)), show_progress=False)
    return np.asarray(model.user_factors @ model.item_factors.T, np.float32)


def surprise_svd(train: Ratings, test: Ratings, _: Catalog, seed: int, **settings: Any) -> Stars:
    """Return predictions of Surprise's SVD."""
    from surprise import SVD

    return surprise(SVD(random_state=seed, **settings), train, test)


def surprise(model: Any, train: Ratings, test: Ratings) -> Stars:
    """Fit one of Surprise's models and predict the test pairs."""
    from surprise import Dataset, Reader

    stars, scale = train.stars("Surprise")
    data = Dataset(Reader(rating_scale=(scale.low, scale.high)))
    rows = zip(train.user.tolist(), train.movie.tolist(), stars.tolist(), strict=True)
    model.fit(data.construct_trainset([(*row, None) for row in rows]))
    pairs = zip(test.user.tolist(), test.movie.tolist(), strict=True)
    return np.array([model.predict(user, movie).est for user, movie in pairs], np.float32)


def surprise_svd_tuned(train: Ratings, test: Ratings, catalog: Catalog, seed: int) -> Stars:
    """Return predictions of Surprise's SVD with the best of random settings on a tenth of the training ratings."""
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


def surprise_svd_pp(train: Ratings, test: Ratings, _: Catalog, seed: int) -> Stars:
    """Return predictions of Surprise's SVD++."""
    from surprise import SVDpp

    return surprise(SVDpp(random_state=seed), train, test)


def surprise_item_knn(train: Ratings, test: Ratings, _: Catalog, seed: int) -> Stars:
    """Return predictions of Surprise's item neighbourhoods over baselines, with the similarity that it recommends."""
    from surprise import KNNBaseline

    similarity = {"name": "pearson_baseline", "user_based": False}
    return surprise(KNNBaseline(sim_options=similarity, verbose=False), train, test)


def myfm_plain(train: Ratings, test: Ratings, _: Catalog, seed: int) -> Stars:
    """Return predictions of myFM with a normal likelihood, from user and movie alone."""
    from myfm import MyFMRegressor

    def pairs(ratings: Ratings) -> sparse.csr_matrix:
        columns = np.stack([ratings.user, len(ratings.users) + ratings.movie], axis=1)
        starts = np.arange(0, 2 * len(ratings) + 1, 2)
        width = len(ratings.users) + len(ratings.movies)
        return sparse.csr_matrix((np.ones(columns.size), columns.reshape(-1), starts), (len(ratings), width))

    model = MyFMRegressor(rank=RANK, random_seed=seed)
    shapes = [len(train.users), len(train.movies)]
    model.fit(pairs(train), train.stars("myFM")[0], n_iter=ITERATIONS, group_shapes=shapes)
    return np.asarray(model.predict(pairs(test)), np.float32)


def myfm_regression(train: Ratings, test: Ratings, catalog: Catalog, seed: int) -> Stars:
    """Return predictions of myFM with a normal likelihood."""
    from myfm import MyFMRegressor

    sides = Sides(train, catalog)
    model = MyFMRegressor(rank=RANK, random_seed=seed)
    model.fit(None, train.stars("myFM")[0], sides.blocks(train), n_iter=ITERATIONS, group_shapes=sides.groups)
    return np.asarray(model.predict(None, sides.blocks(test)), np.float32)


def myfm_ordered(train: Ratings, test: Ratings, catalog: Catalog, seed: int) -> Stars:
    """Return predictions of myFM with ordered probit: the expectation over the levels that occur."""
    from myfm import MyFMOrderedProbit

    sides = Sides(train, catalog)
    levels, place = np.unique(train.stars("myFM")[0], return_inverse=True)
    model = MyFMOrderedProbit(rank=RANK, random_seed=seed)
    model.fit(None, place, sides.blocks(train), n_iter=ITERATIONS, group_shapes=sides.groups)
    return np.asarray(model.predict_proba(None, sides.blocks(test)) @ levels, np.float32)


class Sides:
    """Features of users and movies for myFM, each family with its own prior."""

    def __init__(self, train: Ratings, catalog: Catalog) -> None:
        users, movies = len(train.users), len(train.movies)
        content, genres = movie_features(catalog), len(catalog.genres)
        of_user = [sparse.identity(users), seen(train.by_user, movies)]
        of_movie = [sparse.identity(movies), seen(train.by_movie, users), content[:, :genres], content[:, genres:]]
        self.user, self.movie = (sparse.hstack(part, format="csr", dtype=np.float64) for part in (of_user, of_movie))
        self.groups = [family.shape[1] for family in (*of_user, *of_movie)]

    def blocks(self, ratings: Ratings) -> list[Any]:
        """Return the features of each rating's user and movie."""
        from myfm import RelationBlock

        return [RelationBlock(ratings.user, self.user), RelationBlock(ratings.movie, self.movie)]


def seen(histories: Histories, n_items: int) -> sparse.csr_matrix:
    """Return the matrix of items in each history, divided by the root of their number."""
    norm = 1 / np.sqrt(np.maximum(histories.counts, 1))
    return sparse.diags(norm) @ histories.matrix(n_items)


PEERS: dict[str, Callable[[Ratings, Ratings, Catalog, int], Stars]] = {
    "surprise-svd": surprise_svd,
    "surprise-svd-tuned": surprise_svd_tuned,
    "surprise-svd++": surprise_svd_pp,
    "surprise-item-knn": surprise_item_knn,
    "lenskit-biased-mf": peer_lenskit.biased_mf,
    "lenskit-item-knn": peer_lenskit.item_knn,
    "myfm-plain": myfm_plain,
    "myfm-regression": myfm_regression,
    "myfm-ordered": myfm_ordered,
}
"""Peers that predict stars, as functions of training ratings, tested pairs, catalog and seed."""

RANKERS: dict[str, tuple[Callable[..., Stars], list[dict[str, Any]]]] = {
    "implicit-als": (
        implicit_als,
        [
            {"factors": factors, "regularization": ridge, "alpha": alpha}
            for factors in (64, 128)
            for ridge in (1.0, 10.0, 30.0)
            for alpha in (3.0, 10.0)
        ],
    ),
    "lenskit-implicit-mf": (
        peer_lenskit.implicit_mf,
        [
            {"embedding_size": factors, "regularization": ridge, "weight": weight}
            for factors in (64, 128)
            for ridge in (1.0, 10.0, 30.0)
            for weight in (3.0, 10.0)
        ],
    ),
    "lenskit-ease": (peer_lenskit.ease, [{"regularization": 200.0}]),
    "cornac-vae": (
        peer_cornac.vae,
        [
            {"k": factors, "autoencoder_structure": [width], "beta": beta, "n_epochs": epochs}
            for factors, width in ((50, 200), (100, 300))
            for beta in (0.2, 1.0)
            for epochs in (25, 50)
        ],
    ),
    "cornac-neumf": (
        peer_cornac.neumf,
        [
            {"layers": layers, "num_epochs": epochs, "reg": decay}
            for layers in ((64, 32, 16, 8), (64, 32, 16))
            for decay in (0.0, 1e-5)
            for epochs in (5, 10)
        ],
    ),
}
"""Peers that only make lists: a function of training ratings, seed and settings, and the settings to choose from.

EASE has the usual ridge for sets of this size: one training of it takes longer than all others together.
"""
