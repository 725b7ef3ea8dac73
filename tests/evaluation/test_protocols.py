"""Published protocols: measures by the papers' definitions, and figures by data set."""

import numpy as np
import pytest

from cinematrix.data.histories import Histories
from cinematrix.evaluation.protocols import PROTOCOLS, measure_protocol, published_figures
from cinematrix.metrics.accuracy import capped_recall, recall
from cinematrix.models import model_class
from worlds import taste_world


def test_recall_of_the_paper_divides_by_the_length_of_the_list() -> None:
    """Hits 2 of 3 relevant in a list of 2: 2 / 2, where plain recall has 2 / 3."""
    ranked = np.array([[0, 1], [2, 3]], np.int32)
    relevant = Histories.of_pairs(np.array([0, 0, 0, 1]), np.array([0, 1, 4, 2], np.int32), None, 2)
    assert capped_recall(ranked, relevant).tolist() == [1.0, 1.0]
    assert recall(ranked, relevant).tolist() == pytest.approx([2 / 3, 1.0])


@pytest.mark.parametrize("name", [name for name in PROTOCOLS if name != "fixed-dates"])
def test_a_protocol_gives_the_measures_that_it_names(name: str) -> None:
    """In their order; a model that knows tastes beats popularity or the biases."""
    ratings, catalog = taste_world(np.random.default_rng(1))
    protocol, found = PROTOCOLS[name], {}
    for model in ("svd", "bias") if protocol.errors else ("ease", "popular"):
        _, measures = measure_protocol(protocol, model_class(model), ratings, catalog)
        assert [each.name for each in measures] == protocol.measures
        found[model] = measures[0].value
    assert found["svd"] < found["bias"] if protocol.errors else found["ease"] > found["popular"]


@pytest.mark.parametrize(
    ("name", "n", "best"), [("random-90-10", 1_000_209, 0.8140), ("fixed-dates", 32_000_204, 0.8159)]
)
def test_figures_are_found_by_the_number_of_ratings(name: str, n: int, best: float) -> None:
    """And none for another table."""
    protocol = PROTOCOLS[name]
    dataset, figures = published_figures(protocol, Sized(n))  # type: ignore[arg-type]
    assert dataset.startswith("ml-")
    assert figures[0].values == {"rmse": best}
    assert published_figures(protocol, Sized(n + 1)) == ("", ())  # type: ignore[arg-type]


class Sized:
    """A table of which only the number of ratings is known."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n
