"""Comparison of models on the same splits: the plan, and its cells, measured anywhere, stored and resumed."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Self

from cinematrix.common.optional import require_package
from cinematrix.common.progress import Progress, Silent, running
from cinematrix.common.settings import get_search_space
from cinematrix.common.spread.run import spreading
from cinematrix.common.spread.work import Outcome, Shared
from cinematrix.data.bundle import fingerprint_data
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.errors import SettingError
from cinematrix.evaluation import leakage
from cinematrix.evaluation.compare.cell import Cell, CellData, make_questions, run_cell
from cinematrix.evaluation.protocols import PROTOCOLS, get_protocol
from cinematrix.models import model_class
from cinematrix.models.base import Recommender
from cinematrix.models.orders import ListOrder, is_order, no_order_error
from cinematrix.models.registry import class_path

BASELINES = ("popular", "bias")
"""Models that are part of every comparison."""

COMPARISON_SPLITS = ("random", "time", "half", "new-users", "new-movies")
"""Names of the splits that models can be compared on."""

ONE_AT_A_TIME = "processes:1"
"""Executor of cells by default: one after the other, so that their times can be compared."""


def choose_splits(splits: Sequence[str] | None, protocol: str | None) -> Sequence[str]:
    """Return the splits of a comparison: those given, or the published protocol; `random` without either.

    Raises:
        SettingError: both are given, or there is no such protocol.
    """
    if protocol is None:
        return ["random"] if splits is None else splits
    if splits is not None:
        raise SettingError(f"a split can't be chosen with the protocol {protocol}, which decides it; give one of both")
    return [get_protocol(protocol).name]


@dataclass(frozen=True)
class ComparisonPlan:
    """Plan of a comparison: models, splits and seeds.

    Attributes:
        settings: settings by model, in the order of the report.
        splits: names from `COMPARISON_SPLITS`, or one from `PROTOCOLS`.
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
        """Create a plan and check it; `BASELINES`, or that of a protocol, come first.

        Args:
            models: names of the models, with or without the baselines.
            settings: settings by model; other models have their defaults.
            splits: names from `COMPARISON_SPLITS`, or one from `PROTOCOLS`.
            seeds: number of seeds.
            trials: number of trials of each hyper-parameter search; 0: no search.
            by: what the lists are ordered by; None: the default order.

        Raises:
            SettingError: there is no such model, split or order, or settings are given for a model outside the plan.
            MissingExtraError: a package for training or for the search isn't installed.
        """
        unique = tuple(dict.fromkeys(splits))
        published = len(unique) == 1 and unique[0] in PROTOCOLS
        baselines = (PROTOCOLS[unique[0]].baseline,) if published else BASELINES
        kinds = {name: model_class(name) for name in dict.fromkeys([*baselines, *models])}
        for split in unique:
            if not published and split not in COMPARISON_SPLITS:
                raise SettingError(
                    f"there is no split {split!r} to compare on; the splits are {', '.join(COMPARISON_SPLITS)}"
                )
        if by is not None and published:
            raise SettingError(
                f"lists can't be ordered by {by!r} here, since {unique[0]} decides it; leave the order out"
            )
        if by is not None and not is_order(by):
            raise no_order_error(by)
        for name in settings:
            if name not in kinds:
                raise SettingError(
                    f"settings are given for {name}, which isn't compared; the models are {', '.join(kinds)}"
                )
        for kind in kinds.values():
            if published:
                PROTOCOLS[unique[0]].check_model(kind)
            _check_model(kind, trials, by)
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


