"""Readers of all formats, and errors for bad input: `cinematrix.data.readers`."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cinematrix.data.dataset import Dataset, ReadReport
from cinematrix.data.ids import canonical_id
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.readers import cache, from_frame, read
from cinematrix.data.readers.columns import is_known_name
from cinematrix.data.readers.notation import MISSING_IDS
from cinematrix.errors import DataError, SettingError
from places import SHARED

DATA = SHARED

ML100K_ITEMS = (
    "1|Toy Story (1995)|01-Jan-1995||http://us.imdb.com/M/title-exact?Toy|0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0\n"
    "2|Misérables, Les (1995)|01-Jan-1995|||0|0|0|0|0|0|0|0|1|0|0|0|0|1|0|0|0|0|0\n"
    "267|unknown||||1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0\n"
)
GENRES = ["unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama"]
GENRES += [
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
]


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes files, by name, to a folder and returns the folder."""

    def write(encoding: str = "utf-8", **files: str | bytes) -> Path:
        for name, content in files.items():
            raw = content if isinstance(content, bytes) else content.encode(encoding)
            (tmp_path / name.replace("__", ".")).write_bytes(raw)
        return tmp_path

    return write


def rows(ratings: Ratings) -> list[tuple[object, ...]]:
    """Rows of the table with IDs, in its order."""
    columns = [ratings.users.ids[ratings.user], ratings.movies.ids[ratings.movie]]
    columns += [column for column in (ratings.values, ratings.time) if column is not None]
    return list(zip(*(column.tolist() for column in columns), strict=True))


def movie(dataset: Dataset, id_: object) -> dict[str, object]:
    """Metadata of one movie in the catalog."""
    assert dataset.catalog is not None
    return dataset.catalog.frame.row(dataset.catalog.movies.number(id_), named=True)


# --- formats ---------------------------------------------------------------------------------------------------


def test_ml_100k_with_latin_1_titles_flags_and_the_unknown_movie(put: Callable[..., Path]) -> None:
    """u.data has no header; u.item is latin-1 with flags of genres, and its movie 267 has no metadata."""
    genre = "".join(f"{name}|{i}\n" for i, name in enumerate(GENRES)) + "\n"
    folder = put("latin-1", u__data="9\t2\t3\t881250949\n1\t267\t5\t891717742\n", u__item=ML100K_ITEMS, u__genre=genre)
    for path in (folder, folder / "u.data"):
        dataset = read(path)
        assert dataset.name == "ml-100k"
        assert rows(dataset.ratings) == [(9, 2, 3.0, 881250949), (1, 267, 5.0, 891717742)]
        assert dataset.ratings.scale == Scale(1, 5, 1)
        assert movie(dataset, 1)["genres"] == ["Animation", "Children's", "Comedy"]
        assert movie(dataset, 2)["title"] == "Les Misérables"
        assert movie(dataset, 267) == {
            "title": "unknown", "year": None, "genres": [], "tags": [], "imdb": None, "tmdb": None,
        }  # fmt: skip
        assert dataset.report.titles_without_year == 1


def test_ml_1m_with_double_colons_and_latin_1(put: Callable[..., Path]) -> None:
    """Fields are separated by `::`, titles have single colons and latin-1 letters; the format has a fixed scale."""
    folder = put(
        "latin-1",
        ratings__dat="1::1193::5::978300760\n1::661::3::978302109\n",
        movies__dat="1193::Léon: The Professional (1994)::Crime|Children's\n661::Film, A (1990)::Drama\n",
    )
    dataset = read(folder)
    assert (dataset.name, dataset.ratings.scale, len(dataset.ratings)) == ("ml-1m", Scale(1, 5, 1), 2)
    assert movie(dataset, 1193)["title"] == "Léon: The Professional"
    assert movie(dataset, 1193)["genres"] == ["Crime", "Children's"]
    assert read(folder / "ratings.dat").catalog is not None


def test_ml_10m_with_utf_8_and_tags(put: Callable[..., Path]) -> None:
    """Half-stars or a tags file distinguish ml-10m from ml-1m; a tag given twice is listed twice, in lower case."""
    folder = put(
        ratings__dat="1::122::5::838985046\n2::122::3.5::838983525\n",
        movies__dat="122::Amélie (2001)::Comedy|Romance\n",
        tags__dat="15::122::Excellent!::1215184630\n16::122:: excellent!::1215184631\n17::999::x::1\n",
    )
    dataset = read(folder)
    assert (dataset.name, dataset.ratings.scale) == ("ml-10m", Scale(0.5, 5, 0.5))
    assert movie(dataset, 122)["tags"] == ["excellent!", "excellent!"]
    assert dataset.report.blank_tags == 1


