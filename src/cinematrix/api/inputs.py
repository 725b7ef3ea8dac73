"""The caller's users, histories and pairs, turned into what models take."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import polars as pl

from cinematrix.common.text import count_of
from cinematrix.data.dataset import Dataset
from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, IdMap, as_ids
from cinematrix.data.ratings import Ratings
from cinematrix.data.readers.frames import add_frame
from cinematrix.data.readers.log import ReadLog
from cinematrix.data.readers.memory import as_polars
from cinematrix.data.readers.pairs import PAIR, latest_of_one_user
from cinematrix.data.readers.table import RatingsTable
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import DataError, SettingError, UnknownIdError

Unknown = Literal["error", "allow"]
"""Unknown IDs: an error that names one, or allowed (a user without a history; a movie without ratings)."""

MAX_SHOWN_IDS = 5
"""Unknown IDs that an error names."""


def require_unknown(unknown: str) -> None:
    """Refuse a way with unknown IDs that isn't one.

    Raises:
        SettingError: `unknown` is neither error nor allow.
    """
    if unknown not in ("error", "allow"):
        raise SettingError(f"unknown is {unknown!r}; it must be 'error' or 'allow'")


def require_known(
    ids: IdMap, wanted: Any, what: str, unknown: Unknown, advice: str = "correct the ID, or give unknown='allow'"
) -> None:
    """Refuse IDs that the model doesn't know, unless they are allowed.

    Raises:
        UnknownIdError: it names the first ones.
        SettingError: `unknown` is neither error nor allow.
    """
    require_unknown(unknown)
    if unknown == "allow":
        return
    wanted = as_ids(wanted)
    missing = list(dict.fromkeys(wanted[ids.numbers(wanted) == UNKNOWN].tolist()))
    if missing:
        shown = ", ".join(map(str, missing[:MAX_SHOWN_IDS])) + (", …" if len(missing) > MAX_SHOWN_IDS else "")
        plural = "s" if len(missing) > 1 else ""
        isnt = "aren't" if plural else "isn't"
        raise UnknownIdError(
            f"{what}{plural} {shown} {isnt} among the {len(ids):,} {what}s of the training data; {advice}"
        )


def read_history(data: TrainingData, history: Any, unknown: Unknown = "error") -> Histories:
    """Return one user's history.

    Args:
        history: a mapping from movie ID to rating (or count); for plain interactions also a sequence of movie IDs;
            or a table with the columns movie and rating, of one user.
        unknown: movies that the model doesn't know are an error, or left out.

    Raises:
        DataError: a table of several users.
        SettingError: a rating off the scale, or what isn't a history.
        UnknownIdError: an unknown movie.
    """
    ratings = _as_mapping(data, history)
    require_known(data.movies, list(ratings), "movie", unknown)
    histories, _ = data.histories([ratings])
    return histories


def _as_mapping(data: TrainingData, history: Any) -> Mapping[Any, float]:
    if isinstance(history, Mapping) and not any(_is_column(value) for value in history.values()):
        return history
    if isinstance(history, str | bytes):
        raise SettingError(f"history is the text {history[:40]!r}; give a mapping such as {{318: 5.0}}, or a table")
    if isinstance(history, Sequence | np.ndarray) and len(np.shape(history)) == 1:
        if data.scale is not None:
            raise SettingError("history is a list without ratings; give a mapping such as {318: 5.0}")
        return dict.fromkeys(np.asarray(history).tolist(), 1.0)
    return _from_table(data, history)


def _is_column(value: Any) -> bool:
    return isinstance(value, np.ndarray | pl.Series) or (isinstance(value, Sequence) and not isinstance(value, str))


def _from_table(data: TrainingData, history: Any) -> dict[Any, float]:
    values = "count" if data.scale is None else "rating"
    needed = ("movie",) if data.scale is None else ("movie", "rating")
    return latest_of_one_user(
        _columns(history, "the history", needed, ("movie", "user", "time", values)), "the history"
    )


def _columns(
    table: Any, where: str, needed: tuple[str, ...], wanted: tuple[str, ...], columns: dict[str, str] | None = None
) -> dict[str, pl.Series]:
    """Return a table's columns by role, by the rules of tables of ratings."""
    frame = table.to_frame() if isinstance(table, Dataset) else as_polars(table)
    rows = RatingsTable(ReadLog(where, "row", skippable=False))
    add_frame(rows, frame, columns, needed, wanted)
    if rows.n_rows:
        rows.validate()
    return rows.columns or {role: pl.Series([], dtype=pl.Int64) for role in needed}


def read_pairs(users: Any, movies: Any, columns: dict[str, str] | None) -> tuple[Any, Any, pl.DataFrame]:
    """Return the users and movies of pairs, and the frame that they stand in.

    `users` is a table with both, or `movies` is given beside it.

    Raises:
        DataError: a column is missing, or the two have unequal lengths.
    """
    if movies is None:
        frame = users.to_frame() if isinstance(users, Dataset) else as_polars(users)
        pairs = _columns(frame, "the pairs", PAIR, PAIR, columns)
        return pairs["user"].to_numpy(), pairs["movie"].to_numpy(), frame
    ids = as_ids(np.atleast_1d(np.asarray(users))), as_ids(np.atleast_1d(np.asarray(movies)))
    if len(ids[0]) != len(ids[1]):
        counts = f"{count_of(len(ids[0]), 'user')} and {count_of(len(ids[1]), 'movie')}"
        raise DataError(f"there are {counts}; give two lists of equal length")
    return *ids, pl.DataFrame({"user": ids[0], "movie": ids[1]})


def with_answers(given: Any, frame: pl.DataFrame, answers: Mapping[str, np.ndarray]) -> Any:
    """Return the frame of the pairs with the answers as columns; as pandas where `given` is a frame of pandas."""
    if type(given).__module__.split(".")[0] == "pandas" and hasattr(given, "columns"):
        return given.assign(**answers)
    return frame.with_columns(**{name: pl.Series(values) for name, values in answers.items()})


def align_ratings(train: Ratings, other: Ratings) -> Ratings:
    """Return `other` under the ID maps of `train`, without rows of unknown users or movies."""
    user, movie = train.users.numbers(other.users.ids), train.movies.numbers(other.movies.ids)
    rows = np.flatnonzero((user[other.user] != UNKNOWN) & (movie[other.movie] != UNKNOWN))
    part = other.take(rows)
    return replace(part, users=train.users, movies=train.movies, user=user[part.user], movie=movie[part.movie])


def require_number(name: str, value: Any, low: float, high: float = float("inf"), *, whole: bool = False) -> None:
    """Refuse an argument that isn't a number from `low` to `high`.

    Raises:
        SettingError: it isn't.
    """
    kinds: Any = (int, np.integer) if whole else (int, float, np.number)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= float(value) <= high:
        upper = "" if high == float("inf") else f" to {high:g}"
        raise SettingError(f"{name} is {value!r}; it must be a {'whole ' if whole else ''}number from {low:g}{upper}")


def require_text(name: str, value: Any) -> None:
    """Refuse an argument that isn't text.

    Raises:
        SettingError: it isn't.
    """
    if not isinstance(value, str):
        raise SettingError(f"{name} is {value!r}; it must be text")


def listed(value: Any) -> tuple[Any, ...]:
    """Return one value or several as a tuple: text is one value, None is none."""
    if value is None:
        return ()
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return (value,)
    return tuple(value)
