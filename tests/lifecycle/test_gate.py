"""Whether a new version may serve: `cinematrix.lifecycle.gate`."""

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
    """Of a model with biases on the latest fifth."""
    split = global_time(world[0])
    return evaluate(Bias().fit(split.train, world[1]), split.test)


def changed(old: Evaluation, **per_user: np.ndarray) -> Evaluation:
    """An evaluation with other values of users, and the measures that follow from them."""
    values = old.per_user | {name.replace("_at_", "@"): value for name, value in per_user.items()}
    told = {m.name: m for m in old.measures}
    for name in ("rmse", "ndcg@10"):
        sums, weights = pool_by_user(name, values)
        value = float(ratio(sums.sum(keepdims=True), weights.sum(keepdims=True))[0])
        told[name] = replace(told[name], value=value**0.5 if name == "rmse" else value)
    return replace(old, measures=tuple(told.values()), per_user=values)


def test_the_same_again_is_let_through_with_its_figures(old: Evaluation) -> None:
    """A difference of 0, and what was measured of both."""
    verdict = compare_evaluations(old, old)
    assert verdict.refused == []
    figures = verdict.figures["measures"]["rmse"]
    assert figures == {"old": old["rmse"], "new": old["rmse"], "difference": 0, "low": 0, "high": 0}
    assert verdict.figures["measures"]["coverage@10"]["new"] == old["coverage@10"]


def test_a_little_worse_for_everybody_is_refused_and_better_is_not(old: Evaluation) -> None:
    """Each user's error 2 % larger: the interval lies on the worse side, though the loss is small; and the reverse."""
    rmse = old.per_user["rmse"]
    (why,) = compare_evaluations(old, changed(old, rmse=rmse * 1.02)).refused
    assert why == f"its rmse is {old['rmse'] * 1.02:.4f} instead of {old['rmse']:.4f}"
    assert compare_evaluations(old, changed(old, rmse=rmse * 0.5)).refused == []


def test_a_little_worse_by_chance_is_let_through_and_much_worse_is_not(old: Evaluation) -> None:
    """Half the users 3 % worse and half 2 % better can't be told from chance; one user ten times worse is refused."""
    rmse, half = old.per_user["rmse"], np.arange(len(old.users)) % 2
    assert compare_evaluations(old, changed(old, rmse=rmse * np.where(half, 1.03, 0.98))).refused == []
    assert compare_evaluations(old, changed(old, rmse=rmse * np.where(np.arange(len(rmse)) == 3, 10, 1))).refused != []


def test_lists_count_too(old: Evaluation) -> None:
    """Worse lists for everybody, lists that aren't numbers, and lists of few movies are refused."""
    lists = old.per_user["ndcg@10"]
    assert "ndcg@10" in compare_evaluations(old, changed(old, ndcg_at_10=lists * 0.9)).refused[0]
    assert compare_evaluations(old, changed(old, ndcg_at_10=np.full_like(lists, np.nan))).refused == [
        "its ndcg@10 isn't a number"
    ]
    few = tuple(Measure(m.name, m.value * 0.4 if m.name == "coverage@10" else m.value, m.low, m.high, 1)
                for m in old.measures)  # fmt: skip
    assert "of the movies" in compare_evaluations(old, replace(old, measures=few)).refused[0]
