"""The textbook's deep matrix factorization, kept as a baseline for comparisons."""

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Ratings
from cinematrix.data.training_data import TrainingData
from cinematrix.models.base import Recommender
from cinematrix.models.contract_types import Abilities, Ordering, Training
from cinematrix.models.deep_mf_classic.settings import DeepMFClassicSettings

if TYPE_CHECKING:
    import torch


class DeepMFClassic(Recommender):
    """Embeddings of users and movies, their dot product, and dense layers over that one number.

    Ratings are scaled to the textbook's range (highest: 5) and back. A training user has a trained embedding. A new
    user is folded in, in closed form: the dense layers are a function of one number, so each rating of the history
    gives a target for the dot product, and a ridge regression on the movies' embeddings gives the vector nearest to all
    targets. An unknown movie has the mean embedding.
    """

    name: ClassVar[str] = "deep-mf-classic"
    abilities: ClassVar[Abilities] = Abilities(stars=True, vectors=True, trains_with="torch")
    Settings = DeepMFClassicSettings
    settings: DeepMFClassicSettings
    HIGHEST: ClassVar[float] = 5.0
    GRID: ClassVar[int] = 2001

    def learn(self, training: Training) -> None:
        from cinematrix.models.deep_mf_classic.training import train_classic

        net, ratings, self.log["stars"] = train_classic(self.settings, self.HIGHEST, training)
        self._export(net, ratings)

    def _export(self, net: "torch.nn.Module", ratings: Ratings) -> None:
        """Store the net's weights as NumPy arrays; movies without training ratings get the mean embedding."""
        weights = {name: tensor.cpu().numpy() for name, tensor in net.state_dict().items()}
        self.users, movies = weights.pop("users.weight"), weights.pop("movies.weight")
        padding = np.tile(movies.mean(axis=0), (len(self.data.movies) - len(movies) + 1, 1))
        self.movies = np.vstack([movies, padding])  # the last row is for UNKNOWN (-1)
        self.dense = list(weights.values())
        dots = (self.users[ratings.user] * self.movies[ratings.movie]).sum(axis=1)
        self.reach = np.array([dots.min(), dots.max()])
        noise = float(np.mean((self._target_dots(ratings.stars(self.name)[0]) - dots) ** 2))
        self.ridge = np.array([max(noise, 1e-6) / max(float(self.users.var(axis=0).mean()), 1e-6)])

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        return self._stars((self._vectors(histories)[rows] * self.movies[movies]).sum(axis=1))

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        dots = self._vectors(histories) @ self.movies[:-1].T
        return np.asarray(self._interpolate(dots.reshape(-1)).reshape(dots.shape), np.float32)

    def _stars(self, dots: NDArray[np.float32]) -> NDArray[np.float32]:
        assert self.data.scale is not None, "the textbook net is fitted on ratings with stars only"
        return self.data.scale.clip(self._interpolate(dots))

    def _interpolate(self, dots: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the output of the dense layers on the data's scale, interpolated in a table over the dot product."""
        low, high = self.reach.tolist()
        margin = 3 * (high - low) + 1e-3
        grid, values = self._table(low - margin, high + margin)
        return np.asarray(np.interp(dots, grid, values), np.float32)

    def _table(self, low: float, high: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        assert self.data.scale is not None, "the textbook net is fitted on ratings with stars only"
        grid = np.linspace(low, high, self.GRID, dtype=np.float32)
        return grid, self._dense(grid[:, None])[:, 0] * np.float32(self.data.scale.high / self.HIGHEST)

    def _target_dots(self, stars: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the target dot product of each rating: the one in the training range whose output is nearest to it."""
        grid, values = self._table(*self.reach.tolist())
        levels, which = np.unique(stars, return_inverse=True)
        nearest = np.array([np.abs(values - level).argmin() for level in levels], int)
        return np.asarray(grid[nearest[which]], np.float32)

    def _dense(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        *hidden, weight, bias = self.dense
        for w, b in zip(hidden[::2], hidden[1::2], strict=True):
            x = np.maximum(x @ w.T + b, 0)
        return np.asarray(x @ weight.T + bias, np.float32)

    def _vectors(self, histories: Histories) -> NDArray[np.float32]:
        """Return the trained embedding of a training user, the folded-in vector of any other. `[n, factors]`."""
        if histories.owners is None:
            return self._fold_in(histories)
        vectors: NDArray[np.float32] = self.users[histories.owners]
        folded_in = np.flatnonzero(self.data.needs_fold_in(histories))
        vectors[folded_in] = self._fold_in(histories.take(folded_in))
        return vectors

    def _fold_in(self, histories: Histories) -> NDArray[np.float32]:
        """Return vectors of the histories: ridge regression of the target dot products around the mean user."""
        mean = self.users.mean(axis=0)
        ridge = np.float32(self.ridge[0]) * np.eye(len(mean), dtype=np.float32)
        vectors = np.tile(mean, (len(histories), 1))
        if histories.values is None:
            return vectors
        targets = self._target_dots(histories.values)
        for row, (start, end) in enumerate(pairwise(histories.starts.tolist())):
            if end > start:
                x = self.movies[histories.items[start:end]]
                moment = x.T @ (targets[start:end] - x @ mean)
                vectors[row] += np.linalg.solve(x.T @ x + ridge, moment)
        return vectors

    def vectors(self) -> NDArray[np.float32]:
        return self.movies[:-1]

    def arrays(self) -> dict[str, NDArray[Any]]:
        dense = {f"dense.{place}": array for place, array in enumerate(self.dense)}
        return {"users": self.users, "movies": self.movies, "reach": self.reach, "ridge": self.ridge, **dense}

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(settings)
        model.data, model.users, model.movies = data, arrays["users"], arrays["movies"]
        model.dense = [arrays[f"dense.{place}"] for place in range(len(arrays) - 4)]
        model.reach, model.ridge = arrays["reach"], arrays["ridge"]
        return model
