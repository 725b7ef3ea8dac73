"""Published protocols: measures by the papers' definitions, figures by data set, and reasons not to compare."""

from dataclasses import replace

import numpy as np
import pytest

import cinematrix as cx
from cinematrix.data import protocols as published
from cinematrix.data.ratings import Ratings
from cinematrix.errors import DataError, SettingError
from cinematrix.evaluation.compare.run import ComparisonPlan
from cinematrix.evaluation.evaluate import evaluate
from cinematrix.evaluation.protocols import PROTOCOLS, get_protocol
from cinematrix.models import model_class
from worlds import taste_world


@pytest.fixture(scope="module")
def ratings() -> Ratings:
    """Ratings of users with two tastes."""
    return taste_world(np.random.default_rng(1))[0]


def spread_over_days(ratings: Ratings) -> Ratings:
    """The same ratings an hour apart."""
    return replace(ratings, time=3_600 * np.arange(len(ratings)))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_gives_the_measures_that_it_names(ratings: Ratings, name: str) -> None:
    """In their order; a model that knows tastes beats the baseline."""
    protocol, found = PROTOCOLS[name], {}
    cut, _ = protocol.cut(spread_over_days(ratings))
    errors = protocol.of_stars
    better = "item-knn" if errors else "ease"
    for model in (protocol.baseline, better):
        measures = protocol.measure(model_class(model)().fit(cut.train), cut)
        assert [each.name for each in measures] == list(protocol.measures)
        found[model] = measures[0].value
    assert (found[better] < found[protocol.baseline]) == errors


def test_errors_alone_are_those_of_evaluate(ratings: Ratings) -> None:
    """RMSE over ratings and over users, where each user counts as much, with the same intervals."""
    cut = PROTOCOLS["random-90-10"].cut(ratings)[0]
    model = model_class("bias")().fit(cut.train)
    whole = evaluate(model, cut.test, metrics=["rmse", "user_rmse", "user_mae"])
    assert PROTOCOLS["random-90-10"].measure(model, cut) == [whole.measures[0]]
    assert PROTOCOLS["fixed-dates"].measure(model, cut) == [whole.measures[1]]
    assert whole["user_rmse"] == pytest.approx(np.mean(whole.per_user["rmse"]))
    assert whole["user_rmse"] != pytest.approx(whole["rmse"])


def test_definitions_of_other_papers_are_measured_by_name(ratings: Ratings) -> None:
    """Each is the metric with its option; without a name they aren't measured."""
    cut = PROTOCOLS["random-90-10"].cut(ratings)[0]
    model = model_class("bias")().fit(cut.train)
    names = ["capped_recall@2", "capped_map", "linear_ndcg", "exponential_ndcg@2", "recall"]
    found = evaluate(model, cut.test, k=2, metrics=names)
    assert [m.name for m in found.measures] == [f"{name.removesuffix('@2')}@2" for name in names]
    assert found["capped_recall@2"] > found["recall@2"] > 0
    assert "capped_recall@2" not in {m.name for m in evaluate(model, cut.test, k=2).measures}
    with pytest.raises(SettingError, match="no metric 'capped_ndcg'"):
        evaluate(model, cut.test, metrics=["capped_ndcg"])


def test_figures_are_found_by_the_data_set(ratings: Ratings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those on it alone; on other data all, with the reason why they don't compare."""
    protocol = PROTOCOLS["strong-generalisation"]
    (reason,) = protocol.cut(ratings)[1]
    assert reason.startswith("figures by this protocol are published on ml-20m, netflix, and this is a table of")
    assert {dataset for dataset, _ in protocol.published_figures(ratings)} == {"ml-20m", "netflix"}
    monkeypatch.setitem(published.DATASETS, (len(ratings.users), len(ratings)), "ml-20m")
    monkeypatch.setattr(published, "LIANG_COUNTS", {})
    assert protocol.cut(ratings)[1] == ()
    (first, *_), n = zip(*protocol.published_figures(ratings), strict=True), len(protocol.published_figures(ratings))
    assert set(first) == {"ml-20m"}
    assert n == 5
    monkeypatch.setattr(published, "LIANG_COUNTS", {"ml-20m": (136_677, 9_990_682)})
    (reason,) = protocol.cut(ratings)[1]
    assert "9,990,682 interactions in the code of Liang" in reason


def test_every_figure_has_a_source_and_says_where_it_was_checked() -> None:
    """Measures are the protocol's; what no text was at hand for is called quoted."""
    for protocol in PROTOCOLS.values():
        for figures in protocol.figures.values():
            for figure in figures:
                assert set(figure.values) <= set(protocol.measures), figure
                assert figure.source
                assert figure.status == ("verified" if figure.checked else "quoted")


def test_what_a_protocol_cannot_measure_is_refused_before_training(ratings: Ratings) -> None:
    """A model without stars, one that needs them, interactions without stars, and a name that is no protocol."""
    with pytest.raises(SettingError, match="vae predicts no stars, whose errors random-90-10 measures"):
        ComparisonPlan.of(["vae"], {}, ["random-90-10"])
    with pytest.raises(SettingError, match="svd can't learn from interactions, which leave-one-out makes"):
        ComparisonPlan.of(["svd"], {}, ["leave-one-out"])
    with pytest.raises(SettingError, match="lists can't be ordered by 'stars' here"):
        ComparisonPlan.of(["ease"], {}, ["leave-one-out"], by="stars")
    with pytest.raises(DataError, match="the protocol random-90-10"):
        PROTOCOLS["random-90-10"].cut(ratings.interactions())
    with pytest.raises(SettingError, match="no protocol 'random'; the protocols are random-90-10, strong-gen"):
        get_protocol("random")


def test_the_table_of_protocols_shows_itself() -> None:
    """A report is shown as text, and in a notebook as a table."""
    assert "user_rmse" in repr(cx.protocols)
    assert "Kang &amp; McAuley 2018" in cx.protocols._repr_html_()
