"""Metrics against hand-computed tables and second implementations: `cinematrix.metrics.accuracy`."""

import json
import os
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import mean_absolute_error, ndcg_score, root_mean_squared_error

from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.metrics import accuracy
from cinematrix.metrics.top_n import top_n

NAN = float("nan")
LOG3 = np.log2(3)

# Five users and their lists of three: hits at places 2 and 3 of four relevant movies; at place 1 of one; none
# of one (a movie that can't be ranked); nothing relevant; one of two in a short list. Movies 8 and 2 are in
# two rows each, to detect mixed-up rows.
RANKED = np.array([[5, 2, 7], [8, 0, 3], [4, UNKNOWN, UNKNOWN], [1, 2, 3], [6, UNKNOWN, UNKNOWN]], np.int32)
RELEVANT = Histories.of_lists([([7, 8, 2, 1], [3, 5, 1, 4]), ([8], [2]), ([90], [5]), ([], []), ([0, 6], [1, 1])])

TABLE: dict[Callable[[Numbers, Histories], accuracy.PerUser], list[float]] = {
    accuracy.recall: [2 / 4, 1, 0, NAN, 1 / 2],
    accuracy.precision: [2 / 3, 1 / 3, 0, NAN, 1 / 3],
    accuracy.average_precision: [(1 / 2 + 2 / 3) / 4, 1, 0, NAN, 1 / 2],
    accuracy.reciprocal_rank: [1 / 2, 1, 0, NAN, 1],
    accuracy.hit_rate: [1, 1, 0, NAN, 1],
    accuracy.ndcg: [(1 / LOG3 + 1 / 2) / (1 + 1 / LOG3 + 1 / 2), 1, 0, NAN, 1 / (1 + 1 / LOG3)],
}


@pytest.mark.parametrize("metric", TABLE, ids=lambda metric: metric.__name__)
def test_ranking_metrics_by_hand(metric: Callable[[Numbers, Histories], accuracy.PerUser]) -> None:
    """Each metric equals the values computed by hand, NaN for the user without a relevant movie."""
    np.testing.assert_allclose(metric(RANKED, RELEVANT), TABLE[metric], rtol=1e-12)


def test_ndcg_with_stars_as_gains_by_hand() -> None:
    """User 0 has 1 star at place 2 and 3 at place 3, the ideal list 5, 4, 3; exponentially 1 and 7, and 31, 15, 7."""
    rest = [1, 0, NAN, 1 / (1 + 1 / LOG3)]
    linear = [(1 / LOG3 + 3 / 2) / (5 + 4 / LOG3 + 3 / 2), *rest]
    exponential = [(1 / LOG3 + 7 / 2) / (31 + 15 / LOG3 + 7 / 2), *rest]
    np.testing.assert_allclose(accuracy.ndcg(RANKED, RELEVANT, gain="linear"), linear, rtol=1e-12)
    np.testing.assert_allclose(accuracy.ndcg(RANKED, RELEVANT, gain="exponential"), exponential, rtol=1e-12)
    plain = Histories(RELEVANT.starts, RELEVANT.items, None)
    np.testing.assert_array_equal(accuracy.ndcg(RANKED, plain, gain="exponential"), accuracy.ndcg(RANKED, plain))


def test_capped_metrics_divide_by_the_length_of_the_list() -> None:
    """User 0 has four relevant movies and a list of three: hits at places 2 and 3 count 2 / 3, not 2 / 4."""
    np.testing.assert_allclose(accuracy.recall(RANKED, RELEVANT, capped=True), [2 / 3, 1, 0, NAN, 1 / 2])
    average = accuracy.average_precision(RANKED, RELEVANT, capped=True)
    np.testing.assert_allclose(average, [(1 / 2 + 2 / 3) / 3, 1, 0, NAN, 1 / 2])


