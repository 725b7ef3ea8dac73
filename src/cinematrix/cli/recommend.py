"""`cinematrix recommend`, `similar` and `predict`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cinematrix.cli.options import (
    Count,
    Diversity,
    Exclude,
    Force,
    Json,
    MinRatings,
    ModelFolder,
    Novelty,
    OrderBy,
    Where,
    parse_ids,
    resolve_movie,
    resolve_user,
)
from cinematrix.errors import InputError

if TYPE_CHECKING:
    from cinematrix.models.base import Recommender
    from cinematrix.recommendation.lists import Filters, Recommendation


def recommend(
    model: ModelFolder,
    user: Annotated[
        list[str] | None, typer.Option("--user", help="ID of a known user; several make one list for all of them.")
    ] = None,
    how: Annotated[
        str, typer.Option("--how", help="What counts for several: their average, or least-misery, the lowest.")
    ] = "average",
    history: Annotated[Path | None, typer.Option("--history", help="CSV of a stranger: movie,rating.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Lists for all known users, to --out.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Parquet file for --all.")] = None,
    n: Count = 10,
    by: OrderBy = "ranking",
    where: Where = "",
    min_ratings: MinRatings = 0,
    novelty: Novelty = 0.0,
    diversity: Diversity = 0.0,
    exclude: Exclude = "",
    why: Annotated[bool, typer.Option("--why", help="Show which of the person's own movies speak for each.")] = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Movies for a known user, for a stranger's history, or for everybody."""
    from cinematrix.cli.output import ProgressBar, make_console, print_json
    from cinematrix.common.atomic_files import check_writable
    from cinematrix.models.artifact import load
    from cinematrix.recommendation.lists import Filters, check_order, recommend, recommend_all
    from cinematrix.recommendation.reranking import Reranking

    users = user or []
    if sum((bool(users), history is not None, everybody)) != 1 or everybody != (out is not None):
        raise InputError("whom to recommend to isn't clear; give --user ID, or --history FILE, or --all --out FILE")
    if out is not None and why:
        raise InputError("--why is for the list of one person; the file of --all has no column for reasons")
    if out is not None:
        check_writable(out, force=force)
    recommender = load(model).model
    if why and not recommender.abilities.explains:
        raise InputError(f"--why: {recommender.name} can't explain its lists; take a model that can, such as deep-mf")
    check_order(recommender, by)
    filters, dials = Filters(where, min_ratings, parse_ids(exclude)), Reranking(novelty, diversity)
    if out is not None:
        rows = recommend_all(
            recommender,
            out,
            n,
            by=by,  # type: ignore[arg-type]
            filters=filters,
            dials=dials,
            force=force,
            progress=ProgressBar(),
        )
        said = {"out": str(out), "users": len(recommender.data.users), "rows": rows}
        return print_json(said) if json else make_console().print(f"{rows:,} recommendations saved in {out}")
    if len(users) > 1:
        if not dials.is_off or why:
            raise InputError("--novelty, --diversity and --why are for the list of one person; leave them out")
        return _recommend_for_group(recommender, users, n, how, by, filters, json)
    person, unknown = resolve_user(recommender, users[0] if users else None, history)
    found = recommend(recommender, person, n, by=by, filters=filters, dials=dials)  # type: ignore[arg-type]
    if json:
        lines = [line.as_dict() for line in found.items]
        print_json(
            {
                "user": users[0] if users else None,
                "by": by,
                "unknown": unknown,
                "shortfall": found.shortfall,
                "items": lines,
            }
        )
    else:
        notes = [f"left out, not known to the model: {', '.join(map(str, unknown))}"] if unknown else []
        print_recommendations(recommender, found.items, notes + ([found.shortfall] if found.shortfall else []), why=why)


