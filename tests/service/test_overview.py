"""Metrics and the operator's overview: `service.telemetry`, `service.exposure`, `service.routes.admin_overview`."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from cinematrix.service.app import create_app
from cinematrix.service.exposure import ExposureCounter, ExposureSummary
from cinematrix.service.settings import ServiceSettings
from cinematrix.service.telemetry import estimate_quantile
from cinematrix.store.records import Rating, Store
from cinematrix.store.tables import RATINGS

INF = math.inf


def test_exposure_by_hand() -> None:
    """Exposure of movies with 9, 4, 4 and 0 ratings: 0, 1, 1 and 3 of four movies have more ratings."""
    counter = ExposureCounter(np.array([4, 9, 0, 4]))
    assert counter.spread() == ExposureSummary(0, None, None, None)
    for movies in ([1, 0], [1], []):
        counter.add(np.array(movies, np.int32))
    summary = counter.spread()
    assert (summary.lists, summary.coverage) == (3, 0.5)
    assert summary.gini == pytest.approx((1 * 1 + 2 * 3) / (4 * 3))  # exposures 0 0 1 2
    assert summary.popularity == pytest.approx((0 + 0 + 1 / 4) / 3)


def test_popularity_counts_movies_with_more_ratings() -> None:
    """Popularity equals a second implementation: the share of movies with more ratings than the one shown."""
    raters = np.random.default_rng(3).integers(0, 6, 50)
    for movie in range(50):
        counter = ExposureCounter(raters)
        counter.add(np.array([movie], np.int32))
        assert counter.spread().popularity == pytest.approx(np.mean(raters > raters[movie]))


@pytest.mark.parametrize(
    ("buckets", "share", "seconds"),
    [
        ([(1, 10), (2, 10), (INF, 10)], 0.5, 0.5),
        ([(1, 0), (2, 10), (INF, 10)], 0.5, 1.5),
        ([(1, 5), (2, 9), (INF, 10)], 0.7, 1.5),
        ([(1, 5), (2, 9), (INF, 10)], 0.99, 2),
        ([(1, 0), (2, 0), (INF, 3)], 0.5, 2),
        ([(1, 10), (INF, 10)], 1, 1),
    ],
)
def test_quantiles_by_hand(buckets: list[tuple[float, float]], share: float, seconds: float) -> None:
    """Quantiles are interpolated linearly in a bucket; in the infinite one they are its lower bound."""
    assert estimate_quantile(buckets, share) == pytest.approx(seconds)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_ratings_are_counted_by_the_day_they_came(kind: str, database: Callable[[str], str]) -> None:
    """Ratings are counted by UTC day, both ends included, without deleted and earlier ones."""
    store, day = Store.open(database(kind)), date(2026, 3, 1)
    midnight = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000)
    times = {
        "a": midnight - 1,
        "b": midnight,
        "c": midnight + 86_399_999,
        "d": midnight + 86_400_000,
        "e": midnight + 5,
    }
    with store.write_transaction() as connection:
        store.rate(connection, [Rating("ann", movie, None if movie == "e" else 3) for movie in times])
        for movie, received in times.items():
            connection.execute(update(RATINGS).filter_by(movie=movie).values(received=received))
    assert store.ratings_by_day(day) == {day: 2, day + timedelta(1): 1}
    assert store.n_ratings() == 4
    store.close()


def test_the_overview_is_complete(client: TestClient, model: Any, user: int, unseen: int) -> None:
    """The overview has today's ratings, latencies by route, and exposure by users, histories and groups."""
    client.put(f"/v1/users/{user}/ratings/{unseen}", json={"rating": 3})
    for _ in range(2):  # the second one is cached
        client.get(f"/v1/users/{user}/recommendations", params={"n": 5})
    client.post("/v1/recommendations", json={"ratings": [], "n": 4})
    guest = {"name": "Ida", "ratings": []}
    client.post("/v1/groups/recommendations", json={"members": [guest, guest], "n": 2})
    overview = client.get("/v1/admin/overview").json()
    assert overview["version"] == client.get(f"/v1/users/{user}/recommendations").json()["model_version"]
    assert datetime.fromisoformat(overview["trained"]) == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (overview["users"], overview["ratings"], len(overview["days"])) == (1, 1, 30)
    assert overview["days"][-1] == {"day": datetime.now(UTC).date().isoformat(), "ratings": 1}
    assert sum(day["ratings"] for day in overview["days"]) == 1
    routes = {row["route"]: row for row in overview["latency"]}
    lists = routes["/v1/users/{user}/recommendations"]
    assert lists["requests"] == 2
    assert 0 < lists["p50"] <= lists["p99"]
    exposure = overview["shown"]
    assert exposure["lists"] == 4
    assert 5 / len(model.data.movies) <= exposure["coverage"] <= 11 / len(model.data.movies)
    assert 0 < exposure["gini"] < 1
    assert 0 <= exposure["popularity"] < 1


@pytest.mark.fault(50)
def test_the_metrics_have_age_fold_in_and_exposure(client: TestClient, user: int) -> None:
    """Exposure is NaN before the first list; the age grows; made lists are timed, cached ones aren't."""

    def metric(name: str) -> float:
        (value,) = re.findall(rf"^cinematrix_{name} (\S+)$", client.get("/metrics").text, re.MULTILINE)
        return float(value)

    assert math.isnan(metric("shown_coverage"))
    age = metric("model_age_seconds")
    assert age > 0
    for _ in range(2):
        client.get(f"/v1/users/{user}/recommendations")
    assert metric("fold_in_seconds_count") == 1
    assert metric("model_age_seconds") > age
    assert 0 < metric("shown_coverage") < 1
    assert 0 < metric("shown_gini") < 1
    assert 0 <= metric("shown_popularity") < 1


def test_two_servers_share_one_store(settings: ServiceSettings, user: int, unseen: int) -> None:
    """Two servers count the same ratings, but each its own exposure."""
    with TestClient(create_app(settings)) as one, TestClient(create_app(replace(settings))) as other:
        one.put(f"/v1/users/{user}/ratings/{unseen}", json={"rating": 3})
        one.get(f"/v1/users/{user}/recommendations")
        assert other.get("/v1/admin/overview").json()["ratings"] == 1
        assert other.get("/v1/admin/overview").json()["shown"]["lists"] == 0
