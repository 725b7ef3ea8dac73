"""Tables that people bring: each file of `cases` stands for a kind; a new case is a file and a line of a table here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cinematrix.data.dataset import Dataset
from cinematrix.data.ratings import Scale
from cinematrix.data.readers import read
from cinematrix.data.readers.pairs import describe_unmatched, read_history, read_pairs
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import DataError

CASES = Path(__file__).parent / "cases"


def days(dataset: Dataset) -> list[str]:
    """First and last day of the ratings."""
    assert dataset.ratings.time is not None
    return [str(np.datetime64(int(end(dataset.ratings.time)), "s"))[:10] for end in (np.min, np.max)]


def genres(dataset: Dataset) -> list[str]:
    """Genres of the catalog."""
    assert dataset.catalog is not None
    return dataset.catalog.genres


READ: list[tuple[str, dict[str, Any], Callable[[Dataset], Any], Any]] = [
    ("F00-base.csv", {}, lambda d: (len(d), d.ratings.scale), (27, Scale(1, 5, 1))),
    ("F01-ids19.csv", {}, lambda d: d.ratings.users.ids.dtype.kind, "i"),
    ("F03-overall.csv", {}, lambda d: d.ratings.scale, Scale(1, 5, 1)),
    ("F05-float-catalog", {}, lambda d: (d.report.untitled, d.catalog and d.catalog.movies.ids.dtype.kind), (0, "i")),
    ("F06-compact-date.csv", {}, days, ["2014-05-01", "2014-05-06"]),
    ("F06-iso-9999.csv", {}, days, ["2014-05-02", "9999-12-31"]),
    ("F06-iso-9999.csv", {}, lambda d: "after" in d.report.warnings[0], True),
    ("F07-binary.csv", {}, lambda d: d.ratings.scale, Scale(0, 1, 1)),
    ("F08-nan-user.parquet", {"skip_bad": True}, lambda d: (len(d), d.report.n_dropped), (2, 1)),
    ("F10-no-header.csv", {}, lambda d: (len(d), d.ratings.users.ids[0]), (27, "A1X")),
    ("F10-no-header.csv", {}, lambda d: "no header" in d.report.notes[0], True),
    ("F12-genres-json", {}, genres, ["Drama"]),
    ("F14-null-marks.csv", {"missing": ("99",)}, lambda d: str(d.ratings.scale), "-6.6–6.6"),
    ("F14-null-marks.csv", {"missing": ()}, lambda d: str(d.ratings.scale), "-6.6–99"),
]  # fmt: skip
"""File, options of `read`, what is looked at, and its right value."""

REFUSED = [
    ("F08-nan-user.parquet", "row 2: the user is missing"),
    ("F09-neg-time.csv", "line 2: the time '-89999999999.*' is before the year 1"),
    ("F14-null-marks.csv", "of 27 ratings are 99 and the others from -6.6 to 6.6; .* --missing 99"),
]
"""File, and the error."""


@pytest.mark.parametrize(("file", "options", "look", "value"), READ)
def test_a_table_is_read_right(file: str, options: dict[str, Any], look: Callable[[Dataset], Any], value: Any) -> None:
    """The values of a case are right."""
    assert look(read(CASES / file, **options)) == value


@pytest.mark.parametrize(("file", "message"), REFUSED)
def test_a_table_is_refused_in_one_sentence(file: str, message: str) -> None:
    """The error says what is wrong and what to do."""
    with pytest.raises(DataError, match=message):
        read(CASES / file)


@pytest.mark.parametrize(
    ("train", "pairs", "unknown"),
    [
        ("F01-ids19.csv", "F01-pairs.csv", ["1 of 3 users"]),
        ("F00-base.csv", "F05-float-pairs.csv", []),
        ("F00-base.csv", "F13-pairs-semicolon.csv", []),
        ("F00-base.csv", "F13-pairs.inter", []),
    ],
)
def test_pairs_find_the_users_and_movies_of_training(train: str, pairs: str, unknown: list[str]) -> None:
    """IDs are the same however they are written, and those that match nothing are counted."""
    data = TrainingData.of(read(CASES / train).ratings, None)
    table = read_pairs(CASES / pairs)
    notes = describe_unmatched(data, table["user"].to_numpy(), table["movie"].to_numpy(), pairs)
    assert [note[: len(start)] for note, start in zip(notes, unknown, strict=True)] == unknown


HISTORIES = [
    ("F05-float-history.csv", {1: 4.0, 2: 5.0}),
    ("F07-history5.csv", {1: 5.0, 2: 5.0}),
    ("F11-history-older-last.csv", {1: 5.0}),
]


@pytest.mark.parametrize(("file", "ratings"), HISTORIES)
def test_a_history_is_read_as_training_is(file: str, ratings: dict[Any, float]) -> None:
    """The latest rating of a movie counts, by time."""
    assert read_history(CASES / file, stars=True).ratings == ratings


def test_every_case_is_tested() -> None:
    """No file of `cases` is without a line in a table."""
    tested = {case[0] for case in READ} | {file for file, _ in REFUSED} | {file for file, _ in HISTORIES}
    tested |= {"F01-pairs.csv", "F05-float-pairs.csv", "F13-pairs-semicolon.csv", "F13-pairs.inter"}
    tested |= {"F02-counts.csv", "F02-ones.csv"}  # tests/cli/test_tables.py
    assert {path.name for path in CASES.iterdir()} == tested
