"""Movie catalog: `cinematrix.data.catalog`."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinematrix.data.catalog import SCHEMA, Catalog, normalise_title, split_title
from cinematrix.data.ids import IdMap
from cinematrix.errors import SettingError


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    """Six movies, one of them without metadata."""
    return Catalog.of(
        [10, 7, 99, 3, 50, 1],
        title=["The Matrix", "Amélie", None, "Matrix Reloaded, Part 2", "Matrix", "12 Angry Men"],
        year=[1999, 2001, None, 2003, 1993, 1957],
        genres=[["Action", "Sci-Fi"], ["Comedy", "Romance"], None, ["Action"], [], ["Drama", "drama"]],
        tags=[["dark", "dark", "hacker"], ["dark comedy"], None, [], None, ["jury"]],
    )


@pytest.mark.parametrize(
    ("text", "title", "year"),
    [
        ("Matrix, The (1999)", "The Matrix", 1999),
        ("Avventura, L' (Adventure, The) (1960)", "L'Avventura (The Adventure)", 1960),
        ("Misérables, Les (1995) ", "Les Misérables", 1995),
        ("Babylon 5", "Babylon 5", None),
        ("2001: A Space Odyssey", "2001: A Space Odyssey", None),
        ("1984 (1984)", "1984", 1984),
        ("(500) Days of Summer (2009)", "(500) Days of Summer", 2009),
        ("Seven (a.k.a. Se7en) (1995)", "Seven (a.k.a. Se7en)", 1995),
        ("Fawlty Towers (1975-1979)", "Fawlty Towers", 1975),
        ("Death Note: Desu nôto (2006–2007)", "Death Note: Desu nôto", 2006),
        ("Terrible Joe Moran (1984/)", "Terrible Joe Moran", 1984),
        ("Title (12345)", "Title (12345)", None),
        ("Twice (2000) (2001)", "Twice (2000)", 2001),
        ("City (Stadt, Die (Ville, La)) (1999)", "City (Stadt, Die (La Ville))", 1999),
        ("Good, the Bad and the Ugly, The (Buono, il brutto, il cattivo, Il) (1966)",
         "The Good, the Bad and the Ugly (Il Buono, il brutto, il cattivo)", 1966),
        ("Theory, Them (1990)", "Theory, Them", 1990),
        ("(1995)", "", 1995),
        ("", "", None),
    ],
)  # fmt: skip
def test_titles_are_put_in_reading_order(text: str, title: str, year: int | None) -> None:
    """The article comes first, in each pair of brackets too; the last bracket with a year is the year."""
    assert split_title(text) == (title, year)


@given(st.text())
def test_any_text_has_a_title(text: str) -> None:
    """Any text can be split, and only white space, an article's comma and the year are lost."""
    title, year = split_title(text)
    letters = sorted("".join(title.replace(",", "").split()))
    rest = sorted("".join(text.replace(",", "").split()))
    assert letters == rest if year is None else len(letters) < len(rest)
    assert split_title(f"{title} (1999)")[1] == 1999


@pytest.mark.parametrize(
    ("one", "other"),
    [("The Matrix", "matrix"), ("Amélie", "AMELIE"), ("Spider-Man", "spider man"), ("L'Avventura", "l avventura"),
     ("Straße", "STRASSE"), ("  7  Samurai! ", "7 samurai")],
)  # fmt: skip
def test_titles_are_alike_but_for_spelling(one: str, other: str) -> None:
    """Case, accents, punctuation, white space and a leading article are ignored."""
    assert normalise_title(one) == normalise_title(other)


def test_an_article_alone_is_a_title() -> None:
    """A movie with the title The keeps its title."""
    assert normalise_title("The") == "the"


@pytest.mark.parametrize(
    ("expression", "ids"),
    [
        ("", [10, 7, 99, 3, 50, 1]),
        ("  ", [10, 7, 99, 3, 50, 1]),
        ("genre=Action", [10, 3]),
        ("genre=action", [10, 3]),
        ("genre = Sci-Fi", [10]),
        ("genre!=Action", [7, 99, 50, 1]),
        ("genre=DRAMA", [1]),
        ("year>=1999", [10, 7, 3]),
        ("year>1999", [7, 3]),
        ("year<1999", [50, 1]),
        ("year<=1957", [1]),
        ("year=2001", [7]),
        ("year!=2001", [10, 99, 3, 50, 1]),
        ("genre=Action year<2000", [10]),
        ("genre=Action genre=Comedy", []),
        ("genre!=Action genre!=Comedy year>=1900", [50, 1]),
        ('tag="dark comedy"', [7]),
        ("tag='dark comedy'", [7]),
        ("tag=dark", [10]),
        ("tag!=dark year>=1", [7, 3, 50, 1]),
    ],
)
def test_conditions_hold_all_at_once(catalog: Catalog, expression: str, ids: list[int]) -> None:
    """Names in any case match; a movie without the value satisfies only `!=`."""
    assert catalog.movies.ids[catalog.where(expression)].tolist() == ids


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("genre=Western", "no movie has the genre 'Western'; the genres are Action, Comedy"),
        ("tag=boring", "no movie has the tag 'boring'"),
        ("genre>Drama", "genre > 'Drama': a genre is compared with = or !="),
        ("year>=MCM", "year >= 'MCM': a year is a whole number such as 1990"),
        ("year=19999", "a year is a whole number"),
        ("year=-5", "a year is a whole number"),
        ("title=Matrix", "filter 'title=Matrix' isn't understood; write conditions on genre, year or tag"),
        ("Drama", "filter 'Drama' isn't understood"),
        ("genre=", "filter 'genre=' isn't understood"),
        ("genre==Drama", "no movie has the genre '=Drama'"),
        ("year>=1990 and genre=Drama", "filter 'and genre=Drama' isn't understood"),
        ('tag="dark', "isn't understood"),
        ("year>=1990;year<2000", "a year is a whole number"),
    ],
)
def test_invalid_conditions_are_errors(catalog: Catalog, expression: str, message: str) -> None:
    """The error repeats the condition and gives the rule."""
    with pytest.raises(SettingError) as caught:
        catalog.where(expression)
    assert message in str(caught.value)


