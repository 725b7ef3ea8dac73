"""Route of predictions for several movies, such as those of a watchlist. It stores nothing."""

from typing import Annotated

import numpy as np
from fastapi import APIRouter
from pydantic import BaseModel

from cinematrix.recommendation.expectation import expected_stars, own_mean
from cinematrix.recommendation.lists import describe_movies
from cinematrix.service import schemas
from cinematrix.service.auth import PAGE
from cinematrix.service.fact_options import FactOptions
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.schemas import Id, Length
from cinematrix.service.state import State

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[PAGE])

MAX_MOVIES = 500
"""Maximum movies in a request: 0.15 s of the processor for a history of 2,700 ratings."""


class PredictionRequest(schemas.RequestBody, FactOptions):
    """A history, the movies to predict, and filters by their facts."""

    ratings: Annotated[list[schemas.HistoryRating], Length(5000)]
    movies: Annotated[list[Id], Length(MAX_MOVIES, 1)]


class PredictionList(BaseModel):
    """Predictions, most stars first; `score` is the stars.

    `mean`: the user's mean rating, below which rows leave movies out, or that of all users if the history is empty, or
    if its ratings are equal and higher; null without stars. `fallback`: the history has no movie of the model.
    `unknown`: IDs that the model doesn't have. `left_out`: movies that don't pass the filters by facts, or whose facts
    aren't known.
    """

    model_version: str
    fallback: bool
    unknown: list[int | str]
    left_out: list[int | str]
    mean: float | None
    items: list[schemas.ListItem]


@ROUTER.post("/predictions")
def predict_movies(body: PredictionRequest, state: State) -> PredictionList:
    """Predict the stars that a user with the given history would give each of several movies, with reasons."""
    served = state.served
    model = served.model
    history, unknown_rated = served.read_history(schemas.HistoryBody(ratings=body.ratings))
    known, unknown = served.find_movies(body.movies)
    passes = state.facts.of(served).mask(body.facts)
    everything = np.array(sorted(known), np.int32)
    numbers = everything if passes is None else everything[passes[everything]]
    stars = expected_stars(model, history, numbers).astype(np.float32)
    best = np.argsort(-stars, kind="stable")
    numbers, stars = numbers[best], stars[best]
    mean = own_mean(model, history)
    lines = describe_movies(model, history, numbers, stars, "stars", stars=stars) if len(numbers) else []
    return PredictionList(
        model_version=served.version, fallback=len(history.items) == 0,
        unknown=unknown_rated + unknown,
        left_out=[model.data.movies.listed[number] for number in np.setdiff1d(everything, numbers).tolist()],
        mean=mean if np.isfinite(mean) else None,
        items=[schemas.ListItem.model_validate(line.as_dict()) for line in lines],
    )  # fmt: skip