def _recommend_for_group(
    model: "Recommender", users: list[str], n: int, how: str, by: str, filters: "Filters", json: bool
) -> None:
    """One list for several known users, with the stars that each is expected to give."""
    from dataclasses import asdict

    from rich.markup import escape

    from cinematrix.cli.output import make_console, make_table, print_json
    from cinematrix.recommendation.groups import recommend_for_group
    from cinematrix.recommendation.lists import get_history

    histories = [get_history(model, user) for user in users]
    strategy = how.replace("-", "_")
    found = recommend_for_group(model, histories, n, how=strategy, by=by, filters=filters)  # type: ignore[arg-type]
    if json:
        items = [asdict(line) for line in found.items]
        return print_json({"users": users, "how": strategy, "by": by, "shortfall": found.shortfall, "items": items})
    known, rows = model.data, []
    for place, line in enumerate(found.items, start=1):
        label = known.catalog.label(known.movies.number(line.movie))
        stars = [f"{each.stars:.2f}" for each in line.members]
        rows.append([place, line.movie, escape(label), *stars, f"{line.score:.3f}"])
    out = make_console()
    out.print(make_table(["", "movie", "title", *(f"{escape(user)}#" for user in users), "score#"], rows))
    if found.shortfall:
        out.print(escape(found.shortfall), style="dim")


def similar(
    model: ModelFolder,
    movie: Annotated[str, typer.Option("--movie", help="ID, or the title or a part of it.")],
    n: Count = 10,
    json: Json = False,
) -> None:
    """Movies like another."""
    from cinematrix.cli.output import make_console, print_json
    from cinematrix.models.artifact import load
    from cinematrix.recommendation.lists import find_similar

    recommender = load(model).model
    number = resolve_movie(recommender, movie)
    items = find_similar(recommender, recommender.data.movies.ids[number], n)
    if json:
        id_ = recommender.data.movies.ids[number].item()
        print_json({"movie": id_, "items": [line.as_dict() for line in items]})
    else:
        make_console().print(f"movies like {recommender.data.catalog.label(number)}", markup=False)
        print_recommendations(recommender, items, [], stars=False)


def predict(
    model: ModelFolder,
    pairs: Annotated[Path, typer.Argument(help="CSV of pairs: user,movie.")],
    out: Annotated[Path, typer.Option("--out", help="CSV for the predictions.")],
    coverage: Annotated[
        float | None, typer.Option("--coverage", help="Share of ratings from low to high; 0.8 if the model has these.")
    ] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Expected ratings for a CSV of pairs, with the low and high ends of their intervals where the model has them.

    Unknown users and movies are included; the same rows in the same order.
    """
    import polars as pl

    from cinematrix.cli.output import make_console, print_json
    from cinematrix.cli.tables import read_table
    from cinematrix.common.atomic_files import check_writable, write_atomically
    from cinematrix.models.artifact import load

    check_writable(out, force=force)
    table = read_table(pairs, "user", "movie")
    recommender = load(model).model
    users, movies = table["user"].to_numpy(), table["movie"].to_numpy()
    columns = [pl.Series("prediction", recommender.predict(users, movies))]
    if recommender.has_intervals or coverage is not None:
        ends = recommender.interval(users, movies, 0.8 if coverage is None else coverage)
        columns += [pl.Series(name, end) for name, end in zip(("low", "high"), ends, strict=True)]
    with write_atomically(out, force=force) as file:
        table.select("user", "movie").with_columns(columns).write_csv(file, float_precision=4)
    said = {"out": str(out), "rows": len(table)}
    return print_json(said) if json else make_console().print(f"{len(table):,} predictions saved in {out}")


def print_recommendations(
    model: "Recommender", items: "list[Recommendation]", notes: list[str], *, stars: bool = True, why: bool = False
) -> None:
    """A list as a table, and what there is to say about it."""
    from rich.markup import escape

    from cinematrix.cli.output import make_console, make_table

    expected = "stars#" if model.data.scale else "chance#"
    sure = any(item.low is not None for item in items)
    columns = ["", "movie", "title", "because" if why else "genres"]
    columns += [*[expected] * stars, *["80 %#"] * sure, "score#"]
    rows = []
    for place, item in enumerate(items, start=1):
        found = [f"{item.stars:.2f}"] * stars + ([] if item.low is None else [f"{item.low:.1f}–{item.high:.1f}"])
        facts = " · ".join(reason.title for reason in item.because) if why else ", ".join(item.genres)
        rows.append([place, item.movie, escape(item.label), escape(facts), *found, f"{item.score:.3f}"])
    out = make_console()
    out.print(make_table(columns, rows))
    for note in notes:
        out.print(escape(note), style="dim")
