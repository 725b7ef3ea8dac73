"""Ridge regression of many histories at once, against one solution per history."""

import numpy as np
import pytest

from cinematrix.data.histories import Histories
from cinematrix.models.components import least_squares
from cinematrix.models.components.least_squares import approach_ridge, entry_contributions, solve_ridge


def make_problem(rng: np.random.Generator) -> tuple[Histories, np.ndarray, np.ndarray]:
    """Return histories of 0 to 20 of 30 items in no order of length, a table of 6 columns, and targets."""
    lists = [(rng.permutation(30)[:n].tolist(), None) for n in [3, 0, 20, 1, 6, 6, 19, 7, 0, 5]]
    histories = Histories.of_lists(lists)
    return histories, rng.normal(size=(30, 6)).astype(np.float32), rng.normal(size=len(histories.items))


def one_by_one(
    h: Histories, table: np.ndarray, targets: np.ndarray, penalty: np.ndarray, prior: np.ndarray
) -> np.ndarray:
    """Return the solutions of the textbook's normal equations, in float64."""
    solution = np.zeros((len(h), table.shape[1]))
    for row in range(len(h)):
        entries = slice(h.starts[row], h.starts[row + 1])
        y, d = table[h.items[entries]].astype(float), np.diag(penalty[row])
        solution[row] = np.linalg.solve(y.T @ y + d, y.T @ targets[entries] + d @ prior[row])
    return solution


@pytest.mark.parametrize("cells", [1, 60, 2_000_000])
@pytest.mark.parametrize("with_prior", [False, True])
def test_it_is_ridge_regression(cells: int, with_prior: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The solution is that of the normal equations, for blocks of any size, with a prior mean or without."""
    monkeypatch.setattr(least_squares, "BLOCK_CELLS", cells)
    rng = np.random.default_rng(0)
    histories, table, targets = make_problem(rng)
    penalty = rng.uniform(0.5, 3, (len(histories), 6)).astype(np.float32)
    prior = rng.normal(size=(len(histories), 6)).astype(np.float32) * with_prior
    solution = solve_ridge(histories, table, targets.astype(np.float32), penalty, prior if with_prior else None)
    assert solution.dtype == np.float32
    np.testing.assert_allclose(solution, one_by_one(histories, table, targets, penalty, prior), atol=2e-5)


def test_an_empty_history_has_the_prior() -> None:
    """An empty history gets the prior mean, exactly."""
    prior = np.array([[1.5, -2.0]], np.float32)
    table, none = np.ones((3, 2), np.float32), np.zeros(0, np.float32)
    np.testing.assert_array_equal(solve_ridge(Histories.empty(1), table, none, np.ones(2, np.float32), prior), prior)
    np.testing.assert_array_equal(solve_ridge(Histories.empty(1), table, none, np.ones(2, np.float32)), [[0, 0]])


def test_contributions_add_up_to_the_solution() -> None:
    """Each entry's contribution times its target adds up to the vector."""
    rng = np.random.default_rng(2)
    histories, table, targets = make_problem(rng)
    penalty = rng.uniform(0.5, 3, 6).astype(np.float32)
    solution = solve_ridge(histories, table, targets.astype(np.float32), penalty)
    for row in range(len(histories)):
        entries = slice(histories.starts[row], histories.starts[row + 1])
        parts = entry_contributions(table[histories.items[entries]], penalty) * targets[entries, None]
        np.testing.assert_allclose(parts.sum(0), solution[row], atol=1e-5)


@pytest.mark.parametrize("threads", [1, 3])
def test_gradients_come_close_and_get_there(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    """A few steps leave 2 % at most, as many as columns nothing; short and empty histories are exact."""
    rng = np.random.default_rng(0)
    table = rng.standard_normal((50, 8)).astype(np.float32)
    lengths = [0, 1, 3, 9, 20, 41, 50]
    rows = np.repeat(np.arange(len(lengths)), lengths)
    items = np.concatenate([rng.permutation(50)[:length] for length in lengths])
    histories = Histories.of_pairs(rows, items, None, len(lengths))
    targets, penalty = np.ones(len(items), np.float32), np.linspace(5, 20, 8).astype(np.float32)
    exact = solve_ridge(histories, table, targets, penalty)
    near = approach_ridge(histories, table, targets, penalty, threads)
    np.testing.assert_allclose(near[:3], exact[:3], atol=1e-6)
    assert (near[3:] != exact[3:]).any()
    assert np.linalg.norm(near - exact) < 0.02 * np.linalg.norm(exact)
    monkeypatch.setattr(least_squares, "GRADIENT_STEPS", 12)
    np.testing.assert_allclose(approach_ridge(histories, table, targets, penalty, threads), exact, atol=1e-5)
