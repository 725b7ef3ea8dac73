"""Coverage, Gini index, novelty and diversity against hand-computed tables: `cinematrix.metrics.diversity`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

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
