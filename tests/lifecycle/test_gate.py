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
from cinematrix.lifecycle.gate import GateDecision, JudgedVersion, compare_versions
from cinematrix.metrics.accuracy import ratio
from cinematrix.models import orders
from cinematrix.models.bias import Bias
from cinematrix.models.popular import Popular


@pytest.fixture(scope="module")
def old(world: tuple[Ratings, Catalog]) -> Evaluation:
    """Evaluation of a model with biases on the latest fifth."""
    split = global_time(world[0])
    return evaluate(Bias().fit(split.train, world[1]), split.test)


def change(old: Evaluation, **per_user: np.ndarray) -> Evaluation:
    """Return the evaluation with other values per user, and the measures computed from them."""
    values = old.per_user | {name.replace("_at_", "@"): value for name, value in per_user.items()}
    measures = {m.name: m for m in old.measures}
    for name in ("rmse", "ndcg@10", "ndcg_liked@10", "disliked@10"):
        sums, weights = pool_by_user(name, values)
        value = float(ratio(sums.sum(keepdims=True), weights.sum(keepdims=True))[0])
        measures[name] = replace(measures[name], value=value**0.5 if name == "rmse" else value)
    return replace(old, measures=tuple(measures.values()), per_user=values)


def compare(old: Evaluation, new: Evaluation) -> GateDecision:
    """Compare two evaluations whose lists by ranking are those in the default order."""
    return compare_versions(JudgedVersion(old, old), JudgedVersion(new, new))


def test_an_equal_version_passes_with_its_figures(old: Evaluation) -> None:
    """The difference is 0, and the figures have the measures of both versions."""
    decision = compare(old, old)
    assert decision.refused == []
    figures = decision.figures["measures"]["rmse"]
    assert figures == {"old": old["rmse"], "new": old["rmse"], "difference": 0, "low": 0, "high": 0}
    assert decision.figures["measures"]["coverage@10"]["new"] == old["coverage@10"]


def test_a_significant_small_loss_is_refused_and_a_gain_passes(old: Evaluation) -> None:
    """Each user's error is 2 % larger, so the interval excludes 0 though the loss is small; half the error passes."""
    rmse = old.per_user["rmse"]
    (why,) = compare(old, change(old, rmse=rmse * 1.02)).refused
    assert why == f"its rmse is {old['rmse'] * 1.02:.4f} instead of {old['rmse']:.4f}"
    assert compare(old, change(old, rmse=rmse * 0.5)).refused == []


def test_an_insignificant_small_loss_passes_and_a_large_loss_is_refused(old: Evaluation) -> None:
    """Half the users 3 % worse and half 2 % better passes; one user ten times worse is refused."""
    rmse, half = old.per_user["rmse"], np.arange(len(old.users)) % 2
    assert compare(old, change(old, rmse=rmse * np.where(half, 1.03, 0.98))).refused == []
    assert compare(old, change(old, rmse=rmse * np.where(np.arange(len(rmse)) == 3, 10, 1))).refused != []


def test_worse_lists_are_refused(old: Evaluation) -> None:
    """Lists with a lower NDCG for all users, with NaN, or with low coverage are refused."""
    lists = old.per_user["ndcg@10"]
    assert "ndcg@10" in compare(old, change(old, ndcg_at_10=lists * 0.9)).refused[0]
    assert compare(old, change(old, ndcg_at_10=np.full_like(lists, np.nan))).refused == ["its ndcg@10 isn't a number"]
    measures = tuple(Measure(m.name, m.value * 0.4 if m.name == "coverage@10" else m.value, m.low, m.high, 1)
                     for m in old.measures)  # fmt: skip
    assert "of the movies" in compare(old, replace(old, measures=measures)).refused[0]


def test_lists_that_are_liked_less_or_disliked_more_are_refused(old: Evaluation) -> None:
    """Each of the two decides by its interval alone: a loss of a tenth for one user in ten is noise."""
    liked, disliked = old.per_user["ndcg_liked@10"], old.per_user["disliked@10"]
    assert "its ndcg_liked@10 is" in compare(old, change(old, ndcg_liked_at_10=liked * 0.9)).refused[0]
    more = np.where(np.isnan(disliked), np.nan, np.minimum(disliked + 0.1, 1))
    (why,) = compare(old, change(old, disliked_at_10=more)).refused
    assert why.startswith("its disliked@10 is")
    assert compare(old, change(old, disliked_at_10=disliked * 0.5, ndcg_liked_at_10=liked * 1.1)).refused == []
    one = np.flatnonzero(liked > 0)[:1]
    worse = liked.copy()
    worse[one] = 0
    assert compare(old, change(old, ndcg_liked_at_10=worse)).refused == []
    nobody = change(old, disliked_at_10=np.full_like(disliked, np.nan))
    assert compare(old, nobody).refused == [], "lists without a tested movie have no disliked ones"
    assert compare(old, nobody).figures["measures"]["disliked@10"]["new"] is None


def test_equal_versions_are_rarely_refused(old: Evaluation) -> None:
    """In 100 worlds whose versions differ by noise alone, at most one in ten is refused (± 3 errors)."""
    refused = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        n = len(old.users)
        noise = {name: old.per_user[name.replace("_at_", "@")] * np.exp(rng.normal(0, 0.05, n))
                 for name in ("rmse", "ndcg_at_10", "ndcg_liked_at_10", "disliked_at_10")}  # fmt: skip
        refused += bool(compare(old, change(old, **noise)).refused)
    assert refused <= 19


def test_lists_are_judged_in_the_order_that_users_see(
    world: tuple[Ratings, Catalog], monkeypatch: pytest.MonkeyPatch
) -> None:
    """NDCG@10 is that by ranking, all else about lists is of the default order; the figures name it."""
    split = global_time(world[0])
    model = Popular().fit(split.train, world[1])
    monkeypatch.setattr(orders, "DEFAULT_ORDER", "stars")
    judged = JudgedVersion.of(model, split.test, split.given)
    figures = compare_versions(judged, judged).figures
    by_ranking, by_stars = (evaluate(model, split.test, by=by) for by in ("ranking", "stars"))
    assert figures["by"] == "stars"
    assert figures["measures"]["ndcg@10"]["new"] == by_ranking["ndcg@10"] != by_stars["ndcg@10"]
    for name in ("ndcg_liked@10", "coverage@10", "novelty@10"):
        assert figures["measures"][name]["new"] == by_stars[name] != by_ranking[name]
    monkeypatch.undo()
    judged = JudgedVersion.of(model, split.test, split.given)
    assert (judged.ranking.protocol.by, judged.shown.protocol.by) == ("ranking", "liking")
