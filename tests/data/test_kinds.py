"""Variants of every kind of table that people bring: columns, IDs, times, scales, marks, encodings, formats."""

import bz2
import gzip
import io
import json
import lzma
import re
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import cinematrix as cx
from cinematrix.data.dataset import Dataset
from cinematrix.data.ids import IdMap, canonical_id, parse_id
from cinematrix.data.ratings import Scale
from cinematrix.data.readers import read
from cinematrix.data.readers.genres import split_genres
from cinematrix.data.readers.missing import find_mark
from cinematrix.data.readers.notation import parse_rating
from cinematrix.data.readers.pairs import read_history, read_pairs
from cinematrix.errors import DataError, DataWarning

Row = tuple[Any, ...]
ROWS: list[Row] = [(u, m, u * m % 5 + 1, 1_400_000_000 + u * 1000 + m) for u in range(1, 7) for m in range(1, 5)]
HEAD = ("user", "item", "rating", "timestamp")


def text(head: Sequence[str] | None, rows: Sequence[Row], separator: str = ",") -> str:
    """Lines of a table."""
    lines = ([] if head is None else [list(head)]) + [list(map(str, row)) for row in rows]
    return "".join(separator.join(line) + "\n" for line in lines)


@pytest.fixture
def take(tmp_path: Path) -> Callable[..., Dataset]:
    """Return a function that reads content as a file."""

    def write_and_read(content: str | bytes, encoding: str = "utf-8", **options: Any) -> Dataset:
        path = tmp_path / "ratings.table"
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return read(path, **options)

    return write_and_read


def triples(dataset: Dataset) -> list[Row]:
    """IDs and ratings, in order."""
    return [row[:3] for row in dataset.to_frame().iter_rows()]


EXPECTED = [(u, m, float(r)) for u, m, r, _ in ROWS]
DICTS = [dict(zip(HEAD, row, strict=True)) for row in ROWS]


def written(write: Callable[[pl.DataFrame, Any], Any]) -> bytes:
    """The bytes of the table in a columnar format."""
    out = io.BytesIO()
    write(pl.DataFrame(ROWS, schema=list(HEAD), orient="row"), out)
    return out.getvalue()


