"""Batch recommendation: the lists of all users, written in parts."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cinematrix.common.progress import Progress, Silent, running
from cinematrix.common.spread.run import choose_executor, spreading
from cinematrix.common.spread.work import Outcome, Shared
from cinematrix.common.table_parts import TableParts
from cinematrix.common.threads import one_thread
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.models.artifact import load, read_manifest, save
from cinematrix.models.base import Recommender
from cinematrix.models.orders import DEFAULT_ORDER, ListOrder, resolve_order
from cinematrix.models.registry import class_path, register_path
from cinematrix.recommendation.lists import Filters, rank_movies
from cinematrix.recommendation.reranking import Reranking

BLOCK_USERS = 64
"""Maximum users ranked at once; models remember the encoding of so many."""

BLOCK_CELLS = 2**24
"""Maximum users × movies ranked at once; an array of them takes 64 MB."""

LOCAL_CELLS = 10**8
"""Maximum users × movies ranked by this process alone, if nobody says where: about five seconds of work."""

ITEM_USERS = 256
"""Users of an item of work."""

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
        size = max(1, min(BLOCK_USERS, BLOCK_CELLS // len(self.model.data.movies)))
        with one_thread():
            return pl.concat(self._rank_block(block) for block in _split(users, size))

    def _rank_block(self, users: NDArray[np.int64]) -> pl.DataFrame:
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

    def shared(self, saved: Path | None, near: Path | None) -> "Shared[ListPlan]":
        """Return the plan as input of other processes, which map the model into memory.

        Args:
            saved: folder of this very model; None: it is saved for the time of the work.
            near: existing folder beside which it is saved.
        """
        read = partial(_read_plan, class_path(self.model.name), self.n, self.by, self.mask, self.dials)
        return Shared(self, partial(_write_model, self.model, saved), read, near)


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
    on: str | None = None,
    saved: Path | None = None,
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
        on: an executor (`choose_executor`); None: `local` for up to `LOCAL_CELLS`, else `processes`.
        saved: folder from which the model was loaded, which other processes then map; None: it is saved for them.

    Returns:
        The number of rows written, or the frame.

    Raises:
        SettingError: `n` below 1, invalid filters, stars from a model without a scale, or there is no such executor.
        InputError: `path` can't be written.
    """
    by, bar, n_users = resolve_order(model, by), progress or Silent(), len(model.data.users)
    plan = ListPlan(model, n, by, (filters or Filters()).mask(model.data), dials or Reranking())
    on = on or ("local" if n_users * len(model.data.movies) <= LOCAL_CELLS else "processes")
    choose_executor(on)
    with running(bar, "recommending", n_users):
        if path is None:
            frames: dict[int, list[pl.DataFrame]] = {}
            _rank_parts(plan, range(_count_parts(n_users)), on, frames.__setitem__, bar, saved, None)
            return pl.concat(frame for part in sorted(frames) for frame in frames[part])
        table = TableParts.open(path, plan.describe(), force=force)
        missing = [part for part in range(_count_parts(n_users)) if not table.has(part)]
        bar.advance(n_users - sum(len(_part_users(part, n_users)) for part in missing))
        _rank_parts(
            plan, missing, on, lambda part, frames: table.write(part, pl.concat(frames)), bar, saved, table.folder
        )
        return table.finish()


def _rank_parts(
    plan: ListPlan, parts: Sequence[int], on: str, keep: Callable[[int, list[pl.DataFrame]], None], bar: Progress,
    saved: Path | None, near: Path | None,
) -> None:  # fmt: skip
    """Rank the users of parts, and keep each part as soon as all of its lists are there."""
    n_users = len(plan.model.data.users)
    items = [(part, block) for part in parts for block in _split(_part_users(part, n_users), ITEM_USERS)]
    awaited = Counter(part for part, _ in items)
    found: dict[int, dict[int, pl.DataFrame]] = {part: {} for part in parts}

    def done(place: int, outcome: Outcome[pl.DataFrame]) -> None:
        part, users = items[place]
        found[part][place] = outcome.get(_name_users(users))
        bar.advance(len(users))
        if len(found[part]) == awaited[part]:
            keep(part, [frame for _, frame in sorted(found.pop(part).items())])

    if items:
        with spreading(plan.shared(saved, near), on, bar) as spread:
            spread(_rank_users, [users for _, users in items], done, _name_users)


def _rank_users(plan: ListPlan, users: NDArray[np.int64], progress: Progress) -> pl.DataFrame:
    return plan.rank(users)


def _name_users(users: NDArray[np.int64]) -> str:
    return f"users {users[0] + 1:,} to {users[-1] + 1:,}"


def _write_model(model: Recommender, saved: Path | None, folder: Path) -> None:
    """Put the model into a folder: as a link to where it is saved, or save it."""
    if saved is not None:
        with suppress(OSError):  # not every system lets everybody make links
            (folder / "model").symlink_to(saved.absolute(), target_is_directory=True)
            return
    save(model, folder / "model")


def _read_plan(
    path: str | None, n: int, by: ListOrder, mask: NDArray[np.bool_], dials: Reranking, folder: Path
) -> ListPlan:
    """Load the model from a folder; its class is registered by its `class_path`, or found by its name."""
    if path:
        register_path(read_manifest(folder / "model")["model"], path)
    return ListPlan(load(folder / "model").model, n, by, mask, dials)


def _count_parts(n_users: int) -> int:
    return -(-n_users // PART_USERS)


def _part_users(part: int, n_users: int) -> NDArray[np.int64]:
    """Return the numbers of a part's users."""
    return np.arange(part * PART_USERS, min((part + 1) * PART_USERS, n_users))


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
