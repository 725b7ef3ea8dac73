"""Tests of `cinematrix.importers`: reading the exports of other sites."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinematrix.errors import DataError, SettingError
from cinematrix.importers import Entry, KindUnknownError, ParsedImport, read
from cinematrix.importers.dates import parse_timestamp
from cinematrix.importers.entries import clean_text, parse_external_id, parse_number, parse_year
from cinematrix.importers.text import FORMULA, escape_formula, repair_text, unescape_formula
from export_files import (
    DIARY,
    FILMTIPSET,
    IMDB,
    IMDB_2017,
    IMDB_LIST,
    LETTERBOXD,
    MOVIELENS,
    TMDB,
    criticker,
    letterboxd,
    lines,
    trakt,
    trakt_movie,
    trakt_rating,
    zip_files,
)


def at(text: str) -> int:
    """Return an ISO time in epoch seconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def summarise(journal: ParsedImport) -> list[tuple[Any, ...]]:
    """Return the kind, title, year and rating of each entry."""
    return [(entry.kind, entry.title, entry.year, entry.rating) for entry in journal.entries]


def reasons(journal: ParsedImport) -> list[tuple[str, str]]:
    """Return the row and reason of each skipped entry."""
    return [(entry.row, entry.reason) for entry in journal.skipped]


@pytest.mark.parametrize("top", ["", "letterboxd-ann-2024-01-01-00-00-utc/"])
def test_a_letterboxd_archive_is_read_by_full_names(top: str) -> None:
    """Ratings, diary, reviews and marks are read, with or without a top folder; no deleted entry, list or profile."""
    journal = read(zip_files({top + name: content for name, content in letterboxd().items()}), "export.zip")
    assert (journal.source, journal.highest, journal.warnings, journal.read) == ("letterboxd", 5.0, [], 11)
    assert summarise(journal) == [
        ("rating", "Heat", 1995, 4.5),
        ("rating", "The Good, the Bad and the Ugly", 1966, 5.0),
        ("rating", "Heat", 1995, 3.0),
        ("rating", "Heat", 1995, 4.5),
        ("seen", "Alien", 1979, None),
        ("rating", "Heat", 1995, 4.5),
        ("seen", "Heat", 1995, None),
        ("seen", "The Good, the Bad and the Ugly", 1966, None),
        ("seen", "Alien", 1979, None),
        ("watchlist", "Brazil", 1985, None),
        ("like", "Heat", 1995, None),
    ]
    first, diary = journal.entries[0], journal.entries[2]
    assert (first.row, first.time, first.day, first.rank) == ("ratings.csv:2", at("2023-01-05"), True, 0)
    assert (diary.row, diary.time, diary.rank) == ("diary.csv:2", at("2022-01-01"), 1)


def test_a_deleted_diary_alone_is_no_export() -> None:
    """A folder of the export itself isn't stripped as a top folder."""
    with pytest.raises(DataError, match="the ZIP isn't a Letterboxd"):
        read(zip_files({"deleted/diary.csv": letterboxd()["deleted/diary.csv"]}))


@pytest.mark.fault(15)
def test_marks_are_distinguished_by_name_and_never_become_ratings() -> None:
    """watched.csv, watchlist.csv and films.csv have the same header; under another name they are refused."""
    content = lines(LETTERBOXD, "2020-01-01,Heat,1995,u")
    for name, kind in {"watched.csv": "seen", "a\\b/WATCHLIST.csv": "watchlist", "likes/films.csv": "like"}.items():
        assert summarise(read(content, name)) == [(kind, "Heat", 1995, None)]
    with pytest.raises(DataError, match="no column 'rating'"):
        read(content, "ratings.csv")
    with pytest.raises(KindUnknownError, match="--as seen"):
        read(content, "export.csv")
    rated_list = lines(f"{LETTERBOXD},Rating", "2020-01-01,Heat,1995,u,5")
    assert summarise(read(rated_list, "watchlist.csv")) == [("watchlist", "Heat", 1995, None)]


