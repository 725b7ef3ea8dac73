"""`cinematrix recommend`, `similar` and `predict`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cinematrix.cli.options import (
    Calibration,
    Columns,
    Count,
    Diversity,
    Exclude,
    Force,
    Json,
    ListsOn,
    MinRatings,
    MissingText,
    ModelFolder,
    Novelty,
    OrderBy,
    Shares,
    Where,
    Why,
    describe_unknown,
    parse_columns,
    parse_ids,
    resolve_movie,
    resolve_user,
)
from cinematrix.errors import InputError

if TYPE_CHECKING:
    from cinematrix.data.histories import Histories
    from cinematrix.models.base import Recommender
    from cinematrix.recommendation.lists import Filters, Recommendation
    from cinematrix.recommendation.reranking import Reranking


def recommend(
    model: ModelFolder,
    user: Annotated[
        list[str] | None, typer.Option("--user", help="ID of a user in the training data; several IDs form a group.")
    ] = None,
    how: Annotated[str, typer.Option("--how", help="Order for a group: average or least-misery stars.")] = "average",
    history: Annotated[Path | None, typer.Option("--history", help="Table of a new user: movie,rating.")] = None,
    columns: Columns = None,
    missing: MissingText = None,
    everybody: Annotated[bool, typer.Option("--all", help="Lists for all training users, to --out.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="For --all: .parquet, .csv, .jsonl, or a folder.")] = None,
    on: ListsOn = None,
    n: Count = 10,
    by: OrderBy = "liking",
    where: Where = "",
    min_ratings: MinRatings = 0,
    novelty: Novelty = 0.0,
    diversity: Diversity = 0.0,
    calibration: Calibration = 0.0,
    exclude: Exclude = "",
    why: Why = False,
    shares: Shares = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Recommend movies to a user, to a new user's history, to a group, or to all users.

    A run for all users that was interrupted continues if it is started again with the same options.
    """
    from cinematrix.models.artifact import load
    from cinematrix.recommendation.lists import Filters
    from cinematrix.recommendation.reranking import Reranking

    users, why = user or [], why or shares
    _check_recipient(bool(users), history is not None, everybody, out is not None, why)
    _check_out(out, force, on)
    recommender = load(model).model
    _check_model(recommender, by, why)
    filters = Filters(where, min_ratings, parse_ids(exclude))
    dials = Reranking(novelty, diversity, calibration)
    if out is not None:
        fields = {"n": n, "by": by, "filters": filters, "dials": dials, "on": on, "saved": model}
        return _recommend_to_all(recommender, out, fields, force, json)
    if len(users) > 1:
        _check_group(dials, why)
        return _recommend_to_group(recommender, users, n, how, by, filters, json)
    one = users[0] if users else None
    histories, unknown, notes = resolve_user(recommender, one, history, columns, missing)
    fields = {"user": one, "by": by, "unknown": unknown, "notes": notes}
    return _recommend_to_user(recommender, histories, n, fields, filters, dials, json, why=why, shares=shares)


def _check_recipient(user: bool, history: bool, everybody: bool, out: bool, why: bool) -> None:
    if user + history + everybody != 1 or everybody != out:
        raise InputError("whom to recommend to isn't clear; give --user ID, or --history FILE, or --all --out FILE")
    if out and why:
        raise InputError("--why is for the list of one user; the file of --all has no column for reasons")


def _check_out(out: Path | None, force: bool, on: str | None) -> None:
    from cinematrix.common.atomic_files import check_writable
    from cinematrix.common.table_parts import check_format

    if out is None and on is not None:
        raise InputError("--on says where the lists of --all are made; leave it out for one list")
    if out is not None:
        check_format(out)
        check_writable(out, force=force)


def _check_group(dials: "Reranking", why: bool) -> None:
    if not dials.is_off or why:
        raise InputError("--novelty, --diversity, --calibration, --why and --shares are for one user; leave them out")


def _check_model(model: "Recommender", by: str, why: bool) -> None:
    from cinematrix.models.orders import resolve_order

    if why and not model.abilities.explains:
        raise InputError(f"--why: {model.name} can't explain its lists; use a model that can, such as deep-mf")
    resolve_order(model, by)


def _recommend_to_user(
    model: "Recommender", history: "Histories", n: int, fields: dict[str, Any], filters: "Filters", dials: "Reranking",
    json: bool, *, why: bool, shares: bool,
) -> None:  # fmt: skip
    """Print the list of one history; `fields` are those of the JSON object beside the list."""
    from cinematrix.cli.output import print_json
    from cinematrix.recommendation.lists import recommend

    found = recommend(model, history, n, by=fields["by"], filters=filters, dials=dials)
    if json:
        items = [item.as_dict() for item in found.items]
        return print_json({**fields, "shortfall": found.shortfall, "items": items})
    notes = fields["notes"] + describe_unknown(fields["unknown"]) + ([found.shortfall] if found.shortfall else [])
    return print_recommendations(model, found.items, notes, why=why, shares=shares)


def _recommend_to_all(model: "Recommender", out: Path, fields: dict[str, Any], force: bool, json: bool) -> None:
    """Write the lists of all users to a file or folder; `fields` are arguments of `recommend_all`."""
    from cinematrix.cli.output import make_console, print_json
    from cinematrix.common.progress_bar import TerminalBar
    from cinematrix.recommendation.batch import recommend_all

    rows = recommend_all(model, out, **fields, force=force, progress=TerminalBar())
    summary = {"out": str(out), "users": len(model.data.users), "rows": rows}
    return print_json(summary) if json else make_console().print(f"{rows:,} recommendations saved in {out}")


