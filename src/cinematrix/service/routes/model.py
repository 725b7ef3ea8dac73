"""The route that tells what model answers."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from cinematrix.service.auth import PAGE, Authenticator
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.state import State

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[PAGE])

MOVIELENS = (
    "Trained on ratings in MovieLens format; those from GroupLens are for research, not for commercial use without "
    "permission (F. M. Harper and J. A. Konstan, The MovieLens Datasets: History and Context, ACM TiiS 5(4), 2015)."
)
"""Its licence asks for the citation; whether ratings in its format are its own, a model doesn't know."""


class ScaleInfo(BaseModel):
    """Ratings go from `low` to `high` in steps of `step`."""

    low: float
    high: float
    step: float


class ModelMetrics(BaseModel):
    """Figures by name, and `on` what they were measured."""

    on: str
    figures: dict[str, float]


class ModelInfo(BaseModel):
    """The model that answers; `trained` is when it was, if that is known, `metrics` what was measured of it, `scale`
    null where it learned from plain interactions, `map` whether it can draw the taste map, and `posters` whether a
    browser, which sends no key for a picture, may have posters from `GET /v1/movies/{movie}/poster`."""

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
    metrics: list[ModelMetrics]
    attribution: str | None


def list_metrics(about: Mapping[str, Any]) -> Iterator[ModelMetrics]:
    """What a model's `get_model.json` tells that was measured: in an evaluation, by a refit's gate, while it trained."""
    if found := about.get("metrics"):
        rated, split = found["protocol"]["ratings"], found["protocol"]["split"]
        values = {name: measure["value"] for name, measure in found["measures"].items()}
        yield _build_metrics(f"{rated:,} ratings that it hasn't learned from ({split})", values)
    if "measures" in (found := about.get("refit") or {}):
        values = {name: measure["new"] for name, measure in found["measures"].items()}
        on = f"{found['ratings']:,} new ratings by {found['users']:,} users before it learned from them"
        yield _build_metrics(on, values)
    if (found := (about.get("training") or {}).get("stars", {})).get("errors"):
        yield _build_metrics("ratings put aside in its training", {"rmse": found["errors"][found["best_epoch"]]})


def _build_metrics(on: str, values: Mapping[str, float | None]) -> ModelMetrics:
    return ModelMetrics(on=on, figures={name: value for name, value in values.items() if value is not None})


@ROUTER.get("/model")
def get_model(request: Request, state: State) -> ModelInfo:
    """What model answers: its version and age, its data, and what was measured of it."""
    served = state.served
    known, about, scale = served.model.data, served.about, served.model.data.scale
    data = about.get("data") or {}
    doorkeeper: Authenticator = request.app.state.authenticator
    return ModelInfo(
        version=served.version, model=served.model.name,
        trained=served.trained.isoformat(timespec="seconds") if served.trained else None,
        ratings=len(known.history.items), users=len(known.users), movies=len(known.movies),
        scale=ScaleInfo(low=scale.low, high=scale.high, step=scale.step) if scale else None,
        genres=known.catalog.genres, map=served.model.abilities.vectors,
        posters=state.posters is not None and (doorkeeper.public or doorkeeper.open), metrics=list(list_metrics(about)),
        attribution=MOVIELENS if str(data.get("format", "")).startswith("ml-") else None,
    )  # fmt: skip
