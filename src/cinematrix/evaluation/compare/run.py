"""Comparison of models on the same splits: the plan, and its cells, measured in subprocesses, stored and resumed."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from signal import Signals
from statistics import fmean
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, Self

from cinematrix.common.optional import require_package
from cinematrix.common.progress import Progress, Silent, running
from cinematrix.common.settings import get_search_space
from cinematrix.data.bundle import fingerprint_data, write_bundle
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.errors import SettingError
from cinematrix.evaluation import leakage
from cinematrix.evaluation.compare.cell import Cell, make_questions
from cinematrix.models import model_class
from cinematrix.models.orders import ListOrder, is_order, no_order_error
from cinematrix.models.registry import class_path

BASELINES = ("popular", "bias")
"""Models that are part of every comparison."""

COMPARISON_SPLITS = ("random", "time", "half", "new-users", "new-movies")
"""Names of the splits that models can be compared on."""

CELL_COMMAND = [sys.executable, "-P", "-c", "from cinematrix.evaluation.compare.cell import main; main()"]
"""Command that measures a cell in a subprocess."""


@dataclass(frozen=True)
class ComparisonPlan:
    """Plan of a comparison: models, splits and seeds.

    Attributes:
        settings: settings by model, in the order of the report.
        splits: names from `COMPARISON_SPLITS`.
        seeds: number of seeds.
        trials: number of trials of each model's hyper-parameter search in each cell; 0: no search.
        by: what the lists are ordered by; None: the default order.
    """

    settings: dict[str, Any]
    splits: tuple[str, ...] = ("random",)
    seeds: int = 1
    trials: int = 0
    by: ListOrder | None = None

    @classmethod
    def of(
        cls,
        models: Iterable[str],
        settings: Mapping[str, Any],
        splits: Iterable[str],
        seeds: int = 1,
        trials: int = 0,
        by: str | None = None,
    ) -> Self:
        """Create a plan and check it; `BASELINES` come first.

        Args:
            models: names of the models, with or without `BASELINES`.
            settings: settings by model; other models have their defaults.
            splits: names from `COMPARISON_SPLITS`.
            seeds: number of seeds.
            trials: number of trials of each hyper-parameter search; 0: no search.
            by: what the lists are ordered by; None: the default order.

        Raises:
            SettingError: there is no such model, split or order, or settings are given for a model outside the plan.
            MissingExtraError: a package for training or for the search isn't installed.
        """
        kinds = {name: model_class(name) for name in dict.fromkeys([*BASELINES, *models])}
        unique = tuple(dict.fromkeys(splits))
        for split in unique:
            if split not in COMPARISON_SPLITS:
                raise SettingError(
                    f"there is no split {split!r} to compare on; the splits are {', '.join(COMPARISON_SPLITS)}"
                )
        if by is not None and not is_order(by):
            raise no_order_error(by)
        for name in settings:
            if name not in kinds:
                raise SettingError(
                    f"settings are given for {name}, which isn't compared; the models are {', '.join(kinds)}"
                )
        for kind in kinds.values():
            if by == "stars" and not kind.abilities.stars:
                raise SettingError(f"{kind.name} predicts no stars to order lists by; leave it out, or the order")
            class_path(kind.name)
            require_package(kind.abilities.trains_with, kind.name)
            require_package("optuna" if trials and get_search_space(kind.Settings) else "", kind.name)
        complete = {name: settings[name] if name in settings else kind.Settings() for name, kind in kinds.items()}
        return cls(complete, unique, seeds, trials, by)

    def cells(self, data: str) -> list[Cell]:
        """Return all cells in the order of measurement: by split, then by seed, then by model."""
        return [
            Cell(
                name,
                asdict(settings),
                split,
                seed,
                self.trials if get_search_space(type(settings)) else 0,
                data,
                self.by,
            )
            for split in self.splits
            for seed in range(self.seeds)
            for name, settings in self.settings.items()
        ]


@dataclass(frozen=True)
class CellFailure:
    """Cell that failed, and the reason in a sentence."""

    cell: Cell
    why: str


@dataclass(frozen=True)
class ComparisonOutcome:
    """Outcome of a plan.

    Attributes:
        cells: results of the finished cells (see `cell.measure_cell`), in the order of the plan.
        failures: the other cells.
        checks: descriptions of the checks that each split passed.
    """

    cells: list[dict[str, Any]]
    failures: list[CellFailure]
    checks: dict[str, tuple[str, ...]]


def run_comparison(
    plan: ComparisonPlan, ratings: Ratings, catalog: Catalog | None, folder: Path, progress: Progress | None = None
) -> ComparisonOutcome:
    """Measure every cell of `plan`.

    Results are stored in `folder` as soon as each cell is finished, and stored results are reused. An interruption thus
    costs only the cell in progress.

    Raises:
        DataError: a split has leakage (`leakage.check`), or the ratings can't be split so; nothing is trained then.
    """
    checks = {split: _check_split(split, plan.seeds, ratings) for split in plan.splits}
    cells = plan.cells(fingerprint_data(ratings, catalog))
    done: dict[str, dict[str, Any]] = {c.name: stored for c in cells if (stored := c.read_result(folder)) is not None}
    failures, bar = [], progress or Silent()
    with running(bar, f"comparing {len(plan.settings)} models", len(cells)):
        bar.advance(len(done))
        with _pack_data(ratings, catalog, folder) as bundle:
            for place, cell in enumerate(cells):
                if cell.name in done:
                    continue
                label = f"{estimate_time_left([c for c in cells[place:] if c.name not in done], done.values())}{cell}"
                bar.advance(0, note=label)
                reason = _run_in_subprocess(cell, bundle, folder, label, bar)
                result = cell.read_result(folder)
                if result is None:
                    failures.append(CellFailure(cell, reason or "ended without a result"))
                else:
                    done[cell.name] = result
                bar.advance()
    return ComparisonOutcome([done[cell.name] for cell in cells if cell.name in done], failures, checks)


def estimate_time_left(cells: Sequence[Cell], done: Iterable[dict[str, Any]]) -> str:
    """Estimate the time of `cells`, formatted with a trailing comma; empty before any cell is done.

    Each cell counts with the mean time of the model's finished cells, or of all models if it has none. A progress bar
    can't estimate this from its steps, because the times of models differ too much.
    """
    durations: dict[str, list[float]] = {}
    for result in done:
        durations.setdefault(result["key"]["model"], []).append(result["seconds"])
    if not durations:
        return ""
    overall = fmean(fmean(seconds) for seconds in durations.values())
    left = sum(fmean(durations[cell.model]) if cell.model in durations else overall for cell in cells)
    return f"about {left / 60:,.0f} min left, " if left >= 90 else f"about {left:.0f} s left, "


def _check_split(split: str, seeds: int, ratings: Ratings) -> tuple[str, ...]:
    """Check a split for leakage with every seed; return descriptions of the checks."""
    checks: tuple[str, ...] = ()
    for seed in range(seeds):
        for _, parts in make_questions(split, ratings, seed):
            checks = leakage.check(parts, split)
    return checks


@contextlib.contextmanager
def _pack_data(ratings: Ratings, catalog: Catalog | None, folder: Path) -> Iterator[Path]:
    """Write the data to a temporary folder that the subprocesses read; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".data.", dir=folder) as temporary:
        write_bundle(Path(temporary) / "data", ratings, catalog)
        yield Path(temporary) / "data"


