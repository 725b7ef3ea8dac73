"""Route that describes the served model."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from cinematrix.service.auth import PAGE, Authenticator
from cinematrix.service.published import published_totals
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.session_cookies import read_session_cookie
from cinematrix.service.state import State

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[PAGE])

MOVIELENS = (
    "Trained on ratings in MovieLens format; those from GroupLens are for research, not for commercial use without "
    "permission (F. M. Harper and J. A. Konstan, The MovieLens Datasets: History and Context, ACM TiiS 5(4), 2015)."
)
"""Citation that the MovieLens licence asks for. A model knows only the format of its ratings, not their origin."""


class ScaleInfo(BaseModel):
    """Rating scale from `low` to `high` in steps of `step`."""

    low: float
    high: float
    step: float


class ModelMetrics(BaseModel):
    """Metrics by name (`figures`) and the data that they were measured `on`."""

    on: str
    figures: dict[str, float]


class ModelInfo(BaseModel):
    """The served model.

    `ratings` and `users` change only by what at least five people have.
    `trained`: training time, null if unknown. `scale`: null for a model trained on plain interactions. `map`: the model
    can draw the taste map. `posters`: `GET /v1/movies/{movie}/poster` sends posters to this browser, which for pictures
    sends its session but no key. `facts`: `GET /v1/facts` says what lists can be filtered by. `details`:
    `GET /v1/movies/{movie}/details` has what TMDB knows of a movie. `sharing`: lists can be shared by a link.
    """

    version: str
    model: str
    trained: str | None
    ratings: int
    users: int
    movies: int
    scale: ScaleInfo | None
    genres: list[str]
    map: bool
    posters: bool
    facts: bool
    details: bool
    sharing: bool
    metrics: list[ModelMetrics]
    attribution: str | None


def list_metrics(about: Mapping[str, Any]) -> Iterator[ModelMetrics]:
    """Yield the metrics in a model's `model.json`: from an evaluation, from the retraining gate, and from training."""
    if section := about.get("metrics"):
        rated, split = section["protocol"]["ratings"], section["protocol"]["split"]
        values = {name: measure["value"] for name, measure in section["measures"].items()}
        yield _build_metrics(f"{rated:,} ratings that it hasn't learned from ({split})", values)
    if "measures" in (section := about.get("refit") or {}):
        values = {name: measure["new"] for name, measure in section["measures"].items()}
        ratings, users = (_round(section[name]) for name in ("ratings", "users"))
        on = f"about {ratings:,} new ratings by {users:,} users before it learned from them"
        yield _build_metrics(on, values)
    if (section := (about.get("training") or {}).get("stars", {})).get("errors"):
        yield _build_metrics("ratings held out from its training", {"rmse": section["errors"][section["best_epoch"]]})


def _round(number: int) -> int:
    """Round a number of people or ratings to two digits, so that a single one isn't seen."""
    return int(float(f"{number:.1e}"))


def _build_metrics(on: str, values: Mapping[str, float | None]) -> ModelMetrics:
    return ModelMetrics(on=on, figures={name: value for name, value in values.items() if value is not None})


@ROUTER.get("/model")
def get_model(request: Request, state: State) -> ModelInfo:
    """Return the served model's version, age, data and metrics."""
    served = state.served
    data, about, scale = served.model.data, served.about, served.model.data.scale
    source = about.get("data") or {}
    authenticator: Authenticator = request.app.state.authenticator
    opens_pictures = authenticator.public or authenticator.open or read_session_cookie(request.scope) is not None
    users, ratings = published_totals(state.store, served)
    return ModelInfo(
        version=served.version, model=served.model.name,
        trained=served.trained.isoformat(timespec="seconds") if served.trained else None,
        ratings=ratings, users=users, movies=len(data.movies),
        scale=ScaleInfo(low=scale.low, high=scale.high, step=scale.step) if scale else None,
        genres=data.catalog.genres, map=served.model.abilities.vectors,
        posters=state.posters is not None and opens_pictures,
        details=state.details is not None, facts=state.facts.of(served).has_any,
        sharing=state.settings.shares > 0, metrics=list(list_metrics(about)),
        attribution=MOVIELENS if str(source.get("format", "")).startswith("ml-") else None,
    )  # fmt: skip