FORMS: dict[str, str | bytes] = {
    **{f"separator {s!r}": text(HEAD, ROWS, s) for s in (",", ";", "\t", "|", "::", " ", "   ", "\x01", ", ")},
    **{f"headerless {s!r}": text(None, ROWS, s) for s in (",", ";", "\t", "|", "::", " ")},
    "time before rating": text(None, [(u, m, t, r) for u, m, r, t in ROWS]),
    "Excel's sep": "sep=;\n" + text(HEAD, ROWS, ";"),
    "KONECT": "% bip posweighted\n" + text(None, ROWS, " "),
    "pandas' index": text(("", *HEAD), [(i, *row) for i, row in enumerate(ROWS)]),
    "all quoted": text([f'"{name}"' for name in HEAD], [tuple(f'"{cell}"' for cell in row) for row in ROWS]),
    "reviews over lines": text((*HEAD, "review"), [(*row, '"one\n""two"", three"') for row in ROWS]),
    "Matrix Market": "%%MatrixMarket matrix coordinate real general\n% c\n6 4 24\n" + text(None, ROWS, " "),
    "NumPy's comment": "# made by savetxt\n" + text(None, ROWS, " "),
    "header in a comment": "# item,user,rating,timestamp\n" + text(None, [(m, u, r, t) for u, m, r, t in ROWS]),
    "# before the header": "#" + text(HEAD, ROWS),
    "CRLF": text(HEAD, ROWS).replace("\n", "\r\n"),
    "UTF-16": text(HEAD, ROWS).encode("utf-16"),
    "bzip2": bz2.compress(text(HEAD, ROWS).encode()),
    "xz": lzma.compress(text(HEAD, ROWS).encode()),
    "JSON Lines": "\n".join(map(json.dumps, DICTS)),
    "JSON Lines, packed": gzip.compress("\n".join(map(json.dumps, DICTS)).encode()),
    "Python's quotes": "\n".join(map(str, DICTS)),
    "JSON in JSON": "\n".join(
        json.dumps({"user": {"id": u, "name": "x"}, "item": {"id": m}, "rating": r, "timestamp": t})
        for u, m, r, t in ROWS
    ),
    "MongoDB": "\n".join(
        json.dumps(
            {
                "_id": {"$oid": f"{u}{m}"},
                "user_id": {"$numberInt": str(u)},
                "item": m,
                "rating": r,
                "timestamp": {"$date": {"$numberLong": str(t * 1000)}},
            }
        )
        for u, m, r, t in ROWS
    ),
    "JSON list": json.dumps(DICTS),
    "JSON by column": json.dumps({name: [row[name] for row in DICTS] for name in HEAD}),
    "pandas' JSON": pd.DataFrame(DICTS).to_json(),
    "pandas' JSON, split": pd.DataFrame(DICTS).to_json(orient="split"),
    "JSON in a field": json.dumps({"version": 1, "ratings": DICTS}),
    "Feather": written(pl.DataFrame.write_ipc),
    "Avro": written(pl.DataFrame.write_avro),
    "Parquet": written(pl.DataFrame.write_parquet),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(take: Callable[..., Dataset], form: str) -> None:
    """Every form of the table gives the same ratings in order, the first row included."""
    dataset = take(FORMS[form])
    assert triples(dataset) == EXPECTED
    assert dataset.ratings.time is not None


NAMES = [
    "User-ID,Book-ID,Book-Rating,Date", "User ID,ProductId,Score,Time", "user_id,parent_asin,rating,timestamp",
    "reviewerID,asin,overall,unixReviewTime", "CustomerID,MovieID,stars,ratedAt", "Benutzer,Film,Bewertung,Datum",
    "utilisateur,film,note,date", "usuario,pelicula,puntuación,fecha", "Пользователь,Фильм,Оценка,Дата",
    "用户,电影,评分,时间", "critic,title,score,review_date", "username,film_id,rating,created_at",
    "user_id:token,item_id:token,rating:float,timestamp:float", "userId,book_id,star_rating,reviewTime",
    "Cust_Id,app_id,my_score,Modified", "用户名,电影,评分,评论时间", "user_name,film_slug,user_score,Rated On",
]  # fmt: skip


@pytest.mark.parametrize("names", NAMES)
def test_names_of_columns(take: Callable[..., Dataset], names: str) -> None:
    """Known names in any language, case and spelling are taken."""
    dataset = take(text(names.split(","), ROWS))
    assert triples(dataset) == EXPECTED
    assert dataset.ratings.time is not None


@pytest.mark.parametrize(
    ("head", "message", "columns"),
    [
        ("user,item,wie gut,timestamp", "column wie gut looks like a rating .*'rating=wie gut'", {"rating": "wie gut"}),
        ("user,item,wie gut,timestamp", "rating=-", {"rating": "-"}),
        ("user,item,rating,wann", "column wann looks like a time .*--columns time=wann", {"time": "-"}),
        ("user,item,x,rating", "column x looks like a rating", None),
    ],
)
def test_columns_of_other_names_are_asked_about(
    take: Callable[..., Dataset], head: str, message: str, columns: dict[str, str] | None
) -> None:
    """Nothing that looks like a rating or a time is dropped in silence; the option in the error helps."""
    if columns is None:
        assert take(text(head.split(","), [(u, m, "x", r) for u, m, r, _ in ROWS])).report.notes == ["not used: x"]
        return
    with pytest.raises(DataError, match=message):
        take(text(head.split(","), ROWS))
    assert len(take(text(head.split(","), ROWS), columns=columns)) == len(ROWS)


def test_counts_of_another_name_are_asked_about(take: Callable[..., Dataset]) -> None:
    """Whole numbers above 0 may be plays; taken as such they are not weighed, which is said."""
    table = text(("user", "item", "gesehen"), [(u, m, r * 70) for u, m, r, _ in ROWS])
    with pytest.raises(DataError, match=r"looks like a count .*--columns count=gesehen"):
        take(table)
    assert "aren't weighed" in take(table, columns={"count": "gesehen"}).report.warnings[0]
    with pytest.raises(DataError, match="looks like a count"):
        take(text(("user", "item", "hours"), [(u, m, r * 1.7) for u, m, r, _ in [*ROWS, (7, 1, 20, 0)]]))
    thousands = text(("user", "item", "plays"), [(u, m, f'"{r},000"') for u, m, r, _ in ROWS])
    assert take(thousands).ratings.count[0] == 2000  # type: ignore[index]


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        ([(f"u{u}", f"m{m}") for u, m, _, _ in ROWS], {"user": "1", "movie": "2"}, "numbers for names"),
        ([(u, f"Game {m}", "play", r, 0) for u, m, r, _ in ROWS], {"user": "1", "movie": "2", "rating": "4"}, "told"),
        ([(u, m, r * 1000) for u, m, r, _ in ROWS], {"user": "1", "movie": "2", "count": "3"}, "can't be told"),
    ],
)
def test_columns_without_a_header_have_numbers(
    take: Callable[..., Dataset], rows: list[Row], columns: dict[str, str], message: str
) -> None:
    """Columns that can't be told apart are an error that says how to give their numbers, which then lose no row."""
    with pytest.raises(DataError, match=message):
        take(text(None, rows))
    assert len(take(text(None, rows), columns=columns)) == len(rows)


