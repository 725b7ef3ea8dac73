"""Measuring models, comparing them, and searching for their settings."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, overload

from cinematrix.api.data import as_catalog, as_test
from cinematrix.api.data import ratings as as_dataset
from cinematrix.api.inputs import listed, require_number
from cinematrix.api.model import Model, recommender_of
from cinematrix.common.progress import Progress
from cinematrix.common.progress_bar import default_progress
from cinematrix.evaluation.compare.by_protocol import ProtocolReport
from cinematrix.evaluation.compare.report import ComparisonReport
from cinematrix.evaluation.compare.run import ONE_AT_A_TIME, ComparisonPlan, choose_splits, run_comparison
from cinematrix.evaluation.evaluate import EvaluationOptions
from cinematrix.evaluation.evaluate import evaluate as evaluate_recommender
from cinematrix.evaluation.measures import Evaluation
from cinematrix.evaluation.paired import add_differences, evaluate_against_order
from cinematrix.evaluation.protocols import PROTOCOLS, ProtocolTable
from cinematrix.evaluation.tuning import TuningResult
from cinematrix.evaluation.tuning import tune as search_settings
from cinematrix.models import model_class
from cinematrix.models.orders import ListOrder
from cinematrix.models.registry import build_settings

protocols: ProtocolTable = PROTOCOLS
"""Published protocols by name, for `compare`; `protocols["fixed-dates"].cut(ratings)` gives the split alone."""


def evaluate(
    model: Any,
    test: Any,
    *,
    k: int = 10,
    by: ListOrder | None = None,
    against: Any = None,
    metrics: str | Sequence[str | Callable[..., Any]] | None = None,
    relevant_from: float | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure a model on ratings that it hasn't seen. Return the measures with their protocol.

    Args:
        model: a fitted `Model` or recommender.
        test: the test part of `cinematrix.split`, or any table of ratings; matched by ID.
        k: the length of the lists.
        by: what orders the lists: ranking or stars; None: the order of `recommend`.
        against: another order, another fitted model (with the lists in the same order), or an `Evaluation` on the same
            test; the result has each measure's difference from it, paired by user. None: no comparison.
        metrics: names such as `rmse` or `ndcg`, and functions of (movies `[users, k]`, tested histories) that return
            one value a user; None: the built-in ones, which docs/evaluating.md describes. It also has those that are
            measured only by name, such as `capped_recall`.
        relevant_from: a tested movie is relevant from this rating up; None: every tested movie is.
        seed: of the bootstrap.
        progress: the progress bar; None: one on stderr or in the notebook.

    Raises:
        DataError: a tested rating is part of the histories, or the test is on another scale.
        SettingError: there is no such metric or order, or the model has no stars to order by.
    """
    recommender = recommender_of(model)
    require_number("k", k, 1, whole=True)
    require_number("seed", seed, 0, whole=True)
    metrics = None if metrics is None else listed(metrics)
    part = as_test(test, recommender.data.scale)
    bar = default_progress() if progress is None else progress
    options: EvaluationOptions = {
        "given": part.given, "k": k, "metrics": metrics, "relevant_from": relevant_from, "seed": seed, "progress": bar,
    }  # fmt: skip
    if part.protocol:
        options["split"] = part.protocol
    if isinstance(against, str):
        return evaluate_against_order(recommender, part.ratings, by, against, **options)
    other = None if against is None or isinstance(against, Evaluation) else recommender_of(against)
    found = evaluate_recommender(recommender, part.ratings, by=by, **options)
    if other is not None:
        against = evaluate_recommender(other, part.ratings, by=by, **options)
    return found if against is None else add_differences(found, against)


@overload
def compare(
    data: Any,
    models: str | Model | Iterable[str | Model],
    *,
    splits: str | Iterable[str] | None = None,
    protocol: None = None,
    seeds: int = 1,
    by: ListOrder | None = None,
    trials: int = 0,
    folder: str | PathLike[str] | None = None,
    catalog: Any = None,
    on: str = ONE_AT_A_TIME,
    progress: Progress | None = None,
) -> ComparisonReport: ...


@overload
def compare(
    data: Any,
    models: str | Model | Iterable[str | Model],
    *,
    protocol: str,
    seeds: int = 1,
    trials: int = 0,
    folder: str | PathLike[str] | None = None,
    catalog: Any = None,
    on: str = ONE_AT_A_TIME,
    progress: Progress | None = None,
) -> ProtocolReport: ...


