"""Tests of `recommendation.questionnaire`, `recommendation.rating_prior` and their route."""

import time
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from starlette.testclient import TestClient

from cinematrix.common.threads import one_thread
from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.training_data import TrainingData
from cinematrix.recommendation.questionnaire import (
    CONTRAST_WEIGHT,
    PAGE,
    Question,
    Questionnaire,
    compute_target_matrix,
)
from cinematrix.recommendation.rating_prior import RatingPrior
from service_world import check_problem

NOTHING = np.zeros(0, np.int32)
DIVIDING = range(10)
"""Movies on which the two tastes differ."""


@pytest.fixture(scope="module")
def two_tastes() -> Questionnaire:
    """Half of the users like movies 0-9 and half don't; all agree on movies 10-29."""
    generator, n = np.random.default_rng(3), 120
    likes = np.where(np.arange(n) % 2, 1.0, -1.0)[:, None]
    stars = 3.5 + np.where(np.arange(30) < 10, likes * 1.2, 0) + generator.normal(0, 0.8, (n, 30))
    users, movies = np.nonzero(generator.random((n, 30)) < 0.7)
    rated = np.clip(stars[users, movies], 0.5, 5)
    return Questionnaire.of(TrainingData.of(Ratings.from_arrays(users, movies, rated, scale=Scale(0.5, 5)), None))


def many(n_users: int = 500, n_movies: int = 9724) -> Questionnaire:
    """Make a questionnaire of the size of latest-small."""
    generator = np.random.default_rng(0)
    movies = (n_movies * generator.random(100_000) ** 3).astype(np.int64)
    rows = Ratings.from_arrays(generator.integers(0, n_users, 100_000), movies, generator.integers(1, 6, 100_000))
    return Questionnaire.of(TrainingData.of(rows, Catalog.of(range(n_movies))))


def answered(*pairs: tuple[int, float]) -> Histories:
    """Make a history from (movie, rating) pairs."""
    return Histories.of_lists([([movie for movie, _ in pairs], [rating for _, rating in pairs])])


def ask(questionnaire: Questionnaire, history: Histories) -> Question:
    """Return the next question, one at a time."""
    page = questionnaire.next(history, NOTHING, n=1)
    assert page is not None
    (question,) = page.questions
    return question


def test_the_first_question_separates_two_tastes(two_tastes: Questionnaire) -> None:
    """It is about a movie on which tastes differ; the next question reduces less than half as much variance."""
    first = ask(two_tastes, answered())
    assert first.movie in DIVIDING
    second = ask(two_tastes, answered((first.movie, 5.0)))
    assert second.variance_reduction < first.variance_reduction / 2


def test_questions_are_not_repeated_and_end(two_tastes: Questionnaire) -> None:
    """Rated, unseen and hidden movies aren't asked about, the questions end, and they are deterministic."""
    hidden = np.array([2, 11], np.int32)

    def run() -> list[int]:
        rated, unseen, questions = list[tuple[int, float]](), list[int](), list[int]()
        while page := two_tastes.next(answered(*rated), np.array(unseen, np.int32), hidden, n=3):
            for question in page.questions:
                questions.append(question.movie)
                if len(questions) % 3:
                    unseen.append(question.movie)
                else:
                    rated.append((question.movie, 4.0))
        return questions

    questions = run()
    assert sorted(questions) == sorted({*range(30)} - {2, 11})
    assert questions == run()


def test_an_unseen_movie_makes_similar_movies_less_likely_seen() -> None:
    """Half of the users see the first ten movies, half the last ten; one answer says to which half the user belongs."""
    generator = np.random.default_rng(1)
    users = np.repeat(np.arange(100), 8)
    movies = np.concatenate([generator.permutation(10)[:8] + 10 * (user % 2) for user in range(100)])
    made = Questionnaire.of(TrainingData.of(Ratings.from_arrays(users, movies, np.full(800, 3.0)), None))
    before = made.chances(NOTHING.astype(np.int64), NOTHING.astype(np.int64))
    for places in ([0], [0, 1]):
        seen, unseen = (made.chances(*pair) for pair in ((np.array(places), NOTHING), (NOTHING, np.array(places))))
        assert np.all(seen[2:10] > before[2:10])
        assert np.all(unseen[2:10] < before[2:10])
        assert np.all(unseen[10:] > before[10:])
    assert np.all((before > 0) & (before < 1))


