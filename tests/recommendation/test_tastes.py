"""Tests of the lists and rows of four film lovers on MovieLens latest-small, as far as tests can hold them."""

import sys
from pathlib import Path

import numpy as np
import pytest

from cinematrix.data.histories import Histories
from cinematrix.data.readers.reading import read
from cinematrix.models.base import Recommender
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.registry import build_settings
from cinematrix.recommendation.expectation import own_mean
from cinematrix.recommendation.lists import recommend
from cinematrix.recommendation.shelves import build_shelves, has_rare_taste
from places import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
from tastes import TASTES, find_movies

GENRE_SHARES = {
    "An arthouse lover": ("Drama", 0.5),
    "A fan of Hollywood musicals": ("Musical", 0.3),
    "A follower of anime": ("Animation", 0.3),
    "A documentary watcher": ("Documentary", 0.4),
}
"""Genre of each taste, and the minimum share of it on the user's rows."""


@pytest.fixture(scope="module")
def trained(movielens: Path) -> Recommender:
    """The fast preset of `deep-mf`, trained on MovieLens latest-small."""
    if "small" not in movielens.name:
        pytest.skip("THE FOUR TASTES AREN'T TESTED HERE: their films are those of MovieLens latest-small")
    data = read(movielens)
    return DeepMF(build_settings(DeepMF, {}, "fast")).fit(data.ratings, data.catalog)


def make_history(model: Recommender, name: str) -> Histories:
    """Return the history of a taste."""
    history, unknown = model.data.histories([find_movies(model.data.catalog, TASTES[name])])
    assert not unknown
    return history


@pytest.mark.parametrize("name", TASTES)
def test_rows_are_to_the_users_taste(trained: Recommender, name: str) -> None:
    """Nothing is expected below the user's mean, enough is of their genre, and the median film isn't a hit."""
    known, history = trained.data, make_history(trained, name)
    lines = [line for row in build_shelves(trained, history, 12) for line in row.items]
    assert len(lines) > 40
    assert min(line.stars for line in lines) >= own_mean(trained, history) - 1e-5
    genre, least = GENRE_SHARES[name]
    assert np.mean([genre in line.genres for line in lines]) >= least
    raters = known.raters[known.movies.numbers([line.movie for line in lines])]
    assert np.median(raters) < 0.5 * np.median(np.sort(known.raters)[-50:])


@pytest.mark.parametrize("name", TASTES)
def test_reasons_are_films_that_the_user_liked(trained: Recommender, name: str) -> None:
    """Some films on the rows have a reason, and it says what the two share."""
    history = make_history(trained, name)
    liked = {movie for movie, rating in find_movies(trained.data.catalog, TASTES[name]).items() if rating >= 3.5}
    lines = [line for row in build_shelves(trained, history, 12) for line in row.items]
    reasons = [reason for line in lines for reason in line.because]
    assert reasons
    assert {reason.movie for reason in reasons} <= liked
    assert all(reason.why for reason in reasons)


def test_gems_come_second_for_the_documentary_watcher(trained: Recommender) -> None:
    """Few have rated documentaries; musicals of Hollywood are better known."""
    history = make_history(trained, "A documentary watcher")
    assert has_rare_taste(trained, history)
    assert build_shelves(trained, history, 12)[1].kind == "gems"


@pytest.mark.parametrize("name", TASTES)
def test_a_list_has_nothing_below_the_mean(trained: Recommender, name: str) -> None:
    """The default order puts what is expected below the user's mean last."""
    history = make_history(trained, name)
    assert min(line.stars for line in recommend(trained, history, 20)) >= own_mean(trained, history) - 1e-5