def test_a_diary_without_rewatch_and_an_empty_file() -> None:
    """Older diaries have no column Rewatch; a file of the archive may be empty."""
    older = lines(DIARY.replace("Rewatch,", ""), "2022-01-02,Heat,1995,https://letterboxd.com/film/heat/,3,,2022-01-01")
    journal = read(zip_files({"ratings.csv": b"", "diary.csv": older}))
    assert summarise(journal) == [("rating", "Heat", 1995, 3.0)]


@pytest.mark.fault(16)
def test_invalid_ratings_are_skipped_with_their_reasons() -> None:
    """Blank, 0, text and values off the scale are skipped; a blank year is valid."""
    rows = [f"2023-01-05,Heat,,u,{rating}" for rating in ("", "0", "good", "7", "-1", "3,5", "3.5")]
    journal = read(lines(f"{LETTERBOXD},Rating", *rows[:5], '2023-01-05,Heat,,u,"3,5"', rows[6]))
    off_scale = "the rating isn't between 0 and 5"
    expected = ["no rating", "no rating", "the rating isn't a number", off_scale, off_scale]
    assert reasons(journal) == [(f"{line}", reason) for line, reason in enumerate(expected, start=2)]
    assert summarise(journal) == [("rating", "Heat", None, 3.5)] * 2


@pytest.mark.fault(15)
@pytest.mark.parametrize("header", [IMDB, IMDB.replace("Original Title,", ""), IMDB.upper()])
def test_imdb_is_read_by_the_names_of_columns(header: str) -> None:
    """Today's columns and those of before 2024, in any case and order; series and games are skipped.

    Title types in other languages are read as movies.
    """
    names = header.lower().split(",")

    def row(**fields: str) -> str:
        return ",".join(fields.get(name.replace(" ", "_"), "") for name in names)

    films = [
        row(const="tt0113277", your_rating="9", date_rated="2020-05-06", title="Heat", title_type="Movie", year="1995"),
        row(const="tt12345678", your_rating="7", title='"Good, Bad"', title_type="Fernsehfilm", year="2021"),
        row(const="tt0411008", your_rating="8", title="Lost", title_type="TV Series", year="2004"),
        row(const="tt0411009", your_rating="8", title="Doom", title_type="videoGame", year="1993"),
    ]
    journal = read(lines(header, *films), "ratings.csv")
    assert journal.source == "imdb"
    assert summarise(journal) == [("rating", "Heat", 1995, 9.0), ("rating", "Good, Bad", 2021, 7.0)]
    assert [(entry.imdb, entry.time) for entry in journal.entries] == [(113277, at("2020-05-06")), (12345678, None)]
    assert reasons(journal) == [("4", "not a film"), ("5", "not a film")]


def test_imdbs_older_ratings_and_its_lists() -> None:
    """Before 2017, ratings have positions too; a newer list is a watchlist only if its name says so."""
    old = lines(
        IMDB_2017,
        '"1","tt0113277","Sat Jan  1 00:00:00 2011","","","Heat","Feature Film","Mann","9","8.2","170","1995"',
    )
    assert summarise(read(old)) == [("rating", "Heat", 1995, 9.0)]
    watchlist = lines(
        IMDB_LIST, "1,tt0113277,2023-01-01,2023-01-01,,Heat,Heat,u,Movie,8.2,170,1995,Crime,1,1995-12-15,M,9,2020-01-01"
    )
    assert summarise(read(watchlist, "WATCHLIST.csv")) == [("watchlist", "Heat", 1995, None)]
    assert summarise(read(watchlist, "ls012345678.csv")) == [("rating", "Heat", 1995, 9.0)]
    unrated = watchlist.replace(b",9,2020-01-01", b",,")
    with pytest.raises(KindUnknownError):
        read(unrated, "ls012345678.csv")
    assert summarise(read(unrated, "ls012345678.csv", kind="seen")) == [("seen", "Heat", 1995, None)]
    assert summarise(read(old, "WATCHLIST.csv")) == [("watchlist", "Heat", 1995, None)]
    with pytest.raises(KindUnknownError):
        read(lines("Const,Title", "tt1,Heat"))


