"""The front door, `import cinematrix as cx`: every call of the README, on small data, and wrong uses."""

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.base import clone

import cinematrix as cx
from cinematrix.models import MODELS
from cinematrix.recommendation import lists
from worlds import taste_world

FAST = {"factors": 8, "members": 1, "epochs": 2, "ranking_epochs": 2, "ease_rank": 8, "two_stage": False}


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    """Ratings of a world of two tastes, with times."""
    ratings, _ = taste_world(np.random.default_rng(5))
    return cx.Dataset(ratings).to_frame()


@pytest.fixture(scope="module")
def films() -> pl.DataFrame:
    """The movies of the same world."""
    _, catalog = taste_world(np.random.default_rng(5))
    titles = [catalog.title(number) for number in range(len(catalog))]
    genres = ["Comedy" if title.startswith("Funny") else "Horror" for title in titles]
    return pl.DataFrame({"movie": catalog.movies.ids, "title": titles, "genres": genres})


@pytest.fixture(scope="module")
def dataset(frame: pl.DataFrame, films: pl.DataFrame) -> cx.Dataset:
    """Ratings and movies together."""
    return cx.ratings(frame, films)


@pytest.fixture(scope="module")
def parts(dataset: cx.Dataset) -> tuple[cx.Dataset, cx.Dataset]:
    """A training part and a test part."""
    return cx.split(dataset, "time")


@pytest.fixture(scope="module")
def model(parts: tuple[cx.Dataset, cx.Dataset]) -> cx.Model:
    """A small fitted model, not to be changed."""
    return cx.model("deep-mf", **FAST).fit(parts[0])


def user_of(model: cx.Model) -> Any:
    """A user with a history."""
    data = model.recommender.data
    return data.users.ids[int(np.flatnonzero(data.history.counts > 3)[0])]


@pytest.mark.parametrize(
    "kind",
    ["pandas", "pandas with an index", "pandas series", "arrow", "lazy", "records", "mapping", "polars"],
)
def test_every_kind_of_table_gives_the_same_ratings(frame: pl.DataFrame, kind: str) -> None:
    """Columns are found by name, in an index too."""
    table = frame.select("user", "movie", "rating")
    pandas = pd.DataFrame({name: table[name].to_numpy() for name in table.columns})
    given: Any = {
        "pandas": pandas,
        "pandas with an index": pandas.set_index(["user", "movie"]),
        "pandas series": pandas.set_index(["user", "movie"])["rating"],
        "arrow": pa.Table.from_pandas(pandas),
        "lazy": table.lazy(),
        "records": pandas.to_records(index=False),
        "mapping": {name: table[name].to_list() for name in table.columns},
        "polars": table,
    }[kind]
    found = cx.ratings(given)
    assert found.to_frame().equals(table.with_columns(pl.col("rating").cast(pl.Float32)))


def test_a_sparse_matrix_has_its_numbers_as_ids() -> None:
    """Users are rows, movies are columns."""
    found = cx.ratings(sparse.csr_array(np.array([[0, 4.0], [2.5, 0], [0, 1.0]])))
    assert found.to_frame().rows() == [(0, 1, 4.0), (1, 0, 2.5), (2, 1, 1.0)]


def test_a_file_is_read_with_its_titles(tmp_path: Path, frame: pl.DataFrame, films: pl.DataFrame) -> None:
    """The movies beside the ratings come with them."""
    frame.write_csv(tmp_path / "ratings.csv")
    films.rename({"movie": "movieId"}).write_csv(tmp_path / "movies.csv")
    found = cx.read(str(tmp_path / "ratings.csv"))
    assert "title" in found.to_frame().columns
    assert len(found) == len(frame)
    assert f"{len(found):,} ratings" in repr(found)


@pytest.mark.parametrize("how", ["random", "per-user", "time", "half", "new-users", "new-movies"])
def test_a_split_keeps_titles_and_its_protocol(dataset: cx.Dataset, how: str) -> None:
    """Both parts have the catalog, and the split in words."""
    train, test = cx.split(dataset, how)
    assert len(train) > 0
    assert len(test) > 0
    assert train.catalog is dataset.catalog
    assert "split" in test.protocol
    assert (test.given is not None) == (how in ("half", "new-users"))


