"""Tests of `cinematrix.recommendation.explanations`."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.errors import SettingError, UnknownIdError
from cinematrix.models.artifact import load, save
from cinematrix.models.base import Recommender
from cinematrix.models.bias import Bias
from cinematrix.models.contract_types import Ordering
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.models.deep_mf_classic.model import DeepMFClassic
from cinematrix.models.orders import ListOrder
from cinematrix.models.popular import Popular
from cinematrix.recommendation import explanations
from cinematrix.recommendation.explanations import explain, leave_each_out
from cinematrix.recommendation.lists import get_history, recommend
from worlds import as_interactions

SMALL = DeepMFSettings(factors=16, members=2, epochs=12, ranking_epochs=8, learning_rate=0.01)


@pytest.fixture(scope="module")
def model(world: tuple[Ratings, Catalog]) -> DeepMF:
    """A small deep-mf trained on the two tastes."""
    return DeepMF(SMALL).fit(*world)


@pytest.fixture(scope="module")
def viewer(world: tuple[Ratings, Catalog]) -> DeepMF:
    """A small deep-mf trained on the liked movies, as plain interactions."""
    return DeepMF(SMALL).fit(as_interactions(world[0]), world[1])


def movies_of(model: Recommender, genre: str, *, rated: bool = True) -> list[int]:
    """Return the numbers of the rated (or of the unrated) movies of a genre."""
    known = model.data
    has = np.array([genres == [genre] for genres in known.catalog.frame["genres"].to_list()])
    counts = np.bincount(known.history.items, minlength=len(known.movies))
    return [int(number) for number in np.flatnonzero(has & ((counts > 0) == rated))]


def make_history(numbers: list[int], stars: list[float]) -> Histories:
    """Make the history of a new user."""
    return Histories.of_lists([(numbers, stars)])


def mixed(model: Recommender) -> tuple[Histories, int]:
    """Make a user who loves some comedies and hates more, and return an unseen comedy: shares of both signs."""
    comedies = movies_of(model, "Comedy")
    history = make_history(comedies[:9], [5, 0.5, 0.5, 0.5, 4, 0.5, 3, 0.5, 0.5])
    return history, model.data.movies.ids[comedies[9]].item()


@pytest.mark.parametrize("by", ["stars", "ranking"])
def test_an_explanation_adds_up(model: DeepMF, by: Ordering) -> None:
    """Parts, shares and remainder add up to the model's score, with a remainder of at most 1e-5."""
    history = model.data.history.take(np.array([0]))
    for number in (movies_of(model, "Comedy")[0], movies_of(model, "Horror", rated=False)[0]):
        found = explain(model, history, model.data.movies.ids[number], by=by)
        given = Histories.of_lists([_without(history, number)])
        assert found.score == pytest.approx(model.score(given, by=by)[0, number], abs=1e-5)
        together = sum(found.parts.values()) + sum(line.share for line in found.ratings) + found.remainder
        assert together == pytest.approx(found.score, abs=1e-9)
        assert abs(found.remainder) <= 1e-5
        assert found.stars == model.predict_pairs(given, np.zeros(1, np.int32), np.array([number], np.int32))[0]
        shares = [line.share for line in found.ratings]
        assert shares == sorted(shares, reverse=True)
        stars = dict(zip(model.data.movies.ids[history.items].tolist(), history.values.tolist(), strict=True))  # type: ignore[union-attr]
        assert {line.movie: line.rating for line in found.ratings}.items() <= stars.items()


def _without(history: Histories, number: int) -> tuple[list[int], list[float]]:
    """Return the history without a movie."""
    others = history.items != number
    assert history.values is not None
    return history.items[others].tolist(), history.values[others].tolist()


def test_the_default_order_is_by_stars(model: DeepMF, viewer: DeepMF) -> None:
    """A model with stars explains the stars, another one the ranking."""
    for each, by in ((model, "stars"), (viewer, "ranking")):
        assert explain(each, Histories.empty(1), each.data.movies.ids[0]).by == by


