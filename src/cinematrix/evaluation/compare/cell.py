"""Cell of a comparison: one model, trained and measured on one split, or by one published protocol, with one seed.

The result of a cell is stored as a JSON file. Its name contains a hash of everything that the result depends on.
"""

import dataclasses
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np

from cinematrix.common.atomic_files import write_atomically
from cinematrix.common.process_memory import read_peak_megabytes
from cinematrix.common.progress import Progress
from cinematrix.common.settings import get_search_space
from cinematrix.data import splits
from cinematrix.data.bundle import read_bundle, write_bundle
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import SPLITS, Split
from cinematrix.errors import DataError
from cinematrix.evaluation.evaluate import evaluate
from cinematrix.evaluation.held_out import HeldOutRatings
from cinematrix.evaluation.measures import Evaluation
from cinematrix.evaluation.pooling import pool_by_user
from cinematrix.evaluation.protocols import PROTOCOLS
from cinematrix.metrics.segments import MOVIE_SEGMENTS, assign_movie_segments
from cinematrix.metrics.top_n import top_n
from cinematrix.models import model_class
from cinematrix.models.base import Recommender
from cinematrix.models.orders import ListOrder, score_lists
from cinematrix.models.registry import register_path

CELL_FORMAT = 2
"""Version of the result file; a new version keeps older files from being reused."""

FIRST_SEED = 42
"""Split seed of seed 0 of a comparison."""

NEW_USERS = "new-users"
"""Name of the split by new users."""

GIVEN_COUNTS = (0, 1, 2, 5, 10, 20)
"""Numbers of ratings that new users give, one question each; one training serves all."""

K = 10
"""Length of the lists."""

MAIN_MEASURES = ("rmse", "mae", f"ndcg@{K}", f"recall@{K}")
"""Measures of the main table, and of segments of movies."""

LIKING_MEASURES = tuple(
    f"{name}@{K}" for name in ("ndcg_liked", "ndcg_above", "disliked", "ndcg_rare", "expected_below", "miscalibration")
)
"""Measures of the table of liking."""

PAIRED_MEASURES = (*MAIN_MEASURES, *LIKING_MEASURES)
"""Measures stored per user, for intervals and paired tests."""

MAX_TIMED_USERS = 50
"""Maximum users whose lists are timed, one at a time."""


@dataclass(frozen=True)
class Cell:
    """Cell to measure.

    Attributes:
        model: name of the model.
        settings: its settings; `seed` is added to the seed among them.
        split: a name in `splits.SPLITS`, of which `new-users` is measured for all of `GIVEN_COUNTS`, or in `PROTOCOLS`.
        seed: 0, 1, 2…, added to the model's seed and, for the split, to `FIRST_SEED` or the protocol's seed.
        trials: number of trials of a hyper-parameter search within the training part; 0: no search.
        data: fingerprint of ratings and catalog (`bundle.fingerprint_data`).
        by: what the lists are ordered by; None: the default order.
    """

    model: str
    settings: dict[str, Any]
    split: str
    seed: int
    trials: int
    data: str
    by: ListOrder | None = None

    def __str__(self) -> str:
        return f"{self.model} on {self.split}, seed {self.seed}"

    @property
    def key(self) -> dict[str, Any]:
        """Everything that the result depends on."""
        return {"format": CELL_FORMAT, "version": version("cinematrix"), **asdict(self)}

    @property
    def name(self) -> str:
        """Name of the result file, without extension."""
        digest = hashlib.sha256(json.dumps(self.key, sort_keys=True).encode()).hexdigest()
        return f"{self.model}.{self.split}.{self.seed}.{digest[:16]}"

    def read_result(self, folder: Path) -> dict[str, Any] | None:
        """Read the stored result from `folder`; None if there is none, or it is damaged or of another cell."""
        try:
            stored = json.loads((folder / f"{self.name}.json").read_text(encoding="utf-8"))
            return dict(stored) if stored["key"] == json.loads(json.dumps(self.key)) else None
        except (OSError, ValueError, LookupError, TypeError):
            return None

    def store_result(self, folder: Path, result: dict[str, Any]) -> dict[str, Any]:
        """Store the result in `folder`, and return it as it will be read from there."""
        content = json.dumps(result, allow_nan=False)
        with write_atomically(folder / f"{self.name}.json", force=True) as file:
            file.write_text(content, encoding="utf-8")
        return dict(json.loads(content))


def make_questions(split: str, ratings: Ratings, seed: int) -> Iterator[tuple[str, Split]]:
    """Yield the questions of a split: name and split of each. All have the same training part.

    The split `new-users` has one question for each of `GIVEN_COUNTS` that leaves a rating to test.
    """
    if split in PROTOCOLS:
        protocol = PROTOCOLS[split]
        yield split, protocol.cut(ratings, protocol.seed + seed)[0]
        return
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
    """Train and measure the cell's model; return the content of its result file.

    Args:
        cell: the cell.
        ratings, catalog: the whole data set.
        folder: stores the study of a hyper-parameter search.
        progress: receiver of progress reports.

    Raises:
        CinematrixError: the model can't learn from these ratings, or its training breaks down.
    """
    cell_start, cpu_start, kind = time.perf_counter(), time.process_time(), model_class(cell.model)
    first = next(make_questions(cell.split, ratings, cell.seed))[1]
    settings = kind.Settings(**cell.settings)
    if "seed" in cell.settings:
        settings = dataclasses.replace(settings, seed=settings.seed + cell.seed)
    result: dict[str, Any] = {"key": cell.key}
    if cell.trials and get_search_space(kind.Settings):
        start = time.perf_counter()
        settings, result["tuned"] = _tune(cell, settings, first.train, catalog, folder, progress)
        result["tuning_s"] = time.perf_counter() - start
    start = time.perf_counter()
    model = kind(settings).fit(first.train, catalog, progress=progress)
    result |= {"training_s": time.perf_counter() - start, "settings": asdict(settings)}
    if cell.split in PROTOCOLS:
        measures = PROTOCOLS[cell.split].measure(model, first, progress)
        result |= {"measures": {each.name: each.as_dict() for each in measures}, "protocol": first.protocol}
    else:
        result["questions"] = [
            _evaluate_question(model, question, split, cell.by, progress)
            for question, split in make_questions(cell.split, ratings, cell.seed)
        ]
    result |= {"cpu_s": time.process_time() - cpu_start, "peak_mb": read_peak_megabytes()}
    return result | {"seconds": time.perf_counter() - cell_start}


