"""Routes about films: found by title, one of them, and those like it."""

from typing import Annotated

from fastapi import APIRouter, Query

from cinematrix.recommendations import similar, title_of
from cinematrix.service import schemas
from cinematrix.service.people import Served
from cinematrix.service.ratings import READ
from cinematrix.service.schemas import Length, TextId
from cinematrix.service.state import PROBLEMS, State, StrictRoute

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEMS, dependencies=[READ])


def movie_of(served: Served, number: int) -> schemas.Movie:
    """What the catalog says of the film with a number."""
    known = served.model.known
    facts = known.catalog.facts[number]
    return schemas.Movie(
        movie=known.movies.listed[number], title=title_of(known, number), year=facts.year, genres=facts.genres
    )


@ROUTER.get("/movies")
def search(query: Annotated[str, Query(min_length=1, max_length=200)], state: State, n: Length = 10) -> schemas.Found:
    """Films that the query may mean, best first: typos, other titles and a year behind are understood."""
    served = state.served
    return schemas.Found(items=[movie_of(served, number) for number in served.titles.search(query, n).tolist()])


@ROUTER.get("/movies/{movie}/similar")
def like(movie: TextId, state: State, n: Length = 10) -> schemas.Similar:
    """Movies like another, by the model's vectors."""
    served = state.served
    text = served.movie(movie)
    items = [schemas.Item.model_validate(line.as_dict()) for line in similar(served.model, text, n)]
    return schemas.Similar(movie=served.movie_id(text), model_version=served.version, items=items)
