"""Routes that export a user's data: everything as JSON, or ratings as a CSV for Letterboxd."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from cinematrix.data.ids import UNKNOWN
from cinematrix.importers.letterboxd_export import ExportedRating, letterboxd_csv
from cinematrix.service import schemas
from cinematrix.service.auth import PAGE, READ
from cinematrix.service.history_export import build_history_file
from cinematrix.service.problems import Problem
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.schemas import ClientTime, Id, RatingValue, RequestBody, TextId
from cinematrix.service.served_model import ServedModel
from cinematrix.service.state import State
from cinematrix.service.users import require_user
from cinematrix.store.records import UserRecords
from cinematrix.store.unmatched import list_unmatched

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES)
CSV_RESPONSE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {}}, "description": "The export; a CSV is in Letterboxd's import format"}
}
PartNumber = Annotated[int, Query(ge=1, le=100, description="Part of a CSV too long for one file.")]


class ExportRating(RequestBody):
    """A rating; `time`: when the user saw the movie, for Letterboxd's diary."""

    movie: Id
    rating: RatingValue
    time: ClientTime | None = None


class ExportRequest(RequestBody):
    """Ratings to export. Nothing is stored."""

    ratings: Annotated[list[ExportRating], schemas.Length(5000)]


class UserExport(BaseModel):
    """All data of a user.

    `event_times`: epoch seconds by movie, where an import gave them. `unmatched`: films that the catalog lacks.
    """

    user: int | str
    ratings: list[schemas.RatedMovie]
    events: dict[schemas.EventKind, list[int | str]]
    event_times: dict[schemas.EventKind, dict[str, int]]
    unmatched: list[dict[str, Any]]


@ROUTER.get("/users/{user}/export", dependencies=[READ], response_model=UserExport, responses=CSV_RESPONSE)
def export_user(
    user: TextId,
    state: State,
    format: Annotated[
        Literal["json", "letterboxd", "history"],
        Query(
            description="Everything as JSON, ratings and seen movies as a CSV for Letterboxd, or the whole history as "
            "a file that an import reads."
        ),
    ] = "json",
    part: PartNumber = 1,
    days: Annotated[bool, Query(description="Letterboxd: use the rating dates as watch dates.")] = False,
) -> UserExport | Response:
    """Export all data of a user, for programs or as a file to import again, or their ratings for Letterboxd."""
    served = state.served
    person = require_user(state, served, user)
    ratings = served.ratings(person)
    if format == "letterboxd":
        return build_csv_response(served, _watched(served, person, ratings, days=days), part)
    with state.store.engine.connect() as connection:
        unmatched = list_unmatched(connection, person.user)
    if format == "history":
        file = build_history_file(served, person, unmatched)
        headers = {"Content-Disposition": 'attachment; filename="cinematrix-history.json"'}
        return Response(file.model_dump_json(exclude_none=True), media_type="application/json", headers=headers)
    return UserExport(
        user=served.user_id(person.user),
        ratings=ratings,
        events=served.events(person),  # type: ignore[arg-type]
        event_times=person.event_times,  # type: ignore[arg-type]
        unmatched=[film._asdict() for film in unmatched],
    )


def _watched(
    served: ServedModel, person: UserRecords, ratings: Sequence[schemas.RatedMovie], *, days: bool
) -> list[ExportedRating]:
    """Return the rated movies, and the movies seen without a rating on the days that the imports gave."""
    movies, seen = served.model.data.movies, person.events.get("seen", [])
    numbers = movies.numbers([row.movie for row in ratings]).tolist()
    rated = [
        ExportedRating(number, row.rating, row.time if days else None)
        for number, row in zip(numbers, ratings, strict=True)
    ]
    times = person.event_times.get("seen", {})
    watched = [
        ExportedRating(number, None, times.get(movie))
        for number, movie in zip(movies.numbers(seen).tolist(), seen, strict=True)
    ]
    return [*rated, *(row for row in watched if row.number not in set(numbers) or row.number == UNKNOWN)]


@ROUTER.post("/exports", dependencies=[PAGE], response_class=Response, responses=CSV_RESPONSE)
def export_ratings(body: ExportRequest, state: State, part: PartNumber = 1) -> Response:
    """Convert ratings to a CSV for Letterboxd. Movies outside the catalog are skipped; X-Left-Out counts them."""
    served = state.served
    movies = served.model.data.movies
    served.check(row.rating for row in body.ratings)
    rated = [ExportedRating(movies.number(row.movie), float(row.rating), row.time) for row in body.ratings]
    return build_csv_response(served, rated, part)


def build_csv_response(served: ServedModel, ratings: Sequence[ExportedRating], part: int) -> Response:
    """Return one part of the CSV, with the number of parts and of skipped ratings in headers.

    Raises:
        Problem: 404, there is no such part.
    """
    known = [row for row in ratings if row.number != UNKNOWN]
    parts = letterboxd_csv(known, served.model.data.catalog, served.model.data.scale)
    if part > len(parts):
        raise Problem(404, f"there is no such part; the last part is {len(parts)}")
    headers = {
        "Content-Disposition": f'attachment; filename="letterboxd-{part}.csv"',
        "X-Parts": str(len(parts)),
        "X-Left-Out": str(len(ratings) - len(known)),
    }
    return Response(parts[part - 1], media_type="text/csv; charset=utf-8", headers=headers)
