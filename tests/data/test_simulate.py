"""Simulated world and data set: `cinematrix.data.simulated_world`, `cinematrix.data.simulate`."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cinematrix.data.ratings import Scale
from cinematrix.data.readers import read
from cinematrix.data.simulate import GroundTruth, SimulationSettings, simulate
from cinematrix.errors import InputError, SettingError

SMALL = SimulationSettings(users=300, movies=200, ratings=12_000, factors=3, seed=5)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a small simulated data set."""
    folder = tmp_path_factory.mktemp("simulated") / "world"
    simulate(SMALL, folder)
    return folder


def expected(truth: GroundTruth, frame: pl.DataFrame) -> np.ndarray:
    """Return the ratings without noise and rounding."""
    user_order, movie_order = np.argsort(truth.user_ids), np.argsort(truth.movie_ids)
    user = user_order[np.searchsorted(truth.user_ids, frame["userId"].to_numpy(), sorter=user_order)]
    movie = movie_order[np.searchsorted(truth.movie_ids, frame["movieId"].to_numpy(), sorter=movie_order)]
    dot = (truth.user_factors[user] * truth.movie_factors[movie]).sum(axis=1)
    stars: np.ndarray = truth.mean + truth.user_bias[user] + truth.movie_bias[movie] + dot
    return stars


def test_it_is_read_like_any_data_set(world: Path) -> None:
    """Users and ratings have the requested numbers, pairs are distinct, and movies have a year and genres."""
    dataset = read(world)
    assert (len(dataset.ratings), len(dataset.ratings.users), dataset.report.merged) == (12_000, 300, 0)
    assert dataset.ratings.scale == Scale(0.5, 5, 0.5)
    assert dataset.catalog is not None
    assert len(dataset.catalog) == 200
    assert not np.isnan(dataset.catalog.years).any()
    assert (dataset.catalog.frame["genres"].list.len() > 0).all()
    assert dataset.catalog.label(0).startswith("Simulated Movie")


def test_it_is_labelled_and_keeps_its_settings(world: Path) -> None:
    """The metadata label the data as simulated and hold the settings to reproduce them."""
    metadata = json.loads((world / "simulated.json").read_text())
    assert "no real person" in metadata["label"]
    assert SimulationSettings(**metadata["settings"]) == SMALL
    assert sorted(path.name for path in world.iterdir()) == [
        "movies.csv", "ratings.parquet", "simulated.json", "truth.npz",
    ]  # fmt: skip


def test_the_same_settings_give_the_same_world_and_another_seed_another(world: Path, tmp_path: Path) -> None:
    """CSV and Parquet have the same rows for the same seed."""
    simulate(SMALL, tmp_path / "csv", format="csv")
    frame = pl.read_parquet(world / "ratings.parquet")
    assert frame.equals(pl.read_csv(tmp_path / "csv" / "ratings.csv", schema=frame.schema))
    simulate(replace(SMALL, seed=6), tmp_path / "other")
    assert not frame.equals(pl.read_parquet(tmp_path / "other" / "ratings.parquet"))