@pytest.mark.parametrize("by", ["stars", "ranking"])
def test_without_is_the_score_without_the_rating(model: DeepMF, by: Ordering) -> None:
    """Each `without` is the model's score for the history without the rating."""
    history, number = get_history(model, model.data.users.ids[2]), movies_of(model, "Horror", rated=False)[0]
    found = explain(model, history, model.data.movies.ids[number], by=by)
    assert len(found.ratings) == len(history.items)
    for line in found.ratings:
        given = Histories.of_lists([_without(history, model.data.movies.number(line.movie))])
        assert line.without == pytest.approx(model.score(given, by=by)[0, number], abs=1e-4)
        assert line.without != pytest.approx(found.score, abs=1e-6)


@pytest.mark.parametrize(("genre", "other"), [("Comedy", "Horror"), ("Horror", "Comedy")])
def test_loved_movies_have_the_largest_shares(model: DeepMF, viewer: DeepMF, genre: str, other: str) -> None:
    """For a user who loves one genre, its movies have the largest shares in another movie of it, by either order."""
    loved, indifferent = movies_of(model, genre)[:4], movies_of(model, other)[:4]
    history = make_history([*loved, *indifferent], [5.0] * 4 + [3.0] * 4)
    new = model.data.movies.ids[movies_of(model, genre, rated=False)[0]]
    share = {line.movie: line.share for line in explain(model, history, new).ratings}
    ids = model.data.movies.ids
    assert min(share[id_] for id_ in ids[loved].tolist()) > max(share[id_] for id_ in ids[indifferent].tolist())
    assert sum(share[id_] for id_ in ids[loved].tolist()) > 0.2
    loved, seen = movies_of(viewer, genre)[:8], movies_of(viewer, other)[:2]
    views = explain(viewer, make_history([*loved[1:], *seen], [1.0] * 9), viewer.data.movies.ids[loved[0]])
    share = {line.movie: line.share for line in views.ratings}
    ids = viewer.data.movies.ids
    assert np.mean([share[i] for i in ids[loved[1:]].tolist()]) > 2 * np.mean([share[i] for i in ids[seen].tolist()])


def test_a_movie_nobody_rated_is_its_content(model: DeepMF) -> None:
    """Two movies without ratings differ only by their content, in the part for all users and in the taste."""
    history = get_history(model, model.data.users.ids[2])
    funny, scary = (movies_of(model, genre, rated=False)[0] for genre in ("Comedy", "Horror"))
    one, two = (explain(model, history, model.data.movies.ids[number]) for number in (funny, scary))
    assert one.parts["movie_bias"] == pytest.approx(two.parts["movie_bias"], abs=2e-3)
    assert one.parts["content"] != pytest.approx(two.parts["content"], abs=1e-2)
    gap = one.taste - two.taste
    assert abs(gap) > 0.5
    by_content = sum(line.by_content for line in one.ratings) - sum(line.by_content for line in two.ratings)
    assert by_content == pytest.approx(gap, rel=0.1)  # the residual process uses content as well


def test_without_content_content_adds_nothing(world: tuple[Ratings, Catalog]) -> None:
    """A model without content has no part by content."""
    settings = DeepMFSettings(factors=8, members=1, epochs=2, ranking=False, content=False)
    model = DeepMF(settings).fit(*world)
    found = explain(model, get_history(model, model.data.users.ids[2]), model.data.movies.ids[0])
    assert found.parts["content"] == 0
    assert not any(line.by_content for line in found.ratings)
    assert not any("genres" in note for note in found.notes())


def test_the_users_own_rating_of_the_movie_is_left_out(model: DeepMF) -> None:
    """A movie that the user has rated is explained without this rating, which is reported in `own`."""
    history = get_history(model, model.data.users.ids[2])
    number = int(history.items[3])
    found = explain(model, history, model.data.movies.ids[number])
    assert history.values is not None
    assert found.own == history.values[3]
    assert found.movie not in [line.movie for line in found.ratings]
    unrated = explain(model, Histories.of_lists([_without(history, number)]), found.movie)
    assert unrated.own is None
    assert unrated.ratings == found.ratings
    assert f"this user's own rating of it, {found.own:g}, is left out" in str(found)