def test_whole_stars_beside_tags_and_late_half_stars_are_ml_10m(
    put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tags file means ml-10m, and so does a half-star after the bytes that layout detection reads."""
    folder = put(
        ratings__dat="1::122::5::838985046\n", tags__dat="", alone__dat="1::5::3::9\n2::5::3::9\n3::5::2.5::9\n"
    )
    assert read(folder / "ratings.dat").name == "ml-10m"
    (folder / "tags.dat").unlink()
    monkeypatch.setattr("cinematrix.data.readers.layouts.HEAD_BYTES", 25)
    assert read(folder / "alone.dat").ratings.scale == Scale(0.5, 5, 0.5)


def test_movielens_csv_with_its_quirks(put: Callable[..., Path]) -> None:
    """Files may have a byte order mark, CRLF, quoted commas, `(2007-)`, no year or no genres; IMDb IDs keep zeros."""
    folder = put(
        ratings__csv="\ufeffuserId,movieId,rating,timestamp\r\n7,31,2.5,1260759144\r\n2,10,4.0,1260759179\r\n",
        movies__csv='\ufeffmovieId,title,genres\r\n31,"American President, The (1995) ",Drama|IMAX\r\n'
        '10,"Say ""Hi"" (2007-)",(no genres listed)\r\n11,Nameless,Comedy\r\n',
        links__csv="movieId,imdbId,tmdbId\r\n31,0112346,9087\r\n10,0113189,\r\n",
        tags__csv='userId,movieId,tag,timestamp\r\n7,31,"Who, me?",1\r\n7,31,,2\r\n',
    )
    dataset = read(folder)
    assert (dataset.name, dataset.ratings.scale) == ("ml-csv", Scale(0.5, 5, 0.5))
    assert rows(dataset.ratings) == [(7, 31, 2.5, 1260759144), (2, 10, 4.0, 1260759179)]
    assert movie(dataset, 31) == {
        "title": "The American President", "year": 1995, "genres": ["Drama", "IMAX"], "tags": ["who, me?"],
        "imdb": "0112346", "tmdb": "9087",
    }  # fmt: skip
    assert movie(dataset, 10)["title"] == 'Say "Hi"'
    assert (movie(dataset, 10)["year"], movie(dataset, 10)["genres"]) == (2007, [])
    report = dataset.report
    assert (report.movies, report.titles_without_year, report.without_imdb, report.without_tmdb) == (3, 1, 1, 2)
    assert (report.blank_tags, report.scale_inferred) == (1, False)


def test_movietweetings_keeps_leading_zeros(put: Callable[..., Path]) -> None:
    """Movie IDs are text in ratings and catalog, and also the IMDb IDs; the scale is 0 to 10."""
    folder = put(
        ratings__dat="1::0054890::9::1381945744\n2::1408101::0::1382400295\n",
        movies__dat="0054890::Fantômas (1961)::Crime|Drama\n1408101::Star Trek (2013)::\n",
    )
    dataset = read(folder)
    assert dataset.name == "movietweetings"
    assert rows(dataset.ratings) == [(1, "0054890", 9.0, 1381945744), (2, "1408101", 0.0, 1382400295)]
    assert (dataset.ratings.scale, movie(dataset, "0054890")["imdb"]) == (Scale(0, 10, 1), "0054890")


def test_imdb_ids_without_leading_zeros_are_movietweetings_too(put: Callable[..., Path]) -> None:
    """A part of the file without IDs below 1000000 is recognised by seven digits."""
    assert read(put(a__dat="1::1408101::5::1\n2::2278388::7::2\n") / "a.dat").name == "movietweetings"


def test_typed_headers_and_genres_by_spaces(put: Callable[..., Path]) -> None:
    """RecBole's atomic files have TABs, types in the header, and separate columns for year and genres."""
    folder = put(
        a__inter="user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t242\t3\t881250949\n",
        a__item="item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        "242\tUsual Suspects, The\t1995\tCrime Children's\n",
    )
    dataset = read(folder)
    assert rows(dataset.ratings) == [(196, 242, 3.0, 881250949)]
    assert movie(dataset, 242)["title"] == "The Usual Suspects"
    assert (movie(dataset, 242)["year"], movie(dataset, 242)["genres"]) == (1995, ["Crime", "Children's"])


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_generic_csv_by_names_in_any_order_and_case(put: Callable[..., Path], separator: str) -> None:
    """Columns are found by name, in any order and case, among other columns; text IDs stay text."""
    lines = ["Stars,note,ITEM_ID,User", "80,x,tt01,ann", "35.25,,tt02,bob", "", "100,y,tt01,bob"]
    folder = put(mine__csv="\n".join(lines).replace(",", separator))
    dataset = read(folder)
    assert rows(dataset.ratings) == [("ann", "tt01", 80.0), ("bob", "tt02", 35.25), ("bob", "tt01", 100.0)]
    assert (dataset.ratings.scale, dataset.report.scale_inferred) == (Scale(1, 100, 0), True)


def test_columns_named_by_the_caller(put: Callable[..., Path]) -> None:
    """`columns` maps a role to a name; the error for an unknown role or name lists the existing ones."""
    path = put(mine__csv="who,what,rating\n1,2,3\n") / "mine.csv"
    assert rows(read(path, columns={"user": "who", "movie": "what"}).ratings) == [(1, 2, 3.0)]
    with pytest.raises(DataError, match="no column 'me' for the user; it has who, what, rating"):
        read(path, columns={"user": "me", "movie": "what"})
    with pytest.raises(DataError, match="the column who can't have two roles"):
        read(path, columns={"user": "who", "movie": "who"})
    with pytest.raises(SettingError, match="role 'film'; the roles are user, movie"):
        read(path, columns={"film": "what"})


def test_plain_interactions_add_up(put: Callable[..., Path]) -> None:
    """Without a rating column rows are interactions; counts of the same pair add up, the latest time stays."""
    plays = read(put(a__csv="user,movie,plays,time\n1,5,2,10\n1,5,3,30\n2,5,1,20\n") / "a.csv")
    assert rows(plays.ratings) == [(1, 5, 5.0, 30), (2, 5, 1.0, 20)]
    assert (plays.ratings.scale, plays.report.merged) == (None, 1)
    clicks = read(put(b__csv="user,movie\n1,5\n1,5\n2,6\n") / "b.csv")
    assert rows(clicks.ratings) == [(1, 5, 2.0), (2, 6, 1.0)]


def test_the_latest_of_a_repeated_pair_wins(put: Callable[..., Path]) -> None:
    """Repeated (user, movie) rows are merged to the latest by time and counted."""
    dataset = read(put(r__csv="user,movie,rating,time\n1,5,2,30\n1,5,4,20\n1,6,5,1\n") / "r.csv")
    assert rows(dataset.ratings) == [(1, 5, 2.0, 30), (1, 6, 5.0, 1)]
    assert (dataset.report.rows, dataset.report.merged) == (3, 1)


@pytest.mark.parametrize(
    ("written", "seconds", "converted"),
    [
        ("1260759144000", 1260759144, 1),
        ("1260759144.7", 1260759144, 0),
        ("2009-12-14", 1260748800, 0),
        ("2009-12-14 02:52:24", 1260759144, 0),
        ("2009-12-14T02:52:24Z", 1260759144, 0),
        ("2009-12-14T02:52:24.120+00:00", 1260759144, 0),
        ("-86400", -86400, 0),
    ],
)
def test_times_become_seconds(put: Callable[..., Path], written: str, seconds: int, converted: int) -> None:
    """Milliseconds are converted and reported; ISO dates and times are parsed; times before 1970 are negative."""
    dataset = read(put(r__csv=f"user,movie,rating,time\n1,5,2,{written}\n") / "r.csv")
    assert dataset.ratings.time is not None
    assert (dataset.ratings.time.tolist(), dataset.report.milliseconds) == ([seconds], converted)


def test_ids_are_of_one_kind_on_both_sides(put: Callable[..., Path]) -> None:
    """If the ratings or the movies have text IDs, movie IDs are text in both; an ID with a leading zero is text."""
    folder = put(ratings__csv="user,movie,rating\n007,1,2\n8,2,3\n", movies__csv="movieId,title\n1,A\n02,B\n")
    dataset = read(folder)
    assert dataset.ratings.users.ids.tolist() == ["007", "8"]
    assert dataset.ratings.movies.ids.tolist() == ["1", "2"]
    assert dataset.catalog is not None
    assert dataset.catalog.movies.ids.tolist() == ["1", "02"]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "END"])
