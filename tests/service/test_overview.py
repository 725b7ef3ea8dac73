"""How the service does, in `/metrics` and for the operator: `service.figures`, `service.shown`, `service.overview`."""

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


def test_what_was_shown_by_hand() -> None:
    """Movies with 9, 4, 4 and 0 ratings: one in four has more than each of the next two, three than the last."""
    shown = ExposureCounter(np.array([4, 9, 0, 4]))
    assert shown.spread() == ExposureSummary(0, None, None, None)
    for movies in ([1, 0], [1], []):
        shown.add(np.array(movies, np.int32))
    spread = shown.spread()
    assert (spread.lists, spread.coverage) == (3, 0.5)
    assert spread.gini == pytest.approx((1 * 1 + 2 * 3) / (4 * 3))  # exposures 0 0 1 2
    assert spread.popularity == pytest.approx((0 + 0 + 1 / 4) / 3)


def test_popularity_counts_movies_with_more_ratings() -> None:
    """Second implementation: the share of movies that have more ratings, for each one shown."""
    raters = np.random.default_rng(3).integers(0, 6, 50)
    for movie in range(50):
        shown = ExposureCounter(raters)
        shown.add(np.array([movie], np.int32))
        assert shown.spread().popularity == pytest.approx(np.mean(raters > raters[movie]))


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
    """Straight lines inside a bucket; beyond the last end nothing is known but that end."""
    assert estimate_quantile(buckets, share) == pytest.approx(seconds)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_ratings_are_counted_by_the_day_they_came(kind: str, database: Callable[[str], str]) -> None:
    """In UTC, both ends of a day in it; what was taken back isn't counted, nor what came before."""
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


def test_the_overview_tells_how_the_service_does(client: TestClient, model: Any, user: int, unseen: int) -> None:
    """Today's ratings, the routes' latencies, and what was recommended to users, strangers and groups."""
    client.put(f"/v1/users/{user}/ratings/{unseen}", json={"rating": 3})
    for _ in range(2):  # the second one is kept
        client.get(f"/v1/users/{user}/recommendations", params={"n": 5})
    client.post("/v1/recommendations", json={"ratings": [], "n": 4})
    guest = {"name": "Ida", "ratings": []}
    client.post("/v1/groups/recommendations", json={"members": [guest, guest], "n": 2})
    found = client.get("/v1/admin/overview").json()
    assert found["version"] == client.get(f"/v1/users/{user}/recommendations").json()["model_version"]
    assert datetime.fromisoformat(found["trained"]) == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert (found["users"], found["ratings"], len(found["days"])) == (1, 1, 30)
    assert found["days"][-1] == {"day": datetime.now(UTC).date().isoformat(), "ratings": 1}
    assert sum(day["ratings"] for day in found["days"]) == 1
    routes = {row["route"]: row for row in found["latency"]}
    lists = routes["/v1/users/{user}/recommendations"]
    assert lists["requests"] == 2
    assert 0 < lists["p50"] <= lists["p99"]
    assert found["shown"]["lists"] == 4
    assert 5 / len(model.data.movies) <= found["shown"]["coverage"] <= 11 / len(model.data.movies)
    assert 0 < found["shown"]["gini"] < 1
    assert 0 <= found["shown"]["popularity"] < 1


@pytest.mark.fault(50)
def test_the_metrics_tell_age_fold_in_and_what_was_shown(client: TestClient, user: int) -> None:
    """Nothing is known before the first list; the age grows; each list made is timed, one kept isn't."""

    def told(name: str) -> float:
        (value,) = re.findall(rf"^cinematrix_{name} (\S+)$", client.get("/metrics").text, re.MULTILINE)
        return float(value)

    assert math.isnan(told("shown_coverage"))
    age = told("model_age_seconds")
    assert age > 0
    for _ in range(2):
        client.get(f"/v1/users/{user}/recommendations")
    assert told("fold_in_seconds_count") == 1
    assert told("model_age_seconds") > age
    assert 0 < told("shown_coverage") < 1
    assert 0 < told("shown_gini") < 1
    assert 0 <= told("shown_popularity") < 1


def test_two_servers_tell_of_one_store(settings: ServiceSettings, user: int, unseen: int) -> None:
    """Ratings are the store's; what was shown and how fast is each server's own."""
    with TestClient(create_app(settings)) as one, TestClient(create_app(replace(settings))) as other:
        one.put(f"/v1/users/{user}/ratings/{unseen}", json={"rating": 3})
        one.get(f"/v1/users/{user}/recommendations")
        assert other.get("/v1/admin/overview").json()["ratings"] == 1
        assert other.get("/v1/admin/overview").json()["shown"]["lists"] == 0
