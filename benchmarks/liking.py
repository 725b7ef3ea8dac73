"""Measure what users liked of the lists of `deep-mf` by liking, by ranking and by stars, into RESULTS.md.

    python benchmarks/liking.py [--data FOLDER] [--seeds 3]

Three splits: random (seed 42), the latest fifth (mostly newcomers without a rating), and the same with half of each
newcomer's ratings given. Each training runs in its own process.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from cinematrix.models.orders import ListOrder
from measures import child
from results import markdown, mean, over_seeds, put

ORDERS: tuple[ListOrder, ...] = ("liking", "ranking", "stars")
SPLITS = ("random", "half", "time")
NAMES = ("ndcg_liked@10", "ndcg_above@10", "disliked@10", "expected_below@10", "ndcg@10", "ndcg_rare@10",
         "miscalibration@10", "movies_shown@10")  # fmt: skip


def main() -> None:
    """Measure everything and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--fit", nargs=3, metavar=("FOLDER", "SPLIT", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit:
        print(json.dumps(fit(Path(options.fit[0]), options.fit[1], int(options.fit[2]))))
        return
    from cinematrix.data.movielens import default

    folder = default(options.data).path
    runs = {
        split: [child("liking.py", "--fit", str(folder), split, str(seed)) for seed in range(options.seeds)]
        for split in SPLITS
    }
    put([table(runs, folder.name, options.seeds)], folder.name)


def fit(folder: Path, split: str, seed: int) -> dict[str, dict[str, float]]:
    """Train on one split with one seed; return the measures of each order, and those paired with ranking."""
    from cinematrix.data import splits
    from cinematrix.data.readers import read
    from cinematrix.evaluation.evaluate import evaluate_orders
    from cinematrix.models.deep_mf.model import DeepMF
    from cinematrix.models.deep_mf.settings import DeepMFSettings

    dataset = read(folder)
    cut = splits.SPLITS[split](dataset.ratings, 42)
    model = DeepMF(DeepMFSettings(seed=seed)).fit(cut.train, dataset.catalog)
    found = dict(zip(ORDERS, evaluate_orders(model, cut.test, list(ORDERS), given=cut.given), strict=True))
    measures = {order: {name: each[name] for name in NAMES} for order, each in found.items()}
    for order, each in found.items():
        listed, dislikes = hits(each.per_user["disliked@10"], each.per_user["precision@10"])
        measures[order]["disliked pooled"] = dislikes / max(listed, 1e-9)
    return measures | {"model": {"rarity": model.rarity_weight, "rmse": found["liking"]["rmse"]}}


def hits(disliked: np.ndarray, precision: np.ndarray) -> tuple[float, float]:
    """Return the number of listed movies that were tested, and of the disliked among them, over all users."""
    listed = np.where(np.isnan(disliked), 0, np.nan_to_num(precision) * 10)
    return float(listed.sum()), float((listed * np.nan_to_num(disliked)).sum())


def table(runs: dict[str, list[dict[str, dict[str, float]]]], data: str, seeds: int) -> str:
    """Return the table: a row for each split and order, means over the seeds."""
    head = ["split", "order", "NDCG liked, by seed", "above", "disliked", "… pooled", "expected below", "NDCG@10",
            "rare", "miscalibration", "movies shown"]  # fmt: skip
    rows = []
    for split, found in runs.items():
        for order in ORDERS:
            values = {name: mean(run[order][name] for run in found) for name in found[0][order]}
            rows.append([
                split, f"`{order}`", over_seeds(run[order]["ndcg_liked@10"] for run in found),
                f"{values['ndcg_above@10']:.4f}", f"{values['disliked@10']:.4f}", f"{values['disliked pooled']:.4f}",
                f"{values['expected_below@10']:.4f}", f"{values['ndcg@10']:.4f}", f"{values['ndcg_rare@10']:.4f}",
                f"{values['miscalibration@10']:.3f}", f"{values['movies_shown@10']:.0f}",
            ])  # fmt: skip
    weights = ", ".join(f"{split} {[run['model']['rarity'] for run in found]}" for split, found in runs.items())
    return (
        f"## Lists of `deep-mf` on `{data}`, by what users liked\n\n{markdown(head, rows)}\n\n"
        f"Means over {seeds} seeds, lists of ten of all unseen movies. `disliked` is the mean over users, `pooled` the "
        f"share of all listed movies that were tested. Weight of rarity, chosen by validation: {weights}."
    )


if __name__ == "__main__":
    main()