def _tune(
    cell: Cell, settings: Any, train: Ratings, catalog: Catalog | None, folder: Path, progress: Progress | None
) -> tuple[Any, dict[str, Any]]:
    from cinematrix.evaluation.tuning import tune

    cut = PROTOCOLS[cell.split].tuning_split if cell.split in PROTOCOLS else cell.split
    tuned = tune(
        model_class(cell.model), train, catalog, trials=cell.trials, settings=settings, cut=cut,
        study=folder / f"{cell.name}.study", seed=cell.seed, progress=progress,
    )  # fmt: skip
    return tuned.settings, {key: value for key, value in vars(tuned).items() if key != "settings"}


def _evaluate_question(
    model: Recommender, question: str, split: Split, by: ListOrder | None, progress: Progress | None
) -> dict[str, Any]:
    """Measure one question: protocol, sums and weights per user (of all movies, and by segment of movies), speed."""
    whole = evaluate(model, split.test, by=by, given=split.given, k=K, split=split.protocol, progress=progress)
    segment = assign_movie_segments(np.bincount(split.train.movie, minlength=len(split.train.movies)))[split.test.movie]
    parts = {"all": _collect_by_user(whole, split.test, PAIRED_MEASURES)}
    for place, name in enumerate(MOVIE_SEGMENTS):
        if len(rows := np.flatnonzero(segment == place)):
            found = evaluate(model, split.test.take(rows), by=by, given=split.given, k=K)
            parts[name] = _collect_by_user(found, split.test, MAIN_MEASURES)
    return {
        "question": question,
        "protocol": asdict(whole.protocol),
        "coverage": whole[f"coverage@{K}"],
        "movies_shown": whole[f"movies_shown@{K}"],
        "movies": np.bincount(segment[np.unique(split.test.movie, return_index=True)[1]], minlength=3).tolist(),
        "parts": parts,
        **measure_speed(model, split, whole.protocol.by),
    }


def _collect_by_user(evaluation: Evaluation, test: Ratings, names: Sequence[str]) -> dict[str, Any]:
    """Collect user numbers of the data set, lengths of histories, and sums and weights of the named measures."""
    per_user = evaluation.per_user
    measures = {name: pool_by_user(name, per_user) for name in names if name in per_user}
    return {
        "users": test.users.numbers(evaluation.users).tolist(),
        "history": per_user["history"].tolist(),
        "measures": {name: [column.tolist() for column in pair] for name, pair in measures.items()},
    }


def measure_speed(model: Recommender, split: Split, by: ListOrder) -> dict[str, float]:
    """Measure the time of lists in the order `by`, and of predictions.

    Returns:
        `list_ms`, the median milliseconds from a user's history to their ten best movies, over up to `MAX_TIMED_USERS`
        users, one at a time. `pair_us`, the microseconds per predicted rating, for as many users' tested ratings at
        once; left out if the model predicts no stars.
    """
    held_out, seconds = HeldOutRatings.of(model.data, split.test, split.given), []
    for block in islice(held_out.blocks(1), MAX_TIMED_USERS):
        start = time.perf_counter()
        top_n(score_lists(model, block.given, by=by), K, block.given)
        seconds.append(time.perf_counter() - start)
    speed = {"list_ms": 1e3 * median(seconds)}
    if model.abilities.stars and model.data.scale is not None:
        pairs = next(held_out.blocks(MAX_TIMED_USERS)).pairs(len(model.data.movies))
        start = time.perf_counter()
        model.predict_pairs(*pairs)
        speed["pair_us"] = 1e6 * (time.perf_counter() - start) / len(pairs[1])
    return speed


@dataclass(frozen=True)
class CellData:
    """Input of all cells of a comparison: the data, and the folder of results, where searches are stored too."""

    ratings: Ratings
    catalog: Catalog | None
    folder: Path

    def write(self, folder: Path) -> None:
        """Write the input to a folder, for other processes."""
        write_bundle(folder / "data", self.ratings, self.catalog)
        (folder / "results").write_text(str(self.folder.absolute()), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what `write` wrote."""
        return cls(*read_bundle(folder / "data"), Path((folder / "results").read_text(encoding="utf-8")))


def run_cell(data: CellData, job: tuple[Cell, str | None], progress: Progress) -> dict[str, Any]:
    """Measure a cell whose model is registered by its `class_path`; None: it is found by its name.

    A search is stored if the folder of results is here too: not on another machine, unless they share it.
    """
    cell, path = job
    if path:
        register_path(cell.model, path)
    with TemporaryDirectory() as temporary:
        folder = data.folder if data.folder.is_dir() else Path(temporary)
        return measure_cell(cell, data.ratings, data.catalog, folder, progress)
