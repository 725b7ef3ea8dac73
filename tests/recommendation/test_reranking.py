"""Tests of `cinematrix.recommendation.reranking`: novelty and diversity of lists."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cinematrix.common.vectors import standardise
from cinematrix.data.catalog import Catalog
from cinematrix.data.features import genres_and_decades
from cinematrix.data.histories import Histories, select_entries
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import SettingError
from cinematrix.metrics.diversity import intra_list_similarity, miscalibration, novelty
from cinematrix.metrics.top_n import RankedLists, top_n
from cinematrix.models.base import Recommender
from cinematrix.models.bias import Bias
from cinematrix.models.contract_types import Abilities, Ordering
from cinematrix.models.ials import IALS, IALSSettings
from cinematrix.recommendation.lists import Filters, recommend
from cinematrix.recommendation.reranking import POOL_FACTOR, Reranking, compute_similarity

WEIGHTS = st.integers(0, 16).map(lambda sixteenths: sixteenths / 16)


class GivenScores(Recommender):
    """Model with given scores and vectors."""

    name: ClassVar[str] = "given scores"
    abilities: ClassVar[Abilities] = Abilities(vectors=True)

    def __init__(
        self, known: TrainingData, scores: NDArray[np.float32], vectors: NDArray[np.float32] | None = None
    ) -> None:
        self.data, self.scores, self.given = known, scores, vectors

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        """Return the given scores."""
        return np.tile(self.scores, (len(histories), 1))

    def vectors(self) -> NDArray[np.float32]:
        """Return the given vectors."""
        assert self.given is not None
        return self.given

    def arrays(self) -> Mapping[str, NDArray[Any]]:  # type: ignore[override]
        """Return no arrays."""
        return {}

    @classmethod
    def restore(cls, settings: Any, known: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Raise an error; the model isn't saved."""
        raise NotImplementedError


class Stars(GivenScores):
    """The same, with three stars for every movie."""

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        """Return three stars."""
        return np.full(len(movies), 3, np.float32)


def make_data(raters: list[int]) -> TrainingData:
    """Make training data of movies 0, 1, … with the given number of raters each."""
    pairs = [(user, movie) for movie, n in enumerate(raters) for user in range(n)]
    users, movies = zip(*pairs, strict=True)
    return TrainingData.of(Ratings.from_arrays(users, movies, [3.0] * len(pairs)), Catalog.of(list(range(len(raters)))))


def chosen(model: Recommender, dials: Reranking, n: int) -> list[int]:
    """Return the movies of the list of `n`."""
    scores = model.score(Histories.empty(1))
    width = scores.shape[1]
    pool = top_n(scores, min(dials.pool(n), width))
    row: list[int] = dials.rerank(model, Histories.empty(1), pool, min(n, width)).movies[0].tolist()
    return row


def test_novelty_by_hand() -> None:
    """Scores 3, 2, 1 are +√1.5, 0, −√1.5 deviations from their mean; the bits of 4, 2, 1 raters are the reverse.

    At ½ all are equal and the model's order remains; below ½ the first movie leads, above ½ the last.
    """
    model = GivenScores(make_data([4, 2, 1]), np.array([3, 2, 1], np.float32))
    assert chosen(model, Reranking(novelty=0.4), 3) == [0, 1, 2]
    assert chosen(model, Reranking(novelty=0.6), 3) == [2, 1, 0]
    assert chosen(model, Reranking(novelty=1), 2) == [2, 1]


def test_diversity_by_hand() -> None:
    """Movies 0 and 1 are equal, 2 is similar to neither; scores 3, 2, 1.

    The three similarities 1, 0, 0 are +√2, −√½, −√½ deviations from their mean. Movie 1 is second if
    0 − δ√2 > −(1 − δ)√1.5 + δ√½, which is δ < 0.366.
    """
    vectors = np.array([[2, 0], [1, 0], [0, 1]], np.float32)
    model = GivenScores(make_data([1, 1, 1]), np.array([3, 2, 1], np.float32), vectors)
    assert chosen(model, Reranking(diversity=0.36), 3) == [0, 1, 2]
    assert chosen(model, Reranking(diversity=0.37), 3) == [0, 2, 1]
    assert chosen(model, Reranking(diversity=1), 2) == [0, 2]


@given(st.data(), st.lists(st.integers(1, 30), min_size=2, max_size=60), WEIGHTS, WEIGHTS)
def test_more_novelty_is_never_less_novel(data: st.DataObject, raters: list[int], one: float, other: float) -> None:
    """For any scores, raters and length, the mean self-information of a list doesn't fall."""
    scores = data.draw(st.lists(st.floats(-9, 9, width=32), min_size=len(raters), max_size=len(raters)))
    model, n = GivenScores(make_data(raters), np.array(scores, np.float32)), data.draw(st.integers(1, 8))
    lists = np.array([chosen(model, Reranking(novelty=dial), n) for dial in sorted((one, other))], np.int32)
    less, more = novelty(lists, model.data.raters, len(model.data.users))
    assert more >= less - 1e-9


