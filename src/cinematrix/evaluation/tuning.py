"""Hyper-parameter search within the training ratings, with Optuna.

Each trial is trained and validated on several splits of the training ratings, of the same kind as the split of the test
(`trials.TUNING_SPLITS`). Trials are chosen in batches, so that several can run at a time, and the result is the same if
they don't. A trial that is worse than the median of earlier ones after a split is pruned. The study can be stored in a
file, and an interrupted search resumes from it. Optuna (Akiba et al. 2019) chooses the trials by its tree-structured
Parzen estimator.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from cinematrix.common.html import html_table
from cinematrix.common.optional import require_package
from cinematrix.common.progress import Progress, Silent, running
from cinematrix.common.settings import SearchRange, SearchSpace, get_search_space
from cinematrix.common.spread.run import Spread, spreading
from cinematrix.common.spread.work import Outcome, Shared
from cinematrix.common.text import count_of
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.errors import SettingError, TrainingError
from cinematrix.evaluation.trials import ROUNDS, TUNING_SPLITS, TrialRound, TuningData, validate
from cinematrix.models.base import Recommender

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial, TrialState

BATCH = 4
"""Number of trials that are chosen at a time, without the results of each other."""

MIN_FINISHED_TRIALS = 5
"""Number of finished trials before pruning starts."""

AGAIN = "again"
"""Attribute of a trial: the number of an interrupted one whose settings it has."""


@dataclass(frozen=True)
class TuningResult:
    """Result of a search.

    Attributes:
        settings: the best settings, those that aren't searched included.
        chosen: the searched settings among them.
        measure: the measure that was minimised (`rmse`) or maximised (`ndcg@10`).
        value: its mean over the splits, for the best trial.
        default: the same for the initial settings; None if they are outside the search space or weren't finished.
        trials, pruned: number of trials, and of those pruned.
        model: name of the model.
    """

    settings: Any
    chosen: dict[str, Any]
    measure: str
    value: float
    default: float | None
    trials: int
    pruned: int
    model: str = ""

    def __str__(self) -> str:
        default = "" if self.default is None else f", {self.default:.4f} with the settings at the start"
        chosen = ", ".join(f"{name}={value!r}" for name, value in self.chosen.items())
        return (
            f"{self.model}: {self.measure} {self.value:.4f} in validation{default}; {count_of(self.trials, 'trial')}, "
            f"{self.pruned} stopped early\n{chosen}"
        )

    def _repr_html_(self) -> str:
        notes = str(self).splitlines()[0]
        return html_table(["setting", "value"], list(self.chosen.items()), f"Best settings of {self.model}", notes)


def check_tunable(kind: type[Recommender]) -> None:
    """Check that the model has a search space and that Optuna is installed.

    Raises:
        SettingError: the model has no search space.
        MissingExtraError: Optuna isn't installed.
    """
    if not get_search_space(kind.Settings):
        raise SettingError(
            f"{kind.name} has no space of hyper-parameters to search; train it with its settings as they are"
        )
    require_package("optuna", kind.name)


def tune(
    kind: type[Recommender],
    ratings: Ratings,
    catalog: Catalog | None = None,
    *,
    trials: int,
    settings: Any = None,
    cut: str = "random",
    study: Path | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    on: str = "local",
) -> TuningResult:
    """Search for the best settings of the model class `kind` on `ratings`.

    Args:
        kind: the model class.
        ratings: the training ratings; the search uses no others.
        catalog: metadata of the movies.
        trials: number of trials, those of an earlier search in `study` included.
        settings: initial settings, and values of those that aren't searched; None: the model's defaults.
        cut: name of the validation split, in `trials.TUNING_SPLITS`.
        study: file that stores the search; None: the search isn't stored.
        seed: of the search.
        progress: receiver of one step per trial.
        on: where trials run, as `choose_executor` takes it.

    Raises:
        SettingError: the model has no search space, `cut` is no such name, or `study` stores another search.
        MissingExtraError: Optuna isn't installed.
        TrainingError: no trial could be trained. (A single trial that diverges counts as a trial without a result.)
    """
    check_tunable(kind)
    if cut not in TUNING_SPLITS:
        raise SettingError(f"there is no cut {cut!r} to tune by; use one of {', '.join(TUNING_SPLITS)}")
    start, bar = kind.Settings() if settings is None else settings, progress or Silent()
    measure = "rmse" if kind.abilities.stars and ratings.rating is not None else "ndcg@10"
    optuna_study = _open_study(study, measure, f"{kind.name} by {cut}")
    search = _Search(kind, start, cut, measure, optuna_study, seed, bar)
    search.enqueue_start()
    data = TuningData(ratings, catalog)
    with running(bar, f"tuning {kind.name}", trials):
        bar.advance(min(len(search.finished), trials))
        if len(search.finished) < trials:
            with spreading(Shared(data, data.write, TuningData.read), on, bar) as spread:
                while (left := trials - len(search.finished)) > 0:
                    search.run_batch(min(BATCH, left), spread)
    if not any(trial.state.name == "COMPLETE" for trial in optuna_study.trials):
        raise TrainingError(f"none of the {trials} trials of {kind.name} could be trained; give more trials")
    return search.result()


@dataclass(frozen=True)
class _Search:
    """A search: its study, and what each trial needs."""

    kind: type[Recommender]
    start: Any
    cut: str
    measure: str
    study: "Study"
    seed: int
    progress: Progress

    @property
    def space(self) -> SearchSpace:
        return get_search_space(self.kind.Settings)

    @property
    def first(self) -> dict[str, Any]:
        """Searched settings at the start."""
        return {name: getattr(self.start, name) for name in self.space}

    @property
    def finished(self) -> "list[FrozenTrial]":
        """Trials that have ended, without those that were interrupted and run again under another number."""
        trials = self.study.trials
        again = {trial.user_attrs.get(AGAIN) for trial in trials}
        return [trial for trial in trials if trial.state.is_finished() and trial.number not in again]

    def enqueue_start(self) -> None:
        """Let a new search begin with the settings at the start, if they are within the search space."""
        if not self.study.trials and all(_is_within(value, self.space[name]) for name, value in self.first.items()):
            self.study.enqueue_trial(self.first)

    def run_batch(self, size: int, spread: Spread[TuningData]) -> None:
        """Choose trials and validate them, split by split; those that are pruned or fail drop out."""
        self.study.sampler = _sampler(self.seed + len(self.finished))
        trials = [self.study.ask() for _ in range(size)]
        settings = [self._choose_settings(trial) for trial in trials]
        values: dict[int, list[float]] = {place: [] for place in range(size)}
        for round_ in range(ROUNDS):
            places = list(values)
            jobs = [
                TrialRound(trials[place].number, self.kind, settings[place], self.cut, round_, self.measure)
                for place in places
            ]
            outcomes: dict[int, Outcome[float]] = {}
            spread(validate, jobs, outcomes.__setitem__)
            for place, job, (_, outcome) in zip(places, jobs, sorted(outcomes.items()), strict=True):
                if self._is_over(trials[place], values[place], outcome, job):
                    del values[place]

    def _choose_settings(self, trial: "Trial") -> Any:
        return dataclasses.replace(self.start, **{name: _suggest(trial, name, v) for name, v in self.space.items()})

    def _is_over(self, trial: "Trial", values: list[float], outcome: Outcome[float], job: TrialRound) -> bool:
        """Add a trial's value on a split; tell the study if it is the last one."""
        from optuna.trial import TrialState

        if outcome.why and issubclass(outcome.kind, TrainingError):
            self._finish(trial, None, TrialState.FAIL)
            return True
        values.append(outcome.get(str(job)))
        trial.report(fmean(values), job.round)
        if job.round == ROUNDS - 1:
            self._finish(trial, fmean(values), TrialState.COMPLETE)
        elif trial.should_prune():
            self._finish(trial, None, TrialState.PRUNED)
        else:
            return False
        return True

    def _finish(self, trial: "Trial", value: float | None, state: "TrialState") -> None:
        self.study.tell(trial, value, state)
        has_value = any(each.value is not None for each in self.study.trials)
        self.progress.advance(note=f"best {self.measure} {self.study.best_value:.4f}" if has_value else "")

    def result(self) -> TuningResult:
        finished = self.finished
        first_values = [t.value for t in finished if t.value is not None and t.params == self.first]
        chosen = dict(self.study.best_trial.params)
        return TuningResult(
            settings=dataclasses.replace(self.start, **chosen),
            chosen=chosen,
            measure=self.measure,
            value=float(self.study.best_value),
            default=first_values[0] if first_values else None,
            model=self.kind.name,
            trials=len(finished),
            pruned=sum(trial.state.name == "PRUNED" for trial in finished),
        )