TIMES: list[tuple[str, Callable[[int], object], str]] = [
    ("ms", lambda u: 1_400_000_000_123 + u, "2014-05-13T16:53:20"),
    ("µs", lambda u: (1_400_000_000 + u) * 10**6, "2014-05-13T16:53:21"),
    ("ns", lambda u: (1_400_000_000 + u) * 10**9, "2014-05-13T16:53:21"),
    ("compact", lambda u: f"2014050{u}", "2014-05-01T00:00:00"),
    ("compact, with time", lambda u: f"2014050{u}101112", "2014-05-01T10:11:12"),
    ("compact ISO", lambda u: f"2014050{u}T101112Z", "2014-05-01T10:11:12"),
    ("year", lambda u: 2000 + u, "2001-01-01T00:00:00"),
    ("month", lambda u: f"2014{u:02}", "2014-01-01T00:00:00"),
    ("American", lambda u: f"05/{12 + u}/2014", "2014-05-13T00:00:00"),
    ("British", lambda u: f"{12 + u}/05/2014 10:11", "2014-05-13T10:11:00"),
    ("German", lambda u: f"0{u}.05.2014", "2014-05-01T00:00:00"),
    ("two digits", lambda u: f"{12 + u}.05.14", "2014-05-13T00:00:00"),
    ("slashes", lambda u: f"2014/05/0{u}", "2014-05-01T00:00:00"),
    ("Amazon", lambda u: f'"05 0{u}, 2014"', "2014-05-01T00:00:00"),
    ("English", lambda u: f'"May {u}, 2014"', "2014-05-01T00:00:00"),
    ("short month", lambda u: f"{u}-May-2014", "2014-05-01T00:00:00"),
    ("German month", lambda u: f"{u}. März 2014", "2014-03-01T00:00:00"),
    ("Spanish month", lambda u: f"{u} de mayo de 2014", "2014-05-01T00:00:00"),
    ("French month", lambda u: f"{u} août 2014", "2014-08-01T00:00:00"),
    ("Russian month", lambda u: f"{u} мая 2014", "2014-05-01T00:00:00"),
    ("Twitter", lambda u: f"Wed May 1{u} 10:11:12 +0000 2014", "2014-05-11T10:11:12"),
    ("mail", lambda u: f'"Wed, 1{u} May 2014 10:11:12 GMT"', "2014-05-11T10:11:12"),
    ("JavaScript", lambda u: f"Wed May 1{u} 2014 10:11:12 GMT+0200 (CEST)", "2014-05-11T08:11:12"),
    ("12 hours", lambda u: f'"5/1{2 + u}/2014, 3:04:05 PM"', "2014-05-13T15:04:05"),
    ("zone", lambda u: f"2014-05-1{u}T10:11:12+02:00", "2014-05-11T08:11:12"),
    ("fraction", lambda u: f"2014-05-1{u} 10:11:12.345", "2014-05-11T10:11:12"),
    ("Chinese", lambda u: f"2014年5月{u}日", "2014-05-01T00:00:00"),
    ("PostgreSQL", lambda u: f"2014-05-1{u} 10:11:12.5+02", "2014-05-11T08:11:12"),
    ("Excel's short month", lambda u: f"{u}-May-14", "2014-05-01T00:00:00"),
    ("Amazon's pages", lambda u: f'"Reviewed in the United States on May {u}, 2014"', "2014-05-01T00:00:00"),
    ("Korean", lambda u: f"2014. 5. {u}.", "2014-05-01T00:00:00"),
    ("two forms", lambda u: f"2014-05-1{u}" if u % 2 else f"1{u}/05/2014", "2014-05-11T00:00:00"),
    ("numbers and dates", lambda u: 1_399_766_400 if u == 1 else f"2014-05-1{u}", "2014-05-11T00:00:00"),
]


@pytest.mark.parametrize(("write", "first"), [form[1:] for form in TIMES], ids=[form[0] for form in TIMES])
def test_times(take: Callable[..., Dataset], write: Callable[[int], object], first: str) -> None:
    """The first of the times is right, and nothing is in doubt."""
    dataset = take(text(HEAD, [(u, m, r, write(u)) for u, m, r, _ in ROWS]))
    assert dataset.ratings.time is not None
    assert str(np.datetime64(int(dataset.ratings.time.min()), "s")) == first
    assert dataset.report.warnings == []


