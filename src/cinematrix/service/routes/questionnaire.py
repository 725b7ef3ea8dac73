"""The route of the questionnaire: which film to ask a newcomer about next. Nothing is kept; all answers come along."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from cinematrix.service import schemas
from cinematrix.service.auth import PAGE
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.state import State

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[PAGE])


class QuestionnaireAnswers(schemas.HistoryBody):
    """What a newcomer has answered: ratings, and the films that she hasn't seen; hidden ones aren't asked about."""

    unseen: Annotated[list[schemas.Id], Field(max_length=5000, default_factory=list)]


class NextQuestion(BaseModel):
    """The film to ask about, all null when none is left, with the chance that she has seen it.

    Attributes:
        asked: how many answers came along.
    """

    movie: int | str | None
    title: str | None
    year: int | None
    genres: list[str]
    seen_chance: float | None
    asked: int
    model_version: str


@ROUTER.post("/questions")
def choose_question(body: QuestionnaireAnswers, state: State) -> NextQuestion:
    """The film whose rating by her would tell most, given her answers so far, if she is likely to have seen it."""
    served = state.served
    history, _ = served.read_history(body)
    unseen, hidden = (served.model.data.movies.numbers([str(id_) for id_ in ids]) for ids in (body.unseen, body.hidden))
    question = served.questionnaire.next(history, unseen, hidden)
    film: dict[str, object] = dict.fromkeys(("movie", "title", "year", "seen_chance")) | {"genres": []}
    if question is not None:
        film = served.film(question.movie).model_dump() | {"seen_chance": question.seen_chance}
    return NextQuestion(**film, asked=len(body.ratings) + len(body.unseen), model_version=served.version)  # type: ignore[arg-type]
