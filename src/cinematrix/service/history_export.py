"""The file of an account's whole history, in the form that `importers.history_file` reads."""

from typing import Any

from pydantic import BaseModel

from cinematrix.data.ids import UNKNOWN
from cinematrix.importers.entries import Kind
from cinematrix.importers.history_file import FORMAT, MAX_KEPT_TITLE, VERSION
from cinematrix.importers.result import UnmatchedFilm
from cinematrix.service.served_model import ServedModel
from cinematrix.store.records import ENDING_EVENTS, WATCHED_EVENTS, StoredRating, UserRecords


class HistoryScale(BaseModel):
    """Scale of the ratings in a file."""

    low: float
    high: float
    step: float


class HistoryFilm(BaseModel):
    """A movie of a history. Without `movie` it isn't in the catalog; `source`: the export of an undated rating."""

    kind: Kind
    movie: int | str | None = None
    title: str | None = None
    year: int | None = None
    genres: list[str] | None = None
    imdb: str | int | None = None
    tmdb: str | int | None = None
    rating: float | None = None
    time: int | None = None
    source: str | None = None


class HistoryFile(BaseModel):
    """A whole history, which `POST /v1/users/{user}/imports` and the page read."""

    format: str = FORMAT
    version: int = VERSION
    scale: HistoryScale | None
    films: list[HistoryFilm]


def build_history_file(served: ServedModel, person: UserRecords, unmatched: list[UnmatchedFilm]) -> HistoryFile:
    """Return everything about a user as a file: ratings, deleted ratings, marks, and films that the catalog lacks.

    A movie that is rated, seen or refused isn't on the watchlist of any import, so not on that of the file either.
    """
    scale = served.model.data.scale
    films = [
        *(_list_watched(served, person) if scale is None else _list_ratings(served, person)),
        *(_film(served, row.movie, "deleted", time=_time(row)) for row in person.ratings if row.steps is None),
    ]
    past = {str(film.movie) for film in films if film.rating is not None}
    past |= {movie for kind in ENDING_EVENTS for movie in person.events.get(kind, ())}
    for kind, movies in person.events.items():
        times, left_out = person.event_times.get(kind, {}), past if kind == "watchlist" else ()
        films += [_film(served, movie, kind, time=times.get(movie)) for movie in movies if movie not in left_out]
    films += [HistoryFilm.model_validate(film._asdict()) for film in unmatched]
    bounds = None if scale is None else HistoryScale(low=scale.low, high=scale.high, step=scale.step)
    return HistoryFile(scale=bounds, films=films)


def _list_ratings(served: ServedModel, person: UserRecords) -> list[HistoryFilm]:
    """Return the ratings of the store and of the training data, also those of movies that the model doesn't have."""
    stored = {row.movie: row for row in person.ratings if row.steps is not None}
    listed = {str(row.movie): row.rating for row in served.ratings(person)}
    missing = {
        row.movie: row.steps * served.scale.step for row in stored.values() if row.steps and row.movie not in listed
    }
    films = []
    for movie, rating in (listed | missing).items():
        row = stored.get(movie)
        source = row.source if row and row.given is None else None
        films.append(_film(served, movie, "rating", rating=rating, time=row and _time(row), source=source))
    return films


def _list_watched(served: ServedModel, person: UserRecords) -> list[HistoryFilm]:
    """Return the movies that the training data say the user watched, and no event does."""
    noted = {movie for kind in WATCHED_EVENTS for movie in person.events.get(kind, ())}
    watched = (str(row.movie) for row in served.ratings(person))
    return [_film(served, movie, "seen") for movie in watched if movie not in noted]


def _time(row: StoredRating) -> int:
    return row.received // 1000 if row.given is None else row.given


def _film(served: ServedModel, movie: str, kind: str, **more: Any) -> HistoryFilm:
    data, id_ = served.model.data, served.movie_id(movie)
    number = data.movies.number(movie)
    facts: dict[str, Any] = {}
    if number != UNKNOWN:
        row = data.catalog.frame.row(number, named=True)
        title = data.catalog.title(number)
        facts = {"year": data.catalog.facts[number].year, "imdb": row["imdb"], "tmdb": row["tmdb"]}
        facts["title"] = title if len(title) < MAX_KEPT_TITLE else None
    return HistoryFilm(kind=kind, movie=id_, **facts, **more)  # type: ignore[arg-type]
