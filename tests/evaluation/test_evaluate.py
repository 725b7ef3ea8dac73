"""Tests of `cinematrix.evaluation.evaluate`: values by hand, a second implementation, and edge cases."""

import json
import re
import tracemalloc
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from cinematrix.data import splits
from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Ratings
from cinematrix.errors import DataError, SettingError, TrainingError
from cinematrix.evaluation.evaluate import evaluate, evaluate_orders
from cinematrix.metrics import accuracy
from cinematrix.models.base import Recommender
from cinematrix.models.bias import Bias
from cinematrix.models.contract_types import Abilities
from cinematrix.models.popular import Popular
from worlds import as_interactions

LOG3 = np.log2(3)
NAN = float("nan")

# Popularity: 500 three times, 100 twice, 200 and 300 once, in that order. User 40 and movie 999 are unknown.
TRAIN = [(30, 500, 5), (30, 100, 4), (30, 300, 3), (10, 500, 4), (10, 100, 2), (20, 500, 3), (20, 200, 1)]
TEST = [(40, 999, 1), (10, 300, 5), (20, 100, 4), (10, 200, 2), (40, 500, 5)]


def table(rows: list[tuple[int, int, int]]) -> Ratings:
    users, movies, stars = np.array(rows, np.int64).reshape(-1, 3).T
    return Ratings.from_arrays(users, movies, stars.astype(np.float32))


class Three(Popular):
    """Popular's lists, and three stars for every pair; records the inputs of `predict_pairs`."""

    inputs: ClassVar[list[tuple[Histories, Numbers, Numbers]]] = []

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        self.inputs.append((histories, rows, movies))
        return np.full(len(rows), 3, np.float32)


# By user 10, 20, 40, whose lists of two are [200, 300], [100, 300], [500, 100]. Their means are 13/4, 8/3 and 3; of the
# given ratings 3, 2 and, for the user without any, that of all training ratings, 22/7. Liked are 300, 100 and 500.
BY_HAND = {
    "rmse": [np.sqrt((4 + 1) / 2), 1, 2],
    "mae": [3 / 2, 1, 2],
    "ndcg@2": [1, 1, 1 / (1 + 1 / LOG3)],
    "recall@2": [1, 1, 1 / 2],
    "precision@2": [1, 1 / 2, 1 / 2],
    "map@2": [1, 1, 1 / 2],
    "mrr@2": [1, 1, 1],
    "hit_rate@2": [1, 1, 1],
    "novelty@2": [LOG3, (np.log2(3 / 2) + LOG3) / 2, np.log2(3 / 2) / 2],
    "ndcg_liked@2": [1 / LOG3, 1, 1],
    "ndcg_above@2": [1 / LOG3, 1, 1],
    "disliked@2": [1 / 2, 0, 0],
    "ndcg_rare@2": [1 / LOG3, 1, 1],
    "expected_below@2": [0, 0, 1],
    "history": [2, 2, 0],
    "ratings": [2, 1, 2],
}


def test_popular_by_hand() -> None:
    """Every number of a small world, unknown user and movie included, equals the one computed by hand."""
    found = evaluate(Three().fit(table(TRAIN)), table(TEST), k=2)
    assert found.users.tolist() == [10, 20, 40]
    assert sorted(found.per_user) == sorted(BY_HAND)
    for name, wanted in BY_HAND.items():
        np.testing.assert_allclose(found.per_user[name], wanted, err_msg=name)
    for name in [name for name in BY_HAND if "@" in name]:
        assert found[name] == pytest.approx(np.mean(BY_HAND[name]))
    assert found["rmse"] == pytest.approx(np.sqrt((4 + 1 + 1 + 4 + 4) / 5))
    assert found["mae"] == pytest.approx((2 + 1 + 1 + 2 + 2) / 5)
    assert found["coverage@2"] == 1
    assert found["movies_shown@2"] == 4
    assert found["gini@2"] == pytest.approx((-3 * 1 - 1 * 1 + 1 * 2 + 3 * 2) / (4 * 6))  # exposures 1, 1, 2, 2


