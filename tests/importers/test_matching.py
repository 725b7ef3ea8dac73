"""Tests of `cinematrix.importers.matching`, `outcome` and `scales`: matching imports to a catalog."""

import csv
import io
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinematrix.data.catalog import Catalog
from cinematrix.data.ids import UNKNOWN
from cinematrix.data.ratings import Scale
from cinematrix.errors import SettingError
from cinematrix.importers import Entry, ParsedImport, read
from cinematrix.importers.entries import SkippedEntry
from cinematrix.importers.matching import MovieMatcher
from cinematrix.importers.outcome import MatchedImport, match_entries, unmatched_csv
from cinematrix.importers.scales import convert_to_scale, rank_to_half_stars, scale_to_half_stars
from export_files import letterboxd, zip_files

STARS = Scale(0.5, 5, 0.5)
MOVIES: list[tuple[int, str | None, int | None, str | None, str | None]] = [
    (6, "Heat", 1995, "0113277", "949"),
    (7, "Heat", 1986, None, None),
    (8, "The City of Lost Children (La Cité des enfants perdus)", 1995, None, "902"),
    (9, "Seven (a.k.a. Se7en)", 1995, None, None),
    (10, "Hamlet", 2000, None, None),
    (11, "Hamlet", 2000, None, None),
    (12, "Amélie (Le fabuleux destin d'Amélie Poulain)", 2001, None, None),
    (13, "Fast & Furious", 2009, None, None),
    (14, "8½ (8 1/2)", 1963, None, None),
    (15, None, None, "0000015", "949"),
    (16, "Alien", 1979, None, "348"),
    (17, "Aliens", 1986, None, None),
    (18, "M", 1931, None, None),
    (19, "Solaris", 1972, None, None),
    (20, "Solaris", 1974, None, None),
    (21, "Live Action Short", None, None, None),
]
CATALOG = Catalog.of(
    [movie[0] for movie in MOVIES],
    **{name: [movie[at] for movie in MOVIES] for at, name in enumerate(("title", "year", "imdb", "tmdb"), start=1)},
)


def entry(title: str = "", year: int | None = None, **more: Any) -> Entry:
    """Build an entry of a movie that was seen."""
    return Entry("1", "seen", title, year, **more)


@pytest.mark.parametrize(
    ("imported", "movie"),
    [
        (entry("Fuego", 1995, imdb=113277), 6),
        (entry("Heat", imdb=113277), 6),
        (entry("The Heat", 2013, imdb=113277), 6),
        (entry("", 1994, imdb=113277), 6),
        (entry("", imdb=113277), 6),
        (entry("Fuego", 1900, imdb=113277), None),
        (entry("Fuego", imdb=113277), None),
        (entry("", 1990, imdb=113277), None),
        (entry("Aliens", 1986, imdb=113277), 17),
        (entry("Amélie", 2001, imdb=1, tmdb=902), 12),
        (entry("Alien", 1979, imdb=1, tmdb=348), 16),
        (entry("The Sopranos", 1999, tmdb=348), None),
        (entry("Heat", 1986, tmdb=949), 7),
        (entry("Heat", 1995), 6),
        (entry("HEAT!", 1986), 7),
        (entry("Heat", 1987), None),
        (entry("Heat", 1990), None),
        (entry("Heat"), None),
        (entry("City of Lost Children", 1995), 8),
        (entry("la cite des enfants perdus", 1995), 8),
        (entry("La Cité des enfants perdus (The City of Lost Children)", 1996), 8),
        (entry("Se7en", 1995), 9),
        (entry("Another", 1995, others=("Seven",)), 9),
        (entry("Hamlet", 2000), None),
        (entry("Hamlet", 2001), None),
        (entry("Le Fabuleux Destin d’Amélie Poulain", 2001), 12),
        (entry("Fast and Furious", 2009), 13),
        (entry("8 1/2", 1963), 14),
        (entry("8½", 1963), 14),
        (entry("Solaris", 1973), None),
        (entry("Live Action Short"), 21),
        (entry("", None, movie="6"), 6),
        (entry("Heat", 1995, movie="6"), 6),
        (entry("Alien", 1979, movie="6"), 16),
        (entry("Jaws", 1975, movie="6"), None),
        (entry("", None, movie="999"), None),
        (entry("Alien", 1981), None),
        (entry("M", 1931), 18),
        (entry("N", 1931), None),
        (entry("???", 1931), None),
    ],
    ids=lambda value: f"{value.title}-{value.year}" if isinstance(value, Entry) else str(value),
)
def test_a_movie_is_matched_or_unknown(imported: Entry, movie: int | None) -> None:
    """An ID beside a title or year that agrees, title and year, or a long title and the next year; never one of two."""
    number = MovieMatcher(CATALOG).number(imported)
    assert (None if number == UNKNOWN else int(CATALOG.movies.ids[number])) == movie


