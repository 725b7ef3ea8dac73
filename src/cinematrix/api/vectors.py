"""Vectors of movies with their IDs."""

import numpy as np
import polars as pl


class Vectors:
    """Vectors of movies with their IDs, for an index of one's own.

    Attributes:
        ids: the movies' IDs. `[n]`.
        vectors: float32 `[n, d]`.
    """

    def __init__(self, ids: np.ndarray, vectors: np.ndarray) -> None:
        self.ids, self.vectors = ids, vectors

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Vectors({len(self.ids):,} movies, {self.vectors.shape[1]} dimensions)"

    def to_frame(self) -> pl.DataFrame:
        """Return a frame: movie, vector."""
        return pl.DataFrame({"movie": self.ids, "vector": self.vectors})
