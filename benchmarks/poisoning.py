"""Measure the effect of a poisoning attack, and how many fake and real profiles retraining leaves out.

Fake profiles, 1 % of the users, push one movie: each gives it the highest rating, and rates 60 others

- random: random movies, around the mean of all ratings;
- average: random movies, around each movie's own mean;
- bandwagon: the thirty most popular movies with the highest rating, and thirty random ones (Burke et al. 2006).

The movie has 5 to 20 ratings and a mean below 3. The effect is measured on all real users who haven't rated it.

    python benchmarks/poisoning.py [DATA [MODEL …]]
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cinematrix.data.catalog import Catalog
from cinematrix.data.movielens import default
from cinematrix.data.ratings import Ratings, fingerprint
from cinematrix.data.readers import read
from cinematrix.lifecycle.shilling import find_suspicious_profiles
from cinematrix.metrics.top_n import top_n
from cinematrix.models import model_class
from cinematrix.models.base import Recommender
from results import markdown, mean, put

ATTACKS = ("random", "average", "bandwagon")
MODELS = {"deep-mf": {"preset": "fast"}, "ease": {}, "item-knn": {}}
SHARE, FILLERS, SEEDS = 0.01, 60, (1, 2)


@dataclass(frozen=True)
class Attacked:
    """Ratings with fake profiles, a mask of the fake users, and the movie that they push."""

    ratings: Ratings
    fake: np.ndarray
    target: int


def attacked(real: Ratings, attack: str, seed: int) -> Attacked:
    """Return `real` with fake profiles that push one movie."""
    rng, stars = np.random.default_rng(seed), real.rating
    assert stars is not None
    assert real.scale is not None
    counts = np.bincount(real.movie, minlength=len(real.movies))
    means = np.bincount(real.movie, stars, len(counts)) / np.maximum(counts, 1)
    target = int(rng.choice(np.flatnonzero((counts >= 5) & (counts <= 20) & (means < 3))))
    popular, rated = np.argsort(-counts, kind="stable")[:30], np.setdiff1d(np.flatnonzero(counts), [target])
    n = int(np.ceil(SHARE * len(real.users)))
    rows = []
    for fake in range(n):
        films = rng.choice(rated, FILLERS, replace=False)
        around = np.full(FILLERS, stars.mean()) if attack == "random" else means[films]
        given = rng.normal(around, stars.std() if attack == "random" else 0.5)
        if attack == "bandwagon":
            films = np.concatenate([popular, np.setdiff1d(films, popular)[:30]])
            given = np.concatenate(
                [np.full(30, real.scale.high), rng.normal(stars.mean(), stars.std(), len(films) - 30)]
            )
        whole = np.clip(np.round(given * 2) / 2, real.scale.low, real.scale.high)
        rows += [(f"fake-{fake}", film, value) for film, value in zip(films, whole, strict=True)]
        rows.append((f"fake-{fake}", target, real.scale.high))
    who, pushed, values = zip(*rows, strict=True)
    ids = real.users.ids.astype(str)
    both = Ratings.from_arrays(
        np.concatenate([ids[real.user], who]),
        np.concatenate([real.movies.ids[real.movie], real.movies.ids[list(pushed)]]),
        np.concatenate([stars, np.array(values, np.float32)]),
        None if real.time is None else np.append(real.time, np.full(len(rows), real.time.max())),
        scale=real.scale,
    )
    fake_users = np.char.startswith(both.users.ids, "fake-")
    return Attacked(both, fake_users, int(real.movies.ids[target]))


def reach(model: Recommender, real: Ratings, target: int) -> tuple[float, float]:
    """Return the share of real users with the movie among their twenty best, and its mean predicted rating."""
    known, number = model.data, model.data.movies.number(target)
    users = known.users.numbers(real.users.ids.astype(str))
    histories = known.history.take(users)
    unrated = ~np.isin(users, known.history.rows[known.history.items == number])
    lists = top_n(model.score(histories), 20, histories).movies[unrated]
    stars = model.predict_pairs(
        histories, np.flatnonzero(unrated).astype(np.int32), np.full(unrated.sum(), number, np.int32)
    )
    return float((lists == number).any(1).mean()), float(stars.mean())


def trainer(catalog: Catalog | None) -> Callable[[str, Ratings], Recommender]:
    """Return a function that fits a model to ratings, once for equal ratings."""
    models: dict[tuple[str, str], Recommender] = {}

    def fitted(name: str, ratings: Ratings) -> Recommender:
        key = name, fingerprint(ratings)
        if key not in models:
            models[key] = fit(name, ratings, catalog)
        return models[key]

    return fitted


def fit(name: str, ratings: Ratings, catalog: Catalog | None) -> Recommender:
    """Fit a model with the settings of this benchmark."""
    kind = model_class(name)
    chosen = dict(MODELS.get(name, {}))
    preset = getattr(kind.Settings, "PRESETS", {}).get(chosen.pop("preset", ""), {})
    return kind(kind.Settings(**preset)).fit(ratings, catalog)


def again(ratings: Ratings) -> Ratings:
    """Return the same rows with new ID maps, and text for users' IDs, as fake users have."""
    users, movies = ratings.users.ids.astype(str)[ratings.user], ratings.movies.ids[ratings.movie]
    return Ratings.from_arrays(users, movies, ratings.rating, ratings.time, scale=ratings.scale)


