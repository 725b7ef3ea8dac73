"""The rating head of `deep-mf` with a chain of `pmf` beside it."""

from dataclasses import replace

import numpy as np
import pytest

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.models.deep_mf.blended_stars import PRIOR_PMF_WEIGHT, BlendedStarsHead
from cinematrix.models.deep_mf.heads import StarsHead
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.residual_gp import fit_weight
from cinematrix.models.deep_mf.settings import DeepMFSettings

TINY = DeepMFSettings(factors=8, members=1, epochs=2, ranking=False)


@pytest.fixture(scope="module")
def model(world: tuple[Ratings, Catalog]) -> DeepMF:
    """A model whose rating head is blended."""
    model = DeepMF(TINY)
    model.fit(*world)
    return model


@pytest.fixture
def heads(model: DeepMF) -> tuple[BlendedStarsHead, StarsHead]:
    """The blended head and the same without `pmf`."""
    assert isinstance(model.stars, BlendedStarsHead)
    plain = StarsHead.from_arrays(model.arrays())
    assert type(plain) is StarsHead
    return model.stars, plain


def test_expected_ratings_are_weighted_means(model: DeepMF, heads: tuple[BlendedStarsHead, StarsHead]) -> None:
    """So are those of all movies, of pairs and of lists; without ratings of the movie or the user, nothing is mixed."""
    blended, plain = heads
    history = model.data.history.take(np.array([0, 3, -1]))
    rows, movies = np.array([0, 1, 2, 2], np.int32), np.array([1, 5, 2, -1], np.int32)
    assert 0 < blended.weight < 1
    weight = np.where(blended.new[:-1], 0, blended.weight)
    assert 0 < np.count_nonzero(weight) < len(weight)
    both = (1 - weight) * plain.score(history) + weight * blended.pmf.score(history)
    np.testing.assert_allclose(blended.score(history), both, atol=1e-5)
    unseen = history.matrix(both.shape[1]).toarray() == 0
    np.testing.assert_allclose(blended.score_best(history)[unseen], both[unseen], atol=1e-5)
    weight = np.where(blended.new[movies], 0, blended.weight)
    assert weight[-1] == 0
    both = (1 - weight) * plain.pairs(history, rows, movies) + weight * blended.pmf.pairs(history, rows, movies)
    np.testing.assert_allclose(blended.pairs(history, rows, movies), both, atol=1e-5)
    watched = replace(history, values=None)
    np.testing.assert_array_equal(blended.score(watched), plain.score(watched))
    np.testing.assert_array_equal(blended.pairs(watched, rows, movies), plain.pairs(watched, rows, movies))


def test_shares_of_ratings_are_those_of_the_whole_explanation(
    model: DeepMF, heads: tuple[BlendedStarsHead, StarsHead]
) -> None:
    """The shares of several histories equal those in `shares`, one by one."""
    blended, _ = heads
    histories, movies = model.data.history.take(np.array([2, 4])), np.array([0, 7], np.int32)
    shares = blended.rating_shares(histories, [movies, movies])
    for history, found in zip(histories.split(), shares, strict=True):
        np.testing.assert_allclose(found, blended.shares(history, movies).ratings, atol=2e-3)


def test_a_saved_head_is_the_same_and_older_ones_stay_plain(
    model: DeepMF, heads: tuple[BlendedStarsHead, StarsHead]
) -> None:
    """Arrays of a model from before have no `pmf`, and its predictions don't change."""
    blended, plain = heads
    again = BlendedStarsHead.restore(model.arrays())
    assert isinstance(again, BlendedStarsHead)
    history = model.data.history.take(np.array([1]))
    np.testing.assert_array_equal(again.score(history), blended.score(history))
    before = {name: array for name, array in model.arrays().items() if not name.startswith("pmf.")}
    restored = BlendedStarsHead.restore(before)
    assert type(restored) is StarsHead
    np.testing.assert_array_equal(restored.score(history), plain.score(history))


def test_the_weight_is_fitted_by_least_squares_with_a_prior() -> None:
    """Many ratings tell the planted weight, no rating the prior; it never leaves 0 to 1."""
    rng = np.random.default_rng(3)
    added = rng.standard_normal(50_000).astype(np.float32)
    noise = rng.standard_normal(50_000).astype(np.float32)
    assert fit_weight(added, np.float32(0.15) * added + noise, PRIOR_PMF_WEIGHT) == pytest.approx(0.15, abs=0.02)
    assert fit_weight(added, -added, PRIOR_PMF_WEIGHT) == 0
    assert fit_weight(added, 2 * added, PRIOR_PMF_WEIGHT) == 1
    assert fit_weight(added[:0], added[:0], PRIOR_PMF_WEIGHT) == PRIOR_PMF_WEIGHT


def test_many_ratings_and_the_fast_preset_are_without_it() -> None:
    """There is no chain from 500,000 ratings on, nor in the preset `fast`."""
    assert [DeepMFSettings().for_ratings(n).pmf for n in (1, 499_999, 500_000)] == [True, True, False]
    assert not DeepMFSettings(**DeepMFSettings.PRESETS["fast"]).for_ratings(1).pmf
