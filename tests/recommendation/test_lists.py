"""Lists of movies by name: `cinematrix.recommendation.lists`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Ratings
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import InputError, SettingError, UnknownIdError
from cinematrix.models.base import Abilities, Ordering, Recommender, ScoreShares
from cinematrix.models.bias import Bias
from cinematrix.models.popular import Popular
from cinematrix.recommendation import lists
from cinematrix.recommendation.lists import (
    Filters,
    Reason,
    Recommendation,
    find_similar,
    get_history,
    recommend,
    recommend_all,
)
from worlds import as_interactions

N = 12


class Planted(Recommender):
    """A model whose every answer is known: movies score as planted, and stars order them the other way round.

    By ranking, movie number `m` has score `m` for all users but the one with number 0, for whom it is `-m`.
    """

    name: ClassVar[str] = "planted"
    abilities: ClassVar[Abilities] = Abilities(vectors=True)

    def __init__(self, known: TrainingData, vectors: NDArray[np.float32] | None = None) -> None:
        self.data, self.planted = known, vectors

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        """As planted."""
        owners = np.full(len(histories), -1) if histories.owners is None else histories.owners
        sign = np.where(owners == 0, -1, 1) * (1 if by == "ranking" else -1)
        return (sign[:, None] * np.arange(len(self.data.movies))).astype(np.float32)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        """A tenth of the movie's number, and one more for each movie in the history."""
        return (movies / 10 + histories.counts[rows]).astype(np.float32)

    def vectors(self) -> NDArray[np.float32]:
        """As planted."""
        assert self.planted is not None
        return self.planted

    def arrays(self) -> Mapping[str, NDArray[Any]]:  # type: ignore[override]
        """Nothing."""
        return {}

    @classmethod
    def restore(cls, settings: Any, known: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """As it was."""
        return cls(known)


@pytest.fixture(scope="module")
def known() -> TrainingData:
    """Twelve movies with IDs 100…111, of which 110 and 111 have no ratings; users 7, 3 and 5 with 3, 1 and 2."""
    users, movies = [7, 7, 7, 3, 5, 5], [100, 101, 109, 101, 101, 108]
    ratings = Ratings.from_arrays([*users, *([1] * 10)], [*movies, *range(100, 110)], [3] * 16)
    catalog = Catalog.of(
        list(range(100, 112)),
        title=[f"Film {m}" if m != 105 else None for m in range(100, 112)],
        year=[1990 + m for m in range(11)] + [None],
        genres=[["Drama"] if m % 2 else ["Comedy", "Drama"] for m in range(11)] + [[]],
    )
    return TrainingData.of(ratings, catalog)


@pytest.fixture(scope="module")
def model(known: TrainingData) -> Planted:
    """The planted model; users in order of number are 1, 3, 5, 7."""
    return Planted(known)


def ids(items: list[Recommendation]) -> list[int]:
    """The movies of a list."""
    return [int(item.movie) for item in items]


def test_the_best_unseen_movies_come_first(model: Planted) -> None:
    """Best score first, films in the history left out, and every line says who, what and how good."""
    found = recommend(model, get_history(model, 7), 5)
    assert ids(found.items) == [111, 110, 108, 107, 106]
    assert found.shortfall is None
    first, third = found.items[0], found.items[2]
    assert first.as_dict() == {
        "movie": 111, "title": "Film 111", "year": None, "genres": [], "score": 11.0, "stars": pytest.approx(4.1),
        "because": [],
        "low": None, "high": None,
    }  # fmt: skip
    assert (first.label, third.label) == ("Film 111", "Film 108 (1998)")
    assert recommend(model, get_history(model, 7), 6).items[-1].title == "movie 105"
    assert isinstance(first.movie, int)


def test_a_user_and_a_stranger_with_her_history_take_one_path(model: Planted, known: TrainingData) -> None:
    """A stranger's ratings do what a known user's history does; a stranger without any gets everything."""
    stranger, unknown = known.histories([{100: 3, 101: 3, 109: 3, 4242: 3}])
    assert unknown == [4242]
    assert ids(recommend(model, stranger, 9).items) == ids(recommend(model, get_history(model, 7), 9).items)
    assert ids(recommend(model, Histories.empty(1), 20).items) == list(range(111, 99, -1))


def test_stars_order_differently_from_ranking(model: Planted) -> None:
    """`by` decides the order; the score of a line is what it is ordered by, its stars are the same either way."""
    ranking = recommend(model, get_history(model, 3), 11, by="ranking").items
    stars = recommend(model, get_history(model, 3), 11, by="stars").items
    assert ids(stars) == ids(ranking)[::-1]
    assert [line.score for line in stars] == [-line.score for line in ranking][::-1]
    assert [line.stars for line in stars] == [line.stars for line in ranking][::-1]
    assert recommend(model, get_history(model, 3), 11).items == ranking


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(where="genre=Comedy"), [110, 108, 106]),
        (Filters(where="genre=Comedy year<1998"), [106, 104, 102]),
        (Filters(min_ratings=1), [108, 107, 106]),
        (Filters(min_ratings=2), [108]),
        (Filters(exclude=(111, "110", 108, "no such")), [107, 106, 105]),
        (Filters("genre!=Comedy", 1, (107,)), [105, 103]),
    ],
)
def test_filters_come_before_the_cut(model: Planted, filters: Filters, expected: list[int]) -> None:
    """The list is filled from the movies that pass, however far down they stand; unknown IDs exclude nothing."""
    found = recommend(model, get_history(model, 7), 3, filters=filters)
    assert ids(found.items) == expected
    assert (found.shortfall is None) == (len(expected) == 3)


