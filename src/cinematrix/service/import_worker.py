"""What an uploaded file comes to: made here, or, where it is large, by a process of its own.

A thread that reads thousands of rows holds Python's lock so often, and so long while it collects garbage, that all
others' answers come late. A process leaves them the lock; but it takes half a second to start, for which who brings a
usual export needn't wait.
"""

import os
import pickle
import subprocess
import sys
from typing import NamedTuple, Self

import polars as pl
from pydantic_core import to_json

from cinematrix.data.catalog import Catalog
from cinematrix.data.ids import IdMap, Ids
from cinematrix.data.ratings import Scale
from cinematrix.errors import DataError, SettingError
from cinematrix.importers import read
from cinematrix.importers.generic_csv import parse_mapping
from cinematrix.importers.outcome import MatchedImport, match_entries
from cinematrix.importers.result import ImportRecords, ImportResult, MergeCounts, add_merge_counts

WORKER_MIN_BYTES = 200_000
"""Bytes of a file that a process of its own reads: an export of four thousand films."""

WORKER_COMMAND = (sys.executable, "-c", "from cinematrix.service.import_worker import main; main()")
WORKER_NICENESS = 10
"""Of that process: it takes what time the server leaves."""


class Upload(NamedTuple):
    """A file, and what its sender says of it."""

    content: bytes
    name: str
    columns: str
    highest: float | None


class PreparedImport(NamedTuple):
    """What there is to keep of a file, and what is answered.

    Attributes:
        counts: rows read, and what became of them if nothing was known before.
        rows: the lists of the answer, as JSON.
    """

    to_keep: ImportRecords
    counts: dict[str, int]
    rows: bytes

    @classmethod
    def of(cls, outcome: MatchedImport, catalog: Catalog, scale: Scale | None) -> Self:
        """Of a journal that was matched to a catalog."""
        result = ImportResult(outcome, catalog)
        rows = result.rows()
        counts = {name: count for name, count in result.counts.items() if name not in rows}
        return cls(ImportRecords.of(outcome, catalog, scale), counts, to_json(rows))

    def answer(self, merged: MergeCounts | None = None) -> bytes:
        """The JSON to answer with, once it is kept; without `merged` nothing is."""
        return to_json(add_merge_counts(self.counts, merged))[:-1] + b"," + self.rows[1:]


def prepare_import(upload: Upload, catalog: Catalog, scale: Scale | None) -> PreparedImport:
    """What a file comes to with a model's catalog and scale.

    Raises:
        DataError: it isn't an export that we know, or is damaged.
        SettingError: its columns are named wrongly.
        OSError: the process that read it came to an end.
    """
    return (_prepare_in_subprocess if len(upload.content) > WORKER_MIN_BYTES else _prepare_here)(upload, catalog, scale)


def _prepare_here(upload: Upload, catalog: Catalog, scale: Scale | None) -> PreparedImport:
    journal = read(upload.content, upload.name, parse_mapping(upload.columns), upload.highest)
    return PreparedImport.of(match_entries(journal, catalog, scale), catalog, scale)


WorkerInput = tuple[Upload, Ids, pl.DataFrame, Scale | None]


def _prepare_in_subprocess(upload: Upload, catalog: Catalog, scale: Scale | None) -> PreparedImport:
    asked: WorkerInput = (upload, catalog.movies.ids, catalog.frame, scale)
    done = subprocess.run(WORKER_COMMAND, input=pickle.dumps(asked), stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise OSError(f"the process that read a file ended with {done.returncode}")
    found = pickle.loads(done.stdout)  # of our own process
    if isinstance(found, Exception):
        raise found
    assert isinstance(found, PreparedImport)
    return found


def main() -> None:
    """Read a file that comes on standard input, and write what it comes to on standard output."""
    os.nice(WORKER_NICENESS)
    upload, ids, frame, scale = pickle.load(sys.stdin.buffer)
    found: PreparedImport | Exception
    try:
        found = _prepare_here(upload, Catalog(IdMap(ids), frame), scale)
    except (DataError, SettingError) as error:
        found = error
    pickle.dump(found, sys.stdout.buffer)
