"""Posters from TMDB: `cinematrix.service.routes.posters`, against a TMDB of our own."""

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
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.errors import InputError
from cinematrix.service.app import create_app
from cinematrix.service.settings import PosterSettings, ServiceSettings
from cinematrix.service.tmdb import DAY_SECONDS, MAX_PENDING_FETCHES, MAX_PICTURE_BYTES, POSTER_LIFETIME_SECONDS
from cinematrix.store.keys import create_key
from cinematrix.store.records import Store
from service_world import check_problem
from tmdb_world import KEY, PNG, FakeAnswer, FakeTmdb, fake_tmdb, save_numbered_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, world: tuple[Ratings, Catalog]) -> Path:
    """A model whose films have their places in the catalog as numbers at TMDB, but for the last."""
    return save_numbered_model(tmp_path_factory.mktemp("model") / "model", *world)


@pytest.fixture
def tmdb() -> Iterator[FakeTmdb]:
    """TMDB, which knows nothing yet."""
    with fake_tmdb() as tmdb:
        yield tmdb


@pytest.fixture
def settings(folder: Path, tmp_path: Path, tmdb: FakeTmdb) -> ServiceSettings:
    """Of a service with a key to it."""
    posters = PosterSettings(KEY, tmp_path / "posters", api=tmdb.url, images=tmdb.url, seconds=20)
    return ServiceSettings(folder, f"sqlite:///{tmp_path}/store.db", hosts=("testserver",), posters=posters)


@pytest.fixture
def movies(world: tuple[Ratings, Catalog]) -> list[Any]:
    """IDs of the films, in the order of their numbers at TMDB less one."""
    ids: list[Any] = world[1].movies.ids.tolist()
    return ids


def started(settings: ServiceSettings) -> AbstractContextManager[TestClient]:
    """A client of a service that starts."""
    return TestClient(create_app(settings))


def kept(settings: ServiceSettings, number: str) -> Path:
    """Where the poster with this number is kept."""
    assert settings.posters is not None
    return settings.posters.folder / f"{number}.poster"


def age(path: Path, seconds: float) -> None:
    """Let a file be older."""
    os.utime(path, (time.time() - seconds,) * 2)


def test_a_poster_is_fetched_once_and_kept(settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any]) -> None:
    """The picture with its type; from then on TMDB isn't asked, nor by the next server, nor is who has it sent it."""
    tmdb.film("1", FakeAnswer(PNG, headers={"Content-Type": "text/html"}))
    with started(settings) as client:
        found = client.get(f"/v1/movies/{movies[0]}/poster")
        again = client.get(f"/v1/movies/{movies[0]}/poster", headers={"If-None-Match": found.headers["etag"]})
    with started(settings) as client:
        assert client.get(f"/v1/movies/{movies[0]}/poster").content == found.content == PNG
    assert (found.headers["content-type"], found.headers["cache-control"]) == ("image/png", "private, max-age=86400")
    assert found.headers["x-content-type-options"] == "nosniff"
    assert (again.status_code, again.content) == (304, b"")
    assert tmdb.asked == ["/3/movie/1", "/t/p/w342/poster.jpg"]
    assert tmdb.keys == [f"api_key={KEY}", ""]


