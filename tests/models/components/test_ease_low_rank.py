"""Low-rank EASE against EASE written out."""

import numpy as np
import pytest
from scipy import sparse

from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN
from cinematrix.data.ratings import Ratings
from cinematrix.models.components import ease_low_rank
from cinematrix.models.components.ease_low_rank import (
    SITTING_SIZE,
    LowRankEase,
    Spectrum,
    split_into_sittings,
    weigh_by_rating,
)

N_USERS, N_MOVIES = 50, 30

ROUNDING = 2e-4
"""Maximum error of a score by vectors of 16 bits; their steps are some 3e-5, and all of the spectrum is used."""


def make_world(n_users: int = N_USERS) -> tuple[np.ndarray, Histories]:
    """Return random histories, as a matrix and as histories."""
    x = (np.random.default_rng(0).random((n_users, N_MOVIES)) < 0.3).astype(np.float32)
    rows, items = np.nonzero(x)
    return x, Histories.of_pairs(rows, items, None, n_users)


def written_out(x: np.ndarray, rows: np.ndarray, decay: float) -> np.ndarray:
    """Return scores of EASE by its formula: B = −P / diag(P) off the diagonal, 0 on it."""
    p = np.linalg.inv(rows.T @ rows + decay * np.eye(rows.shape[1]))
    b = -p / np.diag(p)
    np.fill_diagonal(b, 0)
    return np.asarray(x @ b)


@pytest.mark.parametrize("n_users", [N_USERS, 12], ids=["more users than movies", "fewer users than movies"])
@pytest.mark.parametrize("with_content", [False, True])
def test_the_whole_spectrum_gives_ease(n_users: int, with_content: bool) -> None:
    """Scores of unseen movies equal those of the inverse written out, with content or not, for either shape."""
    x, histories = make_world(n_users)
    content = sparse.random(N_MOVIES, 4, 0.4, "csr", np.float32, np.random.default_rng(1)) if with_content else None
    rows = x if content is None else np.vstack([x, content.toarray().T])
    model = LowRankEase.of(Spectrum.of(histories, content, N_MOVIES, rank=100), decay=5.0)
    unseen = x == 0
    np.testing.assert_allclose(
        model.score(model.gather(histories))[unseen], written_out(x, rows, 5.0)[unseen], atol=ROUNDING
    )


def test_the_mean_of_the_left_out_eigenvalues_stands_for_them() -> None:
    """In a world whose other eigenvalues are all equal, a part of the spectrum gives EASE itself."""
    rng = np.random.default_rng(9)
    axes = np.linalg.qr(rng.normal(size=(N_MOVIES, N_MOVIES)))[0]
    values = np.append([400.0, 90.0, 50.0], np.full(N_MOVIES - 3, 7.0))
    rows = sparse.csr_matrix((axes * np.sqrt(values)).T.astype(np.float32))
    spectrum = Spectrum.of_rows(rows, 3)
    assert spectrum.rest == pytest.approx(7, rel=1e-4)
    x, histories = make_world()
    model = LowRankEase.of(spectrum, decay=5.0)
    expected = written_out(x, rows.toarray().astype(float), 5.0)
    np.testing.assert_allclose(model.score(model.gather(histories))[x == 0], expected[x == 0], atol=1e-3)
    assert Spectrum.of_rows(rows, N_MOVIES).largest(3).rest == pytest.approx(7, rel=1e-4)


@pytest.mark.parametrize("exact", [True, False])
def test_the_rank_follows_the_strong_directions(monkeypatch: pytest.MonkeyPatch, exact: bool) -> None:
    """A spectrum has every direction above `STRONG_EIGENVALUE`, and at least those asked for."""
    if not exact:
        monkeypatch.setattr(ease_low_rank, "MAX_EXACT_SIDE", 1)
    _, histories = make_world(600)
    n_strong = int((Spectrum.of_rows(histories.matrix(N_MOVIES), N_MOVIES).values > 100).sum())
    assert 8 < n_strong <= N_MOVIES
    spectrum = Spectrum.of(histories, None, N_MOVIES, rank=2)
    assert len(spectrum.strongest(2).values) == n_strong
    assert len(spectrum.strongest(N_MOVIES).values) == len(spectrum.values) <= N_MOVIES


def test_weighted_histories_and_the_weight() -> None:
    """A history's movies count by their values, and all scores are multiplied by the weight."""
    x, histories = make_world()
    values = np.random.default_rng(2).random(len(histories.items)).astype(np.float32)
    model = LowRankEase.of(Spectrum.of(histories, None, N_MOVIES, rank=100), decay=5.0, weight=3.0)
    weighted = histories.matrix(N_MOVIES, values).toarray()
    expected = 3 * written_out(weighted, x, 5.0)
    np.testing.assert_allclose(
        model.score(model.gather(histories, values))[x == 0], expected[x == 0], atol=3 * ROUNDING
    )


def test_pairs_equal_the_scores_and_an_unknown_movie_scores_0() -> None:
    """`pairs` gives the entries of `score`; `UNKNOWN` is 0."""
    x, histories = make_world()
    model = LowRankEase.of(Spectrum.of(histories, None, N_MOVIES, rank=8), decay=5.0)
    gathered = model.gather(histories)
    rows, movies = np.nonzero(x == 0)
    scores = model.pairs(gathered, rows.astype(np.int32), movies.astype(np.int32))
    np.testing.assert_allclose(scores, model.score(gathered)[rows, movies], atol=1e-5)
    assert model.pairs(gathered, np.array([0], np.int32), np.array([UNKNOWN], np.int32)).tolist() == [0]