def _run_in_subprocess(cell: Cell, bundle: Path, folder: Path, label: str, progress: Progress) -> str:
    """Measure `cell`, with `label` before its progress notes; return the reason of a failure, else an empty string.

    The subprocess has its own session, so Ctrl-C reaches only this process, which then kills the subprocess.
    """
    job = json.dumps(
        {"cell": asdict(cell), "class": class_path(cell.model), "parcel": str(bundle), "cells": str(folder)}
    )
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
    with TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        with subprocess.Popen(CELL_COMMAND, **pipes, stderr=errors, start_new_session=True) as child:
            try:
                reason = _relay_messages(child, job, label, progress)
            finally:
                child.kill()
        errors.seek(0)
        return reason or _explain_exit(child.returncode, errors.read())


def _relay_messages(child: "subprocess.Popen[str]", job: str, label: str, progress: Progress) -> str:
    """Send the job and relay progress until the child ends; return the error that it reports, else an empty string."""
    assert child.stdin is not None
    assert child.stdout is not None
    reason = ""
    with contextlib.suppress(BrokenPipeError):
        child.stdin.write(job)
        child.stdin.close()
    for line in child.stdout:
        message = _parse_message(line)
        reason = message.get("error", reason)
        if "note" in message:
            progress.advance(0, note=f"{label}: {message['note']}")
    child.wait()
    return reason


def _parse_message(line: str) -> dict[str, Any]:
    """Parse a line of the child; an empty dict if it isn't a message but the output of a library."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _explain_exit(code: int, errors: str) -> str:
    """Explain the exit code of a subprocess; an empty string for 0."""
    if code == 0:
        return ""
    if code < 0:
        guess = ", most likely because memory ran out" if -code == 9 else ""
        return f"was ended by the signal {Signals(-code).name}{guess}"
    last = errors.strip().splitlines()[-1:] or ["no message"]
    return f"stopped with {last[0].strip()}"
