"""Cornac's nets, as `peers.py` measures them: its Mult-VAE and its NeuMF, over the same split."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.ratings import Ratings

Stars = NDArray[np.float32]


def vae(train: Ratings, seed: int, **settings: Any) -> Stars:
    """Its variational autoencoder, with the multinomial likelihood."""
    from cornac.models import VAECF

    return _scores(VAECF(likelihood="mult", seed=seed, **settings), train, seed)


def neumf(train: Ratings, seed: int, **settings: Any) -> Stars:
    """Its NeuMF by PyTorch; `layers` begins with the two embeddings side by side and ends with the factors."""
    from cornac.models import NeuMF

    factors = settings["layers"][-1]
    return _scores(NeuMF(num_factors=factors, backend="pytorch", verbose=False, seed=seed, **settings), train, seed)


def _scores(model: Any, train: Ratings, seed: int) -> Stars:
    """Of all users and all movies, every rating an interaction; −∞ where it has none."""
    from cornac.data import Dataset

    triples = zip(train.user.tolist(), train.movie.tolist(), [1.0] * len(train), strict=True)
    data = Dataset.from_uir(list(triples), seed=seed)
    model.fit(data)
    scores = np.full((len(train.users), len(train.movies)), -np.inf, np.float32)
    movies = np.array(list(data.iid_map))
    for user, row in data.uid_map.items():
        scores[user, movies] = model.score(row)
    return scores
