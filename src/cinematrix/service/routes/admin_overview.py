"""The route of the operator's page: how the service does."""

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter
from pydantic import BaseModel

from cinematrix.lifecycle import versions
from cinematrix.service.auth import ADMIN
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.schemas import VersionInfo
from cinematrix.service.state import State
from cinematrix.service.telemetry import estimate_quantile

ROUTER = APIRouter(prefix="/v1/admin", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[ADMIN])
REPORTED_DAYS = 30
"""So many are told of, today included."""


class DailyRatings(BaseModel):
    """Ratings received on a day (UTC) that still stand."""

    day: str
    ratings: int


class RouteLatency(BaseModel):
    """Requests of a route since the start, and within how many milliseconds half and 99 of 100 were answered."""

    route: str
    requests: int
    p50: float
    p99: float


class ExposureInfo(BaseModel):
    """What this version has recommended, since it serves and no film came or went.

    Attributes:
        lists: how many were sent.
        coverage: the share of the catalog that stood in one.
        gini: how unequally movies were shown.
        popularity: the mean share of movies with more ratings than the ones shown; 0 is the most rated.
    """

    lists: int
    coverage: float | None
    gini: float | None
    popularity: float | None


class Overview(BaseModel):
    """How the service does."""

    version: str
    trained: datetime | None
    versions: list[VersionInfo]
    users: int
    ratings: int
    days: list[DailyRatings]
    latency: list[RouteLatency]
    shown: ExposureInfo


@ROUTER.get("/overview")
def get_overview(state: State) -> Overview:
    """Versions, ratings a day, users, latency by route, and what was recommended."""
    served, store = state.served, state.store
    today = datetime.now(UTC).date()
    counts = store.ratings_by_day(since=(today - timedelta(REPORTED_DAYS - 1)))
    days = [today - timedelta(back) for back in reversed(range(REPORTED_DAYS))]
    return Overview(
        version=served.version,
        trained=served.trained,
        versions=[VersionInfo(**version.as_dict()) for version in versions.list_versions(state.settings.model)],
        users=store.n_users(),
        ratings=store.n_ratings(),
        days=[DailyRatings(day=day.isoformat(), ratings=counts.get(day, 0)) for day in days],
        latency=[
            RouteLatency(
                route=route, requests=int(buckets[-1][1]),
                p50=1000 * estimate_quantile(buckets, 0.5), p99=1000 * estimate_quantile(buckets, 0.99),
            )
            for route, buckets in state.figures.latencies()
        ],
        shown=ExposureInfo(**served.shown.spread()._asdict()),
    )  # fmt: skip
