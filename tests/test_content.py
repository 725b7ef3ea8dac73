"""What the catalog says of movies, as features: `cinematrix.content`."""

import numpy as np
import pytest

from cinematrix.catalog import Catalog
from cinematrix.content import features


def test_genres_years_and_tags_are_features() -> None:
    """Genres are 0 or 1; a year is shared by its two knots by nearness; a tag is log(1 + how often)."""
    catalog = Catalog.of(
        range(4),
        year=[1990, 1992, 1995, None],
        genres=[["B", "A"], ["A"], [], None],
        tags=[["t", "t", "rare"], ["t"], ["t"], []],
    )
    found = features(catalog).toarray()
    log2, log3 = np.log(2), np.log(3)
    expected = [[1, 1, 1, 0, log3], [1, 0, 0.6, 0.4, log2], [0, 0, 0, 1, log2], [0, 0, 0, 0, 0]]
    np.testing.assert_allclose(found, np.float32(expected), rtol=1e-6)
    assert found.dtype == np.float32


def test_near_years_are_alike() -> None:
    """The nearer two years, the greater the product of their features; beyond ten years it is 0."""
    years = np.arange(1950, 2021)
    rows = features(Catalog.of(range(len(years)), year=years.tolist())).toarray()
    np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-6)
    alike = rows @ rows.T
    assert (alike[np.abs(years[:, None] - years) >= 10] == 0).all()
    assert (alike[np.abs(years[:, None] - years) <= 2] > 0).all()


@pytest.mark.parametrize("columns", [{}, {"genres": [["A"], None]}, {"year": [None, 0]}, {"tags": [["x"], ["x"]]}])
def test_what_is_not_known_is_an_empty_row(columns: dict[str, list[object]]) -> None:
    """Without any fact there is no feature; the rows are always the movies, and all numbers are finite."""
    found = features(Catalog.of([1, 2], **columns))
    assert found.shape[0] == 2
    assert np.isfinite(found.data).all()
    if not columns:
        assert found.shape == (2, 0)


def test_a_few_very_old_films_share_a_knot() -> None:
    """One film of 1888 among a thousand doesn't stretch the knots over a century."""
    years = [1888, *([1990, 2000] * 500)]
    found = features(Catalog.of(range(len(years)), year=years))
    assert found.shape[1] == 3
    assert found.toarray()[0].tolist() == [1, 0, 0]