def _open_study(file: Path | None, measure: str, name: str) -> "Study":
    """Open the study in `file`, or create it; trials that an interruption left unfinished are to run again."""
    import optuna
    from optuna.storages import InMemoryStorage, JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = InMemoryStorage() if file is None else JournalStorage(JournalFileBackend(str(file)))
    stored = [each.study_name for each in storage.get_all_studies()]
    if stored not in ([], [name]):
        raise SettingError(f"{file} holds a search of {stored[0]} and not of {name}; give another file")
    study = optuna.create_study(
        storage=storage,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=MIN_FINISHED_TRIALS),
        study_name=name,
        direction="minimize" if measure == "rmse" else "maximize",
        load_if_exists=True,
    )
    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        study.enqueue_trial(trial.params, {AGAIN: trial.number})
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    return study


def _sampler(seed: int) -> "BaseSampler":
    """Return the sampler of a batch, which keeps its trials apart."""
    import warnings

    import optuna

    with warnings.catch_warnings(category=optuna.exceptions.ExperimentalWarning, action="ignore"):
        return optuna.samplers.TPESampler(seed=seed, constant_liar=True)


def _suggest(trial: "Trial", name: str, values: SearchRange | tuple[Any, ...]) -> Any:
    if not isinstance(values, SearchRange):
        return trial.suggest_categorical(name, values)
    if isinstance(values.low, int) and isinstance(values.high, int):
        return trial.suggest_int(name, values.low, values.high, log=values.log)
    return trial.suggest_float(name, values.low, values.high, log=values.log)


def _is_within(value: Any, values: SearchRange | tuple[Any, ...]) -> bool:
    return values.low <= value <= values.high if isinstance(values, SearchRange) else value in values
