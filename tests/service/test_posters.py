"""Posters from a fake TMDB: `cinematrix.service.routes.posters` and `cinematrix.service.tmdb`."""

import logging
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from cinematrix.cli.main import app
from cinematrix.common.durations import DAY_SECONDS
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.errors import InputError
from cinematrix.service.app import create_app
from cinematrix.service.settings import PosterSettings, ServiceSettings
from cinematrix.service.tmdb import MAX_PICTURE_BYTES
from cinematrix.store.keys import create_key
from cinematrix.store.records import Store
from service_world import check_problem
from tmdb_world import KEY, PNG, FakeAnswer, FakeTmdb, fake_tmdb, save_numbered_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, world: tuple[Ratings, Catalog]) -> Path:
    """A model whose movies have TMDB IDs 1, 2, … in catalog order, except the last one."""
    return save_numbered_model(tmp_path_factory.mktemp("model") / "model", *world)


@pytest.fixture
def tmdb() -> Iterator[FakeTmdb]:
    """A fake TMDB without movies."""
    with fake_tmdb() as tmdb:
        yield tmdb


@pytest.fixture
def settings(folder: Path, tmp_path: Path, tmdb: FakeTmdb) -> ServiceSettings:
    """Settings of a service with a key for the fake TMDB."""
    posters = PosterSettings(KEY, tmp_path / "posters", api=tmdb.url, images=tmdb.url, seconds=20, facts_rate=0)
    return ServiceSettings(folder, f"sqlite:///{tmp_path}/store.db", hosts=("testserver",), posters=posters)


@pytest.fixture
def movies(world: tuple[Ratings, Catalog]) -> list[Any]:
    """Movie IDs. The movie at index i has TMDB ID i + 1."""
    ids: list[Any] = world[1].movies.ids.tolist()
    return ids


def run_client(settings: ServiceSettings) -> AbstractContextManager[TestClient]:
    """Start a service and return a client of it."""
    return TestClient(create_app(settings))


def poster_file(settings: ServiceSettings, number: str) -> Path:
    """Return the path of the cached poster with a TMDB ID."""
    assert settings.posters is not None
    return settings.posters.folder / f"{number}.poster"


def age(path: Path, seconds: float) -> None:
    """Set a file's modification time `seconds` back."""
    os.utime(path, (time.time() - seconds,) * 2)


def test_a_poster_is_fetched_once_and_cached(settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any]) -> None:
    """The poster has its media type; it is fetched once, even after a restart, and is a 304 with its ETag."""
    tmdb.film("1", FakeAnswer(PNG, headers={"Content-Type": "text/html"}))
    with run_client(settings) as client:
        found = client.get(f"/v1/movies/{movies[0]}/poster")
        again = client.get(f"/v1/movies/{movies[0]}/poster", headers={"If-None-Match": found.headers["etag"]})
    with run_client(settings) as client:
        assert client.get(f"/v1/movies/{movies[0]}/poster").content == found.content == PNG
    assert (found.headers["content-type"], found.headers["cache-control"]) == ("image/png", "private, max-age=86400")
    assert found.headers["x-content-type-options"] == "nosniff"
    assert (again.status_code, again.content) == (304, b"")
    assert tmdb.asked == ["/3/movie/1", "/t/p/w342/poster.jpg"]
    assert tmdb.keys == [f"api_key={KEY}", ""]


@pytest.mark.parametrize("start", [b"\xff\xd8\xff\xe0", b"RIFF\n\0\0\0WEBPVP8 "], ids=["jpeg", "webp"])
def test_media_types_come_from_the_first_bytes(
    settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any], start: bytes, request: pytest.FixtureRequest
) -> None:
    """JPEG and WebP get their media type from their content, whatever their name says."""
    tmdb.film("1", FakeAnswer(start + bytes(100)))
    with run_client(settings) as client:
        found = client.get(f"/v1/movies/{movies[0]}/poster")
    assert found.headers["content-type"] == f"image/{request.node.callspec.id}"


