"""Tests of `cinematrix.lifecycle.shilling`, and of a refit with suspicious profiles."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.errors import DataError
from cinematrix.lifecycle import versions
from cinematrix.lifecycle.refit_data import gather_data
from cinematrix.lifecycle.retrain import RetrainingPlan, retrain_model
from cinematrix.lifecycle.shilling import compute_rdma, find_surges, find_suspicious_profiles
from cinematrix.models.artifact import load, save
from cinematrix.models.bias import Bias
from cinematrix.store.records import Rating, Store
from cinematrix.store.refits import read_suspects, request_refit
from worlds import as_interactions

FAKES = 6


@pytest.fixture
def target(world: tuple[Ratings, Catalog]) -> int:
    """The ID of the movie with the lowest mean among those with at least five ratings."""
    ratings = world[0]
    assert ratings.rating is not None
    counts = np.bincount(ratings.movie)
    means = np.where(counts >= 5, np.bincount(ratings.movie, ratings.rating) / np.maximum(counts, 1), np.inf)
    return int(ratings.movies.ids[np.argmin(means)])


def fake_rows(real: Ratings, target: int) -> list[tuple[int, int, float]]:
    """Make profiles that give `target` five stars and two other movies their mean rating: an average attack."""
    rng, stars = np.random.default_rng(4), real.rating
    assert stars is not None
    means = np.bincount(real.movie, stars) / np.maximum(np.bincount(real.movie), 1)
    rows = []
    for fake in range(FAKES):
        movies = rng.choice(np.setdiff1d(np.arange(len(means)), real.movies.numbers([target])), 2, replace=False)
        rows += [(5000 + fake, int(real.movies.ids[movie]), round(means[movie] * 2) / 2) for movie in movies]
        rows.append((5000 + fake, target, 5.0))
    return rows


def attacked(real: Ratings, target: int) -> Ratings:
    """Add fake ratings to real ones."""
    users, movies, values = (np.array(column) for column in zip(*fake_rows(real, target), strict=True))
    return Ratings.from_arrays(
        np.append(real.users.ids[real.user], users), np.append(real.movies.ids[real.movie], movies),
        np.append(real.rating, values), scale=real.scale,
    )  # fmt: skip


@pytest.mark.fault(47)
def test_only_fake_profiles_are_suspicious(world: tuple[Ratings, Catalog], target: int) -> None:
    """The fake profiles alone are suspicious, with the reason; users of the training data are never suspicious."""
    ratings = attacked(world[0], target)
    fake = ratings.users.ids >= 5000
    new = fake | (np.random.default_rng(2).random(len(fake)) < 0.1)
    found = find_suspicious_profiles(ratings, new)
    assert [suspect.user for suspect in found] == np.flatnonzero(fake).tolist()
    assert found[0].why == f"{FAKES} new profiles give movie {target} the highest rating"
    assert find_suspicious_profiles(ratings, new & ~fake) == []
    assert find_suspicious_profiles(ratings, np.zeros(len(fake), bool)) == []
    assert find_suspicious_profiles(ratings, np.ones(len(fake), bool)) == []


def test_profiles_that_demote_a_movie_are_suspicious(world: tuple[Ratings, Catalog], target: int) -> None:
    """With all ratings reversed, the surge is of the lowest rating."""
    ratings = attacked(world[0], target)
    assert ratings.rating is not None
    reverse = Ratings.from_arrays(
        ratings.users.ids[ratings.user], ratings.movies.ids[ratings.movie], 5.5 - ratings.rating, scale=ratings.scale
    )
    found = find_suspicious_profiles(reverse, reverse.users.ids >= 5000)
    assert len(found) == FAKES
    assert "the lowest rating" in found[0].why


def test_a_surge_is_far_beyond_what_is_expected() -> None:
    """Ten new ratings are a surge for a movie with 1 % of the other ratings, and none for one with half of them."""
    old = [(user, 1 if user % 2 else 2 + user % 49, 5.0) for user in range(1000)]
    for movie, surging in ((1, False), (3, True)):
        rows = old + [(2000 + fake, movie, 5.0) for fake in range(10)] + [(2000 + fake, 2, 3.0) for fake in range(10)]
        users, movies, values = zip(*rows, strict=True)
        ratings = Ratings.from_arrays(users, movies, values, scale=Scale(0.5, 5, 0.5))
        found = find_surges(ratings, ratings.users.ids >= 2000, np.asarray(ratings.rating) == 5)
        assert found[ratings.movies.number(movie)] == surging
        assert found.sum() == surging


def test_rdma_is_as_defined(world: tuple[Ratings, Catalog]) -> None:
    """RDMA is the mean of |rating − mean| ÷ raters (Chirita et al.), by hand; plain interactions are an error."""
    ratings = Ratings.from_arrays([1, 1, 2, 3], [1, 2, 1, 1], [5, 4, 3, 1], scale=Scale(1, 5, 1))
    np.testing.assert_allclose(compute_rdma(ratings), [(2 / 3 + 0) / 2, 0, 2 / 3])
    with pytest.raises(DataError, match="RDMA"):
        compute_rdma(as_interactions(world[0]))


@pytest.mark.fault(47)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_refit_leaves_made_up_profiles_out(
    kind: str, tmp_path: Path, world: tuple[Ratings, Catalog], target: int, database: Callable[[str], str]
) -> None:
    """The movie's prediction doesn't change, and the profiles are recorded until they are forgotten.

    With `keep_suspicious` they count, and the prediction rises.
    """
    place, store = tmp_path / "model", Store.open(database(kind))
    save(Bias().fit(*world), place)
    rows = [Rating(str(user), str(movie), int(stars * 2)) for user, movie, stars in fake_rows(world[0], target)]
    with store.write_transaction() as connection:
        store.rate(connection, rows)
    before = load(place).model.predict([-1], [target])[0]
    refit = request_refit(store, "test")
    outcome = retrain_model(place, store, refit, RetrainingPlan())
    assert outcome.figures["suspicious"] == FAKES
    assert {*read_suspects(store, refit.refit)} == {str(5000 + fake) for fake in range(FAKES)}
    assert abs(load(place).model.predict([-1], [target])[0] - before) < 1e-3
    assert len(gather_data(load(place).model, store).ratings.users) == len(world[0].users) + FAKES
    store.forget("5001", "test")
    assert "5001" not in read_suspects(store, refit.refit)
    retrain_model(place, store, request_refit(store, "test"), RetrainingPlan(keep_suspicious=True))
    assert load(place).model.predict([-1], [target])[0] > before + 0.01
    versions.get_serving_version(place)
    store.close()
