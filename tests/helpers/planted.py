"""Planted model and training data, for tests of lists by known answers."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Ratings
from cinematrix.data.training_data import TrainingData
from cinematrix.models.base import Recommender
from cinematrix.models.contract_types import Abilities, Ordering


class Planted(Recommender):
    """Model with fixed scores; the order by stars is the reverse of the order by ranking.

    By ranking, movie number `m` has the score `m`, but `-m` for user number 0.
    """

    name: ClassVar[str] = "planted"
    abilities: ClassVar[Abilities] = Abilities(vectors=True)
    settings: Any = None

    def __init__(self, known: TrainingData, vectors: NDArray[np.float32] | None = None) -> None:
        self.data, self.planted = known, vectors

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        """Return the planted scores."""
        owners = np.full(len(histories), -1) if histories.owners is None else histories.owners
        sign = np.where(owners == 0, -1, 1) * (1 if by == "ranking" else -1)
        return (sign[:, None] * np.arange(len(self.data.movies))).astype(np.float32)

    def rough_stars(self, histories: Histories) -> NDArray[np.float32]:
        """Return stars above every mean, so that lists by liking are those by ranking."""
        return np.full((len(histories), len(self.data.movies)), 5, np.float32)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        """Return a tenth of the movie's number plus the length of the history."""
        return (movies / 10 + histories.counts[rows]).astype(np.float32)

    def vectors(self) -> NDArray[np.float32]:
        """Return the planted vectors."""
        assert self.planted is not None
        return self.planted

    def arrays(self) -> Mapping[str, NDArray[Any]]:  # type: ignore[override]
        """Return no arrays."""
        return {}

    @classmethod
    def restore(cls, settings: Any, known: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Restore the model without vectors."""
        return cls(known)


def planted_data() -> TrainingData:
    """Make 12 movies with IDs 100…111, the last two without ratings, and users 1, 3, 5 and 7 (numbers 0 to 3)."""
    users, movies = [7, 7, 7, 3, 5, 5], [100, 101, 109, 101, 101, 108]
    ratings = Ratings.from_arrays([*users, *([1] * 10)], [*movies, *range(100, 110)], [3] * 16)
    catalog = Catalog.of(
        list(range(100, 112)),
        title=[f"Film {m}" if m != 105 else None for m in range(100, 112)],
        year=[1990 + m for m in range(11)] + [None],
        genres=[["Drama"] if m % 2 else ["Comedy", "Drama"] for m in range(11)] + [[]],
    )
    return TrainingData.of(ratings, catalog)