def greedy(value: NDArray[np.float64], similarity: NDArray[np.float64], diversity: float, n: int) -> list[int]:
    """Select by maximal marginal relevance as Carbonell and Goldstein write it, one candidate after the other."""
    pairs = [similarity[a, b] for a in range(len(value)) for b in range(len(value)) if a != b]
    scale = np.std(pairs) or 1
    selected: list[int] = []
    while len(selected) < n:
        candidates = [i for i in range(len(value)) if i not in selected]
        marginal = {
            i: (1 - diversity) * value[i]
            - diversity * max((similarity[i, j] - np.mean(pairs)) / scale for j in selected)
            if selected
            else value[i]
            for i in candidates
        }
        selected.append(max(candidates, key=lambda i: marginal[i]))
    return selected


@pytest.mark.parametrize("dial", [0.1, 0.5, 0.9, 1.0])
def test_diversity_is_the_papers_rule(dial: float) -> None:
    """The list equals that of a second implementation, for random vectors and scores."""
    generator = np.random.default_rng(7)
    scores, vectors = generator.normal(size=30).astype(np.float32), generator.normal(size=(30, 5)).astype(np.float32)
    model = GivenScores(make_data([1] * 30), scores, vectors)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    wanted = greedy(standardise(scores.astype(float)), (unit @ unit.T).astype(float), dial, 8)
    assert chosen(model, Reranking(diversity=dial), 8) == wanted


def test_lists_stay_within_the_pool() -> None:
    """At any strength, only movies of the pool are shown, and the list has its length."""
    model = GivenScores(
        make_data([9] * 50 + [1] * 150), -np.arange(200, dtype=np.float32), np.eye(200, dtype=np.float32)
    )
    for dials in (Reranking(1, 0), Reranking(0, 1), Reranking(1, 1)):
        found = chosen(model, dials, 7)
        assert len(set(found)) == 7
        assert max(found) < 7 * POOL_FACTOR
    assert min(chosen(model, Reranking(1, 0), 7)) >= 50


