"""The model `pmf`."""

from dataclasses import replace

import numpy as np
import pytest

from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.splits import random
from cinematrix.models.bias import Bias
from cinematrix.models.components.pmf_loops import (
    LINK_SPREAD_PRECISION,
    condition,
    draw_links,
    draw_rows,
    gather_rows,
    regress_on_deviations,
)
from cinematrix.models.pmf.model import PMF, PMFSettings
from contract import Contract
from worlds import check_planted_factors, factor_world


class TestPMF(Contract):
    """Contract tests of `pmf`."""

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
    gather_rows(np.array([0, 7]), np.arange(7, dtype=np.int32), targets, others, noise, factor, linear)
    condition(factor, linear, precision, curvature, pull)
    drawn = np.zeros((4, 3))
    for out, z in zip(drawn, np.vstack([np.zeros(3), np.eye(3)]), strict=True):
        draw_rows(factor, linear, precision, center[None], z[None], out[None])
    np.testing.assert_allclose(drawn[0], mean)
    roots = drawn[1:] - drawn[0]
    np.testing.assert_allclose(roots.T @ roots, np.linalg.inv(a), atol=1e-12)
    left = np.diag(precision) - np.diag(precision) @ np.linalg.inv(a) @ np.diag(precision)
    np.testing.assert_allclose(curvature[0], left, atol=1e-12)


def test_the_spread_of_rows_is_drawn_from_its_conditional_distribution() -> None:
    """Factors that multiply the rows' deviations are those of linear regression on all ratings, with dense matrices."""
    rng = np.random.default_rng(3)
    others, targets = rng.normal(size=(4, 3)), rng.normal(size=8)
    items, noise = np.tile(np.arange(4, dtype=np.int32), 2), 2.0
    center, deviation = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    gram, linear, curvature, pull = np.zeros((2, 3, 3)), np.zeros((2, 3)), np.zeros((3, 3)), np.zeros(3)
    gather_rows(np.array([0, 4, 8]), items, targets, others, noise, gram, linear)
    regress_on_deviations(gram, linear, center, deviation, curvature, pull)
    row = np.repeat([0, 1], 4)
    design = np.column_stack([np.ones(8), others[items, 1:]])
    residual = targets - others[items, 0] - (design * center[row]).sum(1)
    np.testing.assert_allclose(curvature, noise * (design * deviation[row]).T @ (design * deviation[row]))
    np.testing.assert_allclose(pull, noise * (design * deviation[row]).T @ residual)


def test_links_are_drawn_from_their_conditional_distributions_in_turn() -> None:
    """A sweep equals Gibbs sampling of the joint normal distribution of all links, written out with dense matrices.

    After the links to a factor, the spread of the second family's links to it is drawn, and scales them.
    """
    rng = np.random.default_rng(2)
    n, width, families = 6, 3, np.array([0, 0, 1, 1, 1], np.int32)
    x = np.where(rng.random((n, 5)) < 0.6, rng.normal(size=(n, 5)), 0)
    roots, pull, precision = (
        rng.normal(size=(n, width, width)),
        rng.normal(size=(n, width)),
        rng.random((2, width)) + 0.5,
    )
    curvature = roots @ roots.transpose(0, 2, 1)
    noise, links = rng.normal(size=(5, width)), rng.normal(size=(5, width))
    spread, spread_noise = rng.random((2, width)) + 0.5, rng.normal(size=(2, width))
    joint = np.einsum("rf,rg,rkl->fkgl", x, x, curvature).reshape(15, 15) + np.diag(precision[families].reshape(15))
    linear, expected, expected_spread = np.einsum("rf,rk->fk", x, pull).reshape(15), links.reshape(15).copy(), spread[1]
    for factor in range(width):
        for at in range(factor, 15, width):
            others = joint[at] @ expected - joint[at, at] * expected[at]
            expected[at] = (linear[at] - others) / joint[at, at] + noise.reshape(15)[at] / np.sqrt(joint[at, at])
        family = 6 + factor + np.arange(0, 9, width)
        unit = expected[family] / expected_spread[factor]
        likelihood = joint - np.diag(precision[families].reshape(15))
        pulled = linear - likelihood @ np.where(np.isin(np.arange(15), family), 0, expected)
        total = LINK_SPREAD_PRECISION + unit @ likelihood[np.ix_(family, family)] @ unit
        drawn = unit @ pulled[family] / total + spread_noise[1, factor] / np.sqrt(total)
        expected[family], expected_spread = unit * drawn, np.where(np.arange(width) == factor, drawn, expected_spread)
    rows, features = np.nonzero(x)
    order = np.argsort(features, kind="stable")
    starts, center = np.searchsorted(features[order], np.arange(6)), x @ links
    values = x[rows, features][order]
    draw_links(
        curvature, pull, starts, rows[order], values, families, precision, noise, links, center, spread, spread_noise
    )
    np.testing.assert_allclose(links.reshape(15), expected)
    np.testing.assert_allclose(center, x @ links)
    np.testing.assert_allclose(spread[1], expected_spread)