def test_candidates_share_the_rare_words() -> None:
    """The nearest year and length come first; words that no title has give none."""
    matcher = MovieMatcher(CATALOG)

    def candidates(imported: Entry) -> list[int]:
        return [int(CATALOG.movies.ids[at]) for at in matcher.candidates(imported)]

    assert candidates(entry("Heat", 1990)) == [7, 6]
    assert candidates(entry("Hamlet", 2000)) == [10, 11]
    assert candidates(entry("Lost Children of the City", 1995)) == [8]
    assert candidates(entry("Zzz", 1995)) == []


def test_a_title_whose_only_word_is_misspelt_has_candidates() -> None:
    """Candidates are at most one year apart, or of any year if the entry has none; one more wrong letter gives none."""
    matcher = MovieMatcher(CATALOG)

    def candidates(imported: Entry) -> list[int]:
        return [int(CATALOG.movies.ids[at]) for at in matcher.candidates(imported)]

    assert candidates(entry("Hamlte", 2000)) == [10, 11]
    assert candidates(entry("Alein", 1980)) == [16]
    assert candidates(entry("Alein", 2024)) == []
    assert candidates(entry("Sollaris")) == [19, 20]
    assert candidates(entry("Ailne", 1979)) == []


REAL = Catalog.of(
    list(range(17)),
    title=[
        "Get Out", "Lights Out", "Cop Out", "A Perfect Day", "Pitch Perfect", "Blast from the Past", "Wild Things",
        "Princess Mononoke (Mononoke-hime)", "The Swan Princess", "Ice Princess", "Top Gun", "The Portrait of a Lady",
        "The Good, the Bad and the Ugly (Il Buono, il brutto, il cattivo)", "Good Copy Bad Copy",
        "Dude, Where's My Car?", "The Shawshank Redemption", "Punisher: War Zone",
    ],
    year=[2017, 2016, 2010, 2015, 2012, 1999, 1998, 1997, 1994, 2005, 1986, 1996, 1966, 2007, 2000, 1994, 2008],
)  # fmt: skip


@pytest.mark.parametrize(
    ("title", "candidates"),
    [
        ("Knives Out", []),
        ("Past Lives", []),
        ("Poor Things", []),
        ("Drive My Car", []),
        ("The Zone of Interest", []),
        ("Perfect Days", ["A Perfect Day"]),
        ("Top Gun: Maverick", ["Top Gun"]),
        ("Portrait of a Lady on Fire", ["The Portrait of a Lady"]),
        ("Shawshank", ["The Shawshank Redemption"]),
        ("Princess Monnonoke", ["Princess Mononoke (Mononoke-hime)"]),
        ("The Good, The Bad & The Uggly", ["The Good, the Bad and the Ugly (Il Buono, il brutto, il cattivo)"]),
    ],
)
def test_far_fetched_movies_are_no_candidates(title: str, candidates: list[str]) -> None:
    """One common word isn't enough; a wrong letter, a part of the title or a longer title is."""
    assert [REAL.title(at) for at in MovieMatcher(REAL).candidates(entry(title, 2023))] == candidates


@pytest.mark.parametrize(
    ("highest", "ratings", "halves"),
    [
        (5, [0.5, 3.5, 5, 4.25, 0.1], [1, 7, 10, 9, 1]),
        (10, [1, 7, 7.5, 8.4, 10, 0.5], [1, 7, 8, 8, 10, 1]),
        (100, [1, 75, 100], [1, 8, 10]),
    ],
)
def test_half_stars(highest: float, ratings: list[float], halves: list[int]) -> None:
    """Ratings up to 5 are doubled, up to 10 unchanged, a half rounded up; never 0."""
    assert scale_to_half_stars(ratings, highest) == halves


def test_relative_ratings_are_converted_by_rank() -> None:
    """Ten different ratings give the ten deciles; equal ratings give equal ones; a single rating gives the middle."""
    assert rank_to_half_stars([90 + at for at in range(10)]) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert rank_to_half_stars([70, 70, 70, 95]) == [4, 4, 4, 9]
    assert rank_to_half_stars([42]) == [6]
    assert rank_to_half_stars([]) == []


@pytest.mark.parametrize(
    ("scale", "stars"),
    [
        (STARS, [0.5, 1.5, 3.5, 5]),
        (Scale(1, 5, 1), [1, 2, 4, 5]),
        (Scale(1, 10, 1), [1, 3, 7, 10]),
        (Scale(0, 100, 1), [10, 30, 70, 100]),
        (Scale(0, 1, 0), [0.1, 0.3, 0.7, 1]),
    ],
    ids=str,
)
def test_half_stars_on_a_models_scale(scale: Scale, stars: list[float]) -> None:
    """They are converted by their share of the highest, to a step of the scale."""
    assert [convert_to_scale(halves, scale) for halves in (1, 3, 7, 10)] == pytest.approx(stars)


def summarise(outcome: MatchedImport) -> list[tuple[str, int, float | None, str]]:
    """Return the kind, movie ID, rating and row of each matched entry."""
    return [(s.kind, int(CATALOG.movies.ids[s.number]), s.rating, s.entry.row) for s in outcome.films]


