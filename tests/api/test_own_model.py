"""A model of somebody else's: registered or installed, it is trained, saved, loaded, served, compared and tuned."""

import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import cinematrix as cx
from command_line import COMMANDS, PROGRAM, Run, clean_environment, run_forked, run_json, run_ok
from forks import ForkedRuns
from serving import ServerProcess
from worlds import taste_world

SOURCE = '''
"""Movies by their mean rating, shrunken."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import cinematrix as cx
from cinematrix.common.settings import SearchRange


@dataclass(frozen=True)
class MeanSettings:
    """Settings of `shrunken-mean`.

    Attributes:
        shrinkage: ratings' worth of the overall mean.
    """

    SPACE: ClassVar = {"shrinkage": SearchRange(1.0, 20.0)}

    shrinkage: float = 5.0


class ShrunkenMean(cx.Recommender):
    """The shrunken mean rating of each movie."""

    name = "shrunken-mean"
    abilities = cx.Abilities()
    Settings = MeanSettings

    def learn(self, training):
        ratings, n = training.ratings, len(self.data.movies)
        mean, count = ratings.rating.mean(), np.bincount(ratings.movie, minlength=n)
        sums = np.bincount(ratings.movie, ratings.rating, minlength=n)
        shrunken = (sums + self.settings.shrinkage * mean) / (count + self.settings.shrinkage)
        self.means = np.append(shrunken, mean).astype(np.float32)

    def score(self, histories, *, by="ranking"):
        return np.tile(self.means[:-1], (len(histories), 1))

    def predict_pairs(self, histories, rows, movies):
        return self.means[movies]

    def arrays(self):
        return {"means": self.means}

    @classmethod
    def restore(cls, settings, data, arrays):
        model = cls(settings)
        model.data, model.means = data, arrays["means"]
        return model
'''


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package installed in it: a module, and metadata with its entry point."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "shrunken_mean.py").write_text(SOURCE)
    about = folder / "shrunken_mean-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: shrunken-mean\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[cinematrix.models]\nshrunken-mean = shrunken_mean:ShrunkenMean\n")
    return folder


@pytest.fixture(scope="module")
def ratings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of ratings."""
    path = tmp_path_factory.mktemp("data") / "ratings.csv"
    found, _ = taste_world(np.random.default_rng(5))
    cx.Dataset(found).to_frame().write_csv(path)
    return path


@pytest.fixture
def run(package: Path) -> Iterator[Run]:
    """A function that runs a command in a process that finds the package."""
    with ForkedRuns(COMMANDS, clean_environment(PYTHONPATH=str(package))) as commands:
        yield partial(run_forked, by=commands)


def test_an_installed_model_goes_all_the_way(package: Path, run: Run, ratings: Path, tmp_path: Path) -> None:
    """Trained with a setting, measured, asked for a list, compared, tuned, and served."""
    model = tmp_path / "model"
    words = ["--model", "shrunken-mean", "--set", "shrinkage=2"]
    run_ok("train", ratings, "--out", model, *words, by=run)
    assert json.loads((model / "model.json").read_text())["settings"] == {"shrinkage": 2.0}
    table = pl.read_csv(ratings)
    user, seen = table.row(0)[0], table.filter(pl.col("user") == table["user"][0])["movie"]
    movie = next(movie for movie in table["movie"].to_list() if movie not in seen)
    (tmp_path / "test.csv").write_text(f"userId,movieId,rating\n{user},{movie},4\n")
    assert "rmse" in run_json("evaluate", model, tmp_path / "test.csv", by=run)["measures"]
    assert len(run_json("recommend", model, "--user", user, "-n", 3, by=run)["items"]) == 3
    compared = ["compare", ratings, "--models", "shrunken-mean", "--report", tmp_path / "report.html"]
    rows = run_json(*compared, by=run)["questions"][0]["rows"]
    assert "shrunken-mean" in {row["model"] for row in rows}
    study = ["--study", tmp_path / "study", "--trials", 2]
    assert "shrinkage" in run_json("tune", ratings, "--model", "shrunken-mean", *study, by=run)["chosen"]
    surroundings = {"PYTHONPATH": str(package)}
    db, log = f"sqlite:///{tmp_path}/store.db", tmp_path / "log"
    with ServerProcess(model, db, log, program=PROGRAM, surroundings=surroundings) as server:
        status, body = server.ready().ask("GET", f"/v1/users/{user}/recommendations?n=3")
        assert status == 200
        assert len(body["items"]) == 3


def test_a_registered_model_is_compared_in_another_process(
    tmp_path: Path, ratings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`register` is enough; the process of each measurement imports the class."""
    (tmp_path / "shrunken_mean.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("cinematrix.models.registry._REGISTERED", {})
    from shrunken_mean import ShrunkenMean

    cx.register("shrunken-mean", ShrunkenMean)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    train, test = cx.split(cx.read(ratings), "random")
    fitted = cx.model("shrunken-mean", shrinkage=3.0).fit(train)
    assert cx.evaluate(fitted, test)["rmse"] > 0
    found = cx.compare(cx.read(ratings), ["shrunken-mean"])
    assert found.failures == []
    assert "shrunken-mean" in set(found.to_frame()["model"])


CONTRACT = {
    "no model": (int, "must be a subclass of cinematrix.Recommender"),
    "another name": (type("Named", (cx.Recommender,), {"name": "other"}), "calls itself 'other'"),
    "no settings": (type("Bare", (cx.Recommender,), {"name": "mine"}), "needs a dataclass of hyper-parameters"),
}


@pytest.mark.parametrize("name", CONTRACT)
def test_a_class_that_breaks_the_contract_is_refused(name: str) -> None:
    """One sentence says what is missing."""
    kind, message = CONTRACT[name]
    with pytest.raises(cx.CinematrixError, match=message):
        cx.register("mine", kind)


def test_a_class_without_a_method_is_refused() -> None:
    """The method is named."""
    from cinematrix.models.bias import BiasSettings

    kind = type("Half", (cx.Recommender,), {"name": "mine", "Settings": BiasSettings, "learn": lambda self, t: None})
    with pytest.raises(cx.CinematrixError, match="lacks the method score"):
        cx.register("mine", kind)


def test_our_names_are_taken() -> None:
    """No model of Cinematrix is replaced."""
    with pytest.raises(cx.CinematrixError, match="belongs to a model of Cinematrix"):
        cx.register("svd", cx.Recommender)


def test_a_class_of_a_notebook_is_not_compared_in_silence(monkeypatch: pytest.MonkeyPatch, ratings: Path) -> None:
    """Another process can't import it, and the error says so before anything is trained."""
    from cinematrix.models.bias import Bias

    mine = type("Mine", (Bias,), {"name": "mine", "__module__": "__main__"})
    monkeypatch.setattr("cinematrix.models.registry._REGISTERED", {})
    cx.register("mine", mine)
    with pytest.raises(cx.CinematrixError, match="put it into a module"):
        cx.compare(cx.read(ratings), ["mine"])
    assert sys.modules["__main__"] is not None