def test_the_protocol_counts_what_is_unknown() -> None:
    """Users, ratings and unknown IDs are counted, and a tested movie that the model doesn't know counts."""
    protocol = evaluate(Three().fit(table(TRAIN)), table(TEST), k=2, by="ranking", split="a split", seed=7).protocol
    assert (protocol.users, protocol.ratings, protocol.movies) == (3, 5, 4)
    assert (protocol.unknown_users, protocol.users_without_history) == (1, 1)
    assert (protocol.unknown_movies, protocol.ratings_of_unknown_movies) == (1, 1)
    part = table([*TEST, (10, 777, 3)]).take(np.array([0, 1, 2, 3, 4]))  # has the ID of movie 777, but no rating
    assert evaluate(Three().fit(table(TRAIN)), part).protocol.unknown_movies == 1
    unknown = "1 user; 1 movie with 1 tested rating."
    for words in ("a split", "seed 7", "best 2 by ranking of the 4 movies", "every tested movie", unknown):
        assert words in str(protocol)


def test_a_split_counts_the_same_in_memory_and_from_files() -> None:
    """Users and movies without a training rating count as unknown, also where both parts share the IDs of all."""
    whole = table([*TRAIN, *TEST])
    train, test = whole.take(np.arange(len(TRAIN))), whole.take(np.arange(len(TRAIN), len(whole)))
    found = evaluate(Three().fit(train), test, k=2).protocol
    assert (found.unknown_users, found.unknown_movies, found.ratings_of_unknown_movies) == (1, 1, 1)


def test_a_model_gets_histories_and_unknown_movies() -> None:
    """Tested and listed pairs reach the model in one call, with each user's own history, empty for an unknown user.

    A tested movie that the model doesn't know is -1.
    """
    model = Three().fit(table(TRAIN))
    model.inputs.clear()
    evaluate(model, table(TEST), k=2, by="ranking")
    ((histories, rows, movies),) = model.inputs
    assert [histories.items_of(row).tolist() for row in range(3)] == [[0, 3], [1, 3], []]
    tested, listed = [(0, 1), (0, 2), (1, 0), (2, 3), (2, -1)], [(0, 1), (0, 2), (1, 0), (1, 2), (2, 3), (2, 0)]
    assert list(zip(rows.tolist(), movies.tolist(), strict=True)) == tested + listed


def test_relevance_can_start_at_a_rating() -> None:
    """From four stars, user 10 has one relevant movie at place 2; errors still count every rating."""
    found = evaluate(Three().fit(table(TRAIN)), table(TEST), k=2, relevant_from=4)
    np.testing.assert_allclose(found.per_user["ndcg@2"], [1 / LOG3, 1, 1])
    np.testing.assert_allclose(found.per_user["recall@2"], [1, 1, 1])
    assert found.per_user["ratings"].tolist() == [2, 1, 2]
    assert "rated 4 or more" in str(found)
    strict = evaluate(Three().fit(table(TRAIN)), table(TEST), k=2, relevant_from=4.5)
    assert np.isnan(strict.per_user["ndcg@2"]).tolist() == [False, True, False]
    assert {m.n_users for m in strict.measures if m.name == "ndcg@2"} == {2}


def test_given_histories_replace_training_histories() -> None:
    """The ratings given are what a user has seen, by ID; movies that the model doesn't know are left out."""
    given = table([(40, 100, 4), (40, 888, 4), (10, 500, 3)])
    found = evaluate(Three().fit(table(TRAIN)), table([(40, 200, 4), (10, 100, 4), (20, 500, 3)]), given=given, k=1)
    assert found.per_user["history"].tolist() == [1, 0, 1]
    np.testing.assert_allclose(found.per_user["recall@1"], [1, 1, 0])  # lists: [100], [500], [500]


