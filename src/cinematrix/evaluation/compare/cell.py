"""One cell of a comparison: one model trained and measured on one split with one seed, in a process of its own.

So its time and its peak of memory are its own, and what breaks in it leaves the others alone. A finished cell is a JSON
file, whole or absent, under a name made of everything that its numbers depend on.
"""

import dataclasses
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from cinematrix.common.atomic_files import write_atomically
from cinematrix.common.progress import Progress
from cinematrix.common.settings import get_search_space
from cinematrix.data import splits
from cinematrix.data.bundle import read_bundle
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import SPLITS, Split
from cinematrix.errors import CinematrixError, DataError
from cinematrix.evaluation.evaluate import Evaluation, evaluate, pool_by_user
from cinematrix.evaluation.held_out import HeldOutRatings
from cinematrix.evaluation.segments import MOVIE_SEGMENTS, assign_movie_segments
from cinematrix.metrics.top_n import top_n
from cinematrix.models import model_class
from cinematrix.models.base import Recommender

CELL_FORMAT = 1
"""Raised when what a cell holds changes its meaning, so that older ones aren't reused."""

FIRST_SEED = 42
"""The split's seed of a comparison's first seed: the yardstick's."""

NEW_USERS = "new-users"
GIVEN_COUNTS = (0, 1, 2, 5, 10, 20)
"""How many ratings new users give, all from one training."""

K = 10
PAIRED_MEASURES = ("rmse", "mae", f"ndcg@{K}", f"recall@{K}")
"""The measures that are kept by user, for intervals and tests."""

MAX_TIMED_USERS = 50
"""Users asked for a list, one at a time, to time it."""


@dataclass(frozen=True)
class Cell:
    """What is to be measured.

    Attributes:
        model: its name.
        settings: its hyper-parameters; the seed in them is of the first seed.
        split: a name in `splits.SPLITS`; `new-users` is measured for all of `GIVEN_COUNTS`.
        seed: 0, 1, 2…, which is added to the model's seed, and to `FIRST_SEED` for the split's.
        trials: of a search for hyper-parameters within the training part; 0: none.
        data: `parcels.seal` of ratings and catalog.
    """

    model: str
    settings: dict[str, Any]
    split: str
    seed: int
    trials: int
    data: str

    def __str__(self) -> str:
        return f"{self.model} on {self.split}, seed {self.seed}"

    @property
    def key(self) -> dict[str, Any]:
        """Everything that the numbers depend on."""
        return {"format": CELL_FORMAT, "version": version("cinematrix"), **asdict(self)}

    @property
    def name(self) -> str:
        """Of its file, without an ending."""
        digest = hashlib.sha256(json.dumps(self.key, sort_keys=True).encode()).hexdigest()
        return f"{self.model}.{self.split}.{self.seed}.{digest[:16]}"

    def found(self, folder: Path) -> dict[str, Any] | None:
        """What was measured before and lies in `folder`; None, if it isn't there or isn't this cell."""
        try:
            stored = json.loads((folder / f"{self.name}.json").read_text(encoding="utf-8"))
            return dict(stored) if stored["key"] == json.loads(json.dumps(self.key)) else None
        except (OSError, ValueError, LookupError, TypeError):
            return None


def make_questions(split: str, ratings: Ratings, seed: int) -> Iterator[tuple[str, Split]]:
    """What is asked on a split, in words, with the cut; the training part is the same for all of them.

    New users are asked for as many of `GIVEN_COUNTS` as leave anybody with a rating to test.
    """
    if split != NEW_USERS:
        yield split, SPLITS[split](ratings, FIRST_SEED + seed)
        return
    for k in GIVEN_COUNTS:
        given = "1 rating" if k == 1 else f"{k} ratings"
        try:
            cut = splits.new_users(ratings, k=k, seed=FIRST_SEED + seed)
        except DataError:
            if k == GIVEN_COUNTS[0]:
                raise
            return
        yield f"{NEW_USERS}, {given} given", cut


def measure_cell(
    cell: Cell, ratings: Ratings, catalog: Catalog | None, folder: Path, progress: Progress | None = None
) -> dict[str, Any]:
    """Train the cell's model and ask it everything; what a cell's file holds. A search is kept in `folder`.

    Raises:
        CinematrixError: the model can't learn from these ratings, or its training breaks down.
    """
    began, kind = time.perf_counter(), model_class(cell.model)
    first = next(make_questions(cell.split, ratings, cell.seed))[1]
    settings = kind.Settings(**cell.settings)
    if "seed" in cell.settings:
        settings = dataclasses.replace(settings, seed=settings.seed + cell.seed)
    found: dict[str, Any] = {"key": cell.key}
    if cell.trials and get_search_space(kind.Settings):
        started = time.perf_counter()
        settings, found["tuned"] = _tune(cell, settings, first.train, catalog, folder, progress)
        found["tuning_s"] = time.perf_counter() - started
    started = time.perf_counter()
    model = kind(settings).fit(first.train, catalog, progress=progress)
    found |= {"training_s": time.perf_counter() - started, "settings": asdict(settings)}
    found["questions"] = [
        _evaluate_question(model, question, split, progress)
        for question, split in make_questions(cell.split, ratings, cell.seed)
    ]
    return found | {"peak_mb": read_peak_megabytes(), "seconds": time.perf_counter() - began}


