"""`cinematrix explain`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cinematrix.cli.options import Json, ModelFolder, resolve_movie, resolve_user
from cinematrix.errors import InputError

if TYPE_CHECKING:
    from cinematrix.recommendation.explanations import Explanation


def explain(
    model: ModelFolder,
    movie: Annotated[str, typer.Option("--movie", help="ID, or the title or a part of it.")],
    user: Annotated[str | None, typer.Option("--user", help="ID of a known user.")] = None,
    history: Annotated[Path | None, typer.Option("--history", help="CSV of a stranger: movie,rating.")] = None,
    by: Annotated[str, typer.Option("--by", help="Explain the stars or the ranking's score; stars if there are.")] = "",
    n: Annotated[int, typer.Option("-n", min=0, help="How many ratings are shown, those that count most.")] = 10,
    json: Json = False,
) -> None:
    """Why a movie has its score: what the biases, the content and each of the person's own ratings add.

    Beside each rating stands the score that the movie would have without it.
    """
    from cinematrix.cli.output import print_json
    from cinematrix.models.artifact import load
    from cinematrix.recommendation.explanations import explain

    if (user is None) == (history is None):
        raise InputError("whose taste to explain isn't clear; give --user ID or --history FILE")
    recommender = load(model).model
    person, unknown = resolve_user(recommender, user, history)
    id_ = recommender.data.movies.ids[resolve_movie(recommender, movie)]
    found = explain(recommender, person, id_, by=by or None)  # type: ignore[arg-type]
    if json:
        return print_json({"user": user, "unknown": unknown, **found.as_dict()})
    notes = [f"left out, not known to the model: {', '.join(map(str, unknown))}"] if unknown else []
    print_explanation(found, n, notes)


def print_explanation(found: "Explanation", n: int, notes: list[str]) -> None:
    """An explanation as a table: what adds up, with its sum at the end."""
    from rich.markup import escape

    from cinematrix.cli.output import make_console, make_table

    *lines, total = found.lines(n)
    made = make_table(["adds#", "", "of it#", "rated#", "without it#"], [])
    for line in lines:
        made.add_row(*map(escape, line), style="" if line.amount else "dim")
    made.add_row("─" * len(total.amount))
    made.add_row(*map(escape, total), style="bold")
    out = make_console()
    out.print(f"{found.label}: {found.outcome}\n", style="bold", markup=False)
    out.print(made)
    for number, note in enumerate([*found.notes(), *notes]):
        out.print(("" if number else "\n") + escape(note), style="dim")