@pytest.mark.parametrize(
    ("write", "warning"),
    [
        (lambda u: f"03/0{u}/2014", r"2014-01-03 \(day first\) or 2014-03-01 \(month first\)"),
        (lambda u: f"03-0{u}-2014", "can be"),
        (lambda u: f"2099-01-0{u}", "after"),
        (lambda u: -5 * 10**9, "before 1888"),
        (lambda u: 2**63 - 1, "after"),
        (lambda u: 41_760 + u, "spreadsheet's day numbers, which gives 2014-05-02"),
        (lambda u: 16_200 + u, "16201 are read as epoch times, which gives 1970-01-01"),
        (lambda u: f"{10 + u}052014", "11052014 are read as epoch times, which gives 1970"),
        (lambda u: (63_535_856_000 + u) * 10**7, "which gives 1990"),
        (lambda u: 0 if u == 1 else 1_400_000_000 + u, "4 times are 0 or -1"),
        (lambda u: "99991231" if u == 1 else f"2014050{u}", "9999-12-31"),
    ],
)
def test_doubtful_times_are_warnings(
    take: Callable[..., Dataset], write: Callable[[int], object], warning: str
) -> None:
    """Both readings of a date are named, and times outside the time of films."""
    (found,) = take(text(HEAD, [(u, m, r, write(u)) for u, m, r, _ in ROWS])).report.warnings
    assert re.search(warning, found)


@pytest.mark.parametrize("time", [10**40, -(2**63) * 10**10, "2014-13-01", "31.02.2014", "soon", "-89999999999"])
def test_impossible_times_are_bad_rows(take: Callable[..., Dataset], time: object) -> None:
    """No integer crashes; a time outside the calendar is a bad row."""
    table = text(HEAD, [*ROWS, (9, 9, 3, time)])
    with pytest.raises(DataError, match="line 26: the time"):
        take(table)
    assert take(table, skip_bad=True).report.n_dropped == 1


SCALES: list[tuple[str, Callable[[int], object], Scale, float]] = [
    ("of 5", lambda r: f"{r}/5", Scale(1, 5, 1), 2),
    ("of 10", lambda r: f"{r} / 10", Scale(1, 10, 1), 2),
    ("in words", lambda r: f"{r} out of 5", Scale(1, 5, 1), 2),
    ("of two scales", lambda r: f"{r}/5" if r > 2 else f"{2 * r}/10", Scale(1, 10, 1), 4),
    ("percent", lambda r: f"{20 * r} %", Scale(0, 100, 1), 40),
    ("stars", lambda r: "★" * r, Scale(1, 5, 1), 2),
    ("stars of 5", lambda r: "★" * r + "☆" * (5 - r), Scale(1, 5, 1), 2),
    ("half stars", lambda r: "★" * (r - 1) + "½", Scale(0.5, 5, 0.5), 1.5),
    ("emoji", lambda r: "⭐" * r, Scale(1, 5, 1), 2),
    ("stars in words", lambda r: f"{r} stars", Scale(1, 5, 1), 2),
    ("decimal comma", lambda r: f'"{r - 1},5"', Scale(0.5, 5, 0.5), 1.5),
    ("thumbs", lambda r: "👍" if r > 2 else "👎", Scale(0, 1, 1), 0),
    ("like", lambda r: "Like" if r > 2 else "Dislike", Scale(0, 1, 1), 0),
    ("yes", lambda r: "yes" if r > 2 else "no", Scale(0, 1, 1), 0),
    ("true", lambda r: r > 2, Scale(0, 1, 1), 0),
    ("0/1", lambda r: int(r > 2), Scale(0, 1, 1), 0),
    ("-1/+1", lambda r: "+1" if r > 2 else "-1", Scale(-1, 1, 1), -1),
    ("halves", lambda r: f"{r - 1}½" if r > 1 else "½", Scale(0.5, 5, 0.5), 1.5),
    ("recommended", lambda r: "Recommended" if r > 2 else "Not Recommended", Scale(0, 1, 1), 0),
    ("shares", lambda r: r / 5, Scale(0, 1, 0), 0.4),
    ("99 kept", lambda r: 99 if r == 5 else r, Scale(1, 100, 1), 2),
]


@pytest.mark.parametrize(("write", "scale", "first"), [s[1:] for s in SCALES], ids=[s[0] for s in SCALES])
def test_scales(take: Callable[..., Dataset], write: Callable[[int], object], scale: Scale, first: float) -> None:
    """Notations of ratings become numbers, and the scale is the one that they show."""
    dataset = take(text(HEAD, [(u, m, write(r), t) for u, m, r, t in ROWS]), missing=())
    assert dataset.ratings.scale == scale
    assert dataset.ratings.rating is not None
    assert dataset.ratings.rating[0] == pytest.approx(first)