def _check_model(kind: type[Recommender], trials: int, by: str | None) -> None:
    """Check that a model can be trained here and elsewhere, searched if there are trials, and ordered by `by`."""
    if by == "stars" and not kind.abilities.stars:
        raise SettingError(f"{kind.name} predicts no stars to order lists by; leave it out, or the order")
    class_path(kind.name)
    require_package(kind.abilities.trains_with, kind.name)
    require_package("optuna" if trials and get_search_space(kind.Settings) else "", kind.name)


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
        checks: descriptions of the checks that each split passed; of a published protocol, what makes it incomparable.
    """

    cells: list[dict[str, Any]]
    failures: list[CellFailure]
    checks: dict[str, tuple[str, ...]]


def run_comparison(
    plan: ComparisonPlan, ratings: Ratings, catalog: Catalog | None, folder: Path, progress: Progress | None = None,
    on: str = ONE_AT_A_TIME,
) -> ComparisonOutcome:  # fmt: skip
    """Measure every cell of `plan`, each in a process of its own.

    Results are stored in `folder` as soon as each cell is finished, and stored results are reused. An interruption thus
    costs only the cells in progress.

    Args:
        on: where cells are measured, as `choose_executor` takes it.

    Raises:
        DataError: a split has leakage (`leakage.check`), or the ratings can't be split so; nothing is trained then.
    """
    checks = {split: _check_split(split, plan.seeds, ratings) for split in plan.splits}
    cells = plan.cells(fingerprint_data(ratings, catalog))
    results = {c.name: stored for c in cells if (stored := c.read_result(folder)) is not None}
    missing, failures = [cell for cell in cells if cell.name not in results], dict[str, CellFailure]()
    folder.mkdir(parents=True, exist_ok=True)
    data, bar = CellData(ratings, catalog, folder), _RemainingTime(progress or Silent(), missing, results)

    def keep(place: int, outcome: Outcome[dict[str, Any]]) -> None:
        cell = missing[place]
        if outcome.result is None:
            failures[cell.name] = CellFailure(cell, outcome.why)
        else:
            results[cell.name] = cell.store_result(folder, outcome.result)
        bar.advance()

    with running(bar, f"comparing {len(plan.settings)} models", len(cells)):
        bar.advance(len(results))
        if missing:
            with spreading(Shared(data, data.write, CellData.read, folder), on, bar, fresh=True) as spread:
                spread(run_cell, [(cell, class_path(cell.model)) for cell in missing], keep, _name_cell)
    measured = [results[cell.name] for cell in cells if cell.name in results]
    return ComparisonOutcome(measured, [failures[cell.name] for cell in missing if cell.name in failures], checks)


def _name_cell(job: tuple[Cell, str | None]) -> str:
    return str(job[0])


class _RemainingTime:
    """Progress bar whose notes begin with the estimated time left."""

    def __init__(self, bar: Progress, cells: Sequence[Cell], results: Mapping[str, dict[str, Any]]) -> None:
        self._cells, self._results = cells, results
        self.start, self.stop, self._bar = bar.start, bar.stop, bar
        self._started = time.monotonic()

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Move on; a note is shown behind the time that the cells without a result take."""
        left = [cell for cell in self._cells if cell.name not in self._results]
        time_left = estimate_time_left(left, self._results.values(), self._pace()) if note else ""
        self._bar.advance(steps, f"{time_left}{note}")

    def _pace(self) -> float:
        """Return the seconds that pass for a second of a cell: less than 1 where several are measured at a time."""
        measured = sum(self._results[cell.name]["seconds"] for cell in self._cells if cell.name in self._results)
        return (time.monotonic() - self._started) / measured if measured else 1.0


def estimate_time_left(cells: Sequence[Cell], done: Iterable[dict[str, Any]], pace: float = 1.0) -> str:
    """Estimate the time of `cells`, formatted with a trailing comma; empty before any cell is done.

    Each cell counts with the mean time of the model's finished cells, or of all models if it has none. A progress bar
    can't estimate this from its steps, because the times of models differ too much. A second of a cell takes `pace`.
    """
    durations: dict[str, list[float]] = {}
    for result in done:
        durations.setdefault(result["key"]["model"], []).append(result["seconds"])
    if not durations:
        return ""
    overall = fmean(fmean(seconds) for seconds in durations.values())
    left = pace * sum(fmean(durations[cell.model]) if cell.model in durations else overall for cell in cells)
    return f"about {left / 60:,.0f} min left, " if left >= 90 else f"about {left:.0f} s left, "


def _check_split(split: str, seeds: int, ratings: Ratings) -> tuple[str, ...]:
    """Check a split for leakage with every seed; return descriptions of the checks.

    A published protocol is cut as its papers do. Return what makes figures by it incomparable with theirs.
    """
    if split in PROTOCOLS:
        return PROTOCOLS[split].cut(ratings)[1]
    checks: tuple[str, ...] = ()
    for seed in range(seeds):
        for _, parts in make_questions(split, ratings, seed):
            checks = leakage.check(parts, split)
    return checks
