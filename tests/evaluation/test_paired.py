"""Tests of `cinematrix.evaluation.paired`: two evaluations on the same users."""

import json

import numpy as np
import pytest

from cinematrix.data import splits
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import Split
from cinematrix.errors import DataError, SettingError
from cinematrix.evaluation.evaluate import evaluate
from cinematrix.evaluation.measures import Evaluation, PairedDifference
from cinematrix.evaluation.paired import add_differences, evaluate_against_order
from cinematrix.metrics.significance import Difference
from cinematrix.models.bias import Bias
from cinematrix.models.popular import Popular

NAN = float("nan")


@pytest.fixture(scope="module")
def split(world: tuple[Ratings, Catalog]) -> Split:
    return splits.random(world[0])


@pytest.fixture(scope="module")
def popular(split: Split, world: tuple[Ratings, Catalog]) -> Evaluation:
    return evaluate(Popular().fit(split.train, world[1]), split.test)


@pytest.fixture(scope="module")
def bias(split: Split, world: tuple[Ratings, Catalog]) -> Evaluation:
    return evaluate(Bias().fit(split.train, world[1]), split.test)


def test_differences_are_those_of_the_measures(popular: Evaluation, bias: Evaluation) -> None:
    """Each difference is that of the two values, also where a user has only one of them, and lies in its interval."""
    found = add_differences(bias, popular)
    names = [each.name for each in found.differences]
    assert names[:3] == ["rmse", "mae", "ndcg@10"]
    assert {"ndcg_liked@10", "disliked@10", "expected_below@10", "miscalibration@10", "novelty@10"} <= set(names)
    assert not {"coverage@10", "gini@10", "movies_shown@10"} & set(names)
    for each in found.differences:
        assert each.difference.value == pytest.approx(bias[each.name] - popular[each.name])
        assert each.difference.low <= each.difference.value <= each.difference.high
    values = [each.per_user["disliked@10"] for each in (popular, bias)]
    assert np.isnan(values[0]).tolist() != np.isnan(values[1]).tolist(), "the case of different users occurs here"
    assert found.against == "popular by liking"


def test_a_planted_difference_is_found_and_none_is_not(bias: Evaluation) -> None:
    """Lists that are a tenth better for every user are better; equal ones aren't clear, with p 1."""
    changed = Evaluation(
        bias.measures,
        bias.protocol,
        bias.users,
        bias.per_user | {"ndcg_liked@10": bias.per_user["ndcg_liked@10"] / 1.1},
    )
    by_name = {each.name: each for each in add_differences(bias, changed).differences}
    assert by_name["ndcg_liked@10"].verdict == "better"
    assert by_name["ndcg_liked@10"].difference.p == pytest.approx(0.0001)
    same = by_name["ndcg@10"]
    assert (same.verdict, same.difference.value, same.difference.p) == ("not clear", 0, 1)
    assert "rmse" not in by_name, "errors that are the same for each user aren't compared"


def test_another_order_of_the_same_model(split: Split, world: tuple[Ratings, Catalog]) -> None:
    """The lists in two orders are compared, the errors aren't."""
    model = Popular().fit(split.train, world[1])
    found = evaluate_against_order(model, split.test, "stars", "ranking", k=5)
    assert found.protocol.by == "stars"
    assert found.against == "popular by ranking"
    by_name = {each.name: each.difference.value for each in found.differences}
    assert "rmse" not in by_name
    assert by_name["ndcg@5"] == pytest.approx(
        found["ndcg@5"] - evaluate(model, split.test, by="ranking", k=5)["ndcg@5"]
    )
    with pytest.raises(SettingError, match="lists by ranking can't be compared with themselves"):
        evaluate_against_order(model, split.test, "ranking", "ranking")
    with pytest.raises(SettingError, match="can't be ordered by 'fame'"):
        evaluate_against_order(model, split.test, "stars", "fame")


def test_other_users_ratings_or_lengths_are_refused(popular: Evaluation, split: Split) -> None:
    """A paired comparison needs the same test and the same length of lists."""
    model = Popular().fit(split.train)
    with pytest.raises(DataError, match="lists of 10 movies and the other of 3"):
        add_differences(popular, evaluate(model, split.test, k=3))
    rest = evaluate(model, split.test.take(np.arange(1, len(split.test))))
    with pytest.raises(DataError, match="evaluate both on the same test"):
        add_differences(popular, rest)


@pytest.mark.parametrize(
    ("name", "low", "high", "word"),
    [
        ("rmse", 0.1, 0.2, "worse"),
        ("disliked@10", -0.2, -0.1, "better"),
        ("miscalibration@10", 0.1, 0.2, "worse"),
        ("ndcg_liked@10", 0.1, 0.2, "better"),
        ("recall@10", -0.2, -0.1, "worse"),
        ("novelty@10", 0.1, 0.2, "higher"),
        ("within80", -0.2, -0.1, "lower"),
        ("ndcg@10", -0.1, 0.2, "not clear"),
        ("ndcg@10", NAN, NAN, "not clear"),
    ],
)
def test_verdicts_know_which_end_is_better(name: str, low: float, high: float, word: str) -> None:
    """Lower is better for errors, disliked movies and divergence; some measures have no better end."""
    assert PairedDifference(name, 1.0, Difference((low + high) / 2, low, high, 0.01)).verdict == word


def test_differences_are_printed_and_in_json_and_frame(popular: Evaluation, bias: Evaluation) -> None:
    """Text, JSON, frame and notebook table have the differences; without a comparison nothing is added."""
    found = add_differences(bias, popular)
    assert "Difference from popular by liking, paired by user" in str(found)
    plain = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert plain["against"] == "popular by liking"
    assert plain["differences"]["rmse"]["other"] == pytest.approx(popular["rmse"])
    assert sorted(plain["differences"]["rmse"]) == ["difference", "high", "low", "other", "p"]
    frame = found.to_frame()
    assert frame.columns[5:] == ["difference", "difference_low", "difference_high", "p"]
    assert frame["measure"].to_list() == [m.name for m in bias.measures]
    assert "difference from popular by liking" in found._repr_html_()
    assert "differences" not in bias.as_dict()
    assert bias.to_frame().columns == ["measure", "value", "low", "high", "users"]


def test_what_has_no_value_is_not_available() -> None:
    """A difference without users is n/a in text and null in JSON."""
    nothing = PairedDifference("disliked@10", NAN, Difference(NAN, NAN, NAN, NAN))
    assert str(nothing).split() == ["disliked@10", "n/a"]
    assert set(nothing.as_dict().values()) == {None}
