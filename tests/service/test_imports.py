"""Imports and exports over HTTP: `cinematrix.service.routes.imports` and `exports`."""

import csv
import io
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from queue import Queue
from threading import Event
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from cinematrix.data.catalog import Catalog
from cinematrix.data.ids import IdMap
from cinematrix.data.ratings import Scale
from cinematrix.importers import ParsedImport, read
from cinematrix.importers.letterboxd_export import ExportedRating, letterboxd_csv
from cinematrix.service import import_worker
from cinematrix.service.app import create_app
from cinematrix.service.settings import ServiceSettings
from export_files import LETTERBOXD, lines, zip_files
from service_world import check_problem

STARS = Scale(0.5, 5, 0.5)


def film(place: int) -> str:
    """Return the title and year of a movie of the test world as CSV cells."""
    return f"{'Scary' if place % 2 else 'Funny'} {place},{1980 + place}"


def export(*rows: str, watched: tuple[int, ...] = (), wanted: tuple[int, ...] = ()) -> bytes:
    """Make a Letterboxd archive."""
    return zip_files(
        {
            "ratings.csv": lines(f"{LETTERBOXD},Rating", *rows),
            "watched.csv": lines(LETTERBOXD, *(f"2020-01-01,{film(at)},u" for at in watched)),
            "watchlist.csv": lines(LETTERBOXD, *(f"2020-01-01,{film(at)},u" for at in wanted)),
        }
    )


ROWS = (
    f"2023-01-01,{film(0)},u,4.5",
    f"2023-01-01,{film(1)},u,1",
    f"2023-01-02,{film(0)},u,5",
    "2023-01-02,Funny Bones,1995,u,3",
    f"2023-01-02,{film(4)},u,0",
)
EXPORT = export(*ROWS, watched=(0, 1, 6), wanted=(8,))
COUNTS = {"read": 9, "imported": 4, "updated": 0, "duplicates": 3}


def counts(body: dict[str, Any]) -> int:
    """Return the number of rows that the response accounts for."""
    lists = len(body["skipped"]) + len(body["unmatched"])
    return int(body["imported"] + body["updated"] + body["duplicates"] + lists)


def test_a_preview_is_not_stored(client: TestClient, model: Any) -> None:
    """Counts add up; ratings have the model's scale and the catalog's titles; an unmatched row has candidates."""
    answer = client.post("/v1/imports", params={"name": "export.zip"}, content=EXPORT)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert {name: body[name] for name in COUNTS} == COUNTS
    assert counts(body) == body["read"]
    ids = model.data.catalog.movies.ids
    place = {title: int(ids[at]) for at, title in enumerate(model.data.catalog.frame["title"].to_list())}
    assert body["source"] == "letterboxd"
    assert body["ratings"] == [
        {"movie": place["Funny 0"], "title": "Funny 0", "year": 1980, "rating": 5.0, "time": 1_672_617_600},
        {"movie": place["Scary 1"], "title": "Scary 1", "year": 1981, "rating": 1.0, "time": 1_672_531_200},
    ]
    assert body["events"] == {"seen": [place["Funny 6"]], "watchlist": [place["Funny 8"]], "like": []}
    assert body["skipped"] == [{"row": "ratings.csv:6", "reason": "no rating", "title": "Funny 4"}]
    (unmatched,) = body["unmatched"]
    assert (unmatched["row"], unmatched["title"], unmatched["rating"]) == ("ratings.csv:5", "Funny Bones", 3.0)
    assert check_problem(client.get("/v1/users/ann/ratings"), 404)


def test_an_import_is_stored_once(client: TestClient, user: int) -> None:
    """An import counts in the next list; repeating it changes nothing; a newer rating wins, an older one doesn't."""
    path = f"/v1/users/{user}/imports"
    first = client.post(path, content=EXPORT).json()
    assert {name: first[name] for name in COUNTS} == COUNTS
    before = client.get(f"/v1/users/{user}/export").json()
    again = client.post(path, content=EXPORT).json()
    assert (again["imported"], again["updated"], again["duplicates"]) == (0, 0, 7)
    assert counts(again) == again["read"]
    assert client.get(f"/v1/users/{user}/export").json() == before
    assert {row["movie"]: row["rating"] for row in before["ratings"]}[first["ratings"][0]["movie"]] == 5.0
    listed = [item["movie"] for item in client.get(f"/v1/users/{user}/recommendations?n=200").json()["items"]]
    assert set(first["events"]["seen"]).isdisjoint(listed)
    for date, updated in (("2022-01-01", 0), ("2024-01-01", 1)):
        body = client.post(path, content=export(f"{date},{film(0)},u,2")).json()
        assert (body["imported"], body["updated"]) == (0, updated)


