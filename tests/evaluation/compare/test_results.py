"""Tests of `cinematrix.evaluation.compare.results`."""

from typing import Any

import numpy as np
import pytest

from cinematrix.evaluation.compare.cell import Cell
from cinematrix.evaluation.compare.results import join_names, sum_by_user, summarise_results, write_verdict
from cinematrix.evaluation.compare.run import CellFailure, ComparisonOutcome, ComparisonPlan
from comparison_cells import PROTOCOL, build_part


def cell(model: str, seed: int, split: str = "random", **parts: dict[str, Any]) -> dict[str, Any]:
    costs = {"coverage": 0.5 + seed, "list_ms": 1.0}
    question = {"question": split, "protocol": PROTOCOL, "movies": [1, 2, 3], "parts": parts, **costs}
    key = {"model": model, "split": split, "seed": seed}
    return {"key": key, "questions": [question], "training_s": 1.0 + seed, "peak_mb": 100.0}


def plan_of(*models: str, splits: tuple[str, ...] = ("random",)) -> ComparisonPlan:
    return ComparisonPlan(dict.fromkeys(models), splits, 2)


def test_seeds_are_added_up_by_user() -> None:
    """RMSE by hand: user 3's squared errors of both seeds add up, and costs are means."""
    cells = [
        cell("one", 0, all=build_part([3, 5], [10, 200], rmse=[[4.0, 1.0], [2.0, 1.0]])),
        cell("one", 1, all=build_part([3], [50], rmse=[[4.0], [1.0]])),
    ]
    (found,) = summarise_results(plan_of("one"), ComparisonOutcome(cells, [], {"random": ("checked",)}), 7)
    rows = {row.segment: row.measures[0] for row in found.rows}
    assert rows["all"].value == pytest.approx(np.sqrt(9 / 4))
    assert rows["all"].n_users == 2
    assert rows["users with < 20 ratings"].value == pytest.approx(np.sqrt(2))
    assert rows["users with 20-100"].value == pytest.approx(2)
    assert rows["users with > 100"].value == pytest.approx(1)
    assert found.costs == {"one": {"training_s": 1.5, "list_ms": 1.0, "peak_mb": 100.0, "coverage": 1.0}}
    assert found.by_seed == {"one": {"rmse": [pytest.approx(np.sqrt(5 / 3)), 2.0]}}
    assert found.checks == ("checked",)
    assert rows["all"].low <= rows["all"].value <= rows["all"].high
    assert found.verdicts == ("rmse: one is best (1.5000).",)


def test_segments_of_movies_have_their_own_sums() -> None:
    """A segment without tested movies has no row."""
    whole, tail = build_part([0, 1], [1, 1], mae=[[3.0, 1], [2, 2]]), build_part([1], [1], mae=[[1.0], [2.0]])
    sums = sum_by_user([{"parts": {"all": whole, "tail movies": tail}}], "tail movies", 2)
    assert {name: [column.tolist() for column in pair] for name, pair in sums.items()} == {"mae": [[0, 1], [0, 2]]}
    assert sum_by_user([{"parts": {"all": whole}}], "head movies", 2) == {}


def crowd(model: str, errors: float, hits: float, noise: int = 0, n: int = 60) -> dict[str, Any]:
    """Build a cell of 60 users with 10 ratings each, with squared errors and gains around a mean."""
    rng = np.random.default_rng(noise)
    squared = (10 * errors**2 * np.exp(rng.normal(0, 0.01, n))).tolist()
    gains = np.clip(hits + rng.normal(0, 0.01, n), 0, 1).tolist()
    pairs = {"rmse": [squared, [10.0] * n], "ndcg@10": [gains, [1.0] * n]}
    return cell(model, 0, all=build_part(list(range(n)), [50.0] * n, **pairs))


def test_every_model_is_tested_against_the_best() -> None:
    """The smallest error and the largest list measure are best; differences have sign, size and verdict."""
    cells = [crowd("a", 0.9, 0.3, 1), crowd("b", 0.8, 0.2, 2), crowd("c", 0.8002, 0.2, 3)]
    (found,) = summarise_results(plan_of("a", "b", "c"), ComparisonOutcome(cells, [], {"random": ()}), 60)
    by = {(c.measure, c.model): c for c in found.comparisons}
    best = {c.measure: c.best for c in found.comparisons}
    assert best["ndcg@10"] == "a"
    assert best["rmse"] in "bc"
    a = by["rmse", "a"]
    assert a.difference.value == pytest.approx(0.1, abs=0.01)
    assert a.verdict == "worse"
    assert a.p_holm == pytest.approx(2 * a.difference.p)
    assert by["rmse", "c" if best["rmse"] == "b" else "b"].verdict == "as good"
    assert by["ndcg@10", "b"].difference.value == pytest.approx(-0.1, abs=0.02)
    rmse, ndcg = found.verdicts
    other = "c" if best["rmse"] == "b" else "b"
    assert rmse.startswith(f"rmse: {best['rmse']} is best (0.")
    assert f", and {other} as good, to half a percent. Worse: a by 0." in rmse
    assert ndcg.startswith("ndcg@10: a is best (0.")
    assert " and " in ndcg.partition("Worse: ")[2]


