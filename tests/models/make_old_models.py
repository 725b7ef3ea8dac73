"""Make a tiny model of each earlier format by its own code: `python tests/models/make_old_models.py REV …`.

Each is saved into tests/models/old/, with what it predicts for `PAIRS` and all its scores in `expected.json`. Up to
format 3 it is `bias`, then `ease` of low rank. A revision of each:

    5fea2cc c7ad4f7 96fb25a 3f44a16
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "old"
PAIRS = (np.array([1, 1, 3]), np.array([10, 30, 20]))
"""Users and movies to predict."""


def name(first: str, second: str, attribute: str) -> Any:
    """Return an attribute of the first module, or of the second where this revision doesn't have the first."""
    try:
        return getattr(import_module(first), attribute)
    except ImportError:
        return getattr(import_module(second), attribute)


def fit(place: Path) -> None:
    """Fit and save a model with the code of any revision."""
    ratings = name("cinematrix.data.ratings", "cinematrix.ratings", "Ratings")
    catalog = name("cinematrix.data.catalog", "cinematrix.catalog", "Catalog")
    save = name("cinematrix.models.artifact", "cinematrix.artifact", "save")
    users, movies = np.repeat(np.arange(1, 5), 3), np.tile([10, 20, 30], 4)
    stars = np.array([5, 4, 1, 4, 4.5, 0.5, 3, 2, 1, 5, 3, 2], np.float32)
    rated = ratings.from_arrays(users, movies, stars)
    model = start_model().fit(rated, catalog.empty(rated.movies))
    save(model, place / "model")
    expected = {"predictions": model.predict(*PAIRS), "scores": model.score(rated.by_user)}
    (place / "expected.json").write_text(json.dumps({name: each.tolist() for name, each in expected.items()}) + "\n")


def start_model() -> Any:
    """Return `ease` of low rank if this revision saves format 4 or later, else `bias`."""
    number = name("cinematrix.models.artifact", "cinematrix.artifact", "FORMAT")
    if number < 4:
        return import_module("cinematrix.models.bias").Bias()
    ease = import_module("cinematrix.models.ease")
    return ease.Ease(ease.EaseSettings(rank=2))


def make(revision: str) -> None:
    """Run `fit` with the code of a revision, and keep the model and its predictions."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        archive = subprocess.run(["git", "archive", revision, "src"], stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(["tar", "-x", "-C", place], input=archive, check=True)
        surroundings = os.environ | {"PYTHONPATH": f"{place}/src"}
        subprocess.run([sys.executable, __file__, "--fit", place], check=True, env=surroundings)
        number = json.loads((place / "model" / "model.json").read_text())["format"]
        target = FOLDER / f"format{number}-{revision}"
        shutil.copytree(place / "model", target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("README.md"))
        shutil.copy(place / "expected.json", target)


if __name__ == "__main__":
    if sys.argv[1] == "--fit":
        fit(Path(sys.argv[2]))
    else:
        for given in sys.argv[1:]:
            make(given)
