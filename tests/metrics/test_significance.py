"""Paired tests over users: `cinematrix.metrics.significance`."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cinematrix.metrics import significance
from cinematrix.metrics.significance import Difference, compute_differences, describe_difference, holm_correction

NAN = float("nan")


def difference(sums: NDArray[Any], best: NDArray[Any], weights: NDArray[Any], **more: Any) -> Difference:
    """Compute one model's difference from the best."""
    return compute_differences(sums[:, None], best, weights, **more)[0]


def randomisation(d: NDArray[np.float64]) -> float:
    """Compute the p-value of one model."""
    return float(significance.randomisation_test(np.column_stack([d, 0 * d]), np.ones((len(d), 2)))[0])


def test_holm_by_hand() -> None:
    """Four p-values are multiplied by 4, 3, 2, 1 from the smallest, never decrease, and are at most 1."""
    np.testing.assert_allclose(holm_correction(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm_correction(np.array([0.5, 0.4])), [0.8, 0.8])
    np.testing.assert_allclose(holm_correction(np.array([0.9, 0.001, 0.6])), [1, 0.003, 1])


def test_holm_leaves_out_what_was_not_tested() -> None:
    """NaN stays and doesn't count as a test; an empty array is allowed."""
    np.testing.assert_allclose(holm_correction(np.array([NAN, 0.01, 0.03])), [NAN, 0.02, 0.03])
    assert len(holm_correction(np.zeros(0))) == 0


@pytest.mark.parametrize("seed", range(5))
def test_holm_rejects_what_its_steps_reject(seed: int) -> None:
    """Corrected p-values reject the same tests as the published step-down procedure, at every level."""
    p = np.random.default_rng(seed).beta(0.3, 1, 9)
    for alpha in (0.01, 0.05, 0.2):
        order, rejected = np.argsort(p), set()
        for step, test in enumerate(order):
            if p[test] > alpha / (len(p) - step):
                break
            rejected.add(int(test))
        assert set(np.flatnonzero(holm_correction(p) <= alpha).tolist()) == rejected


def test_the_p_value_is_that_of_all_flips() -> None:
    """For eight users the p-value is the share of the 256 sign patterns at least as extreme, up to sampling noise."""
    d = np.array([0.9, -0.2, 0.4, 0.7, -0.1, 0.5, 0.3, -0.6])
    flips = np.array([abs(np.dot(signs, d)) for signs in product((-1, 1), repeat=8)])
    exact = np.mean(flips >= abs(d.sum()) - 1e-12)
    assert randomisation(d) == pytest.approx(exact, abs=4 * np.sqrt(exact / significance.SIGN_FLIPS))
    assert randomisation(-d) == randomisation(d)
    assert randomisation(np.zeros(8)) == 1
    assert randomisation(np.full(200, 1.0)) == pytest.approx(1 / (1 + significance.SIGN_FLIPS))


def test_the_difference_of_errors_is_pooled() -> None:
    """RMSE and MAE equal values by hand: user 1 has two ratings, user 2 one; a user without ratings is ignored."""
    sums, best, n = np.array([8.0, 1, 0]), np.array([2.0, 1, 0]), np.array([2.0, 1, 0])
    assert difference(sums, best, n, root=True).value == pytest.approx(np.sqrt(3) - 1)
    assert difference(sums, best, n).value == pytest.approx(2)
    assert difference(sums[:2], best[:2], n[:2], seed=3) == difference(sums, best, n, seed=3)


def test_a_user_can_have_a_value_for_one_model_only() -> None:
    """Means are over each model's own users: (2 + 5) / 2 against (4 + 2) / 2; the p-value is that of all swaps."""
    sums, weights = (
        np.array([[2.0, 0], [5, 4], [0, 2], [0, 0], [0, 0]]),
        np.array([[1.0, 0], [1, 1], [0, 1], [0, 0], [0, 0]]),
    )
    found = difference(sums[:, 0], sums[:, 1], weights)
    assert found.value == pytest.approx(3.5 - 3)
    both = np.dstack([sums, weights])[:3]
    swaps = [np.where(np.array(flips)[:, None, None], both[:, ::-1], both) for flips in product((0, 1), repeat=3)]
    totals = np.array([swap.sum(axis=0) for swap in swaps])
    with np.errstate(invalid="ignore", divide="ignore"):
        shifts = np.abs(totals[:, 0, 0] / totals[:, 0, 1] - totals[:, 1, 0] / totals[:, 1, 1])
    exact = np.mean(~(shifts < 0.5 - 1e-9))
    assert found.p == pytest.approx(exact, abs=0.02)
    assert found.low <= found.value <= found.high
    only = difference(np.array([1.0, 2, 0]), np.zeros(3), np.array([[1.0, 0], [1, 0], [0, 0]]))
    assert np.isnan(list(vars(only).values())).all(), "the other model has no user at all"


def test_what_cannot_be_tested_is_nan() -> None:
    """Without users all values are NaN; with one user only interval and p-value are."""
    assert np.isnan(list(vars(difference(np.zeros(2), np.zeros(2), np.zeros(2))).values())).all()
    single = difference(np.array([4.0]), np.array([1.0]), np.array([1.0]), root=True)
    assert single.value == 1
    assert np.isnan([single.low, single.high, single.p]).all()


def worlds(shift: float, n_worlds: int, n_users: int) -> list[Difference]:
    """Simulate two models' squared errors; users differ in their number of ratings and in their difficulty."""
    differences = []
    for seed in range(n_worlds):
        rng = np.random.default_rng([seed, 9])
        n = rng.geometric(0.1, n_users).astype(float)
        hardness, sides = rng.gamma(3, 0.3, n_users), rng.normal(0, 0.15, (2, n_users))
        sums = n * hardness * np.exp(sides + np.array([[shift], [0.0]]))
        differences.append(difference(sums[0], sums[1], n, root=True, seed=seed))
    return differences


def test_false_alarms_are_as_rare_as_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    """In 400 worlds without a difference, 5 % of p-values are below 0.05, and 5 % of intervals miss 0 (± 3 errors)."""
    monkeypatch.setattr(significance, "SIGN_FLIPS", 499)
    monkeypatch.setattr(significance, "RESAMPLES", 400)
    differences = worlds(0.0, 400, 80)
    noise = 3 * np.sqrt(0.05 * 0.95 / 400)
    assert np.mean([each.p < 0.05 for each in differences]) == pytest.approx(0.05, abs=noise)
    assert np.mean([each.p < 0.5 for each in differences]) == pytest.approx(0.5, abs=3 * np.sqrt(0.25 / 400))
    assert np.mean([not each.low <= 0 <= each.high for each in differences]) == pytest.approx(0.05, abs=noise + 0.02)


def test_a_planted_difference_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Squared errors 20 % larger are significant in nearly all worlds, and the interval contains the value."""
    monkeypatch.setattr(significance, "SIGN_FLIPS", 499)
    monkeypatch.setattr(significance, "RESAMPLES", 400)
    differences = worlds(0.2, 100, 80)
    assert np.mean([each.p < 0.05 for each in differences]) > 0.9
    assert all(each.low <= each.value <= each.high for each in differences)


@pytest.mark.parametrize(
    ("result", "p", "words"),
    [
        (Difference(0.05, 0.04, 0.06, 0.0), 0.001, "worse"),
        (Difference(0.003, 0.002, 0.004, 0.0), 0.001, "a little worse"),
        (Difference(0.003, -0.002, 0.008, 0.3), 0.3, "can't be told apart"),
        (Difference(0.001, -0.002, 0.003, 0.3), 0.3, "as good"),
        (Difference(-0.05, -0.06, -0.04, 0.0), 0.001, "worse"),
        (Difference(0.05, NAN, NAN, NAN), NAN, "not tested"),
    ],
)
def test_verdicts_go_by_p_value_and_size(result: Difference, p: float, words: str) -> None:
    """The words depend on significance and on size; below 0.005 of the best value 1.0 is small."""
    assert describe_difference(result, p, 1.0) == words


def test_models_together_are_as_models_apart() -> None:
    """Comparing several models at once equals comparing each; an empty comparison is allowed."""
    rng = np.random.default_rng(1)
    sums, best, n = rng.gamma(2, 1, (30, 3)), rng.gamma(2, 1, 30), rng.integers(0, 4, 30).astype(float)
    together = compute_differences(sums, best, n, root=True)
    apart = [difference(column, best, n, root=True) for column in sums.T]
    np.testing.assert_allclose([list(vars(d).values()) for d in together], [list(vars(d).values()) for d in apart])
    assert compute_differences(sums[:, :0], best, n) == []
