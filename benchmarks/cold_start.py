"""Measure the accuracy for users and movies outside the training data.

    python benchmarks/cold_start.py [--data FOLDER] [--seeds 3]

Writes its tables into benchmarks/RESULTS.md and the curve for new users into docs/cold-start.png.

- New users: a fifth of the users is held out completely, and 0, 5, 10 or 20 of their ratings are given. One training
  serves all of these. Errors are over the rest of their ratings (fewer, the more are given), and over the same ratings
  each time: those that aren't among the 20.
- Fold-in against retraining: 10 ratings of each new user given to the trained model, or included in the training.
- New movies: a fifth of the movies is held out completely; the model has the catalog.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.plotting import ACCENT, INK, add_axes, create_figure, write_png
from cinematrix.data import splits
from cinematrix.data.catalog import Catalog
from cinematrix.data.movielens import default
from cinematrix.data.ratings import Ratings
from cinematrix.data.readers import read
from cinematrix.evaluation.evaluate import evaluate
from cinematrix.metrics.accuracy import rmse
from cinematrix.models.base import Recommender
from cinematrix.models.bias import Bias
from cinematrix.models.components.biases import Biases
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.settings import DeepMFSettings
from content_factors import Choice
from content_factors import predicted as by_content_factors
from results import HERE, markdown, mean, over_seeds, put

GIVEN = (0, 5, 10, 20)
"""Numbers of given ratings of a new user."""
FOLDED = 10
"""Given ratings in the comparison of fold-in and retraining."""
PICTURE = HERE.parent / "docs" / "cold-start.png"

Curve = list[float]
"""Errors, one for each number of `GIVEN`."""


def main() -> None:
    """Measure everything and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    dataset, seeds = read(default(options.data).path), range(options.seeds)
    ratings = dataset.ratings
    catalog = (dataset.catalog or Catalog.empty(ratings.movies)).align(ratings.movies)
    put([new_users(ratings, catalog, seeds), new_movies(ratings, catalog, seeds)])


def new_users(ratings: Ratings, catalog: Catalog, seeds: Sequence[int]) -> str:
    """Return tables of the errors for new users and of fold-in against retraining; draw the curve."""
    rest: dict[str, list[Curve]] = {"bias": [], "deep-mf": []}
    same: dict[str, list[Curve]] = {"bias": [], "deep-mf": []}
    refit = []
    for seed in seeds:
        cuts = [splits.new_users(ratings, k=k, seed=seed) for k in GIVEN]
        models: list[Recommender] = [Bias(), DeepMF(DeepMFSettings(seed=seed))]
        for model in models:
            model.fit(cuts[0].train, catalog)
            rest[model.name].append([evaluate(model, cut.test, given=cut.given)["rmse"] for cut in cuts])
            same[model.name].append([evaluate(model, cuts[-1].test, given=cut.given)["rmse"] for cut in cuts])
        cut = cuts[GIVEN.index(FOLDED)]
        refit.append(evaluate(stars_of(cut.given, catalog, seed), cut.test)["rmse"])
        print("new users", seed, rest, same, refit, flush=True)
    draw(rest, PICTURE)
    return "\n\n".join(
        [
            "## New users",
            "A fifth of the users held out completely, k of their ratings given, RMSE on the rest, "
            f"{over_what(seeds)}.",
            curves(rest),
            f"The same, only on the ratings that aren't among the {GIVEN[-1]} given.",
            curves(same),
            "## Fold-in against retraining",
            refit_table([curve[GIVEN.index(FOLDED)] for curve in rest["deep-mf"]], refit),
        ]
    )


def curves(found: Mapping[str, list[Curve]]) -> str:
    """Return a table with a row per model and a column per number of given ratings."""
    rows = [[f"`{name}`", *(over_seeds(column) for column in zip(*runs, strict=True))] for name, runs in found.items()]
    return markdown(["RMSE", *(f"k = {k}" for k in GIVEN)], rows)


def refit_table(folded: list[float], refit: list[float]) -> str:
    """Return a table of the errors of both ways, and of their relative difference."""
    apart = mean(folded) / mean(refit) - 1
    rows = [
        ["folded in: not in the training data", over_seeds(folded)],
        ["retrained: their ratings are training ratings", over_seeds(refit)],
        ["folded in against retrained", f"{apart:+.2%}"],
    ]
    return markdown([f"new users with {FOLDED} ratings, `deep-mf`", "RMSE"], rows)


