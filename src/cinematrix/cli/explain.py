"""`cinematrix explain`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cinematrix.cli.options import Columns, Json, ModelFolder, describe_unknown, resolve_movie, resolve_user
from cinematrix.errors import InputError

if TYPE_CHECKING:
    from cinematrix.recommendation.explanations import Explanation


def explain(
    model: ModelFolder,
    movie: Annotated[str, typer.Option("--movie", help="ID, title or part of the title.")],
    user: Annotated[str | None, typer.Option("--user", help="ID of a user in the training data.")] = None,
    history: Annotated[Path | None, typer.Option("--history", help="Table of a new user: movie,rating.")] = None,
    columns: Columns = None,
    by: Annotated[
        str, typer.Option("--by", help="Order: stars, ranking or liking. Default: stars, if the model has them.")
    ] = "",
    n: Annotated[int, typer.Option("-n", min=0, help="Number of ratings shown, those of the largest share.")] = 10,
    json: Json = False,
) -> None:
    """Explain a movie's score: the contributions of the biases, the content and each of the user's ratings.

    By stars the score is the expected rating. By ranking, or by liking, the movie's place in the user's list comes
    first. Each rating is shown with the score that the movie would have without it.
    """
    from cinematrix.cli.output import print_json
    from cinematrix.models.artifact import load
    from cinematrix.recommendation.explanations import explain

    if (user is None) == (history is None):
        raise InputError("whose taste to explain isn't clear; give --user ID or --history FILE")
    recommender = load(model).model
    ratings, unknown, notes = resolve_user(recommender, user, history, columns)
    id_ = recommender.data.movies.ids[resolve_movie(recommender, movie)]
    explanation = explain(recommender, ratings, id_, by=by or None)  # type: ignore[arg-type]
    if json:
        return print_json({"user": user, "unknown": unknown, **explanation.as_dict()})
    print_explanation(explanation, n, notes + describe_unknown(unknown))


def print_explanation(explanation: "Explanation", n: int, notes: list[str]) -> None:
    """Print an explanation as a table with the sum in the last row, and notes below."""
    from rich.markup import escape

    from cinematrix.cli.output import make_console, make_table

    *lines, total = explanation.lines(n)
    table = make_table(["adds#", "", "of it#", "rated#", "without it#"], [])
    for line in lines:
        table.add_row(*map(escape, line), style="" if line.amount else "dim")
    table.add_row("─" * len(total.amount))
    table.add_row(*map(escape, total), style="bold")
    out = make_console()
    out.print(f"{explanation.label}: {explanation.outcome}\n", style="bold", markup=False)
    out.print(table)
    for number, note in enumerate([*explanation.notes(), *notes]):
        out.print(("" if number else "\n") + escape(note), style="dim")
