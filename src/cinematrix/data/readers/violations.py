"""Rows of a table that break a rule: the first is an error, or all are dropped and counted."""

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
    """

    reason: str
    lines: NDArray[np.int64]
    problem: str


class ViolationLog:
    """Log of a file's bad rows: the first is an error, or, with `skip_bad`, all are dropped and counted.

    `skippable` means that the caller has an option to skip bad rows, which the error then names.
    """

    def __init__(self, file: str, unit: str = "line", skip_bad: bool = False, *, skippable: bool = True) -> None:
        self.file, self.unit, self.skip_bad, self.skippable = file, unit, skip_bad, skippable
        self.dropped: dict[str, DroppedRows] = {}

    def add(self, faults: Iterable[RuleViolation], *, whole: bool = True) -> None:
        """Add `faults` of the `whole` file or of a part of it.

        Raises:
            DataError: there is a fault and `skip_bad` is false; the message names the first.
        """
        violations = sorted((f for f in faults if len(f.lines)), key=lambda f: int(f.lines[0]))
        if violations and not self.skip_bad:
            raise DataError(self._message(violations, whole))
        for fault in violations:
            more = DroppedRows(len(fault.lines), fault.lines[:FIRST_LINES].tolist())
            self.dropped[fault.reason] = self.dropped.get(fault.reason, DroppedRows(0, [])) + more

    def _message(self, violations: list[RuleViolation], whole: bool) -> str:
        count = sum(len(fault.lines) for fault in violations)
        bad = "" if count == 1 and whole else f" ({'' if whole else 'at least '}{count:,} bad {self.unit}s)"
        first = f"{self.file}, {self.unit} {violations[0].lines[0]}: {violations[0].problem}{bad}"
        advice = ", or drop bad ones with --skip-bad (skip_bad=True)" if self.skippable else ""
        return f"{first}; correct the {self.unit}{advice}"
