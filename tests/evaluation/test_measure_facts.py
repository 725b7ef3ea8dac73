"""Tests of `cinematrix.evaluation.measure_facts` and of the printed table."""

import re
from pathlib import Path

import numpy as np
import pytest

from cinematrix.data.ratings import Ratings
from cinematrix.evaluation.evaluate import evaluate
from cinematrix.evaluation.lists import RANKING_METRICS, VARIANTS
from cinematrix.evaluation.measure_facts import MEASURES, OWN, get_facts, lower_is_better, neither_is_better
from cinematrix.models.bias import Bias

DOCS = Path(__file__).parents[2] / "docs/evaluating.md"


def first_place(movies, tested):
    """Return 1 for every user."""
    return np.ones(len(movies))


def test_the_table_has_a_header_and_groups() -> None:
    """Every measure stands below its group's title, with its better end; one's own functions come last."""
    users, movies = np.divmod(np.arange(40), 4)
    model = Bias().fit(Ratings.from_arrays(users, movies, 1.0 + (users + movies) % 5))
    test = Ratings.from_arrays([0, 1], [7, 8], [3.0, 4.0])
    text = str(evaluate(model, test, metrics=["rmse", "ndcg", "ndcg_liked", "gini", first_place]))
    head, *lines = text.split("\n\n")[0:6]
    assert head.split() == ["measure", "value", "95", "%", "interval", "users", "better", "meaning"]
    assert [line.split("\n")[0] for line in lines] == [
        "Ratings", "Lists: what was watched", "Lists: what was liked", "Beyond accuracy", OWN,
    ]  # fmt: skip
    assert re.search(r"^  rmse +\d\.\d{4} .* 2  lower   error in stars", lines[0], re.MULTILINE)
    assert re.search(r"^  first_place@10 +1\.0000 .* 2  higher$", lines[4], re.MULTILINE)
    assert max(map(len, "\n".join([head, *lines]).splitlines())) <= 110


def test_each_measure_has_facts() -> None:
    """No measure of ours is taken for the caller's own."""
    users, movies = np.divmod(np.arange(40), 4)
    model = Bias().fit(Ratings.from_arrays(users, movies, 1.0 + (users + movies) % 5))
    found = evaluate(model, Ratings.from_arrays([0, 1], [7, 8], [3.0, 4.0]))
    names = {measure.name.partition("@")[0] for measure in found.measures} | set(RANKING_METRICS) | set(VARIANTS)
    assert names <= set(MEASURES)
    assert get_facts("anything").group == OWN
    assert all(f"`{name}`" in DOCS.read_text() for name in MEASURES)


@pytest.mark.parametrize(("name", "better"), [("disliked@5", "lower"), ("rmse", "lower"), ("recall@20", "higher")])
def test_the_better_end(name: str, better: str) -> None:
    """The name may have its length of lists."""
    assert lower_is_better(name) == (better == "lower")
    assert [*map(neither_is_better, ("novelty@10", "within80", name))] == [True, True, False]
