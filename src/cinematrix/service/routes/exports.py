"""Routes that give people what is theirs: everything as JSON, ratings as a CSV for Letterboxd."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from cinematrix.data.ids import UNKNOWN
from cinematrix.importers.letterboxd_export import Rated, letterboxd_csv
from cinematrix.service import schemas
from cinematrix.service.auth import PAGE, READ
from cinematrix.service.problems import Problem
from cinematrix.service.responses import PROBLEMS, StrictRoute
from cinematrix.service.schemas import Id, Request, Stars, TextId, Time
from cinematrix.service.served_model import Served
from cinematrix.service.state import State
from cinematrix.service.users import known_person

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEMS)
CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}, "description": "What Letterboxd imports"}}
Part = Annotated[int, Query(ge=1, le=100, description="Of a history too long for one file.")]


class Seen(Request):
    """A rating, and when the film was seen, if it is to stand in Letterboxd's diary."""

    movie: Id
    rating: Stars
    time: Time | None = None


class ToExport(Request):
    """Ratings to hand over; nothing is kept."""

    ratings: Annotated[list[Seen], Field(max_length=5000)]


@ROUTER.get("/users/{user}/export", dependencies=[READ], response_model=schemas.Export, responses=CSV)
def everything(
    user: TextId,
    state: State,
    format: Annotated[Literal["json", "letterboxd"], Query(description="All, or ratings for Letterboxd.")] = "json",
    part: Part = 1,
    days: Annotated[bool, Query(description="Letterboxd: ratings' days are the days when she saw the films.")] = False,
) -> schemas.Export | Response:
    """Everything about a user, or her ratings as a CSV that Letterboxd imports."""
    served = state.served
    person = known_person(state, served, user)
    ratings = served.ratings(person)
    if format == "letterboxd":
        numbers = served.model.known.movies.numbers([row.movie for row in ratings]).tolist()
        seen = [row.time if days else None for row in ratings]
        return as_csv(
            served, [Rated(at, row.rating, day) for at, row, day in zip(numbers, ratings, seen, strict=True)], part
        )
    events = served.events(person)
    return schemas.Export(user=served.user_id(person.user), ratings=ratings, events=events)  # type: ignore[arg-type]


@ROUTER.post("/exports", dependencies=[PAGE], response_class=Response, responses=CSV)
def export(body: ToExport, state: State, part: Part = 1) -> Response:
    """Ratings as a CSV that Letterboxd imports; movies that the model doesn't know are left out and counted."""
    served = state.served
    movies = served.model.known.movies
    served.check(row.rating for row in body.ratings)
    rated = [Rated(movies.number(row.movie), float(row.rating), row.time) for row in body.ratings]
    return as_csv(served, rated, part)


def as_csv(served: Served, ratings: Sequence[Rated], part: int) -> Response:
    """One part of the CSV; a header tells of the next one, and how many ratings are of unknown movies.

    Raises:
        Problem: 404, there is no such part.
    """
    known = [row for row in ratings if row.number != UNKNOWN]
    parts = letterboxd_csv(known, served.model.known.catalog, served.model.known.scale)
    if part > len(parts):
        raise Problem(404, f"there is no such part; the last one is {len(parts)}")
    headers = {
        "Content-Disposition": f'attachment; filename="letterboxd-{part}.csv"',
        "X-Parts": str(len(parts)),
        "X-Left-Out": str(len(ratings) - len(known)),
    }
    return Response(parts[part - 1], media_type="text/csv; charset=utf-8", headers=headers)
