"""Route of the questionnaire for new users. It stores nothing: each request contains all answers so far."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from cinematrix.service import schemas
from cinematrix.service.auth import PAGE
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.state import State

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[PAGE])


class QuestionnaireAnswers(schemas.HistoryBody):
    """A new user's answers so far: ratings and unseen movies. Hidden movies aren't asked about."""

    unseen: Annotated[list[schemas.Id], Field(default_factory=list), schemas.Length(5000)]


class NextQuestion(BaseModel):
    """The movie to ask about, and the probability that the user has seen it. All null if no movie is left.

    Attributes:
        asked: number of answers in the request.
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
    """Choose the movie whose rating is most informative, given the answers so far and the chance that it was seen."""
    served = state.served
    history, _ = served.read_history(body)
    unseen, hidden = (served.model.data.movies.numbers([str(id_) for id_ in ids]) for ids in (body.unseen, body.hidden))
    question = served.questionnaire.next(history, unseen, hidden)
    movie: dict[str, object] = dict.fromkeys(("movie", "title", "year", "seen_chance")) | {"genres": []}
    if question is not None:
        movie = served.film(question.movie).model_dump() | {"seen_chance": question.seen_chance}
    return NextQuestion(**movie, asked=len(body.ratings) + len(body.unseen), model_version=served.version)  # type: ignore[arg-type]
