"""Hyper-parameter search within the training ratings, with Optuna.

Each trial is trained and validated on several splits of the training ratings, of the same kind as the split of the test
(see `TUNING_SPLITS`). A trial that is worse than the median of the others after a split is pruned. The study can be
stored in a file, and an interrupted search resumes from it. Optuna (Akiba et al. 2019) chooses the trials by its
tree-structured Parzen estimator.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cinematrix.common.html import html_table
from cinematrix.common.optional import require_package
from cinematrix.common.progress import Progress, Silent, running
from cinematrix.common.settings import SearchRange, SearchSpace, get_search_space
from cinematrix.data import splits
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import Split
from cinematrix.errors import SettingError, TrainingError
from cinematrix.evaluation.evaluate import evaluate
from cinematrix.models.base import Recommender

if TYPE_CHECKING:
    from optuna import Study, Trial

ROUNDS = 3
"""Number of splits that a trial is measured on."""

MIN_FINISHED_TRIALS = 5
"""Number of finished trials before pruning starts."""

TUNING_SPLITS: dict[str, Callable[[Ratings, int], Split]] = {
    "random": lambda ratings, round_: splits.random(ratings, seed=1_000 + round_),
    "per-user": lambda ratings, round_: splits.per_user(ratings, seed=1_000 + round_),
    "time": lambda ratings, round_: splits.global_time(ratings, 0.1 * (1 + round_)),
    "half": lambda ratings, round_: splits.half(ratings, 0.1 * (1 + round_)),
    "new-users": lambda ratings, round_: splits.new_users(ratings, seed=1_000 + round_),
    "new-movies": lambda ratings, round_: splits.new_movies(ratings, seed=1_000 + round_),
}
"""Validation splits by name: functions of (ratings, round 0…ROUNDS − 1)."""


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
            f"{self.model}: {self.measure} {self.value:.4f} in validation{default}; {self.trials} trials, "
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
) -> TuningResult:
    """Search for the best settings of the model class `kind` on `ratings`.

    Args:
        kind: the model class.
        ratings: the training ratings; the search uses no others.
        catalog: metadata of the movies.
        trials: number of trials, those of an earlier search in `study` included.
        settings: initial settings, and values of those that aren't searched; None: the model's defaults.
        cut: name of the validation split, in `TUNING_SPLITS`.
        study: file that stores the search; None: the search isn't stored.
        seed: of the search.
        progress: receiver of one step per trial.

    Raises:
        SettingError: the model has no search space, `cut` is no such name, or `study` stores another search.
        MissingExtraError: Optuna isn't installed.
        TrainingError: no trial could be trained. (A single trial that diverges counts as a trial without a result.)
    """
    check_tunable(kind)
    if cut not in TUNING_SPLITS:
        raise SettingError(f"there is no cut {cut!r} to tune by; use one of {', '.join(TUNING_SPLITS)}")
    start, bar = kind.Settings() if settings is None else settings, progress or Silent()
    objective = _Objective(kind, start, ratings, catalog, TUNING_SPLITS[cut], bar)
    optuna_study = _open_study(study, objective, f"{kind.name} by {cut}", seed)
    first = {name: getattr(start, name) for name in objective.space}
    if not optuna_study.trials and all(_is_within(value, objective.space[name]) for name, value in first.items()):
        optuna_study.enqueue_trial(first)
    n_finished = sum(trial.state.is_finished() for trial in optuna_study.trials)
    with running(bar, f"tuning {kind.name}", trials):
        bar.advance(min(n_finished, trials))
        left = max(0, trials - n_finished)
        optuna_study.optimize(objective, n_trials=left, catch=(TrainingError,), callbacks=[objective.report])
    if not any(trial.state.name == "COMPLETE" for trial in optuna_study.trials):
        raise TrainingError(f"none of the {trials} trials of {kind.name} could be trained; give more trials")
    return objective.result(optuna_study, first)


@dataclass(frozen=True)
class _Objective:
    """Objective of the search: the mean of the measure over the validation splits."""

    kind: type[Recommender]
    start: Any
    ratings: Ratings
    catalog: Catalog | None
    cut: Callable[[Ratings, int], Split]
    progress: Progress

    @property
    def space(self) -> SearchSpace:
        return get_search_space(self.kind.Settings)

    @property
    def measure(self) -> str:
        return "rmse" if self.kind.abilities.stars and self.ratings.rating is not None else "ndcg@10"

    def __call__(self, trial: "Trial") -> float:
        from optuna import TrialPruned

        settings = dataclasses.replace(self.start, **{n: _suggest(trial, n, v) for n, v in self.space.items()})
        total = 0.0
        for round_ in range(ROUNDS):
            total += self._validate(settings, self.cut(self.ratings, round_))
            trial.report(total / (round_ + 1), round_)
            if trial.should_prune():
                raise TrialPruned
        return total / ROUNDS

    def _validate(self, settings: Any, split: Split) -> float:
        model = self.kind(settings)
        model.fit(split.train, self.catalog)
        return evaluate(model, split.test, by="ranking", given=split.given)[self.measure]

    def report(self, study: "Study", trial: Any) -> None:
        """Report a finished trial to the progress bar (a callback of Optuna)."""
        has_value = any(each.value is not None for each in study.trials)
        self.progress.advance(note=f"best {self.measure} {study.best_value:.4f}" if has_value else "")

    def result(self, study: "Study", first: dict[str, Any]) -> TuningResult:
        finished = [trial for trial in study.trials if trial.state.is_finished()]
        first_values = [t.value for t in finished if t.value is not None and t.params == first]
        chosen = dict(study.best_trial.params)
        return TuningResult(
            settings=dataclasses.replace(self.start, **chosen),
            chosen=chosen,
            measure=self.measure,
            value=float(study.best_value),
            default=first_values[0] if first_values else None,
            model=self.kind.name,
            trials=len(finished),
            pruned=sum(trial.state.name == "PRUNED" for trial in finished),
        )


def _open_study(file: Path | None, objective: _Objective, name: str, seed: int) -> "Study":
    """Open the study in `file`, or create it; a trial that an interruption left unfinished is marked as failed."""
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
        sampler=optuna.samplers.TPESampler(seed=seed + len(storage.get_all_trials(0)) if stored else seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=MIN_FINISHED_TRIALS),
        study_name=name,
        direction="minimize" if objective.measure == "rmse" else "maximize",
        load_if_exists=True,
    )
    for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    return study


def _suggest(trial: "Trial", name: str, values: SearchRange | tuple[Any, ...]) -> Any:
    if not isinstance(values, SearchRange):
        return trial.suggest_categorical(name, values)
    if isinstance(values.low, int) and isinstance(values.high, int):
        return trial.suggest_int(name, values.low, values.high, log=values.log)
    return trial.suggest_float(name, values.low, values.high, log=values.log)


def _is_within(value: Any, values: SearchRange | tuple[Any, ...]) -> bool:
    return values.low <= value <= values.high if isinstance(values, SearchRange) else value in values
