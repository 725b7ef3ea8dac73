"""Routes of a user's unmatched films: those of their imports that the catalog lacks.

They are matched again by importing them, as `GET /v1/users/{user}/export?format=history` writes them.
"""

from fastapi import APIRouter
from pydantic import BaseModel

from cinematrix.service.auth import READ, WRITE
from cinematrix.service.history_export import HistoryFilm
from cinematrix.service.problems import Problem
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.schemas import TextId
from cinematrix.service.state import State, run_in_writer_thread
from cinematrix.service.users import require_user
from cinematrix.store.unmatched import drop_unmatched, list_unmatched

ROUTER = APIRouter(prefix="/v1/users", route_class=StrictRoute, responses=PROBLEM_RESPONSES)


class UnmatchedFilm(HistoryFilm):
    """A film that the catalog lacks; `film`: its ID among the user's unmatched films."""

    film: str


class UnmatchedFilms(BaseModel):
    """A user's unmatched films, by title."""

    user: int | str
    films: list[UnmatchedFilm]


@ROUTER.get("/{user}/unmatched", dependencies=[READ])
def list_unmatched_films(user: TextId, state: State) -> UnmatchedFilms:
    """Return the films of a user's imports that the catalog lacks. At most 5,000 are kept."""
    served = state.served
    person = require_user(state, served, user)
    with state.store.engine.connect() as connection:
        films = list_unmatched(connection, person.user)
    rows = [UnmatchedFilm(film=film.row, **film._asdict()) for film in films]
    return UnmatchedFilms(user=served.user_id(person.user), films=rows)


@ROUTER.delete("/{user}/unmatched/{film}", status_code=204, dependencies=[WRITE])
@run_in_writer_thread
def delete_unmatched_film(user: TextId, film: TextId, state: State) -> None:
    """Delete an unmatched film."""
    person = require_user(state, state.served, user)
    with state.store.write_transaction() as connection:
        if not drop_unmatched(connection, person.user, {film}):
            raise Problem(404, "the user has no such unmatched film")
