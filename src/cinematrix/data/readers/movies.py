"""Readers of movies, tags and links to other sites, as a `Catalog`."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cinematrix.data.catalog import Catalog, MovieMetadata, split_title
from cinematrix.data.ids import IdMap
from cinematrix.data.readers.columns import COLUMN_ALIASES, format_names, plain_name
from cinematrix.data.readers.encodings import detect_encoding
from cinematrix.data.readers.facts import FACT_ALIASES, as_texts, read_facts
from cinematrix.data.readers.files import DatasetPaths, is_parquet, plain_file_name
from cinematrix.data.readers.formats import read_frame
from cinematrix.data.readers.genres import NO_GENRES, split_genres
from cinematrix.data.readers.id_columns import as_id_column
from cinematrix.data.readers.log import ReadLog, RuleViolation
from cinematrix.data.readers.opening import read_content
from cinematrix.data.readers.pipes import copying_pipes, on_disk
from cinematrix.data.schema import FACTS
from cinematrix.errors import DataError

MOVIE_ALIASES = {
    "id": (*COLUMN_ALIASES["movie"], "id", "parentasin", "asin", "tconst"),
    "title": ("title", "movietitle", "name", "primarytitle", "originaltitle", "titel", "titre", "título", "titolo"),
    "year": ("year", "releaseyear", "startyear", "releasedate", "jahr", "année", "año", "anno"),
    "genres": ("genres", "genre", "class"),
    "imdb": ("imdbid", "imdb"),
    "tmdb": ("tmdbid", "tmdb"),
    "tag": ("tag",),
}
"""Plain names of columns that are recognised for each key; the first in this order is taken."""

GENRES_100K = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama"),
    *("Fantasy", "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
)
"""Genres of the flags in u.item, if there is no file u.genre."""


class MovieTable:
    """Rows of a file of movies, before the type of their IDs is decided.

    Attributes:
        ids: Int64 if every movie ID is a plain integer, else text; distinct.
        counts: the catalog's numbers in `ReadReport`, by field.
    """

    def __init__(self, sources: DatasetPaths, tally: ReadLog) -> None:
        assert sources.movies is not None
        frame = _distinct(_read(sources.movies), tally)
        self._text = frame["id"]
        self.ids = as_id_column(self._text)[0]
        titles = [split_title(title or "") for title in frame["title"].to_list()]
        years = pl.Series([year for _, year in titles], dtype=pl.Int32)
        self._columns: dict[str, Any] = {
            "title": [title or None for title, _ in titles],
            "year": years.fill_null(frame["year"]) if "year" in frame.columns else years,
            "genres": frame["genres"].to_list() if "genres" in frame.columns else [[]] * len(frame),
        }
        self.counts: Counter[str] = Counter(movies=len(frame))
        facts, unread = read_facts(frame)
        self.counts.update({f"unread_{name}s": number for name, number in unread.items()})
        self._columns |= facts
        self.counts["titles_without_year"] = int(self._columns["year"].null_count())
        if sources.links:
            self._add_links(_read(sources.links))
        if sources.tags:
            self._add_tags(_read(sources.tags))

    def catalog(self, kind: type[pl.DataType], *, imdb: bool = False) -> Catalog:
        """Create the catalog, with IDs of type `kind` (Int64 or String); `imdb`: they are also the IMDb IDs."""
        if imdb:
            self._columns["imdb"] = self._text
        ids = self.ids.to_numpy() if kind == pl.Int64 else np.array(self._text.to_list(), np.str_)
        return Catalog.of(IdMap(ids), **self._columns)

    def _add_links(self, links: pl.DataFrame) -> None:
        joined = pl.DataFrame({"id": self._text}).join(links.unique("id", keep="first"), on="id", how="left")
        for name in ("imdb", "tmdb"):
            if name in joined.columns:
                self._columns[name] = joined[name].replace("", None)
                self.counts[f"without_{name}"] = int(self._columns[name].null_count())

    def _add_tags(self, tags: pl.DataFrame) -> None:
        """Add the tags in lower case; a tag given by several users is repeated."""
        rows = pl.DataFrame({"id": self._text}).with_row_index("row")
        plain = tags.select("id", tag=pl.col("tag").str.to_lowercase().str.strip_chars()).filter(pl.col("tag") != "")
        joined = plain.join(rows, on="id", how="inner", maintain_order="left")
        lists = joined.group_by("row").agg("tag")
        self._columns["tags"] = rows.join(lists, on="row", how="left", maintain_order="left")["tag"]
        self.counts["blank_tags"] = len(tags) - len(joined)


def _distinct(frame: pl.DataFrame, tally: ReadLog) -> pl.DataFrame:
    """Return the first row of each movie ID; log missing and repeated IDs."""
    blank = frame["id"].is_null() | (frame["id"] == "")
    repeated = ~frame["id"].is_first_distinct() & ~blank
    faults = []
    for wrong, reason in ((blank, "movie ID is missing"), (repeated, "movie ID is repeated")):
        if wrong.any():
            first = f"the {reason}" if wrong is blank else f"the movie ID {frame['id'].filter(wrong)[0]!r} is repeated"
            faults.append(RuleViolation(reason, frame["line"].filter(wrong).to_numpy(), first))
    tally.add(faults)
    return frame.filter(~(blank | repeated))


def _read(path: Path) -> pl.DataFrame:
    """Read a file of movies, tags or links: the columns of `MOVIE_ALIASES` as text, genres as lists, facts, and `line`.

    Raises:
        DataError: it can't be read, lacks a required column, or a line is broken; the message names the line.
    """
    if is_parquet(path):
        try:
            frame = _renamed(pl.read_parquet(on_disk(path)), path)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise DataError(f"{path} can't be read as Parquet ({str(error)[:100]}); is it whole?") from error
    elif (found := read_frame(path)) is not None and found[0] == "json":
        frame = _renamed(found[1].collect(), path)
    else:
        text = _text(path)
        if re.match(r"[^\n]*::", text) or text.split("\n", 1)[0].count("|") >= 20:
            return _headerless(path, text)
        frame = _with_header(path, text)
    plain = [name for name in frame.columns if name not in ("line", "genres", *FACTS)]
    frame = frame.with_columns(pl.col(name).cast(pl.String) for name in plain)
    return _typed(frame, " " if plain_file_name(path).endswith(".item") else "")


def _text(path: Path) -> str:
    """Read the file as text: UTF-8, or the code page that its words are in.

    Raises:
        DataError: the file can't be read, or has a line in no known encoding.
    """
    content = read_content(path)
    encoding = detect_encoding(content)
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        first = content.split(b"\n", 1)[0]
        if b"::" in first or first.count(b"|") >= 20:
            return content.decode("latin-1")
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}, line {line} is not UTF-8; save it as UTF-8") from error


def _headerless(path: Path, text: str) -> pl.DataFrame:
    """Parse movies `id::title::genres`, tags `user::id::tag::time`, or ml-100k's u.item with flags of genres."""
    lines = enumerate(text.replace("\r\n", "\n").split("\n"), 1)
    if not re.match(r"[^\n]*::", text):
        return _u_item(path, lines)
    kind = plain_file_name(path).split(".")[0]
    rows: list[tuple[int, str, str, list[str]]] = []
    for line, content in lines:
        fields = content.split("::")
        if kind == "tags" and len(fields) >= 4:
            rows.append((line, fields[1], "::".join(fields[2:-1]), []))
        elif kind != "tags" and len(fields) >= 3:
            rows.append((line, fields[0].strip(), "::".join(fields[1:-1]), split_genres([fields[-1]], "|")[0]))
        elif content.strip():
            raise DataError(f"{path}, line {line}: {content[:60]!r} must have fields separated by '::'")
    return _frame(rows, "tag" if kind == "tags" else "title")