def test_a_training_user_keeps_their_id_embedding(world: tuple[Ratings, Catalog]) -> None:
    """With ID embeddings, `without` is the score of the same user, and the embedding counts among the habits."""
    settings = DeepMFSettings(factors=8, members=1, epochs=4, ranking=False, id_embeddings=True, learning_rate=0.01)
    model = DeepMF(settings).fit(*world)
    history = model.data.history.take(np.array([2]))
    number = movies_of(model, "Horror", rated=False)[0]
    found = explain(model, history, model.data.movies.ids[number])
    line = found.ratings[0]
    place = np.flatnonzero(history.items == model.data.movies.number(line.movie))
    given = leave_each_out(history, place)
    assert given.owners is not None
    assert given.owners.tolist() == [2]
    assert line.without == pytest.approx(model.score(given, by="stars")[0, number], abs=1e-6)
    new_user = Histories(history.starts, history.items, history.values)
    assert explain(model, new_user, found.movie).parts["habits"] != pytest.approx(found.parts["habits"], abs=1e-4)


def test_an_empty_history_is_explained(model: DeepMF) -> None:
    """Without a history, the parts of the user are 0."""
    found = explain(model, Histories.empty(1), model.data.movies.ids[0])
    assert found.ratings == []
    assert found.parts["user_bias"] == found.parts["habits"] == found.taste == 0
    assert found.parts["mean"] == pytest.approx(model.stars.biases.mean)  # type: ignore[union-attr]
    assert "this user's taste" in str(found)


