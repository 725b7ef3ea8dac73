"""Models against each other on the same splits: the plan, carried out cell by cell, kept, and gone on with."""

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
from cinematrix.common.progress import Progress
from cinematrix.common.settings import get_search_space
from cinematrix.data.bundle import fingerprint_data, write_bundle
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.errors import SettingError
from cinematrix.evaluation import leakage
from cinematrix.evaluation.compare.cell import Cell, make_questions
from cinematrix.models import model_class

BASELINES = ("popular", "bias")
"""The models that no comparison goes without: the same list for all, and what a rating says before any taste."""

COMPARISON_SPLITS = ("random", "time", "new-users", "new-movies")
"""The splits that answer different questions, by their names on the command line."""

CELL_COMMAND = [sys.executable, "-P", "-c", "from cinematrix.evaluation.compare.cell import main; main()"]


@dataclass(frozen=True)
class ComparisonPlan:
    """Which models, on which splits, how often.

    Attributes:
        settings: of each model, in the order of the report.
        splits: of `COMPARISON_SPLITS`.
        seeds: how many.
        trials: of a search for each model's hyper-parameters in each cell; 0: none.
    """

    settings: dict[str, Any]
    splits: tuple[str, ...] = ("random",)
    seeds: int = 1
    trials: int = 0

    @classmethod
    def of(
        cls, models: Iterable[str], settings: Mapping[str, Any], splits: Iterable[str], seeds: int = 1, trials: int = 0
    ) -> Self:
        """A plan that has been looked at: `BASELINES` first, names that exist, everything installed that is needed.

        Args:
            settings: of the models that don't take their own as they are.

        Raises:
            SettingError: there is no such model or split.
            MissingExtraError: what a model trains with, or the search, isn't installed.
        """
        kinds = {name: model_class(name) for name in dict.fromkeys([*BASELINES, *models])}
        cuts = tuple(dict.fromkeys(splits))
        for cut in cuts:
            if cut not in COMPARISON_SPLITS:
                raise SettingError(
                    f"there is no split {cut!r} to compare on; the splits are {', '.join(COMPARISON_SPLITS)}"
                )
        for name in settings:
            if name not in kinds:
                raise SettingError(f"settings of {name} are given, which isn't compared; compare {', '.join(kinds)}")
        for kind in kinds.values():
            require_package(kind.abilities.trains_with, kind.name)
            require_package("optuna" if trials and get_search_space(kind.Settings) else "", kind.name)
        whole = {name: settings[name] if name in settings else kind.Settings() for name, kind in kinds.items()}
        return cls(whole, cuts, seeds, trials)

    def cells(self, data: str) -> list[Cell]:
        """All cells, in the order in which they are measured: the models of a split one after the other."""
        return [
            Cell(name, asdict(settings), split, seed, self.trials if get_search_space(type(settings)) else 0, data)
            for split in self.splits
            for seed in range(self.seeds)
            for name, settings in self.settings.items()
        ]


@dataclass(frozen=True)
class CellFailure:
    """A cell that came to nothing, and why, in a sentence."""

    cell: Cell
    why: str


@dataclass(frozen=True)
class ComparisonOutcome:
    """What came of a plan.

    Attributes:
        cells: what each finished cell found, in the plan's order (see `cells.measure`).
        failures: the other cells.
        checks: what each split was checked for, in words.
    """

    cells: list[dict[str, Any]]
    failures: list[CellFailure]
    checks: dict[str, tuple[str, ...]]


