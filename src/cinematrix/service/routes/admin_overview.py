"""Route of the operator's overview: versions, usage, latency and exposure."""

import math
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter
from pydantic import BaseModel

from cinematrix.lifecycle import versions
from cinematrix.metrics.sequential import Arm, Interval, compare_arms, estimate_rate
from cinematrix.service.auth import ADMIN
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.schemas import VersionInfo
from cinematrix.service.state import ServiceState, State
from cinematrix.service.telemetry import estimate_quantile
from cinematrix.store.impressions import list_outcomes, read_arm

ROUTER = APIRouter(prefix="/v1/admin", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[ADMIN])


class DailyRatings(BaseModel):
    """Current ratings received on a day (UTC)."""

    day: str
    ratings: int


class RouteLatency(BaseModel):
    """Requests to a route since the server started, and their median and 99th percentile latency in milliseconds."""

    route: str
    requests: int
    p50: float
    p99: float


class ExposureInfo(BaseModel):
    """Exposure of movies by this version, since it serves or since movies were last added or removed.

    Attributes:
        lists: number of lists sent.
        coverage: share of the catalog that was in at least one list.
        gini: inequality of exposure, from 0 (all movies equally often) to 1.
        popularity: mean share of movies with more ratings than the one shown. 0: only the most rated movie.
    """

    lists: int
    coverage: float | None
    gini: float | None
    popularity: float | None


class ListOutcomesInfo(BaseModel):
    """Movies that users were shown by lists of one kind and version, and what users did about them within two weeks.

    A user's movie counts once in two weeks, however often it was shown.

    Attributes:
        kind: `main`, `similar`, `group`, or the kind of a row.
        shown: movies shown.
        high, low: movies that were rated at or above the user's mean (or liked), and below it.
        vetoed, seen, watchlisted: movies that were marked as not of interest, as seen, or for the watchlist.
    """

    kind: str
    version: str
    shown: int
    high: int
    low: int
    vetoed: int
    seen: int
    watchlisted: int


class RateInfo(BaseModel):
    """A share or a difference of shares, with an interval that may be looked at daily; null: too little to tell."""

    value: float | None
    low: float | None
    high: float | None


class ArmInfo(BaseModel):
    """One of two versions that are compared, and the share of the movies shown that users rated high."""

    version: str
    users: int
    shown: int
    high: int
    rate: RateInfo


class TrialInfo(BaseModel):
    """The comparison of the candidate with the served version, on the days when both made lists.

    Attributes:
        share: share of the users who get the candidate's lists.
        difference: the candidate's rate minus the served version's.
        real: the interval of the difference excludes 0, which stays rare however often it is looked at.
    """

    share: float
    served: ArmInfo
    candidate: ArmInfo
    difference: RateInfo
    real: bool


class Overview(BaseModel):
    """Overview of the service: versions, usage, latency, exposure and outcomes of lists."""

    version: str
    trained: datetime | None
    versions: list[VersionInfo]
    users: int
    ratings: int
    days: list[DailyRatings]
    latency: list[RouteLatency]
    shown: ExposureInfo
    outcomes: list[ListOutcomesInfo]
    trial: TrialInfo | None


@ROUTER.get("/overview")
def get_overview(state: State) -> Overview:
    """Return versions, ratings a day, users, latency by route, and exposure of movies."""
    served, store, reported = state.served, state.store, state.settings.overview_days
    today = datetime.now(UTC).date()
    counts = store.ratings_by_day(since=(today - timedelta(reported - 1)))
    days = [today - timedelta(back) for back in reversed(range(reported))]
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
        outcomes=[ListOutcomesInfo(**row._asdict()) for row in list_outcomes(store)],
        trial=_compare_candidate(state),
    )  # fmt: skip


def _compare_candidate(state: ServiceState) -> TrialInfo | None:
    """Return the comparison of the candidate with the served version; None without a candidate."""
    if state.candidate is None:
        return None
    versions = state.served.base_version, state.candidate.base_version
    old, new = (read_arm(state.store, one, two) for one, two in (versions, versions[::-1]))
    difference = compare_arms(old, new)
    return TrialInfo(
        share=state.settings.candidate_share, served=_build_arm(versions[0], old),
        candidate=_build_arm(versions[1], new),
        difference=_build_rate(difference), real=difference.excludes_zero,
    )  # fmt: skip


def _build_arm(version: str, arm: Arm) -> ArmInfo:
    rate = _build_rate(estimate_rate(arm))
    return ArmInfo(version=version, users=arm.users, shown=arm.tries, high=arm.successes, rate=rate)


def _build_rate(interval: Interval) -> RateInfo:
    value, low, high = (each if math.isfinite(each) else None for each in interval)
    return RateInfo(value=value, low=low, high=high)