def test_new_users_are_measured_with_what_they_gave(dataset: cx.Dataset) -> None:
    """The few ratings given at the test reach the evaluation."""
    train, test = cx.split(dataset, "new-users", k=5)
    found = cx.evaluate(cx.model("bias").fit(train), test)
    assert (found.per_user["history"] == 5).all()
    assert "new-users split" in str(found.protocol)


def test_the_measures_are_chosen(model: cx.Model, parts: tuple[cx.Dataset, cx.Dataset]) -> None:
    """By name, or as a function of lists and tested ratings; the table and the frame have them in this order."""

    def first_is_even(movies: np.ndarray, tested: Any) -> np.ndarray:
        return (movies[:, 0] % 2 == 0).astype(float)

    found = cx.evaluate(model, parts[1], metrics=["rmse", "ndcg", first_is_even])
    assert [measure.name for measure in found.measures] == ["rmse", "ndcg@10", "first_is_even@10"]
    assert found.to_frame()["measure"].to_list() == ["rmse", "ndcg@10", "first_is_even@10"]
    assert 0 <= found["first_is_even@10"] <= 1
    whole = cx.evaluate(model, parts[1])
    assert whole["rmse"] == found["rmse"]
    assert whole["ndcg@10"] == found["ndcg@10"]


def test_a_model_is_compared_with_an_order_a_model_or_an_evaluation(
    model: cx.Model, parts: tuple[cx.Dataset, cx.Dataset]
) -> None:
    """All three give the differences on the same users; another order doesn't change the errors."""
    train, test = parts
    other = cx.model("popular").fit(train)
    by_order = cx.evaluate(model, test, by="stars", against="ranking")
    by_model, by_evaluation = (
        cx.evaluate(model, test, against=other),
        cx.evaluate(model, test, against=cx.evaluate(other, test)),
    )
    assert by_order.against == f"{model.name} by ranking"
    assert by_model.against == by_evaluation.against == "popular by liking"
    assert by_model.as_dict() == by_evaluation.as_dict()
    names = [each.name for each in by_model.differences]
    assert names[0] == "rmse"
    assert {"ndcg_liked@10", "disliked@10"} <= set(names)
    assert "rmse" not in [each.name for each in by_order.differences]
    ranking = cx.evaluate(model, test, by="ranking")
    found = {each.name: each.difference.value for each in by_order.differences}
    assert found["disliked@10"] == pytest.approx(by_order["disliked@10"] - ranking["disliked@10"])


def test_predictions_stand_beside_the_pairs(model: cx.Model, frame: pl.DataFrame) -> None:
    """The same rows in the same order, in a frame of the kind that was given."""
    pairs = frame.select("movie", "user").head(5).with_columns(note=pl.lit("x"))
    found = model.predict(pairs)
    assert found.columns == ["movie", "user", "note", "prediction", "low", "high"]
    assert found.select("movie", "user", "note").equals(pairs)
    pandas = model.predict(pd.DataFrame({"userId": pairs["user"].to_numpy(), "movieId": pairs["movie"].to_numpy()}))
    assert isinstance(pandas, pd.DataFrame)
    assert list(pandas.columns) == ["userId", "movieId", "prediction", "low", "high"]
    np.testing.assert_array_equal(pandas["prediction"].to_numpy(), found["prediction"].to_numpy())
    again = model.predict(pandas.assign(prediction=9.0))
    np.testing.assert_array_equal(again["prediction"].to_numpy(), found["prediction"].to_numpy())
    series = model.predict(pandas["userId"], pandas["movieId"])
    np.testing.assert_array_equal(series["prediction"].to_numpy(), found["prediction"].to_numpy())
    lists = model.predict(pairs["user"].to_list(), pairs["movie"].to_list())
    np.testing.assert_array_equal(lists["prediction"].to_numpy(), found["prediction"].to_numpy())


