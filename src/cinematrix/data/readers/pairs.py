"""Readers of small tables, by the rules of tables of ratings: pairs to predict, and one user's history."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from cinematrix.common.text import count_of
from cinematrix.data.ids import UNKNOWN, IdMap, Ids
from cinematrix.data.readers.log import ReadLog
from cinematrix.data.readers.pipes import copying_pipes
from cinematrix.data.readers.reading import read_table
from cinematrix.data.readers.table import RatingsTable
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import DataError

PAIR = ("user", "movie")


@copying_pipes()
def read_pairs(path: Path, columns: dict[str, str] | None = None) -> pl.DataFrame:
    """Read a table in any format of ratings, its rows in their order.

    Args:
        columns: names of columns by role.

    Returns:
        A frame with the columns user and movie.

    Raises:
        DataError: the file is missing or isn't a table, a column is missing, or a row breaks a rule.
        SettingError: `columns` has a role that doesn't exist.
    """
    table = _read(path, PAIR, PAIR, columns)
    return pl.DataFrame(table.columns if table.columns else {role: pl.Series([], dtype=pl.Int64) for role in PAIR})


@dataclass(frozen=True)
class UserHistory:
    """One user's history in a table.

    Attributes:
        ratings: rating (or count) of each movie, by its ID.
        notes: what was converted and left out.
        warnings: what was guessed or is doubtful.
    """

    ratings: dict[Any, float]
    notes: list[str]
    warnings: list[str]


@copying_pipes()
def read_history(
    path: Path, *, stars: bool, columns: dict[str, str] | None = None, missing: tuple[str, ...] | None = None
) -> UserHistory:
    """Read one user's history in any format of ratings; of a repeated movie the latest rating by time counts.

    Args:
        stars: whether ratings are needed; otherwise the rows are plain interactions.
        columns: names of columns by role.
        missing: ratings that mean "not rated".

    Raises:
        DataError: the file is missing or isn't a table, it has several users, or a row breaks a rule.
    """
    needed = ("movie", "rating") if stars else ("movie",)
    wanted = {"movie", "user", "time", "rating" if stars else "count"}
    table = _read(path, needed, tuple(wanted), columns, missing)
    return UserHistory(latest_of_one_user(table.columns, str(path)), table.log.notes, table.log.warnings)


def latest_of_one_user(columns: dict[str, pl.Series], where: str) -> dict[Any, float]:
    """Return the rating of each movie in one user's columns by role: the latest by time; counts add up.

    Raises:
        DataError: there are several users.
    """
    if "user" in columns and columns["user"].n_unique() > 1:
        users = columns["user"].unique(maintain_order=True).to_list()
        raise DataError(
            f"{where} has the ratings of {len(users):,} users, such as {users[0]} and {users[1]}; give those of one"
        )
    frame = pl.DataFrame(columns)
    if frame.is_empty():
        return {}
    if "time" in columns:
        frame = frame.sort("time", maintain_order=True)
    if "rating" in columns:
        return dict(frame.select("movie", "rating").iter_rows())
    counts = pl.col("count").sum() if "count" in columns else pl.len().cast(pl.Float64)
    return dict(
        frame.group_by("movie", maintain_order=True).agg(counts.alias("count")).select("movie", "count").iter_rows()
    )


def _read(
    path: Path,
    needed: tuple[str, ...],
    wanted: tuple[str, ...],
    columns: dict[str, str] | None,
    missing: tuple[str, ...] | None = None,
) -> RatingsTable:
    if not path.exists():
        raise DataError(f"{path} doesn't exist; give a table with the columns {', '.join(needed)}")
    log = ReadLog(str(path), skippable=False)
    _, table = read_table(path, columns, log, needed=needed, wanted=wanted)
    if table.n_rows or table.n_malformed:
        table.validate(missing)
    return table


def describe_unmatched(data: TrainingData, users: Ids | None, movies: Ids, where: str) -> list[str]:
    """Return notes on the users (unless None) and movies that aren't in the training data, if there are any.

    Raises:
        DataError: none of the users, or none of the movies, is in them.
    """
    notes = [] if users is None else _unmatched(data.users, users, "user", where)
    return notes + _unmatched(data.movies, movies, "movie", where)


def _unmatched(known: IdMap, ids: Ids, what: str, where: str) -> list[str]:
    distinct = IdMap.of(ids).ids
    missing = distinct[known.numbers(distinct) == UNKNOWN]
    shown = ", ".join(map(str, missing[:5].tolist())) + (", …" if len(missing) > 5 else "")
    verb = "isn't" if len(missing) == 1 else "aren't"
    if len(missing) == len(distinct) > 0:
        like = ", ".join(map(str, known.ids[:3].tolist()))
        are_titles = what == "movie" and known.ids.dtype.kind == "i" and distinct.dtype.kind != "i"
        way_out = ", or bring titles by 'cinematrix import'" if are_titles else ""
        raise DataError(
            f"none of the {len(distinct):,} {what}s of {where} ({shown}) is in the model, which has {what}s such as "
            f"{like}; give the IDs of its training data{way_out}"
        )
    return (
        [f"{len(missing):,} of {count_of(len(distinct), what)} of {where} {verb} in the model: {shown}"]
        if len(missing)
        else []
    )