def test_imports_for_new_users_need_room(settings: ServiceSettings) -> None:
    """An import for a new user is a 404, unless new users are allowed."""
    with TestClient(create_app(settings)) as client:
        check_problem(client.post("/v1/users/nobody/imports", content=EXPORT), 404)
    with TestClient(create_app(replace(settings, new_users=9))) as client:
        assert client.post("/v1/users/nobody/imports", content=EXPORT).json()["imported"] == 4
        assert len(client.get("/v1/users/nobody/ratings").json()["ratings"]) == 2


@pytest.mark.parametrize("path", ["/v1/imports", "/v1/users/{user}/imports"])
def test_an_unsupported_file_is_refused(client: TestClient, user: int, path: str) -> None:
    """An unsupported file is a 422 that repeats nothing of it, and nothing is stored."""
    for content in (b"", b"secret,words\n1,2\n", b"PK\3\4secret", b"<!DOCTYPE secret><a/>", b"\xff\xfesecret\xd8\0"):
        check_problem(client.post(path.format(user=user), content=content), 422, "secret")
    assert client.get(f"/v1/users/{user}/export").json()["events"] == {}


def test_a_mapping_comes_with_the_query(client: TestClient) -> None:
    """The query may name the columns and the best rating of a generic CSV."""
    content = f"Que;Nota\n{film(0).replace(',', ' (')});8\n".encode()
    query = {"columns": "title=Que,rating=Nota", "highest": 10}
    assert [row["rating"] for row in client.post("/v1/imports", params=query, content=content).json()["ratings"]] == [4]
    check_problem(client.post("/v1/imports", params={"columns": "user=Que"}, content=content), 422)
    check_problem(client.post("/v1/imports", params={"highest": "nan"}, content=content), 422)


def test_a_file_that_does_not_say_its_kind_is_asked_about(client: TestClient, user: int) -> None:
    """The refusal lists the answers; with one the films are stored as said, aren't listed, and go out again."""
    path = f"/v1/users/{user}/imports"
    unrated = client.get(f"/v1/users/{user}/recommendations?n=2").json()["items"]
    rows = [f"{item['title']},{item['year']},{day}" for item, day in zip(unrated, ("2024-01-15", ""), strict=True)]
    content = lines("Title,Year,Date", *rows)
    problem = check_problem(client.post(path, content=content), 422)
    assert problem["ask"] == ["seen", "watchlist", "liked", "rated"]
    check_problem(client.post(path, params={"as": "bought"}, content=content), 422)
    seen, other = client.post(path, params={"as": "seen"}, content=content).json()["events"]["seen"]
    assert {seen, other}.isdisjoint(
        item["movie"] for item in client.get(f"/v1/users/{user}/recommendations?n=200").json()["items"]
    )
    stored = client.get(f"/v1/users/{user}/events").json()
    assert stored["event_times"] == {"seen": {str(seen): 1_705_276_800}}
    assert client.get(f"/v1/users/{user}/export").json()["event_times"] == stored["event_times"]
    text = client.get(f"/v1/users/{user}/export", params={"format": "letterboxd"}).text
    unstarred = [row["WatchedDate"] for row in csv.DictReader(io.StringIO(text)) if not row["Rating"]]
    assert sorted(unstarred) == ["", "2024-01-15"]


@pytest.mark.parametrize("kind", ["watchlist", "liked"])
def test_a_wanted_film_is_stored_and_a_liked_one_hidden(client: TestClient, user: int, kind: str) -> None:
    """The watchlist is readable and may be recommended; a liked film isn't recommended."""
    path = f"/v1/users/{user}"
    before = [item["movie"] for item in client.get(f"{path}/recommendations?n=200").json()["items"]]
    title = client.get(f"/v1/movies/{before[0]}").json()
    content = f"Title,Year\n{title['title']},{title['year']}\n".encode()
    assert client.post(f"{path}/imports", params={"as": kind}, content=content).json()["imported"] == 1
    assert client.get(f"{path}/events").json()["events"] == {kind.removesuffix("d"): [before[0]]}
    after = [item["movie"] for item in client.get(f"{path}/recommendations?n=200").json()["items"]]
    assert (before[0] in after) is (kind == "watchlist")


