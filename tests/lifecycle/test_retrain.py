"""Refits: a served model learns anew from the store, and serves if it isn't worse. On SQLite and PostgreSQL."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cinematrix.data.catalog import Catalog, MovieMetadata
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import global_time
from cinematrix.errors import SettingError, StoreError
from cinematrix.lifecycle import retrain, versions
from cinematrix.lifecycle.retrain import RetrainingPlan, gather_ratings, retrain_model
from cinematrix.models.artifact import load, save
from cinematrix.models.bias import Bias
from cinematrix.models.popular import Popular
from cinematrix.service.routes.model import list_metrics
from cinematrix.store.movies import put_movies
from cinematrix.store.records import Rating, Store
from cinematrix.store.refits import find_refit, hold_refit_lock, list_refits, request_refit
from worlds import as_interactions

PROGRAM = [sys.executable, "-c", "from cinematrix.cli.main import run; run()"]


@pytest.fixture(scope="module")
def named(world: tuple[Ratings, Catalog]) -> Ratings:
    """The world's ratings with names for users, which can be looked for in files."""
    ratings = world[0]
    names = np.array([f"viewer-{id_}-x" for id_ in ratings.users.ids.tolist()])
    movies = ratings.movies.ids[ratings.movie]
    return Ratings.from_arrays(names[ratings.user], movies, ratings.rating, ratings.time, scale=ratings.scale)


@pytest.fixture
def store(request: pytest.FixtureRequest, database: Callable[[str], str]) -> Iterator[Store]:
    """An empty store; of both kinds where a test says so."""
    store = Store.open(database(getattr(request, "param", "sqlite")))
    yield store
    store.close()


