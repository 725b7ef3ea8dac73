"""Tests of `cinematrix.recommendation.shelves` and their route, and of the route of the taste profile."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.models.artifact import save
from cinematrix.models.base import Recommender
from cinematrix.models.bias import Bias
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.models.ease import Ease
from cinematrix.recommendation.expectation import own_mean
from cinematrix.recommendation.lists import Filters
from cinematrix.recommendation.reranking import Reranking
from cinematrix.recommendation.shelves import build_shelves, has_rare_taste, rank_genres
from cinematrix.recommendation.taste_profile import PopulationTaste
from cinematrix.service.app import create_app
from cinematrix.service.settings import ServiceSettings

TINY = DeepMFSettings(factors=4, members=1, epochs=1, ranking_epochs=1)


@pytest.fixture(scope="module")
def large() -> tuple[Ratings, Catalog]:
    """200 users and 200 movies, comedies and horror, mostly rated by users who like them; a third have few ratings."""
    rng = np.random.default_rng(2)
    fond = rng.integers(0, 2, 200)
    comedy = np.arange(200) % 2 == 0
    rare = np.arange(200) % 3 == 0
    chance = np.where(fond[:, None] == comedy[None], 0.5, 0.1) * np.where(rare, 0.06, 1)
    users, movies = np.nonzero(rng.random((200, 200)) < chance)
    stars = np.where(fond[users] == comedy[movies], 4.5, 2.0)
    catalog = Catalog.of(range(200), title=[f"Film {m}" for m in range(200)],
                         genres=[["Comedy"] if c else ["Horror", "IMAX"] for c in comedy])  # fmt: skip
    return Ratings.from_arrays(users, movies, stars), catalog


@pytest.fixture(scope="module", params=[DeepMF, Ease, Bias], ids=lambda kind: kind.name)
def model(request: pytest.FixtureRequest, large: tuple[Ratings, Catalog]) -> Recommender:
    """A model that compares movies and explains, one without vectors, and one that can do neither."""
    model: Recommender = request.param(TINY) if request.param is DeepMF else request.param()
    return model.fit(*large)


@pytest.mark.parametrize("dials", [Reranking(), Reranking(0.5, 0.5)], ids=["model order", "reranked"])
def test_shelves_have_no_repeated_or_seen_movies(model: Recommender, dials: Reranking) -> None:
    """Filtered movies are left out too; shelves have at most the requested length, and every kind occurs."""
    for user in (0, 7):
        history = model.data.history.take(np.array([user]))
        rows = build_shelves(model, history, 6, filters=Filters(exclude=(3, 4)), dials=dials)
        shown = [line.movie for row in rows for line in row.items]
        assert len(shown) == len(set(shown)) > 6
        assert not set(shown) & {*model.data.movies.ids[history.items].tolist(), 3, 4}
        assert all(len(row.items) == len(row.movies) <= 6 for row in rows)
        kinds = {row.kind for row in rows}
        assert kinds >= ({"top", "gems"} if isinstance(model, Bias) else {"top", "because", "gems"})


def test_shelves_match_their_headings(large: tuple[Ratings, Catalog]) -> None:
    """A `because` shelf has movies similar to a liked one, gems have few raters, and genres are the user's."""
    model = Ease().fit(*large)
    known = model.data
    history = known.history.take(np.array([0]))
    assert history.values is not None
    liked = known.movies.ids[history.items[history.values >= history.values.mean()]].tolist()
    genre = "Comedy" if liked[0] % 2 == 0 else "Horror"
    rows = build_shelves(model, history, 8)
    assert rows[0].kind == "top"
    for row in rows:
        if row.kind == "because":
            assert row.movie in liked
            assert row.title == f"Because you liked {row.movie_title}" == f"Because you liked Film {row.movie}"
            assert all(genre in line.genres for line in row.items)
        if row.kind == "gems":
            assert all(3 <= known.raters[number] <= 10 for number in row.movies)
        if row.kind == "genre":
            assert all(row.genre in line.genres for line in row.items)
        scores = [line.score for line in row.items]
        assert scores == sorted(scores, reverse=True)
    assert rank_genres(PopulationTaste(known), history)[0] == genre
    assert "IMAX" not in rank_genres(PopulationTaste(known), history)