def test_line_ends_of_all_systems(put: Callable[..., Path], ending: str, last: str) -> None:
    """Line ends may be those of Unix, Windows or old Macs, with or without one at the end of the file."""
    text = ending.join(["user,movie,rating", "1,5,2", "2,5,4"]) + (ending if last else "")
    assert rows(read(put(r__csv=text) / "r.csv").ratings) == [(1, 5, 2.0), (2, 5, 4.0)]


def test_gzip_and_parquet(put: Callable[..., Path]) -> None:
    """A gzip file and a Parquet file are read like the plain one."""
    text = b"userId,movieId,rating,timestamp\n1,5,2,10\n2,6,4,11\n"
    folder = put(ratings__csv__gz=gzip.compress(text), movies__csv="movieId,title\n5,A (1999)\n")
    expected = [(1, 5, 2.0, 10), (2, 6, 4.0, 11)]
    assert rows(read(folder).ratings) == expected
    pl.read_csv(text).write_parquet(folder / "x.parquet")
    dataset = read(folder / "x.parquet", movies=folder / "movies.csv")
    assert (dataset.name, rows(dataset.ratings), movie(dataset, 5)["year"]) == ("parquet", expected, 1999)


def test_movies_in_parquet(put: Callable[..., Path]) -> None:
    """Genres may be lists; in a folder of Parquet files, ratings and movies are distinguished by the columns."""
    folder = put()
    pl.DataFrame({"user": ["a"], "item": [2], "stars": [3]}).write_parquet(folder / "log.parquet")
    movies = {"item_id": [2, 3], "Name": ["Heat", None], "year": [1995, None], "genres": [["Crime"], []]}
    pl.DataFrame(movies).write_parquet(folder / "movies.parquet")
    dataset = read(folder)
    assert rows(dataset.ratings) == [("a", 2, 3.0)]
    assert movie(dataset, 2)["title"] == "Heat"
    assert (movie(dataset, 2)["year"], movie(dataset, 2)["genres"]) == (1995, ["Crime"])
    assert movie(dataset, 3)["title"] is None
    (folder / "movies.parquet").write_bytes(b"PAR1 cut")
    with pytest.raises(DataError, match=r"movies.parquet can't be read as Parquet"):
        read(folder)


