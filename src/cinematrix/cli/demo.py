"""`cinematrix demo`: the whole workflow on a default data set."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cinematrix.cli.options import Force

if TYPE_CHECKING:
    from rich.console import Console

    from cinematrix.data.training_data import TrainingData
    from cinematrix.evaluation.measures import Evaluation
    from cinematrix.models.base import Recommender

MODELS = ("popular", "bias", "deep-mf-classic", "deep-mf")
"""Models that are trained; the last one is saved."""

MEASURES = ("rmse", "mae", "ndcg@10", "recall@10", "coverage@10")
"""Measures shown in the table."""


def demo(
    data: Annotated[Path | None, typer.Option("--data", help="Your own ratings instead of the default.")] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for the model; the plot is saved beside it.")] = Path(
        "demo-model"
    ),
    force: Force = False,
) -> None:
    """Run the whole workflow in about two minutes: get data, train, evaluate, recommend, save."""
    from cinematrix.cli.output import make_console
    from cinematrix.common.progress_bar import TerminalBar
    from cinematrix.data.movielens import default
    from cinematrix.data.readers import read
    from cinematrix.data.splits import random
    from cinematrix.evaluation.by_segment import measure_user_segments
    from cinematrix.evaluation.plots import plot_learning_curves
    from cinematrix.models.artifact import build_manifest, check_output_folder, save

    check_output_folder(out, force=force)
    started, console, bar = time.perf_counter(), make_console(), TerminalBar()
    source = default(data, progress=bar)
    dataset = read(source.path, progress=bar)
    cut = random(dataset.ratings)
    console.print(f"[bold]1  Data[/bold]  {source.note}", soft_wrap=True)
    console.print(f"   {dataset.ratings!r}", markup=False)
    console.print(f"   {cut}", markup=False)
    console.print("\n[bold]2  Train and evaluate[/bold]  each model on the training part, tested on the rest")
    models: dict[str, Recommender] = {}
    results = []
    for name in MODELS:
        models[name], seconds, evaluation = _train(name, cut, dataset.catalog, bar)
        results.append((name, seconds, evaluation))
    console.print(_make_comparison(results))
    console.print(f"   {results[-1][2].protocol}".replace("\n", "\n   "), markup=False, soft_wrap=True, style="dim")
    console.print("\n[bold]3  Recommend[/bold]")
    _recommend(models["deep-mf"], console)
    evaluation = results[-1][2]
    metrics = evaluation.as_dict() | {"segments": measure_user_segments(evaluation)}
    manifest = build_manifest(models["deep-mf"], cut.train, dataset.name, dataset.source)
    save(models["deep-mf"], out, {**manifest, "metrics": metrics}, force=force)
    plot_learning_curves(
        {str(by): log for by, log in models["deep-mf"].log.items()},
        out.with_suffix(".png"),
        title="deep-mf: error by epoch",
    )
    console.print(f"\n[bold]4  Saved[/bold]  the model in {out}, its learning curves in {out.with_suffix('.png')}")
    console.print(f"\nDone in {time.perf_counter() - started:.0f} s. Next:", style="bold")
    for line in _suggest_commands(out, models["deep-mf"].data):
        console.print(f"   {line}", markup=False, soft_wrap=True)


def _train(name: str, cut: Any, catalog: Any, bar: Any) -> "tuple[Recommender, float, Evaluation]":
    from cinematrix.evaluation.evaluate import evaluate
    from cinematrix.models import model_class

    started = time.perf_counter()
    model = model_class(name)().fit(cut.train, catalog, progress=bar)
    seconds = time.perf_counter() - started
    return model, seconds, evaluate(model, cut.test, split=cut.protocol, progress=bar)


def _make_comparison(results: "list[tuple[str, float, Evaluation]]") -> Any:
    """Make a table with a row per model and a column per measure, with 95 % intervals."""
    from cinematrix.cli.output import make_table

    rows = []
    for name, seconds, evaluation in results:
        measures = {measure.name: measure for measure in evaluation.measures}
        cells = []
        for measure in (measures[m] for m in MEASURES):
            interval = f" ±{(measure.high - measure.low) / 2:.3f}" if measure.high == measure.high else ""
            cells.append(f"{measure.value:.4f}{interval}")
        rows.append(["  " + name, *cells, f"{seconds:.1f} s"])
    return make_table(["  model", *(f"{m}#" for m in MEASURES), "training#"], rows)


def _recommend(model: "Recommender", console: "Console") -> None:
    """Print the lists of the user with the median number of ratings, and of a new user with five ratings."""
    import numpy as np
    from rich.markup import escape
    from rich.padding import Padding

    from cinematrix.cli.recommend import print_recommendations
    from cinematrix.recommendation.lists import get_history, recommend

    known = model.data
    active = np.flatnonzero(known.history.counts)
    user = active[np.argsort(known.history.counts[active], kind="stable")[len(active) // 2]]
    id_ = known.users.ids[user]
    history = get_history(model, id_)
    values = np.zeros(len(history.items)) if history.values is None else history.values
    liked = history.items[np.argsort(-values, kind="stable")[:5]]
    likes = "; ".join(known.catalog.label(m) for m in liked.tolist())
    console.print(Padding(f"[bold]user {id_}[/bold], who liked {escape(likes)}", (0, 0, 0, 3)))
    print_recommendations(model, recommend(model, history, 5).items, [])
    ratings = _make_new_user(known)
    listed = "; ".join(f"{known.catalog.label(known.movies.number(m))}: {stars:g}" for m, stars in ratings.items())
    console.print(Padding(f"\n[bold]a new user[/bold] with {len(ratings)} ratings: {escape(listed)}", (0, 0, 0, 3)))
    new_user, _ = known.histories([ratings])
    print_recommendations(model, recommend(model, new_user, 5).items, [])


def _make_new_user(known: "TrainingData") -> dict[Any, float]:
    """Make a user who loves the three most rated movies of one genre and dislikes two of another."""
    import numpy as np

    order = np.argsort(-known.raters, kind="stable")
    genres = known.catalog.frame["genres"].to_list()
    low, high = (known.scale.low, known.scale.high) if known.scale else (1.0, 1.0)
    loves = [m for m in order if "Sci-Fi" in genres[m]][:3] or list(order[:3])
    hates = [m for m in order if "Romance" in genres[m] and m not in loves][:2] or list(order[3:5])
    stars = [high] * len(loves) + [low + (high - low) / 4] * len(hates)
    if known.scale and known.scale.step:
        stars = [low + round((s - low) / known.scale.step) * known.scale.step for s in stars]
    return {known.movies.ids[m].item(): s for m, s in zip([*loves, *hates], stars, strict=True)}


def _suggest_commands(out: Path, known: "TrainingData") -> list[str]:
    user = known.users.ids[known.history.counts.argmax()]
    return [
        f"cinematrix recommend {out} --user {user} --where 'genre=Drama year>=1990'",
        f"cinematrix similar {out} --movie {known.movies.ids[known.history.items[0]]}",
        "cinematrix train YOUR-RATINGS.csv --out my-model",
        "cinematrix --help",
    ]
