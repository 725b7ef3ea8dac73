"""Tests of `cinematrix.importers.history_file`: a whole history is read exactly, or refused in one sentence."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Scale
from cinematrix.errors import DataError
from cinematrix.importers import read
from cinematrix.importers.history_file import MAX_KEPT_TITLE
from cinematrix.importers.outcome import match_entries
from cinematrix.importers.result import ImportRecords, ImportResult

TITLES = ["Heat", "Heat", "<b>&amp;</b>", "???", "A" * 1000, "Ran (1985)", "映画", "Alien"]
YEARS = [1995, 1986, None, 2001, 2002, 1985, 1999, 1979]
CATALOG = Catalog.of(range(10, 18), title=TITLES, year=YEARS)
TENTHS = Scale(0, 10, 0.1)

FILM = st.fixed_dictionaries(
    {"at": st.integers(0, 7), "kind": st.sampled_from(["rating", "seen", "not_interested", "watchlist", "like"])},
    optional={"time": st.integers(0, 2**33), "tenths": st.integers(0, 100), "deleted": st.booleans()},
)


def history_file(films: list[dict[str, Any]], **more: Any) -> bytes:
    """Return the file of a history on a scale from 0 to 10 in tenths."""
    scale = {"low": 0, "high": 10, "step": 0.1}
    return json.dumps({"format": "cinematrix-history", "version": 1, "scale": scale, "films": films} | more).encode()


def described(film: dict[str, Any]) -> dict[str, Any]:
    """Return a film as the page writes it; without a title that it may have cut."""
    at, kind = film["at"], film["kind"]
    kind = "deleted" if kind == "rating" and film.get("deleted") else kind
    row = {"kind": kind, "movie": 10 + at, "year": YEARS[at], "time": film.get("time")}
    row |= {"title": TITLES[at]} if len(TITLES[at]) < MAX_KEPT_TITLE else {}
    return row | ({"rating": film.get("tenths", 50) / 10} if kind == "rating" else {})


@settings(max_examples=150)
@given(films=st.lists(FILM, max_size=20, unique_by=lambda film: (film["at"], film["kind"])))
def test_every_history_is_read_as_it_was(films: list[dict[str, Any]]) -> None:
    """All kinds, times and ratings on a fine scale, in movies of one title, of odd titles and of none."""
    rows = [described(film) for film in films]
    outcome = match_entries(read(history_file(rows)), CATALOG, TENTHS)
    assert (outcome.unmatched, outcome.newer, outcome.duplicates) == ([], [], 0)
    again = [
        (film["movie"], film["kind"], film["rating"], film["time"])
        for film in ImportResult(outcome, CATALOG).rows().get("films", [])
    ]
    assert again == [(row["movie"], row["kind"], row.get("rating"), row["time"]) for row in rows]
    records = ImportRecords.of(outcome, CATALOG, TENTHS)
    assert {movie: steps for movie, steps, _ in records.ratings} == {
        str(row["movie"]): None if row["kind"] == "deleted" else round(row["rating"] * 10)
        for row in rows
        if row["kind"] in ("rating", "deleted")
    }


def test_the_file_of_another_catalog_is_matched_by_title_and_scale() -> None:
    """The same ID of another movie isn't believed; ratings are converted; what the catalog lacks is kept."""
    films = [
        {"kind": "rating", "movie": 17, "title": "Heat", "year": 1995, "rating": 8.4},
        {"kind": "seen", "movie": 3, "title": "Nosuch", "year": 1990, "imdb": "0000123", "time": 5},
    ]
    outcome = match_entries(read(history_file(films)), CATALOG, Scale(0.5, 5, 0.5))
    assert [(each.number, each.rating) for each in outcome.films] == [(0, 4.0)]
    (kept,) = ImportRecords.of(outcome, CATALOG, Scale(0.5, 5, 0.5)).unmatched
    assert (kept.kind, kept.title, kept.year, kept.imdb, kept.movie, kept.time) == ("seen", "Nosuch", 1990, 123, "3", 5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 2}, "has version 2 and this Cinematrix reads 1; upgrade"),
        ({"version": None}, "has version none"),
        ({"version": True}, "has version"),
        ({"films": {}}, "no list of films"),
        ({"films": ["Heat"]}, "film 1 is no object"),
        ({"films": [{"kind": "loved", "movie": 1}]}, "film 1 has no known kind"),
        ({"films": [{"kind": "seen"}]}, "neither a title nor an ID"),
        ({"films": [{"kind": "seen", "title": ["Heat"]}]}, "title that isn't a text"),
        ({"films": [{"kind": "seen", "title": "x" * 501}]}, "title that isn't a text"),
        ({"films": [{"kind": "rating", "title": "Heat"}]}, "rating that isn't on the scale"),
        ({"films": [{"kind": "rating", "title": "Heat", "rating": 11}]}, "rating that isn't on the scale"),
        ({"films": [{"kind": "rating", "title": "Heat", "rating": "5"}]}, "rating that isn't on the scale"),
        ({"films": [{"kind": "rating", "title": "Heat", "rating": 5}], "scale": None}, "isn't on the scale"),
        ({"films": [{"kind": "seen", "title": "Heat", "time": -1}]}, "time that can't be one"),
        ({"films": [{"kind": "seen", "title": "Heat", "year": 1995.5}]}, "year that can't be one"),
        ({"scale": {"low": 5, "high": 0, "step": 1}}, "its scale"),
        ({"scale": [0, 5]}, "its scale"),
    ],
)
def test_a_damaged_or_newer_file_is_refused_in_one_sentence(change: dict[str, Any], words: str) -> None:
    """The whole file is refused, and the sentence names the film and the reason."""
    with pytest.raises(DataError, match=words) as caught:
        read(history_file([]) if not change else history_file(**{"films": [], **change}))
    assert "\n" not in str(caught.value)


def test_a_cut_off_file_is_refused() -> None:
    """It isn't read up to where it ends."""
    content = history_file([{"kind": "seen", "title": "Heat"}])
    for end in (len(content) // 2, len(content) - 1):
        with pytest.raises(DataError, match="JSON"):
            read(content[:end])
