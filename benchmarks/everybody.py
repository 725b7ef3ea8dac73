"""Measure the lists of all users by each order: processor time and memory at the size of ml-32m, and lost places.

    python benchmarks/everybody.py [--model DIR] [--small DIR] [--users 4096]

The model has the movies of ml-32m and ratings a user as there, simulated; it is trained briefly, just for its size. The
time of some users is projected to all of ml-32m: it grows in proportion. With `--small`, a model of any real data, the
lists by stars of all its users are compared with those by exact scores of all movies. Writes its table into
benchmarks/RESULTS.md.
"""

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from cinematrix.data.ids import IdMap
from cinematrix.metrics.top_n import top_n
from cinematrix.models.artifact import load
from cinematrix.models.base import Recommender
from cinematrix.models.orders import score_lists
from cinematrix.recommendation.batch import recommend_all
from load import LARGE, shaped
from measures import child, peak_megabytes
from results import markdown, put

USERS, RATINGS = 200_948, 32_000_204
"""Users and ratings of ml-32m."""

TRAINED_USERS = 8_000
"""Users of the simulated model, with as many ratings each as in ml-32m."""

N = 20
"""Length of the lists."""


def main() -> None:
    """Measure each order and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="a large model, trained before")
    parser.add_argument("--small", type=Path, help="a model of real data, whose lists by stars are checked")
    parser.add_argument("--users", type=int, default=4096)
    parser.add_argument("--by", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.by:
        print(json.dumps(make_lists(options.model, options.by, options.users)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        ratings = round(TRAINED_USERS * RATINGS / USERS)
        model = options.model or shaped(Path(scratch, "large"), TRAINED_USERS, LARGE, ratings)
        rows = [measured(model, by, options.users) for by in ("liking", "ranking", "stars")]
    head = ["lists by", "users", "CPU ms a user", f"CPU minutes for {USERS:,} users", "peak MB"]
    found = [f"## Lists of {N} for all users of {LARGE:,} movies, simulated\n\n{markdown(head, rows)}"]
    for name, folder in (("the simulated model", options.model), ("real data", options.small)):
        if folder:
            found.append(f"Places of lists by stars as by exact scores, {name}: {same_places(load(folder).model):.2%}.")
    put(found)


def measured(model: Path, by: str, users: int) -> list[str]:
    """Make the lists in a process of their own; return a row of the table."""
    found = child("everybody.py", f"--model={model}", f"--by={by}", f"--users={users}")
    ms = 1000 * found["work"] / found["users"]
    return [by, f"{found['users']:,}", f"{ms:.2f}", f"{ms * USERS / 60_000:.1f}", f"{found['megabytes']:,.0f}"]


def make_lists(folder: Path, by: str, users: int) -> dict[str, float]:
    """Write the lists of the first `users` users; return processor time and peak memory."""
    model = load(folder).model
    users = min(users, len(model.data.users))
    history = model.data.history.take(np.arange(users))
    model.take_data(replace(model.data, users=IdMap(model.data.users.ids[:users]), history=history))
    started = time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        recommend_all(model, Path(scratch, "lists"), N, by=by, on="local")  # type: ignore[arg-type]
    return {"users": users, "work": time.process_time() - started, "megabytes": peak_megabytes()}


def same_places(model: Recommender, users: int = 610) -> float:
    """Return the share of places that lists by stars have in common with those by exact scores of all movies."""
    shares = []
    for start in range(0, min(users, len(model.data.users)), 64):
        given = model.data.history.take(np.arange(start, min(start + 64, len(model.data.users))))
        lists = (
            top_n(s, N, given).movies for s in (score_lists(model, given, by="stars"), model.score(given, by="stars"))
        )
        found, exact = lists
        shares.append((found == exact).mean())
    return float(np.mean(shares))


if __name__ == "__main__":
    main()
