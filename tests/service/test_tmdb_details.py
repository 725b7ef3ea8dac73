"""Details of movies from a fake TMDB: `cinematrix.service.tmdb_details` and its route."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from cinematrix.common.durations import DAY_SECONDS
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.service.app import create_app
from cinematrix.service.settings import PosterSettings, ServiceSettings
from cinematrix.service.tmdb_details import TmdbDetails, parse_details
from service_world import check_problem
from tmdb_world import DETAILS, KEY, FakeAnswer, fake_tmdb, save_numbered_model

KNOWN = {
    "certifications": {"DE": "12", "US": "PG"},
    "plot": "A clockmaker’s daughter finds the hour that was lost.",
    "original_title": "Потерянный час",
    "directors": ["Larisa S."],
    "cast": [f"Actor {at}" for at in range(8)],
    "minutes": 107,
    "languages": ["Russian", "French"],
    "language": "ru",
    "trailer": "dQw4-w9_",
    "watch": {
        "US": {
            "link": "https://www.themoviedb.org/movie/1/watch?locale=US",
            "stream": ["Criterion Channel"], "rent": ["Apple TV"], "buy": [],
        },
        "DE": {"link": None, "stream": [], "rent": [], "buy": ["Amazon Video"]},
    },
    "translations": {"de": {"title": "Die verlorene Stunde", "plot": "Eine Uhr."}},
}  # fmt: skip
"""The details in `DETAILS`. A link to another site than TMDB is dropped."""

MEMBERS = st.sampled_from(["name", "job", "results", "cast", "US"])
VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=9)
JSON = st.recursive(VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner), max_leaves=9)
"""Values in the place of those that TMDB documents."""


def test_details_are_fetched_once_and_cached(tmp_path: Path, world: tuple[Ratings, Catalog]) -> None:
    """From TMDB, then from the disk, again after a week; TMDB's 404 is cached, its errors aren't."""
    folder, movies = save_numbered_model(tmp_path / "model", *world), world[1].movies.ids.tolist()
    store = f"sqlite:///{tmp_path}/store.db"
    with fake_tmdb() as tmdb:
        posters = PosterSettings(KEY, tmp_path / "tmdb", api=tmdb.url, images=tmdb.url, seconds=20, facts_rate=0)
        service = ServiceSettings(folder, store, hosts=("testserver",), posters=posters)
        with TestClient(create_app(service)) as client:
            tmdb.details("1")
            assert client.get("/v1/model").json()["details"] is True
            answers = [client.get(f"/v1/movies/{movies[0]}/details") for _ in range(2)]
            assert [answer.json() for answer in answers] == [KNOWN, KNOWN]
            assert KEY not in answers[0].text
            assert tmdb.asked == ["/3/movie/1"]
            assert "append_to_response=credits%2Cvideos%2Cwatch%2Fproviders%2Ctranslations" in tmdb.keys[0]
            for _ in range(2):
                check_problem(client.get(f"/v1/movies/{movies[1]}/details"), 404)
            check_problem(client.get(f"/v1/movies/{movies[-1]}/details"), 404)
            check_problem(client.get("/v1/movies/nosuch/details"), 404)
            assert tmdb.asked == ["/3/movie/1", "/3/movie/2"]
            old = time.time() - 7 * DAY_SECONDS - 9
            os.utime(tmp_path / "tmdb" / "1.details", (old, old))
            tmdb.details("1", runtime=90)
            assert client.get(f"/v1/movies/{movies[0]}/details").json()["minutes"] == 90
            tmdb.answers["/3/movie/3"] = FakeAnswer(b"[", status=500)
            check_problem(client.get(f"/v1/movies/{movies[2]}/details"), 404)
            assert not (tmp_path / "tmdb" / "3.details").exists()
        with TestClient(create_app(ServiceSettings(folder, store, hosts=("testserver",)))) as client:
            assert client.get("/v1/model").json()["details"] is False
            check_problem(client.get(f"/v1/movies/{movies[0]}/details"), 404)


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from([*DETAILS, "id"]), JSON))
def test_anything_but_details_counts_as_missing(movie: dict[str, Any]) -> None:
    """Whatever JSON comes, the details are valid and within their limits."""
    details = parse_details(movie)
    assert TmdbDetails.model_validate_json(details.model_dump_json()) == details
    assert len(details.cast) <= 8


def test_texts_are_bounded_and_blank_ones_missing() -> None:
    """A megabyte of plot is cut, and a trailer's key with other characters is left out."""
    movie = DETAILS | {"overview": "x" * 1_000_000, "original_title": " ", "runtime": True}
    movie |= {"videos": {"results": [{"site": "YouTube", "type": "Trailer", "key": "a&b=<"}]}}
    kinds = [
        {"type": [3], "certification": "18"},
        {"type": 3, "certification": 12},
        {"type": 4, "certification": "x" * 99},
    ]
    movie |= {"release_dates": {"results": [{"iso_3166_1": code, "release_dates": kinds} for code in ("de", "FR", 7)]}}
    details = parse_details(movie)
    assert details.certifications == {"FR": "x" * 20}
    assert (len(details.plot or ""), details.original_title, details.trailer) == (3000, None, None)
    assert details.minutes is None


@pytest.mark.parametrize("minutes", [0, -3, 1e9, "107", None])
def test_impossible_running_times_are_missing(minutes: Any) -> None:
    """Only a positive whole number counts."""
    assert parse_details(DETAILS | {"runtime": minutes}).minutes is None