def test_users_and_histories_are_asked_for_in_one_way(model: cx.Model) -> None:
    """A user's own history, given as a history, gives the user's own list; a frame does the same."""
    user, data = user_of(model), model.recommender.data
    history = data.histories_of([user])
    ratings = dict(zip(data.movies.ids[history.items].tolist(), history.values.tolist(), strict=True))  # type: ignore[union-attr]
    known = model.recommend(user=user, n=5)
    as_mapping = model.recommend(history=ratings, n=5)
    table = pl.DataFrame({"movie": list(ratings), "rating": list(ratings.values())})
    assert [line.movie for line in known] == [line.movie for line in as_mapping]
    assert [line.movie for line in model.recommend(history=table, n=5)] == [line.movie for line in known]
    assert len(known) == 5
    assert known[0].title in str(known)
    assert known.to_frame()["movie"].to_list() == [line.movie for line in known]
    assert str(model.explain(history=ratings, movie=known[0].movie)) == str(
        model.explain(user=user, movie=known[0].movie)
    )
    assert str(model.explain(user=user, movie=known[0].movie, by="stars")) == str(
        model.explain(user=user, movie=known[0].movie)
    )


def test_lists_of_everybody_are_a_frame_or_a_file(model: cx.Model, tmp_path: Path) -> None:
    """The frame and the Parquet file hold the same rows."""
    found = model.recommend_all(n=3, where="genre=Comedy")
    assert isinstance(found, pl.DataFrame)
    rows = model.recommend_all(n=3, where="genre=Comedy", to=str(tmp_path / "lists.parquet"))
    assert rows == len(found)
    assert pl.read_parquet(tmp_path / "lists.parquet").equals(found)
    user = user_of(model)
    own = [line.movie for line in model.recommend(user=user, n=3, where="genre=Comedy")]
    assert found.filter(pl.col("user") == user)["movie"].to_list() == own


def test_similar_movies_are_of_the_genre(model: cx.Model) -> None:
    """They show themselves with titles."""
    movie = model.recommender.data.movies.ids[0]
    found = model.similar(movie, 5)
    assert len(found) == 5
    assert "similar to" in str(found)
    assert found[0].title in found._repr_html_()


@pytest.mark.parametrize("name", ["deep-mf", "als", "svd", "svd++", "ials", "bias", "popular"])
def test_dot_products_of_vectors_rank_as_the_model_does(
    name: str, parts: tuple[cx.Dataset, cx.Dataset], model: cx.Model
) -> None:
    """For users of the training data and for histories."""
    fitted = model if name == "deep-mf" else cx.model(name).fit(parts[0])
    vectors = fitted.movie_vectors()
    assert vectors.to_frame()["movie"].to_list() == vectors.ids.tolist()
    some = {vectors.ids[3]: 4.5, vectors.ids[8]: 1.0}
    for vector, histories in (
        (fitted.user_vector(some), fitted.recommender.data.histories([some])[0]),
        (fitted.user_vector(user=user_of(fitted)), fitted.recommender.data.histories_of([user_of(fitted)])),
    ):
        score = fitted.recommender.score(histories)[0]
        dots = vectors.vectors @ vector
        np.testing.assert_allclose(dots - dots.mean(), score - score.mean(), atol=2e-3)


def test_a_model_without_a_dot_product_says_so(parts: tuple[cx.Dataset, cx.Dataset]) -> None:
    """The error names models that have one."""
    with pytest.raises(cx.CinematrixError, match="item-knn ranks by no dot product; take deep-mf"):
        cx.model("item-knn").fit(parts[0]).movie_vectors()