def test_a_trakt_archive_of_the_newer_layout() -> None:
    """Pages are in numeric order; shows, persons and lists named like pages are left out; 0 is no rating."""
    journal = read(zip_files(trakt()))
    assert (journal.source, journal.highest, journal.warnings) == ("trakt", 10.0, [])
    assert summarise(journal) == [
        ("rating", "Heat", 1995, 9.0),
        ("seen", "Alien", 1979, None),
        ("seen", "Alien", 1979, None),
        ("watchlist", "Brazil", 1985, None),
        ("like", "Heat", 1995, None),
    ]
    assert reasons(journal) == [
        ("ratings-movies.json:2", "no rating"),
        ("watched-history-2.json:1", "not a film"),
        ("watched-history-10.json:1", "not a film"),
        ("lists-watchlist.json:2", "not a film"),
    ]
    assert [(e.imdb, e.tmdb, e.time) for e in journal.entries[:2]] == [
        (113277, 949, at("2023-01-01")),
        (None, 348, at("2023-01-02T03:04:05")),
    ]


def test_a_trakt_archive_of_the_older_layout() -> None:
    """The files are in the user's folder, which may be in another folder."""
    heat = json.dumps([trakt_rating(trakt_movie("Heat", 1995), 8)])
    files = {
        "ratings/ratings-movies.json": heat,
        "watched/history-1.json": json.dumps(
            [{"watched_at": "2023-01-01T00:00:00.000Z", "type": "movie", "movie": trakt_movie("Alien", 1979)}]
        ),
        "lists/watchlist.json": json.dumps([{"type": "movie", "movie": trakt_movie("Brazil", 1985)}]),
        "lists/watchlist-2025.json": json.dumps([{"type": "movie", "movie": trakt_movie("Jaws", 1975)}]),
    }
    for top in ("ann/", "export/ann/"):
        journal = read(zip_files({top + name: content for name, content in files.items()}))
        assert [entry.title for entry in journal.entries] == ["Heat", "Alien", "Brazil"]


def test_trakts_broken_files_are_warnings() -> None:
    """Files that are missing, no JSON or no list don't stop the import; invalid items are skipped."""
    journal = read(
        zip_files(
            trakt(watched_movies=b"<html>", watched_history_1={"a": 1}, lists_favorites=None, lists_watchlist=b"")
        )
    )
    assert journal.warnings == [
        "watched-history-1.json: the JSON isn't a list of items, and holds none",
        "watched-movies.json: the file is a web page, not an export, perhaps a page that asks to sign in; sign in and "
        "download it once more",
    ]
    assert summarise(journal) == [("rating", "Heat", 1995, 9.0)]
    invalid: list[Any] = [
        None,
        3,
        [],
        {"movie": 1},
        {"movie": {"ids": 3, "title": 4, "year": "x"}},
        trakt_rating(trakt_movie("Heat", 1995), True),
    ]
    assert read(zip_files(trakt(ratings_movies=invalid))).entries[0].kind == "seen"


def test_one_file_of_trakts() -> None:
    """The kind of an item is detected by its keys; a list's by its name alone."""
    items = [
        trakt_rating(trakt_movie("Heat", 1995), 8),
        {"listed_at": "2023-01-01T00:00:00.000Z", "movie": trakt_movie("Brazil", 1985)},
        {},
    ]
    journal = read(json.dumps(items).encode(), "lists-watchlist.json")
    assert summarise(journal) == [("watchlist", "Heat", 1995, None), ("watchlist", "Brazil", 1985, None)]
    assert reasons(journal) == [("3", "neither a title nor an ID")]
    assert summarise(read(json.dumps(items[:1]).encode())) == [("rating", "Heat", 1995, 8.0)]
    with pytest.raises(KindUnknownError):
        read(json.dumps(items[1:]).encode())