def test_errors_by_hand() -> None:
    """Pooled errors weight each rating equally, per-user errors each user; users without ratings have NaN."""
    rows, truth, predicted = np.array([2, 0, 2], np.int32), [4, 1, 2], [3, 1, 4]
    assert accuracy.rmse(np.array(truth), np.array(predicted)) == pytest.approx(np.sqrt(5 / 3))
    assert accuracy.mae(np.array(truth), np.array(predicted)) == 1
    arrays = (rows, np.array(truth, np.float32), np.array(predicted, np.float32), 4)
    np.testing.assert_allclose(accuracy.user_rmse(*arrays), [0, NAN, np.sqrt(5 / 2), NAN])
    np.testing.assert_allclose(accuracy.user_mae(*arrays), [0, NAN, 3 / 2, NAN])


def test_nothing_to_measure_is_nan_without_a_warning() -> None:
    """Metrics without ratings, users or relevant movies are NaN or empty."""
    nothing = np.zeros(0, np.float32)
    assert np.isnan([accuracy.rmse(nothing, nothing), accuracy.mae(nothing, nothing)]).all()
    assert np.isnan(accuracy.user_rmse(nothing.astype(np.int32), nothing, nothing, 2)).all()
    for metric in TABLE:
        assert metric(np.zeros((0, 3), np.int32), Histories.empty(0)).shape == (0,)
        assert np.isnan(metric(RANKED, Histories.empty(5))).all()
        assert np.array_equal(metric(np.full((5, 3), UNKNOWN), RELEVANT), [0, 0, 0, NAN, 0], equal_nan=True)


def test_find_gives_places_row_by_row() -> None:
    """Movies are looked up only in their row's history; the result is the index in `items`, for lists and pairs."""
    histories = Histories.of_lists([([3, 1], None), ([], None), ([2, 3], None)])
    items = np.array([[1, 2, 3], [UNKNOWN, 1, 3], [3, UNKNOWN, 2]], np.int32)
    assert accuracy.find_entries(histories, np.arange(3)[:, None], items).tolist() == [
        [0, -1, 1],
        [-1, -1, -1],
        [3, -1, 2],
    ]
    assert accuracy.find_entries(histories, np.array([2, 0, 1]), np.array([3, 3, 3])).tolist() == [3, 1, -1]


def world(seed: int, n_users: int = 7, n_movies: int = 12) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draw distinct scores and stars 0-5, 0 for not relevant; user 0 has no relevant movie, user 1 many."""
    generator = np.random.default_rng(seed)
    scores = generator.permuted(np.tile(np.arange(n_movies, dtype=np.float32), (n_users, 1)), axis=1)
    stars = generator.integers(1, 6, scores.shape) * (generator.random(scores.shape) < 0.3)
    stars[0], stars[1] = 0, np.maximum(stars[1], 1)
    return scores, stars


def relevant_of(stars: NDArray[np.int64]) -> Histories:
    rows, items = np.nonzero(stars)
    return Histories.of_pairs(rows, items, stars[rows, items], len(stars))


@given(st.integers(0, 1000), st.integers(1, 12))
def test_ndcg_and_errors_agree_with_scikit_learn(seed: int, k: int) -> None:
    """NDCG with binary and linear gains is `ndcg_score`'s, RMSE and MAE those of `sklearn.metrics`."""
    scores, stars = world(seed)
    ranked, defined = top_n(scores, k).movies, stars.any(axis=1)
    gains: tuple[tuple[accuracy.Gain, NDArray[np.int64]], ...]
    gains = (("binary", stars > 0), ("linear", stars), ("exponential", 2**stars - 1))
    for gain, truth in gains:
        ours = accuracy.ndcg(ranked, relevant_of(stars), gain=gain)[defined]
        assert np.mean(ours) == pytest.approx(ndcg_score(truth[defined], scores[defined], k=k))
    assert accuracy.rmse(stars, scores) == pytest.approx(root_mean_squared_error(stars.ravel(), scores.ravel()))
    assert accuracy.mae(stars, scores) == pytest.approx(mean_absolute_error(stars.ravel(), scores.ravel()))