def test_a_short_list_says_why(model: Planted) -> None:
    """It has what there is, and the reason in numbers; nothing at all is an answer too."""
    found = recommend(model, get_history(model, 7), 20, filters=Filters(where="genre=Comedy"))
    assert ids(found.items) == [110, 108, 106, 104, 102]
    assert found.shortfall == "5 of 20 movies: the filters leave 6 and 3 movies are in the history"
    none = recommend(model, get_history(model, 7), 5, filters=Filters(min_ratings=99))
    assert none.items == []
    assert none.shortfall == "0 of 5 movies: the filters leave 0 and 3 movies are in the history"


def test_a_list_of_any_length_costs_no_memory(model: Planted, tmp_path: Path) -> None:
    """Asked for a million million movies, it gives those that there are."""
    assert len(recommend(model, get_history(model, 7), 10**12).items) == 9
    assert len(find_similar(Planted(model.data, planted_vectors()), 104, 10**12)) == 9
    assert recommend_all(model, tmp_path / "all.parquet", 10**12) == 2 + 11 + 10 + 9


def test_what_makes_no_sense_is_refused(model: Planted) -> None:
    """An unknown user, an unknown order, a list of length 0, a filter that isn't one."""
    with pytest.raises(UnknownIdError, match=r"user 42 isn't among the model's 4 users; give a stranger's ratings"):
        get_history(model, 42)
    with pytest.raises(SettingError, match="can't be ordered by 'taste'; by ranking or by stars"):
        recommend(model, get_history(model, 7), by="taste")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="n must be at least 1"):
        recommend(model, get_history(model, 7), 0)
    with pytest.raises(SettingError, match="isn't understood"):
        recommend(model, get_history(model, 7), filters=Filters(where="nonsense"))


def test_a_model_of_views_has_no_stars(world: tuple[Ratings, Catalog]) -> None:
    """Its lists are by ranking, with chances in place of stars; by stars is refused, one or all."""
    model = Popular().fit(as_interactions(world[0]), world[1])
    person = model.data.history.take(np.array([0]))
    found = recommend(model, person)
    assert all(0 <= line.stars <= 1 for line in found.items)
    for ask in (lambda: recommend(model, person, by="stars"), lambda: recommend_all(model, Path("x"), by="stars")):
        with pytest.raises(SettingError, match="plain interactions and has no stars; order by ranking"):
            ask()
    assert not Path("x").exists()


class Outspoken(Planted):
    """The planted model, that tells its shares: entry `j` of a history adds `j − 1` (by stars `1 − j`) to all."""

    abilities: ClassVar[Abilities] = Abilities(explains=True)

    def shares(self, history: Histories, movies: Numbers, *, by: Ordering = "ranking") -> ScoreShares:
        """As planted."""
        sign = 1 if by == "ranking" else -1
        one = sign * (np.arange(len(history.items), dtype=np.float32) - 1)
        ratings = np.tile(one, (len(movies), 1))
        return ScoreShares(ratings.sum(1, dtype=np.float64), {}, ratings, ratings)


def test_a_line_says_what_speaks_for_it(known: TrainingData) -> None:
    """The three movies with the largest shares of all that adds, best first, of the order that the list uses."""
    person, _ = known.histories([dict.fromkeys((100, 101, 102, 105, 109, 111), 3)])  # entries 0…5 add −1…4
    by_ranking, by_stars = (recommend(Outspoken(known), person, 2, by=by).items for by in ("ranking", "stars"))
    expected = [
        Reason(111, "Film 111", None, 0.4),
        Reason(109, "Film 109", 1999, 0.3),
        Reason(105, "movie 105", 1995, 0.2),
    ]
    assert [line.because for line in by_ranking] == [expected, expected]
    assert by_stars[0].because == [Reason(100, "Film 100", 1990, 1.0)]
    assert by_ranking[0].as_dict()["because"][0] == {"movie": 111, "title": "Film 111", "year": None, "share": 0.4}
    assert recommend(Outspoken(known), Histories.empty(1), 2).items[0].because == []


