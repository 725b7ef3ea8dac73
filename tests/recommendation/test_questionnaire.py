"""Questions for new users: `recommendation.questionnaire`, `recommendation.rating_prior` and their route."""

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
from cinematrix.recommendation.questionnaire import CONTRAST_WEIGHT, Questionnaire, compute_target_matrix
from cinematrix.recommendation.rating_prior import RatingPrior
from service_world import check_problem

NOTHING = np.zeros(0, np.int32)
DIVIDING = range(10)
"""The movies on which the two tastes of the world differ."""


@pytest.fixture(scope="module")
def two_tastes() -> Questionnaire:
    """Movies 0-9 are liked by one half of the people and not by the other; about 10-29 everybody agrees."""
    generator, n = np.random.default_rng(3), 120
    likes = np.where(np.arange(n) % 2, 1.0, -1.0)[:, None]
    stars = 3.5 + np.where(np.arange(30) < 10, likes * 1.2, 0) + generator.normal(0, 0.8, (n, 30))
    users, movies = np.nonzero(generator.random((n, 30)) < 0.7)
    rated = np.clip(stars[users, movies], 0.5, 5)
    return Questionnaire.of(TrainingData.of(Ratings.from_arrays(users, movies, rated, scale=Scale(0.5, 5)), None))


def many(n_users: int = 500, n_movies: int = 9724) -> Questionnaire:
    """As large as latest-small."""
    generator = np.random.default_rng(0)
    movies = (n_movies * generator.random(100_000) ** 3).astype(np.int64)
    rows = Ratings.from_arrays(generator.integers(0, n_users, 100_000), movies, generator.integers(1, 6, 100_000))
    return Questionnaire.of(TrainingData.of(rows, Catalog.of(range(n_movies))))


def answered(*pairs: tuple[int, float]) -> Histories:
    """One history."""
    return Histories.of_lists([([movie for movie, _ in pairs], [rating for _, rating in pairs])])


def test_the_first_question_separates_two_tastes(two_tastes: Questionnaire) -> None:
    """It is about a film that divides the people; once it is rated, no other tells half as much."""
    first = two_tastes.next(answered(), NOTHING)
    assert first is not None
    assert first.movie in DIVIDING
    then = two_tastes.next(answered((first.movie, 5.0)), NOTHING)
    assert then is not None
    assert then.variance_reduction < first.variance_reduction / 2


def test_nothing_is_asked_twice_and_the_questions_end(two_tastes: Questionnaire) -> None:
    """Rated, unseen and hidden films don't come again; after all of them comes nothing; twice gives the same."""
    hidden = np.array([2, 11], np.int32)

    def run() -> list[int]:
        rated, unseen, asked = list[tuple[int, float]](), list[int](), list[int]()
        while question := two_tastes.next(answered(*rated), np.array(unseen, np.int32), hidden):
            asked.append(question.movie)
            if len(asked) % 3:
                unseen.append(question.movie)
            else:
                rated.append((question.movie, 4.0))
        return asked

    asked = run()
    assert sorted(asked) == sorted({*range(30)} - {2, 11})
    assert asked == run()


def test_not_having_seen_a_film_makes_its_like_less_likely() -> None:
    """Half of the people see the first ten films, half the last ten; one unseen answer says which half she is of."""
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


def test_interactions_are_asked_by_the_chance_of_having_been_seen() -> None:
    """Without ratings the film that most people have seen comes first."""
    rows = Ratings.from_arrays([1, 2, 3, 1, 2, 3, 1], [5, 5, 5, 6, 6, 7, 8])
    question = Questionnaire.of(TrainingData.of(rows, None)).next(Histories.empty(1), NOTHING)
    assert question is not None
    assert (rows.movies.ids[question.movie], question.variance_reduction) == (5, 0.0)
    assert question.seen_chance == pytest.approx(1)


def test_a_question_takes_thirty_milliseconds_at_most() -> None:
    """On 9,724 movies, the best of a few tries on a machine that is busy, with a short and a long history."""
    made = many()
    for n in (3, 500):
        history, took = answered(*((movie, 4.0) for movie in range(n))), []
        with one_thread():  # as in the service
            for _ in range(10):
                started = time.perf_counter()
                made.next(history, np.arange(n, 2 * n, dtype=np.int32))
                took.append(time.perf_counter() - started)
        assert min(took) <= 0.03


def hand_made(unsure: float = 0.0) -> RatingPrior:
    """Of six films, without learning."""
    generator = np.random.default_rng(2)
    lines = np.column_stack([np.zeros(6), generator.normal(0, 1, (6, 3))])
    return RatingPrior(lines, np.tile(unsure * np.eye(4), (6, 1, 1)), generator.random(6) + 0.5)


def test_what_is_told_is_the_variance_that_a_rating_takes_away() -> None:
    """By the covariance before and after, of all films' expected ratings; hand-made loadings, no learning."""
    tastes = hand_made()
    weights, rated = np.random.default_rng(5).random(6), np.array([1, 4])
    sought = (tastes.loadings.T * weights) @ tastes.loadings

    def doubtful(movies: np.ndarray) -> float:
        return float(np.diag(tastes.loadings @ tastes.doubt(movies) @ tastes.loadings.T) @ weights)

    told = tastes.told(tastes.doubt(rated), sought)
    expected = [doubtful(rated) - doubtful(np.append(rated, movie)) for movie in range(6)]
    np.testing.assert_allclose(told, expected, rtol=1e-9)
    prior = tastes.loadings @ tastes.loadings.T  # the posterior of a Gaussian process, the other way round
    rest = prior[:, rated] @ np.linalg.solve(prior[np.ix_(rated, rated)] + np.diag(tastes.noise[rated]), prior[rated])
    np.testing.assert_allclose(tastes.loadings @ tastes.doubt(rated) @ tastes.loadings.T, prior - rest, atol=1e-9)


