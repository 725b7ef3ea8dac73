"""Shares of a tower's score: `cinematrix.models.deep_mf.attribution`."""

from typing import Any

import numpy as np
import pytest

from cinematrix.data.histories import Histories, join_histories
from cinematrix.data.ids import UNKNOWN
from cinematrix.models.deep_mf.attribution import attribute_entries, attribute_head
from cinematrix.models.deep_mf.towers import Float32, Towers, encode

N_MOVIES, MEMBERS, FACTORS, PAIR = 7, 2, 3, 4


def make_head(
    rng: np.random.Generator, blocks: int, *, pair: bool = False, ids: bool = False, content: bool = True
) -> Towers:
    """Return a head with random weights, large enough for nonlinear effects."""

    def draw(*size: int) -> Float32:
        return rng.normal(0, 0.5, size).astype(np.float32)

    e, d, width = MEMBERS, FACTORS, MEMBERS * FACTORS
    weights = {"tables.0": draw(N_MOVIES, width), "tables.1": draw(N_MOVIES, width), "statistics": draw(5, width)}
    for at in range(blocks):
        weights |= {f"up.{at}": draw(e, d, d), f"up_bias.{at}": draw(width), f"down.{at}": draw(e, d, d)}
    weights["out"] = draw(e, d, d + 1)
    if pair:
        weights |= {f"pair.{side}": draw(e, d, PAIR) for side in ("user", "movie", "both")}
        weights |= {"pair.bias": draw(e, PAIR), "pair.out": draw(e, PAIR, 1), "pair.gate": draw(e)}
    if ids:
        weights["ids"] = draw(4, width)
    own = draw(N_MOVIES + 1, e, d + 1).astype(np.float16) if content else None
    return Towers(weights, draw(N_MOVIES + 1, e, d + 1), own)


def make_history(n: int = 4) -> Histories:
    """Return a history of the first `n` movies, of training user 2."""
    movies = Histories.of_lists([(list(range(n)), [1.0] * n)])
    return Histories(movies.starts, movies.items, movies.values, np.array([2], np.int32))


def test_shares_by_hand() -> None:
    """One factor, no blocks: h = Σ (z·A + B) / √3, the vector 2h, the bias ½h; the average movie has the factor 2."""
    weights = {
        "tables.0": [[0.2], [0.4]], "tables.1": [[0.1], [0.3]], "statistics": [[0.0]] * 5, "out": [[[2.0, 0.5]]],
    }  # fmt: skip
    movies, content = [[[3.0, 0.1]], [[1.0, -0.1]], [[0.0, 0.0]]], [[[1.0, 0.06]], [[0.0, 0.0]], [[0.0, 0.0]]]
    head = Towers(
        {name: np.array(value, np.float32) for name, value in weights.items()},
        np.array(movies, np.float32), np.array(content, np.float16),
    )  # fmt: skip
    shares = attribute_head(head, make_history(2), np.array([1.0, -2.0], np.float32), np.array([0], np.int32))
    added = np.array([0.3, -0.5]) / 3**0.5
    np.testing.assert_allclose(shares.score, [added.sum() * 2 * 3 + added.sum() / 2 + 0.1], rtol=1e-5)
    np.testing.assert_allclose(shares.entries, [added * 2 * (3 - 2)], rtol=1e-5)
    np.testing.assert_allclose(shares.level, [added.sum() * (2 * 2 + 0.5)], rtol=1e-5)
    np.testing.assert_allclose(shares.content, [0.06], rtol=1e-2)
    np.testing.assert_allclose(shares.anybody, [0.1 - shares.content[0]], rtol=1e-5)
    np.testing.assert_allclose(shares.by_content, [added * 2 * (1 - 0.5)], rtol=1e-5)
    np.testing.assert_allclose(shares.habits, [0], atol=1e-6)


@pytest.mark.parametrize("blocks", [0, 1, 2])
@pytest.mark.parametrize("more", [{}, {"pair": True, "ids": True}, {"content": False}], ids=str)
@pytest.mark.parametrize("size", [0, 1, 6])
@pytest.mark.parametrize("stars", [True, False])
def test_shares_add_up_to_the_score(blocks: int, more: dict[str, Any], size: int, stars: bool) -> None:
    """All parts add up to the score of `Towers.pairs`, to 1e-5, for known movies and an unknown one."""
    rng = np.random.default_rng(blocks)
    head, history = make_head(rng, blocks, **more), make_history(size)
    residual = rng.normal(0, 1, size).astype(np.float32) if stars else None
    movies = np.array([*range(N_MOVIES), UNKNOWN], np.int32)
    shares = attribute_head(head, history, residual, movies)
    total = shares.anybody + shares.content + shares.level + shares.habits + shares.entries.sum(1)
    np.testing.assert_allclose(total, shares.score, atol=1e-5)
    scores = head.pairs(head.users(history, residual), np.zeros(len(movies), np.int32), movies)
    np.testing.assert_allclose(shares.score, scores, atol=1e-5)
    assert shares.entries.shape == shares.by_content.shape == (len(movies), size)
    if size == 0 and "ids" not in more:
        assert not np.any(shares.level)
        assert not np.any(shares.habits)