def test_what_she_disliked_is_no_reason(known: TrainingData) -> None:
    """A movie rated below her mean isn't named, though its share is part of all that adds."""
    person, _ = known.histories([{100: 1, 101: 5, 102: 4, 105: 1, 109: 5}])  # add −1, 0, 1, 2, 3; the mean is 3.2
    because = recommend(Outspoken(known), person, 1).items[0].because
    assert [(reason.movie, reason.share) for reason in because] == [
        (109, pytest.approx(1 / 2)),
        (102, pytest.approx(1 / 6)),
    ]


@pytest.mark.parametrize("user", ["7", 7, np.int64(7)])
def test_a_user_is_found_by_number_or_text(model: Planted, user: Any) -> None:
    """A command line doesn't say whether its IDs are integers."""
    assert len(get_history(model, user).items) == 3


def planted_vectors() -> NDArray[np.float32]:
    """Movie `m` at the angle of 10 m degrees, and the further it is the longer: only the angle may count."""
    angle = np.deg2rad(10 * np.arange(N))
    return (np.stack([np.cos(angle), np.sin(angle)], 1) * (1 + np.arange(N))[:, None] ** 2).astype(np.float32)


def test_similar_are_the_nearest_by_cosine(known: TrainingData) -> None:
    """Neighbours by angle and not by length, never the movie itself, nor one without ratings."""
    model = Planted(known, planted_vectors())
    found = find_similar(model, 104, 4)
    assert sorted(ids(found[:2])) == [103, 105]
    assert sorted(ids(found[2:])) == [102, 106]
    np.testing.assert_allclose([line.score for line in found], np.cos(np.deg2rad([10, 10, 20, 20])), rtol=1e-5)
    everything = find_similar(model, 108, 50)
    assert sorted(ids(everything)) == [100, 101, 102, 103, 104, 105, 106, 107, 109]
    assert [line.stars for line in everything[:1]] == pytest.approx([0.7 if ids(everything)[0] == 107 else 0.9])
    assert 111 not in ids(everything)
    assert ids(find_similar(model, "111", 1)) == [109]


def test_similar_needs_a_movie_and_vectors(known: TrainingData) -> None:
    """An unknown movie, and a model that has no vectors, are told apart."""
    with pytest.raises(UnknownIdError, match="movie 5 isn't among the model's 12 movies"):
        find_similar(Planted(known, planted_vectors()), 5)
    with pytest.raises(SettingError, match="bias has no vectors of movies; take a model that has, such as deep-mf"):
        find_similar(Bias().fit(Ratings.from_arrays([1, 2], [1, 2], [3, 4])), 1)


def test_a_movie_with_an_empty_vector_is_no_reason_for_nan(known: TrainingData) -> None:
    """Its cosine to all others is 0."""
    vectors = planted_vectors()
    vectors[3] = 0
    assert all(line.score == 0 for line in find_similar(Planted(known, vectors), 103))
    assert np.isfinite([line.score for line in find_similar(Planted(known, vectors), 104)]).all()


@pytest.mark.parametrize("by", ["ranking", "stars"])
@pytest.mark.parametrize("filters", [None, Filters(where="genre=Comedy", exclude=(104,))], ids=["all", "filtered"])
@pytest.mark.parametrize("block", [1, 3, 256])
def test_lists_for_everybody_are_the_lists_one_by_one(
    model: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: Ordering, filters: Filters | None, block: int
) -> None:
    """The Parquet file has each user's list, ranks from 1, whatever the size of the blocks."""
    monkeypatch.setattr(lists, "BLOCK_USERS", block)
    rows = recommend_all(model, tmp_path / "all.parquet", 4, by=by, filters=filters)
    frame = pl.read_parquet(tmp_path / "all.parquet")
    assert len(frame) == rows
    assert frame.columns == ["user", "rank", "movie", "score", "stars"]
    expected = []
    for user in model.data.users.ids.tolist():
        lines = recommend(model, get_history(model, user), 4, by=by, filters=filters).items
        expected += [(user, rank, line.movie, line.score, line.stars) for rank, line in enumerate(lines, start=1)]
    assert frame.rows() == expected


def test_a_file_of_lists_is_not_overwritten(model: Planted, tmp_path: Path) -> None:
    """Only with `force`, as everywhere."""
    recommend_all(model, tmp_path / "all.parquet", 1)
    with pytest.raises(InputError, match="exists already"):
        recommend_all(model, tmp_path / "all.parquet", 2)
    assert recommend_all(model, tmp_path / "all.parquet", 2, force=True) == 8


def test_real_models_agree_one_by_one_and_all_at_once(world: tuple[Ratings, Catalog], tmp_path: Path) -> None:
    """Blocks of users get the movies that each gets alone."""
    model = Bias().fit(*world)
    recommend_all(model, tmp_path / "all.parquet", 5)
    frame = pl.read_parquet(tmp_path / "all.parquet")
    for user in model.data.users.ids[::7].tolist():
        alone = ids(recommend(model, get_history(model, user), 5).items)
        assert frame.filter(pl.col("user") == user)["movie"].to_list() == alone
        seen = set(model.data.movies.ids[get_history(model, user).items].tolist())
        assert not seen & set(alone)