@pytest.mark.parametrize(
    ("picture", "path"),
    [
        (None, None),
        (None, "/gone.jpg"),
        (FakeAnswer(b"<svg onload='alert(1)'/>"), "/poster.jpg"),
        (FakeAnswer(b"GIF89a" + bytes(100)), "/poster.png"),
        (FakeAnswer(PNG + bytes(MAX_PICTURE_BYTES)), "/poster.jpg"),
        (FakeAnswer(PNG), "/../../secret.jpg"),
        (FakeAnswer(PNG), "@elsewhere/poster.jpg"),
        (None, 7),
    ],
    ids=["none", "gone", "no-picture", "gif", "huge", "climbs", "elsewhere", "no-text"],
)
def test_a_missing_poster_is_cached_for_a_day(
    settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any], picture: FakeAnswer | None, path: Any
) -> None:
    """A missing poster, or one that isn't a picture of at most 2 MB, is a 404; TMDB is asked again a day later."""
    tmdb.film("1", picture, path)
    with run_client(settings) as client:
        answer = client.get(f"/v1/movies/{movies[0]}/poster")
        check_problem(answer, 404)
        assert answer.headers["cache-control"] == "private, max-age=300"
        n_requests = len(tmdb.asked)
        check_problem(client.get(f"/v1/movies/{movies[0]}/poster"), 404)
        assert len(tmdb.asked) == n_requests
        age(poster_file(settings, "1"), DAY_SECONDS + 1)
        tmdb.film("1", FakeAnswer(PNG))
        assert client.get(f"/v1/movies/{movies[0]}/poster").content == PNG


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (FakeAnswer(status=401), 600),
        (FakeAnswer(status=429, headers={"Retry-After": "7"}), 7),
        (FakeAnswer(status=429, headers={"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}), 30),
        (FakeAnswer(status=302, headers={"Location": "/3/movie/2"}), 30),
        (FakeAnswer(b"{", 200), 30),
        (FakeAnswer(b"{}", length=50), 30),
        (FakeAnswer(b"{}", seconds=0.8), 30),
    ],
    ids=["refused", "too-many", "too-many-until", "redirect", "damaged", "broken-off", "slow"],
)
def test_requests_to_tmdb_pause_after_a_failure(
    settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any], answer: FakeAnswer, seconds: int,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """After a failure no movie is requested until the pause ends; the failure isn't cached and no redirect followed."""
    tmdb.film("1", FakeAnswer(PNG))
    tmdb.film("2", FakeAnswer(PNG))
    if answer.seconds:
        assert settings.posters is not None
        settings = replace(settings, posters=replace(settings.posters, seconds=answer.seconds / 2))
    good, tmdb.answers["/3/movie/1"] = tmdb.answers["/3/movie/1"], answer
    with run_client(settings) as client, caplog.at_level(logging.DEBUG):
        start = time.monotonic()
        assert client.get(f"/v1/movies/{movies[0]}/poster").status_code == 404
        tmdb.answers["/3/movie/1"] = good
        assert client.get(f"/v1/movies/{movies[1]}/poster").status_code == 404
        assert tmdb.asked == ["/3/movie/1"]
        clock = SimpleNamespace(time=time.time, monotonic=lambda: start + seconds + 30)
        monkeypatch.setattr("cinematrix.service.tmdb.time", clock)
        assert [client.get(f"/v1/movies/{movie}/poster").status_code for movie in movies[:2]] == [200, 200]
    assert f"pause for {seconds} seconds" in caplog.text
    assert KEY not in caplog.text


def test_posters_expire(settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any]) -> None:
    """An expired poster is fetched again on request; others are deleted, but no foreign files."""
    assert settings.posters.days <= 180
    tmdb.film("1", FakeAnswer(PNG))
    with run_client(settings) as client:
        assert client.get(f"/v1/movies/{movies[0]}/poster").content == PNG
    poster_file(settings, "2").write_bytes(PNG)
    foreign = poster_file(settings, "2").with_name("mine.jpg")
    foreign.write_bytes(PNG)
    for path in (poster_file(settings, "1"), poster_file(settings, "2"), foreign):
        age(path, 150 * DAY_SECONDS + 1)
    tmdb.film("1", FakeAnswer(PNG + b"new"))
    with run_client(settings) as client:
        assert client.get(f"/v1/movies/{movies[0]}/poster").content == PNG + b"new"
    assert not poster_file(settings, "2").exists()
    assert foreign.exists()


def test_the_folder_stays_below_its_size(settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any]) -> None:
    """Beyond the size limit the oldest posters are deleted."""
    assert settings.posters is not None
    settings = replace(settings, posters=replace(settings.posters, most_bytes=5 * len(PNG)))
    with run_client(settings) as client:
        for number in range(1, 9):
            tmdb.film(str(number), FakeAnswer(PNG))
            assert client.get(f"/v1/movies/{movies[number - 1]}/poster").status_code == 200
            age(poster_file(settings, str(number)), 1000 - number)
            cached = sorted(int(path.stem) for path in poster_file(settings, "1").parent.iterdir())
            assert len(cached) <= 5
            assert cached == list(range(number - len(cached) + 1, number + 1))


def test_concurrent_requests_share_one_fetch(settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any]) -> None:
    """Eight concurrent requests for a poster cause one fetch from TMDB."""
    tmdb.film("1", FakeAnswer(PNG, seconds=0.2))
    with run_client(settings) as client, ThreadPoolExecutor(8) as pool:
        posters = list(pool.map(lambda _: client.get(f"/v1/movies/{movies[0]}/poster").content, range(8)))
    assert posters == [PNG] * 8
    assert len(tmdb.asked) == 2


