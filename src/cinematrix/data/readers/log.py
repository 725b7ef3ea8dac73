"""Log of reading a table: bad rows (the first is an error, or all are dropped and counted), notes and warnings."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.dataset import FIRST_LINES, DroppedRows
from cinematrix.errors import DataError


@dataclass(frozen=True, eq=False)
class RuleViolation:
    """Rows of a table that break one rule.

    Attributes:
        reason: the rule in a few words.
        lines: int64, ascending, line numbers of the rows (from 1, the header counts).
        problem: the fault of the first row, with its value.
        requested: whether the caller asked for such rows to be dropped, so that they are no error.
    """

    reason: str
    lines: NDArray[np.int64]
    problem: str
    requested: bool = False


class ReadLog:
    """Log of reading a file: the first bad row is an error, or, with `skip_bad`, all are dropped and counted.

    Attributes:
        dropped: dropped rows, by reason.
        notes: sentences on what was taken, converted and left out.
        warnings: sentences on what was guessed or is doubtful.
        milliseconds: number of times that were in milliseconds or finer.

    `skippable` means that the caller has an option to skip bad rows, which the error then names.
    """

    def __init__(self, file: str, unit: str = "line", skip_bad: bool = False, *, skippable: bool = True) -> None:
        self.file, self.unit, self.skip_bad, self.skippable = file, unit, skip_bad, skippable
        self.dropped: dict[str, DroppedRows] = {}
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.milliseconds = 0

    @property
    def n_dropped(self) -> int:
        """Rows dropped so far."""
        return sum(dropped.count for dropped in self.dropped.values())

    def add(self, faults: Iterable[RuleViolation]) -> None:
        """Add the faults of a file.

        Raises:
            DataError: there is a fault that wasn't asked for, and `skip_bad` is false; the message names the first.
        """
        violations = sorted((f for f in faults if len(f.lines)), key=lambda f: int(f.lines[0]))
        errors = [fault for fault in violations if not fault.requested]
        if errors and not self.skip_bad:
            raise DataError(self._message(errors))
        for fault in violations:
            more = DroppedRows(len(fault.lines), fault.lines[:FIRST_LINES].tolist())
            self.dropped[fault.reason] = self.dropped.get(fault.reason, DroppedRows(0, [])) + more

    def _message(self, violations: list[RuleViolation]) -> str:
        count = sum(len(fault.lines) for fault in violations)
        bad = "" if count == 1 else f" ({count:,} bad {self.unit}s)"
        first = f"{self.file}, {self.unit} {violations[0].lines[0]}: {violations[0].problem}{bad}"
        advice = ", or drop bad ones with --skip-bad (skip_bad=True)" if self.skippable else ""
        return f"{first}; correct the {self.unit}{advice}"