def test_the_exports_of_movielens_org() -> None:
    """They have IDs of IMDb and TMDB, no date, and the year in the title; a wishlist is a watchlist."""
    journal = read(lines(MOVIELENS, '6,0113277,949,4.5,3.9,"Heat, The (1995)"'), "movielens-ratings.csv")
    assert journal.source == "movielens"
    assert journal.entries == [Entry("2", "rating", "The Heat", 1995, 4.5, imdb=113277, tmdb=949, movie="6")]
    wishlist = lines(MOVIELENS.replace("rating,average", "average"), "6,0113277,949,3.9,Heat (1995)")
    assert summarise(read(wishlist, "movielens-wishlist.csv")) == [("watchlist", "Heat", 1995, None)]
    with pytest.raises(KindUnknownError):
        read(wishlist, "x.csv")


def test_a_data_set_of_one_user_is_read_and_of_several_is_refused() -> None:
    """`userId,movieId,rating,timestamp`: the only ID of a movie is the data set's."""
    journal = read(lines("userId,movieId,rating,timestamp", "7,6,4.5,964982703"))
    assert journal.entries == [Entry("2", "rating", "", None, 4.5, 964982703, movie="6")]
    with pytest.raises(DataError, match="several users"):
        read(lines("userId,movieId,rating,timestamp", "7,6,4.5,964982703", "8,6,4.5,964982703"))


def test_movietweetings_of_one_user() -> None:
    """IMDb IDs, 0 to 10; the format is detected by the first line, not by the file's name; a 0 is no rating."""
    journal = read(lines("7::0113277::9::1381945744", "7::0078748::0::1381945745", "7::10872600::10::1381945746"))
    assert (journal.source, journal.highest) == ("movietweetings", 10.0)
    assert [(entry.imdb, entry.rating, entry.time) for entry in journal.entries] == [
        (113277, 9.0, 1381945744), (10872600, 10.0, 1381945746),
    ]  # fmt: skip
    assert reasons(journal) == [("2", "no rating")]
    with pytest.raises(DataError, match="several users"):
        read(lines("7::0113277::9::1381945744", "8::0113277::9::1381945744"))
    assert reasons(read(lines("7::0113277::9::1381945744", "7::0113277::9::1::2", "7"))) == [
        ("2", "more fields than the header has"), ("3", "no rating"),
    ]  # fmt: skip


def test_movies_played_by_jellyfin_are_seen() -> None:
    """Movies played for ten minutes or longer; episodes are skipped; local times give only the day."""
    user, item = "a" * 32, "0123456789abcdef" * 2

    def played(kind: str, name: str, seconds: object, day: str = "2023-01-05") -> str:
        return f"{day} 21:04:05.1234567\t{user}\t{item}\t{kind}\t{name}\tDirectPlay\tJellyfin Web\tFirefox\t{seconds}"

    journal = read(
        lines(
            played("Movie", "Heat", 9000), played("Episode", "Lost - s01e02 - Pilot", 2500), played("Movie", "Up", 599)
        )
    )
    assert (journal.source, summarise(journal)) == ("jellyfin", [("seen", "Heat", None, None)])
    assert (journal.entries[0].time, journal.entries[0].day) == (at("2023-01-05"), True)
    assert reasons(journal) == [("2", "not a film"), ("3", "played for less than ten minutes")]
    with pytest.raises(DataError, match="several users"):
        read(lines(played("Movie", "Heat", 9000), played("Movie", "Heat", 9000).replace(user, "b" * 32)))


def test_tmdb_and_filmtipset() -> None:
    """TMDB IDs of series are skipped; Filmtipset has -1 or a blank for a movie that isn't at IMDb."""
    journal = read(
        lines(
            TMDB,
            "949,tt0113277,movie,Heat,1995-12-15,,,7.9,8.5,2023-01-01T10:00:00Z",
            "1396,tt0903747,tv,Breaking Bad,2008-01-20,,,8.9,10,2023-01-01T10:00:00Z",
            "348,,movie,Alien,1979-05-25,,,8.1,0,",
        )
    )
    assert journal.entries == [
        Entry("2", "rating", "Heat", 1995, 8.5, at("2023-01-01T10:00:00"), imdb=113277, tmdb=949)
    ]
    assert reasons(journal) == [("3", "not a film"), ("4", "no rating")]
    filmtipset = read(
        lines(FILMTIPSET, "2009-01-02;Heat;0113277;4", "2009-01-02;Jag, du, han;-1;3", "2009-01-02;Alien;;5")
    )
    assert [(e.title, e.imdb, e.rating) for e in filmtipset.entries] == [
        ("Heat", 113277, 4.0),
        ("Jag, du, han", None, 3.0),
        ("Alien", None, 5.0),
    ]