both = pytest.mark.parametrize("store", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def place(tmp_path: Path, named: Ratings, world: tuple[Ratings, Catalog]) -> Path:
    """A model of the first three fifths of the ratings."""
    data = {"data": {"format": "ml-1m"}}
    save(Bias().fit(global_time(named, 0.4).train, world[1]), tmp_path / "model", data)
    return tmp_path / "model"


def keep(store: Store, ratings: Ratings, rows: Any = slice(None)) -> None:
    """Rate in the store, one after the other."""
    some = ratings.take(np.arange(len(ratings))[rows])
    assert some.rating is not None
    columns = zip(some.users.ids[some.user].tolist(), some.movies.ids[some.movie].tolist(), some.rating, strict=True)
    with store.write_transaction() as connection:
        for user, movie, stars in columns:
            store.rate(connection, [Rating(user, str(movie), int(stars * 2), 1_700_000_000)])


def run(place: Path, store: Store, **plan: Any) -> retrain.RetrainingOutcome:
    """A refit."""
    return retrain_model(
        place, store, request_refit(store, "test", force=plan.get("force", False)), RetrainingPlan(**plan)
    )


def pairs(ratings: Ratings) -> dict[tuple[str, int], float]:
    """Ratings as a dict."""
    assert ratings.rating is not None
    users, movies = ratings.users.ids[ratings.user].tolist(), ratings.movies.ids[ratings.movie].tolist()
    return dict(zip(zip(users, movies, strict=True), ratings.rating.tolist(), strict=True))


@both
def test_it_learns_from_the_models_ratings_and_the_stores(store: Store, place: Path, named: Ratings) -> None:
    """Overlaid: what was rated anew has its new value and time, what was taken back is gone, and so is who was deleted
    but for what she rated since; only pairs that the model didn't know are fresh."""
    old = load(place).model
    before, later = pairs(global_time(named, 0.4).train), global_time(named, 0.4).test
    keep(store, later)
    (who, what), (gone, _), *_ = list(before)
    assert who != gone
    with store.write_transaction() as connection:
        store.rate(connection, [Rating(who, str(what), 1)])
    store.forget(gone, "test")
    put_movies(store, [MovieMetadata("-5", "Late", 2026, ["Horror"])], "test")
    with store.write_transaction() as connection:
        store.rate(connection, [Rating(who, "404", 1)])
    with store.write_transaction() as connection:
        store.rate(connection, [Rating(gone, "-5", 9)])
    taken = next(pair for pair in before if pair[0] not in (who, gone))
    with store.write_transaction() as connection:
        store.rate(connection, [Rating(taken[0], str(taken[1]), None)])
    found = gather_ratings(old, store)
    expected = before | pairs(later) | {(who, what): 0.5}
    expected = {pair: stars for pair, stars in expected.items() if pair[0] != gone and pair != taken}
    assert pairs(found.ratings) == expected | {(gone, -5): 4.5}
    assert found.catalog.label(found.catalog.movies.number(-5)) == "Late (2026)"
    fresh = found.ratings.take(found.fresh)
    assert {*pairs(fresh)} == {pair for pair in expected if pair not in before} | {(gone, -5)}
    assert found.ratings.time is not None
    assert np.all(found.ratings.time[found.received == 0] < 1_100_000_000)
    assert np.all(found.ratings.time[found.fresh] >= 1_700_000_000)


def test_the_last_days_are_held_out_and_half_at_most(store: Store, place: Path, named: Ratings) -> None:
    """Of fresh ratings over ten days those of the last two; with a hundred days the later half; never known ones."""
    keep(store, global_time(named, 0.4).test)
    data = gather_ratings(load(place).model, store)
    fresh = np.flatnonzero(data.fresh)
    received = data.received.copy()
    received[fresh] = 1_700_000_000_000 + np.linspace(0, 10 * retrain.DAY_MS, len(fresh)).astype(np.int64)
    data = replace(data, received=received)
    assert abs(data.held_out(2).sum() - 0.2 * len(fresh)) <= 2
    assert abs(data.held_out(100).sum() - 0.5 * len(fresh)) <= 1
    assert not (data.held_out(100) & ~data.fresh).any()


@both
def test_a_better_model_is_promoted_with_its_figures(store: Store, place: Path, named: Ratings) -> None:
    """The new version serves, has learned from everything, times too, and tells by what it was judged; then nothing
    is new, and another refit is judged on nothing."""
    old = versions.get_serving_version(place)
    keep(store, global_time(named, 0.4).test)
    found = run(place, store)
    assert (found.state, versions.get_serving_version(place), versions.get_previous_version(place)) == (
        "promoted",
        found.version,
        old,
    )
    new = load(place)
    assert pairs(named) == pairs(gather_ratings(new.model, store).ratings)
    assert new.model.data.times is not None
    figures = new.about["refit"]
    assert figures["measures"]["rmse"]["low"] <= figures["measures"]["rmse"]["high"]
    assert figures["why"].startswith("no worse on ")
    assert (new.about["data"]["format"], new.about["data"]["ratings"]) == ("ml-1m", len(named))
    (told,) = list_metrics(new.about)
    assert told.figures["rmse"] == figures["measures"]["rmse"]["new"]
    assert told.on == f"{figures['ratings']} new ratings by {figures['users']} users before it learned from them"
    kept = list_refits(store)[0]
    assert (kept.state, kept.against, kept.version) == ("promoted", old, found.version)
    assert kept.figures["measures"] == figures["measures"]
    assert run(place, store).why == "0 new ratings by 0 users are too few to compare on"


def test_one_new_rating_is_told_of_in_the_singular(store: Store, place: Path, named: Ratings) -> None:
    """It is too little to compare on."""
    keep(store, global_time(named, 0.4).test, slice(1))
    assert run(place, store).why == "1 new rating by 1 user is too few to compare on"


@pytest.mark.fault(28)
def test_a_worse_model_is_refused_unless_forced(
    store: Store, place: Path, named: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The version before goes on serving; the refused one is kept and may be promoted; with force it serves."""
    keep(store, global_time(named, 0.4).test)
    old = versions.get_serving_version(place)

    def upside_down(like: Any, ratings: Ratings, *rest: Any) -> Any:
        assert ratings.rating is not None
        return Bias().fit(replace(ratings, rating=np.float32(5.5) - ratings.rating), rest[0])

    monkeypatch.setattr(retrain, "train_like", upside_down)
    found = run(place, store)
    assert (found.state, versions.get_serving_version(place)) == ("refused", old)
    assert "its rmse is" in found.why
    assert "refused" in {(v.about.get("refit") or {}).get("state") for v in versions.list_versions(place)}
    assert run(place, store, force=True).state == "promoted"
    assert versions.roll_back(place) == old


def test_a_model_broken_by_all_the_ratings_is_refused(
    store: Store, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing new to judge by it must still be as good on what both have learned from, and be of numbers."""

    def constant(like: Any, ratings: Ratings, *rest: Any) -> Any:
        model = Bias().fit(ratings, rest[0])
        model.biases = replace(model.biases, mean=1.0)
        return model

    monkeypatch.setattr(retrain, "train_like", constant)
    assert "both have learned from" in run(place, store).why

    def not_numbers(like: Any, ratings: Ratings, *rest: Any) -> Any:
        model = Popular().fit(ratings, rest[0])
        model.counts = model.counts * np.float32(np.nan)
        return model

    monkeypatch.setattr(retrain, "train_like", not_numbers)
    assert (
        "aren't all numbers"
        in retrain.find_defects(load(place).model, not_numbers(None, global_time_of(place), None))[0]
    )


def global_time_of(place: Path) -> Ratings:
    """The ratings that a model remembers."""
    known = load(place).model.data
    users, movies = known.users.ids[known.history.rows], known.movies.ids[known.history.items]
    return Ratings.from_arrays(users, movies, known.history.values, known.times, scale=known.scale)


@both
@pytest.mark.fault(48)
def test_a_deleted_user_is_nowhere_in_the_next_model(
    store: Store, place: Path, named: Ratings, world: tuple[Ratings, Catalog]
) -> None:
    """Her ID is in no byte of it, and it is the model that would have been had she never rated, byte for byte."""
    who = str(named.users.ids[7])
    keep(store, global_time(named, 0.4).test)
    assert who.encode() in (place / "arrays.safetensors").read_bytes()
    store.forget(who, "test")
    run(place, store)
    for file in place.iterdir():
        assert who.encode() not in file.read_bytes()
    never = gather_ratings(load(place).model, store).ratings
    assert {*pairs(never)} == {pair for pair in pairs(named) if pair[0] != who}
    save(Bias().fit(never, world[1]), place.with_name("never"))
    arrays = [folder / "arrays.safetensors" for folder in (place, place.with_name("never"))]
    assert arrays[0].read_bytes() == arrays[1].read_bytes()
    run(place, store)
    for file in versions.get_versions_folder(place).rglob("*.safetensors"):
        assert who.encode() not in file.read_bytes(), "old versions that remember her go at the refit after"


@both
def test_one_refit_at_a_time(store: Store, place: Path) -> None:
    """Another one is told so and leaves the running one alone; of plain interactions there is none."""
    with hold_refit_lock(store), pytest.raises(StoreError, match="another refit"):
        run(place, store)
    assert list_refits(store)[0].state == "failed"
    assert run(place, store).state == "promoted"


def test_interactions_are_not_refitted(store: Store, tmp_path: Path, world: tuple[Ratings, Catalog]) -> None:
    """The store has ratings alone; the refit failed, and says why."""
    save(Popular().fit(as_interactions(world[0])), tmp_path / "plain")
    with pytest.raises(SettingError, match="plain interactions"):
        run(tmp_path / "plain", store)
    assert list_refits(store)[0].state == "failed"


@both
@pytest.mark.fault(25)
def test_a_killed_refit_leaves_one_of_both_versions(store: Store, place: Path, named: Ratings) -> None:
    """Seeded kills of the command at any moment: a whole model serves, the row says how it ended at the next refit,
    which goes through."""
    keep(store, global_time(named, 0.4).test)
    rng, url = np.random.default_rng(3), store.engine.url.render_as_string(hide_password=False)
    for _ in range(3):
        before = versions.get_serving_version(place)
        with subprocess.Popen([*PROGRAM, "refit", str(place), "--db", url], stderr=subprocess.DEVNULL) as process:
            time.sleep(float(rng.uniform(0.5, 2.0)))
            process.send_signal(signal.SIGKILL)
        load(place)
        assert before in {versions.get_serving_version(place), versions.get_previous_version(place)}
    done = subprocess.run([*PROGRAM, "refit", str(place), "--db", url, "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["version"] == versions.get_serving_version(place)
    kept = find_refit(store, told["refit"])
    assert kept is not None
    assert kept.state == "promoted"
    assert {each.state for each in list_refits(store)} <= {"promoted", "failed", "asked"}


def test_the_commands(place: Path) -> None:
    """Refit by URL from the environment, list versions, roll back; a refused rollback ends with 2."""
    environment = {"CINEMATRIX_DB": f"sqlite:///{place.parent}/s.db", "PATH": "", "PYTHONPATH": ":".join(sys.path)}

    def typed(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*PROGRAM, *words], capture_output=True, text=True, env=environment)

    assert typed("rollback", str(place)).returncode == 2
    old = versions.get_serving_version(place)
    assert "is promoted" in typed("refit", str(place)).stdout
    rows = json.loads(typed("versions", str(place), "--json").stdout)
    assert [row["before"] for row in rows if row["version"] == old] == [True]
    assert "too few" in typed("versions", str(place)).stdout
    assert typed("rollback", str(place)).returncode == 0
    assert versions.get_serving_version(place) == old
