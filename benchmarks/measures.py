"""Measurements that benchmarks share: a run in its own process, peak memory, and the time of one user's list."""

import json
import resource
import subprocess
import sys
import time
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from cinematrix.cli.options import parse_settings
from cinematrix.common.threads import one_thread
from cinematrix.data.histories import Histories
from cinematrix.metrics.top_n import top_n
from cinematrix.models import model_class
from cinematrix.models.base import Recommender
from cinematrix.models.orders import DEFAULT_ORDER, score_lists
from cinematrix.recommendation.lists import recommend


def child(script: str, *arguments: str) -> dict[str, Any]:
    """Run the benchmark `script` for one case in its own process; return the JSON that it prints last."""
    command = [sys.executable, str(Path(__file__).with_name(script)), *arguments]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    print(*arguments, found, flush=True)
    return found


def peak_megabytes() -> float:
    """Return this process's peak memory in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


def unfitted(model: str, seed: int) -> Recommender:
    """Return an unfitted model by its name and settings, as in `deep-mf preset=fast`, with the seed if it takes one."""
    name, *settings = model.split()
    kind = model_class(name)
    seeded = [f"seed={seed}"] if "seed" in kind.Settings.__dataclass_fields__ else []  # type: ignore[attr-defined]
    return kind(parse_settings(kind, [*settings, *seeded]))


def one_user_ms(model: Recommender, histories: Histories, times: int = 100) -> dict[str, float]:
    """Measure the median milliseconds for one user with a loaded model, histories taken in turn.

    `ranked_ms` is from a history to the best ten movies; `list_ms` to the list with stars, intervals and reasons. Both
    are computed in one thread, as the service does.
    """
    taken: dict[str, list[float]] = {"ranked_ms": [], "list_ms": []}
    with one_thread():
        for row in islice(cycle(range(len(histories))), times):
            history = histories.take(np.array([row]))
            started = time.perf_counter()
            top_n(score_lists(model, history, by=DEFAULT_ORDER), 10, history)
            ranked = time.perf_counter()
            recommend(model, history, 10)
            taken["ranked_ms"].append(ranked - started)
            taken["list_ms"].append(time.perf_counter() - ranked)
    return {name: 1000 * median(seconds) for name, seconds in taken.items()}
