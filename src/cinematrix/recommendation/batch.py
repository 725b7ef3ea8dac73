"""Batch recommendation: the lists of all users, written in parts."""

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cinematrix.common.progress import Progress, Silent, running
from cinematrix.common.table_parts import TableParts
from cinematrix.common.threads import count_cores, map_in_threads
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.models.base import Recommender
from cinematrix.models.orders import DEFAULT_ORDER, ListOrder, resolve_order
from cinematrix.recommendation.lists import Filters, rank_movies
from cinematrix.recommendation.reranking import Reranking

BLOCK_USERS = 64
"""Maximum users ranked at once; models remember the encoding of so many."""

BLOCK_CELLS = 2**25
"""Maximum users × movies ranked at once by all threads together; an array of them takes 128 MB."""

PART_USERS = 4096
"""Users of a part of the table."""


@dataclass(frozen=True, eq=False)
class ListPlan:
    """The lists to make: of all users of `model`, `n` movies out of `mask` each, in the order `by`."""

    model: Recommender
    n: int
    by: ListOrder
    mask: NDArray[np.bool_]
    dials: Reranking

    def block_size(self, threads: int) -> int:
        """Return the number of users that each of `threads` threads ranks at once."""
        return max(1, min(BLOCK_USERS, BLOCK_CELLS // (len(self.model.data.movies) * threads)))

    def describe(self) -> dict[str, Any]:
        """Return what the lists depend on, as JSON: lists of equal descriptions are equal."""
        model = self.model
        history, ids = model.data.history, {"users": model.data.users, "movies": model.data.movies}
        arrays = {f"{name}.{key}": array for name, each in ids.items() for key, array in each.arrays().items()}
        arrays |= model.arrays() | {"history.starts": history.starts, "history.items": history.items, "mask": self.mask}
        arrays |= {} if history.values is None else {"history.values": history.values}
        return {
            "model": f"{model.name} {model.settings}", "arrays": _hash_arrays(arrays), "n": self.n, "by": self.by,
            "dials": asdict(self.dials), "users": PART_USERS,
        }  # fmt: skip

    def rank(self, users: NDArray[np.int64]) -> pl.DataFrame:
        """Return the lists of some users, a row a movie."""
        model = self.model
        histories = model.data.history.take(users)
        ranked = rank_movies(model, histories, self.n, self.by, self.mask, self.dials)
        rows, places = np.nonzero(ranked.movies != UNKNOWN)
        movies: Numbers = ranked.movies[rows, places]
        pairs = histories, rows.astype(np.int32), movies
        stars = model.predict_pairs(*pairs)
        ends = model.interval_pairs(*pairs, stars=stars) if model.has_intervals else ()
        return pl.DataFrame(
            {
                "user": model.data.users.ids[users[rows]],
                "rank": (places + 1).astype(np.int32),
                "movie": model.data.movies.ids[movies],
                "score": ranked.scores[rows, places],
                "stars": stars,
                **dict(zip(("low", "high"), ends, strict=False)),
            }
        )


def recommend_all(
    model: Recommender,
    path: Path | None,
    n: int = 10,
    *,
    by: ListOrder = DEFAULT_ORDER,
    filters: Filters | None = None,
    dials: Reranking | None = None,
    force: bool = False,
    progress: Progress | None = None,
    threads: int = 0,
) -> int | pl.DataFrame:
    """Return the top-`n` unseen movies of every user of the training data, or write them to a file or a folder.

    The columns are user, rank, movie, score, stars, and low and high if the model has intervals. A call that was killed
    continues at the next call with the same model and arguments.

    Args:
        path: a file .parquet, .csv or .jsonl, or a folder for Parquet parts, which has no such end of its name; None: a
            frame is returned.
        by: what orders the lists.
        dials: novelty and diversity of the lists; None: the order of the model.
        force: replace an existing file or folder.
        threads: users are ranked in so many threads; 0: one a core.

    Returns:
        The number of rows written, or the frame.

    Raises:
        SettingError: `n` below 1, invalid filters, or stars from a model without a scale.
        InputError: `path` can't be written.
    """
    by = resolve_order(model, by)
    plan = ListPlan(model, n, by, (filters or Filters()).mask(model.data), dials or Reranking())
    threads, bar = threads or count_cores(), progress or Silent()
    with running(bar, "recommending", len(model.data.users)):
        if path is None:
            blocks = _split(np.arange(len(model.data.users)), plan.block_size(threads))
            return pl.concat(_rank_blocks(plan, blocks, threads, bar))
        table = TableParts.open(path, plan.describe(), force=force)
        _write_missing(plan, table, threads, bar)
        return table.finish()


def _write_missing(plan: ListPlan, table: TableParts, threads: int, bar: Progress) -> None:
    """Rank the users of the parts that aren't written yet, and write these."""
    users = np.arange(len(plan.model.data.users))
    parts = _split(users, PART_USERS)
    missing = [part for part in range(len(parts)) if not table.has(part)]
    bar.advance(len(users) - sum(len(parts[part]) for part in missing))
    blocks = [_split(parts[part], plan.block_size(threads)) for part in missing]
    frames = _rank_blocks(plan, [block for part in blocks for block in part], threads, bar)
    for part, own in zip(missing, blocks, strict=True):
        table.write(part, pl.concat(islice(frames, len(own))))


def _rank_blocks(
    plan: ListPlan, blocks: list[NDArray[np.int64]], threads: int, bar: Progress
) -> Iterator[pl.DataFrame]:
    """Yield the lists of one block of users after another."""
    for users, frame in zip(blocks, map_in_threads(plan.rank, blocks, threads), strict=True):
        bar.advance(len(users))
        yield frame


def _split(users: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    """Return consecutive blocks of `size` users; the last may be smaller."""
    return np.split(users, range(size, len(users), size))


def _hash_arrays(arrays: dict[str, NDArray[Any]]) -> str:
    """SHA-256 of arrays and their names."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data if array.dtype != object else repr(array.tolist()).encode())
    return digest.hexdigest()