def test_a_movielens_header_does_not_force_its_scale(put: Callable[..., Path]) -> None:
    """The scale is inferred if a file with MovieLens' header has ratings off MovieLens' grid."""
    head = "userId,movieId,rating,timestamp\n"
    ten = read(put(a__csv=head + "".join(f"{i},1,{i},0\n" for i in range(1, 11))) / "a.csv")
    assert (ten.ratings.scale, ten.report.scale_inferred) == (Scale(1, 10, 1), True)
    few = read(put(b__csv=head + "1,1,4,0\n2,1,5,0\n") / "b.csv")
    assert (few.ratings.scale, few.report.scale_inferred) == (Scale(0.5, 5, 0.5), False)
    given = read(put(b__csv=head + "1,1,4,0\n2,1,5,0\n") / "b.csv", scale=Scale(0, 5, 1))
    assert given.ratings.scale == Scale(0, 5, 1)


# --- frames ----------------------------------------------------------------------------------------------------

PLAIN = {"userId": ["a", "b", "a"], "movieId": [7, 7, 3], "rating": [4.0, 3.5, 1.0], "timestamp": [3, 1, 2]}
EXPECTED = [("a", 7, 4.0, 3), ("b", 7, 3.5, 1), ("a", 3, 1.0, 2)]


@pytest.mark.parametrize("make", [pl.DataFrame, pd.DataFrame, pa.table, dict, lambda t: pl.DataFrame(t).lazy()])
def test_frames_of_every_library(make: Callable[[dict[str, list[object]]], object]) -> None:
    """Frames of pandas, Polars (lazy too) and Arrow, and plain columns, give the same ratings."""
    ratings = from_frame(make(PLAIN))
    assert rows(ratings) == EXPECTED
    assert ratings.scale == Scale(1, 5, 0.5)


def test_frames_with_dates_and_floating_ids() -> None:
    """Datetimes of pandas become seconds, and IDs that pandas converted to floats become integers again."""
    frame = pd.DataFrame({"user": [1.0, 2.0], "item": ["x", "y"], "views": [1, 2]})
    frame["time"] = pd.to_datetime(["2020-01-01T00:00:00", "2020-01-02T00:00:01"])
    assert rows(from_frame(frame)) == [(1, "x", 1.0, 1577836800), (2, "y", 2.0, 1577923201)]


def test_gaps_in_a_frame_are_missing_not_text() -> None:
    """None and NaN in an object column of pandas are missing values."""
    frame = pd.DataFrame({"user": pd.Series(["a", None, float("nan")], dtype=object), "movie": [1, 2, 3]})
    with pytest.raises(DataError, match=r"row 2: the user is missing \(2 bad rows\)"):
        from_frame(frame)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rating": [4.0, None, 1.0]}, "the frame, row 2: the rating is missing"),
        ({"rating": [4.0, 1.0, float("nan")]}, "the frame, row 3: the rating nan is not finite"),
        ({"userId": ["a", None, "b"]}, "the frame, row 2: the user is missing"),
        ({"userId": [1.5, 2.0, 3.0]}, "holds Float64; IDs must be integers or text"),
        ({"rating": [[1], [2], [3]]}, "holds lists; it must hold numbers"),
        ({"userId": [], "movieId": [], "rating": [], "timestamp": []}, "has no good row"),
    ],
)
def test_frames_with_bad_rows(change: dict[str, list[object]], message: str) -> None:
    """The error for a bad row of a frame has its number, from 1."""
    with pytest.raises(DataError, match=message):
        from_frame(pl.DataFrame(PLAIN | change, strict=False))
    with pytest.raises(DataError, match="int is no table"):
        from_frame(3)


# --- bad input -------------------------------------------------------------------------------------------------