@pytest.mark.parametrize("start", [b"\xff\xd8\xff\xe0", b"RIFF\n\0\0\0WEBPVP8 "], ids=["jpeg", "webp"])
def test_pictures_are_told_by_their_first_bytes(
    settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any], start: bytes, request: pytest.FixtureRequest
) -> None:
    """JPEG and WebP are let through as such, whatever their name says."""
    tmdb.film("1", FakeAnswer(start + bytes(100)))
    with started(settings) as client:
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
def test_that_there_is_no_poster_is_remembered_for_a_day(
    settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any], picture: FakeAnswer | None, path: Any
) -> None:
    """No poster, or what isn't a picture of two megabytes at most: 404, and TMDB is asked again a day later."""
    tmdb.film("1", picture, path)
    with started(settings) as client:
        answer = client.get(f"/v1/movies/{movies[0]}/poster")
        check_problem(answer, 404)
        assert answer.headers["cache-control"] == "private, max-age=300"
        asked = len(tmdb.asked)
        check_problem(client.get(f"/v1/movies/{movies[0]}/poster"), 404)
        assert len(tmdb.asked) == asked
        age(kept(settings, "1"), DAY_SECONDS + 1)
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
def test_tmdb_is_left_alone_after_it_failed(
    settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any], answer: FakeAnswer, seconds: int,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """It isn't asked for any film until it has had its rest; nothing is remembered of it, and no redirect followed."""
    tmdb.film("1", FakeAnswer(PNG))
    tmdb.film("2", FakeAnswer(PNG))
    if answer.seconds:
        assert settings.posters is not None
        settings = replace(settings, posters=replace(settings.posters, seconds=answer.seconds / 2))
    good, tmdb.answers["/3/movie/1"] = tmdb.answers["/3/movie/1"], answer
    with started(settings) as client, caplog.at_level(logging.DEBUG):
        began = time.monotonic()
        assert client.get(f"/v1/movies/{movies[0]}/poster").status_code == 404
        tmdb.answers["/3/movie/1"] = good
        assert client.get(f"/v1/movies/{movies[1]}/poster").status_code == 404
        assert tmdb.asked == ["/3/movie/1"]
        clock = SimpleNamespace(time=time.time, monotonic=lambda: began + seconds + 30)
        monkeypatch.setattr("cinematrix.service.tmdb.time", clock)
        assert [client.get(f"/v1/movies/{movie}/poster").status_code for movie in movies[:2]] == [200, 200]
    assert f"left alone for {seconds} seconds" in caplog.text
    assert KEY not in caplog.text


def test_a_poster_grows_old(settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any]) -> None:
    """One that was kept as long as it may be is fetched anew, and one that nobody asks for is removed."""
    assert POSTER_LIFETIME_SECONDS <= 180 * DAY_SECONDS
    tmdb.film("1", FakeAnswer(PNG))
    with started(settings) as client:
        assert client.get(f"/v1/movies/{movies[0]}/poster").content == PNG
    kept(settings, "2").write_bytes(PNG)
    strange = kept(settings, "2").with_name("mine.jpg")
    strange.write_bytes(PNG)
    for path in (kept(settings, "1"), kept(settings, "2"), strange):
        age(path, POSTER_LIFETIME_SECONDS + 1)
    tmdb.film("1", FakeAnswer(PNG + b"new"))
    with started(settings) as client:
        assert client.get(f"/v1/movies/{movies[0]}/poster").content == PNG + b"new"
    assert not kept(settings, "2").exists()
    assert strange.exists()


def test_the_folder_stays_below_its_size(settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any]) -> None:
    """The oldest go first."""
    assert settings.posters is not None
    settings = replace(settings, posters=replace(settings.posters, most_bytes=5 * len(PNG)))
    with started(settings) as client:
        for number in range(1, 9):
            tmdb.film(str(number), FakeAnswer(PNG))
            assert client.get(f"/v1/movies/{movies[number - 1]}/poster").status_code == 200
            age(kept(settings, str(number)), 1000 - number)
            held = sorted(int(path.stem) for path in kept(settings, "1").parent.iterdir())
            assert len(held) <= 5
            assert held == list(range(number - len(held) + 1, number + 1))


def test_who_ask_at_once_have_it_fetched_once(settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any]) -> None:
    """Eight browsers wait for the same request to TMDB."""
    tmdb.film("1", FakeAnswer(PNG, seconds=0.2))
    with started(settings) as client, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: client.get(f"/v1/movies/{movies[0]}/poster").content, range(8)))
    assert found == [PNG] * 8
    assert len(tmdb.asked) == 2