@pytest.mark.parametrize("name", [name for name in MODELS if name not in ("autorec", "vae", "neumf")])
def test_an_update_answers_at_once_and_survives_saving(
    name: str, parts: tuple[cx.Dataset, cx.Dataset], tmp_path: Path
) -> None:
    """A new user's list is that of the same ratings as a history; a known user's new rating counts, old ones stay."""
    train = parts[0]
    small = {"deep-mf": FAST, "blend": {"parts": "als bias"}}.get(name, {})
    fitted = cx.model(name, **small).fit(train)
    data = fitted.recommender.data
    movies = data.movies.ids[np.flatnonzero(data.raters > 2)[:3]].tolist()
    user = user_of(fitted)
    seen = dict(zip(data.movies.ids[data.histories_of([user]).items].tolist(), [0] * 99, strict=False))
    extra = next(movie for movie in data.movies.ids[data.raters > 2].tolist() if movie not in seen)
    old = fitted.recommend(history=dict(zip(movies, [5.0, 1.0, 4.0], strict=True)), n=5)
    fitted.update({"user": [777_777] * 3 + [user], "movie": [*movies, extra], "rating": [5.0, 1.0, 4.0, 4.5]})
    new = fitted.recommend(user=777_777, n=5)
    assert [line.movie for line in new] == [line.movie for line in old] or name == "user-knn"
    assert fitted.recommender.data.histories_of([user]).counts[0] == len(seen) + 1
    assert extra not in [line.movie for line in fitted.recommend(user=user, n=30)]
    fitted.save(tmp_path / "model")
    again = cx.load(str(tmp_path / "model"))
    assert [line.movie for line in again.recommend(user=777_777, n=5)] == [line.movie for line in new]
    assert again.recommender.data.history.owners is not None
    np.testing.assert_array_equal(again.recommender.data.history.owners, fitted.recommender.data.history.owners)


def test_an_updated_ease_answers_others_as_before(parts: tuple[cx.Dataset, cx.Dataset], tmp_path: Path) -> None:
    """With more movies than users it keeps the matrix that it was fitted on, saved or not."""
    ratings = parts[0].ratings
    few = cx.Dataset(ratings.take(np.flatnonzero(ratings.user < 12)), parts[0].catalog)
    fitted = cx.model("ease").fit(few.to_frame())
    data = fitted.recommender.data
    other, user = data.users.ids[3], data.users.ids[5]
    before = fitted.recommender.score(data.histories_of([other]))
    movies = data.movies.ids[:4].tolist()
    fitted.update({"user": [user] * 4 + [555_555], "movie": [*movies, movies[0]], "rating": [5.0] * 5})
    fitted.save(tmp_path / "model")
    for model in (fitted, cx.load(tmp_path / "model")):
        score = model.recommender.score(model.recommender.data.histories_of([other]))
        np.testing.assert_allclose(score, before, atol=5e-4)  # ratings are weighed in units of all of them
        assert len(model.recommend(user=555_555, n=3)) == 3


def test_a_model_is_saved_and_loaded_by_text_or_path(model: cx.Model, tmp_path: Path) -> None:
    """Loading gives the model, with what is written about it."""
    model.save(str(tmp_path / "model"))
    again = cx.load(tmp_path / "model")
    assert again.name == "deep-mf"
    assert again.about["data"]["ratings"] > 0
    user = user_of(model)
    assert [line.movie for line in again.recommend(user=user)] == [line.movie for line in model.recommend(user=user)]


def test_models_are_estimators() -> None:
    """`get_params`, `set_params` and scikit-learn's `clone` work on an unfitted model."""
    model = cx.model("als", factors=7)
    assert model.get_params()["factors"] == 7
    assert repr(model) == "ALS(factors=7)"
    assert repr(clone(model)) == "ALS(factors=7)"
    assert repr(clone(model).set_params(factors=9, seed=3)) == "ALS(factors=9, seed=3)"
    assert repr(cx.model("deep-mf", preset="fast", seed=1)).startswith("DeepMF(factors=0, members=1")


@pytest.mark.parametrize("name", ["deep-mf", "als", "user-knn", "ease"])
def test_models_in_memory_are_pickled(name: str, parts: tuple[cx.Dataset, cx.Dataset], model: cx.Model) -> None:
    """Pickle and deep copies answer as the model does."""
    fitted = model if name == "deep-mf" else cx.model(name).fit(parts[0])
    expected = [line.movie for line in fitted.recommend(user=user_of(fitted))]
    for twin in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        assert [line.movie for line in twin.recommend(user=user_of(fitted))] == expected


