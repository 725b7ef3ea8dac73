"""Faults that a host, a clock or a probe causes."""

import os
import shutil
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from cinematrix.data.catalog import MovieMetadata
from cinematrix.errors import StoreError
from cinematrix.service.app import create_app
from cinematrix.service.settings import ServiceSettings
from cinematrix.store import movies
from cinematrix.store.engine import hold_server_lock, open_engine
from cinematrix.store.records import Store
from cinematrix.store.statements import now_ms
from service_world import check_problem


@pytest.mark.fault(8)
def test_a_new_description_counts_although_time_went_back(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Revisions of movies are counted, not taken from a clock."""
    store = Store.open(settings.db)
    seen = {movies.read_movies_revision(store)}
    for ahead in (0, -3_600_000, -3_600_000):
        monkeypatch.setattr(movies, "now_ms", lambda ahead=ahead: now_ms() + ahead)
        movies.put_movies(store, [MovieMetadata("1", "A", None, [])], "test")
        seen.add(movies.read_movies_revision(store))
    movies.delete_movie(store, "1", "test")
    seen.add(movies.read_movies_revision(store))
    assert len(seen) == 5
    store.close()


@pytest.mark.fault(6)
def test_a_repeated_key_at_two_servers_is_applied_once(either: ServiceSettings, user: int, unseen: int) -> None:
    """Both answer with the same result, at whatever moment they are asked."""
    body = {"ratings": [{"user": user, "movie": unseen, "rating": 3}]}
    with ExitStack() as stack, ThreadPoolExecutor(8) as pool:
        clients = [stack.enter_context(TestClient(create_app(either))) for _ in range(2)]
        for each in clients:  # FastAPI prepares all routes, which two threads at once can't where warnings are errors
            assert each.get("/v1/nothing").status_code == 404
        for turn in range(8):
            sent = [partial(each.post, "/v1/ratings", headers={"Idempotency-Key": f"k{turn}"}) for each in clients * 2]
            answers = [each.result() for each in [pool.submit(post, json=body) for post in sent]]
            assert [answer.status_code for answer in answers] == [200] * 4
            assert len({answer.text for answer in answers}) == 1


@pytest.mark.fault(6)
def test_a_keyed_bulk_looks_at_expired_answers_alone(tmp_path: Path) -> None:
    """With 150,000 stored rows it takes a few ms."""
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    with store.write_transaction() as connection:
        for turn in range(150):
            store.remember(connection, f"key {turn}", b"x", "{}", {f"u{turn} {n}" for n in range(1_000)})
        began = time.process_time()
        for turn in range(20):
            assert store.answered(connection, f"new {turn}") is None
        assert (time.process_time() - began) / 20 < 0.01
    store.close()


@pytest.mark.fault(34)
def test_a_link_gives_no_second_server_the_same_file(tmp_path: Path) -> None:
    """The lock is that of the file, whatever it is called."""
    Store.open(f"sqlite:///{tmp_path}/store.db").close()
    (tmp_path / "link.db").symlink_to(tmp_path / "store.db")
    (tmp_path / "folder").symlink_to(tmp_path)
    with hold_server_lock(f"sqlite:///{tmp_path}/store.db"):
        for name in ("link.db", "folder/store.db"):
            with pytest.raises(StoreError, match="is held by"), hold_server_lock(f"sqlite:///{tmp_path}/{name}"):
                pass


@pytest.mark.fault(33)
def test_a_place_that_cannot_be_written_to_is_one_sentence(tmp_path: Path) -> None:
    """A folder in place of the file stands for a disk that is read-only, which root could write to all the same."""
    (tmp_path / "store.db").mkdir()
    (tmp_path / "other.db.lock").mkdir()
    with pytest.raises(StoreError, match="can't be written to"):
        open_engine(f"sqlite:///{tmp_path}/store.db")
    with pytest.raises(StoreError, match="can't be written to"), hold_server_lock(f"sqlite:///{tmp_path}/other.db"):
        pass


@pytest.mark.fault(43)
def test_a_new_store_is_its_owners_alone(tmp_path: Path) -> None:
    """Whatever the umask says, others may not read ratings."""
    before = os.umask(0)
    try:
        store = Store.open(f"sqlite:///{tmp_path}/store.db")
    finally:
        os.umask(before)
    with hold_server_lock(f"sqlite:///{tmp_path}/store.db"):
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}, modes
    store.close()


@pytest.mark.fault(35)
def test_a_kept_list_notices_that_the_file_is_gone(settings: ServiceSettings, user: int) -> None:
    """Neither a file that was moved away nor one that replaced it is answered from a connection to the old one."""
    path, file = f"/v1/users/{user}/recommendations", Path(settings.db.removeprefix("sqlite:///"))
    with TestClient(create_app(settings)) as client:
        for _ in range(3):
            assert client.get(path).status_code == 200
        file.rename(file.with_suffix(".away"))
        check_problem(client.get(path), 503)
        shutil.copy2(file.with_suffix(".away"), file)
        assert client.get(path).status_code == 200


def test_probes_and_slashes(settings: ServiceSettings) -> None:
    """Health checks answer HEAD. A slash too many is a 404, not a redirect to http://."""
    with TestClient(create_app(settings), follow_redirects=False) as client:
        assert [client.head(path).status_code for path in ("/livez", "/readyz")] == [200, 200]
        check_problem(client.get("/v1/model/"), 404)
