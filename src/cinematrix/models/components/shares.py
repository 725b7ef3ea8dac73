"""Additive parts of scores that are weighted means of other scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.models.contract_types import ScoreShares


def mix_shares(shares: Sequence[ScoreShares], weights: NDArray[Any]) -> ScoreShares:
    """Return the parts of the weighted mean of scores of the same movies; a part that one of them lacks is 0 there.

    Args:
        weights: `[len(shares)]`, or `[len(shares), n]` for weights by movie; 1 together.
    """
    n = len(shares[0].score)
    by_movie = np.broadcast_to(weights.reshape(len(shares), -1), (len(shares), n))

    def mix(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
        return np.asarray(np.einsum("kn,kn...->n...", by_movie, np.stack(arrays)), arrays[0].dtype)

    none = np.zeros(n, np.float32)
    names = dict.fromkeys(name for each in shares for name in each.parts)
    return ScoreShares(
        mix([each.score for each in shares]),
        {name: mix([each.parts.get(name, none) for each in shares]) for name in names},
        mix([each.ratings for each in shares]),
        mix([each.by_content for each in shares]),
    )