def test_a_catalog_that_knows_no_genre_says_so() -> None:
    """The error doesn't end with an empty list of genres."""
    with pytest.raises(SettingError, match="the genres are not known"):
        Catalog.of([1, 2]).where("genre=Drama")


@given(st.text(max_size=30))
def test_any_filter_is_a_mask_or_one_clear_error(text: str) -> None:
    """Any text is parsed or refused by a SettingError."""
    small = Catalog.of([1], genres=[["Drama"]], year=[1990])
    try:
        assert small.where(text).shape == (1,)
    except SettingError as error:
        assert "filter" in str(error) or "year" in str(error) or "genre" in str(error) or "tag" in str(error)  # noqa: PT017


def test_labels_are_for_people(catalog: Catalog) -> None:
    """A label has title and year, the ID in place of a missing title, and no empty brackets."""
    assert [catalog.label(n) for n in (0, 2, 1)] == ["The Matrix (1999)", "movie 99", "Amélie (2001)"]
    assert Catalog.of(["x"], year=[1990]).label(0) == "movie x (1990)"
    assert Catalog.of(["x"], title=["T"]).label(0) == "T"


def test_aligning_takes_reorders_and_leaves_blanks(catalog: Catalog) -> None:
    """Rows follow the given map; a movie outside the catalog is blank; text IDs match integers."""
    aligned = catalog.align(IdMap(["1", "nowhere", "10"]))
    assert [aligned.label(n) for n in range(3)] == ["12 Angry Men (1957)", "movie nowhere", "The Matrix (1999)"]
    assert aligned.frame["tags"].to_list() == [["jury"], [], ["dark", "dark", "hacker"]]
    assert aligned.frame.schema == SCHEMA
    assert Catalog.empty(IdMap([])).align(IdMap([4])).frame.rows() == [(None, None, [], [], None, None)]
    assert len(catalog.align(IdMap([]))) == 0


def test_matrices_count_genres_and_tags(catalog: Catalog) -> None:
    """Columns are sorted words, or a given vocabulary; tags are counted."""
    assert catalog.genres == ["Action", "Comedy", "Drama", "Romance", "Sci-Fi", "drama"]
    genres = catalog.genre_matrix().toarray()
    assert genres.shape == (6, 6)
    np.testing.assert_array_equal(genres[0], [1, 0, 0, 0, 1, 0])
    np.testing.assert_array_equal(catalog.tag_matrix(["hacker", "dark", "none"]).toarray()[0], [1, 2, 0])
    assert genres[2].sum() == 0
    assert Catalog.of([1, 2]).genre_matrix().shape == (2, 0)


def test_years_are_numbers_or_nan(catalog: Catalog) -> None:
    """Years are float32, so that a missing year can be NaN."""
    np.testing.assert_array_equal(catalog.years, np.float32([1999, 2001, np.nan, 2003, 1993, 1957]))
    assert repr(catalog) == "Catalog(6 movies, 6 genres, 4 tags)"


def test_columns_that_do_not_fit_are_refused() -> None:
    """The error names an unknown column, or one with too few values."""
    with pytest.raises(SettingError, match="no column 'director'; it has title, year"):
        Catalog.of([1], director=["x"])
    with pytest.raises(SettingError, match="title has 1 values for 2 movies"):
        Catalog.of([1, 2], title=["x"])
    assert isinstance(Catalog.of(IdMap([1, 2]), imdb=["0114709", None]).frame, pl.DataFrame)


def test_a_cached_mask_is_copied(catalog: Catalog) -> None:
    """Changes to a mask don't change the cache."""
    first = catalog.where("genre=Action")
    first[:] = False
    assert catalog.where("genre=Action").sum() == 2


def test_facts_are_plain_values(catalog: Catalog) -> None:
    """Summaries are listed by number; missing values are None or an empty list."""
    assert catalog.facts[0] == ("The Matrix", 1999, ["Action", "Sci-Fi"])
    assert catalog.facts[2] == (None, None, [])