def test_uploads_have_a_cap_of_their_own(client: TestClient) -> None:
    """Uploads are limited to 20 MB, other bodies to less, by their declared length or while reading."""
    row = f"2023-01-01,{film(0)},u,4.5\n".encode()
    content = lines(f"{LETTERBOXD},Rating") + row + b"\n" * 3_000_000
    assert client.post("/v1/imports", params={"name": "ratings.csv"}, content=content).status_code == 200
    check_problem(client.post("/v1/imports", content=bytes(20_000_001)), 413)
    check_problem(client.post("/v1/imports", content=(bytes(1_000_000) for _ in range(21))), 413)
    check_problem(client.post("/v1/recommendations", content=content), 413)


@pytest.mark.fault(17)
def test_others_are_answered_while_files_are_imported(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file is read at a time, four wait and a further one is a 503; other requests wait for none of them."""
    started, proceed = Queue[int](), Event()

    def slowly(*_: Any) -> ParsedImport:
        started.put(1)
        assert proceed.wait(30)
        return read(EXPORT)

    monkeypatch.setattr(import_worker, "read", slowly)
    with TestClient(create_app(replace(settings, new_users=9))) as client, ThreadPoolExecutor(9) as pool:
        sent = [pool.submit(client.post, f"/v1/users/u{at}/imports", content=EXPORT) for at in range(5)]
        waiting = client.app.state.service.import_limiter.statistics  # type: ignore[attr-defined]
        deadline = time.monotonic() + 10
        while waiting().tasks_waiting < 4:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        usual, refused = client.get("/v1/users/7/recommendations"), client.post("/v1/imports", content=EXPORT)
        assert usual.status_code == 200
        check_problem(refused, 503)
        assert refused.headers["retry-after"] == "5"
        assert started.qsize() == 1
        proceed.set()
        assert [each.result().json()["imported"] for each in sent] == [4] * 5


@pytest.mark.fault(17)
def test_too_many_rows_are_refused(client: TestClient, user: int) -> None:
    """A file of 200,000 rows is refused; of 20,000 rows all are counted, and the first 500 unmatched ones have
    candidates."""
    row = b"2023-01-02,Funny 0 Again,1995,u,3\n"
    many = lines(f"{LETTERBOXD},Rating") + row * 200_000
    path = f"/v1/users/{user}/imports?name=ratings.csv"
    assert "100,000 films" in check_problem(client.post(path, content=many), 422)["detail"]
    assert client.get(f"/v1/users/{user}/export").json()["events"] == {}
    unmatched = [f"2023-01-02,Funny {at % 9} Again {at},1995,u,3" for at in range(20_000)]
    body = client.post(path, content=lines(f"{LETTERBOXD},Rating", *unmatched)).json()
    assert counts(body) == body["read"] == 20_000
    assert {bool(each["candidates"]) for each in body["unmatched"][500:]} == {False}
    assert body["unmatched"][0]["candidates"]


def test_a_large_file_is_read_by_a_process_of_its_own(
    client: TestClient, user: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A subprocess gives the same response, byte for byte, and the same errors; if it is killed, nothing is stored."""
    path, sent = "/v1/imports?name=export.zip", {"content": EXPORT}
    in_process, damaged = client.post(path, **sent), client.post(path, content=EXPORT[:-9]).json()
    state = client.app.state.service  # type: ignore[attr-defined]
    state.settings = replace(state.settings, import_here=10)
    assert client.post(path, **sent).content == in_process.content
    assert client.post(path, content=EXPORT[:-9]).json()["detail"] == damaged["detail"]
    before = client.get(f"/v1/users/{user}/export").json()
    program = (*import_worker.WORKER_COMMAND[:2], "import os; os.kill(os.getpid(), 9)")
    with monkeypatch.context() as patched:
        patched.setattr(import_worker, "WORKER_COMMAND", program)
        failed = client.post(f"/v1/users/{user}/imports?name=export.zip", **sent)
    check_problem(failed, 503)
    assert failed.headers["retry-after"] == "5"
    assert client.get(f"/v1/users/{user}/export").json() == before
    body = client.post(f"/v1/users/{user}/imports?name=export.zip", **sent).json()
    assert body["imported"] + body["updated"] > 0
    assert counts(body) == body["read"]


def test_ratings_go_to_letterboxd(client: TestClient, model: Any) -> None:
    """The CSV has dates where they are given; unknown movies are counted; ratings must be on the scale."""
    ids = [int(id_) for id_ in model.data.movies.ids[:2]]
    rows = [{"movie": ids[0], "rating": 4.5, "time": 1_700_000_000}, {"movie": ids[1], "rating": 1}]
    answer = client.post("/v1/exports", json={"ratings": [*rows, {"movie": 10**9, "rating": 3}]})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert (answer.headers["x-parts"], answer.headers["x-left-out"]) == ("1", "1")
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["WatchedDate"], row["Rating"]) for row in table] == [("2023-11-14", "4.5"), ("", "1")]
    check_problem(client.post("/v1/exports", json={"ratings": [{"movie": ids[0], "rating": 4.3}]}), 422)
    check_problem(client.post("/v1/exports?part=2", json={"ratings": rows}), 404)


