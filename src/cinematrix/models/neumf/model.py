"""NeuMF: factors multiplied, and a net over factors, side by side, for lists."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.data.training_data import TrainingData
from cinematrix.models.base import Abilities, Ordering, Recommender, Training
from cinematrix.models.components.calibration import UNCALIBRATED, Calibration
from cinematrix.models.components.mlp import ACTIVATIONS, MLP, Float32
from cinematrix.models.neumf.settings import NeuMFSettings

if TYPE_CHECKING:
    pass


class NeuMF(Recommender):
    """The logit of watching is a weighted product of embeddings plus a net over two others (He et al. 2017, eq. 12).

        logit = h · (p ∘ q) + MLP(p′, q′)

    It learns by cross-entropy of watched movies against some drawn by a power of their popularity, as Mikolov et al.
    (2013) draw words. What that power says needn't be learned, and is added to the logit for a list. Any rating is an
    interaction and counts alike: this model ranks and has no stars. A known user has her trained embeddings (p, p′). A
    stranger's are found by `STEPS` steps of Gauss and Newton on the same loss, her history against a fixed sample of
    movies, around the mean user and as far from her as users lie apart.

    `predict` is the chance that a tenth put aside holds a movie: of the score, by a slope and an offset that the pilot
    finds (`chances`). A movie that the model doesn't know is never watched.
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
        self._take(pilot[0])
        self.mean = self.users.mean(axis=0)
        self.calibration = Calibration.fitted(self.score(pilot[1]), *pilot[1:])
        self._take(weights)
        share = np.exp(self.popular, dtype=np.float64)
        size = min(self.SAMPLE, n_movies)
        self.sample = np.random.default_rng(s.seed).choice(n_movies, size, replace=False, p=share / share.sum())
        trained_users = self.users[np.unique(ratings.user)]
        self.mean = trained_users.mean(axis=0)
        self.ridge = np.array([1 / max(float(trained_users.var(axis=0).mean()), 1e-3)])

    def _take(self, weights: Mapping[str, NDArray[Any]]) -> None:
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
        """Of pairs of rows, or of one user and all rows, without their popularity. `[n]`."""
        d, n = len(self.product), len(movies)
        both = np.hstack([np.broadcast_to(users[:, d:], (n, d)), movies[:, d:]])
        products = (users[:, :d] * movies[:, :d]) @ self.product
        return np.asarray(products + self.net(both)[:, 0], np.float32)

    def _slopes(self, user: Float32, movies: Float32) -> tuple[Float32, Float32]:
        """The logits of one user, `[n]`, and their derivatives by her embeddings, `[n, 2 × factors]`."""
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
        """Trained embeddings of known users, strangers' folded in. `[n, 2 × factors]`."""
        vectors = np.tile(self.mean, (len(histories), 1))
        strange = self.data.needs_fold_in(histories)
        if histories.owners is not None:
            vectors[~strange] = self.users[histories.owners[~strange]]
        for row in np.flatnonzero(strange & (histories.counts > 0)).tolist():
            vectors[row] = self._folded(histories.items_of(row))
        return vectors

    def _folded(self, watched: Numbers) -> Float32:
        """The embeddings that explain a history best: penalised cross-entropy by Gauss and Newton, steps halved."""
        others = np.setdiff1d(self.sample, watched)
        movies = self.movies[np.concatenate([watched, others])]
        wanted = np.repeat(np.array([1, 0], np.float32), [len(watched), len(others)])
        each = np.where(wanted > 0, 1, self.settings.negatives * len(watched) / max(len(others), 1)).astype(np.float32)
        user, ridge = self.mean.copy(), np.float32(self.ridge[0])

        def loss(at: Float32) -> float:
            logits = self._logits(at[None], movies)
            missed = np.logaddexp(0, logits) - wanted * logits
            return float(each @ missed + ridge * np.sum((at - self.mean) ** 2) / 2)

        for _ in range(self.STEPS):
            logits, slopes = self._slopes(user, movies)
            chance = ACTIVATIONS["sigmoid"](logits)
            curved = slopes.T @ (slopes * (each * chance * (1 - chance))[:, None])
            downhill = slopes.T @ (each * (wanted - chance)) - ridge * (user - self.mean)
            step = np.linalg.solve(curved + ridge * np.eye(len(user), dtype=np.float32), downhill).astype(np.float32)
            now = loss(user)
            shares = (np.float32(0.5**n) for n in range(6))
            user = next((user + share * step for share in shares if loss(user + share * step) < now), user)
        return np.asarray(user, np.float32)

    def vectors(self) -> NDArray[np.float32]:
        return self.movies

    def arrays(self) -> dict[str, NDArray[Any]]:
        tables = {"users": self.users, "movies": self.movies, "product": self.product, "mean": self.mean}
        more = {
            "ridge": self.ridge,
            "sample": self.sample,
            "popular": self.popular,
            "calibration": self.calibration.array(),
        }
        return tables | more | self.net.arrays("net.")

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(settings)
        model.data = data
        model._take(arrays)
        model.mean, model.ridge = arrays["mean"], arrays["ridge"]
        model.sample, model.calibration = arrays["sample"], Calibration.from_array(arrays.get("calibration"))
        return model
