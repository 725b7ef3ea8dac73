"""The Gaussian process on residuals, against the formula written out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import random
from cinematrix.metrics.top_n import top_n
from cinematrix.models.artifact import load
from cinematrix.models.components.ease_low_rank import Spectrum
from cinematrix.models.components.quantised_rows import QuantisedRows
from cinematrix.models.deep_mf import heads, residual_gp
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.residual_gp import (
    KERNEL_SHARPNESS,
    NOISE_VARIANCE,
    TANGENT_COSINE,
    ResidualGP,
    embed_movies,
)
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.models.orders import score_lists

N_MOVIES = 40
EVERY = np.arange(N_MOVIES, dtype=np.int32)


@pytest.fixture
def model() -> ResidualGP:
    """Forty movies at random places."""
    drawn = np.random.default_rng(0).standard_normal((N_MOVIES, 6)).astype(np.float32)
    return ResidualGP(QuantisedRows.of(drawn / np.linalg.norm(drawn, axis=1, keepdims=True)), 0.5)


@pytest.fixture
def histories() -> Histories:
    """Three users with thirteen ratings, none and four."""
    rows, items = np.repeat([0, 2], [13, 4]), np.concatenate([np.arange(13) * 3, [1, 5, 17, 30]])
    return Histories.of_pairs(rows, items, np.ones(17), 3)


def written_out(model: ResidualGP, items: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """Return weight · k (K + noise)⁻¹ residual for all movies, with distances in place of cosines."""
    places = model.places.rows(EVERY)
    distance = ((places[:, None] - places[None]) ** 2).sum(2).astype(np.float64)
    kernel = np.exp(-KERNEL_SHARPNESS * distance / 2)
    return np.asarray(
        model.weight
        * kernel[:, items]
        @ np.linalg.inv(kernel[np.ix_(items, items)] + NOISE_VARIANCE * np.eye(len(items)))
        @ residual
    )


def score(model: ResidualGP, histories: Histories, residual: np.ndarray) -> np.ndarray:
    """Return the additions to the predictions of all movies."""
    return model.score(histories, model.solve(histories, residual), EVERY)


def test_scores_equal_the_formula(model: ResidualGP, histories: Histories) -> None:
    """Each user's additions are the process's posterior mean; an empty history gets 0."""
    residual = np.random.default_rng(1).standard_normal(17).astype(np.float32)
    added = score(model, histories, residual)
    np.testing.assert_allclose(added[0], written_out(model, histories.items_of(0), residual[:13]), atol=1e-5)
    np.testing.assert_allclose(added[2], written_out(model, histories.items_of(2), residual[13:]), atol=1e-5)
    assert not added[1].any()


def test_pairs_in_any_order_equal_the_scores(model: ResidualGP, histories: Histories) -> None:
    """Pairs are returned in the given order, and an unknown movie gets 0."""
    residual = np.random.default_rng(1).standard_normal(17).astype(np.float32)
    rng = np.random.default_rng(2)
    rows, movies = rng.integers(0, 3, 60).astype(np.int32), rng.integers(0, N_MOVIES, 60).astype(np.int32)
    movies[::7] = UNKNOWN
    expected = np.where(movies == UNKNOWN, 0, score(model, histories, residual)[rows, movies])
    np.testing.assert_allclose(
        model.pairs(histories, model.solve(histories, residual), rows, movies), expected, atol=1e-6
    )
    assert len(model.pairs(histories, residual, rows[:0], movies[:0])) == 0


def test_a_long_history_is_represented_by_some_of_its_movies(
    model: ResidualGP, histories: Histories, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thinned result is the subset of regressors': near the full one, and it uses all residuals."""
    residual = model.places.dot_products(np.ones((1, 6), np.float32))[0, histories.items]
    full = score(model, histories, residual)[0]
    monkeypatch.setattr(residual_gp, "MAX_INDUCING_MOVIES", 7)
    solved, thinned = model.solve(histories, residual)[:13], score(model, histories, residual)[0]
    assert np.count_nonzero(solved) == 7
    assert np.corrcoef(full, thinned)[0, 1] > 0.8
    residual[1] += 1  # the second entry is none of the seven
    assert np.abs(score(model, histories, residual)[0] - thinned).max() > 0.01