def _recommend_to_group(
    model: "Recommender", users: list[str], n: int, how: str, by: str, filters: "Filters", json: bool
) -> None:
    """Print one list for several users, with the expected stars of each."""
    from dataclasses import asdict

    from rich.markup import escape

    from cinematrix.cli.output import make_console, make_table, print_json
    from cinematrix.recommendation.expectation import round_as_shown
    from cinematrix.recommendation.groups import recommend_for_group
    from cinematrix.recommendation.lists import get_history

    histories = [get_history(model, user) for user in users]
    strategy = how.replace("-", "_")
    found = recommend_for_group(model, histories, n, how=strategy, by=by, filters=filters)  # type: ignore[arg-type]
    if json:
        items = [asdict(item) for item in found.items]
        fields = {"users": users, "how": strategy, "by": by, "shortfall": found.shortfall, "below": found.below}
        return print_json({**fields, "items": items})
    known, stars, rows = model.data, model.data.scale is not None, []
    key, digits = {"average": ("mean#", 2), "least_misery": ("lowest#", 1)}[strategy] if stars else ("score#", 3)
    for rank, item in enumerate(found.items, start=1):
        label = known.catalog.label(known.movies.number(item.movie))
        expected = [f"{round_as_shown(each.stars):.1f}" if stars else f"{each.stars:.2f}" for each in item.members]
        rows.append([rank, item.movie, escape(label), *expected, f"{item.score:.{digits}f}"])
    out = make_console()
    out.print(make_table(["", "movie", "title", *(f"{escape(user)}#" for user in users), key], rows))
    for note in filter(None, (found.note, found.shortfall)):
        out.print(escape(note), style="dim")


def similar(
    model: ModelFolder,
    movie: Annotated[str, typer.Option("--movie", help="ID, title or part of the title.")],
    n: Count = 10,
    json: Json = False,
) -> None:
    """List the movies similar to a movie."""
    from cinematrix.cli.output import make_console, print_json
    from cinematrix.models.artifact import load
    from cinematrix.recommendation.lists import find_similar

    recommender = load(model).model
    number = resolve_movie(recommender, movie)
    items = find_similar(recommender, recommender.data.movies.ids[number], n)
    if json:
        id_ = recommender.data.movies.ids[number].item()
        print_json({"movie": id_, "items": [item.as_dict() for item in items]})
    else:
        make_console().print(f"movies similar to {recommender.data.catalog.label(number)}", markup=False)
        print_recommendations(recommender, items, [], stars=False)


def predict(
    model: ModelFolder,
    pairs: Annotated[Path, typer.Argument(help="Table of pairs: user,movie.")],
    out: Annotated[Path, typer.Option("--out", help="CSV for the predictions.")],
    coverage: Annotated[
        float | None, typer.Option("--coverage", help="Coverage of the intervals; 0.8 if the model has intervals.")
    ] = None,
    columns: Columns = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Predict the ratings of a table of pairs, with their intervals (low, high) if the model has them.

    The rows keep their order. Unknown users and movies are predicted too.
    """
    import polars as pl

    from cinematrix.cli.output import make_console, print_json, print_notes
    from cinematrix.common.atomic_files import check_writable, write_atomically
    from cinematrix.data.readers.pairs import describe_unmatched, read_pairs
    from cinematrix.models.artifact import load

    check_writable(out, force=force)
    table = read_pairs(pairs, parse_columns(columns))
    recommender = load(model).model
    users, movies = table["user"].to_numpy(), table["movie"].to_numpy()
    notes = describe_unmatched(recommender.data, users, movies, str(pairs))
    answers = [pl.Series("prediction", recommender.predict(users, movies))]
    if recommender.has_intervals or coverage is not None:
        ends = recommender.interval(users, movies, 0.8 if coverage is None else coverage)
        answers += [pl.Series(name, end) for name, end in zip(("low", "high"), ends, strict=True)]
    with write_atomically(out, force=force) as file:
        table.select("user", "movie").with_columns(answers).write_csv(file, float_precision=4)
    if json:
        return print_json({"out": str(out), "rows": len(table), "notes": notes})
    print_notes(notes)
    return make_console().print(f"{len(table):,} predictions saved in {out}")


def print_recommendations(
    model: "Recommender", items: "list[Recommendation]", notes: list[str], *, stars: bool = True, why: bool = False,
    shares: bool = False,
) -> None:  # fmt: skip
    """Print a list as a table, with the genres or the reasons, these with their shares if wanted, and notes below."""
    from rich.markup import escape

    from cinematrix.cli.output import make_console, make_table

    expected = "stars#" if model.data.scale else "chance#"
    has_intervals = any(item.low is not None for item in items)
    columns = ["", "movie", "title", "because" if why else "genres"]
    columns += [*[expected] * stars, *["80 %#"] * has_intervals, "score#"]
    rows = []
    for rank, item in enumerate(items, start=1):
        numbers = [f"{item.stars:.2f}"] * stars + ([] if item.low is None else [f"{item.low:.1f}–{item.high:.1f}"])
        facts = _format_because(item, shares) if why else ", ".join(item.genres)
        rows.append([rank, item.movie, escape(item.label), escape(facts), *numbers, f"{item.score:.3f}"])
    out = make_console()
    out.print(make_table(columns, rows))
    for note in notes:
        out.print(escape(note), style="dim")


def _format_because(item: "Recommendation", shares: bool) -> str:
    """Format the reason for a column `because`: `you gave Heat 5 ★: crime, 1990s`, with ` (12 %)` if wanted."""
    percent = f" ({100 * item.because[0].share:.0f} %)" if shares and item.because else ""
    return item.reason.removeprefix("Because ") + percent
