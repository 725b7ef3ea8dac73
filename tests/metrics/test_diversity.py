"""Coverage, Gini index, novelty and diversity against hand-computed tables: `cinematrix.metrics.diversity`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.stats import entropy

from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN
from cinematrix.metrics import diversity

NAN = float("nan")
RANKED = np.array([[0, 2], [2, UNKNOWN], [UNKNOWN, UNKNOWN]], np.int32)


def test_exposure_and_coverage_by_hand() -> None:
    """Padding doesn't count; two of five movies are shown, so coverage is 40 %."""
    exposures = diversity.exposure(RANKED, 5)
    assert exposures.tolist() == [1, 0, 2, 0, 0]
    assert diversity.coverage(exposures) == 0.4


@pytest.mark.parametrize(
    ("exposures", "expected"),
    [([3, 3, 3], 0), ([0, 0, 0, 8], 3 / 4), ([3, 1], 1 / 4), ([1, 0, 2, 0, 0], (2 * 1 + 4 * 2) / (5 * 3))],
)
def test_gini_by_hand(exposures: list[int], expected: float) -> None:
    """Equal exposure gives 0, all exposure on one movie (n - 1) / n, and the order of movies doesn't matter."""
    assert diversity.gini(np.array(exposures)) == pytest.approx(expected)


@given(st.lists(st.integers(0, 50), min_size=1).filter(any))
def test_gini_is_half_the_mean_difference_between_movies(exposures: list[int]) -> None:
    """The Gini index equals its second definition: mean |xᵢ − xⱼ| over all pairs, divided by twice the mean."""
    x = np.array(exposures)
    assert diversity.gini(x) == pytest.approx(np.abs(x[:, None] - x).mean() / (2 * x.mean()), abs=1e-12)


def test_novelty_by_hand() -> None:
    """Among 8 users, 8 raters give 0 bits, 2 give 2 bits, and 0 raters count as one, 3 bits."""
    raters = np.array([8, 5, 2, 0, 7])
    np.testing.assert_allclose(diversity.novelty(RANKED, raters, 8), [1, 2, NAN])
    assert diversity.novelty(np.array([[3]], np.int32), raters, 8).tolist() == [3]


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix, sparse.csr_array])
def test_intra_list_similarity_by_hand(kind: type) -> None:
    """Cosines are 1 for the same direction, √½ for one of two genres in common, and 0 for none."""
    features = kind(np.array([[1, 0], [4, 0], [1, 1], [0, 0]], np.float32))
    lists = np.array([[0, 1, UNKNOWN], [0, 2, 1], [0, 3, UNKNOWN], [0, UNKNOWN, UNKNOWN]], np.int32)
    expected = [1, (1 + 2 * np.sqrt(0.5)) / 3, 0, NAN]
    np.testing.assert_allclose(diversity.intra_list_similarity(lists, features), expected, atol=1e-12)


def test_similarity_agrees_with_all_pairs() -> None:
    """Similarity by sums over lists equals the mean over all pairs."""
    generator = np.random.default_rng(3)
    features = generator.normal(size=(20, 4))
    lists = np.array([generator.permutation(20)[:6] for _ in range(5)], np.int32)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    pairs = [[unit[a] @ unit[b] for i, a in enumerate(row) for b in row[:i]] for row in lists]
    np.testing.assert_allclose(diversity.intra_list_similarity(lists, features), np.mean(pairs, axis=1))


def test_nothing_shown_is_nan_without_a_warning() -> None:
    """Metrics without lists are empty, and without exposure or movies NaN."""
    empty = np.zeros((0, 3), np.int32)
    assert diversity.novelty(empty, np.array([1]), 1).shape == (0,)
    assert diversity.intra_list_similarity(empty, np.eye(2)).shape == (0,)
    assert np.isnan([diversity.gini(np.zeros(4, int)), diversity.coverage(np.zeros(0, int))]).all()


# Four movies over two genres and a decade; movie 3 has no features.
MIX = sparse.csr_matrix(np.array([[1 / 2, 0, 1 / 2], [0, 1 / 2, 1 / 2], [1 / 4, 1 / 4, 1 / 2], [0, 0, 0]], np.float32))


def test_miscalibration_by_hand() -> None:
    """The same mix has 0 nats; a list without the liked genre is smoothed; no liked movie, no features: no value."""
    ranked = np.array([[2, UNKNOWN], [1, 3], [0, UNKNOWN], [3, UNKNOWN], [UNKNOWN, UNKNOWN]], np.int32)
    liked = Histories.of_lists([([0, 1], [5, 5]), ([0], [5]), ([], []), ([0], [5]), ([0], [5])])
    smoothed = 0.01 / 2  # of the genre of movie 0; its decade is the same in both
    expected = [0, np.log(1 / 2 / smoothed) / 2, NAN, NAN, NAN]
    np.testing.assert_allclose(diversity.miscalibration(ranked, liked, MIX), expected, atol=1e-6)
    assert np.isnan(diversity.miscalibration(ranked, liked, MIX[:, :0])).all()


@given(st.integers(0, 1000))
def test_miscalibration_agrees_with_scipy(seed: int) -> None:
    """The divergence is that of `scipy.stats.entropy` on mixes summed up in a loop, and never negative."""
    generator = np.random.default_rng(seed)
    features = generator.dirichlet(np.full(5, 0.3), 12) * (generator.random((12, 1)) < 0.9)
    lists = np.array([generator.permutation(12)[:4] for _ in range(3)], np.int32)
    likes = [generator.permutation(12)[: generator.integers(0, 5)].tolist() for _ in range(3)]
    found = diversity.miscalibration(
        lists, Histories.of_lists([(items, [1.0] * len(items)) for items in likes]), sparse.csr_matrix(features)
    )
    for value, movies, items in zip(found, lists, likes, strict=True):
        wanted, shown = (np.sum([features[m] for m in part], axis=0) for part in (items, movies))
        if np.sum(wanted) == 0 or np.sum(shown) == 0:
            assert np.isnan(value)
            continue
        wanted, shown = wanted / wanted.sum(), shown / shown.sum()
        assert value == pytest.approx(entropy(wanted, 0.99 * shown + 0.01 * wanted), abs=1e-6)
        assert value >= 0