def false_alarms(real: Ratings) -> list[str]:
    """Count the real profiles that would be left out if the latest tenth, or a random tenth, were new."""
    found = []
    first = np.full(len(real.users), np.iinfo(np.int64).max)
    assert real.time is not None
    np.minimum.at(first, real.user, real.time)
    late = first >= np.quantile(first, 0.9)
    draws = [np.random.default_rng(seed).random(len(real.users)) < 0.1 for seed in range(20)]
    for new in (late[None], np.array(draws)):
        caught = sum(len(find_suspicious_profiles(real, each)) for each in new)
        found.append(f"{caught} of {int(new.sum()):,}")
    return found


def main() -> None:
    """Attack, retrain, and write the results."""
    data = read(default(Path(sys.argv[1]) if len(sys.argv) > 1 else None).path)
    real, rows, fitted = data.ratings, [], trainer(data.catalog)
    late, drawn = false_alarms(real)
    for attack in ATTACKS:
        worlds = [attacked(real, attack, seed) for seed in SEEDS]
        left_out = [
            [suspect.user for suspect in find_suspicious_profiles(world.ratings, world.fake)] for world in worlds
        ]
        caught = sum(int(world.fake[out].sum()) for world, out in zip(worlds, left_out, strict=True))
        fakes = sum(int(world.fake.sum()) for world in worlds)
        for name in sys.argv[2:] or MODELS:
            told = []
            for world, out in zip(worlds, left_out, strict=True):
                kept = again(world.ratings.take(~np.isin(world.ratings.user, out)))
                told.append(
                    [reach(fitted(name, each), real, world.target) for each in (again(real), world.ratings, kept)]
                )
            hits = [f"{mean(each[i][0] for each in told):.1%}" for i in range(3)]
            shifts = [f"{mean(each[i][1] - each[0][1] for each in told):+.2f}" for i in (1, 2)]
            rows.append([attack, name, *hits, *shifts, f"{caught} of {fakes}"])
            print(*rows[-1], flush=True)
    head = ["attack", "model", "hit-rate@20", "attacked", "retrained", "stars", "retrained", "left out"]
    put(
        [
            "## Poisoning: fake profiles push one movie",
            f"{SHARE:.0%} of the users are fake. They give the highest rating to one movie with 5 to 20 ratings and a "
            f"mean below 3, and rate {FILLERS} others; means over {len(SEEDS)} movies. Hit-rate@20 is the share of "
            "real users with the movie among their twenty best: without the attack, with it, and after retraining "
            "without suspicious profiles. The next columns are the change of its mean predicted stars, with the attack "
            "and after retraining, and the number of fake profiles that are left out.",
            markdown(head, rows),
            f"Real profiles left out if they were new: {late} (the latest tenth), {drawn} (twenty random tenths).",
        ],
        data.name,
    )


if __name__ == "__main__":
    main()
