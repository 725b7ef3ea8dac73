"""Fuzzy title search: `cinematrix.data.title_search`."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinematrix.data.catalog import Catalog
from cinematrix.data.title_search import TitleIndex, title_similarity, title_variants

FILMS = (
    ("The Matrix", 1999, 278),
    ("Matrix", 1993, 1),
    ("The Matrix Reloaded", 2003, 96),
    ("The Shawshank Redemption", 1994, 317),
    ("Star Wars: Episode IV - A New Hope", 1977, 251),
    ("The City of Lost Children (La Cité des enfants perdus)", 1995, 38),
    ("Heat", 2013, 3),
    ("Heat", 1995, 102),
    ("2001: A Space Odyssey", 1968, 109),
    ("2010: The Year We Make Contact", 1984, 20),
    ("Seven (a.k.a. Se7en)", 1995, 203),
    ("Spirited Away (千と千尋の神隠し)", 2001, 87),
    ("Up", 2009, 105),
    (None, 1950, 0),
    ("Men in Black (a.k.a. MIB)", 1997, 165),
    ("Men in Black III (M.III.B.) (M.I.B.³)", 2012, 17),
    ("Ocean's Eleven (a.k.a. Ocean's 11)", 1960, 8),
    ("Ocean's Eleven", 2001, 119),
    ("Guardians of the Galaxy 2", 2017, 22),
    ("Three Colors: Red (Trois couleurs: Rouge)", 1994, 23),
    ("X-Men", 2000, 133),
    ("10", 1979, 5),
)


@pytest.fixture(scope="module")
def titles() -> TitleIndex:
    """Index of movies with their years and numbers of ratings."""
    names, years, raters = zip(*FILMS, strict=True)
    return TitleIndex.of(Catalog.of(range(len(FILMS)), title=names, year=years), np.array(raters))


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("The Matrix", ("The Matrix", 1999)),
        ("Matrix, The", ("The Matrix", 1999)),
        ("matrx", ("The Matrix", 1999)),
        ("matrix (1993)", ("Matrix", 1993)),
        ("reload matr", ("The Matrix Reloaded", 2003)),
        ("shawshenk redemtion", ("The Shawshank Redemption", 1994)),
        ("starwars", ("Star Wars: Episode IV - A New Hope", 1977)),
        ("new hope", ("Star Wars: Episode IV - A New Hope", 1977)),
        ("cite des enfant perdus", ("The City of Lost Children (La Cité des enfants perdus)", 1995)),
        ("CITÉ DES ENFANTS PERDUS, LA", ("The City of Lost Children (La Cité des enfants perdus)", 1995)),
        ("heat", ("Heat", 1995)),
        ("heat 2013", ("Heat", 2013)),
        ("heat 2012", ("Heat", 2013)),
        ("2001 space odyssey", ("2001: A Space Odyssey", 1968)),
        ("2001", ("2001: A Space Odyssey", 1968)),
        ("2001 1968", ("2001: A Space Odyssey", 1968)),
        ("se7en", ("Seven (a.k.a. Se7en)", 1995)),
        ("千と千尋", ("Spirited Away (千と千尋の神隠し)", 2001)),
        ("up", ("Up", 2009)),
        ("men in black 3", ("Men in Black III (M.III.B.) (M.I.B.³)", 2012)),
        ("ocean's 11", ("Ocean's Eleven", 2001)),
        ("ocean's 11 1960", ("Ocean's Eleven (a.k.a. Ocean's 11)", 1960)),
        ("guardians of the galaxy vol. ii", ("Guardians of the Galaxy 2", 2017)),
        ("3 colours: red", ("Three Colors: Red (Trois couleurs: Rouge)", 1994)),
        ("x", ("X-Men", 2000)),
    ],
)
def test_the_film_that_was_meant_comes_first(titles: TitleIndex, query: str, first: tuple[str, int]) -> None:
    """Queries may have typos, articles, other titles, joined or reordered words, beginnings and years."""
    assert FILMS[titles.search(query)[0]][:2] == first


def test_what_nothing_fits_finds_nothing(titles: TitleIndex) -> None:
    """Unmatched text, blanks, punctuation and an empty catalog give no results."""
    for query in ("", "  ", "?!", "zzzzqqq", "\x00", "\U0010ffff"):
        assert titles.search(query).tolist() == []
    assert TitleIndex.of(Catalog.of([])).search("matrix").tolist() == []
    assert TitleIndex.of(Catalog.of([1, 2])).search("matrix").tolist() == []


def test_lists_are_as_long_as_asked_and_hold_a_film_once(titles: TitleIndex) -> None:
    """Results are distinct movie numbers, best match first, more popular movies first among equals."""
    results = titles.search("matrix", 3)
    assert results.dtype == np.int32
    assert results.tolist() == [0, 1, 2]
    assert titles.search("matrix", 1).tolist() == [0]
    assert TitleIndex.of(Catalog.of("ab", title=["Heat", "Heat"]), np.array([1, 2])).search("heat").tolist() == [1, 0]


@given(st.text(max_size=40))
def test_any_text_is_a_query(titles: TitleIndex, text: str) -> None:
    """Any text can be searched, and no movie comes twice."""
    results = titles.search(text).tolist()
    assert len(results) == len(set(results))


def test_a_films_names_are_its_title_and_those_in_brackets() -> None:
    """Names have no article, accents, `a.k.a.` or repetitions."""
    assert title_variants("The Cité (a.k.a. Lost City) (La Cite)") == ["cite", "lost city"]
    assert title_variants("(500) Days of Summer") == ["days of summer", "500"]
    assert title_variants("Alien³ (a.k.a. Alien 3)") == ["alien3", "alien 3"]
    assert title_variants("()") == []


def test_likeness_is_between_none_and_all() -> None:
    """Whole titles score higher than beginnings, and beginnings higher than reordered words."""
    assert title_similarity("matrix", "matrix") == 1
    assert (
        1
        > title_similarity("matrix", "matrix reloaded")
        > title_similarity("reloaded matrix", "matrix reloaded")
        > 0.85
    )
    assert title_similarity("aaa", "zzz") == 0


def test_among_many_films_the_misspelt_one_is_found() -> None:
    """Each of twenty titles without one letter is among the results of 9,000, in a median time below 60 ms."""
    rng = np.random.default_rng(3)
    words = np.array(["".join(rng.choice(list("aeioubcdlmnprst"), size)) for size in rng.integers(3, 11, 900)])
    names = [" ".join(words[rng.integers(0, 900, rng.integers(2, 6))]) for _ in range(9_000)]
    titles, seconds = TitleIndex.of(Catalog.of(range(len(names)), title=names)), []
    for name in rng.choice(names, 20).tolist():
        started = time.perf_counter()
        results = titles.search(name[:3] + name[4:])
        seconds.append(time.perf_counter() - started)
        assert name in [names[number] for number in results.tolist()]
    assert np.median(seconds) < 0.06
