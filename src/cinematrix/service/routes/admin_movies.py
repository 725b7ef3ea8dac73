"""Routes for added movies, which the served model includes at once."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field, StrictInt, StrictStr, ValidationError

from cinematrix.data.catalog import MovieMetadata
from cinematrix.data.ids import parse_id
from cinematrix.data.readers.movies import read_movies
from cinematrix.errors import DataError
from cinematrix.service import schemas
from cinematrix.service.auth import ADMIN, Caller
from cinematrix.service.model_watcher import refresh_movies
from cinematrix.service.problems import Problem
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute, parse_json
from cinematrix.service.schemas import Id, TextId
from cinematrix.service.served_model import ServedModel
from cinematrix.service.state import ServiceState, State
from cinematrix.store.movies import delete_movie, put_movies

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES)
Admin = Annotated[Caller, ADMIN]
MAX_MOVIES = 5_000
"""Maximum movies in a request."""

MAX_NAMES = 30_000
"""Maximum members of the movies in a request: four each, and colons in titles."""

NEW: dict[int | str, dict[str, Any]] = {201: {"model": schemas.Movie, "description": "The movie was added"}}
CSV = "text/csv"
PlainText = Annotated[StrictStr, Field(pattern=r"^[^\x00-\x1f\x7f]{1,500}$")]
Genre = Annotated[StrictStr, Field(pattern=r"^[^\x00-\x1f\x7f|]{1,100}$")]


class MovieBody(schemas.RequestBody):
    """Metadata of a movie."""

    title: PlainText
    year: Annotated[StrictInt, Field(ge=1800, le=9999)] | None = None
    genres: Annotated[list[Genre], Field(default_factory=list), schemas.Length(50)]


class NewMovie(MovieBody):
    """A movie's ID and metadata."""

    movie: Id


class NewMovies(schemas.RequestBody):
    """Movies to add or update, either all or none."""

    movies: Annotated[list[NewMovie], schemas.Length(MAX_MOVIES, 1)]


async def _read_movies(request: Request) -> list[MovieMetadata]:
    """Read the movies from a body of JSON or CSV."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == CSV:
        return _parse_csv(await request.body())
    try:
        body = NewMovies.model_validate(parse_json(await request.body(), MAX_NAMES))
    except ValidationError as error:
        errors = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([each | {"loc": ("body", *each["loc"])} for each in errors]) from error
    except ValueError as error:
        raise Problem(400, "the body isn't valid JSON") from error
    return [MovieMetadata(str(row.movie), row.title, row.year, row.genres) for row in body.movies]


def _parse_csv(body: bytes) -> list[MovieMetadata]:
    with tempfile.TemporaryDirectory(prefix="cinematrix-") as folder:
        file = Path(folder) / "movies.csv"
        file.write_bytes(body)
        try:
            movies = read_movies(file)
        except DataError as error:
            raise Problem(422, str(error).replace(f"{file}", file.name)) from error
    if not 0 < len(movies) <= MAX_MOVIES:
        raise Problem(422, f"the request has {len(movies):,} movies; send from 1 to {MAX_MOVIES:,}")
    return movies


def _normalize_ids(served: ServedModel, movies: list[MovieMetadata]) -> list[MovieMetadata]:
    """Return the movies with normalized IDs, if their type is that of the catalog."""
    ids = served.model.data.movies
    for index, movie in enumerate(movies):
        if ids.ids.dtype.kind == "i" and isinstance(parse_id(ids, movie.movie), str):
            raise Problem(422, "the movie's ID isn't an integer; this catalog has integer IDs", index=index)
    return [movie._replace(movie=str(parse_id(ids, movie.movie))) for movie in movies]


def _store_movies(state: ServiceState, movies: list[MovieMetadata], who: str) -> int:
    """Store movies, serve them, and return the number of new ones."""
    new = put_movies(state.store, _normalize_ids(state.served, movies), who)
    refresh_movies(state)
    return new


@ROUTER.put("/movies/{movie}", responses=NEW)
def add_movie(movie: TextId, body: MovieBody, state: State, who: Admin, response: Response) -> schemas.Movie:
    """Add or update a movie. It can be found, rated and recommended at once. 201: the movie was added."""
    new = _store_movies(state, [MovieMetadata(movie, body.title, body.year, body.genres)], who.name)
    response.status_code = 201 if new else 200
    return schemas.Movie(movie=state.served.movie_id(movie), title=body.title, year=body.year, genres=body.genres)


@ROUTER.post(
    "/movies",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": NewMovies.model_json_schema()},
                CSV: {"schema": {"type": "string", "description": "Columns movieId, title, genres, as in MovieLens."}},
            },
        }
    },
)
def add_movies(
    who: Admin, movies: Annotated[list[MovieMetadata], Depends(_read_movies)], state: State
) -> schemas.BulkResult:
    """Add or update movies, either all or none. In a problem, `index` is the wrong movie."""
    new = _store_movies(state, movies, who.name)
    return schemas.BulkResult(created=new, updated=len({movie.movie for movie in movies}) - new)


@ROUTER.delete("/movies/{movie}", status_code=204)
def remove_movie(movie: TextId, state: State, who: Admin) -> None:
    """Delete an added movie or an update. A movie of the training catalog stays, with its original metadata."""
    if not delete_movie(state.store, str(state.served.movie_id(movie)), who.name):
        raise Problem(404, "there is no such added movie")
    refresh_movies(state)