@pytest.mark.parametrize("stars", [True, False])
@pytest.mark.parametrize("more", [{}, {"pair": True, "ids": True}], ids=str)
def test_shares_are_the_integral_of_the_gradient(more: dict[str, Any], stars: bool) -> None:
    """Each entry's share equals finite differences of the score along its addend, averaged over 400 path points."""
    rng = np.random.default_rng(3)
    head, history, movies = make_head(rng, 2, **more), make_history(3), np.arange(N_MOVIES, dtype=np.int32)
    residual = rng.normal(0, 1, 3).astype(np.float32) if stars else None
    begin, end = head.pooled(Histories.empty(1), np.zeros(0, np.float32)), head.pooled(history, residual)
    w, size = head.weights, len(history.items)
    summed = (
        w["tables.0"][:size] if residual is None else w["tables.0"][:size] * residual[:, None] + w["tables.1"][:size]
    )
    added = summed / np.float32((size + 1) ** 0.5)
    average = Towers(w, np.repeat(head.movies[:-1].mean(0)[None], N_MOVIES + 1, 0))

    def own_score(h: Float32) -> Float32:
        """Return each movie's score beyond the average movie's, for the sum `h`, with the gate's whole part."""
        user, row = encode(h.astype(np.float32), w), np.zeros(len(movies), np.int32)
        plain = {name: weight for name, weight in w.items() if not name.startswith("pair.")}
        return head.pairs(user, row, movies) - Towers(plain, average.movies).pairs(user, row, movies)

    places, step = (np.arange(400) + 0.5) / 400, 0.02
    for at, vector in enumerate(added):
        path = [begin + t * (end - begin) for t in places]
        slopes = [own_score(h + step * vector) - own_score(h - step * vector) for h in path]
        expected = np.mean(slopes, axis=0) / (2 * step)
        np.testing.assert_allclose(attribute_head(head, history, residual, movies).entries[:, at], expected, atol=2e-3)


def test_content_has_the_shares_of_its_vector() -> None:
    """If the movies' vectors come from content alone, all shares go through content; without content, none."""
    head = make_head(np.random.default_rng(4), 1)
    movies, residual = np.arange(N_MOVIES, dtype=np.int32), np.array([1.0, -1.0, 0.5], np.float32)
    everything = Towers(head.weights, head.movies, head.movies.astype(np.float16))
    shares = attribute_head(everything, make_history(3), residual, movies)
    np.testing.assert_allclose(shares.by_content, shares.entries, atol=5e-3)
    nothing = attribute_head(Towers(head.weights, head.movies), make_history(3), residual, movies)
    assert not np.any(nothing.by_content)
    assert not np.any(nothing.content)
    np.testing.assert_array_equal(nothing.entries, shares.entries)


@pytest.mark.parametrize("more", [{}, {"pair": True, "ids": True}], ids=str)
@pytest.mark.parametrize("stars", [True, False])
def test_entries_of_several_histories_are_those_of_each(more: dict[str, Any], stars: bool) -> None:
    """Together, each for movies of its own, they have the shares that they have alone."""
    rng = np.random.default_rng(5)
    head, parts = make_head(rng, 2, **more), [make_history(size) for size in (3, 0, 6)]
    movies = [np.array(own, np.int32) for own in ([0, 5, UNKNOWN], [1], [])]
    residual = rng.normal(0, 1, 9).astype(np.float32) if stars else None
    together = attribute_entries(head, join_histories(parts), residual, movies)
    starts = (0, 3, 3, 9)
    for at, (history, own) in enumerate(zip(parts, movies, strict=True)):
        rest = None if residual is None else residual[starts[at] : starts[at + 1]]
        np.testing.assert_allclose(together[at], attribute_head(head, history, rest, own).entries, atol=1e-3)


def test_no_movies_have_no_shares() -> None:
    """The shares of no movies are empty."""
    shares = attribute_head(
        make_head(np.random.default_rng(0), 1), make_history(), np.ones(4, np.float32), np.zeros(0, np.int32)
    )
    assert shares.score.shape == (0,)
    assert shares.entries.shape == (0, 4)