def test_no_shelf_has_what_is_expected_below_the_mean(model: Recommender) -> None:
    """Each shelf has fewer movies, or is left out, rather than a movie expected below the user's own mean.

    If there are none above it at all, the shelves are those that a user without a mean would get.
    """
    movies = np.arange(200, dtype=np.int32)
    for user in range(0, 200, 20):
        history = model.data.history.take(np.array([user]))
        assert history.values is not None
        mean = history.values.mean(dtype=np.float64) - 1e-6
        unseen = np.setdiff1d(movies, history.items).astype(np.int32)
        suited = model.predict_pairs(history, np.zeros(len(unseen), np.int32), unseen) >= mean
        stars = [line.stars for row in build_shelves(model, history, 12) for line in row.items]
        assert stars
        assert min(stars) >= mean or suited.sum() < 4


def test_the_watchlist_is_the_first_shelf(model: Recommender) -> None:
    """It has its unseen movies by stars, without those expected below the user's mean, which no other shelf repeats."""
    history = model.data.history.take(np.array([3]))
    wanted = [*range(0, 200, 3), int(history.items[0]), 10**9]
    first, *others = build_shelves(model, history, 50, watchlist=wanted)
    assert (first.kind, first.title) == ("watchlist", "From your watchlist, for tonight")
    unseen = np.setdiff1d(np.arange(0, 200, 3), history.items).astype(np.int32)
    stars = model.predict_pairs(history, np.zeros(len(unseen), np.int32), unseen)
    suited = unseen[stars >= own_mean(model, history) - 1e-6]
    best = suited if len(suited) >= 4 else unseen[np.argsort(-stars)[:50]]  # too few: the mean is no standard
    shown = [line.movie for line in first.items]
    assert set(shown) == set(best.tolist())
    assert [line.score for line in first.items] == sorted((line.stars for line in first.items), reverse=True)
    assert not set(shown) & {line.movie for row in others for line in row.items}
    assert build_shelves(model, history, 6, watchlist=[int(history.items[0])])[0].kind == "top"


def test_equal_ratings_are_no_standard(model: Recommender) -> None:
    """A user who gave all their movies the same rating gets full shelves, without movies below all users' mean."""
    history, everyone = Histories.of_lists([([0, 2, 4], [4.5, 4.5, 4.5])]), own_mean(model, Histories.empty(1))
    assert own_mean(model, history) == everyone < 4.5
    assert own_mean(model, Histories.of_lists([([0, 2], [4.5, 4.0])])) == 4.25
    stars = [line.stars for row in build_shelves(model, history, 6) for line in row.items]
    assert len(stars) >= 12
    assert min(stars) >= everyone - 1e-6


@pytest.fixture(scope="module")
def noir() -> tuple[Ratings, Catalog]:
    """Film noir of 1941 to 1960 and of 2001 to 2020, dramas that few have rated, and 60 users who like all of it.

    Movies 0…19 are the old ones, 20…39 the new ones, 40…59 the dramas, each rated by four users.
    """
    rng = np.random.default_rng(8)
    chance = np.repeat([[0.5, 0.5, 4 / 60]], 20, axis=1)
    users, movies = np.nonzero(rng.random((60, 60)) < chance)
    stars = np.round(rng.uniform(3, 5, len(users)) * 2) / 2
    years = [*range(1941, 1961), *range(2001, 2021), *range(1971, 1991)]
    catalog = Catalog.of(range(60), title=[f"Film {m}" for m in range(60)], year=years,
                         genres=[["Film-Noir"]] * 40 + [["Drama"]] * 20)  # fmt: skip
    return Ratings.from_arrays(users, movies, stars, scale=Scale(0.5, 5, 0.5)), catalog


def test_a_genre_is_that_of_the_users_decades(noir: tuple[Ratings, Catalog]) -> None:
    """A fan of old film noir is shown old ones, a fan of both is shown both."""
    model = Bias().fit(*noir)
    old, both = (Histories.of_lists([(movies, [2.0] * len(movies))]) for movies in ([0, 4, 8, 12], [0, 4, 20, 24]))
    for history, eras in ((old, {False}), (both, {False, True})):
        genre = next(row for row in build_shelves(model, history, 8) if row.kind == "genre")
        assert genre.genre == "Film-Noir"
        assert {line.year > 2000 for line in genre.items if line.year} == eras


