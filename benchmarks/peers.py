"""Compare Cinematrix's models with their peers on the same split: errors, lists, time and memory.

    pip install -c benchmarks/constraints-peers.txt 'cinematrix[train,peers]'
    python benchmarks/peers.py [--data FOLDER …] [--rounds 3] [--only MODEL …] [--without MODEL …]

The default data set is that of `cinematrix demo`. Each training runs in its own process; ours and the peers' alternate,
`--rounds` times with another seed each. Writes its tables into benchmarks/RESULTS.md.

Peers: Surprise's SVD (biased matrix factorization by SGD) with its defaults and tuned on a tenth of the training
ratings, its SVD++ and its item neighbourhoods over baselines; myFM (Bayesian factorization machines by Gibbs sampling;
regression and ordered probit), plain and with the features of its own MovieLens example: user and movie, each user's
movies, each movie's raters, and genres and years; LensKit's biased ALS, item neighbourhoods, implicit ALS and EASE;
implicit's ALS; Cornac's Mult-VAE and NeuMF. Both implicit ALS choose from twelve settings on a tenth of the training
ratings, Cornac's nets, which train far longer, from eight. A run of some models (`--only`) is a separate part of the
results beside the whole table, from which models can be left out (`--without`).
"""

import argparse
import json
import os
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.data import splits
from cinematrix.data.catalog import Catalog
from cinematrix.data.movielens import default
from cinematrix.data.ratings import Ratings
from cinematrix.data.readers import read
from cinematrix.evaluation.evaluate import evaluate
from cinematrix.metrics.accuracy import mae, ndcg, rmse
from cinematrix.metrics.top_n import top_n
from measures import child, peak_megabytes, unfitted
from peer_models import PEERS, RANKERS
from results import markdown, mean, put

DUELS = {
    "svd": "surprise-svd-tuned",
    "svd++": "surprise-svd++",
    "als": "lenskit-biased-mf",
    "nmf": "surprise-svd-tuned",
    "item-knn": "surprise-item-knn",
    "user-knn": "lenskit-item-knn",
    "pmf history=False content=False": "myfm-plain",
    "pmf": "myfm-regression",
    "autorec": "surprise-svd-tuned",
    "deep-mf preset=fast": "surprise-svd-tuned",
    "deep-mf": "myfm-ordered",
    "ials": "implicit-als",
    "ease": "lenskit-ease",
    "vae": "cornac-vae",
    "neumf": "cornac-neumf",
}
"""The best peer of its kind for each of our models, some with settings."""

BASELINES = ("popular", "bias")
Found = dict[str, float]

DIGITS = {"rmse": 4, "mae": 4, "ndcg@10": 4, "seconds": 1, "megabytes": 0}