def test_a_long_list_ends_as_the_model_orders_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Movies beyond the largest pool keep their order, and none is lost."""
    monkeypatch.setattr("cinematrix.recommendation.reranking.MAX_POOL", 4)
    model = GivenScores(make_data([8, 7, 6, 5, 4, 3]), -np.arange(6, dtype=np.float32), np.eye(6, dtype=np.float32))
    assert chosen(model, Reranking(novelty=1), 6) == [3, 2, 1, 0, 4, 5]
    assert sorted(chosen(model, Reranking(diversity=1), 6)) == list(range(6))


def test_short_and_empty_pools_stay_short() -> None:
    """Padding stays at the end, with scores of −inf; an empty pool gives an empty list."""
    model = GivenScores(make_data([3, 2, 1]), np.zeros(3, np.float32), np.eye(3, dtype=np.float32))
    pool = RankedLists(
        np.array([[0, 2, UNKNOWN], [UNKNOWN] * 3], np.int32), np.array([[2, 1, -np.inf], [-np.inf] * 3], np.float32)
    )
    for dials in (Reranking(1, 0), Reranking(0, 0.5)):
        found = dials.rerank(model, Histories.empty(len(pool.movies)), pool, 3)
        assert sorted(found.movies[0]) == [UNKNOWN, 0, 2]
        assert found.movies[1].tolist() == [UNKNOWN] * 3
        assert found.lengths.tolist() == [2, 0]
        assert found.scores[0, found.movies[0] == 2] == 1
        assert np.isneginf(found.scores[0, 2])


@pytest.mark.parametrize("dials", [{"novelty": -0.1}, {"diversity": 1.1}, {"novelty": float("nan")}])
def test_a_dial_goes_from_0_to_1(dials: dict[str, float]) -> None:
    """Values outside 0…1 are refused, with the name of the setting."""
    with pytest.raises(SettingError, match=rf"{next(iter(dials))} is .*must be from 0 to 1"):
        Reranking(**dials)


def test_similarity_is_by_vectors_else_genres_else_raters(world: tuple[Ratings, Catalog]) -> None:
    """Each is the plain cosine."""
    ratings, catalog = world
    movies = np.array([4, 0, 9], np.int32)

    def cosines(rows: NDArray[Any]) -> NDArray[Any]:
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit @ unit.T

    with_vectors = IALS(IALSSettings(factors=3)).fit(ratings, catalog)
    np.testing.assert_allclose(
        compute_similarity(with_vectors, movies), cosines(with_vectors.vectors()[movies]), atol=1e-5
    )
    by_genres, by_raters = Bias().fit(ratings, catalog), Bias().fit(ratings)
    genres = by_genres.data.catalog.genre_matrix().toarray()[movies]
    np.testing.assert_allclose(compute_similarity(by_genres, movies), cosines(genres), atol=1e-6)
    rated = by_raters.data.history.matrix(len(by_raters.data.movies)).toarray().T[movies]
    np.testing.assert_allclose(compute_similarity(by_raters, movies), cosines(rated), atol=1e-6)


def test_dials_at_0_are_the_plain_list(world: tuple[Ratings, Catalog]) -> None:
    """At 0 the list is exactly the plain one; at 1 it is more novel or more diverse, and keeps the filters."""
    model = Bias().fit(*world)
    history, n = model.data.history.take(np.array([0])), 5
    plain = recommend(model, history, n, by="ranking")
    assert repr(recommend(model, history, n, by="ranking", dials=Reranking())) == repr(plain)
    novel, varied = (
        recommend(model, history, n, by="ranking", dials=dials)
        for dials in (Reranking(novelty=1), Reranking(diversity=1))
    )
    bits, similarity = [], []
    for found in (plain, novel, varied):
        numbers = model.data.movies.numbers([line.movie for line in found.items])[None]
        bits.append(novelty(numbers, model.data.raters, len(model.data.users))[0])
        similarity.append(intra_list_similarity(numbers, model.data.catalog.genre_matrix())[0])
    assert bits[1] > bits[0]
    assert similarity[2] < similarity[0]
    filters = Filters(min_ratings=int(np.median(model.data.raters)))
    for line in recommend(model, history, n, filters=filters, dials=Reranking(1, 1)).items:
        assert model.data.raters[model.data.movies.number(line.movie)] >= filters.min_ratings
    scores = {line.movie: line.score for line in recommend(model, history, 50, by="ranking").items}
    assert all(line.score == scores[line.movie] for line in novel.items)
    assert replace(Reranking(), novelty=1).is_off is False


def test_calibration_by_hand() -> None:
    """A user who liked two comedies and a drama gets their mix at 1, the model's order at 0, and no disliked genre."""
    genres = [["Comedy"], ["Comedy"], ["Drama"], ["Horror"], *[["Comedy"]] * 4, *[["Drama"]] * 4, *[["Horror"]] * 4]
    catalog = Catalog.of(list(range(16)), genres=genres)
    ratings = Ratings.from_arrays([1, 1, 1, 1, 2], [0, 1, 2, 3, 0], [5.0, 4.5, 5.0, 1.0, 3.0], scale=Scale(0.5, 5, 0.5))
    model = Stars(TrainingData.of(ratings, catalog), np.arange(16, dtype=np.float32))
    history = model.data.history.take(np.array([0]))
    lists = {
        strength: [int(line.movie) for line in
                   recommend(model, history, 6, by="ranking", dials=Reranking(calibration=strength)).items]
        for strength in (0.0, 0.2, 1.0)
    }  # fmt: skip
    assert lists[0.0] == [15, 14, 13, 12, 11, 10]
    kinds = {strength: [genres[movie][0] for movie in movies] for strength, movies in lists.items()}
    assert sorted(kinds[1.0]) == ["Comedy"] * 4 + ["Drama"] * 2
    assert set(kinds[0.2]) == {"Comedy", "Drama", "Horror"}
    nobody = recommend(model, Histories.empty(1), 6, by="ranking", dials=Reranking(calibration=1.0))
    assert [int(line.movie) for line in nobody.items] == [15, 14, 13, 12, 11, 10]


def test_calibration_keeps_the_share_of_other_languages() -> None:
    """A lover of films in other languages gets them where the catalog has original titles, and only then."""
    foreign = [movie % 2 == 0 for movie in range(20)]
    names = [
        f"Film {movie} (L'été numéro {movie})" if other else f"Film {movie}" for movie, other in enumerate(foreign)
    ]
    ratings = Ratings.from_arrays([1] * 6 + [2], [0, 2, 4, 1, 3, 5, 0], [5.0] * 3 + [1.0] * 4, scale=Scale(0.5, 5, 0.5))
    scores = np.array([not other for other in foreign], np.float32)
    shares = {}
    for titles in (names, None):
        catalog = Catalog.of(list(range(20)), genres=[["Drama"]] * 20, **({"title": titles} if titles else {}))
        model = Stars(TrainingData.of(ratings, catalog), scores)
        found = recommend(
            model, model.data.history.take(np.array([0])), 6, by="ranking", dials=Reranking(calibration=1)
        )
        shares[titles is None] = sum(foreign[int(line.movie)] for line in found.items)
    assert shares == {False: 6, True: 0}


def test_calibration_brings_the_mix_nearer(world: tuple[Ratings, Catalog]) -> None:
    """The divergence from what a user liked falls as calibration grows."""
    model = Bias().fit(*world)
    features = genres_and_decades(model.data.catalog)
    history = model.data.history.take(np.array([3]))
    assert history.values is not None
    liked = select_entries(history, history.values >= history.values.mean())
    found = []
    for strength in (0.0, 0.2, 0.9):
        items = recommend(model, history, 5, by="ranking", dials=Reranking(calibration=strength)).items
        numbers = model.data.movies.numbers([line.movie for line in items])[None]
        found.append(float(miscalibration(numbers, liked, features)[0]))
    assert found[0] >= found[1] >= found[2]
    assert found[2] < found[0]