@pytest.mark.parametrize("mark", [99, -1, 999, -99, "NA", "n/a"])
def test_marks_for_not_rated_are_asked_about(take: Callable[..., Dataset], mark: object) -> None:
    """A far-off mark is an error with its count; `missing` drops its rows."""
    table = text(HEAD, [(u, m, mark if r == 5 else r, t) for u, m, r, t in ROWS])
    n_marked = sum(r == 5 for _, _, r, _ in ROWS)
    with pytest.raises(DataError, match=f"{n_marked} of 24 ratings are {mark}|stands for a missing value"):
        take(table)
    dataset = take(table, missing=(str(mark),))
    assert (len(dataset), dataset.report.n_dropped) == (24 - n_marked, n_marked)
    assert dataset.ratings.scale == Scale(1, 5, 1)


@pytest.mark.parametrize(
    ("values", "counts", "mark"),
    [
        ([-1, 1, 5, 10], [5, 5, 5, 5], -1),
        ([-1, 0, 1], [5, 5, 5], None),
        ([-10, -1, 3, 10], [5, 5, 5, 5], None),
        ([0, 1, 2, 3, 4], [90, 1, 2, 3, 4], 0),
        ([0, 1, 2, 3, 4], [9, 8, 7, 6, 5], None),
        ([1, 2, 3, 4, 5, 9], [5] * 6, 9),
        ([1, 2, 3, 4, 5, 55], [5] * 5 + [1], None),
        ([1, 2, 3, 4, 5, 255], [5] * 6, 255),
        ([1, 5, 10, 100], [5] * 4, 100),
        ([1, 9, 9.5, 10], [1] * 4, None),
        ([0, 100], [5] * 2, None),
        ([0, 1, 2, 3, 4], [9, 5, 5, 5, 5], 0),
        ([1, 2, 3, 99], [5000, 5000, 5000, 1], None),
        ([1, 2, 99], [5, 5, 5], 99),
        ([0, 1, 2], [5, 5, 5], None),
    ],
)
def test_what_is_a_mark(values: list[float], counts: list[int], mark: float | None) -> None:
    """A mark is a number that people use as one, as far from the others as they are apart; or a frequent 0."""
    assert find_mark(np.array(values, float), np.array(counts, np.uint32)) == mark


IDS: list[tuple[str, Callable[[int], object], object]] = [
    ("19 digits", lambda u: 10**18 + u, 10**18 + 1),
    ("20 digits", lambda u: 2 * 10**19 + u, "20000000000000000001"),
    ("30 digits as floats", lambda u: f"{10**30 + u}.0", "1" + "0" * 29 + "1"),
    ("negative", lambda u: -u, -1),
    ("zeros", lambda u: f"{u:04}", "0001"),
    ("floats", lambda u: f"{u}.0", 1),
    ("some floats", lambda u: f"{u}.0" if u % 2 else u, 1),
    ("blanks", lambda u: f" {u} ", 1),
    ("decomposed", lambda u: f"Zoe\u0308{u}", "Zoë1"),
    ("over lines", lambda u: f'"a\n{u}"', "a\n1"),
    ("some invisible", lambda u: f"\ufeff \u200e{u}\u200b" if u % 2 else u, 1),
    ("formulas of Excel", lambda u: f'"=""00{u}"""', "001"),
    ("longer than the head", lambda u: f"{u}" + "x" * 70_000, "1" + "x" * 70_000),
]


@pytest.mark.parametrize(("write", "first"), [i[1:] for i in IDS], ids=[i[0] for i in IDS])
def test_ids(take: Callable[..., Dataset], write: Callable[[int], object], first: object) -> None:
    """IDs of any length have one form, found from text, from numbers and from a frame alike."""
    users = take(text(HEAD, [(write(u), m, r, t) for u, m, r, t in ROWS])).ratings.users
    assert users.number(first) != -1
    assert parse_id(users, str(first)) == first
    assert users.number(str(first)) == users.number(first)


@pytest.mark.parametrize(
    ("raw", "one"),
    [("12.0", "12"), (" 12 ", "12"), ("0012", "0012"), ("12.50", "12.50"), ("-3.00", "-3"), ("1.0.0", "1.0.0"),
     ("e\u0301", "é"), ("+5", "+5"), ("007.0", "007.0"), ("٣.0", "٣.0")],
)  # fmt: skip
def test_one_form_of_an_id(raw: str, one: str) -> None:
    """Whole numbers lose their zeros after the point; all else is text."""
    assert canonical_id(raw) == one
    assert IdMap(["x", one]).number(raw) == 1