def test_given_histories_are_matched_to_users() -> None:
    """Histories are in the order of the tested users, not of the table given."""
    given = table([(40, 100, 4), (10, 500, 3)])
    found = evaluate(Three().fit(table(TRAIN)), table([(40, 500, 4), (10, 100, 4)]), given=given, k=1)
    assert found.per_user["recall@1"].tolist() == [1, 1]


def test_a_tested_pair_in_the_histories_is_refused() -> None:
    """Testing on ratings in the histories is an error that counts the pairs and names one."""
    model = Popular().fit(table(TRAIN))
    with pytest.raises(DataError, match=r"1 of 6 tested ratings .* user 20, movie 500"):
        evaluate(model, table([*TEST, (20, 500, 3)]))
    with pytest.raises(DataError, match=r"5 of 5 tested ratings .* user 10, movie 200"):
        evaluate(Popular().fit(table(TRAIN + TEST)), table(TEST))
    with pytest.raises(DataError, match="hasn't seen"):
        evaluate(model, table([(10, 300, 5)]), given=table([(10, 300, 5)]))


def test_errors_are_those_of_predict(world: tuple[Ratings, Catalog]) -> None:
    """RMSE and MAE agree with the public `predict` on the test set's own columns."""
    split = splits.random(world[0], seed=3)
    model, test = Bias().fit(split.train, world[1]), split.test
    predicted = model.predict(test.users.ids[test.user], test.movies.ids[test.movie])
    found = evaluate(model, test)
    assert test.rating is not None
    assert found["rmse"] == pytest.approx(accuracy.rmse(test.rating, predicted), rel=1e-6)
    assert found["mae"] == pytest.approx(accuracy.mae(test.rating, predicted), rel=1e-6)


@pytest.mark.parametrize("model", [Bias(), Popular()], ids=lambda model: model.name)
def test_lists_agree_with_loops_over_users(model: Recommender, world: tuple[Ratings, Catalog]) -> None:
    """Recall, liking and genre similarity of every user equal those computed with sets and loops."""
    ratings, catalog = world
    split = splits.new_users(ratings, k=4, seed=2)
    model.fit(split.train, catalog)
    found = evaluate(model, split.test, given=split.given, k=5, by="ranking")
    data, genres = model.data, catalog.align(model.data.movies).genre_matrix().toarray()
    for place, user in enumerate(found.users.tolist()):
        seen = {m for u, m in _id_pairs(split.given) if u == user}
        history = Histories.of_lists([(data.movies.numbers(sorted(seen)).tolist(), [3.0] * len(seen))])
        scores = model.score(_values_of(history, split.given, user, data.movies.ids))[0]
        order = [m for m in np.argsort(-scores, kind="stable") if data.movies.ids[m] not in seen][:5]
        wanted = {m for u, m in _id_pairs(split.test) if u == user}
        hits = len(wanted & set(data.movies.ids[order].tolist()))
        assert found.per_user["recall@5"][place] == pytest.approx(hits / len(wanted))
        similarities = [genres[a] @ genres[b] for i, a in enumerate(order) for b in order[:i]]
        mean = np.mean(
            [_stars(part)[u, m] for part in (split.given, split.test) for u, m in _id_pairs(part) if u == user]
        )
        liked = {m for m in wanted if _stars(split.test)[user, m] >= mean}
        if liked:
            ideal = sum(1 / np.log2(i + 2) for i in range(min(5, len(liked))))
            gains = [(data.movies.ids[m] in liked) / np.log2(i + 2) for i, m in enumerate(order)]
            assert found.per_user["ndcg_liked@5"][place] == pytest.approx(sum(gains) / ideal)
        expected = model.predict_pairs(
            _values_of(history, split.given, user, data.movies.ids), np.zeros(5, np.int32), np.array(order, np.int32)
        )
        told = np.mean([_stars(split.given)[user, m] for m in seen])
        assert found.per_user["expected_below@5"][place] == pytest.approx(np.mean(expected < told))
        assert found.per_user["similarity@5"][place] == pytest.approx(np.mean(similarities))