def _u_item(path: Path, lines: Iterator[tuple[int, str]]) -> pl.DataFrame:
    names = _genre_names(path)
    rows: list[tuple[int, str, str, int | None, list[str]]] = []
    for line, content in lines:
        if not content.strip():
            continue
        fields = content.rstrip("\r").split("|")
        flags = fields[-len(names) :]
        if len(fields) < len(names) + 3 or set(flags) - {"0", "1"}:
            raise DataError(f"{path}, line {line}: {content[:60]!r} must end with {len(names)} flags 0 or 1 of genres")
        genres = [name for name, flag in zip(names, flags, strict=True) if flag == "1" and name not in NO_GENRES]
        year = re.search(r"\d{4}$", fields[2])
        rows.append((line, fields[0].strip(), fields[1], int(year[0]) if year else None, genres))
    return _frame(rows, "title", "year")


def _frame(rows: list[Any], *middle: str) -> pl.DataFrame:
    types: dict[str, pl.DataType] = {"line": pl.Int64(), "year": pl.Int32(), "genres": pl.List(pl.String())}
    schema = {name: types.get(name, pl.String()) for name in ("line", "id", *middle, "genres")}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _genre_names(path: Path) -> list[str]:
    file = path.with_name("u.genre")
    if not file.is_file():
        return list(GENRES_100K)
    return [line.split("|")[0] for line in file.read_text("latin-1").splitlines() if line.strip()]


