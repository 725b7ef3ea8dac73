"""A table written in Parquet parts: memory is bounded, and a run that was killed continues after its last whole part.

The parts are in the folder `.NAME.parts` beside the table until all are there. Then the folder is renamed, or the parts
are joined into one file.
"""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import polars as pl

from cinematrix.common.atomic_files import check_writable, write_atomically
from cinematrix.errors import InputError

SINKS: dict[str, Callable[[pl.LazyFrame, Path], Any]] = {
    ".parquet": pl.LazyFrame.sink_parquet,
    ".pq": pl.LazyFrame.sink_parquet,
    ".csv": pl.LazyFrame.sink_csv,
    ".jsonl": pl.LazyFrame.sink_ndjson,
    ".ndjson": pl.LazyFrame.sink_ndjson,
}
"""Writers of a whole file by the end of its name; a name without one is a folder of Parquet parts."""


@dataclass(frozen=True)
class TableParts:
    """The parts of one table.

    Attributes:
        path: the file or folder for the whole table.
        force: replace an existing table.
        folder: the parts until the table is whole.
    """

    path: Path
    force: bool
    folder: Path

    @classmethod
    def open(cls, path: Path, run: Mapping[str, Any], *, force: bool = False) -> Self:
        """Start a table, or continue one that an earlier run of the same description `run` didn't finish.

        Raises:
            InputError: `path` can't be written, or the end of its name is unknown.
        """
        check_format(path)
        check_writable(path, force=force)
        folder = path.with_name(f".{path.name}.parts")
        if _read_run(folder) != run:
            shutil.rmtree(folder, ignore_errors=True)
            with write_atomically(folder) as temporary:
                temporary.mkdir()
                (temporary / "run.json").write_text(json.dumps(run), encoding="utf-8")
                (temporary / "parts").mkdir()
        return cls(path, force, folder)

    def has(self, part: int) -> bool:
        """Return True if a part is whole."""
        return self._file(part).exists()

    def write(self, part: int, frame: pl.DataFrame) -> None:
        """Write a part."""
        with write_atomically(self._file(part), force=True) as file:
            frame.write_parquet(file)

    def finish(self) -> int:
        """Replace the parts by the whole table, and return its number of rows."""
        files = sorted((self.folder / "parts").glob("*.parquet"))
        whole = pl.scan_parquet(files)
        rows: int = whole.select(pl.len()).collect().item()
        with write_atomically(self.path, force=self.force) as temporary:
            if sink := SINKS.get(self.path.suffix):
                sink(whole, temporary)
            else:
                temporary.mkdir()
                for file in files:
                    file.rename(temporary / file.name)
        shutil.rmtree(self.folder, ignore_errors=True)
        return rows

    def _file(self, part: int) -> Path:
        return self.folder / "parts" / f"part-{part:05}.parquet"


def check_format(path: Path) -> None:
    """Raise an error for a name whose end is no format of tables.

    Raises:
        InputError: the end of the name is unknown.
    """
    if path.suffix and path.suffix not in SINKS:
        raise InputError(
            f"{path} can't be written: {path.suffix} is no format of lists; "
            "end the name in .parquet, .csv or .jsonl, or in none of them for a folder of Parquet parts"
        )


def _read_run(folder: Path) -> Any:
    """Return the description of the run that left `folder`; None if there is none that can be read."""
    try:
        return json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