def test_nobody_else_waits_for_posters(settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any]) -> None:
    """While TMDB is slow, films are answered at once; and posters beyond those under way do without."""
    let = threading.Event()
    for number in range(1, MAX_PENDING_FETCHES + 5):
        tmdb.film(str(number))
        tmdb.answers[f"/3/movie/{number}"].let = let
    with started(settings) as client, ThreadPoolExecutor(MAX_PENDING_FETCHES + 4) as pool:
        client.get(f"/v1/movies/{movies[0]}")
        asking = [pool.submit(client.get, f"/v1/movies/{movie}/poster") for movie in movies[: MAX_PENDING_FETCHES + 4]]
        for _ in zip(range(4), as_completed(asking, 15), strict=False):
            pass
        answered = client.get(f"/v1/movies/{movies[0]}").status_code, sum(each.done() for each in asking)
        let.set()
        assert answered == (200, 4)
        assert {each.result().status_code for each in asking} == {404}
    assert len([path for path in tmdb.asked if "movie" in path]) == MAX_PENDING_FETCHES


def test_the_key_is_in_no_answer_and_no_line_of_the_log(
    settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever goes wrong; nor is it in what the settings say of themselves, nor in the folder."""
    assert settings.posters is not None
    nowhere = replace(settings.posters, api="http://127.0.0.1:1")
    tmdb.film("1", FakeAnswer(PNG))
    with caplog.at_level(logging.DEBUG):
        for posters in (nowhere, replace(nowhere, api="nonsense"), settings.posters):
            with started(replace(settings, posters=posters)) as client:
                for path in (f"movies/{movies[0]}/poster", f"movies/{movies[0]}", "model"):
                    answer = client.get(f"/v1/{path}")
                    assert KEY not in answer.text + str(answer.headers)
    assert "ConnectionRefusedError" in caplog.text or "URLError" in caplog.text
    assert KEY not in caplog.text + repr(settings)
    assert [path.name for path in settings.posters.folder.iterdir()] == ["1.poster"]


def test_there_are_none_without_a_key(settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any]) -> None:
    """404, and the model says so; 404 too for a film that TMDB's number isn't known of, or that nobody knows."""
    with started(replace(settings, posters=None)) as client:
        check_problem(client.get(f"/v1/movies/{movies[0]}/poster"), 404)
        assert client.get("/v1/model").json()["posters"] is False
    with started(settings) as client:
        check_problem(client.get(f"/v1/movies/{movies[-1]}/poster"), 404)
        check_problem(client.get("/v1/movies/999999/poster"), 404)
        assert client.get("/v1/model").json()["posters"] is True
    assert tmdb.asked == []


@pytest.mark.parametrize("public", [False, True])
def test_a_browser_is_told_of_posters_that_it_may_see(
    settings: ServiceSettings, tmdb: FakeTmdb, movies: list[Any], public: bool
) -> None:
    """A picture is asked for without a key: where one is needed, the page keeps to those that it draws."""
    store = Store.open(settings.db)
    key = {"X-API-Key": create_key(store, "read")}
    store.close()
    tmdb.film("1", FakeAnswer(PNG))
    with started(replace(settings, public=public)) as client:
        assert client.get("/v1/model", headers=key).json()["posters"] is public
        assert client.get(f"/v1/movies/{movies[0]}/poster").status_code == (200 if public else 401)
        assert client.get(f"/v1/movies/{movies[0]}/poster", headers=key).status_code == 200


def test_a_folder_that_cannot_be_written_to_is_refused(settings: ServiceSettings, tmp_path: Path) -> None:
    """At the start, before anybody asks."""
    (tmp_path / "file").write_text("")
    assert settings.posters is not None
    with pytest.raises(InputError, match="isn't a folder"):
        create_app(replace(settings, posters=replace(settings.posters, folder=tmp_path / "file" / "posters")))


@pytest.mark.parametrize("words", [[], ["--posters", "given"]], ids=["cache", "given"])
def test_the_key_comes_from_the_environment(
    folder: Path, tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Posters are kept in the cache unless told otherwise; without a key there are none."""
    served: list[ServiceSettings] = []
    monkeypatch.setattr("cinematrix.service.server.serve", lambda settings, *_, **__: served.append(settings))
    for key in (KEY, ""):
        env = {"CINEMATRIX_TMDB_KEY": key, "CINEMATRIX_CACHE": str(tmp_path)}
        assert CliRunner().invoke(app, ["serve", str(folder), *words], env=env).exit_code == 0
    where = Path("given") if words else tmp_path / "posters"
    assert [each.posters for each in served] == [PosterSettings(KEY, where), None]
