"""Routes that add movies, and the model that serves with them in it."""

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
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.schemas import Id, TextId
from cinematrix.service.served_model import ServedModel
from cinematrix.service.state import ServiceState, State
from cinematrix.store.movies import delete_movie, put_movies

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES)
Admin = Annotated[Caller, ADMIN]
MAX_MOVIES = 5_000
NEW: dict[int | str, dict[str, Any]] = {201: {"model": schemas.Movie, "description": "New to the store"}}
CSV = "text/csv"
PlainText = Annotated[StrictStr, Field(pattern=r"^[^\x00-\x1f\x7f]{1,500}$")]
Genre = Annotated[StrictStr, Field(pattern=r"^[^\x00-\x1f\x7f|]{1,100}$")]


class MovieBody(schemas.RequestBody):
    """What is said of a movie."""

    title: PlainText
    year: Annotated[StrictInt, Field(ge=1800, le=9999)] | None = None
    genres: Annotated[list[Genre], Field(default_factory=list, max_length=50)]


class NewMovie(MovieBody):
    """A movie by its ID."""

    movie: Id


class NewMovies(schemas.RequestBody):
    """Movies that are all kept, or none of them."""

    movies: Annotated[list[NewMovie], Field(min_length=1, max_length=MAX_MOVIES)]


async def _read_movies(request: Request) -> list[MovieMetadata]:
    """The movies in a body of JSON or CSV."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == CSV:
        return _parse_csv(await request.body())
    try:
        body = NewMovies.model_validate(await request.json())
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([each | {"loc": ("body", *each["loc"])} for each in wrong]) from error
    except ValueError as error:
        raise Problem(400, "the body isn't JSON") from error
    return [MovieMetadata(str(row.movie), row.title, row.year, row.genres) for row in body.movies]


def _parse_csv(body: bytes) -> list[MovieMetadata]:
    with tempfile.TemporaryDirectory(prefix="cinematrix-") as folder:
        file = Path(folder) / "movies.csv"
        file.write_bytes(body)
        try:
            films = read_movies(file)
        except DataError as error:
            raise Problem(422, str(error).replace(f"{file}", file.name)) from error
    if not 0 < len(films) <= MAX_MOVIES:
        raise Problem(422, f"{len(films):,} movies in a request; send from 1 to {MAX_MOVIES:,}")
    return films


def _normalize_ids(served: ServedModel, films: list[MovieMetadata]) -> list[MovieMetadata]:
    """The movies, if their IDs are of the kind that the catalog has."""
    ids = served.model.data.movies
    for index, film in enumerate(films):
        if ids.ids.dtype.kind == "i" and isinstance(parse_id(ids, film.movie), str):
            raise Problem(422, "IDs of movies are whole numbers here", index=index)
    return [film._replace(movie=str(parse_id(ids, film.movie))) for film in films]


def _store_movies(state: ServiceState, films: list[MovieMetadata], who: str) -> int:
    new = put_movies(state.store, _normalize_ids(state.served, films), who)
    refresh_movies(state)
    return new


@ROUTER.put("/movies/{movie}", responses=NEW)
def add_movie(movie: TextId, body: MovieBody, state: State, who: Admin, response: Response) -> schemas.Movie:
    """Add a movie, or describe one anew: it is found, rated and recommended at once. 201: new to the store."""
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
    who: Admin, films: Annotated[list[MovieMetadata], Depends(_read_movies)], state: State
) -> schemas.BulkResult:
    """Add movies, or describe them anew: all, or none, and `index` names the one that is wrong."""
    new = _store_movies(state, films, who.name)
    return schemas.BulkResult(created=new, updated=len({film.movie for film in films}) - new)


@ROUTER.delete("/movies/{movie}", status_code=204)
def remove_movie(movie: TextId, state: State, who: Admin) -> None:
    """Take back what was said of a movie; one that the model has learned of stays as the model knows it."""
    if not delete_movie(state.store, str(state.served.movie_id(movie)), who.name):
        raise Problem(404, "there is no such movie among those that were added")
    refresh_movies(state)