def _tune(
    cell: Cell, settings: Any, train: Ratings, catalog: Catalog | None, folder: Path, progress: Progress | None
) -> tuple[Any, dict[str, Any]]:
    from cinematrix.evaluation.tuning import tune

    found = tune(
        model_class(cell.model), train, catalog, trials=cell.trials, settings=settings, cut=cell.split,
        study=folder / f"{cell.name}.study", seed=cell.seed, progress=progress,
    )  # fmt: skip
    return found.settings, {key: value for key, value in vars(found).items() if key != "settings"}


def _evaluate_question(model: Recommender, question: str, split: Split, progress: Progress | None) -> dict[str, Any]:
    """One question: the protocol, each user's part in every measure, all movies together and by segment; the time."""
    whole = evaluate(model, split.test, given=split.given, k=K, split=split.protocol, progress=progress)
    segment = assign_movie_segments(split.train)[split.test.movie]
    parts = {"all": whole}
    for place, name in enumerate(MOVIE_SEGMENTS):
        if len(rows := np.flatnonzero(segment == place)):
            parts[name] = evaluate(model, split.test.take(rows), given=split.given, k=K)
    return {
        "question": question,
        "protocol": asdict(whole.protocol),
        "coverage": whole[f"coverage@{K}"],
        "movies": np.bincount(segment[np.unique(split.test.movie, return_index=True)[1]], minlength=3).tolist(),
        "parts": {name: _collect_by_user(found, split.test) for name, found in parts.items()},
        **measure_speed(model, split),
    }


def _collect_by_user(found: Evaluation, test: Ratings) -> dict[str, Any]:
    """Users by number under the data's own map, the length of their histories, and sums and weights of `PAIRED_MEASURES`."""
    measures = {name: pool_by_user(name, found.per_user) for name in PAIRED_MEASURES if name in found.per_user}
    return {
        "users": test.users.numbers(found.users).tolist(),
        "history": found.per_user["history"].tolist(),
        "measures": {name: [column.tolist() for column in pair] for name, pair in measures.items()},
    }


def measure_speed(model: Recommender, split: Split) -> dict[str, float]:
    """How long an answer takes.

    `list_ms` is the median, over up to `MAX_TIMED_USERS` users one at a time, from a history to its best ten movies; `pair_us`
    is microseconds a rating, for as many users' tested ratings at once (left out where there are no stars).
    """
    held_out, taken = HeldOutRatings.of(model.data, split.test, split.given), []
    for block in islice(held_out.blocks(1), MAX_TIMED_USERS):
        started = time.perf_counter()
        top_n(model.score(block.given), K, block.given)
        taken.append(time.perf_counter() - started)
    found = {"list_ms": 1e3 * median(taken)}
    if model.abilities.stars and model.data.scale is not None:
        pairs = next(held_out.blocks(MAX_TIMED_USERS)).pairs(len(model.data.movies))
        started = time.perf_counter()
        model.predict_pairs(*pairs)
        found["pair_us"] = 1e6 * (time.perf_counter() - started) / len(pairs[1])
    return found


def read_peak_megabytes() -> float:
    """The most memory that this process has had.

    Linux's own count of it is asked for: that of `getrusage` begins with what the parent had when it forked.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text("ascii", "replace").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


class JsonProgress:
    """Progress as lines of JSON on stdout, for the process that waits."""

    def start(self, what: str, total: int) -> None:
        self.what, self.total, self.done, self.said = what, total, 0, 0.0
        self._say("")

    def advance(self, steps: int = 1, note: str = "") -> None:
        self.done += steps
        if time.monotonic() - self.said > 0.2:
            self._say(note)

    def stop(self) -> None:
        pass

    def _say(self, note: str) -> None:
        self.said = time.monotonic()
        print_message({"note": f"{self.what} {self.done:,}/{self.total:,} {note}".strip()})


def print_message(message: dict[str, Any]) -> None:
    """One line for the process that waits."""
    print(json.dumps(message), flush=True)


def main() -> None:
    """Measure the cell that stdin describes (`cell`, and the folders `parcel` and `cells`) and write its file."""
    job = json.load(sys.stdin)
    cell, folder = Cell(**job["cell"]), Path(job["cells"])
    try:
        found = measure_cell(cell, *read_bundle(Path(job["parcel"])), folder, JsonProgress())
        with write_atomically(folder / f"{cell.name}.json", force=True) as file:
            file.write_text(json.dumps(found, allow_nan=False), encoding="utf-8")
    except CinematrixError as error:
        print_message({"error": str(error)})
    except MemoryError:
        print_message({"error": f"ran out of memory, after {read_peak_megabytes():,.0f} MB"})
