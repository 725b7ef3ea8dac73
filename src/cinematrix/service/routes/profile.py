"""Route of a user's taste profile. It stores nothing."""

from dataclasses import asdict

from fastapi import APIRouter
from pydantic import BaseModel

from cinematrix.recommendation.taste_profile import compute_histogram, measure_accuracy
from cinematrix.service import schemas
from cinematrix.service.auth import PAGE
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.state import State

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[PAGE])


class RatingShares(BaseModel):
    """Share of a rating value in the user's ratings (`yours`) and in all ratings (`everyone`)."""

    rating: float
    yours: float
    everyone: float


class ProfilePart(BaseModel):
    """The user's movies of a genre or decade, compared with all users.

    `yours`, `everyone`: mean ratings. `love`: stars by which the user likes it more than all users do. `share`,
    `usual`: shares of the user's ratings and of all ratings.
    """

    name: str
    count: int
    yours: float | None
    everyone: float | None
    love: float
    share: float
    usual: float


class PredictionAccuracy(BaseModel):
    """Cross-validated error of predictions of `n` of the user's ratings; `baseline`: error of their mean rating."""

    rmse: float
    baseline: float
    n: int


class Profile(BaseModel):
    """A user's taste compared with all users; `known`: prediction accuracy, null with fewer than five ratings."""

    model_version: str
    ratings: int
    mean: float | None
    everyone: float
    histogram: list[RatingShares]
    genres: list[ProfilePart]
    decades: list[ProfilePart]
    known: PredictionAccuracy | None
    unknown: list[int | str]


@ROUTER.post("/profile")
def make_profile(body: schemas.HistoryBody, state: State) -> Profile:
    """Compute a taste profile from the ratings in the request, and the accuracy of predictions for them."""
    served = state.served
    data, everyone = served.model.data, served.everyone
    history, unknown = served.read_history(body)
    mean = None if history.values is None or not len(history.items) else float(history.values.mean(dtype="float64"))
    yours = (
        everyone.histogram * 0 if mean is None or history.values is None else compute_histogram(data, history.values)
    )
    levels = [] if data.scale is None else data.scale.levels().tolist()
    bars = zip(levels, yours.tolist(), everyone.histogram.tolist(), strict=True)
    accuracy = measure_accuracy(served.model, history)
    return Profile(
        model_version=served.version, ratings=len(history.items), mean=mean, everyone=everyone.mean,
        histogram=[RatingShares(rating=rating, yours=user, everyone=all_users) for rating, user, all_users in bars],
        genres=[ProfilePart(**asdict(part)) for part in everyone.parts("genres", history)],
        decades=[ProfilePart(**asdict(part)) for part in everyone.parts("decades", history)],
        known=PredictionAccuracy(**asdict(accuracy)) if accuracy else None,
        unknown=unknown,
    )  # fmt: skip