def test_criticker() -> None:
    """Titles have years; ratings are 0 to 100 and relative; dates are English; 0 is no rating."""
    journal = read(criticker(("Fight Club (1999)", 85), ("Alien (1979)", 0), more="<imdbid>tt0137523</imdbid>"))
    assert (journal.source, journal.highest, journal.relative) == ("criticker", 100.0, True)
    assert journal.entries == [Entry("1", "rating", "Fight Club", 1999, 85.0, at("2017-04-23T08:18:00"), imdb=137523)]
    assert reasons(journal) == [("2", "no rating")]


LAUGHS = '<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'


@pytest.mark.fault(19)
@pytest.mark.parametrize(
    "content",
    [
        criticker(("&b;", 5), dtd=LAUGHS),
        criticker(("&x;", 5), dtd='<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        criticker(("Heat", 5), dtd='<!DOCTYPE r SYSTEM "http://127.0.0.1/x.dtd">'),
        criticker(("Heat", 5))[:-20],
        b"<html><body>Sign in</body></html>",
        b'<?xml version="1.0" encoding="none-such"?><r/>',
        b"<a>" * 100_000,
    ],
    ids=["laughs", "file", "dtd", "cut", "html", "encoding", "deep"],
)
def test_hostile_xml_is_refused(content: bytes) -> None:
    """Entities, document types, cut-off, deep and foreign XML give one sentence, and nothing is fetched."""
    with pytest.raises(DataError, match=r"the XML|a web page"):
        read(content)


def test_any_csv_by_common_column_names_or_a_mapping() -> None:
    """Common columns are detected, others mapped; the scale is given, or the narrowest that holds all ratings."""
    detected = read(lines("Title;Year;Score;Date", "Heat;1995;8;1700000000000", "Alien;1979;6,5;2020-01-02"))
    assert (detected.source, detected.highest, detected.relative) == ("csv", 10.0, False)
    assert [(e.rating, e.time, e.day) for e in detected.entries] == [
        (8.0, 1_700_000_000, False),
        (6.5, at("2020-01-02"), True),
    ]
    content = lines("Que,Nota", "Heat (1995),4", "Alien,11")
    with pytest.raises(DataError, match="name the columns"):
        read(content)
    mapped = read(content, columns={"title": "Que", "rating": "NOTA"}, highest=10)
    assert summarise(mapped) == [("rating", "Heat", 1995, 4.0)]
    assert reasons(mapped) == [("3", "the rating isn't between 0 and 10")]
    with pytest.raises(DataError, match="no column 'stars'"):
        read(content, columns={"title": "Que", "rating": "stars"})
    with pytest.raises(SettingError, match="no field 'user' to map"):
        read(content, columns={"user": "Que"})


@pytest.mark.fault(14)
@pytest.mark.parametrize(
    "header",
    [
        "Const,Ihre Bewertung,Bewertungsdatum,Titel,Originaltitel,URL,Titeltyp,IMDb-Bewertung,Jahr",
        "Const,Votre note,Date de notation,Titre,Titre original,URL,Type de titre,Note IMDb,Année",
        "Const,Tu calificación,Fecha de calificación,Título,Título original,URL,Tipo de título,Puntuación IMDb,Año",
        "Const,Sua avaliação,Data da avaliação,Título,Título original,URL,Tipo de título,Avaliação,Ano",
        "Const,Il tuo voto,Data del voto,Titolo,Titolo originale,URL,Tipo di titolo,Voto,Anno",
    ],
)
def test_headers_in_other_languages(header: str) -> None:
    """One's own rating counts, not the site's; its day and the kind of work are understood."""
    rows = [
        "tt0133093,9,2024-01-01,Matrix,The Matrix,u,Film,8.7,1999",
        "tt2802850,10,2024-01-01,Fargo,,u,Serie,8.9,2014",
    ]
    journal = read(lines(header, *rows), "ratings.csv")
    (entry,) = journal.entries
    assert (entry.rating, entry.year, entry.imdb) == (9.0, 1999, 133093)
    assert entry.time == int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
    assert [row.reason for row in journal.skipped] == ["not a film"]


@pytest.mark.parametrize(
    ("encode", "n_warnings"),
    [
        (lambda text: b"\xef\xbb\xbf" + text.encode(), 0),
        (lambda text: text.encode("utf-16"), 0),
        (lambda text: text.encode("cp1252"), 1),
        (lambda text: text.replace("\n", "\r").encode(), 0),
        (lambda text: ("\r\n" + text.replace("\n", "\r\n", 1)).encode(), 0),
        (lambda text: text.replace(",", ";").encode(), 0),
        (lambda text: text.replace(",", "\t").encode(), 0),
    ],
    ids=["bom", "utf-16", "cp1252", "cr", "mixed", "semicolon", "tab"],
)
def test_every_common_encoding_and_line_end(encode: Any, n_warnings: int) -> None:
    """Byte order mark, UTF-16, Windows-1252 (with a warning), any line end and any usual delimiter are read."""
    journal = read(encode("title,year,rating\nAmélie,2001,10\n\nLéon,1994,8\n"))
    assert summarise(journal) == [("rating", "Amélie", 2001, 10.0), ("rating", "Léon", 1994, 8.0)]
    assert len(journal.warnings) == n_warnings


@pytest.mark.fault(14)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b'title,rating\nHeat,4\n"Alien,5\n', "line 3"),
        (b'title,rating\nHeat,4\n"a"b,5\n', "line 3"),
        (b"title,rating\n" + b"x" * 200_000 + b",4\n", "line 2"),
        (b"x" * 1_000_000, "line 1"),
        (b"title,rating\nHe\0at,4\n", "line 2 holds a NUL"),
        (b"title,rating\nHe\x81\xffat,4\n", "line 2 is neither"),
        ("title,rating\n".encode("utf-16") + b"\xd8", "UTF-16"),
        (b"Letterboxd list export v7\nDate,Name,Tags,URL,Description\n", "isn't a Letterboxd"),
        (b"title,rating\n" + b"Heat,4\n" * 100_001, "more than 100,000 films"),
        (b"x" * 20_000_001, "20,000,000 bytes"),
    ],
    ids=["none", "blank", "unclosed", "quote", "field", "line", "nul", "bytes", "utf-16", "list", "rows", "large"],
)
def test_bad_text_is_refused_with_its_line(content: bytes, message: str) -> None:
    """The error is one sentence, with the line if there is one, and repeats nothing of the file."""
    with pytest.raises(DataError, match=message) as refusal:
        read(content)
    assert "Heat" not in str(refusal.value)