@pytest.mark.parametrize(("low", "high"), [(0, 100), (0, 1)])
def test_a_few_ratings_a_user_are_predicted_as_well_as_by_the_biases(low: float, high: float) -> None:
    """With two ratings a user, factors and links vanish: the error is that of `bias`, on any scale."""
    rng = np.random.default_rng(7)
    n, (user, movie) = 20_000, (rng.integers(0, 1_000, 20_000), rng.integers(0, 400, 20_000))
    stars = 0.5 + rng.normal(0, 0.1, 1_000)[user] + rng.normal(0, 0.1, 400)[movie] + rng.normal(0, 0.2, n)
    _, first = np.unique(user * 400 + movie, return_index=True)
    rated = low + (high - low) * np.clip(stars, 0, 1)[first]
    cut = random(Ratings.from_arrays(user[first], movie[first], rated, scale=Scale(low, high)), 0.9, 1)
    assert cut.test.rating is not None
    errors = []
    for model in (PMF(PMFSettings(chains=2)), Bias()):
        predicted = model.fit(cut.train).predict(cut.test.users.ids[cut.test.user], cut.test.movies.ids[cut.test.movie])
        errors.append(float(np.sqrt(np.mean((predicted - cut.test.rating) ** 2))))
    assert errors[0] < 1.002 * errors[1]


def test_planted_factors_are_recovered() -> None:
    """In a world of biases and two factors, errors are below the noise, and the vectors span the factors."""
    check_planted_factors(PMF(PMFSettings(factors=4, burn_in=60, samples=20, thinning=2, chains=2)))


def test_a_new_user_is_predicted_as_well_as_a_training_user() -> None:
    """Folded-in new users are predicted nearly as well as by a model trained with them."""
    world = factor_world(np.random.default_rng(9))
    ratings, settings = world.train, PMFSettings(factors=4, burn_in=60, samples=20, thinning=2, chains=2)
    held_out = np.arange(len(ratings.users)) % 5 == 0
    of_new_users = held_out[ratings.users.numbers(world.users)]
    histories = ratings.by_user
    errors = []
    for train in (ratings, ratings.take(~held_out[ratings.user])):
        model = PMF(settings).fit(train)
        numbers = model.data.movies.numbers(ratings.movies.ids)
        history = replace(histories, items=numbers[histories.items], owners=None)
        rows = ratings.users.numbers(world.users[of_new_users])
        predicted = model.predict_pairs(history, rows, model.data.movies.numbers(world.movies[of_new_users]))
        errors.append(float(np.sqrt(np.mean((predicted - world.stars[of_new_users]) ** 2))))
    assert errors[1] < 1.1 * errors[0]


def test_planted_noise_is_recovered_and_intervals_cover() -> None:
    """In a world of two factors and noise 5, noise and error are near 5, and 80 % of ratings are in intervals."""
    rng = np.random.default_rng(1)
    p, q = rng.normal(size=(200, 2)), rng.normal(size=(100, 2))
    user, movie = np.nonzero(rng.random((200, 100)) < 0.5)
    stars = 50 + 5 * (p[user] * q[movie]).sum(1) + rng.normal(0, 5, len(user))
    cut = random(Ratings.from_arrays(user, movie, stars, scale=Scale(-100, 200)), 0.3, 1)
    model = PMF(PMFSettings(factors=3, burn_in=40, samples=10, thinning=2, chains=2)).fit(cut.train)
    assert cut.test.rating is not None
    pairs = model.data.history, cut.test.user, cut.test.movie
    error = np.sqrt(np.mean((model.predict_pairs(*pairs) - cut.test.rating) ** 2))
    low, high = model.interval_pairs(*pairs)
    assert abs(model.posterior.deviation * np.mean(model.posterior.noise**-0.5) - 5) < 0.25
    assert error < 5.6
    assert 0.78 < np.mean((low <= cut.test.rating) & (cut.test.rating <= high)) < 0.82