HEAD = b"userId,movieId,rating,timestamp\n"
GOOD = HEAD + b"1,5,4,10\n2,5,3,11\n3,5,1,12\n"
HOSTILE = {
    "rating not a number": (GOOD + b"4,5,abc,13\n", "line 5: the rating 'abc' is not a number"),
    "rating with two commas": (b"user;movie;rating\n1;2;3,5,1\n", "line 2: the rating '3,5,1' is not a number"),
    "rating NaN": (GOOD + b"\n4,5,nan,13\n", "line 6: the rating 'nan' stands for a missing value"),
    "rating infinite": (GOOD + b"4,5,-inf,13\n", "line 5: the rating -inf is not finite"),
    "rating missing": (GOOD + b"4,5,,13\n", "line 5: the rating is missing"),
    "user missing": (GOOD + b",5,4,13\n", "line 5: the user is missing"),
    "user of blanks": (GOOD + b" ,5,4,13\n", "line 5: the user is missing"),
    "movie missing": (GOOD + b'4,"",4,13\n', "line 5: the movie is missing"),
    "all missing": (GOOD + b",,,\n", "line 5: the user is missing"),
    "time not a number": (GOOD + b"4,5,4,soon\n", "line 5: the time 'soon' is neither a date nor a number"),
    "time missing": (GOOD + b"4,5,4,\n", "line 5: the time is missing"),
    "time beyond any calendar": (GOOD + b"4,5,4,1e40\n", "line 5: the time '?1e.*40'? is beyond any calendar"),
    "damaged gzip": (b"\x1f\x8b\x08\0\0\0\0\0\0\3no deflate", "can't be read"),
    "count of zero": (b"user,movie,plays\n1,2,3\n1,3,0\n", "line 3: the count 0 is not above 0"),
    "off the scale": (GOOD + b"4,5,55,13\n" + b"9,9,3,1\n", "line 5: the rating 55 is off the scale 0.5–5"),
    "too few fields": (GOOD + b"4,5\n", "line 5: 2 fields separated by ',' instead of 4: '4,5'"),
    "too many fields": (GOOD + b"4,5,3,13,9\n", "line 5: 5 fields separated by ',' instead of 4"),
    "another separator": (GOOD + b"4;5;3;13\n", "line 5: 1 fields separated by ',' instead of 4: '4;5;3;13'"),
    "open quote": (GOOD + b'4,"5,3,13\n5,5,3,14\n', "line 5: a quote isn't closed, or is out of place"),
    "NUL byte": (GOOD + b"4,5\0,3,13\n", "line 5: there is a NUL byte"),
    "the first of two kinds": (HEAD + b"1,5,x,1\n,5,3,1\n", r"line 2: the rating 'x' .*\(2 bad lines\)"),
    "a byte in no word": (b"user,movie,rating\n1,5\xe9,3\n", "line 2: byte 0xe9 at place 4 isn't UTF-8"),
    "UTF-32": (GOOD.decode().encode("utf-32"), "is binary, not text"),
    "empty": (b"", "is empty; a table is needed"),
    "blank lines only": (b"\xef\xbb\xbf\n\r\n \n", "is empty; a table is needed"),
    "header only": (HEAD + b"\n", "has a header and no ratings"),
    "no header": (
        b"1,5,x,4,10\n2,5,y,3,11\n",
        "has no header and its columns can't be told .*--columns user=1,movie=2",
    ),
    "no user": (b"movie,rating\n1,2\n", "has no column for the user; it has movie, rating; .* user=NAME"),
    "no movie": (b"user,rating\n1,2\n", "has no column for the movie; it has user, rating"),
    "two users": (b"user,user_id,movie\n1,2,3\n", "two columns for the user, user and user_id"),
    "movies": (b"movieId,title,genres\n1,A,B\n", "looks like a table of movies"),
    "Letterboxd": (b"Date,Name,Year,Letterboxd URI,Rating\n1,a,2,u,3\n", "looks like one person's export"),
    "movies.dat": (b"1::Toy Story (1995)::Comedy\n", "is no table of ratings.*ratings.dat"),
    "u.item": (ML100K_ITEMS.encode("latin-1"), "looks like u.item"),
    "zip": (b"PK\x03\x04rest", "is a zip archive; unpack it"),
    "web page": (b"<!DOCTYPE html><html>", "is a web page"),
    "cut gzip": (gzip.compress(GOOD + b"5,5,5,5\n" * 9999)[:-20], "is damaged or cut off|can't be read"),
    "cut Parquet": (b"PAR1 no more", "can't be read as Parquet"),
    "bad line in ::": (b"1::5::3::9\n1::6::3\n", "line 2: 3 fields separated by '::' instead of 4"),
    "bad rating in ::": (b"1::6::7::9\n" + b"1::5::3::9\n" * 9, "line 1: the rating 7 is off the scale 1–5"),
    "bad rating in u.data": (b"1\t5\t3\t9\n1\t6\tx\t9\n", "line 2: the rating 'x' is not a number"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_bad_input_is_one_error_that_says_where(tmp_path: Path, case: str) -> None:
    """The error for a bad file is one line that names the file, the line and the rule."""
    content, message = HOSTILE[case]
    path = tmp_path / "ratings.table"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_skip_bad_drops_and_counts(put: Callable[..., Path]) -> None:
    """With `skip_bad` every bad line is dropped and counted for one reason, with the first line numbers."""
    bad = b"4,5,x,1\n\n5,5,y,1\n,5,z,1\n6,5\n7,5,55,1\n8,5\xff,3,1\n9,5,2,99\n"
    report = read(put(r__csv=GOOD + bad) / "r.csv", skip_bad=True).report
    dropped_by_reason = {reason: (dropped.count, dropped.lines) for reason, dropped in report.dropped.items()}
    assert dropped_by_reason == {
        "wrong number of fields": (1, [9]),
        "not UTF-8": (1, [11]),
        "user is missing": (1, [8]),
        "rating is not a number": (2, [5, 7]),
        "rating is off the scale": (1, [10]),
    }
    assert (report.rows, report.n_dropped) == (10, 6)
    assert ReadReport.from_dict(json.loads(json.dumps(report.as_dict()))) == report


def test_all_rows_bad_is_an_error_even_when_skipping(put: Callable[..., Path]) -> None:
    """A data set without a valid row is an error, also with `skip_bad`."""
    with pytest.raises(DataError, match=r"no good row \(2 dropped\)"):
        read(put(r__csv=HEAD + b"1,2,x,1\n1,3,y,1\n") / "r.csv", skip_bad=True)


def test_bad_lines_far_into_the_file_are_named(put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Line numbers continue over chunks, blank lines and dropped lines."""
    monkeypatch.setattr("cinematrix.data.readers.text.CHUNK_BYTES", 100)
    monkeypatch.setattr("cinematrix.data.readers.text.BLOCK_BYTES", 30)
    lines = [f"{i},{i % 7},{i % 5 + 1},{i}" for i in range(200)]
    lines[50], lines[120], lines[180] = "", "x,y,z,1", "180,1,77,1"
    path = put(r__csv=HEAD + "\n".join(lines).encode()) / "r.csv"
    with pytest.raises(DataError, match=r"line 122: the rating 'z' is not a number"):
        read(path)
    dataset = read(path, skip_bad=True)
    assert {reason: dropped.lines for reason, dropped in dataset.report.dropped.items()} == {
        "rating is not a number": [122],
        "rating is off the scale": [182],
    }
    assert [int(time) for _, _, _, time in rows(dataset.ratings)] == [
        i for i in range(200) if i not in (50, 120, 180)
    ]  # fmt: skip


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_many_pieces_of_any_line_end(put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    """No row is lost where a chunk ends, even between CR and LF."""
    monkeypatch.setattr("cinematrix.data.readers.text.CHUNK_BYTES", 37)
    lines = ["user,movie,rating", *(f"{i},{i % 7},3" for i in range(300))]
    assert len(read(put(r__csv=ending.join(lines).encode()) / "r.csv").ratings) == 300


def test_an_endless_line_is_refused(put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A line longer than a chunk is an error, so memory is limited."""
    monkeypatch.setattr("cinematrix.data.readers.text.CHUNK_BYTES", 100)
    with pytest.raises(DataError, match="line 5 has more than 100 bytes"):
        read(put(r__csv=GOOD + b"7" * 500) / "r.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("title,genres\nA,B\n", "has no column for the movie"),
        ("movieId,genres\n1,B\n", "has no column for the title"),
        ("movieId,title\n1,A\n,B\n", "line 3: the movie ID is missing"),
        ("movieId,title\n1,A\n2,B\n1,C\n", "line 4: the movie ID '1' is repeated"),
        ('movieId,title\n1,A\n2,"B\n3,C\n', "line 3: a quote isn't closed"),
        ("movieId,title\n1,A,B\n", "line 2: 3 fields where the header has 2"),
        (b"movieId,title\n1,A\n5,caf\xe9\n6,\xe9\n7,\xe9\n8,\xe9\n", "line 3 is not UTF-8"),
        ("", "is empty; a table is needed"),
        ("1::A::B\n2;C;D\n", "line 2: '2;C;D' must have fields separated by '::'"),
    ],
)
def test_bad_movies_name_their_line(put: Callable[..., Path], content: str | bytes, message: str) -> None:
    """The error for a bad file of movies names the line."""
    with pytest.raises(DataError, match=message):
        read(put(ratings__csv=GOOD, movies__csv=content))


def test_folders_that_hold_no_ratings(put: Callable[..., Path], tmp_path: Path) -> None:
    """The error describes the content of the folder and the fix."""
    with pytest.raises(DataError, match="doesn't exist"):
        read(tmp_path / "nowhere")
    with pytest.raises(DataError, match="it has no files"):
        read(tmp_path)
    put(**{"notes__txt": "hello", "picture__png": b"\x89PNG"})
    with pytest.raises(DataError, match=r"no file of ratings \(.*it has notes.txt, picture.png"):
        read(tmp_path)
    put(a__zip=b"PK\x03\x04")
    with pytest.raises(DataError, match=r"but an archive \(a.zip\); unpack it"):
        read(tmp_path)
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "ratings.csv").write_bytes(GOOD)
    with pytest.raises(DataError, match=r"give the folder .*inside"):
        read(tmp_path)
    put(one__csv=GOOD, two__csv=GOOD)
    with pytest.raises(DataError, match=r"several tables of ratings \(one.csv, two.csv\)"):
        read(tmp_path)


# --- the cache -------------------------------------------------------------------------------------------------


def test_a_large_table_comes_from_the_cache_until_it_changes(
    put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second read uses the cache; after damage or changes the files are read again."""
    monkeypatch.setattr(cache, "MIN_CACHED_BYTES", 0)
    folder = put(ratings__csv="user,movie,rating\na,1,4\nb,2,3\na,1,5\n", movies__csv="movieId,title\n1,A (1999)\n")
    monkeypatch.setenv("CINEMATRIX_CACHE", str(folder / "cache"))
    first = read(folder)
    with monkeypatch.context() as blind:
        blind.setattr("cinematrix.data.readers.reading._read", lambda *_: pytest.fail("the file was read again"))
        second = read(folder)
    assert (rows(second.ratings), second.report, second.name) == (rows(first.ratings), first.report, first.name)
    assert second.ratings.scale == first.ratings.scale
    assert movie(second, 1) == movie(first, 1)

    cached = next((folder / "cache").rglob("ratings.parquet"))
    content = cached.read_bytes()
    for place in range(0, len(content), len(content) // 40):
        cached.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        assert rows(read(folder).ratings) == rows(first.ratings)
        assert cached.read_bytes() == content
    put(movies__csv="movieId,title\n1,Better (2001)\n")
    assert movie(read(folder), 1)["title"] == "Better"
    assert len(list((folder / "cache" / "ratings").iterdir())) == 1


def test_other_options_have_another_place_in_the_cache(
    put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data sets read with `skip_bad` or another scale have their own cache entries."""
    monkeypatch.setattr(cache, "MIN_CACHED_BYTES", 0)
    path = put(r__csv=GOOD + b"4,5,x,1\n") / "r.csv"
    monkeypatch.setenv("CINEMATRIX_CACHE", str(path.parent / "cache"))
    assert read(path, skip_bad=True).report.n_dropped == 1
    with pytest.raises(DataError, match="line 5"):
        read(path)
    assert read(path, skip_bad=True, scale=Scale(0, 10, 1)).ratings.scale == Scale(0, 10, 1)


def test_a_cache_that_cannot_be_written_is_done_without(
    put: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the cache folder can't be written, because it is a file, the data set is read without the cache."""
    monkeypatch.setattr(cache, "MIN_CACHED_BYTES", 0)
    folder = put(r__csv=GOOD, block="x")
    monkeypatch.setenv("CINEMATRIX_CACHE", str(folder / "block"))
    assert len(read(folder / "r.csv").ratings) == 3


# --- properties ------------------------------------------------------------------------------------------------

numbers = st.integers(0, 2**40)
texts = (
    st.text(
        st.characters(codec="utf-8", exclude_characters="\0\r\n\"',;\t\x1f:|", exclude_categories=["Zs", "Cc"]),
        min_size=1,
    )
    .map(canonical_id)
    .filter(lambda text: text not in MISSING_IDS and not is_known_name(text, "user", "movie"))  # a header's
)
table = st.one_of(
    st.dictionaries(
        st.tuples(ids, ids), st.tuples(st.integers(1, 10).map(lambda n: n / 2), st.integers(10**9, 10**10)), min_size=1
    )
    for ids in (numbers, texts)
)


def _written(pairs: dict[tuple[object, object], tuple[float, int]], separator: str, header: bool) -> str:
    lines = [["user", "movie", "rating", "time"]] if header else []
    lines += [[str(user), str(movie), str(stars), str(time)] for (user, movie), (stars, time) in pairs.items()]
    return "\n".join(separator.join(fields) for fields in lines)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table, st.sampled_from([",", ";", "\t", "::", "parquet", "frame"]))
def test_any_table_survives_every_format(
    tmp_path: Path, pairs: dict[tuple[object, object], tuple[float, int]], form: str
) -> None:
    """Random IDs, ratings and times are unchanged and in order after a round trip in every format."""
    expected = [(str(user), str(movie), *rest) for (user, movie), rest in pairs.items()]
    path = tmp_path / "ratings.table"
    columns = {"user": [u for u, _ in pairs], "movie": [m for _, m in pairs]}
    columns |= {"rating": [stars for stars, _ in pairs.values()], "time": [time for _, time in pairs.values()]}
    if form == "frame":
        ratings = from_frame(columns)
    elif form == "parquet":
        pl.DataFrame(columns).write_parquet(path)
        ratings = read(path, scale=Scale(0.5, 5, 0.5)).ratings
    else:
        path.write_text(_written(pairs, form, header=form != "::"), encoding="utf-8")
        ratings = read(path, scale=Scale(0.5, 5, 0.5)).ratings
    actual = [(str(user), str(movie), stars, time) for user, movie, stars, time in rows(ratings)]
    assert actual == [(user, movie, stars, time) for user, movie, stars, time in expected]


WELL_FORMED = [
    b"userId,movieId,rating,timestamp\r\n1,5,4,10\r\n2,5,3,11\r\n",
    b'"user";"movie";"plays"\n"a;b";"c";"3"\n"a""q";x;4\n',
    b"1::5::3::9\n1::6::3.5::7\n",
    b"1\t5\t3\t9\n1\t6\t4\t9\n",
    gzip.compress(b"user,movie\n1,2\n"),
    b'{"user":1,"item":2,"rating":3}\n{"user":2,"item":2,"rating":4.5}\n',
    b'[{"user":"a","item":2,"rating":"4/5"},{"user":"b","item":2,"rating":"3/5"}]',
    b"1:\n2,3,2005-09-06\n3,4,2005-09-07\n\n2:\n2,1,2005-09-06\n",
    b"ann tt1 4 2014-05-06\nbob tt1 3 2014-05-07\n",
    b"User-ID,Film,Note,Date\n1,2,\xe2\x98\x85\xe2\x98\x85,03/04/2014\n2,2,\xe2\x98\x85,13/04/2014\n",
    "user;film;rating\nJos\xe9;tt1;3,5\nZo\xeb;tt2;4\n".encode("latin-1"),
]
NOISE = [b"\n", b"\r", b"\0", b'"', b",", b"::", b"\t", b"\xff", b"nan", b"-", b"1e400", b"0", b" ", b"9" * 25]
NOISE += [b"\x1f\x8b", b"PAR1", b"{", b"]", b":", b"1:\n", b"\xe2\x98\x85", b"/", b"%", b"NA", b"\xff\xfe", b"99"]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_bytes_are_a_data_set_or_one_clear_error(tmp_path: Path, data: st.DataObject) -> None:
    """A damaged file gives an error of one line, or a report that accounts for every row."""
    content = bytearray(data.draw(st.sampled_from(WELL_FORMED)))
    for place, noise in data.draw(st.lists(st.tuples(st.integers(0, 80), st.sampled_from(NOISE)), max_size=4)):
        content[place:place] = noise
    path = tmp_path / "ratings.table"
    path.write_bytes(content)
    try:
        dataset = read(path, skip_bad=data.draw(st.booleans()))
    except DataError as error:
        message = str(error)
    else:
        report, message = dataset.report, ""
        assert report.rows == len(dataset.ratings) + report.n_dropped + report.merged
    assert "\n" not in message


# --- real data -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not (DATA / "ml-latest-small").is_dir(), reason="the data set isn't here")
def test_movielens_latest_small() -> None:
    """The data set has 610 users, 9,724 rated movies of 9,742, and 100,836 ratings in the file's order."""
    dataset = read(DATA / "ml-latest-small")
    assert repr(dataset.ratings) == "Ratings(610 users × 9,724 movies, 100,836 ratings, 0.5–5)"
    assert rows(dataset.ratings)[:2] == [(1, 1, 4.0, 964982703), (1, 3, 4.0, 964981247)]
    assert dataset.catalog is not None
    assert (len(dataset.catalog), len(dataset.catalog.genres)) == (9742, 19)
    assert (dataset.report.rows, dataset.report.n_dropped, dataset.report.without_tmdb) == (100836, 0, 8)
    assert movie(dataset, 1)["imdb"] == "0114709"


@pytest.mark.skipif(not (DATA / "movietweetings").is_dir(), reason="the data set isn't here")
def test_movietweetings() -> None:
    """The data set has 21,081 users, 12,611 rated movies, 141,695 ratings from 0 to 10, and accents in titles."""
    dataset = read(DATA / "movietweetings" / "ratings.dat")
    assert repr(dataset.ratings) == "Ratings(21,081 users × 12,611 movies, 141,695 ratings, 0–10)"
    assert movie(dataset, "0002844")["title"] == "Fantômas - À l'ombre de la guillotine"
    assert np.all(dataset.ratings.movie >= 0)