def test_everything_shows_itself_in_a_notebook(dataset: cx.Dataset, films: pl.DataFrame) -> None:
    """As tables in which every text is escaped."""
    hostile = films.with_columns(title=pl.lit("<script>alert(1)</script>"))
    train, test = cx.split(cx.ratings(dataset.ratings, hostile), "random")
    model = cx.model("bias").fit(train)
    user, movie = user_of(model), model.recommender.data.movies.ids[0]
    shown = [train, cx.evaluate(model, test), model.recommend(user=user), model, model.explain(user=user, movie=movie)]
    for each in shown:
        html = each._repr_html_()
        assert "<table>" in html
        assert "<script>" not in html
    assert "&lt;script&gt;" in shown[2]._repr_html_()


def test_a_published_protocol_gives_a_report_with_the_papers_figures(dataset: cx.Dataset) -> None:
    """A baseline is enough; table, frame and notebook have both. Its split and order can't be chosen."""
    found = cx.compare(dataset, [], protocol="random-90-10", seeds=2, on="local")
    low, high = sorted(found.models["bias"]["measures"]["rmse"]["by_seed"])
    assert low < found.models["bias"]["measures"]["rmse"]["value"] < high
    frame = found.to_frame()
    assert set(frame["status"]) == {"measured", "verified"}
    assert "Bayesian SVD++" in str(found)
    assert "GLocal-K" in found._repr_html_()
    with pytest.raises(cx.CinematrixError, match="a split can't be chosen with the protocol"):
        cx.compare(dataset, [], protocol="random-90-10", splits="time")  # type: ignore[call-overload]


def test_models_are_compared_and_tuned(dataset: cx.Dataset, tmp_path: Path) -> None:
    """The comparison has a table for text and notebook; the search gives settings that make a model."""
    found = cx.compare(dataset, [cx.model("als", factors=4)], on="local")
    assert "als" in str(found)
    assert "<table" in found._repr_html_()
    frame = found.to_frame()
    assert set(frame["model"]) == {"popular", "bias", "als"}
    best = cx.tune("als", dataset, trials=2, iterations=2)
    assert best.trials == 2
    assert "als" in str(best)
    assert cx.model("als", **best.chosen).get_params()["factors"] == best.settings.factors