def test_a_smaller_share_of_dislikes_is_better() -> None:
    """Fewer dislikes win, each model's mean is over its own users, and the verdict names the winner."""
    rng, n = np.random.default_rng(0), 80
    cells = []
    for name, share, users in (("a", 0.4, n), ("b", 0.2, n // 2)):
        weights = np.array([1.0] * users + [0.0] * (n - users))
        sums = (weights * np.clip(share + rng.normal(0, 0.05, n), 0, 1)).tolist()
        part = build_part(list(range(n)), [50.0] * n, **{"disliked@10": [sums, weights.tolist()]})
        cells.append(cell(name, 0, all=part))
    (found,) = summarise_results(plan_of("a", "b"), ComparisonOutcome(cells, [], {"random": ()}), n)
    (comparison,) = found.comparisons
    assert (comparison.best, comparison.model, comparison.verdict) == ("b", "a", "worse")
    assert comparison.difference.value == pytest.approx(0.2, abs=0.03)
    assert found.verdicts[0].startswith("disliked@10: b is best (0.")


def test_models_without_a_significant_difference_cannot_be_told_apart() -> None:
    """For two models whose users disagree, the verdict calls none the best, and says which has the lowest value."""
    rng = np.random.default_rng(0)
    cells = [
        cell(name, 0, all=build_part(list(range(30)), [5.0] * 30, rmse=[rng.gamma(2, 1, 30).tolist(), [1.0] * 30]))
        for name in ("pmf", "svd")
    ]
    (found,) = summarise_results(plan_of("pmf", "svd"), ComparisonOutcome(cells, [], {"random": ()}), 30)
    (verdict,) = found.verdicts
    values = {row.model: row.measures[0].value for row in found.rows if row.segment == "all"}
    lowest, other = sorted(values, key=lambda name: values[name])
    assert verdict == (
        f"rmse: no clear winner. {lowest} has the lowest ({values[lowest]:.4f}). "
        f"Can't be told apart from it on this data: {other}."
    )
    assert write_verdict("ndcg@10", {}, []) == ""


def test_a_model_that_failed_is_left_out_of_its_question() -> None:
    """With one seed missing, its tests would be on other ratings; its other splits count."""
    parts = {"all": build_part([0, 1], [1, 1], rmse=[[1.0, 2], [1, 1]])}
    cells = [cell(m, s, split, **parts) for m in ("a", "b") for s in (0, 1) for split in ("random", "time")]
    failed = CellFailure(Cell("b", {}, "random", 1, 0, ""), "stopped")
    cells = [c for c in cells if c["key"] != {"model": "b", "split": "random", "seed": 1}]
    outcome = ComparisonOutcome(cells, [failed], {"random": (), "time": ()})
    found = summarise_results(plan_of("a", "b", splits=("random", "time")), outcome, 2)
    assert [{row.model for row in question.rows} for question in found] == [{"a"}, {"a", "b"}]
    assert summarise_results(plan_of("a"), ComparisonOutcome([], [], {"random": ()}), 2) == ()


def test_names_are_joined() -> None:
    """None, one, two and three names."""
    assert [join_names("abc"[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_lists_without_a_hit_have_no_winner() -> None:
    """If no list has a tested movie, equal zeros have no best model."""
    cells = [cell(name, 0, all=build_part([0, 1], [5.0] * 2, **{"ndcg@10": [[0.0, 0], [1, 1]]})) for name in ("a", "b")]
    (found,) = summarise_results(plan_of("a", "b"), ComparisonOutcome(cells, [], {"random": ()}), 2)
    assert found.verdicts == ("ndcg@10: says nothing here, as no model has a tested movie in any list.",)


def test_several_models_are_each_compared_with_the_best_only() -> None:
    """The verdict on several models is about the best one, not about each other."""
    rng = np.random.default_rng(0)
    draws = [rng.gamma(2, 1, 30).tolist() for _ in "abc"]
    cells = [
        cell(name, 0, all=build_part(list(range(30)), [5.0] * 30, rmse=[draw, [1.0] * 30]))
        for name, draw in zip("abc", draws, strict=True)
    ]
    (found,) = summarise_results(plan_of("a", "b", "c"), ComparisonOutcome(cells, [], {"random": ()}), 30)
    assert found.verdicts[0].startswith("rmse: no clear winner.")
    assert " and " in found.verdicts[0].partition("Can't be told apart from it on this data: ")[2]
