"""Routes for new users: films to tap, and the questionnaire. A request contains all answers so far; none is stored."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from cinematrix.recommendation.questionnaire import PAGE as PAGE_SIZE
from cinematrix.recommendation.starters import MAX_STARTERS
from cinematrix.service import schemas
from cinematrix.service.auth import PAGE
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.state import State

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[PAGE])

MAX_PAGE = 24
"""Maximum movies of a page of questions."""


class Starters(BaseModel):
    """Well known movies of all tastes and decades; `more`: there are others after them."""

    items: list[schemas.Movie]
    more: bool
    model_version: str


class QuestionnaireAnswers(schemas.HistoryBody):
    """A new user's answers so far: ratings and unseen movies. Hidden movies aren't asked about.

    Attributes:
        n: maximum movies to ask about.
    """

    unseen: Annotated[list[schemas.Id], Field(default_factory=list), schemas.Length(5000)]
    n: Annotated[int, Field(ge=1, le=MAX_PAGE)] = PAGE_SIZE


class QuestionItem(schemas.Movie):
    """A movie to ask about, and the probability that the user has seen it."""

    seen_chance: float


class NextQuestions(BaseModel):
    """Movies of one region of taste to ask about, the most informative first; none if no movie is left.

    Attributes:
        region: the region in words, such as `film noir`; empty if the catalog doesn't tell.
        years: years of the earliest and the latest movie.
        asked: number of answers in the request.
    """

    items: list[QuestionItem]
    region: str
    years: tuple[int, int] | None
    asked: int
    model_version: str


@ROUTER.get("/starters")
def list_starters(
    state: State,
    n: Annotated[int, Query(ge=1, le=MAX_STARTERS)] = 24,
    skip: Annotated[int, Query(ge=0, le=MAX_STARTERS, description="Movies to leave out at the beginning.")] = 0,
) -> Starters:
    """Return well known movies of all tastes and decades, from which a new user may choose those they like."""
    served = state.served
    movies = served.starters[skip : skip + n].tolist()
    more = skip + n < len(served.starters)
    return Starters(items=[served.film(movie) for movie in movies], more=more, model_version=served.version)


@ROUTER.post("/questions")
def choose_questions(body: QuestionnaireAnswers, state: State) -> NextQuestions:
    """Choose movies whose ratings are most informative, given the answers so far and the chance that they were seen."""
    served = state.served
    history, _ = served.read_history(body)
    unseen, hidden = (served.model.data.movies.numbers([str(id_) for id_ in ids]) for ids in (body.unseen, body.hidden))
    page = served.questionnaire.next(history, unseen, hidden, body.n)
    items = [
        QuestionItem(**served.film(question.movie).model_dump(), seen_chance=question.seen_chance)
        for question in (page.questions if page else [])
    ]
    return NextQuestions(
        items=items, region=page.region if page else "", years=page.years if page else None,
        asked=len(body.ratings) + len(body.unseen), model_version=served.version,
    )  # fmt: skip
