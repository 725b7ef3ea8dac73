"""Facts of movies gathered from a fake TMDB, filters by them, and people: `service.tmdb_facts` and its routes."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from starlette.testclient import TestClient

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.models.artifact import save
from cinematrix.models.item_knn import ItemKNN
from cinematrix.service.app import create_app
from cinematrix.service.settings import PosterSettings, ServiceSettings
from cinematrix.service.tmdb_facts import facts_row
from service_world import check_problem
from tmdb_world import KEY, FakeAnswer, FakeTmdb, fake_tmdb, save_numbered_model
from waiting import wait_for

VARDA = [{"name": "Agnès Varda"}]
OFFERS = {"results": {"FR": {"flatrate": [{"provider_name": "Arte"}]}, "DE": {"flatrate": [{"provider_name": "MUBI"}]}}}


def releases(**labels: str) -> dict[str, Any]:
    """Return TMDB's release dates, with a certification by country; that of the disc doesn't count."""
    kinds = [{"type": 5, "certification": "NC-17"}, {"type": 3, "certification": ""}]
    return {
        "results": [
            {"iso_3166_1": code, "release_dates": [*kinds, {"type": 3, "certification": label}]}
            for code, label in labels.items()
        ]
    }


def add_movies(tmdb: FakeTmdb) -> None:
    """Let TMDB have nine movies: short French ones for children, long Russian ones for adults, and one blank."""
    for number in range(1, 9):
        short, crew = number < 5, [{"job": "Director", "name": "Agnès Varda" if number < 4 else "Ларисa Шепитько"}]
        tmdb.details(
            str(number), runtime=80 + number if short else 150, original_language="fr" if short else "ru",
            original_title=f"七人の侍 {number}", credits={"crew": crew, "cast": VARDA * (number == 5)},
            release_dates=releases(DE="6" if short else "18", US="PG-13") if number < 8 else {},
            **{"watch/providers": OFFERS if number % 2 else {}},
        )  # fmt: skip
    tmdb.answers["/3/movie/9"] = FakeAnswer(b"{}")


@pytest.fixture
def serve(tmp_path: Path, world: tuple[Ratings, Catalog]) -> Callable[..., TestClient]:
    """Make a client of a service that gathers facts from a fake TMDB."""
    folder = save_numbered_model(tmp_path / "model", *world)

    def make(tmdb: FakeTmdb, **settings: Any) -> TestClient:
        posters = PosterSettings(
            KEY, tmp_path / "tmdb", api=tmdb.url, images=tmdb.url, facts_rate=2400, pause_seconds=0.05, **settings
        )
        store = f"sqlite:///{tmp_path}/store.db"
        return TestClient(create_app(ServiceSettings(folder, store, hosts=("testserver",), posters=posters)))

    return make


def test_facts_of_all_movies_are_gathered_filtered_and_kept(
    tmp_path: Path, world: tuple[Ratings, Catalog], serve: Callable[..., TestClient]
) -> None:
    """The most rated first, each once, also after a restart; failures are tried again; lists keep the filters."""
    movies = world[1].movies.ids.tolist()
    with fake_tmdb() as tmdb:
        add_movies(tmdb)
        tmdb.answers["/3/movie/10"] = FakeAnswer(status=500)
        with serve(tmdb) as client:
            assert client.get("/v1/model").json()["facts"] is False
            check_problem(client.post("/v1/recommendations", json={"ratings": [], "language": "fr"}), 422)
            wait_for(lambda: tmdb.asked.count("/3/movie/10") > 1)
            tmdb.answers["/3/movie/10"] = FakeAnswer(status=404)
            wait_for(lambda: client.get("/v1/facts").json()["runtime"] == 8)
            assert client.get("/v1/model").json()["facts"] is True
            check_filters(client, movies)
            check_people(client, movies)
            assert KEY not in client.get("/v1/facts").text
        asked = len(tmdb.asked)
        raters = np.bincount(world[1].movies.numbers(world[0].movies.ids)[world[0].movie], minlength=len(movies))
        ordered = [int(path.rpartition("/")[2]) - 1 for path in dict.fromkeys(tmdb.asked)]
        assert sorted(ordered) == [*range(len(movies) - 1)]
        first = raters[[at for at in ordered if at != 9]].tolist()
        assert first == sorted(first, reverse=True)
        with serve(tmdb) as client:
            wait_for(lambda: client.get("/v1/facts").json()["runtime"] == 8)
            assert len(tmdb.asked) == asked
        kept = pl.read_parquet(tmp_path / "tmdb" / "facts.parquet")
        assert len(kept) == len(movies) - 1
        kept.with_columns(fetched=pl.lit(int(time.time()) - 184 * 86_400)).write_parquet(
            tmp_path / "tmdb" / "facts.parquet"
        )
        for file in (tmp_path / "tmdb").glob("*.details"):
            file.unlink()
        with serve(tmdb) as client:
            assert client.get("/v1/facts").json()["runtime"] < 8
            wait_for(lambda: client.get("/v1/facts").json()["runtime"] == 8)


def check_filters(client: TestClient, movies: list[Any]) -> None:
    """Check that lists, rows, groups and predictions have only movies that are known to pass."""
    body = {"ratings": [{"movie": movies[20], "rating": 5}]}

    def listed(**filters: Any) -> set[Any]:
        return {
            line["movie"]
            for line in client.post("/v1/recommendations", json=body | filters | {"n": 50}).json()["items"]
        }

    assert listed(max_runtime=83) <= {*movies[:3]}
    assert listed(max_runtime=83, language="ru") == set()
    assert listed(language="ru", service="mubi", country="de") <= {movies[4], movies[6]}
    assert listed(service="Arte") <= {*movies[0:8:2]}
    assert len(listed()) > 20
    path = "/v1/users/7/recommendations?n=50&language=fr&max_runtime=100"
    assert {line["movie"] for line in client.get(path).json()["items"]} <= {*movies[:4]}
    (rows,) = [client.post("/v1/rows", json=body | {"language": "fr"}).json()["rows"]]
    assert {line["movie"] for row in rows for line in row["items"]} <= {*movies[:4]}
    group = {"members": [{"name": "A", **body}, {"name": "B", "ratings": []}], "service": "MUBI", "country": "DE"}
    assert {line["movie"] for line in client.post("/v1/groups/recommendations", json=group).json()["items"]} <= {
        *movies[0:8:2]
    }
    check_ages(client, movies, body)
    wanted = body | {"movies": movies[:12], "max_runtime": 100}
    answer = client.post("/v1/predictions", json=wanted).json()
    assert {line["movie"] for line in answer["items"]} == {*movies[:4]}
    assert {*answer["left_out"]} == {*movies[4:12]}
    for wrong in (
        {"service": "Arte", "country": "DE"},
        {"language": "xx"},
        {"max_runtime": -1},
        {"max_age": 22},
        {"age_country": "Germany"},
        {"country": "Germany"},
    ):
        check_problem(client.post("/v1/recommendations", json=body | wrong), 422)
    known = client.get("/v1/facts?country=FR").json()
    assert (known["movies"], known["runtime"], known["language"], known["directors"]) == (len(movies), 8, 8, 8)
    assert known["languages"] == [{"language": "fr", "movies": 4}, {"language": "ru", "movies": 4}]
    assert (known["countries"], known["streaming"]) == (["DE", "FR"], [{"service": "Arte", "movies": 4}])
    assert "JustWatch" in known["attribution"]


def check_ages(client: TestClient, movies: list[Any], body: dict[str, Any]) -> None:
    """Check that lists, rows, groups and predictions keep a limit of age; unknown movies are left out and counted."""
    limit = {"max_age": 12, "age_country": "DE"}
    listed = client.post("/v1/recommendations", json=body | limit | {"n": 50}).json()["items"]
    path = "/v1/users/7/recommendations?n=50&max_age=12&age_country=de"
    (rows,) = [client.post("/v1/rows", json=body | limit).json()["rows"]]
    group = {"members": [{"name": "A", **body}, {"name": "B", "ratings": []}], **limit}
    for items in (
        listed,
        client.get(path).json()["items"],
        [line for row in rows for line in row["items"]],
        client.post("/v1/groups/recommendations", json=group).json()["items"],
    ):
        assert {line["movie"] for line in items} <= {*movies[:4]}
        assert items
    assert client.post("/v1/recommendations", json=body | {"max_age": 12}).json()["items"] == []
    assert client.post("/v1/recommendations", json=body | {"max_age": 0}).json()["items"] == []
    answer = client.post("/v1/predictions", json=body | limit | {"movies": movies[:12]}).json()
    assert ({line["movie"] for line in answer["items"]}, {*answer["left_out"]}) == ({*movies[:4]}, {*movies[4:12]})
    assert client.get("/v1/facts").json()["certification"] == 7
    ages = [{"age": 6, "movies": sorted(movies[:4])}, {"age": 18, "movies": sorted(movies[4:7])}]
    assert client.get("/v1/facts/ages?country=DE").json() == {"country": "DE", "ages": ages}
    assert client.get("/v1/facts/ages?country=FR").json()["ages"] == [{"age": 13, "movies": sorted(movies[:7])}]
    facts = client.get(f"/v1/movies/{movies[4]}?country=DE").json()["facts"]
    assert (facts["certification"], facts["age"]) == ("DE:18", 18)


def check_people(client: TestClient, movies: list[Any]) -> None:
    """Check that a search finds people and original titles, and that a person has their movies."""
    found = client.get("/v1/movies", params={"query": "films by agnes varda"}).json()
    assert found["people"] == [{"name": "Agnès Varda", "directed": 3, "played": 1}]
    answer = client.post("/v1/movies/search", json={"query": "七人の侍 3", "ratings": []}).json()
    assert (answer["items"][0]["movie"], answer["people"]) == (movies[2], [])
    films = client.post("/v1/people/movies", json={"name": "AGNES VARDA", "ratings": []}).json()
    assert (films["name"], {*films["directed"]}, films["played"]) == ("Agnès Varda", {*movies[:3]}, [movies[4]])
    assert {line["movie"] for line in films["items"]} == {*movies[:3], movies[4]}
    assert client.post("/v1/people/movies", json={"name": "Nobody", "ratings": []}).json()["items"] == []
    facts = client.get(f"/v1/movies/{movies[0]}").json()["facts"]
    assert (facts["runtime"], facts["languages"], facts["original_title"]) == (81, ["fr"], "七人の侍 1")


def test_a_damaged_file_of_facts_is_made_anew(tmp_path: Path, serve: Callable[..., TestClient]) -> None:
    """Nothing that it might hold stops the service."""
    (tmp_path / "tmdb").mkdir()
    (tmp_path / "tmdb" / "facts.parquet").write_bytes(b"PAR1 but no more")
    with fake_tmdb() as tmdb, serve(tmdb) as client:
        add_movies(tmdb)
        wait_for(lambda: client.get("/v1/facts").json()["runtime"] == 8)
    kept = pl.read_parquet(tmp_path / "tmdb" / "facts.parquet")
    assert len(kept) > 8
    kept.drop("certifications").write_parquet(tmp_path / "tmdb" / "facts.parquet")  # as an earlier version wrote it
    with fake_tmdb() as tmdb, serve(tmdb) as client:
        wait_for(lambda: client.get("/v1/facts").json()["runtime"] == 8)
        assert client.get("/v1/facts").json()["certification"] == 0
        assert not [path for path in tmdb.asked if path.endswith(("/1", "/2"))]


@pytest.mark.parametrize("content", [b"", b"[", b"{}", b'{"minutes": "long"}'])
def test_details_that_say_nothing_make_a_blank_row(content: bytes) -> None:
    """So the movie isn't asked for again and again."""
    row = facts_row("1", content, 5.5)
    assert {name for name, value in row.items() if value is not None} == {"tmdb", "fetched"}


def test_filters_use_the_catalogs_own_facts_without_a_key(tmp_path: Path, world: tuple[Ratings, Catalog]) -> None:
    """The service gathers nothing then; movies whose fact isn't in the file are left out."""
    ratings, catalog = world
    columns = {name: catalog.frame[name].to_list() for name in ("title", "year", "genres")}
    runtimes = [90 if at % 2 else None for at in range(len(catalog))]
    save(ItemKNN().fit(ratings, Catalog.of(catalog.movies, **columns, runtime=runtimes)), tmp_path / "model")
    settings = ServiceSettings(tmp_path / "model", f"sqlite:///{tmp_path}/store.db", hosts=("testserver",))
    with TestClient(create_app(settings)) as client:
        assert client.get("/v1/model").json()["facts"] is True
        known = client.get("/v1/facts").json()
        assert (known["runtime"], known["language"], known["streaming"], known["attribution"]) == (20, 0, [], None)
        items = client.post("/v1/recommendations", json={"ratings": [], "max_runtime": 90, "n": 50}).json()["items"]
        assert {line["movie"] for line in items} <= {*catalog.movies.ids[1::2].tolist()}
        assert len(items) > 10
