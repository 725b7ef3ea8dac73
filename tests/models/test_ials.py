"""The model `ials`."""

import numpy as np

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.metrics.top_n import top_n
from cinematrix.models.ials import IALS, EigenTable, IALSSettings
from contract import Contract
from worlds import as_interactions


class TestIALS(Contract):
    """Contract tests of `ials`."""

    kind = IALS
    settings = {"factors": 8}  # noqa: RUF012
    learns_taste = False  # its expected ratings are those of the biases


def test_the_half_step_is_the_papers_normal_equations() -> None:
    """The half-step equals (Σ y yᵀ + α YᵀY + λ (n + α·items)^ν I) x = Σ y over each history, solved in float64."""
    rng = np.random.default_rng(0)
    lists = [(rng.permutation(40)[:n].tolist(), None) for n in (3, 0, 30, 6)]
    h, y = Histories.of_lists(lists), rng.normal(0, 0.3, (40, 5)).astype(np.float32)
    s = IALSSettings(factors=5, unobserved_weight=0.2, regularization=0.3, regularization_exponent=0.7)
    solution = EigenTable.of(y).project(h, s)
    for row, (items, _) in enumerate(lists):
        rows = y[items].astype(float)
        penalty = s.regularization * (len(items) + s.unobserved_weight * 40) ** s.regularization_exponent
        system = rows.T @ rows + s.unobserved_weight * y.T.astype(float) @ y + penalty * np.eye(5)
        np.testing.assert_allclose(solution[row], np.linalg.solve(system, rows.sum(0)), atol=1e-5)


def test_lists_follow_planted_tastes(world: tuple[Ratings, Catalog]) -> None:
    """A new user who watched three comedies gets comedies."""
    model = IALS(IALSSettings(factors=8)).fit(as_interactions(world[0]), world[1])
    comedy = np.array([g == ["Comedy"] for g in model.data.catalog.frame["genres"].to_list()])
    rated = np.bincount(model.data.history.items, minlength=len(model.data.movies)) > 0
    history = Histories.of_lists([(np.flatnonzero(comedy & rated)[:3].tolist(), None)])
    assert comedy[top_n(model.score(history), 8, history).movies[0]].all()


def test_the_probability_is_that_of_a_held_out_tenth() -> None:
    """If every pair has probability p, that of an unseen movie in the held-out tenth is 0.1 p / (1 − 0.9 p)."""
    rng = np.random.default_rng(1)
    user, movie = np.nonzero(rng.random((80, 60)) < 0.25)
    model = IALS(IALSSettings(factors=1, regularization=1e-4)).fit(Ratings.from_arrays(user, movie))
    users, movies = np.indices((80, 60)).reshape(2, -1)
    unseen = np.ones((80, 60), bool)
    unseen[user, movie] = False
    probability = model.predict(users, movies)[unseen.ravel()]
    assert abs(probability.mean() / (0.025 / 0.775) - 1) < 0.2
