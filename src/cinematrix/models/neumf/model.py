"""NeuMF: a product of embeddings and a net over embeddings, added up to rank movies."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.data.training_data import TrainingData
from cinematrix.models.base import Recommender
from cinematrix.models.components.calibration import UNCALIBRATED, Calibration
from cinematrix.models.components.mlp import ACTIVATIONS, MLP, Float32
from cinematrix.models.contract_types import Abilities, Ordering, Training
from cinematrix.models.neumf.settings import NeuMFSettings


class NeuMF(Recommender):
    """The logit of watching is a weighted product of embeddings plus a net over two others (He et al. 2017, eq. 12).

        logit = h · (p ∘ q) + MLP(p′, q′)

    It learns by cross-entropy of watched movies against movies drawn by a power of their popularity, as Mikolov et al.
    (2013) draw words. The part of the popularity needn't be learned and is added to the logit for a list. Any rating is
    an interaction and counts alike: this model ranks and doesn't predict ratings. A training user has trained
    embeddings (p, p′). Those of a new user are found by `STEPS` Gauss–Newton steps on the same loss, the history
    against a fixed sample of movies, with a prior of the trained users' mean and variance.

    `predict` is the probability that a held-out tenth holds a movie. It is the score, calibrated by a slope and an
    offset from the pilot (`calibration`). The probability of an unknown movie is 0.
    """

    name: ClassVar[str] = "neumf"
    abilities: ClassVar[Abilities] = Abilities(stars=False, interactions=True, vectors=True, trains_with="torch")
    Settings = NeuMFSettings
    settings: NeuMFSettings
    STEPS: ClassVar[int] = 8
    SAMPLE: ClassVar[int] = 512
    calibration: Calibration = UNCALIBRATED

    def learn(self, training: Training) -> None:
        from cinematrix.models.neumf.training import train_neumf

        s, ratings, n_movies = self.settings, training.ratings, len(self.data.movies)
        weights, pilot, self.log["ranking"] = train_neumf(s, n_movies, training)
        self._load_weights(pilot[0])
        self.mean = self.users.mean(axis=0)
        self.calibration = Calibration.fitted(self.score(pilot[1]), *pilot[1:])
        self._load_weights(weights)
        share = np.exp(self.popular, dtype=np.float64)
        size = min(self.SAMPLE, n_movies)
        self.sample = np.random.default_rng(s.seed).choice(n_movies, size, replace=False, p=share / share.sum())
        trained_users = self.users[np.unique(ratings.user)]
        self.mean = trained_users.mean(axis=0)
        self.ridge = np.array([1 / max(float(trained_users.var(axis=0).mean()), 1e-3)])

    def _load_weights(self, weights: Mapping[str, NDArray[Any]]) -> None:
        self.users, self.movies, self.product = weights["users"], weights["movies"], weights["product"]
        self.net, self.popular = MLP.from_arrays(weights, "net.", "relu"), weights["popular"]

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        vectors = self._vectors(histories)
        scores = [self._logits(vector[None], self.movies) + self.popular for vector in vectors]
        return np.stack(scores) if scores else np.zeros((0, len(self.movies)), np.float32)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        scores = self._logits(self._vectors(histories)[rows], self.movies[movies]) + self.popular[movies]
        return np.where(movies == UNKNOWN, np.float32(0), self.calibration(scores))

    def _logits(self, users: Float32, movies: Float32) -> Float32:
        """Return the logits of pairs of rows, or of one user and all rows, without the popularity part. `[n]`."""
        d, n = len(self.product), len(movies)
        both = np.hstack([np.broadcast_to(users[:, d:], (n, d)), movies[:, d:]])
        products = (users[:, :d] * movies[:, :d]) @ self.product
        return np.asarray(products + self.net(both)[:, 0], np.float32)

    def _slopes(self, user: Float32, movies: Float32) -> tuple[Float32, Float32]:
        """Return the logits of one user, `[n]`, and their derivatives by the user's embeddings, `[n, 2 × factors]`."""
        d, n = len(self.product), len(movies)
        x = np.hstack([np.broadcast_to(user[d:], (n, d)), movies[:, d:]])
        slope = np.broadcast_to(np.eye(2 * d, dtype=np.float32)[:d], (n, d, 2 * d))
        for weight, bias in zip(self.net.weights[:-1], self.net.biases[:-1], strict=True):
            x = x @ weight + bias
            slope = (slope @ weight) * (x > 0)[:, None, :]
            x = np.maximum(x, 0)
        by_net = (slope @ self.net.weights[-1])[:, :, 0]
        return self._logits(user[None], movies), np.hstack([movies[:, :d] * self.product, by_net])

    def _vectors(self, histories: Histories) -> Float32:
        """Return each history's embeddings: trained for training users, folded in for others. `[n, 2 × factors]`."""
        vectors = np.tile(self.mean, (len(histories), 1))
        folded_in = self.data.needs_fold_in(histories)
        if histories.owners is not None:
            vectors[~folded_in] = self.users[histories.owners[~folded_in]]
        for row in np.flatnonzero(folded_in & (histories.counts > 0)).tolist():
            vectors[row] = self._fold_in(histories.items_of(row))
        return vectors

    def _fold_in(self, watched: Numbers) -> Float32:
        """Return the embeddings that fit a history best, by penalised cross-entropy: Gauss–Newton with step halving."""
        others = np.setdiff1d(self.sample, watched)
        movies = self.movies[np.concatenate([watched, others])]
        labels = np.repeat(np.array([1, 0], np.float32), [len(watched), len(others)])
        weights = np.where(labels > 0, 1, self.settings.negatives * len(watched) / max(len(others), 1)).astype(
            np.float32
        )
        user, ridge = self.mean.copy(), np.float32(self.ridge[0])

        def loss(at: Float32) -> float:
            logits = self._logits(at[None], movies)
            losses = np.logaddexp(0, logits) - labels * logits
            return float(weights @ losses + ridge * np.sum((at - self.mean) ** 2) / 2)

        for _ in range(self.STEPS):
            logits, slopes = self._slopes(user, movies)
            probability = ACTIVATIONS["sigmoid"](logits)
            curvature = slopes.T @ (slopes * (weights * probability * (1 - probability))[:, None])
            descent = slopes.T @ (weights * (labels - probability)) - ridge * (user - self.mean)
            step = np.linalg.solve(curvature + ridge * np.eye(len(user), dtype=np.float32), descent).astype(np.float32)
            current = loss(user)
            shares = (np.float32(0.5**n) for n in range(6))
            user = next((user + share * step for share in shares if loss(user + share * step) < current), user)
        return np.asarray(user, np.float32)

    def vectors(self) -> NDArray[np.float32]:
        return self.movies

    def arrays(self) -> dict[str, NDArray[Any]]:
        tables = {"users": self.users, "movies": self.movies, "product": self.product, "mean": self.mean}
        others = {
            "ridge": self.ridge,
            "sample": self.sample,
            "popular": self.popular,
            "calibration": self.calibration.array(),
        }
        return tables | others | self.net.arrays("net.")

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(settings)
        model.data = data
        model._load_weights(arrays)
        model.mean, model.ridge = arrays["mean"], arrays["ridge"]
        model.sample, model.calibration = arrays["sample"], Calibration.from_array(arrays.get("calibration"))
        return model