def test_movies_because_of_one_are_akin_to_it(noir: tuple[Ratings, Catalog]) -> None:
    """Movies far apart in time are not, although the same users rate them."""
    rows = build_shelves(Ease().fit(*noir), Histories.of_lists([([2, 3], [2.0, 2.0])]), 12)
    because = [row for row in rows if row.kind == "because"]
    assert because
    assert all(line.year is not None and line.year <= 1960 for row in because for line in row.items)


def test_gems_come_second_for_a_rare_taste(noir: tuple[Ratings, Catalog]) -> None:
    """A taste is rare if the liked movies have at most half the raters of the movies that people usually rate."""
    model = Bias().fit(*noir)
    common, rare = (Histories.of_lists([(movies, [3.0, 3.0, 1.0])]) for movies in ([0, 1, 40], [40, 41, 0]))
    assert [has_rare_taste(model, history) for history in (common, rare, Histories.empty(1))] == [False, True, False]
    assert [row.kind for row in build_shelves(model, rare, 5)][:2] == ["top", "gems"]
    kinds = [row.kind for row in build_shelves(model, common, 5)]
    assert kinds.index("gems") == 1 + kinds.count("because")


def test_an_empty_history_has_shelves(model: Recommender) -> None:
    """They are popular movies, gems and the most frequent genres, without personal reasons."""
    rows = build_shelves(model, Histories.empty(1), 5)
    assert rows[0].title == "Widely loved"
    assert "because" not in {row.kind for row in rows}
    assert all(not line.because for row in rows for line in row.items)
    assert build_shelves(model, Histories.empty(1), 5, filters=Filters(min_ratings=10**6)) == []


@pytest.fixture(scope="module")
def client(large: tuple[Ratings, Catalog], tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of the service."""
    folder = tmp_path_factory.mktemp("rows")
    save(DeepMF(TINY).fit(*large), folder / "model")
    settings = ServiceSettings(Path(folder / "model"), f"sqlite:///{folder}/s.db", hosts=("testserver",))
    with TestClient(create_app(settings)) as client:
        yield client


def test_the_route_answers_for_a_new_user(client: TestClient) -> None:
    """It returns the shelves, reports unknown IDs and leaves out hidden movies."""
    body: dict[str, Any] = {
        "ratings": [{"movie": movie, "rating": 4.5} for movie in (2, 4, 8, 777)], "hidden": [10, 14], "n": 5,
    }  # fmt: skip
    answer = client.post("/v1/rows", json=body).json()
    shown = [item["movie"] for row in answer["rows"] for item in row["items"]]
    assert (answer["fallback"], answer["unknown"]) == (False, [777])
    assert not set(shown) & {2, 4, 8, 10, 14}
    assert answer["rows"][0]["items"][0]["because"]
    assert client.post("/v1/rows", json={"ratings": []}).json()["fallback"] is True
    assert client.post("/v1/rows", json={"ratings": [], "where": "colour=red"}).status_code == 422
    assert client.post("/v1/rows", json={"ratings": [], "extra": 1}).status_code == 422


def test_the_profile_route_answers_for_a_new_user(client: TestClient) -> None:
    """It returns the histograms of the user and of all users, the loved genres and the model's accuracy."""
    ratings = [{"movie": movie, "rating": 4.5 if movie % 2 else 2.0} for movie in range(1, 21)]
    found = client.post("/v1/profile", json={"ratings": ratings}).json()
    assert (found["ratings"], found["mean"]) == (20, 3.25)
    assert {bar["rating"]: bar["yours"] for bar in found["histogram"] if bar["yours"]} == {2.0: 0.5, 4.5: 0.5}
    assert sum(bar["everyone"] for bar in found["histogram"]) == pytest.approx(1)
    best = found["genres"][0]
    assert (best["name"], best["count"], best["yours"], best["share"]) == ("Horror", 10, 4.5, 0.5)
    assert best["love"] > 0.5 > 0 > found["genres"][-1]["love"]
    assert found["known"]["n"] == 20
    assert found["known"]["rmse"] < found["known"]["baseline"]
    empty = client.post("/v1/profile", json={"ratings": []}).json()
    assert (empty["ratings"], empty["mean"], empty["known"]) == (0, None, None)