@given(st.integers(0, 1000))
def test_renaming_movies_changes_nothing(seed: int) -> None:
    """Metrics don't depend on the numbers of the movies."""
    scores, stars = world(seed)
    renamed = np.random.default_rng(seed).permutation(scores.shape[1])
    for metric in TABLE:
        before = metric(top_n(scores, 4).movies, relevant_of(stars))
        after = metric(top_n(scores[:, renamed], 4).movies, relevant_of(stars[:, renamed]))
        np.testing.assert_allclose(before, after)


RANX = """
import json, sys
from ranx import Qrels, Run, evaluate
relevant, run, names = json.load(sys.stdin)
results = evaluate(Qrels(relevant), Run(run), names, return_mean=False)
print(json.dumps({name: values.tolist() for name, values in results.items()}))
"""


def ranx(stars: NDArray[np.int64], scores: NDArray[np.float32], names: list[str]) -> dict[str, list[float]]:
    """Compute the metrics with ranx in another process, without Numba's compiler, which would take a minute."""
    users = [f"u{user:03}" for user in range(len(stars))]  # ranx returns values in the order of the names
    relevant = {u: {f"m{m}": 1 for m in np.flatnonzero(row)} for u, row in zip(users, stars, strict=True)}
    run = {u: {f"m{m}": float(s) for m, s in enumerate(row)} for u, row in zip(users, scores, strict=True)}
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RANX],
        input=json.dumps([relevant, run, names]),
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    results: dict[str, list[float]] = json.loads(answer.stdout)
    return results


def test_agrees_with_ranx() -> None:
    """A second implementation gives the same values for every user, metric and length of list."""
    ours = {
        "recall": accuracy.recall,
        "precision": accuracy.precision,
        "map": accuracy.average_precision,
        "mrr": accuracy.reciprocal_rank,
        "hit_rate": accuracy.hit_rate,
        "ndcg": accuracy.ndcg,
    }
    scores, stars = world(5, n_users=40)
    defined = stars.any(axis=1)
    scores, stars = scores[defined], stars[defined]
    theirs = ranx(stars, scores, [f"{name}@{k}" for name in ours for k in (1, 3, 10)])
    for name, values in theirs.items():
        metric, k = name.split("@")
        ranked = top_n(scores, int(k)).movies
        np.testing.assert_allclose(ours[metric](ranked, relevant_of(stars)), values, err_msg=name)


def test_bootstrap_is_as_wide_as_theory_says() -> None:
    """For many users the interval of a mean is ± 1.96 standard errors, and that of a constant has width 0."""
    values = np.random.default_rng(4).normal(3, 1, 2_000)
    sums = np.column_stack([values, np.full(2_000, 7.0)])
    low, high = accuracy.bootstrap(sums, np.ones_like(sums), seed=1)
    error = 1.96 * values.std() / np.sqrt(2_000)
    np.testing.assert_allclose([low[0], high[0]], values.mean() + np.array([-error, error]), atol=0.1 * error)
    assert low[1] == high[1] == 7


def test_bootstrap_of_a_pooled_error_draws_users_with_all_their_ratings() -> None:
    """Each resample is a ratio of sums, so with one heavy user among ten, the pooled mean varies much."""
    weights = np.array([[91.0]] + [[1.0]] * 9)
    sums = weights * np.array([[2.0]] + [[1.0]] * 9)
    low, high = accuracy.bootstrap(sums, weights)
    assert low[0] == 1
    assert 1.95 < high[0] < 2


def test_bootstrap_needs_two_users_and_follows_its_seed() -> None:
    """Metrics with fewer than two users are NaN; the same seed gives the same interval."""
    sums = np.random.default_rng(0).random((50, 2))
    weights = np.ones((50, 2))
    sums[1:, 1] = weights[1:, 1] = 0
    low, high = accuracy.bootstrap(sums, weights, seed=3)
    assert np.isnan([low[1], high[1]]).all()
    assert low[0] < sums[:, 0].mean() < high[0]
    assert np.array_equal(accuracy.bootstrap(sums, weights, seed=3), (low, high), equal_nan=True)
    assert np.isnan(accuracy.bootstrap(np.zeros((0, 2)), np.zeros((0, 2)))).all()