def test_ids_of_other_types() -> None:
    """Floats, big integers and mixed lists are looked up by the same rule; lost digits are an error."""
    assert IdMap([1, 2]).numbers(np.array([2.0, 1.0])).tolist() == [1, 0]
    assert IdMap([1, 2]).numbers([2.0, "1.0", "0001"]).tolist() == [1, 0, -1]
    assert IdMap([2**63, -1]).numbers([str(2**63), -1]).tolist() == [0, 1]
    assert IdMap(np.array([2**64 - 1], np.uint64)).number(2**64 - 1) == 0
    with pytest.raises(DataError, match="lost digits"):
        IdMap([1e18])
    with pytest.raises(DataError, match="lost digits"):
        cx.ratings({"user": [1e18], "movie": [1], "rating": [3.0]})


@pytest.mark.parametrize("mark", ["NaN", "None", "NULL", "<NA>", "", " "])
def test_missing_ids_are_bad_rows(take: Callable[..., Dataset], mark: str) -> None:
    """A word that programs write for a missing value is no user."""
    with pytest.raises(DataError, match="line 26: the user is missing"):
        take(text(HEAD, [*ROWS, (mark, 1, 3, 5)]))


def test_amazon_names_the_movie_first(take: Callable[..., Dataset]) -> None:
    """A table without a header begins with product codes or with users."""
    products, users = [f"B0{m:08}" for m in range(5)], [f"A{u:09}X" for u in range(7)]
    for head in ((1, 0), (0, 1)):
        rows = [((users[u], products[m])[head[0]], (users[u], products[m])[head[1]], r, t) for u, m, r, t in ROWS]
        assert triples(take(text(None, rows)))[0] == (users[1], products[1], 2.0)


def test_playtimes_are_counts(take: Callable[..., Dataset]) -> None:
    """A playtime is no time of a rating."""
    with pytest.raises(DataError, match="playtime_forever looks like a count"):
        take(text(("user_id", "item_id", "playtime_forever"), [(u, m, 60 * r) for u, m, r, _ in ROWS]))


def test_ids_that_a_spreadsheet_rounded(take: Callable[..., Dataset]) -> None:
    """1.23457E+12 may be several IDs, which is said."""
    rows = [(f"1.2345{u}E+12", m, r, t) for u, m, r, t in ROWS]
    assert "rounded by a spreadsheet" in take(text(HEAD, rows)).report.warnings[0]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("latin-1", "José Núñez"), ("cp1252", "“Zoë”"), ("cp1251", "Иван Петров"), ("koi8-r", "Иван Петров"),
     ("cp866", "Иван Петров"), ("utf-16", "José"), ("utf-16-le", "José"), ("utf-16-be", "Иван"), ("utf-8-sig", "Иван")],
)  # fmt: skip
def test_encodings(take: Callable[..., Dataset], encoding: str, name: str) -> None:
    """Letters come out right, and another encoding than UTF-8 is said."""
    dataset = take(text(HEAD, [(f"{name}{u}", m, r, t) for u, m, r, t in ROWS]), encoding)
    assert dataset.ratings.users.ids[0] == f"{name}1"
    assert bool(dataset.report.notes) == (encoding != "utf-8-sig")


@pytest.mark.parametrize(
    ("encoding", "name"), [("gbk", "张伟"), ("shift_jis", "ユーザ"), ("big5", "使用者"), ("euc-kr", "사용자")]
)
@pytest.mark.parametrize("form", ["csv", "json"])
def test_other_code_pages_are_refused(take: Callable[..., Dataset], encoding: str, name: str, form: str) -> None:
    """East Asian code pages aren't taken for Cyrillic or Western ones, in which different users would become one."""
    rows = [(f"{name}{u}", m, r, t) for u, m, r, t in ROWS]
    records = [dict(zip(HEAD, row, strict=True)) for row in rows]
    content = text(HEAD, rows) if form == "csv" else json.dumps(records, ensure_ascii=False)
    with pytest.raises(DataError, match="isn't UTF-8; save the file as UTF-8"):
        take(content, encoding)


def test_bytes_that_the_encoding_lacks_are_bad_rows(take: Callable[..., Dataset]) -> None:
    """A byte without a letter doesn't become a mark that makes different users equal."""
    content = text(HEAD, [(f"José Núñez{u}", m, r, t) for u, m, r, t in ROWS]).encode("cp1252")
    with pytest.raises(DataError, match="line 26: byte 0x81 at place 1 isn't UTF-8"):
        take(content + b"\x81,1,5,1400000000\n\x8d,1,1,1400000000\n")


@pytest.mark.parametrize("above", ["sep=;\n", '"sep=;"\n', "sep=;  \r\n", "#made by a program\n", "#a\n# b, c\n\n"])
def test_lines_above_the_table(take: Callable[..., Dataset], above: str) -> None:
    """Excel's line of the separator and comments are no header."""
    assert triples(take(above + text(HEAD, ROWS, ";"))) == EXPECTED