def run_comparison(
    plan: ComparisonPlan, ratings: Ratings, catalog: Catalog | None, folder: Path, progress: Progress | None = None
) -> ComparisonOutcome:
    """Measure every cell of `plan`.

    Cells that lie in `folder` are taken from there, and each that is measured is put there as soon as it is done, so
    that an interruption costs no more than the cell under way.

    Raises:
        DataError: a split leaks (`leakage.check`), or these ratings can't be split so; nothing is trained then.
    """
    checks = {split: _check_split(split, plan.seeds, ratings) for split in plan.splits}
    cells = plan.cells(fingerprint_data(ratings, catalog))
    done: dict[str, dict[str, Any]] = {c.name: found for c in cells if (found := c.found(folder)) is not None}
    failures = []
    if progress:
        progress.start(f"comparing {len(plan.settings)} models", len(cells))
        progress.advance(len(done))
    try:
        with _pack_data(ratings, catalog, folder) as parcel:
            for place, cell in enumerate(cells):
                if cell.name in done:
                    continue
                who = f"{estimate_time_left([c for c in cells[place:] if c.name not in done], done.values())}{cell}"
                if progress:
                    progress.advance(0, note=who)
                why = _run_in_subprocess(cell, parcel, folder, who, progress)
                found = cell.found(folder)
                if found is None:
                    failures.append(CellFailure(cell, why or "ended without a result"))
                else:
                    done[cell.name] = found
                if progress:
                    progress.advance()
    finally:
        if progress:
            progress.stop()
    return ComparisonOutcome([done[cell.name] for cell in cells if cell.name in done], failures, checks)


def estimate_time_left(cells: Sequence[Cell], done: Iterable[dict[str, Any]]) -> str:
    """How long `cells` will take, going by how long the same model took before, or else by all; with a comma after it.

    Nothing, as long as nothing is done. Cells are too unlike for a bar to tell from its steps.
    """
    took: dict[str, list[float]] = {}
    for found in done:
        took.setdefault(found["key"]["model"], []).append(found["seconds"])
    if not took:
        return ""
    others = fmean(fmean(seconds) for seconds in took.values())
    left = sum(fmean(took[cell.model]) if cell.model in took else others for cell in cells)
    return f"about {left / 60:,.0f} min left, " if left >= 90 else f"about {left:.0f} s left, "


def _check_split(split: str, seeds: int, ratings: Ratings) -> tuple[str, ...]:
    """What every cut of a split, with every seed, was checked for."""
    checks: tuple[str, ...] = ()
    for seed in range(seeds):
        for _, cut in make_questions(split, ratings, seed):
            checks = leakage.check(cut, split)
    return checks


@contextlib.contextmanager
def _pack_data(ratings: Ratings, catalog: Catalog | None, folder: Path) -> Iterator[Path]:
    """The data as a folder that the cells' processes read, for as long as they do."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".data.", dir=folder) as temporary:
        write_bundle(Path(temporary) / "data", ratings, catalog)
        yield Path(temporary) / "data"


def _run_in_subprocess(cell: Cell, parcel: Path, folder: Path, who: str, progress: Progress | None) -> str:
    """Measure `cell`, called `who` in what is noted; why that came to nothing, or nothing.

    The process is in a session of its own, so that Ctrl-C reaches this one alone, which then ends it.
    """
    job = json.dumps({"cell": asdict(cell), "parcel": str(parcel), "cells": str(folder)})
    ways: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
    with TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        with subprocess.Popen(CELL_COMMAND, **ways, stderr=errors, start_new_session=True) as child:
            try:
                why = _relay_messages(child, job, who, progress)
            finally:
                child.kill()
        errors.seek(0)
        return why or _explain_exit(child.returncode, errors.read())


def _relay_messages(child: "subprocess.Popen[str]", job: str, who: str, progress: Progress | None) -> str:
    """Hand over the job and pass on what the child notes, to its end; its own word for why it failed, or nothing."""
    assert child.stdin is not None
    assert child.stdout is not None
    why = ""
    with contextlib.suppress(BrokenPipeError):
        child.stdin.write(job)
        child.stdin.close()
    for line in child.stdout:
        message = _parse_message(line)
        why = message.get("error", why)
        if progress and "note" in message:
            progress.advance(0, note=f"{who}: {message['note']}")
    child.wait()
    return why


def _parse_message(line: str) -> dict[str, Any]:
    """What a line says; nothing, if it isn't one of ours but what a library printed."""
    try:
        message = json.loads(line)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


def _explain_exit(code: int, errors: str) -> str:
    """Why a process ended with `code`, as far as can be told."""
    if code == 0:
        return ""
    if code < 0:
        likely = ", most likely for want of memory" if -code == 9 else ""
        return f"was ended by the signal {Signals(-code).name}{likely}"
    last = errors.strip().splitlines()[-1:] or ["no message"]
    return f"stopped with {last[0].strip()}"
