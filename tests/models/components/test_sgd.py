"""The compiled loop of stochastic gradient descent, against the same steps in plain Python."""

import numpy as np
import pytest

from cinematrix.data.histories import Histories
from cinematrix.models.components.sgd import SideParameters, _epoch


def make_side(rng: np.random.Generator, n: int, k: int) -> SideParameters:
    """Random factors, biases and penalties."""
    parts = rng.normal(0, 0.5, (n, k)), rng.normal(0, 0.5, n), rng.uniform(0, 1, n), rng.uniform(0, 1, n)
    return SideParameters(*(part.astype(np.float32) for part in parts))


def run_plainly(
    h: Histories, z: np.ndarray, sides: list[SideParameters], rate: float, order: np.ndarray, draws: np.ndarray
) -> None:
    """Run one epoch of Koren 2008, section 4, user by user, in float64."""
    users, movies, signs = sides
    places = np.arange(len(z))
    for u in order:
        start, end = h.starts[u], h.starts[u + 1]
        for j in range(end - start - 1, 0, -1):
            other = int(draws[start + j] * np.float32(j + 1))
            places[[start + j, start + other]] = places[[start + other, start + j]]
        items = h.items[start:end]
        root = max(len(items), 1) ** -0.5
        sign = signs.factors[items].sum(0) * root if len(signs.factors) else 0.0
        pull = np.zeros(users.factors.shape[1])
        for place in places[start:end]:
            i = h.items[place]
            p, q = users.factors[u].copy(), movies.factors[i].copy()
            error = z[place] - users.bias[u] - movies.bias[i] - (p + sign) @ q
            pull += error * q
            users.bias[u] = (users.bias[u] + rate * error) / (1 + rate * users.bias_decay[u])
            movies.bias[i] = (movies.bias[i] + rate * error) / (1 + rate * movies.bias_decay[i])
            users.factors[u] = (p + rate * error * q) / (1 + rate * users.decay[u])
            movies.factors[i] = (q + rate * error * (p + sign)) / (1 + rate * movies.decay[i])
        if len(signs.factors):
            moved = signs.factors[items] + rate * root * pull
            signs.factors[items] = moved / (1 + rate * signs.decay[items])[:, None]


@pytest.mark.parametrize("with_signs", [False, True])
def test_an_epoch_takes_the_papers_steps(with_signs: bool) -> None:
    """Compiled in float32 and in plain float64, factors and biases of all sides are the same after an epoch."""
    rng = np.random.default_rng(3)
    lists = [(rng.permutation(9)[:n].tolist(), rng.normal(size=n).tolist()) for n in (4, 0, 9, 1, 6)]
    h, k = Histories.of_lists(lists), 3
    sides = [make_side(rng, 5, k), make_side(rng, 9, k), make_side(rng, 9 if with_signs else 0, k)]
    assert h.values is not None
    plain = [SideParameters(*(part.astype(np.float64) for part in side)) for side in sides]
    order, draws = rng.permutation(5), rng.random(len(h.items), np.float32)
    run_plainly(h, h.values, plain, 0.1, order, draws)
    before = sides[1].factors.copy()
    _epoch(h.starts, h.items, h.values, *sides, np.float32(0.1), order, draws)
    assert not np.allclose(before, sides[1].factors)
    for side, expected in zip(sides, plain, strict=True):
        np.testing.assert_allclose(side.factors, expected.factors, atol=1e-5)
        if side is not sides[2]:
            np.testing.assert_allclose(side.bias, expected.bias, atol=1e-5)
