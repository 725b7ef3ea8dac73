"""Cornac's Mult-VAE and NeuMF for `peers.py`, on the same split."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.ratings import Ratings

Stars = NDArray[np.float32]


def vae(train: Ratings, seed: int, **settings: Any) -> Stars:
    """Return the scores of Cornac's variational autoencoder with the multinomial likelihood."""
    from cornac.models import VAECF

    return _scores(VAECF(likelihood="mult", seed=seed, **settings), train, seed)


def neumf(train: Ratings, seed: int, **settings: Any) -> Stars:
    """Return the scores of Cornac's NeuMF (PyTorch).

    `layers` are widths: the first of the two embeddings side by side, the last of the factors.
    """
    from cornac.models import NeuMF

    factors = settings["layers"][-1]
    return _scores(NeuMF(num_factors=factors, backend="pytorch", verbose=False, seed=seed, **settings), train, seed)


def _scores(model: Any, train: Ratings, seed: int) -> Stars:
    """Fit a model, every rating an interaction; return its scores of all users and movies, −∞ where missing."""
    from cornac.data import Dataset

    triples = zip(train.user.tolist(), train.movie.tolist(), [1.0] * len(train), strict=True)
    data = Dataset.from_uir(list(triples), seed=seed)
    model.fit(data)
    scores = np.full((len(train.users), len(train.movies)), -np.inf, np.float32)
    movies = np.array(list(data.iid_map))
    for user, row in data.uid_map.items():
        scores[user, movies] = model.score(row)
    return scores