def main() -> None:
    """Measure everything and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [*BASELINES, *DUELS, *PEERS, *RANKERS]
    parser.add_argument("--data", type=Path, nargs="+", default=[])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--without", nargs="+", choices=names, default=[])
    parser.add_argument("--fit", nargs=3, metavar=("FOLDER", "MODEL", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit:
        print(json.dumps(fit(Path(options.fit[0]), options.fit[1], int(options.fit[2]))))
        return
    folders = options.data or [default().path]
    for folder in folders:
        some = [] if options.only == names else options.only
        models = [name for name in options.only if name not in options.without]
        put([compared(folder, models, options.rounds)], " ".join([folder.name, *some]))


def compared(folder: Path, models: list[str], rounds: int) -> str:
    """Return the tables of one data set: all models, and each of ours against its peer."""
    runs: dict[str, list[Found]] = {model: [] for model in models}
    for seed in range(rounds):
        for model in models:
            runs[model].append(child("peers.py", "--fit", str(folder), model, str(seed)))
    found = {model: {name: middle(name, each) for name in DIGITS} for model, each in runs.items()}
    table = markdown(
        ["model", "RMSE", "MAE", "NDCG@10", "seconds", "peak MB"],
        [[f"`{model}`", *(shown(name, each[name]) for name in DIGITS)] for model, each in found.items()],
    )
    against = [duel(ours, peer, found) for ours, peer in DUELS.items() if ours in found and peer in found]
    return "\n\n".join(
        [
            f"## Peers on `{folder.name}`, random split 42",
            table,
            markdown(["ours", "peer", "RMSE", "NDCG@10", "time, ours : peer", "memory, ours : peer"], against),
            f"{rounds} round(s), a seed each: errors are means, times and memory medians. Seconds are of training and "
            "of predicting the test ratings (making the lists) on two cores. Those of the tuned SVD include its "
            "search, those of the list makers don't. Numba's code was compiled before.",
        ]
    )


def middle(name: str, runs: list[Found]) -> float:
    """Return the mean of errors or the median of costs."""
    values = [run.get(name, float("nan")) for run in runs]
    return median(values) if name in ("seconds", "megabytes") else mean(values)


def shown(name: str, value: float) -> str:
    """Return a figure as text; a dash if the model has none."""
    return f"{value:.{DIGITS[name]}f}".replace("nan", "–")


def duel(ours: str, peer: str, found: dict[str, Found]) -> list[str]:
    """Return a row: the differences of the errors and the ratios of the costs."""
    mine, other = found[ours], found[peer]
    apart = [
        f"{mine[name] - other[name]:+.4f}".replace("+nan", "–").replace("nan", "–") for name in ("rmse", "ndcg@10")
    ]
    costs = [f"{mine[name] / other[name]:.2f}" for name in ("seconds", "megabytes")]
    return [f"`{ours}`", f"`{peer}`", *apart, *costs]


def fit(folder: Path, model: str, seed: int) -> Found:
    """Train one model on the random split; measure its accuracy, time and memory."""
    os.environ["TQDM_DISABLE"] = "1"  # myFM's progress bar
    dataset = read(folder)
    cut = splits.random(dataset.ratings)
    catalog = (dataset.catalog or Catalog.empty(cut.train.movies)).align(cut.train.movies)
    if model in PEERS:
        return of_stars(model, cut.train, cut.test, catalog, seed)
    if model in RANKERS:
        return of_lists(model, cut.train, cut.test, seed)
    return of_ours(model, cut, dataset.catalog, seed)


def of_ours(model: str, cut: splits.Split, catalog: Catalog | None, seed: int) -> Found:
    """Measure one of our models; the time is of training and predicting, or of making lists if it has no stars."""
    started = time.perf_counter()
    fitted = unfitted(model, seed).fit(cut.train, catalog)
    if fitted.abilities.stars and fitted.data.scale:
        fitted.predict(cut.test.users.ids[cut.test.user], cut.test.movies.ids[cut.test.movie])
    else:
        fitted.score(fitted.data.history)
    cost = {"seconds": time.perf_counter() - started, "megabytes": peak_megabytes()}
    found = evaluate(fitted, cut.test, by="ranking", split=cut.protocol)
    return {m.name: m.value for m in found.measures if m.name in ("rmse", "mae", "ndcg@10")} | cost


def of_stars(peer: str, train: Ratings, test: Ratings, catalog: Catalog, seed: int) -> Found:
    """Measure a peer that predicts stars."""
    truth, scale = test.stars(peer)
    started = time.perf_counter()
    predicted = scale.clip(PEERS[peer](train, test, catalog, seed))
    cost = {"seconds": time.perf_counter() - started, "megabytes": peak_megabytes()}
    return {"rmse": rmse(truth, predicted), "mae": mae(truth, predicted)} | cost


def of_lists(peer: str, train: Ratings, test: Ratings, seed: int) -> Found:
    """Measure a peer that makes lists, with its best settings on a tenth of the training ratings."""
    scores, trials = RANKERS[peer]
    cut = splits.random(train, 0.1, seed)

    def quality(found: NDArray[np.float32], known: Ratings, later: Ratings) -> float:
        return float(np.nanmean(ndcg(top_n(found, 10, known.by_user).movies, later.by_user)))

    def tried(trial: dict[str, Any]) -> float:
        return quality(scores(cut.train, seed, **trial), cut.train, cut.test)

    best = trials[0] if len(trials) == 1 else max(trials, key=tried)
    started = time.perf_counter()
    found = scores(train, seed, **best)
    cost = {"seconds": time.perf_counter() - started, "megabytes": peak_megabytes()}
    return {"ndcg@10": quality(found, train, test)} | cost


if __name__ == "__main__":
    main()