def test_many_batches_make_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With small batches, no rating is missing and no temporary file remains."""
    monkeypatch.setattr("cinematrix.data.simulated_world.BATCH_RATINGS", 7 * SMALL.movies)
    simulate(SMALL, tmp_path / "world")
    frame = pl.read_parquet(tmp_path / "world" / "ratings.parquet")
    assert (len(frame), frame.select("userId", "movieId").n_unique()) == (12_000, 12_000)
    assert frame["userId"].n_unique() == 300
    assert not list((tmp_path / "world").glob("part*"))
    simulate(SMALL, tmp_path / "csv", format="csv")
    assert pl.read_csv(tmp_path / "csv" / "ratings.csv", schema=frame.schema).equals(frame)


def test_the_truth_predicts_as_well_as_it_says(tmp_path: Path) -> None:
    """The RMSE of the expected rounded rating is the noise floor; without noise the floor is 0."""
    truth = simulate(replace(SMALL, noise=0.7), tmp_path / "noisy")
    frame = pl.read_parquet(tmp_path / "noisy" / "ratings.parquet")
    mean = expected(GroundTruth.load(tmp_path / "noisy"), frame)
    levels = np.arange(0.5, 5.1, 0.5)
    draws = mean[:, None] + 0.7 * np.random.default_rng(0).standard_normal((len(mean), 200))
    best = np.clip(np.round(draws * 2) / 2, levels[0], levels[-1]).mean(axis=1)
    rmse = np.sqrt(np.mean((frame["rating"].to_numpy() - best) ** 2))
    assert rmse == pytest.approx(truth.noise_floor, rel=0.02)
    silent = simulate(replace(SMALL, noise=0.0), tmp_path / "silent")
    frame = pl.read_parquet(tmp_path / "silent" / "ratings.parquet")
    exact = np.clip(np.round(expected(silent, frame) * 2) / 2, 0.5, 5)
    assert silent.noise_floor == 0
    assert np.mean(exact != frame["rating"].to_numpy()) < 0.001


def test_popularity_is_long_tailed_and_taste_shows(tmp_path: Path) -> None:
    """The top tenth of the movies has more ratings with a tail; with taste, users watch movies they like better."""
    counts, likes = {}, {}
    for name, change in {
        "flat": {"tail": 0.0, "taste": 0.0},
        "long": {"tail": 1.5, "taste": 0.0},
        "taste": {"taste": 2.0},
    }.items():
        truth = simulate(replace(SMALL, **change), tmp_path / name)
        frame = pl.read_parquet(tmp_path / name / "ratings.parquet")
        per_movie = frame["movieId"].value_counts(sort=True)["count"].to_numpy()
        counts[name] = per_movie[:20].sum() / 12_000
        likes[name] = expected(truth, frame).mean()
    assert counts["flat"] < 0.2 < 0.3 < counts["long"]
    assert likes["taste"] > likes["flat"] + 0.1


def test_genres_tell_something_of_the_factors(world: Path) -> None:
    """Factors of movies with the same genres are more similar than those of others."""
    truth = GroundTruth.load(world)
    genres = pl.read_csv(world / "movies.csv")["genres"].to_numpy()
    unit = truth.movie_factors / np.linalg.norm(truth.movie_factors, axis=1, keepdims=True)
    alike, same = unit @ unit.T, genres[:, None] == genres[None, :]
    apart = ~np.eye(len(genres), dtype=bool)
    assert alike[same & apart].mean() > alike[~same & apart].mean() + 0.2


def test_no_movie_is_rated_before_it_is_out(world: Path) -> None:
    """The release year isn't after the year of the rating, and new movies appear over time."""
    dataset = read(world)
    assert dataset.catalog is not None
    assert dataset.ratings.time is not None
    years = dataset.catalog.align(dataset.ratings.movies).years[dataset.ratings.movie]
    rated = dataset.ratings.time.astype("datetime64[s]").astype("datetime64[Y]").astype(int) + 1970
    assert (years <= rated).all()
    assert years.max() > SMALL.since


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"users": 0}, "users 0 must be at least 1"),
        ({"ratings": 299}, "ratings 299 must be at least 300"),
        ({"ratings": 40_000}, "ratings 40,000 must be at most half of users × movies"),
        ({"noise": -1.0}, "noise -1.0 must be at least 0"),
        ({"genre_share": 1.5}, "genre_share 1.5 must be at least 0 and at most 1"),
        ({"step": 0.0}, "step 0 must be above 0"),
        ({"noise": float("nan")}, "noise nan must be"),
    ],
)
def test_impossible_worlds_are_refused(change: dict[str, float], message: str) -> None:
    """The error states the allowed range of the setting."""
    with pytest.raises(SettingError, match=message):
        replace(SMALL, **change)


def test_nothing_is_overwritten_and_nothing_half_done_is_left(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An existing folder needs `force`; an interrupted simulation leaves no folder."""
    with pytest.raises(InputError, match="exists already"):
        simulate(SMALL, world)
    with pytest.raises(SettingError, match="format 'xml' must be parquet or csv"):
        simulate(SMALL, tmp_path / "x", format="xml")  # type: ignore[arg-type]
    monkeypatch.setattr("cinematrix.data.simulate.np.savez", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        simulate(SMALL, tmp_path / "half")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "settings", [SimulationSettings(users=1, movies=2, ratings=1), SimulationSettings(users=5, movies=2, ratings=5)]
)
def test_the_smallest_worlds(tmp_path: Path, settings: SimulationSettings) -> None:
    """One user and one rating are enough."""
    simulate(settings, tmp_path / "w")
    assert len(read(tmp_path / "w").ratings) == settings.ratings