@pytest.mark.parametrize("one_document", [False, True])
def test_half_characters_in_json(take: Callable[..., Dataset], one_document: bool) -> None:
    """A text that was cut within an emoji spoils nothing; whole emojis and backslashes stay."""
    users = [r"cut\ud83d", r"low\ude00", r"\ud83d\ude00", r"\\ud83d"]
    lines = [f'{{"user": "{user}", "item": {i}, "rating": 4}}' for i, user in enumerate(users)]
    dataset = take(f"[{','.join(lines)}]" if one_document else "\n".join(lines))
    assert [row[0] for row in dataset.to_frame().iter_rows()] == ["cut\ufffd", "low\ufffd", "😀", r"\ud83d"]


def test_a_header_longer_than_the_head(take: Callable[..., Dataset]) -> None:
    """A wide table with titles for names may have a long first line."""
    titles = [f"A film with a rather long title, number {i:04} (1999)".replace(",", "") for i in range(2000)]
    wide = f"user,{','.join(titles)}\nann,{',' * 1998}5,3\nbob,4{',' * 1999}"
    assert sorted(triples(take(wide, columns={"movie": "*"}))) == [
        ("ann", titles[-2], 5.0), ("ann", titles[-1], 3.0), ("bob", titles[0], 4.0)
    ]  # fmt: skip


def test_wide_tables(take: Callable[..., Dataset]) -> None:
    """Users × movies are read on request, which the error names; blank cells are no ratings."""
    wide = "user," + ",".join(map(str, range(1, 8))) + "\nann,5,,3,,,,\nbob,,4,,,,,1\n"
    with pytest.raises(DataError, match=r"movie=\* where each movie has its own column"):
        take(wide)
    assert sorted(triples(take(wide, columns={"movie": "*"}))) == [
        ("ann", 1, 5.0), ("ann", 3, 3.0), ("bob", 2, 4.0), ("bob", 7, 1.0)
    ]  # fmt: skip
    frame = pd.DataFrame([[1, np.nan], [2, 5]], index=pd.Index([7, 8], name="user"), columns=[11, 12])
    assert len(cx.ratings(frame, columns={"movie": "*"})) == 3


def test_netflix_blocks(take: Callable[..., Dataset]) -> None:
    """A line `movie:` stands above its ratings."""
    dataset = take("1:\n7,5,2005-09-06\n8,3,2005-09-07\n\n20:\n7,1,2005-09-08\n")
    assert triples(dataset) == [(7, 1, 5.0), (8, 1, 3.0), (7, 20, 1.0)]
    with pytest.raises(DataError, match="line 3: the rating 'x' is not a number"):
        take("1:\n7,5,2005-09-06\n8,x,2005-09-07\n")