@pytest.mark.parametrize("by_table", [False, True])
def test_the_randomised_spectrum_finds_the_large_eigenvalues(monkeypatch: pytest.MonkeyPatch, by_table: bool) -> None:
    """The randomised spectrum has the leading eigenvalues of the exact one, and the same space."""
    rng = np.random.default_rng(3)
    tastes, movies = rng.random((200, 3)) ** 4, rng.random((3, N_MOVIES)) ** 4
    rows, items = np.nonzero(rng.random((200, N_MOVIES)) < tastes @ movies)
    histories = Histories.of_pairs(rows, items, None, 200)
    exact = Spectrum.of(histories, None, N_MOVIES, rank=6).largest(6)
    monkeypatch.setattr(ease_low_rank, "MAX_EXACT_SIDE", 10)
    monkeypatch.setattr(ease_low_rank, "BLOCK_ROWS", 30)
    monkeypatch.setattr(ease_low_rank, "GRAM_BLOCK", 7)
    monkeypatch.setattr(ease_low_rank, "MAX_GRAM_CELLS", N_MOVIES**2 - (not by_table))
    monkeypatch.setattr(ease_low_rank, "_multiply_gram", None if by_table else ease_low_rank._multiply_gram)
    randomised = Spectrum.of(histories, None, N_MOVIES, rank=6)
    np.testing.assert_allclose(randomised.values, exact.values, rtol=1e-3)
    np.testing.assert_allclose(np.abs(np.sum(randomised.vectors * exact.vectors, axis=0))[:3], 1, atol=1e-3)


def test_planted_neighbours_are_found() -> None:
    """Movies 2k and 2k+1 are always watched together: each is the best unseen movie for viewers of the other."""
    seen = np.random.default_rng(4).random((80, N_MOVIES // 2)) < 0.2
    rows, items = np.nonzero(np.repeat(seen, 2, axis=1))
    model = LowRankEase.of(Spectrum.of(Histories.of_pairs(rows, items, None, 80), None, N_MOVIES, 100), decay=2.0)
    new_users = Histories.of_lists([([movie], None) for movie in range(N_MOVIES)])
    scores = model.score(model.gather(new_users))
    np.fill_diagonal(scores, -np.inf)
    assert scores.argmax(axis=1).tolist() == [movie ^ 1 for movie in range(N_MOVIES)]


def test_higher_ratings_weigh_more_within_bounds() -> None:
    """A rating at the biases weighs 1, one a standard deviation above 1.2, and none above 1.4 or below 0.6."""
    residual = np.array([0, 1, -1, 9, -9], np.float32)
    np.testing.assert_allclose(weigh_by_rating(residual), [1, 1.2, 0.8, 1.4, 0.6], rtol=1e-6)


def test_sittings_are_ratings_in_their_order_ten_by_ten() -> None:
    """Each user's ratings are cut by time after every tenth; no sitting has two users, and no rating is lost."""
    counts, rng = {"a": 23, "b": 10, "c": 1}, np.random.default_rng(5)
    users = rng.permutation(np.repeat(list(counts), list(counts.values())))
    movies, times = np.arange(len(users)), rng.permutation(len(users))
    sittings = split_into_sittings(Ratings.from_arrays(users, movies, np.ones(len(users)), times))
    assert sittings is not None
    expected = []
    for user in counts:
        own = movies[users == user][np.argsort(times[users == user])]
        expected += [set(own[at : at + SITTING_SIZE].tolist()) for at in range(0, len(own), SITTING_SIZE)]
    assert sittings.counts.sum() == len(users)
    assert sorted(map(sorted, expected)) == sorted(sittings.items_of(row).tolist() for row in range(len(sittings)))


def test_sittings_need_times_and_ratings() -> None:
    """Ratings without times have no sittings; neither have users of a split without ratings."""
    assert split_into_sittings(Ratings.from_arrays(["a"], [1], [3.0])) is None
    both = Ratings.from_arrays(["a", "b", "b"], [1, 2, 3], [3.0, 3.0, 3.0], [1, 1, 1])
    sittings = split_into_sittings(both.take(np.array([1, 2])))
    assert sittings is not None
    assert sittings.counts.tolist() == [2]


def test_ratings_of_one_moment_are_not_cut_by_their_movies() -> None:
    """Ratings with the same time are in random order, so sittings don't follow the movies' numbers."""
    sittings = split_into_sittings(Ratings.from_arrays(["a"] * 100, np.arange(100), np.ones(100), np.zeros(100, int)))
    assert sittings is not None
    assert min(np.ptp(sittings.items_of(row)) for row in range(10)) > 2 * SITTING_SIZE


def test_sittings_are_appended_below_the_histories() -> None:
    """The model with sittings is EASE on histories, sittings and content, one below the other."""
    x, histories = make_world()
    content = sparse.random(N_MOVIES, 4, 0.4, "csr", np.float32, np.random.default_rng(1))
    seen, sat = np.nonzero(np.random.default_rng(6).random((70, N_MOVIES)) < 0.2), np.zeros((70, N_MOVIES), np.float32)
    sat[seen] = 1
    below = Histories.of_pairs(*seen, None, 70)
    model = LowRankEase.of(Spectrum.of(histories, content, N_MOVIES, 100, below), decay=5.0)
    expected = written_out(x, np.vstack([x, sat, content.toarray().T]), 5.0)
    np.testing.assert_allclose(model.score(model.gather(histories))[x == 0], expected[x == 0], atol=ROUNDING)