def test_a_rating_of_a_film_that_is_hardly_known_tells_less() -> None:
    """The variance of such a rating is what it is expected to be, by drawing films and people."""
    sure, unsure = hand_made(), hand_made(0.3)
    told = [each.told(np.eye(3), np.eye(3)) for each in (sure, unsure)]
    assert np.all(told[1] < told[0])
    generator, n = np.random.default_rng(6), 400_000
    drawn = unsure.lines[0] + generator.normal(0, 0.3**0.5, (n, 4))
    people = np.column_stack([np.ones(n), generator.normal(size=(n, 3))])
    ratings = (drawn * people).sum(1) + generator.normal(0, unsure.noise[0] ** 0.5, n)
    covered = np.sum(unsure.loadings[0] ** 2)  # how ratings of this film go with each x, squared and summed
    assert told[1][0] == pytest.approx(covered / ratings.var(), rel=0.02)


def test_what_tells_films_apart_counts_more() -> None:
    """Of two factors alike in strength, the one by which films differ is sought `CONTRAST_WEIGHT` times as much."""
    loadings = np.array([[1.0, 1.0], [1.0, -1.0]])
    np.testing.assert_allclose(compute_target_matrix(loadings, np.array([0.5, 0.5])), np.diag([1.0, CONTRAST_WEIGHT]))


KNOWN = slice(24)
"""The movies of the planted world that about 1,500 people have rated; the other forty have ten ratings each."""


@pytest.fixture(scope="module")
def planted() -> tuple[RatingPrior, np.ndarray]:
    """Tastes learned from ratings that were drawn from two factors, and the loadings of these."""
    generator = np.random.default_rng(4)
    loadings, noise = generator.normal(0, 0.7, (64, 2)), np.where(np.arange(64) < 12, 0.2, 1.0)
    rated = generator.random((3000, 64)) < 0.5
    rated[20:, 24:] = False
    stars = 3 + generator.normal(size=(3000, 2)) @ loadings.T + generator.normal(0, noise**0.5, rated.shape)
    rows, columns = np.nonzero(rated)
    return RatingPrior.of(sparse.csr_matrix((stars[rows, columns], (rows, columns)), rated.shape)), loadings


def test_planted_tastes_are_found(planted: tuple[RatingPrior, np.ndarray]) -> None:
    """The covariance of well known films and their noise, which differs by film, are about the planted."""
    tastes, loadings = planted
    found, made = tastes.loadings[KNOWN], loadings[KNOWN]
    np.testing.assert_allclose(found @ found.T, made @ made.T, atol=0.25)
    assert tastes.noise[:12].max() < tastes.noise[12:24].min()
    np.testing.assert_allclose(tastes.lines[KNOWN, 0], 3, atol=0.15)


def test_it_is_known_what_of_a_film_is_not(planted: tuple[RatingPrior, np.ndarray]) -> None:
    """Films with ten ratings are far less sure than those with 1,500, and their covariances are off by about so much.

    Variational Bayes takes itself for surer than it is, by two to three times here.
    """
    tastes, loadings = planted
    doubtful = tastes.covariances.trace(axis1=1, axis2=2)
    assert doubtful[24:].min() > 10 * doubtful[KNOWN].max()
    known, others = tastes.loadings[KNOWN], tastes.loadings[24:]
    off = known @ others.T - loadings[KNOWN] @ loadings[24:].T
    expected = np.einsum("nk,mkl,nl->nm", known, tastes.covariances[24:, 1:, 1:], known)
    assert 0.5 < np.mean(off**2) / expected.mean() < 4


def test_the_route_asks_until_nothing_is_left(client: TestClient, model: Any) -> None:
    """A film with title and chance, other ones as answers come; strange IDs do no harm; at the end a null."""
    rated, unseen = list[dict[str, Any]](), list[int]()
    while (body := client.post("/v1/questions", json={"ratings": rated, "unseen": [*unseen, -7]}).json())["movie"]:
        assert body["title"]
        assert 0 < body["seen_chance"] < 1
        assert body["asked"] == len(rated) + len(unseen) + 1
        assert body["movie"] not in [*unseen, *(row["movie"] for row in rated)]
        if len(unseen) < 5:
            unseen.append(body["movie"])
        else:
            rated.append({"movie": body["movie"], "rating": 3.5})
    films = len(np.unique(model.data.history.items))
    assert (len(rated) + len(unseen), body["seen_chance"], body["genres"]) == (films, None, [])


def test_the_route_refuses_what_it_does_not_know(client: TestClient, model: Any) -> None:
    """A rating off the scale, and a member that isn't one; hidden films aren't asked about."""
    first = client.post("/v1/questions", json={"ratings": []}).json()["movie"]
    check_problem(client.post("/v1/questions", json={"ratings": [{"movie": first, "rating": 99}]}), 422)
    check_problem(client.post("/v1/questions", json={"ratings": [], "seen": []}), 422)
    assert client.post("/v1/questions", json={"ratings": [], "hidden": [first]}).json()["movie"] != first
