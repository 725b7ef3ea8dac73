"""Tests of `cinematrix.lifecycle.gate`."""

from dataclasses import replace

import numpy as np
import pytest

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import global_time
from cinematrix.evaluation.evaluate import evaluate
from cinematrix.evaluation.measures import Evaluation, Measure
from cinematrix.evaluation.pooling import pool_by_user
from cinematrix.lifecycle.gate import compare_evaluations
from cinematrix.metrics.accuracy import ratio
from cinematrix.models.bias import Bias


@pytest.fixture(scope="module")
def old(world: tuple[Ratings, Catalog]) -> Evaluation:
    """Evaluation of a model with biases on the latest fifth."""
    split = global_time(world[0])
    return evaluate(Bias().fit(split.train, world[1]), split.test)


def change(old: Evaluation, **per_user: np.ndarray) -> Evaluation:
    """Return the evaluation with other values per user, and the measures computed from them."""
    values = old.per_user | {name.replace("_at_", "@"): value for name, value in per_user.items()}
    measures = {m.name: m for m in old.measures}
    for name in ("rmse", "ndcg@10"):
        sums, weights = pool_by_user(name, values)
        value = float(ratio(sums.sum(keepdims=True), weights.sum(keepdims=True))[0])
        measures[name] = replace(measures[name], value=value**0.5 if name == "rmse" else value)
    return replace(old, measures=tuple(measures.values()), per_user=values)


def test_an_equal_version_passes_with_its_figures(old: Evaluation) -> None:
    """The difference is 0, and the figures have the measures of both versions."""
    decision = compare_evaluations(old, old)
    assert decision.refused == []
    figures = decision.figures["measures"]["rmse"]
    assert figures == {"old": old["rmse"], "new": old["rmse"], "difference": 0, "low": 0, "high": 0}
    assert decision.figures["measures"]["coverage@10"]["new"] == old["coverage@10"]


def test_a_significant_small_loss_is_refused_and_a_gain_passes(old: Evaluation) -> None:
    """Each user's error is 2 % larger, so the interval excludes 0 though the loss is small; half the error passes."""
    rmse = old.per_user["rmse"]
    (why,) = compare_evaluations(old, change(old, rmse=rmse * 1.02)).refused
    assert why == f"its rmse is {old['rmse'] * 1.02:.4f} instead of {old['rmse']:.4f}"
    assert compare_evaluations(old, change(old, rmse=rmse * 0.5)).refused == []


def test_an_insignificant_small_loss_passes_and_a_large_loss_is_refused(old: Evaluation) -> None:
    """Half the users 3 % worse and half 2 % better passes; one user ten times worse is refused."""
    rmse, half = old.per_user["rmse"], np.arange(len(old.users)) % 2
    assert compare_evaluations(old, change(old, rmse=rmse * np.where(half, 1.03, 0.98))).refused == []
    assert compare_evaluations(old, change(old, rmse=rmse * np.where(np.arange(len(rmse)) == 3, 10, 1))).refused != []


def test_worse_lists_are_refused(old: Evaluation) -> None:
    """Lists with a lower NDCG for all users, with NaN, or with low coverage are refused."""
    lists = old.per_user["ndcg@10"]
    assert "ndcg@10" in compare_evaluations(old, change(old, ndcg_at_10=lists * 0.9)).refused[0]
    assert compare_evaluations(old, change(old, ndcg_at_10=np.full_like(lists, np.nan))).refused == [
        "its ndcg@10 isn't a number"
    ]
    measures = tuple(Measure(m.name, m.value * 0.4 if m.name == "coverage@10" else m.value, m.low, m.high, 1)
                     for m in old.measures)  # fmt: skip
    assert "of the movies" in compare_evaluations(old, replace(old, measures=measures)).refused[0]