def test_rows_too_long_too_short_or_without_a_film() -> None:
    """Rows with too many fields are skipped; missing fields are blank; a title has at most 500 letters."""
    journal = read(
        lines("title,year,rating", "Good, the Bad,1966,5", "Heat", ",1995,4", f"{'x' * 501},1995,4", "Jaws,1975,4,,")
    )
    assert reasons(journal) == [
        ("2", "more fields than the header has"),
        ("3", "no rating"),
        ("4", "neither a title nor an ID"),
        ("5", "the title has more than 500 letters"),
    ]
    assert summarise(journal) == [("rating", "Jaws", 1975, 4.0)]


def test_titles_are_cleaned_for_display() -> None:
    """Control and bidirectional characters are removed; markup stays text."""
    assert clean_text("a\x1b[31m\u202egnp.\u2066 b\r\n<img onerror=x>\u00a0\u2029") == "a[31mgnp. b <img onerror=x>"


@pytest.mark.parametrize(
    ("text", "seconds", "day"),
    [
        ("2023-01-05", at("2023-01-05"), True),
        ("2023-01-05T10:00:00.123Z", at("2023-01-05T10:00:00"), False),
        ("2023-01-05 10:00:00+02:00", at("2023-01-05T08:00:00"), False),
        ("964982703", 964982703, False),
        ("1700000000123", 1_700_000_000, False),
        *(
            (text, None, False)
            for text in ("", "2023-02-30", "1969-01-01", "2999-01-01", "99999999999", "٢٠٢٣-٠١-٠٥", "x")
        ),
    ],
)
def test_timestamps(text: str, seconds: int | None, day: bool) -> None:
    """ISO dates and times in any zone, epoch seconds and milliseconds are read; invalid and future ones give None."""
    assert parse_timestamp(text) == (seconds, day)


