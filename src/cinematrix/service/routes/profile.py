"""The route of a person's profile; it keeps nothing."""

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
    """Which share of her ratings, and of everybody's, is this one."""

    rating: float
    yours: float
    everyone: float


class ProfilePart(BaseModel):
    """Her films of a genre or a decade beside everybody's: mean ratings, shares, and the stars she loves it more."""

    name: str
    count: int
    yours: float | None
    everyone: float | None
    love: float
    share: float
    usual: float


class PredictionAccuracy(BaseModel):
    """How far predictions of `n` of her ratings miss, each made without it; `baseline` is her mean rating's."""

    rmse: float
    baseline: float
    n: int


class Profile(BaseModel):
    """Somebody's taste beside everybody's; `known` is null with fewer than five ratings."""

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
    """What the ratings that come along tell of a person, and how well the model knows her."""
    served = state.served
    known, everyone = served.model.data, served.everyone
    history, unknown = served.read_history(body)
    mean = None if history.values is None or not len(history.items) else float(history.values.mean(dtype="float64"))
    yours = (
        everyone.histogram * 0 if mean is None or history.values is None else compute_histogram(known, history.values)
    )
    levels = [] if known.scale is None else known.scale.levels().tolist()
    bars = zip(levels, yours.tolist(), everyone.histogram.tolist(), strict=True)
    found = measure_accuracy(served.model, history)
    return Profile(
        model_version=served.version, ratings=len(history.items), mean=mean, everyone=everyone.mean,
        histogram=[RatingShares(rating=rating, yours=mine, everyone=theirs) for rating, mine, theirs in bars],
        genres=[ProfilePart(**asdict(part)) for part in everyone.parts("genres", history)],
        decades=[ProfilePart(**asdict(part)) for part in everyone.parts("decades", history)],
        known=PredictionAccuracy(**asdict(found)) if found else None,
        unknown=unknown,
    )  # fmt: skip