def test_an_export_gives_each_entry_once() -> None:
    """ratings.csv comes before the diary, a rating before a seen mark; likes and the watchlist are added."""
    outcome = match_entries(read(zip_files(letterboxd())), CATALOG, STARS)
    assert summarise(outcome) == [
        ("rating", 6, 4.5, "ratings.csv:2"),
        ("seen", 16, None, "diary.csv:4"),
        ("like", 6, None, "likes/films.csv:2"),
    ]
    assert [(s.kind, s.entry.title, s.rating) for s in outcome.unmatched] == [
        ("rating", "The Good, the Bad and the Ugly", 5.0),
        ("watchlist", "Brazil", None),
    ]
    assert outcome.duplicates == 6


def test_of_several_ratings_the_newest_counts() -> None:
    """A lower rank wins, then the newer time, then the later row; an undated rating is the oldest."""

    def best(*rows: tuple[int, int | None]) -> str:
        entries = [Entry(str(at), "rating", "Heat", 1995, 4.0, time, rank=rank) for at, (rank, time) in enumerate(rows)]
        return match_entries(ParsedImport("x", 5, False, entries, [], []), CATALOG, STARS).films[0].entry.row

    assert best((1, 5), (1, 9), (1, 7)) == "1"
    assert best((1, 5), (1, 5)) == "1"
    assert best((1, None), (1, 5), (1, None)) == "1"
    assert best((1, 9), (0, 1)) == "1"


def test_for_a_model_without_stars_ratings_count_as_seen() -> None:
    """Each rated movie is seen once."""
    outcome = match_entries(read(zip_files(letterboxd())), CATALOG, None)
    assert Counter(s.kind for s in outcome.films) == {"seen": 2, "like": 1}


def test_a_pick_matches_a_movie() -> None:
    """It counts for all rows of that movie; an unknown row or movie is an error, which repeats nothing."""
    journal = read(zip_files(letterboxd()))
    outcome = match_entries(journal, CATALOG, STARS, {"ratings.csv:3": "10", "watchlist.csv:2": 11})
    assert outcome.unmatched == []
    assert ("rating", 10, 5.0, "ratings.csv:3") in summarise(outcome)
    assert ("watchlist", 11, None, "watchlist.csv:2") in summarise(outcome)
    for picks in ({"ratings.csv:9": 10}, {"ratings.csv:3": 999}):
        with pytest.raises(SettingError, match="a pick names no"):
            match_entries(journal, CATALOG, STARS, picks)


def test_the_list_of_the_unmatched_is_safe_in_a_spreadsheet() -> None:
    """One line per movie, with candidates, a blank column for the pick, and no formula."""
    rows = [
        Entry("7", "rating", '=HYPERLINK("http://x","Hamlet")', 2000, 3.0),
        Entry("8", "rating", "Hamlet", 2000, 3.0),
    ]
    outcome = match_entries(ParsedImport("x", 5, False, rows, [], []), CATALOG, STARS)
    matcher = MovieMatcher(CATALOG)
    text = unmatched_csv(outcome, CATALOG, {s.entry.row: matcher.candidates(s.entry) for s in outcome.unmatched})
    table = list(csv.DictReader(io.StringIO(text)))
    assert [row["title"] for row in table] == ['\'=HYPERLINK("http://x","Hamlet")', "Hamlet"]
    assert table[1] == {
        "row": "8", "kind": "rating", "title": "Hamlet", "year": "2000", "rating": "3.0", "movie": "",
        "candidates": "10 = Hamlet (2000); 11 = Hamlet (2000)",
    }  # fmt: skip


ENTRIES = st.builds(
    Entry,
    row=st.just(""),
    kind=st.sampled_from(["rating", "seen", "watchlist", "like"]),
    title=st.sampled_from(["Heat", "Alien", "Brazil", "Hamlet", "=x", ""]),
    year=st.none() | st.sampled_from([1979, 1995, 2000, 2024]),
    time=st.none() | st.integers(0, 10),
    tmdb=st.none() | st.sampled_from([348, 5]),
    rank=st.integers(0, 1),
)


@pytest.mark.fault(16)
@settings(max_examples=60, deadline=None)
@given(st.lists(ENTRIES, max_size=30), st.integers(0, 3), st.booleans())
def test_every_row_is_accounted_for(drawn: list[Entry], n_skipped: int, stars: bool) -> None:
    """Rows read = matched + unmatched + newer + duplicates + skipped; each movie has one entry per kind."""
    entries = [
        Entry(
            **{name: getattr(e, name) for name in Entry.__slots__}
            | {"row": str(at), "rating": 3.0 if e.kind == "rating" else None}
        )
        for at, e in enumerate(drawn)
    ]
    journal = ParsedImport("x", 5, False, entries, [SkippedEntry(f"s{at}", "why") for at in range(n_skipped)], [])
    outcome = match_entries(journal, CATALOG, STARS if stars else None)
    parts = len(outcome.films), len(outcome.unmatched), len(outcome.newer), outcome.duplicates, n_skipped
    assert sum(parts) == journal.read
    kinds = Counter((s.number, s.kind) for s in outcome.films)
    assert set(kinds.values()) <= {1}
    assert all((s.rating is not None) == (s.kind == "rating") for s in (*outcome.films, *outcome.unmatched))
