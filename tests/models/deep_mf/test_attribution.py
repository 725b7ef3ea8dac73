"""Shares through a tower: `cinematrix.models.deep_mf.attribution`."""

from typing import Any

import numpy as np
import pytest

from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN
from cinematrix.models.deep_mf.attribution import attribute_head
from cinematrix.models.deep_mf.towers import Float32, Towers, encode

N_MOVIES, MEMBERS, FACTORS, PAIR = 7, 2, 3, 4


def tower(
    rng: np.random.Generator, blocks: int, *, pair: bool = False, ids: bool = False, content: bool = True
) -> Towers:
    """A head with random weights, large enough to bend."""

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


def history(n: int = 4) -> Histories:
    """The first `n` movies, of the known user 2."""
    some = Histories.of_lists([(list(range(n)), [1.0] * n)])
    return Histories(some.starts, some.items, some.values, np.array([2], np.int32))


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
    found = attribute_head(head, history(2), np.array([1.0, -2.0], np.float32), np.array([0], np.int32))
    added = np.array([0.3, -0.5]) / 3**0.5
    np.testing.assert_allclose(found.score, [added.sum() * 2 * 3 + added.sum() / 2 + 0.1], rtol=1e-5)
    np.testing.assert_allclose(found.entries, [added * 2 * (3 - 2)], rtol=1e-5)
    np.testing.assert_allclose(found.level, [added.sum() * (2 * 2 + 0.5)], rtol=1e-5)
    np.testing.assert_allclose(found.content, [0.06], rtol=1e-2)
    np.testing.assert_allclose(found.anybody, [0.1 - found.content[0]], rtol=1e-5)
    np.testing.assert_allclose(found.by_content, [added * 2 * (1 - 0.5)], rtol=1e-5)
    np.testing.assert_allclose(found.habits, [0], atol=1e-6)


@pytest.mark.parametrize("blocks", [0, 1, 2])
@pytest.mark.parametrize("more", [{}, {"pair": True, "ids": True}, {"content": False}], ids=str)
@pytest.mark.parametrize("size", [0, 1, 6])
@pytest.mark.parametrize("stars", [True, False])
def test_shares_add_up_to_the_score(blocks: int, more: dict[str, Any], size: int, stars: bool) -> None:
    """All parts together are the score of `Towers.pairs`, to 1e-5, of known movies and of an unknown one."""
    rng = np.random.default_rng(blocks)
    head, person = tower(rng, blocks, **more), history(size)
    residual = rng.normal(0, 1, size).astype(np.float32) if stars else None
    movies = np.array([*range(N_MOVIES), UNKNOWN], np.int32)
    found = attribute_head(head, person, residual, movies)
    together = found.anybody + found.content + found.level + found.habits + found.entries.sum(1)
    np.testing.assert_allclose(together, found.score, atol=1e-5)
    scores = head.pairs(head.users(person, residual), np.zeros(len(movies), np.int32), movies)
    np.testing.assert_allclose(found.score, scores, atol=1e-5)
    assert found.entries.shape == found.by_content.shape == (len(movies), size)
    if size == 0 and "ids" not in more:
        assert not np.any(found.level)
        assert not np.any(found.habits)


@pytest.mark.parametrize("stars", [True, False])
@pytest.mark.parametrize("more", [{}, {"pair": True, "ids": True}], ids=str)
def test_shares_are_the_integral_of_the_gradient(more: dict[str, Any], stars: bool) -> None:
    """The oracle: differences of the score along each entry's addend, summed over 400 places on the way."""
    rng = np.random.default_rng(3)
    head, person, movies = tower(rng, 2, **more), history(3), np.arange(N_MOVIES, dtype=np.int32)
    residual = rng.normal(0, 1, 3).astype(np.float32) if stars else None
    begin, end = head.pooled(Histories.empty(1), np.zeros(0, np.float32)), head.pooled(person, residual)
    w, size = head.weights, len(person.items)
    summed = (
        w["tables.0"][:size] if residual is None else w["tables.0"][:size] * residual[:, None] + w["tables.1"][:size]
    )
    added = summed / np.float32((size + 1) ** 0.5)
    average = Towers(w, np.repeat(head.movies[:-1].mean(0)[None], N_MOVIES + 1, 0))

    def taste(h: Float32) -> Float32:
        """What each movie has beyond the average one, for the sum `h`: the gate counts wholly."""
        user, row = encode(h.astype(np.float32), w), np.zeros(len(movies), np.int32)
        plain = {name: weight for name, weight in w.items() if not name.startswith("pair.")}
        return head.pairs(user, row, movies) - Towers(plain, average.movies).pairs(user, row, movies)

    places, step = (np.arange(400) + 0.5) / 400, 0.02
    for at, vector in enumerate(added):
        slopes = [taste(begin + t * (end - begin) + step * vector) - taste(begin + t * (end - begin) - step * vector)
                  for t in places]  # fmt: skip
        expected = np.mean(slopes, axis=0) / (2 * step)
        np.testing.assert_allclose(attribute_head(head, person, residual, movies).entries[:, at], expected, atol=2e-3)


def test_what_goes_by_content_is_what_its_vector_would_get() -> None:
    """With all of the movies' vectors from content, all of the shares go by content; with none of them, nothing."""
    head = tower(np.random.default_rng(4), 1)
    movies, residual = np.arange(N_MOVIES, dtype=np.int32), np.array([1.0, -1.0, 0.5], np.float32)
    everything = Towers(head.weights, head.movies, head.movies.astype(np.float16))
    found = attribute_head(everything, history(3), residual, movies)
    np.testing.assert_allclose(found.by_content, found.entries, atol=5e-3)
    nothing = attribute_head(Towers(head.weights, head.movies), history(3), residual, movies)
    assert not np.any(nothing.by_content)
    assert not np.any(nothing.content)
    np.testing.assert_array_equal(nothing.entries, found.entries)


def test_no_movies_have_no_shares() -> None:
    """Asked for no movie, it answers with nothing."""
    found = attribute_head(tower(np.random.default_rng(0), 1), history(), np.ones(4, np.float32), np.zeros(0, np.int32))
    assert found.score.shape == (0,)
    assert found.entries.shape == (0, 4)