def test_a_folder_of_parquet_parts(tmp_path: Path) -> None:
    """Parts with the same columns are one table."""
    frame = pl.DataFrame(ROWS, schema=list(HEAD), orient="row")
    folder = tmp_path / "ratings.parquet"
    folder.mkdir()
    for part in range(3):
        frame[8 * part : 8 * part + 8].write_parquet(folder / f"part-{part:05}.parquet")
    (folder / "_SUCCESS").touch()
    for path in (folder, tmp_path):
        assert triples(read(path)) == EXPECTED


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04 xl/workbook.xml", "a workbook of Excel"), (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
        (b"(\xb5/\xfd", "packed with zstd"), (b"SQLite format 3\0", "an SQLite database"),
        (b"\x80\x04", "a Python pickle"), (b"<?xml version='1.0'?><a/>", "is XML"),
        (b"<<<<<<< HEAD\nuser", "a merge conflict"), (b"FEA1", "Feather file"),
        (b"<!doctype html>", "a web page"), (b"{'user': 1, 'item'", "isn't whole JSON"),
        (b"[" * 100_000, "JSON nested too deep"), (b'{"user": 1}\n' + b"[" * 100_000, "line 2 isn't JSON"),
        (b'{"user": [1, 2], "item": [1, 2], "rating": [5]}', "different lengths .user 2, item 2, rating 1"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_named(take: Callable[..., Dataset], content: bytes, what: str) -> None:
    """The error names what the file is."""
    with pytest.raises(DataError, match=what):
        take(content)


@pytest.mark.parametrize(
    "column",
    ["Drama|Sci-Fi", "Drama, Sci-Fi", "Drama/Sci-Fi", "Drama; Sci-Fi", '["Drama", "Sci-Fi"]', "['Drama', 'Sci-Fi']",
     "[{'id': 18, 'name': 'Drama'}, {'id': 2, 'name': 'Sci-Fi'}]", '{"/m/1": "Drama", "/m/2": "Sci-Fi"}'],
)  # fmt: skip
def test_genres(column: str) -> None:
    """Genres are cut at bars, commas, slashes or semicolons, or are a list of JSON or Python."""
    assert split_genres([column, "", None]) == [["Drama", "Sci-Fi"], [], []]


def test_genres_keep_signs_that_cut_others() -> None:
    """A column is cut at one separator."""
    assert split_genres(["Action/Adventure|Drama", "Drama"]) == [["Action/Adventure", "Drama"], ["Drama"]]


@pytest.mark.parametrize("text", ["B+", "four", "4/", "★4", "1,2,3", "/5", "5 of", "%", "--", "½½★x"])
def test_what_is_no_rating(text: str) -> None:
    """Other text is no rating."""
    assert parse_rating(text) is None


def test_pairs_and_histories_in_every_form(tmp_path: Path) -> None:
    """Pairs and histories are read by the rules of tables of ratings."""
    for form, content in FORMS.items():
        path = tmp_path / "table"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        assert read_pairs(path).rows() == [row[:2] for row in EXPECTED], form
        with pytest.raises(DataError, match="the ratings of 6 users, such as 1 and 2"):
            read_history(path, stars=True)
    path.write_text("film;note;date\n1;4/5;02.05.2014\n1;1/5;01.05.2014\n2;3/5;03.05.2014\n")
    assert read_history(path, stars=True).ratings == {1: 4.0, 2: 3.0}
    path.write_text("movie,rating\n")
    assert read_history(path, stars=True).ratings == {}
    path.write_text("318,5\n296,4\n")
    assert read_history(path, stars=True).ratings == {318: 5.0, 296: 4.0}


def test_nothing_known_is_an_error(tmp_path: Path) -> None:
    """A table of movies with other IDs is refused; some unknown movies are counted."""
    (tmp_path / "ratings.csv").write_text(text(HEAD, ROWS))
    (tmp_path / "movies.csv").write_text("movieId,title\ntt1,A\ntt2,B\n")
    with pytest.raises(DataError, match="none of the 4 rated movies"):
        read(tmp_path)
    (tmp_path / "movies.csv").write_text("movieId,title\n1.0,A\n2.0,B\n")
    assert read(tmp_path).report.untitled == 2


def test_the_api_warns_of_doubts() -> None:
    """A doubt is a Python warning; facts about the reading are in the report."""
    with pytest.warns(DataWarning, match="can be 2014-01-03"):
        found = cx.ratings({"user": [1], "movie": [2], "rating": ["4/5"], "time": ["03/01/2014"]})
    assert found.ratings.scale == Scale(1, 5, 1)
    assert "fraction of 5" in found.report.notes[0]


def test_lists_of_records() -> None:
    """Rows of `csv.DictReader` are a table; a path is none, and the error says what reads it."""
    assert triples(cx.ratings(DICTS)) == EXPECTED
    with pytest.raises(DataError, match=r"a file is read by cinematrix\.read"):
        cx.ratings("ratings.csv")


def test_frames_of_odd_types() -> None:
    """Times in seconds, periods, UUIDs, decimals and big integers are taken like their text."""
    base = {"user": [1, 2], "movie": [3, 4], "rating": [2.0, 5.0]}
    seconds = np.array(["2014-05-01", "2014-05-02"], "datetime64[s]")
    for time in (seconds, pd.period_range("2014-05", periods=2, freq="M"), ["2014-05-01", "2014-05-02"]):
        frame = pd.DataFrame(base | {"time": time})
        assert cx.ratings(frame).to_frame()["time"][0] == 1_398_902_400
    assert cx.ratings(base | {"time": seconds}).to_frame()["time"][0] == 1_398_902_400
    users = [[uuid.UUID(int=1), uuid.UUID(int=2)], [Decimal("1.0"), Decimal("2.0")], [10**30, 1]]
    for kind in (pl.Categorical, pl.Binary):
        odd = pl.DataFrame(base).with_columns(pl.col("user", "rating").cast(pl.String).cast(kind))
        assert cx.ratings(odd).to_frame().rows() == [(1, 3, 2.0), (2, 4, 5.0)]
    assert cx.ratings(pd.DataFrame([[1, 2, 3.0]]), columns={"user": 0, "movie": 1, "rating": 2}).ratings.rating == [3]  # type: ignore[dict-item]
    for one in users:
        for table in (
            pd.DataFrame(base | {"user": pd.Series(one, dtype=object)}),
            base | {"user": list(map(str, one))},
        ):
            assert cx.ratings(table).ratings.users.number(canonical_id(str(one[0]))) != -1