def test_plain_interactions_are_ordered_by_the_probability_of_having_been_seen() -> None:
    """Without ratings the most seen movie comes first."""
    rows = Ratings.from_arrays([1, 2, 3, 1, 2, 3, 1], [5, 5, 5, 6, 6, 7, 8])
    question = ask(Questionnaire.of(TrainingData.of(rows, None)), Histories.empty(1))
    assert (rows.movies.ids[question.movie], question.variance_reduction) == (5, 0.0)
    assert question.seen_chance == pytest.approx(1)


GENRES = ("Horror", "Western", "Documentary")


@pytest.fixture(scope="module")
def three_genres() -> Questionnaire:
    """Thirty movies, of which ten of the 1950s to 2010s each are of one genre; all are watched equally often."""
    generator = np.random.default_rng(6)
    users, movies = np.nonzero(generator.random((60, 30)) < 0.6)
    rows = Ratings.from_arrays(users, movies, generator.integers(1, 6, len(users)))
    years = [1950 + 7 * (movie % 10) for movie in range(30)]
    catalog = Catalog.of(range(30), year=years, genres=[[GENRES[movie // 10], "Drama"] for movie in range(30)])
    return Questionnaire.of(TrainingData.of(rows, catalog))


def test_a_page_has_one_region_and_none_of_these_leads_to_another(three_genres: Questionnaire) -> None:
    """The movies of a page share a genre and lie near in time. After none of them another region is asked about."""
    unseen, regions = list[int](), list[str]()
    for _ in range(3):
        page = three_genres.next(Histories.empty(1), np.array(unseen, np.int32), n=4)
        assert page is not None
        movies = [question.movie for question in page.questions]
        assert {GENRES[movie // 10].lower() for movie in movies} == {page.region}
        assert page.years == (min(years := [1950 + 7 * (movie % 10) for movie in movies]), max(years))
        assert all(abs(year - years[0]) <= 15 for year in years)
        unseen += movies
        regions.append(page.region)
    assert sorted(regions) == sorted(genre.lower() for genre in GENRES)
    page = three_genres.next(answered((unseen[0], 5.0)), np.array(unseen[1:], np.int32), n=4)
    assert page is not None
    assert page.region == regions[0], "the region of which something was seen is asked about again"


def test_a_question_takes_thirty_milliseconds_at_most() -> None:
    """The fastest of ten runs on 9,724 movies, with a short and a long history."""
    questionnaire = many()
    for n in (3, 500):
        history, seconds = answered(*((movie, 4.0) for movie in range(n))), []
        with one_thread():  # as in the service
            for _ in range(10):
                started = time.perf_counter()
                questionnaire.next(history, np.arange(n, 2 * n, dtype=np.int32))
                seconds.append(time.perf_counter() - started)
        assert min(seconds) <= 0.03


def hand_made(variance: float = 0.0) -> RatingPrior:
    """Make a prior of six movies without training, with the given posterior variance of the lines."""
    generator = np.random.default_rng(2)
    lines = np.column_stack([np.zeros(6), generator.normal(0, 1, (6, 3))])
    return RatingPrior(lines, np.tile(variance * np.eye(4), (6, 1, 1)), generator.random(6) + 0.5)


def test_the_variance_reduction_is_exact() -> None:
    """It is the difference of the variances of all movies' expected ratings before and after; hand-made loadings."""
    prior = hand_made()
    weights, rated = np.random.default_rng(5).random(6), np.array([1, 4])
    target_matrix = (prior.loadings.T * weights) @ prior.loadings

    def variance(movies: np.ndarray) -> float:
        return float(np.diag(prior.loadings @ prior.doubt(movies) @ prior.loadings.T) @ weights)

    reduction = prior.told(prior.doubt(rated), target_matrix)
    expected = [variance(rated) - variance(np.append(rated, movie)) for movie in range(6)]
    np.testing.assert_allclose(reduction, expected, rtol=1e-9)
    kernel = prior.loadings @ prior.loadings.T  # the same posterior, as that of a Gaussian process
    rest = kernel[:, rated] @ np.linalg.solve(kernel[np.ix_(rated, rated)] + np.diag(prior.noise[rated]), kernel[rated])
    np.testing.assert_allclose(prior.loadings @ prior.doubt(rated) @ prior.loadings.T, kernel - rest, atol=1e-9)


def test_an_uncertain_movie_reduces_less_variance() -> None:
    """The variance of its rating agrees with that of sampled movies and users."""
    certain, uncertain = hand_made(), hand_made(0.3)
    reductions = [each.told(np.eye(3), np.eye(3)) for each in (certain, uncertain)]
    assert np.all(reductions[1] < reductions[0])
    generator, n = np.random.default_rng(6), 400_000
    lines = uncertain.lines[0] + generator.normal(0, 0.3**0.5, (n, 4))
    users = np.column_stack([np.ones(n), generator.normal(size=(n, 3))])
    ratings = (lines * users).sum(1) + generator.normal(0, uncertain.noise[0] ** 0.5, n)
    covariance = np.sum(uncertain.loadings[0] ** 2)  # of the movie's ratings with each x, squared and summed
    assert reductions[1][0] == pytest.approx(covariance / ratings.var(), rel=0.02)


def test_differences_between_movies_count_more() -> None:
    """A factor in which movies differ has `CONTRAST_WEIGHT` times the weight of one common to all movies."""
    loadings = np.array([[1.0, 1.0], [1.0, -1.0]])
    np.testing.assert_allclose(compute_target_matrix(loadings, np.array([0.5, 0.5])), np.diag([1.0, CONTRAST_WEIGHT]))


MANY = slice(24)
"""Planted movies with about 1,500 ratings; the other forty have ten each."""


@pytest.fixture(scope="module")
def planted() -> tuple[RatingPrior, np.ndarray]:
    """A prior trained on ratings sampled from two factors, and their loadings."""
    generator = np.random.default_rng(4)
    loadings, noise = generator.normal(0, 0.7, (64, 2)), np.where(np.arange(64) < 12, 0.2, 1.0)
    rated = generator.random((3000, 64)) < 0.5
    rated[20:, 24:] = False
    stars = 3 + generator.normal(size=(3000, 2)) @ loadings.T + generator.normal(0, noise**0.5, rated.shape)
    rows, columns = np.nonzero(rated)
    return RatingPrior.of(sparse.csr_matrix((stars[rows, columns], (rows, columns)), rated.shape)), loadings


def test_planted_covariances_are_recovered(planted: tuple[RatingPrior, np.ndarray]) -> None:
    """The covariance and the noise of movies with many ratings are close to the planted ones."""
    prior, loadings = planted
    trained, expected = prior.loadings[MANY], loadings[MANY]
    np.testing.assert_allclose(trained @ trained.T, expected @ expected.T, atol=0.25)
    assert prior.noise[:12].max() < prior.noise[12:24].min()
    np.testing.assert_allclose(prior.lines[MANY, 0], 3, atol=0.15)


def test_movies_with_few_ratings_are_uncertain(planted: tuple[RatingPrior, np.ndarray]) -> None:
    """Movies with ten ratings are far less certain than those with 1,500, and their errors agree with the covariances.

    Variational Bayes is overconfident, here by a factor of two to three.
    """
    prior, loadings = planted
    variances = prior.covariances.trace(axis1=1, axis2=2)
    assert variances[24:].min() > 10 * variances[MANY].max()
    certain, others = prior.loadings[MANY], prior.loadings[24:]
    errors = certain @ others.T - loadings[MANY] @ loadings[24:].T
    expected = np.einsum("nk,mkl,nl->nm", certain, prior.covariances[24:, 1:, 1:], certain)
    assert 0.5 < np.mean(errors**2) / expected.mean() < 4


def test_the_route_asks_about_every_movie_once(client: TestClient, model: Any) -> None:
    """Each page has movies with a title and a probability, unknown IDs are ignored, and the last page is empty."""
    rated, unseen = list[dict[str, Any]](), list[int]()
    while (body := client.post("/v1/questions", json={"ratings": rated, "unseen": [*unseen, -7]}).json())["items"]:
        assert len(body["items"]) <= PAGE
        assert body["region"]
        assert body["asked"] == len(rated) + len(unseen) + 1
        for item in body["items"]:
            assert item["title"]
            assert 0 < item["seen_chance"] < 1
            assert item["movie"] not in [*unseen, *(row["movie"] for row in rated)]
            if len(unseen) < 5:
                unseen.append(item["movie"])
            else:
                rated.append({"movie": item["movie"], "rating": 3.5})
    movies = len(np.unique(model.data.history.items))
    assert (len(rated) + len(unseen), body["region"], body["years"]) == (movies, "", None)


def test_the_route_refuses_invalid_requests(client: TestClient, model: Any) -> None:
    """A rating off the scale and an unknown field are refused; hidden movies aren't asked about."""
    first = client.post("/v1/questions", json={"ratings": []}).json()["items"][0]["movie"]
    check_problem(client.post("/v1/questions", json={"ratings": [{"movie": first, "rating": 99}]}), 422)
    check_problem(client.post("/v1/questions", json={"ratings": [], "seen": []}), 422)
    check_problem(client.post("/v1/questions", json={"ratings": [], "n": 0}), 422)
    (other,) = client.post("/v1/questions", json={"ratings": [], "hidden": [first], "n": 1}).json()["items"]
    assert other["movie"] != first