def compare(
    data: Any,
    models: str | Model | Iterable[str | Model],
    *,
    splits: str | Iterable[str] | None = None,
    protocol: str | None = None,
    seeds: int = 1,
    by: ListOrder | None = None,
    trials: int = 0,
    folder: str | PathLike[str] | None = None,
    catalog: Any = None,
    on: str = ONE_AT_A_TIME,
    progress: Progress | None = None,
) -> ComparisonReport | ProtocolReport:
    """Compare models on the same splits, each trained and measured in a process of its own. Return the report.

    Args:
        data: a `Dataset`, or any table that `cinematrix.ratings` takes.
        models: names, or unfitted models with settings; `popular` and `bias` (with a protocol one of both) are added.
        splits: random, time, half, new-users, new-movies; None: random.
        protocol: a name in `cinematrix.protocols`, instead of splits; the report has the figures of papers too.
        seeds: how many times each model is trained on each split.
        by: what orders the lists: ranking or stars; None: the order of `recommend`, or of the protocol.
        trials: of a search for each model's settings within the training part; 0: none.
        folder: keeps finished measurements, so that an interrupted comparison goes on; None: nothing is kept.
        catalog: a `Catalog` or a table of movies; None: the one that comes with `data`.
        on: where they are measured: processes:1 (one at a time), processes, processes:N, local, ray or ray://HOST:PORT.
        progress: the progress bar; None: one on stderr or in the notebook.

    Raises:
        SettingError: there is no such model, split, protocol, order or executor.
        DataError: the ratings can't be split so.
    """
    models, chosen = listed(models), choose_splits(None if splits is None else listed(splits), protocol)
    require_number("seeds", seeds, 1, whole=True)
    require_number("trials", trials, 0, whole=True)
    dataset = as_dataset(data, catalog)
    named: Mapping[str, Any] = {model.name: model.recommender.settings for model in models if isinstance(model, Model)}
    names = [model.name if isinstance(model, Model) else model for model in models]
    plan = ComparisonPlan.of(names, named, chosen, seeds, trials, by)
    bar = default_progress() if progress is None else progress
    with TemporaryDirectory() as temporary:
        outcome = run_comparison(plan, dataset.ratings, dataset.catalog, Path(folder or temporary), bar, on)
    source = dataset.source or dataset.name
    if protocol is None:
        order = "" if by is None else f", by={by!r}"
        command = f"cinematrix.compare({source!r}, {names!r}, splits={list(plan.splits)!r}{order})"
        return ComparisonReport.of(plan, outcome, dataset.ratings, source, command)
    command = f"cinematrix.compare({source!r}, {names!r}, protocol={protocol!r})"
    return ProtocolReport.of(plan, outcome, dataset.ratings, source, command, content=dataset.catalog is not None)


def tune(
    model: str | Model,
    data: Any,
    *,
    trials: int,
    split: str = "random",
    study: str | PathLike[str] | None = None,
    seed: int = 0,
    catalog: Any = None,
    on: str = "local",
    progress: Progress | None = None,
    **settings: Any,
) -> TuningResult:
    """Search for a model's best settings by validation within `data`, which should be the training part alone.

    Args:
        model: a name, or an unfitted model to start from.
        data: a `Dataset`, or any table that `cinematrix.ratings` takes.
        trials: in all, those of an earlier search in `study` included.
        split: how validation ratings are cut off: random, per-user, time, half, new-users or new-movies.
        study: a file that keeps the search; None: it isn't kept.
        seed: of the search.
        catalog: a `Catalog` or a table of movies; None: the one that comes with `data`.
        on: where trials run, four at a time: local, processes, processes:N, ray or ray://HOST:PORT.
        progress: the progress bar; None: one on stderr or in the notebook.
        settings: where to start, and what isn't searched.

    Raises:
        SettingError: the model has no settings to search, or there is no such split.
        MissingExtraError: Optuna isn't installed.
    """
    require_number("trials", trials, 1, whole=True)
    require_number("seed", seed, 0, whole=True)
    dataset = as_dataset(data, catalog)
    kind = type(model.recommender) if isinstance(model, Model) else model_class(model)
    start = model.recommender.settings if isinstance(model, Model) else build_settings(kind, settings)
    return search_settings(
        kind, dataset.ratings, as_catalog(dataset), trials=trials, settings=start, cut=split,
        study=None if study is None else Path(study), seed=seed, on=on,
        progress=default_progress() if progress is None else progress,
    )  # fmt: skip
