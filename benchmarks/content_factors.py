"""Content factors in the form of LightFM (Kula 2015): the baseline for new movies.

    rating ≈ mean + user bias + Σ feature biases + user embedding · Σ feature embeddings

Features are those that `deep-mf` reads, each movie's normalised to a sum of 1 as in LightFM; squared error, AdamW.
Learning rate, weight decay and number of epochs are the best on movies held out of the training ratings. The movie
itself as one more feature was worse there with every learning rate.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.data import splits
from cinematrix.data.catalog import Catalog
from cinematrix.data.features import movie_features
from cinematrix.data.ratings import Ratings
from cinematrix.metrics.accuracy import rmse
from cinematrix.models.deep_mf.pooling import ContentMatrix

FACTORS = 64
BATCH = 1024
EPOCHS, PATIENCE = 40, 4


@dataclass(frozen=True)
class Choice:
    """Hyper-parameters that validation chooses."""

    learning_rate: float
    weight_decay: float
    epochs: int = EPOCHS


GRID = [Choice(*values) for values in product((0.001, 0.003, 0.01), (0.1, 0.3, 1.0))]


def predicted(train: Ratings, test: Ratings, catalog: Catalog, seed: int) -> tuple[NDArray[np.float32], Choice]:
    """Predict `test`, whose movies are new, by a net tuned within `train`; return the predictions and the choice."""
    cut = splits.new_movies(train, seed=seed)
    errors = {}
    for choice in GRID:
        course = list(validated(cut.train, cut.test, catalog, choice, seed))
        best = int(np.argmin(course))
        errors[replace(choice, epochs=best + 1)] = course[best]
    chosen = min(errors, key=lambda choice: errors[choice])
    *_, net = trained(train, catalog, chosen, seed)
    return net.predict(test), chosen


def validated(train: Ratings, test: Ratings, catalog: Catalog, choice: Choice, seed: int) -> Iterator[float]:
    """Yield the validation RMSE after each epoch, until it hasn't improved for `PATIENCE` epochs."""
    best, since = np.inf, 0
    for net in trained(train, catalog, choice, seed):
        error = rmse(test.stars("validation")[0], net.predict(test))
        best, since = min(best, error), 0 if error < best else since + 1
        yield error
        if since == PATIENCE:
            return


def trained(train: Ratings, catalog: Catalog, choice: Choice, seed: int) -> Iterator["ContentFactors"]:
    """Yield the net after each epoch."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = ContentFactors(train, content_of(catalog))
    optimizer = torch.optim.AdamW(net.parameters(), choice.learning_rate, weight_decay=choice.weight_decay)
    stars = train.stars("content factors")[0]
    for _ in range(choice.epochs):
        for rows in np.array_split(rng.permutation(len(train)), -(-len(train) // BATCH)):
            optimizer.zero_grad()
            error = net(train.user[rows], train.movie[rows]) - torch.from_numpy(stars[rows])
            error.square().mean().backward()
            optimizer.step()
        yield net


def content_of(catalog: Catalog) -> ContentMatrix:
    """Return the matrix of movies × features with rows that sum to 1."""
    matrix = movie_features(catalog)
    sums = np.maximum(np.asarray(matrix.sum(axis=1)).ravel(), 1e-6)
    return ContentMatrix(sparse.csr_matrix(sparse.diags(1 / sums) @ matrix), torch.device("cpu"))


class ContentFactors(torch.nn.Module):
    """The net; the last column of each table is the bias."""

    def __init__(self, train: Ratings, content: ContentMatrix) -> None:
        super().__init__()
        stars, self.scale = train.stars("content factors")
        self.mean, self.content = float(stars.mean()), content
        self.users = torch.nn.Parameter(0.05 * torch.randn(len(train.users), FACTORS + 1))
        self.features = torch.nn.Parameter(0.05 * torch.randn(content.width, FACTORS + 1))

    def forward(self, users: NDArray[np.int32], movies: NDArray[np.int32]) -> torch.Tensor:
        """Return expected ratings of pairs."""
        x, y = self.users[torch.from_numpy(users)], self.content.times(self.features)[torch.from_numpy(movies)]
        return self.mean + (x[:, :-1] * y[:, :-1]).sum(1) + x[:, -1] + y[:, -1]

    @torch.no_grad()
    def predict(self, test: Ratings) -> NDArray[np.float32]:
        """Return expected ratings, clipped to the scale."""
        return self.scale.clip(self(test.user, test.movie).numpy())
