"""Reading and matching of uploaded exports: small files in this process, large ones in a subprocess.

A thread that reads thousands of rows holds Python's global interpreter lock so often, and so long during garbage
collection, that all other responses are late. A subprocess avoids that, but takes half a second to start. Usual exports
are small enough to do without it.
"""

import os
import pickle
import subprocess
import sys
from typing import NamedTuple, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic_core import to_json

from cinematrix.data.catalog import Catalog
from cinematrix.data.ids import IdMap, Ids
from cinematrix.data.ratings import Scale
from cinematrix.errors import DataError, SettingError
from cinematrix.importers import parse_mapping, read
from cinematrix.importers.archives import unpacked_bytes
from cinematrix.importers.entries import KINDS, KindName
from cinematrix.importers.outcome import MatchedImport, match_entries
from cinematrix.importers.result import ImportRecords, ImportResult, MergeCounts, add_merge_counts
from cinematrix.service.logging import LOG
from cinematrix.service.settings import ServiceSettings

ARCHIVE_TABLES = 4
"""Tables in which an archive has each movie: archives are measured by their unpacked size divided by this."""


WORKER_COMMAND = (
    sys.executable,
    "-c",
    "import gc; gc.disable(); from cinematrix.service.import_worker import main; main()",
)
"""Command of the subprocess. It ends with the file, and collecting garbage would take a quarter of its time."""

Raters = NDArray[np.int64] | None
"""Number of raters of each movie."""


class Upload(NamedTuple):
    """An uploaded file and its options.

    Attributes:
        content: bytes of the file.
        name: name of the file.
        columns: column mapping of a table of unknown form, such as `title=Film,rating=Score`.
        highest: best rating; None: that of the form, or inferred.
        kind: what the rows are, where the file doesn't say it.
        profile: user whose rows are read, of a file that has several.
    """

    content: bytes
    name: str
    columns: str
    highest: float | None
    kind: KindName | None = None
    profile: str = ""


class PreparedImport(NamedTuple):
    """Records to store from a file, and its response.

    Attributes:
        to_keep: records to store.
        counts: rows read, and their outcomes if the store had no data of the user.
        rows: lists of the response, as JSON.
    """

    to_keep: ImportRecords
    counts: dict[str, int]
    rows: bytes

    @classmethod
    def of(cls, outcome: MatchedImport, catalog: Catalog, scale: Scale | None) -> Self:
        """Create it from an export that was matched to a catalog."""
        result = ImportResult(outcome, catalog)
        rows = result.rows()
        counts = {name: count for name, count in result.counts.items() if name not in rows}
        return cls(ImportRecords.of(outcome, catalog, scale), counts, to_json(rows))

    def answer(self, merged: MergeCounts | None = None) -> bytes:
        """Return the response as JSON. `merged`: counts of the stored records; None for a preview."""
        return to_json(add_merge_counts(self.counts, merged))[:-1] + b"," + self.rows[1:]


def prepare_import(
    upload: Upload, catalog: Catalog, scale: Scale | None, raters: Raters, settings: ServiceSettings
) -> PreparedImport:
    """Read an uploaded file and match it to a model's catalog and scale.

    Raises:
        DataError: the file isn't in a supported export format, or is damaged.
        SettingError: the column mapping is invalid.
        OSError: the subprocess that read the file failed.
    """
    size = max(len(upload.content), unpacked_bytes(upload.content) / ARCHIVE_TABLES)
    if size <= settings.import_here:
        return _prepare_here(upload, catalog, scale, raters)
    return _prepare_in_subprocess((settings.niceness, upload, catalog.movies.ids, catalog.frame, scale, raters))


def _prepare_here(upload: Upload, catalog: Catalog, scale: Scale | None, raters: Raters) -> PreparedImport:
    kind = KINDS[upload.kind] if upload.kind else None
    journal = read(upload.content, upload.name, parse_mapping(upload.columns), upload.highest, kind, upload.profile)
    return PreparedImport.of(match_entries(journal, catalog, scale, None, raters), catalog, scale)


WorkerInput = tuple[int, Upload, Ids, pl.DataFrame, Scale | None, Raters]
"""Niceness of the subprocess, so that it yields to the server, and what it reads."""


def _prepare_in_subprocess(work: WorkerInput) -> PreparedImport:
    done = subprocess.run(WORKER_COMMAND, input=pickle.dumps(work), capture_output=True, check=False)
    if done.returncode:
        traceback = done.stderr.decode(errors="replace")
        LOG.error("the subprocess that read an uploaded file failed", extra={"fields": {"traceback": traceback}})
        raise OSError(f"the subprocess that read an uploaded file ended with exit status {done.returncode}")
    result = pickle.loads(done.stdout)  # trusted: the subprocess is ours
    if isinstance(result, Exception):
        raise result
    assert isinstance(result, PreparedImport)
    return result


def main() -> None:
    """Read a pickled `WorkerInput` from standard input and write the result or error, pickled, to standard output."""
    niceness, upload, ids, frame, scale, raters = pickle.load(sys.stdin.buffer)
    os.nice(niceness)
    result: PreparedImport | Exception
    try:
        result = _prepare_here(upload, Catalog(IdMap(ids), frame), scale, raters)
    except (DataError, SettingError) as error:
        result = error
    pickle.dump(result, sys.stdout.buffer)