WRONG = {
    "a text as rating": (
        lambda m, d: m.recommend(history={d.ratings.movies.ids[0]: "5"}),
        "'5' must be a number",
    ),
    "a list of length 0": (lambda m, d: m.recommend(user=1, n=0), "n is 0; it must be a whole number from 1"),
    "half a movie": (lambda m, d: m.recommend(user=1, n=2.5), "n is 2.5; it must be a whole number"),
    "a filter that is no text": (lambda m, d: m.recommend(user=1, where=5), "where is 5; it must be text"),
    "a novelty that is no number": (lambda m, d: m.recommend(user=1, novelty="a"), "novelty is 'a'"),
    "a coverage beyond 1": (lambda m, d: m.predict([1], [1], coverage=1.5), "coverage is 1.5; it must be a number fr"),
    "a negative seed": (lambda m, d: cx.model("als", seed=-1), "als: seed is -1; it must be a whole number from 0"),
    "half a factor": (lambda m, d: cx.model("als", factors=2.5), "als: factors is 2.5; it must be a whole number"),
    "a negative seed of a split": (lambda m, d: cx.split(d, seed=-1), "seed is -1; it must be a whole number from 0"),
    "a frame as path": (lambda m, d: cx.read(d.to_frame()), "is no path; give a file or folder, or use cinematrix.ra"),
    "no order": (lambda m, d: cx.evaluate(m, cx.split(d)[1], by="x"), "lists can't be ordered by 'x'"),
    "lists as text": (lambda m, d: m.recommend_all(to="x.txt"), ".txt is no format of lists; end the name in .p"),
    "no comparison": (lambda m, d: cx.compare(d, "bias", seeds=0), "seeds is 0; it must be a whole number from 1"),
    "unequal lengths": (lambda m, d: m.predict([1, 2], [3]), "2 users and 1 movie; give two lists of equal length"),
    "an unknown user": (lambda m, d: m.recommend(user="nobody"), "user nobody isn't among"),
    "an unknown movie": (lambda m, d: m.predict([user_of(m)], ["none"]), "movie none isn't among"),
    "neither user nor history": (lambda m, d: m.recommend(), "give either user=ID or history"),
    "user and history": (lambda m, d: m.recommend(user=1, history={1: 2.0}), "give either user=ID or history"),
    "several users": (lambda m, d: m.recommend(user=[1, 2]), "give one ID, or use recommend_all"),
    "two histories": (
        lambda m, d: m.recommend(history={"user": [1, 2], "movie": [3, 4], "rating": [5.0, 5.0]}),
        "ratings of 2 users",
    ),
    "a list as history": (lambda m, d: m.recommend(history=[1, 2]), "history is a list without ratings"),
    "a text as history": (lambda m, d: m.recommend(history="ratings.csv"), "history is the text 'ratings.csv'"),
    "predict before fit": (lambda m, d: cx.model("svd").predict([1], [1]), "svd isn't fitted; call fit"),
    "save before fit": (lambda m, d: cx.model("svd").save("x"), "svd isn't fitted; call fit"),
    "against no order": (
        lambda m, d: cx.evaluate(m, cx.split(d)[1], against="x"),
        "lists can't be ordered by 'x'",
    ),
    "against itself": (
        lambda m, d: cx.evaluate(m, cx.split(d)[1], by="stars", against="stars"),
        "can't be compared with themselves",
    ),
    "against no model": (lambda m, d: cx.evaluate(m, cx.split(d)[1], against=3), "int is no model"),
    "evaluate before fit": (lambda m, d: cx.evaluate(cx.model("svd"), d), "svd isn't fitted; call fit"),
    "a test on another scale": (
        lambda m, d: cx.evaluate(m, d.to_frame().with_columns(rating=pl.col("rating") * 20)),
        "scale",
    ),
    "a pair as test": (lambda m, d: cx.evaluate(m, (d, d)), "unpack it first"),
    "no model": (lambda m, d: cx.evaluate("deep-mf", d), "str is no model"),
    "an unknown model": (lambda m, d: cx.model("deepmf"), "there is no model 'deepmf'"),
    "an unknown setting": (lambda m, d: cx.model("als", factor=3), "als has no setting 'factor'"),
    "an unknown preset": (lambda m, d: cx.model("als", preset="fast"), "als has no preset 'fast'; it has none"),
    "a setting of the wrong type": (
        lambda m, d: cx.model("als", factors="x"),
        "factors is 'x'; it must be a whole",
    ),
    "an unknown split": (lambda m, d: cx.split(d, "folds"), "there is no split 'folds'"),
    "an unknown option": (lambda m, d: cx.split(d, "time", seed=1), "the split time has no option 'seed'"),
    "an unknown metric": (
        lambda m, d: cx.evaluate(m, cx.split(d, "time")[1], metrics=["rmsle"]),
        "there is no metric 'rmsle'",
    ),
    "a series without index": (lambda m, d: cx.ratings(pd.Series([1.0, 2.0])), "a pandas Series without a named"),
    "a number as table": (lambda m, d: cx.ratings(3), "int is no table; give a pandas"),
    "repeated columns": (
        lambda m, d: cx.ratings(pd.DataFrame([[1, 2, 3, 4]], columns=["user", "item", "rating", "rating"])),
        "2 columns called 'rating'",
    ),
    "columns of unequal lengths": (
        lambda m, d: cx.ratings({"user": [1, 2], "movie": [1], "rating": [1.0, 2.0]}),
        "unequal lengths",
    ),
    "NaN among IDs": (
        lambda m, d: cx.ratings(pd.DataFrame({"user": [1.0, np.nan], "item": [1, 2], "rating": [1.0, 2.0]})),
        "row 2",
    ),
    "an unknown movie in an update": (
        lambda m, d: m.update({"user": [1], "movie": ["new"], "rating": [4.0]}),
        "movie new isn't among",
    ),
    "an update on another scale": (
        lambda m, d: m.update({"user": [1], "movie": [d.ratings.movies.ids[0]], "rating": [80.0]}),
        "scale",
    ),
    "settings of a fitted model": (lambda m, d: m.set_params(factors=3), "deep-mf is fitted"),
    "several users in one history": (lambda m, d: m.explain(user=[1, 2], movie=3), "give one ID"),
    "no movie": (lambda m, d: m.explain(user=1), "give movie=ID"),
    "unknown that isn't one": (lambda m, d: m.predict([1], [1], unknown="maybe"), "must be 'error' or 'allow'"),
}


