"""The model `pmf`."""

import numpy as np

from cinematrix.models.pmf import PMF, PMFSettings
from cinematrix.models.pmf_loops import condition, draw_rows
from cinematrix.ratings import Ratings, Scale
from cinematrix.splits import random
from contract import Contract


class TestPMF(Contract):
    """Bayesian matrix factorization keeps the contract."""

    kind = PMF
    settings = {"factors": 3, "chains": 2, "samples": 8, "thinning": 2}  # noqa: RUF012


def test_a_row_is_drawn_from_its_conditional_distribution() -> None:
    """Mean and covariance equal those of Bayesian linear regression, written out with dense matrices."""
    rng = np.random.default_rng(0)
    others, targets, center, precision = rng.normal(size=(7, 3)), rng.normal(size=7), rng.normal(size=3), np.ones(3) * 2
    design, noise = np.column_stack([np.ones(7), others[:, 1:]]), 3.0
    a = noise * design.T @ design + np.diag(precision)
    mean = np.linalg.solve(a, noise * design.T @ (targets - others[:, 0]) + precision * center)
    factor, linear, curvature, pull = np.zeros((1, 3, 3)), np.zeros((1, 3)), np.zeros((1, 3, 3)), np.zeros((1, 3))
    starts, items = np.array([0, 7]), np.arange(7, dtype=np.int32)
    condition(starts, items, targets, others, noise, precision, factor, linear, curvature, pull)
    drawn = np.zeros((4, 3))
    for out, z in zip(drawn, np.vstack([np.zeros(3), np.eye(3)]), strict=True):
        draw_rows(factor, linear, precision, center[None], z[None], out[None])
    np.testing.assert_allclose(drawn[0], mean)
    roots = drawn[1:] - drawn[0]
    np.testing.assert_allclose(roots.T @ roots, np.linalg.inv(a), atol=1e-12)
    left = np.diag(precision) - np.diag(precision) @ np.linalg.inv(a) @ np.diag(precision)
    np.testing.assert_allclose(curvature[0], left, atol=1e-12)


def test_planted_noise_is_recovered_and_intervals_hold_what_they_promise() -> None:
    """In a world of two factors and noise 5, noise and error are near 5, and 80 % of ratings lie within."""
    rng = np.random.default_rng(1)
    p, q = rng.normal(size=(200, 2)), rng.normal(size=(100, 2))
    user, movie = np.nonzero(rng.random((200, 100)) < 0.5)
    stars = 50 + 5 * (p[user] * q[movie]).sum(1) + rng.normal(0, 5, len(user))
    cut = random(Ratings.from_arrays(user, movie, stars, scale=Scale(-100, 200)), 0.3, 1)
    model = PMF(PMFSettings(factors=3, burn_in=40, samples=10, thinning=2, chains=2)).fit(cut.train)
    assert cut.test.rating is not None
    pairs = model.known.history, cut.test.user, cut.test.movie
    error = np.sqrt(np.mean((model.predict_pairs(*pairs) - cut.test.rating) ** 2))
    low, high = model.interval_pairs(*pairs)
    assert abs(model.posterior.deviation * np.mean(model.posterior.noise**-0.5) - 5) < 0.25
    assert error < 5.6
    assert 0.78 < np.mean((low <= cut.test.rating) & (cut.test.rating <= high)) < 0.82