def test_slow_posters_delay_no_other_request(settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any]) -> None:
    """While TMDB is slow, other requests are answered at once, and posters beyond the pending ones are a 404."""
    proceed = threading.Event()
    for number in range(1, PosterSettings.waiting + 5):
        tmdb.film(str(number))
        tmdb.answers[f"/3/movie/{number}"].let = proceed
    with run_client(settings) as client, ThreadPoolExecutor(PosterSettings.waiting + 4) as pool:
        client.get(f"/v1/movies/{movies[0]}")
        pending = [
            pool.submit(client.get, f"/v1/movies/{movie}/poster") for movie in movies[: PosterSettings.waiting + 4]
        ]
        for _ in zip(range(4), as_completed(pending, 15), strict=False):
            pass
        results = client.get(f"/v1/movies/{movies[0]}").status_code, sum(each.done() for each in pending)
        proceed.set()
        assert results == (200, 4)
        assert {each.result().status_code for each in pending} == {404}
    assert len([path for path in tmdb.asked if "movie" in path]) == PosterSettings.waiting


def test_the_key_is_in_no_answer_and_no_line_of_the_log(
    settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The TMDB key isn't in responses, log, the settings' repr or the poster folder, even after errors."""
    assert settings.posters is not None
    nowhere = replace(settings.posters, api="http://127.0.0.1:1")
    tmdb.film("1", FakeAnswer(PNG))
    with caplog.at_level(logging.DEBUG):
        for posters in (nowhere, replace(nowhere, api="nonsense"), settings.posters):
            with run_client(replace(settings, posters=posters)) as client:
                for path in (f"movies/{movies[0]}/poster", f"movies/{movies[0]}", "model"):
                    answer = client.get(f"/v1/{path}")
                    assert KEY not in answer.text + str(answer.headers)
    assert "ConnectionRefusedError" in caplog.text or "URLError" in caplog.text
    assert KEY not in caplog.text + repr(settings)
    assert [path.name for path in settings.posters.folder.iterdir()] == ["1.poster"]


def test_there_are_none_without_a_key(settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any]) -> None:
    """Without a key posters are a 404 and the model says so; so are those of movies without a TMDB ID and of unknown
    movies."""
    with run_client(replace(settings, posters=None)) as client:
        check_problem(client.get(f"/v1/movies/{movies[0]}/poster"), 404)
        assert client.get("/v1/model").json()["posters"] is False
    with run_client(settings) as client:
        check_problem(client.get(f"/v1/movies/{movies[-1]}/poster"), 404)
        check_problem(client.get("/v1/movies/999999/poster"), 404)
        assert client.get("/v1/model").json()["posters"] is True
    assert tmdb.asked == []


@pytest.mark.parametrize("public", [False, True])
def test_posters_are_offered_if_browsers_may_see_them(
    settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any], public: bool
) -> None:
    """Browsers send no key for pictures: the model offers posters only if no key is needed."""
    store = Store.open(settings.db)
    key = {"X-API-Key": create_key(store, "read")}
    store.close()
    tmdb.film("1", FakeAnswer(PNG))
    with run_client(replace(settings, public=public)) as client:
        assert client.get("/v1/model", headers=key).json()["posters"] is public
        assert client.get(f"/v1/movies/{movies[0]}/poster").status_code == (200 if public else 401)
        assert client.get(f"/v1/movies/{movies[0]}/poster", headers=key).status_code == 200


def test_a_folder_that_cannot_be_written_to_is_refused(settings: ServiceSettings, tmp_path: Path) -> None:
    """A poster folder that can't be written to is refused at the start."""
    (tmp_path / "file").write_text("")
    assert settings.posters is not None
    with pytest.raises(InputError, match="isn't a folder"):
        create_app(replace(settings, posters=replace(settings.posters, folder=tmp_path / "file" / "posters")))


@pytest.mark.parametrize("words", [[], ["--posters", "given"]], ids=["cache", "given"])
def test_the_key_comes_from_the_environment(
    folder: Path, tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Posters are stored in the cache folder by default; without a key there are none."""
    served: list[ServiceSettings] = []
    monkeypatch.setattr("cinematrix.service.server.serve", lambda settings, *_, **__: served.append(settings))
    for key in (KEY, ""):
        env = {"CINEMATRIX_TMDB_KEY": key, "CINEMATRIX_CACHE": str(tmp_path)}
        assert CliRunner().invoke(app, ["serve", str(folder), *words], env=env).exit_code == 0
    posters_folder = Path("given") if words else tmp_path / "posters"
    assert [each.posters for each in served] == [PosterSettings(KEY, posters_folder), None]
