"""AutoRec: an autoencoder of the ratings of a movie or of a user."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.training_data import TrainingData
from cinematrix.models.autorec.settings import AutoRecSettings
from cinematrix.models.base import Recommender
from cinematrix.models.components.biases import Biases
from cinematrix.models.components.mlp import ACTIVATIONS, MLP, iterate_pair_blocks
from cinematrix.models.contract_types import Abilities, Ordering, Training


class AutoRec(Recommender):
    """A row of ratings is encoded by one hidden layer and decoded; the decoded row predicts the missing ratings.

        h(r; θ) = W·g(V·r + μ) + b          (Sedhain et al. 2015, eq. 2; g is the sigmoid)

    Rows hold residuals over the biases in standard deviations, 0 where there is no rating. The loss is the squared
    error of the observed ratings. `side="item"` encodes movies, once, at the end of training: a movie is its code
    g(V·r), and a user is the row W_u that turns codes into residuals. A new user is folded in: ridge regression of
    their residuals on the codes of their movies, with the ridge that the trained rows imply (noise / variance).
    `side="user"` encodes users, so that a new user is a forward pass. A movie without ratings has its bias alone.
    """

    name: ClassVar[str] = "autorec"
    abilities: ClassVar[Abilities] = Abilities(stars=True, vectors=True, trains_with="torch")
    Settings = AutoRecSettings
    settings: AutoRecSettings
    ACTIVATION: ClassVar[str] = "sigmoid"
    ROWS: ClassVar[int] = 1024

    def learn(self, training: Training) -> None:
        from cinematrix.models.autorec.training import train_autorec

        net, rows, self.log["stars"] = train_autorec(self.settings, len(self.data.movies), training)
        self.biases, self.sigma = rows.biases, rows.sigma
        if self.settings.side == "user":
            self.net = net
        else:
            self._store_codes(net, rows.matrix(training.ratings))

    def _store_codes(self, net: MLP, rows: sparse.csr_matrix) -> None:
        """Store the movies' codes, centred, the trained users' rows, and the ridge of the fold-in."""
        codes = ACTIVATIONS[self.ACTIVATION](np.asarray(rows @ net.weights[0] + net.biases[0], np.float32))
        self.centre = ACTIVATIONS[self.ACTIVATION](net.biases[0])
        self.codes = np.vstack([codes - self.centre, np.zeros((1, codes.shape[1]), np.float32)])  # the last: UNKNOWN
        self.users, self.offsets = net.weights[1].T.copy(), net.biases[1] + self.centre @ net.weights[1]
        movies, users = rows.nonzero()
        errors = rows.data - (self.codes[movies] * self.users[users]).sum(axis=1) - self.offsets[users]
        noise, variance = float(np.mean(errors**2)), float(self.users[np.unique(users)].var())
        self.ridge = np.array([max(noise, 1e-3) / max(variance, 1e-6)])

    def residuals(self, histories: Histories) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return each history's user bias `[n]`, and its ratings' residuals in standard deviations `[size]`."""
        user, residuals = self.biases.residuals(histories)
        return user, np.asarray(residuals / np.float32(self.sigma), np.float32)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        assert self.data.scale is not None, "AutoRec is fitted on ratings with stars only"
        user, residual = self.residuals(histories)
        stars = self.biases.predict(user[rows], movies)
        if self.settings.side == "item":
            vectors, offsets = self._vectors(histories, residual)
            return self.data.scale.clip(
                stars + np.float32(self.sigma) * ((vectors[rows] * self.codes[movies]).sum(axis=1) + offsets[rows])
            )
        for pairs, block, pair_rows in iterate_pair_blocks(histories, rows, self.ROWS):
            decoded = np.pad(self._decode(block), ((0, 0), (0, 1)))  # the last column is for UNKNOWN (-1)
            stars[pairs] += decoded[pair_rows, movies[pairs]]
        return self.data.scale.clip(stars)

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        user, residual = self.residuals(histories)
        base = np.float32(self.biases.mean) + user[:, None] + self.biases.movie
        if self.settings.side == "user":
            return np.asarray(base + self._decode(histories), np.float32)
        vectors, offsets = self._vectors(histories, residual)
        return np.asarray(base + np.float32(self.sigma) * (vectors @ self.codes[:-1].T + offsets[:, None]), np.float32)

    def _decode(self, histories: Histories) -> NDArray[np.float32]:
        """Return the user-based net's addition to the biases, in stars. `[n, n_movies]`."""
        rows = histories.matrix(len(self.data.movies), self.residuals(histories)[1])
        return np.float32(self.sigma) * self.net(rows)

    def _vectors(
        self, histories: Histories, residual: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the row W_u and the offset of each history: trained for training users, folded in for others."""
        vectors = np.zeros((len(histories), self.codes.shape[1]), np.float32)
        offsets = np.zeros(len(histories), np.float32)
        folded_in = self.data.needs_fold_in(histories)
        if histories.owners is not None:
            owners = histories.owners[~folded_in]
            vectors[~folded_in], offsets[~folded_in] = self.users[owners], self.offsets[owners]
        for row in np.flatnonzero(folded_in & (histories.counts > 0)).tolist():
            entries = slice(*histories.starts[row : row + 2])
            vectors[row] = self._fold_in(histories.items[entries], residual[entries])
        return vectors, offsets

    def _fold_in(self, movies: Numbers, residual: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the ridge regression of residuals on codes, solved in the smaller of the two spaces."""
        x, ridge = self.codes[movies], np.float32(self.ridge[0])
        if len(x) < x.shape[1]:
            return np.asarray(x.T @ np.linalg.solve(x @ x.T + ridge * np.eye(len(x), dtype=np.float32), residual))
        return np.asarray(np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1], dtype=np.float32), x.T @ residual))

    def vectors(self) -> NDArray[np.float32]:
        return self.codes[:-1] if self.settings.side == "item" else np.ascontiguousarray(self.net.weights[-1].T)

    def arrays(self) -> dict[str, NDArray[Any]]:
        common = {"sigma": np.array([self.sigma]), **self.biases.arrays()}
        if self.settings.side == "user":
            return common | self.net.arrays("net.")
        return common | {"codes": self.codes, "users": self.users, "offsets": self.offsets, "ridge": self.ridge}

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(settings)
        model.data, model.biases, model.sigma = data, Biases.from_arrays(arrays), arrays["sigma"].item()
        if model.settings.side == "user":
            model.net = MLP.from_arrays(arrays, "net.", cls.ACTIVATION)
        else:
            model.codes, model.users = arrays["codes"], arrays["users"]
            model.offsets, model.ridge = arrays["offsets"], arrays["ridge"]
        return model
