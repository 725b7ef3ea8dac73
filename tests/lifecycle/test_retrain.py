"""Tests of `cinematrix.lifecycle.retrain` and its commands, on SQLite and PostgreSQL."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cinematrix.common.durations import DAY_MS
from cinematrix.data.catalog import Catalog, MovieMetadata
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import global_time
from cinematrix.errors import StoreError
from cinematrix.lifecycle import retrain, versions
from cinematrix.lifecycle.refit_data import gather_data
from cinematrix.lifecycle.retrain import RetrainingPlan, retrain_model
from cinematrix.models.artifact import load, save
from cinematrix.models.bias import Bias
from cinematrix.models.card import CARD
from cinematrix.models.item_knn import ItemKNN
from cinematrix.models.popular import Popular
from cinematrix.service.routes.model import list_metrics
from cinematrix.store.movies import put_movies
from cinematrix.store.plays import Play, add_plays
from cinematrix.store.records import Rating, Store
from cinematrix.store.refits import find_refit, hold_refit_lock, list_refits, request_refit
from command_line import PROGRAM, run_failing, run_in_process, run_json, run_ok
from forks import ForkedRuns
from waiting import wait_for
from worlds import as_interactions


@pytest.fixture(scope="module")
def named(world: tuple[Ratings, Catalog]) -> Ratings:
    """The ratings of the test world with distinctive user IDs, which can be searched for in files."""
    ratings = world[0]
    names = np.array([f"viewer-{id_}-x" for id_ in ratings.users.ids.tolist()])
    movies = ratings.movies.ids[ratings.movie]
    return Ratings.from_arrays(names[ratings.user], movies, ratings.rating, ratings.time, scale=ratings.scale)


@pytest.fixture
def store(request: pytest.FixtureRequest, database: Callable[[str], str]) -> Iterator[Store]:
    """An empty store; of both kinds with the mark `both`."""
    store = Store.open(database(getattr(request, "param", "sqlite")))
    yield store
    store.close()


both = pytest.mark.parametrize("store", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def place(tmp_path: Path, named: Ratings, world: tuple[Ratings, Catalog]) -> Path:
    """A model trained on the first three fifths of the ratings."""
    data = {"data": {"format": "ml-1m"}}
    save(Bias().fit(global_time(named, 0.4).train, world[1]), tmp_path / "model", data)
    return tmp_path / "model"


def put_ratings(store: Store, ratings: Ratings, rows: Any = slice(None)) -> None:
    """Put ratings into the store, one after the other."""
    part = ratings.take(np.arange(len(ratings))[rows])
    assert part.rating is not None
    columns = zip(part.users.ids[part.user].tolist(), part.movies.ids[part.movie].tolist(), part.rating, strict=True)
    with store.write_transaction() as connection:
        for user, movie, stars in columns:
            store.rate(connection, [Rating(user, str(movie), int(stars * 2), 1_700_000_000)])


def run(place: Path, store: Store, **plan: Any) -> retrain.RetrainingOutcome:
    """Run a refit."""
    return retrain_model(
        place, store, request_refit(store, "test", force=plan.get("force", False)), RetrainingPlan(**plan)
    )


def pairs(ratings: Ratings) -> dict[tuple[str, int], float]:
    """Return ratings, or counts of interactions, as a dict."""
    users, movies = ratings.users.ids[ratings.user].tolist(), ratings.movies.ids[ratings.movie].tolist()
    return dict(
        zip(
            zip(users, movies, strict=True),
            (np.ones(len(ratings)) if ratings.values is None else ratings.values).tolist(),
            strict=True,
        )
    )


@both
def test_the_stores_ratings_overlay_the_models(store: Store, place: Path, named: Ratings) -> None:
    """Changed ratings have their new value and time; deleted ratings and those of forgotten users are left out.

    A forgotten user's later ratings count. Only pairs outside the training data are fresh.
    """
    old = load(place).model
    before, later = pairs(global_time(named, 0.4).train), global_time(named, 0.4).test
    put_ratings(store, later)
    (user, movie), (forgotten, _), *_ = list(before)
    assert user != forgotten
    with store.write_transaction() as connection:
        store.rate(connection, [Rating(user, str(movie), 1)])
    store.forget(forgotten, "test")
    put_movies(store, [MovieMetadata("-5", "Late", 2026, ["Horror"])], "test")
    with store.write_transaction() as connection:
        store.rate(connection, [Rating(user, "404", 1)])
    with store.write_transaction() as connection:
        store.rate(connection, [Rating(forgotten, "-5", 9)])
    deleted = next(pair for pair in before if pair[0] not in (user, forgotten))
    with store.write_transaction() as connection:
        store.rate(connection, [Rating(deleted[0], str(deleted[1]), None)])
    data = gather_data(old, store)
    expected = before | pairs(later) | {(user, movie): 0.5}
    expected = {pair: stars for pair, stars in expected.items() if pair[0] != forgotten and pair != deleted}
    assert pairs(data.ratings) == expected | {(forgotten, -5): 4.5}
    assert data.catalog.label(data.catalog.movies.number(-5)) == "Late (2026)"
    fresh = data.ratings.take(data.fresh)
    assert {*pairs(fresh)} == {pair for pair in expected if pair not in before} | {(forgotten, -5)}
    assert data.ratings.time is not None
    assert np.all(data.ratings.time[data.received == 0] < 1_100_000_000)
    assert np.all(data.ratings.time[data.fresh] >= 1_700_000_000)


def test_the_last_days_are_held_out_and_half_at_most(store: Store, place: Path, named: Ratings) -> None:
    """Only fresh ratings are held out: of ten days, 2 days hold out the last fifth, 100 days the later half."""
    put_ratings(store, global_time(named, 0.4).test)
    data = gather_data(load(place).model, store)
    fresh = np.flatnonzero(data.fresh)
    received = data.received.copy()
    received[fresh] = 1_700_000_000_000 + np.linspace(0, 10 * DAY_MS, len(fresh)).astype(np.int64)
    data = replace(data, received=received)
    assert abs(data.held_out(2).sum() - 0.2 * len(fresh)) <= 2
    assert abs(data.held_out(100).sum() - 0.5 * len(fresh)) <= 1
    assert not (data.held_out(100) & ~data.fresh).any()


@both
def test_a_better_model_is_promoted_with_its_figures(store: Store, place: Path, named: Ratings) -> None:
    """The new version serves, is trained on all ratings and times, and has its figures in its manifest.

    Another refit has no fresh ratings to compare on.
    """
    old = versions.get_serving_version(place)
    put_ratings(store, global_time(named, 0.4).test)
    found = run(place, store)
    assert (found.state, versions.get_serving_version(place), versions.get_previous_version(place)) == (
        "promoted",
        found.version,
        old,
    )
    new = load(place)
    assert pairs(named) == pairs(gather_data(new.model, store).ratings)
    assert new.model.data.times is not None
    figures = new.about["refit"]
    assert figures["measures"]["rmse"]["low"] <= figures["measures"]["rmse"]["high"]
    assert figures["why"].startswith("no worse on ")
    assert (new.about["data"]["format"], new.about["data"]["ratings"]) == ("ml-1m", len(named))
    assert f"| `rmse` | {figures['measures']['rmse']['old']:.4f} | " in (place / CARD).read_text("utf-8")
    (metrics,) = list_metrics(new.about)
    assert metrics.figures["rmse"] == figures["measures"]["rmse"]["new"]
    about = f"about {round(figures['ratings'], -1)} new ratings by {figures['users']} users"
    assert metrics.on == f"{about} before it learned from them"
    record = list_refits(store)[0]
    assert (record.state, record.against, record.version) == ("promoted", old, found.version)
    assert record.figures["measures"] == figures["measures"]
    assert run(place, store).why == "0 new ratings by 0 users are too few to compare on"


def test_one_new_rating_is_in_the_singular(store: Store, place: Path, named: Ratings) -> None:
    """One new rating is too few to compare on."""
    put_ratings(store, global_time(named, 0.4).test, slice(1))
    assert run(place, store).why == "1 new rating by 1 user is too few to compare on"


@pytest.mark.fault(28)
def test_a_worse_model_is_refused_unless_forced(
    store: Store, place: Path, named: Ratings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old version serves on and the refused one is stored; with force the new one serves."""
    put_ratings(store, global_time(named, 0.4).test)
    old = versions.get_serving_version(place)

    def train_on_nonsense(like: Any, ratings: Ratings, *rest: Any) -> Any:
        return Bias().fit(replace(ratings, rating=np.where(ratings.movie % 2, 5, 0.5).astype(np.float32)), rest[0])

    monkeypatch.setattr(retrain, "train_like", train_on_nonsense)
    found = run(place, store)
    assert (found.state, versions.get_serving_version(place)) == ("refused", old)
    assert "its rmse is" in found.why
    assert "refused" in {(v.about.get("refit") or {}).get("state") for v in versions.list_versions(place)}
    assert run(place, store, force=True).state == "promoted"
    assert versions.roll_back(place) == old


