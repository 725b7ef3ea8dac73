"""Dense layers in NumPy, to serve nets of plain layers without torch; equal to `mlp_torch` to 1e-5."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers

Float32 = NDArray[np.float32]

ACTIVATIONS: dict[str, Callable[[Float32], Float32]] = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: np.asarray(1 / (1 + np.exp(-np.clip(x, -80, 80))), np.float32),
}
"""Activation functions by name."""


@dataclass(frozen=True, eq=False)
class MLP:
    """Dense layers with an activation between any two of them and none after the last.

    Attributes:
        weights: float32 `[inputs, outputs]` of each layer.
        biases: float32 `[outputs]` of each layer.
        activation: one of `ACTIVATIONS`.
    """

    weights: tuple[Float32, ...]
    biases: tuple[Float32, ...]
    activation: str = "tanh"

    def __call__(self, x: Float32 | sparse.csr_matrix) -> Float32:
        """Return the last layer's output for rows `x`, which may be sparse. `[n, outputs]`."""
        return np.asarray(self.hidden_output(x) @ self.weights[-1] + self.biases[-1], np.float32)

    def hidden_output(self, x: Float32 | sparse.csr_matrix) -> Float32 | sparse.csr_matrix:
        """Return the input of the last layer: the activated output of the layers before, or `x` if there are none."""
        activate = ACTIVATIONS[self.activation]
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = activate(np.asarray(x @ weight + bias, np.float32))
        return x

    def outputs(self, wanted: slice) -> "MLP":
        """Return the same layers with a slice of the last layer's outputs."""
        *weights, last = self.weights
        part = np.ascontiguousarray(last[:, wanted])
        return MLP((*weights, part), (*self.biases[:-1], self.biases[-1][wanted]), self.activation)

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return the arrays to save, under names that begin with `prefix`."""
        named = {"weight": self.weights, "bias": self.biases}
        return {f"{prefix}{name}.{n}": array for name, arrays in named.items() for n, array in enumerate(arrays)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], prefix: str, activation: str) -> Self:
        """Return the layers from the output of `arrays`."""
        n = sum(name.startswith(f"{prefix}weight.") for name in arrays)
        weights, biases = (tuple(arrays[f"{prefix}{name}.{i}"] for i in range(n)) for name in ("weight", "bias"))
        return cls(weights, biases, activation)


def normalise_histories(histories: Histories, n_items: int) -> sparse.csr_matrix:
    """Return histories as rows of length 1 with equal entries, ratings ignored; an empty one is 0. `[n, n_items]`."""
    weight = np.asarray(np.maximum(histories.counts, 1) ** -0.5, np.float32)
    return histories.matrix(n_items, weight[histories.rows])


def iterate_pair_blocks(
    histories: Histories, rows: Numbers, size: int
) -> Iterator[tuple[NDArray[np.int64], Histories, Numbers]]:
    """Yield the pairs of `size` histories at a time: their places, the histories, and each pair's row in them."""
    order = np.argsort(rows, kind="stable")
    for start in range(0, len(histories), size):
        stop = min(start + size, len(histories))
        places = order[slice(*np.searchsorted(rows[order], [start, stop]))]
        yield places, histories.take(np.arange(start, stop)), rows[places] - np.int32(start)