def test_small_fields() -> None:
    """Years, numbers and IDs are parsed, or give None."""
    assert [parse_year(text) for text in ("1995", "1995.0", "1995-12-15", " 2010 ", "19955", "1820", "")] == [
        *(1995, 1995, 1995, 2010, None, None, None)
    ]
    assert [parse_number(text) for text in ("4", "4,5", "-1", "1e3", "inf", "nan", "٤", "")] == [
        4,
        4.5,
        -1,
        *[None] * 5,
    ]
    assert [parse_external_id(text) for text in ("tt0113277", "0113277", "-1", "0", "", "tt", "x")] == [
        113277,
        113277,
        *[None] * 5,
    ]


@pytest.mark.fault(20)
@given(st.text(st.sampled_from("'=+-@\t\r\n＝ab\"0,"), max_size=6) | st.text(max_size=20))
def test_quoting_for_spreadsheets_is_undone_exactly(text: str) -> None:
    """Quoted text never begins a formula, and unquoting restores the original."""
    written = escape_formula(text)
    assert written[:1] not in tuple("=+-@\t\r\n＝＋－＠")
    assert unescape_formula(written) == text
    assert (written != text) == bool(FORMULA.match("'" + text))


@pytest.mark.fault(20)
def test_a_quoted_title_is_read_as_the_title() -> None:
    """The quote before a formula is removed, in cells and in the header; a quote of the title itself stays."""
    rows = ["2023-01-05,'=Sum of Us,1994,u,4", "2023-01-06,''-Twice,1995,u,3", "2023-01-07,'71,2014,u,5"]
    journal = read(lines(f"{LETTERBOXD},Rating", *rows), "ratings.csv")
    assert [entry.title for entry in journal.entries] == ["=Sum of Us", "'-Twice", "'71"]
    names = {"title": "title", "year": "=year", "rating": "-score"}
    mapped = read(lines("title,'=year,'-score", "Heat,1995,4"), "mine.csv", names, 5)
    assert summarise(mapped) == [("rating", "Heat", 1995, 4.0)]


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        ("The Fast &amp; the Furious", "The Fast & the Furious"),
        ("Schindler&#39;s List", "Schindler's List"),
        ("Am&eacute;lie", "Amélie"),
        ("AmÃ©lie", "Amélie"),
        ("WALLÂ·E", "WALL·E"),
        ("Ã‰lÃ©gie", "Élégie"),
        ("MarÃa", "María"),
        ("Ã bout de souffle", "à bout de souffle"),
        ("Les MisÃ©rables â€“ Live", "Les Misérables – Live"),
        ("Ð\u0091Ñ€Ð°Ñ‚", "Брат"),
        *[(kept, kept) for kept in ("Amélie", "CAFÉ…", "AMANHÃ", "Über", "AT&T", "千と千尋", "Â", "Ã", "")],
    ],
)
def test_entities_and_mangled_letters_are_repaired(text: str, repaired: str) -> None:
    """HTML entities, and UTF-8 that was read as Windows-1252; right letters stay."""
    assert repair_text(text) == repaired


@given(st.text(st.characters(min_codepoint=0xA0, max_codepoint=0xFFFF, exclude_categories=("Cs", "Cc")), max_size=20))
def test_utf_8_read_as_latin_1_is_read_right(text: str) -> None:
    """The letters of Europe come back; other text never becomes longer."""
    letters = "".join(letter for letter in text if letter.isalpha() and "\u00bf" < letter < "\u0180")
    assert repair_text(letters.encode().decode("latin-1")) == letters
    assert len(repair_text(text)) <= len(text)