def _with_header(path: Path, text: str) -> pl.DataFrame:
    """Parse a table with a header. Quoted fields may span lines; `line` is the first line of a row."""
    first = text.lstrip("\r\n").split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    header: list[str] = []
    rows, lines, next_line = [], [], 1
    try:
        for fields in reader:
            line, next_line = next_line, reader.line_num + 1
            if not fields:
                continue
            if not header:
                header = fields
            elif len(fields) != len(header):
                raise DataError(f"{path}, line {line}: {len(fields)} fields where the header has {len(header)}")
            else:
                rows.append(fields)
                lines.append(line)
    except csv.Error as error:
        raise DataError(f"{path}, line {next_line}: a quote isn't closed, or is out of place ({error})") from error
    if not header:
        raise DataError(f"{path} is empty; a header is needed")
    table = pl.DataFrame(rows, schema=[f"{i}" for i in range(len(header))], orient="row")
    table.columns = [f"{name}{'' if header.index(name) == i else i}" for i, name in enumerate(header)]
    return _renamed(table, path).with_columns(line=pl.Series(lines))


def _renamed(table: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Select the columns of `MOVIE_ALIASES` and `FACT_ALIASES`, renamed to their keys, and number the rows."""
    plain = {plain_name(name): name for name in reversed(table.columns)}
    sources = {
        key: next((plain[plain_name(name)] for name in names if plain_name(name) in plain), None)
        for key, names in (MOVIE_ALIASES | FACT_ALIASES).items()
    }
    required = (
        "tag"
        if plain_file_name(path).startswith("tags")
        else "imdb"
        if plain_file_name(path).startswith("links")
        else "title"
    )
    for key in ("id", required):
        if sources[key] is None:
            role = "movie" if key == "id" else key
            raise DataError(f"{path} has no column for the {role}; it has {format_names(table.columns)}")
    renamed = table.select(pl.col(name).alias(key) for key, name in sources.items() if name is not None)
    return renamed.with_columns(line=pl.int_range(1, pl.len() + 1))


def _typed(frame: pl.DataFrame, separator: str) -> pl.DataFrame:
    frame = frame.with_columns(id=as_id_column(frame["id"])[0].cast(pl.String))
    if "year" in frame.columns:
        frame = frame.with_columns(pl.col("year").str.extract(r"(\d{4})").cast(pl.Int32, strict=False))
    if "genres" in frame.columns and frame["genres"].dtype != pl.List(pl.String):
        lists = split_genres(as_texts(frame["genres"]), separator)
        frame = frame.with_columns(genres=pl.Series(lists, dtype=pl.List(pl.String)))
    return frame


@copying_pipes()
def read_movies(path: Path) -> list[MovieMetadata]:
    """Read the movies of a file in any supported format.

    Raises:
        DataError: the file can't be read, or a line is broken.
    """
    catalog = MovieTable(DatasetPaths(path, movies=path), ReadLog(path.name)).catalog(pl.String)
    columns = catalog.frame.select("title", "year", "genres").iter_rows()
    return [
        MovieMetadata(id_, title or f"movie {id_}", year, genres)
        for id_, (title, year, genres) in zip(catalog.movies.ids.tolist(), columns, strict=True)
    ]