def _id_pairs(ratings: Ratings) -> list[tuple[int, int]]:
    users, movies = ratings.users.ids[ratings.user], ratings.movies.ids[ratings.movie]
    return list(zip(users.tolist(), movies.tolist(), strict=True))


def _stars(part: Ratings) -> dict[tuple[int, int], float]:
    assert part.rating is not None
    return dict(zip(_id_pairs(part), part.rating.tolist(), strict=True))


def _values_of(history: Histories, given: Ratings, user: int, movie_ids: NDArray[Any]) -> Histories:
    stars = _stars(given)
    values = [stars[user, int(movie_ids[item])] for item in history.items]
    return Histories(history.starts, history.items, np.array(values, np.float32))


def test_blocks_and_the_order_of_rows_change_nothing(
    world: tuple[Ratings, Catalog], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Block size and order of the test set don't change the numbers."""
    split = splits.random(world[0])
    model = Bias().fit(split.train, world[1])
    at_once = evaluate(model, split.test).as_dict()
    shuffled = split.test.take(np.random.default_rng(1).permutation(len(split.test)))
    assert evaluate(model, shuffled).as_dict() == at_once
    monkeypatch.setattr("cinematrix.evaluation.evaluate.BLOCK_CELLS", 1)
    one_by_one = evaluate(model, split.test).as_dict()
    for name, measure in at_once["measures"].items():
        np.testing.assert_allclose(
            [x if x is not None else NAN for x in one_by_one["measures"][name].values()],
            [x if x is not None else NAN for x in measure.values()],
            rtol=1e-6,
        )


def test_intervals_contain_the_value_and_follow_the_seed(world: tuple[Ratings, Catalog]) -> None:
    """Every mean lies within its interval; equal seeds give equal intervals, other seeds others."""
    split = splits.random(world[0])
    model = Bias().fit(split.train, world[1])
    found = evaluate(model, split.test, seed=1)
    for measure in found.measures:
        assert np.isnan(measure.low) == measure.name.startswith(("coverage", "gini", "movies_shown"))
        assert np.isnan(measure.low) or measure.low <= measure.value <= measure.high
    assert found.as_dict() == evaluate(model, split.test, seed=1).as_dict()
    assert found.as_dict()["measures"] != evaluate(model, split.test, seed=2).as_dict()["measures"]


def test_plain_interactions_are_ranked_only(world: tuple[Ratings, Catalog]) -> None:
    """Without stars there are no errors, and ordering by stars or relevance by stars is an error."""
    split = splits.random(as_interactions(world[0]))
    plain = Popular().fit(split.train)
    found = evaluate(plain, split.test)
    assert [m.name for m in found.measures if "@" not in m.name] == []
    assert 0 < found["ndcg@10"] < 1
    assert not {"ndcg_liked@10", "ndcg_above@10", "disliked@10", "expected_below@10"} & set(found.per_user)
    with pytest.raises(SettingError, match="popular predicts no stars"):
        evaluate(plain, split.test, by="stars")
    with pytest.raises(DataError, match="relevant_from=4 needs ratings with stars"):
        evaluate(plain, split.test, relevant_from=4)


def test_all_interactions_count_as_liked() -> None:
    """Without stars every tested movie is liked: gains 1/√4, 1, and 1 for the movie that the model doesn't know."""
    train = Ratings.from_arrays([1, 2, 3, 4, 1], [5, 5, 5, 5, 6])
    found = evaluate(Popular().fit(train), Ratings.from_arrays([9, 9, 9], [5, 6, 999]), k=2)
    np.testing.assert_allclose(found.per_user["ndcg_rare@2"], (1 / 2 + 1 / LOG3) / (1 + 1 / LOG3), rtol=1e-6)


def test_the_mean_is_over_given_and_tested_ratings() -> None:
    """Given ratings of 1 make a tested 2 a like, which training ratings of 5 would make a dislike."""
    model = Three().fit(table([(10, 500, 5), (10, 100, 5), (20, 100, 3), (20, 300, 3)]))
    test, given = table([(10, 300, 2)]), table([(10, 500, 1)])
    by_training, by_given = evaluate(model, test, k=2), evaluate(model, test, given=given, k=2)
    assert np.isnan(by_training["ndcg_liked@2"])
    assert by_given["ndcg_liked@2"] == pytest.approx(1 / LOG3)
    assert [by_training["expected_below@2"], by_given["expected_below@2"]] == [1, 0]


def test_a_model_of_interactions_is_judged_by_tested_stars() -> None:
    """Without stars of its own, the model's lists are still measured by what users rated; histories may have stars."""

    class Ranks(Three):
        abilities = Abilities(stars=False, interactions=True)

    model, train, test = Ranks().fit(table(TRAIN)), table(TRAIN), table(TEST)
    for name in ("ndcg_liked@2", "ndcg_above@2", "disliked@2"):
        np.testing.assert_allclose(evaluate(model, test, given=train, k=2).per_user[name], BY_HAND[name], err_msg=name)
    test = table([(10, 300, 5), (10, 200, 4)])  # of mean 4.5, with the given ratings 3.75
    own, given = (evaluate(model, test, k=2, given=histories) for histories in (None, train))
    assert [own["disliked@2"], given["disliked@2"]] == [1 / 2, 0]
    assert "expected_below@2" not in given.per_user


def test_lists_match_the_history_in_genres_and_decades() -> None:
    """A user of a drama of the 1990s gets one of the 2000s and a comedy of the 1990s, by hand; others have no value."""
    catalog = Catalog.of(
        [100, 200, 300, 500], genres=[["Drama"], ["Drama"], ["Comedy"], ["Comedy"]], year=[1995, 2001, 1999, 2005]
    )
    found = evaluate(Popular().fit(table([(1, 100, 5), (1, 500, 1), (2, 100, 3)]), catalog), table([(1, 200, 3)]), k=2)
    assert found["miscalibration@2"] == pytest.approx(np.log((1 / 2) / (0.99 / 4 + 0.01 / 2)), rel=1e-6)
    bare = Catalog.of([100, 200, 300, 500], title=["a", "b", "c", "d"])
    assert "miscalibration@2" not in evaluate(Popular().fit(table(TRAIN), bare), table(TEST), k=2).per_user


def test_several_orders_share_one_pass(world: tuple[Ratings, Catalog]) -> None:
    """Each order's evaluation is the one it has alone, and predictions for all are made in one call a block."""
    split = splits.random(world[0])
    counted = Three().fit(split.train, world[1])
    counted.inputs.clear()
    evaluate_orders(counted, split.test, ["stars", "ranking"], k=3)
    assert len(counted.inputs) == 1
    model = Popular().fit(split.train, world[1])
    together = evaluate_orders(model, split.test, ["ranking", None], k=3)
    alone = [evaluate(model, split.test, by=by, k=3) for by in ("ranking", "liking")]
    assert [found.as_dict() for found in together] == [found.as_dict() for found in alone]
    assert [found.protocol.by for found in together] == ["ranking", "liking"]
    for name in ("ndcg@3", "expected_below@3"):
        assert together[0][name] != together[1][name]


def test_an_order_that_does_not_exist_is_refused() -> None:
    """The error names the orders."""
    with pytest.raises(SettingError, match="lists can't be ordered by 'fame'; order by liking, ranking or stars"):
        evaluate(Popular().fit(table(TRAIN)), table(TEST), by="fame")  # type: ignore[arg-type]


def test_a_model_without_stars_is_ranked_only() -> None:
    """A model that declares no stars isn't called for predictions."""

    class Ranks(Three):
        abilities = Abilities(stars=False, interactions=True)

    Ranks.inputs.clear()
    found = evaluate(Ranks().fit(table(TRAIN)), table(TEST))
    assert "rmse" not in found.per_user
    assert not Ranks.inputs


def test_lists_can_be_ordered_by_stars() -> None:
    """`by` reaches the model: by expected stars, user 40's best movie is another than by popularity."""
    model = Popular().fit(table([(1, 5, 1), (2, 5, 1), (3, 5, 1), (1, 6, 5)]))
    test = table([(4, 6, 5)])
    assert [evaluate(model, test, k=1, by=by)["recall@1"] for by in ("ranking", "stars")] == [0, 1]


def test_a_list_may_be_longer_than_there_are_movies() -> None:
    """With `k` above the number of movies the lists are padded, and padding is no hit."""
    found = evaluate(Popular().fit(table(TRAIN)), table(TEST), k=50)
    np.testing.assert_allclose(found.per_user["precision@50"], [2 / 50, 1 / 50, 1 / 50])
    with pytest.raises(SettingError, match="n must be at least 1"):
        evaluate(Popular().fit(table(TRAIN)), table(TEST), k=0)


def test_degenerate_tests_give_n_a() -> None:
    """No rows, one user, equal ratings, one movie: no crash, no warning, and n/a for undefined numbers."""
    model = Three().fit(table(TRAIN))
    nothing = evaluate(model, table(TEST).take(np.zeros(0, np.int64)))
    assert {m.name: m.value for m in nothing.measures if not np.isnan(m.value)} == {
        "movies_shown@10": 0,
        "coverage@10": 0,
    }
    assert re.search(r"^  rmse +n/a +0  lower ", str(nothing), re.MULTILINE)
    single = evaluate(model, table([(10, 300, 5)]))
    assert all(np.isnan(m.low) for m in single.measures)
    assert single["rmse"] == 2
    assert evaluate(model, table([(10, 300, 3), (20, 300, 3)]))["rmse"] == 0
    tiny = evaluate(Three().fit(table([(1, 1, 3)])), table([(1, 2, 3)]))
    assert tiny["recall@10"] == 0
    for found in (nothing, single, tiny):
        assert json.loads(json.dumps(found.as_dict(), allow_nan=False))["protocol"]["model"] == "popular"


def test_predictions_of_nan_are_an_error() -> None:
    """Predictions of NaN aren't left out of the mean."""

    class Broken(Three):
        def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
            return np.where(rows == 1, np.nan, 3).astype(np.float32)

    with pytest.raises(TrainingError, match="popular predicts nan"):
        evaluate(Broken().fit(table(TRAIN)), table(TEST))


def test_progress_counts_every_user() -> None:
    """The bar starts with the number of users, reaches it, and stops."""
    calls: list[object] = []

    class Bar:
        def start(self, what: str, total: int) -> None:
            calls.append((what, total))

        def advance(self, steps: int = 1, note: str = "") -> None:
            calls.append(steps)

        def stop(self) -> None:
            calls.append("stop")

    evaluate(Popular().fit(table(TRAIN)), table(TEST), progress=Bar())
    assert calls == [("evaluating popular", 3), 3, "stop"]


def test_memory_stays_below_200_mb_beyond_the_model() -> None:
    """For 6,000 users × 9,724 movies, whose scores take 233 MB, the peak stays far below."""
    generator = np.random.default_rng(0)
    users = np.repeat(np.arange(6_000), 6)
    ratings = Ratings.from_arrays(
        np.append(users, np.zeros(9_724, np.int64)),
        np.append(generator.integers(0, 9_724, len(users)), np.arange(9_724)),
        generator.integers(1, 6, len(users) + 9_724),
    )
    split = splits.per_user(ratings)
    model = Popular().fit(split.train)
    tracemalloc.start()
    try:
        found = evaluate(model, split.test)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.protocol.users > 5_900
    assert peak < 100e6