def test_movies_at_one_place_give_finite_numbers(model: ResidualGP, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many movies at the same place, thinned or not, share the evidence."""
    same = ResidualGP(QuantisedRows.of(np.repeat(model.places.rows(EVERY[:1]), N_MOVIES, axis=0)), 1.0)
    everything = Histories.of_lists([(range(30), [1.0] * 30)])
    residual = np.ones(30, np.float32)
    np.testing.assert_allclose(score(same, everything, residual), 30 / 31, atol=1e-4)
    monkeypatch.setattr(residual_gp, "MAX_INDUCING_MOVIES", 10)
    np.testing.assert_allclose(score(same, everything, residual), 30 / 31, atol=1e-3)


def test_the_weight_is_least_squares_with_a_prior(model: ResidualGP) -> None:
    """Many validation ratings decide alone, none leave the prior weight, and it stays between 0 and 1."""
    rng = np.random.default_rng(3)
    added = rng.standard_normal(100_000).astype(np.float32)
    noise = rng.standard_normal(100_000).astype(np.float32)
    assert model.fit_weight(model.weight * added, 0.4 * added + noise).weight == pytest.approx(0.4, abs=0.02)
    assert model.fit_weight(added[:0], noise[:0]).weight == residual_gp.PRIOR_WEIGHT
    assert 0.6 < model.fit_weight(model.weight * added[:5], noise[:5]).weight < 0.9
    assert model.fit_weight(model.weight * added, 3 * added).weight == 1
    assert model.fit_weight(model.weight * added, -added).weight == 0


def test_places_hold_vectors_audience_and_content() -> None:
    """Movies similar in one respect are near, movies similar in all are at one place; all have length 1."""
    rng = np.random.default_rng(4)
    vectors = rng.standard_normal((300, 20)).astype(np.float32)
    vectors[1] = vectors[0]
    content = sparse.csr_matrix((rng.random((300, 30)) < 0.1).astype(np.float32))
    dense = content.toarray()
    dense[1] = dense[2] = dense[0]
    rows, items = np.nonzero(rng.random((500, 300)) < 0.1)
    audience = Spectrum.of(Histories.of_pairs(rows, items, None, 500), None, 300, 64).largest(64)
    audience.vectors[1] = audience.vectors[0]
    places = embed_movies(vectors, audience, [sparse.csr_matrix(dense)], np.bincount(items, minlength=300))
    assert places.dtype == np.float32
    assert places.shape == (300, 20 + 64 + 30)  # narrower than `EMBEDDING_WIDTH`, so nothing is lost
    np.testing.assert_allclose(np.linalg.norm(places, axis=1), 1, atol=1e-5)
    cosines = places @ places[0]
    assert cosines[1] == pytest.approx(1, abs=1e-4)
    assert cosines[2] > np.quantile(cosines[3:], 0.95)
    without = embed_movies(vectors, audience, [], np.bincount(items, minlength=300))
    assert (without @ without[0])[1] == pytest.approx(1, abs=1e-4)


def test_the_process_improves_held_out_predictions(world: tuple[Ratings, Catalog]) -> None:
    """With towers of a single factor and epoch, the process lowers the error of held-out ratings."""
    cut = random(world[0], 0.2, 1)
    settings = DeepMFSettings(factors=1, members=1, epochs=1, ranking=False)

    def rmse(settings: DeepMFSettings) -> float:
        model = DeepMF(settings).fit(cut.train, world[1])
        assert cut.test.rating is not None
        predicted = model.predict(cut.test.users.ids[cut.test.user], cut.test.movies.ids[cut.test.movie])
        return float(np.sqrt(np.mean((predicted - cut.test.rating) ** 2)))

    assert rmse(settings) < 0.9 * rmse(replace(settings, residual_gp=False))


def test_the_constants_of_the_kernel_are_saved() -> None:
    """They are loaded again; a process of an older version has the weight alone and the constants of then."""
    places = QuantisedRows.of(np.eye(2, dtype=np.float32))
    process = ResidualGP(places, 0.4, sharpness=3.0, noise=0.5)
    loaded = ResidualGP.from_arrays(process.arrays("x."), "x.")
    older = ResidualGP.from_arrays(places.arrays("x.places") | {"x.weight": np.array([0.4])}, "x.")
    assert loaded is not None
    assert older is not None
    assert (loaded.weight, loaded.sharpness, loaded.noise) == (0.4, 3.0, 0.5)
    assert (older.weight, older.sharpness, older.noise) == (0.4, KERNEL_SHARPNESS, NOISE_VARIANCE)
    assert loaded.similarity(np.array([0]), np.array([1])) == pytest.approx(np.exp(-3.0))
    assert older.similarity(np.array([0]), np.array([1])) == pytest.approx(np.exp(-2.0))


def test_the_linear_kernel_touches_the_kernel(histories: Histories) -> None:
    """At the tangent's cosine linear additions are exact; elsewhere they are below, as the kernel is convex."""
    angles = np.arccos(np.linspace(-1, 1, N_MOVIES))
    places = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    places[0], places[1] = [1, 0], [TANGENT_COSINE, (1 - TANGENT_COSINE**2) ** 0.5]
    model, solved = ResidualGP(QuantisedRows.of(places), 0.5), np.zeros(17, np.float32)
    solved[0] = 2.0  # user 0's rating of movie 0
    exact, linear = model.score(histories, solved, EVERY), model.linear(histories, solved)
    assert linear[0, 1] == pytest.approx(exact[0, 1], abs=1e-6)
    assert (linear[0] <= exact[0] + 1e-6).all()
    assert (linear[1:] == 0).all()


def test_lists_by_stars_have_exact_scores_and_the_best_movies(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool of a third of the movies has exact scores, and lists lose at most one place in a hundred."""
    monkeypatch.setattr(heads, "MIN_POOL", 1)
    monkeypatch.setattr(heads, "POOL_SHARE", 1 / 3)
    model = load(folder).model
    histories = model.data.history
    exact, found = model.score(histories, by="stars"), score_lists(model, histories, by="stars")
    assert not np.isclose(found, exact, atol=1e-5).all()
    ranked, wanted = (top_n(scores, 3, histories) for scores in (found, exact))
    np.testing.assert_allclose(ranked.scores, np.take_along_axis(exact, ranked.movies, 1), atol=1e-5)
    assert (ranked.movies == wanted.movies).mean() >= 0.99