def test_an_exported_history_can_be_imported(client: TestClient, user: int) -> None:
    """An imported export has the same ratings."""
    client.post(f"/v1/users/{user}/imports", content=EXPORT)
    rated = client.get(f"/v1/users/{user}/ratings").json()["ratings"]
    answer = client.get(f"/v1/users/{user}/export", params={"format": "letterboxd"})
    imported = client.post("/v1/imports", params={"name": "mine.csv"}, content=answer.content).json()
    assert {row["movie"]: row["rating"] for row in imported["ratings"]} == {
        row["movie"]: row["rating"] for row in rated
    }
    assert "1672617600" not in answer.text
    dated = client.get(f"/v1/users/{user}/export", params={"format": "letterboxd", "days": True}).text
    assert dated.count("2023-01-0") == 2


TITLES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"]), min_size=1
)


@pytest.mark.fault(20)
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(TITLES | st.sampled_from(["=1+1", "+x", "-y", "@z", "'=a", '"q"']), st.integers(1, 10)), min_size=1
    )
)
def test_titles_survive_an_export_and_import(rows: list[tuple[str, int]]) -> None:
    """No text cell starts a formula, numbers are unchanged, and the importer reads the written CSV."""
    titles = [f"{' '.join(title.split()) or 'x'}" for title, _ in rows]
    catalog = Catalog.of(IdMap(list(range(len(rows)))), title=titles, tmdb=[str(at + 1) for at in range(len(rows))])
    (text,) = letterboxd_csv([ExportedRating(at, halves / 2) for at, (_, halves) in enumerate(rows)], catalog, STARS)
    cells = list(csv.reader(io.StringIO(text)))[1:]
    assert all(row[2][0] not in "=+-@＝＋－＠" for row in cells)
    assert [float(row[5]) for row in cells] == [halves / 2 for _, halves in rows]
    entries = read(text.encode()).entries
    assert [(entry.tmdb, entry.rating) for entry in entries] == [(at + 1, h / 2) for at, (_, h) in enumerate(rows)]


def test_a_long_history_goes_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part has a header and fits Letterboxd's limit; together they contain all rows."""
    monkeypatch.setattr("cinematrix.importers.letterboxd_export.MAX_FILE_BYTES", 200)
    catalog = Catalog.of(list(range(30)), title=[f"Film {at}" for at in range(30)])
    parts = letterboxd_csv([ExportedRating(at, 4.0) for at in range(30)], catalog, STARS)
    assert len(parts) > 2
    assert all(len(part.encode()) <= 200 for part in parts)
    titles = [row["Title"] for part in parts for row in csv.DictReader(io.StringIO(part))]
    assert titles == [f"Film {at}" for at in range(30)]


def test_a_file_of_several_profiles_is_asked_about(client: TestClient) -> None:
    """The refusal lists the profiles; with one its films are read, in the subprocess as well."""
    row = f",2024-01-15 20:00:00,02:00:00,{film(0).partition(',')[0]},\n"
    content = f"Profile Name,Start Time,Duration,Title,Supplemental Video Type\nAnn{row}Bob{row}".encode()
    for body in (content, content + f"Bob{row}".encode() * 9_000):
        problem = check_problem(client.post("/v1/imports", content=body), 422)
        assert problem["profiles"] == ["Ann", "Bob"]
        answer = client.post("/v1/imports", params={"profile": "Ann"}, content=body).json()
        assert (len(answer["events"]["seen"]) + len(answer["unmatched"]), answer["skipped"][0]["reason"]) == (
            1, "of another user",
        )  # fmt: skip