INSIDE = {
    "a frame given to a recommender": (lambda r, f: type(r)().fit(f), "can't learn from DataFrame"),
    "two histories for one list": (
        lambda r, f: lists.recommend(r, r.data.history.take(np.array([0, 1]))),
        "there are 2 histories; give one",
    ),
    "unequal lengths": (lambda r, f: r.predict([1, 2, 3], [1]), "3 users and 1 movie"),
    "the other way round": (lambda r, f: r.predict([1], [1, 2, 3]), "1 user and 3 movies"),
    "predict before fit": (lambda r, f: type(r)().predict([1], [1]), "deep-mf isn't fitted"),
    "times in milliseconds": (
        lambda r, f: cx.Ratings.from_arrays(f["user"], f["movie"], f["rating"], f["time"] * 1000),
        "give UTC epoch seconds, not milliseconds",
    ),
}


@pytest.mark.parametrize("name", INSIDE)
def test_wrong_use_behind_the_front_door_is_one_sentence(name: str, model: cx.Model, frame: pl.DataFrame) -> None:
    """Recommenders and lists refuse what once gave wrong numbers."""
    wrong, message = INSIDE[name]
    with pytest.raises(cx.CinematrixError, match=message):
        wrong(model.recommender, frame)


def test_bad_rows_are_dropped_where_asked(frame: pl.DataFrame) -> None:
    """The advice of the error works."""
    bad = frame.with_columns(rating=pl.when(pl.int_range(pl.len()) == 3).then(None).otherwise("rating"))
    with pytest.raises(cx.CinematrixError, match="skip_bad=True"):
        cx.ratings(bad)
    assert len(cx.ratings(bad, skip_bad=True)) == len(frame) - 1


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_is_one_sentence(name: str, model: cx.Model, dataset: cx.Dataset) -> None:
    """A `CinematrixError` says what was given and what to do."""
    wrong, message = WRONG[name]
    with pytest.raises(cx.CinematrixError, match=message) as error:
        wrong(model, dataset)
    assert "\n" not in str(error.value)


def test_unknown_ids_are_allowed_where_asked(model: cx.Model) -> None:
    """An unknown user is one without a history; an unknown movie is one without ratings, or left out of a history."""
    known = model.recommender.data.movies.ids[0]
    found = model.predict(["nobody", "nobody"], [known, "none"], unknown="allow")
    assert np.isfinite(found["prediction"].to_numpy()).all()
    assert len(model.recommend(history={known: 4.0, "none": 2.0}, unknown="allow", n=3)) == 3
    assert len(model.recommend(user="nobody", unknown="allow", n=3)) == 3


def test_interactions_are_lists_of_movies(frame: pl.DataFrame) -> None:
    """Without a rating column a history is a list of IDs, and predictions are probabilities."""
    views = frame.filter(pl.col("rating") > 3).select("user", "movie")
    model = cx.model("ials", factors=4).fit(views)
    movies = model.recommender.data.movies.ids
    assert len(model.recommend(history=movies[:3].tolist(), n=4)) == 4
    prediction = model.predict([user_of(model)], [movies[0]])["prediction"].to_numpy()
    assert ((prediction >= 0) & (prediction <= 1)).all()