def new_movies(ratings: Ratings, catalog: Catalog, seeds: Sequence[int]) -> str:
    """Return a table of the errors for new movies."""
    found: dict[str, list[float]] = {}
    chosen: list[Choice] = []
    for seed in seeds:
        cut = splits.new_movies(ratings, seed=seed)
        truth = cut.test.stars("the benchmark")[0]
        factors, choice = by_content_factors(cut.train, cut.test, catalog, seed)
        chosen.append(choice)
        errors = {
            "`bias`: mean + user bias": evaluate(Bias().fit(cut.train, catalog), cut.test)["rmse"],
            "user mean + genre means": rmse(truth, by_genres(cut.train, cut.test, catalog)),
            "content factors (LightFM's form)": rmse(truth, factors),
            "`deep-mf`": evaluate(stars_of(cut.train, catalog, seed), cut.test)["rmse"],
        }
        for name, error in errors.items():
            found.setdefault(name, []).append(error)
        print("new movies", seed, errors, choice, flush=True)
    rows = [[name, over_seeds(errors)] for name, errors in found.items()]
    return "\n\n".join(
        [
            "## New movies",
            f"A fifth of the movies held out completely, RMSE on their ratings, {over_what(seeds)}.",
            markdown(["model", "RMSE"], rows),
            "User mean + genre means: the mean, the user's mean deviation from it (shrunk as in `bias`), and the mean "
            "over the movie's genres of the residuals of ratings of movies of that genre. Content factors are tuned on "
            f"movies held out of the training ratings: {'; '.join(map(described, chosen))}.",
        ]
    )


def by_genres(train: Ratings, test: Ratings, catalog: Catalog) -> NDArray[np.float32]:
    """Predict the user's shrunk mean + the mean, over the movie's genres, of the residuals of that genre's ratings."""
    stars, scale = train.stars("genre means")
    mean_rating, shrinkage = stars.mean(), Biases.of(train).user_shrinkage
    sums = np.bincount(train.user, stars - mean_rating, len(train.users))
    user = sums / (np.bincount(train.user, minlength=len(train.users)) + shrinkage)
    genres = catalog.genre_matrix()
    rated = genres[train.movie]
    means = rated.T @ (stars - mean_rating - user[train.user]) / np.maximum(rated.sum(axis=0).A1, 1)
    movie = genres @ means / np.maximum(genres.sum(axis=1).A1, 1)
    return scale.clip(mean_rating + user[test.user] + movie[test.movie])


def stars_of(train: Ratings, catalog: Catalog, seed: int) -> DeepMF:
    """Train `deep-mf` with only its rating head, whose stars are those of the whole model."""
    return DeepMF(DeepMFSettings(seed=seed, ranking=False)).fit(train, catalog)


def over_what(seeds: Sequence[int]) -> str:
    """Return a description of the columns."""
    return f"mean over {len(seeds)} seeds (of split and training) and each seed's value"


def described(choice: Choice) -> str:
    """Return a description of the settings chosen by validation."""
    return f"learning rate {choice.learning_rate:g}, weight decay {choice.weight_decay:g}, {choice.epochs} epochs"


def draw(found: Mapping[str, list[Curve]], path: Path) -> None:
    """Draw the error of each model by the number of given ratings; the band is the range of the seeds."""
    figure = create_figure(6, 3.6)
    axes = add_axes(figure, "new users", "ratings that a new user has given", "RMSE on the rest of their ratings")
    for (name, runs), colour in zip(found.items(), (INK, ACCENT), strict=True):
        values = np.array(runs)
        axes.fill_between(GIVEN, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.12, linewidth=0)
        axes.plot(GIVEN, values.mean(axis=0), "o-", color=colour, linewidth=2, markersize=5)
        axes.annotate(name, (GIVEN[-1], values.mean(axis=0)[-1]), (8, -3), textcoords="offset points", color=colour)
    axes.set_xticks(GIVEN)
    axes.margins(x=0.14)
    write_png(figure, path)


if __name__ == "__main__":
    main()
