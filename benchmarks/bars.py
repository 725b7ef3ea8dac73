"""Measure Cinematrix against its own targets, and write the results to benchmarks/RESULTS.md.

    python benchmarks/bars.py [--data FOLDER] [--second FOLDER] [--seeds 3]

`--data` is MovieLens latest-small (by default the data set of `cinematrix demo`), `--second` a second set such as
MovieTweetings, measured with one seed. Each training runs in its own process, so time and peak memory are measured
separately. Run it on an idle machine.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from measures import child, one_user_ms, peak_megabytes, unfitted
from results import HERE, markdown, mean, put

MODELS = ("popular", "bias", "deep-mf-classic", "deep-mf preset=fast", "deep-mf")
"""Models, some with a preset of their settings."""

RANDOM_MODELS = ("deep-mf-classic", "deep-mf preset=fast", "deep-mf")
"""Models that depend on a seed."""


def main() -> None:
    """Measure everything and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--second", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--fit", nargs=3, metavar=("FOLDER", "MODEL", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit:
        print(json.dumps(fit(Path(options.fit[0]), options.fit[1], int(options.fit[2]))))
        return
    from cinematrix.data.movielens import default

    data = default(options.data).path
    parts = [accuracy(data, options.seeds)]
    if options.second:
        parts.append(accuracy(options.second, 1))
    parts += [speed(), whole_demo(data), scale()]
    put(parts)


def fit(folder: Path, model: str, seed: int) -> dict[str, float]:
    """Train one model on the random split; measure its accuracy, time and memory."""
    from cinematrix.data import splits
    from cinematrix.data.readers import read
    from cinematrix.evaluation.evaluate import evaluate

    dataset = read(folder)
    cut = splits.random(dataset.ratings)
    started = time.perf_counter()
    recommender = unfitted(model, seed).fit(cut.train, dataset.catalog)
    seconds, peak = time.perf_counter() - started, peak_megabytes()
    found = evaluate(recommender, cut.test, by="ranking", split=cut.protocol)
    measures = {name: found[name] for name in ("rmse", "mae", "ndcg@10", "recall@10")}
    measures["within80"] = found["within80"] if recommender.has_intervals else float("nan")
    one_user = one_user_ms(recommender, recommender.data.history)
    return {**measures, "seconds": seconds, "megabytes": peak, **one_user}


def accuracy(folder: Path, seeds: int) -> str:
    """Return a table of all models on one data set, random split 42."""
    rows = []
    for model in MODELS:
        seeds_of_model = range(seeds if model in RANDOM_MODELS else 1)
        runs = [child("bars.py", "--fit", str(folder), model, str(seed)) for seed in seeds_of_model]
        rmse = " ".join(f"{run['rmse']:.4f}" for run in runs)
        names = ("rmse", "mae", "ndcg@10", "recall@10", "within80")
        spread = [f"{mean(run[name] for run in runs):.4f}".replace("nan", "–") for name in names]
        cost = [f"{median(run[name] for run in runs):.{digits}f}" for name, digits in
                (("seconds", 1), ("megabytes", 0), ("ranked_ms", 1), ("list_ms", 1))]  # fmt: skip
        rows.append([f"`{model}`", *spread, rmse, *cost])
    head = [
        "model",
        "RMSE",
        "MAE",
        "NDCG@10",
        "Recall@10",
        "in 80 % intervals",
        "RMSE by seed",
        "training s",
        "peak MB",
        "ranked ms",
        "list ms",
    ]
    return f"## Accuracy on `{folder.name}`, random split 42\n\n{markdown(head, rows)}\n\n" + (
        "Means over the seeds; time and memory are medians. The time is of training, the memory the peak of the "
        "process to the end of training, reading included. One user, in one thread: from a history to the best ten "
        "movies, and to the list with stars, intervals and reasons. Ranking: all movies that the user hasn't rated in "
        "training; every tested rating is relevant."
    )


def speed() -> str:
    """Measure the start-up of the package and of the command line."""
    loaded = "import sys; assert 'torch' not in sys.modules, 'torch was loaded'"
    rows = [
        ["`import cinematrix`", best_seconds(f"import cinematrix; {loaded}"), "0.3 s, no torch"],
        ["`cinematrix --help`", best_seconds(HELP), "0.5 s, no torch"],
        ["`python -c pass`, for comparison", best_seconds("pass"), ""],
    ]
    return f"## Start-up\n\n{markdown(['what', 'seconds, best of 7', 'bar'], rows)}"


HELP = """
import sys
from cinematrix.cli.main import app
try:
    app(["--help"])
finally:
    assert "torch" not in sys.modules, "torch was loaded"
"""


def whole_demo(data: Path) -> str:
    """Measure the whole demo, in its own process for its peak memory."""
    with tempfile.TemporaryDirectory() as scratch:
        arguments = [sys.executable, "-c", DEMO, "demo", "--data", str(data), "--out", f"{scratch}/model"]
        started = time.perf_counter()
        ran = subprocess.run(arguments, check=True, capture_output=True, text=True)
        seconds = time.perf_counter() - started
    peak = int(ran.stderr.split()[-1]) / 1024
    rows = [["time", f"{seconds:.0f} s", "120 s"], ["peak memory", f"{peak:.0f} MB", "1,500 MB"]]
    return f"## `cinematrix demo`\n\n{markdown(['what', 'measured', 'bar'], rows)}"


DEMO = """
import resource, sys
from cinematrix.cli.main import run
try:
    run()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def scale() -> str:
    """Measure ten million ratings, and twenty thousand users."""
    lines = [*script("data_speed.py"), *script("evaluation_speed.py")]
    return "## Size\n\n```json\n" + "\n".join(lines) + "\n```"


def script(name: str) -> list[str]:
    """Run another benchmark; return the lines that it prints."""
    ran = subprocess.run([sys.executable, str(HERE / name)], check=True, capture_output=True, text=True)
    print(ran.stdout, flush=True)
    return ran.stdout.splitlines()


def best_seconds(code: str, times: int = 7) -> str:
    """Return the fewest seconds of a Python process that runs `code`."""

    def once() -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        return time.perf_counter() - started

    return f"{min(once() for _ in range(times)):.2f}"


if __name__ == "__main__":
    main()
