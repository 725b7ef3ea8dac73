"""The search for a model's hyper-parameters, within the training ratings alone.

Each trial trains on several cuts of the training ratings and is measured on what they leave out, cut as the test is
(see `TUNING_SPLITS`). A trial that is worse after a cut than most others were there is given up. The study lies in a file, so
that it goes on where it was interrupted. Optuna (Akiba et al. 2019) chooses the trials, by its tree-structured Parzen
estimator.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cinematrix.common.optional import require_package
from cinematrix.common.progress import Progress
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
"""Cuts that a trial is measured on, one after the other."""

MIN_FINISHED_TRIALS = 5
"""Finished trials before one may be given up."""

TUNING_SPLITS: dict[str, Callable[[Ratings, int], Split]] = {
    "random": lambda ratings, round_: splits.random(ratings, seed=1_000 + round_),
    "per-user": lambda ratings, round_: splits.per_user(ratings, seed=1_000 + round_),
    "time": lambda ratings, round_: splits.global_time(ratings, 0.1 * (1 + round_)),
    "new-users": lambda ratings, round_: splits.new_users(ratings, seed=1_000 + round_),
    "new-movies": lambda ratings, round_: splits.new_movies(ratings, seed=1_000 + round_),
}
"""How training ratings are cut for each split, a function of (ratings, round 0…ROUNDS − 1)."""


@dataclass(frozen=True)
class TuningResult:
    """What a search found.

    Attributes:
        settings: the best hyper-parameters, whole.
        chosen: those of them that the search chose.
        measure: what was made small (`rmse`) or large (`ndcg@10`).
        value: its mean over the cuts, for the best trial.
        default: the same for the settings that the search began with; None if they aren't in the space.
        trials, pruned: how many there were, and how many of them were given up.
    """

    settings: Any
    chosen: dict[str, Any]
    measure: str
    value: float
    default: float | None
    trials: int
    pruned: int


def check_tunable(kind: type[Recommender]) -> None:
    """Refuse to tune what has no space, or where Optuna isn't installed.

    Raises:
        SettingError: the model declares no space of hyper-parameters.
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
    """The best of `trials` settings of the model `kind` for `ratings`.

    Args:
        ratings: to train on; nothing outside of them is looked at.
        trials: in all, those of an earlier search in `study` included.
        settings: where to start, and what isn't searched; None: the model's own.
        cut: the name in `TUNING_SPLITS` of how the ratings are cut.
        study: the file that keeps the search; None: it isn't kept.
        seed: of the search.

    Raises:
        SettingError: as `check_tunable` says; `cut` has no such name; the study is of another search.
        MissingExtraError: Optuna isn't installed.
        TrainingError: no trial came to an end. (One that diverges counts among the trials and is passed over.)
    """
    check_tunable(kind)
    if cut not in TUNING_SPLITS:
        raise SettingError(f"there is no cut {cut!r} to tune by; take one of {', '.join(TUNING_SPLITS)}")
    start = kind.Settings() if settings is None else settings
    search = _Objective(kind, start, ratings, catalog, TUNING_SPLITS[cut], progress)
    found = _open_study(study, search, f"{kind.name} by {cut}", seed)
    first = {name: getattr(start, name) for name in search.space}
    if not found.trials and all(_is_within(value, search.space[name]) for name, value in first.items()):
        found.enqueue_trial(first)
    ended = [trial for trial in found.trials if trial.state.is_finished()]
    if progress:
        progress.start(f"tuning {kind.name}", trials)
        progress.advance(min(len(ended), trials))
    try:
        left = max(0, trials - len(ended))
        found.optimize(search, n_trials=left, catch=(TrainingError,), callbacks=[search.heard])
    finally:
        if progress:
            progress.stop()
    if not any(trial.state.name == "COMPLETE" for trial in found.trials):
        raise TrainingError(f"none of the {trials} trials of {kind.name} could be trained; give more trials")
    return search.result(found, first)


@dataclass(frozen=True)
class _Objective:
    """The objective: a trial's settings, measured on cut after cut."""

    kind: type[Recommender]
    start: Any
    ratings: Ratings
    catalog: Catalog | None
    cut: Callable[[Ratings, int], Split]
    progress: Progress | None

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
            total += self._value(settings, self.cut(self.ratings, round_))
            trial.report(total / (round_ + 1), round_)
            if trial.should_prune():
                raise TrialPruned
        return total / ROUNDS

    def _value(self, settings: Any, split: Split) -> float:
        model = self.kind(settings)
        model.fit(split.train, self.catalog)
        return evaluate(model, split.test, given=split.given)[self.measure]

    def heard(self, study: "Study", trial: Any) -> None:
        if self.progress:
            done = any(each.value is not None for each in study.trials)
            self.progress.advance(note=f"best {self.measure} {study.best_value:.4f}" if done else "")

    def result(self, study: "Study", first: dict[str, Any]) -> TuningResult:
        best = study.best_trial
        whole = [trial for trial in study.trials if trial.state.is_finished()]
        at_first = [t.value for t in whole if t.value is not None and t.params == first]
        chosen = dict(best.params)
        return TuningResult(
            settings=dataclasses.replace(self.start, **chosen),
            chosen=chosen,
            measure=self.measure,
            value=float(study.best_value),
            default=at_first[0] if at_first else None,
            trials=len(whole),
            pruned=sum(trial.state.name == "PRUNED" for trial in whole),
        )


def _open_study(file: Path | None, search: _Objective, name: str, seed: int) -> "Study":
    """The study in `file`, begun if it isn't there; it forgets the trial that an interruption left unfinished."""
    import optuna
    from optuna.storages import InMemoryStorage, JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = InMemoryStorage() if file is None else JournalStorage(JournalFileBackend(str(file)))
    known = [each.study_name for each in storage.get_all_studies()]
    if known not in ([], [name]):
        raise SettingError(f"{file} holds a search of {known[0]} and not of {name}; give another file")
    made = optuna.create_study(
        storage=storage,
        sampler=optuna.samplers.TPESampler(seed=seed + len(storage.get_all_trials(0)) if known else seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=MIN_FINISHED_TRIALS),
        study_name=name,
        direction="minimize" if search.measure == "rmse" else "maximize",
        load_if_exists=True,
    )
    for trial in made.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        made.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    return made


def _suggest(trial: "Trial", name: str, values: SearchRange | tuple[Any, ...]) -> Any:
    if not isinstance(values, SearchRange):
        return trial.suggest_categorical(name, values)
    if isinstance(values.low, int) and isinstance(values.high, int):
        return trial.suggest_int(name, values.low, values.high, log=values.log)
    return trial.suggest_float(name, values.low, values.high, log=values.log)


def _is_within(value: Any, values: SearchRange | tuple[Any, ...]) -> bool:
    return values.low <= value <= values.high if isinstance(values, SearchRange) else value in values