def test_long_histories_have_counterfactuals_of_the_largest_shares(
    model: DeepMF, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`without` is given for the `MAX_COUNTERFACTUALS` ratings of the largest absolute share, for any block size."""
    history, movie = mixed(model)
    full = explain(model, history, movie)
    monkeypatch.setattr(explanations, "MAX_COUNTERFACTUALS", 5)
    monkeypatch.setattr(explanations, "BLOCK_CELLS", 2 * len(model.data.movies))
    found = explain(model, history, movie)
    most = sorted(full.ratings, key=lambda line: -abs(line.share))[:5]
    assert {line.movie for line in found.ratings if line.without is not None} == {line.movie for line in most}
    expected = {line.movie: line.without for line in most}
    for line in found.ratings:
        if line.without is not None:
            assert line.without == pytest.approx(expected[line.movie], abs=1e-5)


def test_saved_and_loaded_it_explains_the_same(model: DeepMF, viewer: DeepMF, tmp_path: Path) -> None:
    """A loaded model explains exactly as the saved one."""
    for name, each in (("stars", model), ("views", viewer)):
        save(each, tmp_path / name)
        loaded, user, movie = load(tmp_path / name).model, each.data.users.ids[3], each.data.movies.ids[-1]
        assert explain(loaded, get_history(loaded, user), movie) == explain(each, get_history(each, user), movie)


def test_the_bias_model_explains_itself() -> None:
    """The parts are the mean and the two biases, computed by hand; ratings have no share but a counterfactual."""
    model = Bias().fit(Ratings.from_arrays([1, 1, 2, 2, 3], [1, 2, 1, 2, 1], [5.0, 4.0, 3.0, 1.0, 4.0]))
    found = explain(model, get_history(model, 3), 2)
    biases = model.biases
    assert found.parts["mean"] == pytest.approx(3.4)
    assert found.parts["movie_bias"] == pytest.approx(float(biases.movie[1]), abs=1e-6)
    left = 4.0 - 3.4 - float(biases.movie[0])
    assert found.parts["user_bias"] == pytest.approx(left / (1 + biases.user_shrinkage), abs=1e-6)
    assert [line.share for line in found.ratings] == [0]
    assert found.ratings[0].without == pytest.approx(3.4 + float(biases.movie[1]), abs=1e-6)


def test_popular_is_the_same_for_all(world: tuple[Ratings, Catalog]) -> None:
    """The whole score is the movie's part."""
    model = Popular().fit(*world)
    found = explain(model, get_history(model, model.data.users.ids[0]), model.data.movies.ids[1], by="ranking")
    assert found.parts == {"movie_bias": found.score}
    assert {line.without for line in found.ratings} == {found.score}
    assert recommend(model, get_history(model, model.data.users.ids[0])).items[0].because == []


def test_the_printed_explanation_adds_up(model: DeepMF) -> None:
    """The amounts add up to the last line, the shares to the taste; the ratings of the largest share are shown."""
    found = explain(model, *mixed(model))
    text = str(found)
    assert text.startswith(f"{found.label}: {found.stars:.2f} stars expected\n")
    *lines, total = found.lines(4)
    assert float(total.amount) == pytest.approx(found.score, abs=6e-4)
    assert sum(float(line.amount) for line in lines if line.amount) == pytest.approx(found.score, abs=5e-3)
    shares = [float(line.share) for line in lines if line.share]
    assert len(shares) == 5
    assert sum(shares) == pytest.approx(found.taste, abs=5e-3)
    assert shares[:4] == sorted(shares[:4], reverse=True)
    least = sorted((abs(line.share) for line in found.ratings), reverse=True)[3]
    assert all(abs(share) >= least - 6e-4 for share in shares[:4])
    assert lines[-1].what == f"  {len(found.ratings) - 4} others"
    assert len(list(found.lines(len(found.ratings)))) == 6 + len(found.ratings) + 1
    assert [line.what for line in found.lines(0)][-2] == f"  {len(found.ratings)} ratings"
    assert re.search(r"[+-]\d\.\d{3} of the taste comes from the movie's genres, year and tags", text)
    assert max(map(len, text.splitlines())) <= 100


def test_a_sum_off_the_scale_has_a_note() -> None:
    """Expected stars are clipped to the scale, and a note explains the larger sum."""
    users, movies = np.divmod(np.arange(40), 4)
    stars = np.where((movies == 0) | (users < 3), 5.0, 3.0)
    model = Bias().fit(Ratings.from_arrays(users, movies, stars, scale=Scale(1, 5, 1)))
    found = explain(model, get_history(model, 0), 0)
    assert found.score > 5 == found.stars
    assert "5.00 stars expected" in str(found)
    assert "the scale ends at 5" in str(found)


@pytest.mark.parametrize("order", ["liking", "ranking", "stars"])
def test_the_place_is_that_in_the_list(model: DeepMF, order: ListOrder) -> None:
    """An explanation tells the movie's place in the list of its order, and where ties end it too."""
    history, movie = mixed(model)
    items = recommend(model, history, len(model.data.movies), by=order).items
    for place in (1, 2, len(items)):
        found = explain(model, history, items[place - 1].movie, by=order)
        assert (found.order, found.place, found.among) == (order, place, len(model.data.movies) - len(history.items))
    text = str(explain(model, history, movie, by=order))
    assert ("stars expected" in text) == (order == "stars")
    assert re.search(rf": place \d+ of 32 by {order}\n", text) or order == "stars"
    assert ("lists by liking" in text) == (order == "liking")


def test_an_explanation_as_json(model: DeepMF) -> None:
    """The JSON object adds up after a round trip."""
    found = explain(model, get_history(model, model.data.users.ids[2]), model.data.movies.ids[-1], by="ranking")
    parsed = json.loads(json.dumps(found.as_dict()))
    assert parsed["score"] == found.score
    together = sum(parsed["parts"].values()) + sum(line["share"] for line in parsed["ratings"]) + parsed["remainder"]
    assert together == pytest.approx(parsed["score"], abs=1e-9)
    assert parsed["ratings"][0].keys() == {"movie", "title", "year", "rating", "share", "by_content", "without"}


def test_invalid_requests_are_errors(model: DeepMF, viewer: DeepMF) -> None:
    """An unknown movie, an unknown order, stars of plain interactions, and a model that can't explain are refused."""
    empty = Histories.empty(1)
    with pytest.raises(UnknownIdError, match="movie -5 isn't among the model's 41 movies"):
        explain(model, empty, -5)
    with pytest.raises(SettingError, match="can't be ordered by 'taste'"):
        explain(model, empty, model.data.movies.ids[0], by="taste")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="predicts no stars"):
        explain(viewer, empty, viewer.data.movies.ids[0], by="stars")
    classic = DeepMFClassic()
    classic.data = model.data
    with pytest.raises(SettingError, match="deep-mf-classic can't explain its scores"):
        explain(classic, empty, model.data.movies.ids[0])