def test_a_defective_model_is_refused(store: Store, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large error on ratings that both models were trained on, and NaN scores, are refused without new ratings."""

    def constant(like: Any, ratings: Ratings, *rest: Any) -> Any:
        model = Bias().fit(ratings, rest[0])
        model.biases = replace(model.biases, mean=1.0)
        return model

    monkeypatch.setattr(retrain, "train_like", constant)
    assert "both were trained on" in run(place, store).why

    def not_numbers(like: Any, ratings: Ratings, *rest: Any) -> Any:
        model = Popular().fit(ratings, rest[0])
        model.counts = model.counts * np.float32(np.nan)
        return model

    monkeypatch.setattr(retrain, "train_like", not_numbers)
    assert (
        "aren't all numbers"
        in retrain.find_defects(load(place).model, not_numbers(None, training_ratings(place), None))[0]
    )


def training_ratings(place: Path) -> Ratings:
    """Return the training ratings of a model."""
    known = load(place).model.data
    users, movies = known.users.ids[known.history.rows], known.movies.ids[known.history.items]
    return Ratings.from_arrays(users, movies, known.history.values, known.times, scale=known.scale)


@both
@pytest.mark.fault(48)
def test_a_forgotten_user_is_not_in_the_next_model(
    store: Store, place: Path, named: Ratings, world: tuple[Ratings, Catalog]
) -> None:
    """The ID is in no byte of it, and it equals a model trained without the user's ratings, byte for byte."""
    user = str(named.users.ids[7])
    put_ratings(store, global_time(named, 0.4).test)
    assert user.encode() in (place / "arrays.safetensors").read_bytes()
    store.forget(user, "test")
    run(place, store)
    for file in place.iterdir():
        assert user.encode() not in file.read_bytes()
    others = gather_data(load(place).model, store).ratings
    assert {*pairs(others)} == {pair for pair in pairs(named) if pair[0] != user}
    save(Bias().fit(others, world[1]), place.with_name("others"))
    arrays = [folder / "arrays.safetensors" for folder in (place, place.with_name("others"))]
    assert arrays[0].read_bytes() == arrays[1].read_bytes()
    run(place, store)
    for file in versions.get_versions_folder(place).rglob("*.safetensors"):
        assert user.encode() not in file.read_bytes(), "the next refit removes old versions that include the user"


@both
def test_one_refit_at_a_time(store: Store, place: Path) -> None:
    """A second refit is an error and doesn't affect the running one."""
    with hold_refit_lock(store), pytest.raises(StoreError, match="another refit"):
        run(place, store)
    assert list_refits(store)[0].state == "failed"
    assert run(place, store).state == "promoted"


@both
def test_a_model_of_plays_is_refitted(store: Store, tmp_path: Path, world: tuple[Ratings, Catalog]) -> None:
    """Seen and liked movies count as often as they were played, refused ones don't; a refit counts nothing twice.

    The gate compares both versions by their lists.
    """
    cut, place = global_time(as_interactions(world[0]), 0.3), tmp_path / "plain"
    save(ItemKNN().fit(cut.train, world[1]), place)
    users, movies = cut.test.users.ids[cut.test.user].tolist(), cut.test.movies.ids[cut.test.movie].tolist()
    old = {(str(user), str(movie)) for user, movie in pairs(cut.train)}
    rows = [pair for user, movie in zip(users, movies, strict=True) if (pair := (str(user), str(movie))) not in old]
    (played, refused, liked), removed = rows[:3], next(iter(old))
    with store.write_transaction() as connection:
        add_plays(connection, [Play(*pair, 1 + 3 * (pair == played), 1_700_000_000) for pair in rows if pair != liked])
        add_plays(connection, [Play(*played, 2, None)])
        store.note(connection, *liked, "like")
        store.note(connection, *refused, "not_interested")
        store.note(connection, *rows[4], "watchlist")
        store.rate(connection, [Rating(*removed, None)])
    for _ in range(2):
        data = gather_data(load(place).model, store)
        counted = {(str(user), str(movie)): count for (user, movie), count in pairs(data.ratings).items()}
        assert counted.keys() == (old | {*rows}) - {refused, removed}
        assert {pair for pair, count in counted.items() if count != 1} == {played}
        assert counted[played] == 6
        assert data.ratings.scale is None
        outcome = run(place, store)
        assert outcome.state == "promoted", outcome.why
    first = list_refits(store)[1]
    assert first.why.startswith(f"no worse on {first.figures['ratings']} new interactions by")
    assert {"ndcg@10", "coverage@10"} <= first.figures["measures"].keys()
    assert "rmse" not in first.figures["measures"]


REFIT = """
import sys
from cinematrix.cli import main
from cinematrix.lifecycle import retrain
from cinematrix.models import bias
def run(*words):
    sys.argv = ["cinematrix", *words]
    main.run()
"""


@both
@pytest.mark.fault(25)
def test_a_killed_refit_leaves_one_of_both_versions(store: Store, place: Path, named: Ratings) -> None:
    """After kills at seeded random times, a complete model serves, and the next refit succeeds."""
    put_ratings(store, global_time(named, 0.4).test)
    rng, url = np.random.default_rng(3), store.engine.url.render_as_string(hide_password=False)
    with ForkedRuns(REFIT) as refits:
        for turn in range(3):
            before = versions.get_serving_version(place)
            with refits.running("refit", place, "--db", url):
                wait_for(lambda turn=turn: len(list_refits(store)) > turn, 30)  # type: ignore[misc]
                time.sleep(float(rng.uniform(0, 0.5)))
            load(place)
            assert before in {versions.get_serving_version(place), versions.get_previous_version(place)}
    done = subprocess.run([*PROGRAM, "refit", str(place), "--db", url, "--json"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert outcome["version"] == versions.get_serving_version(place)
    record = find_refit(store, outcome["refit"])
    assert record is not None
    assert record.state == "promoted"
    assert {each.state for each in list_refits(store)} <= {"promoted", "failed", "asked"}


def test_the_commands(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands refit with the database URL of the environment, list versions and roll back, or exit with 2."""
    monkeypatch.setenv("CINEMATRIX_DB", f"sqlite:///{place.parent}/s.db")
    run_failing("rollback", place)
    old = versions.get_serving_version(place)
    assert "is promoted" in run_in_process("refit", place).stdout
    rows = run_json("versions", place)
    assert [row["before"] for row in rows if row["version"] == old] == [True]
    assert "too few" in run_ok("versions", place)
    run_ok("rollback", place)
    assert versions.get_serving_version(place) == old
