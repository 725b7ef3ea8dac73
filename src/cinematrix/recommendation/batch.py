"""Batch recommendation: the lists of all users, written to a Parquet file."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cinematrix.common.atomic_files import write_atomically
from cinematrix.common.progress import Progress, Silent, running
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.models.base import Recommender
from cinematrix.models.orders import DEFAULT_ORDER, ListOrder, resolve_order
from cinematrix.recommendation.lists import Filters, rank_movies
from cinematrix.recommendation.reranking import Reranking

BLOCK_USERS = 256
"""Users ranked per block; bounds the memory."""


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
) -> int | pl.DataFrame:
    """Return the top-`n` unseen movies of every user of the training data, or write them to a Parquet file.

    Its columns are user, rank, movie, score, stars, and low and high if the model has intervals.

    Args:
        path: the file to write; None: a frame is returned.
        by: what orders the lists.
        dials: novelty and diversity of the lists; None: the order of the model.
        force: replace an existing file.

    Returns:
        The number of rows written, or the frame.

    Raises:
        SettingError: `n` below 1, invalid filters, or stars from a model without a scale.
    """
    by = resolve_order(model, by)
    frames = _rank_blocks(model, n, by, (filters or Filters()).mask(model.data), dials or Reranking(), progress)
    if path is None:
        return pl.concat(frames)
    with write_atomically(path, force=force) as file:
        whole = pl.concat(frames)
        whole.write_parquet(file)
    return len(whole)


def _rank_blocks(
    model: Recommender,
    n: int,
    by: ListOrder,
    mask: NDArray[np.bool_],
    dials: Reranking,
    progress: Progress | None,
) -> Iterator[pl.DataFrame]:
    """Yield the lists of one block of users after another."""
    n_users, bar = len(model.data.users), progress or Silent()
    with running(bar, "recommending", n_users):
        for start in range(0, n_users, BLOCK_USERS):
            block = np.arange(start, min(start + BLOCK_USERS, n_users))
            yield _rank_block(model, block, n, by, mask, dials)
            bar.advance(len(block))


def _rank_block(
    model: Recommender, users: NDArray[np.int64], n: int, by: ListOrder, mask: NDArray[np.bool_], dials: Reranking
) -> pl.DataFrame:
    histories = model.data.history.take(users)
    ranked = rank_movies(model, histories, n, by, mask, dials)
    rows, places = np.nonzero(ranked.movies != UNKNOWN)
    movies: Numbers = ranked.movies[rows, places]
    pairs = histories, rows.astype(np.int32), movies
    stars = model.predict_pairs(*pairs)
    ends = (
        dict(zip(("low", "high"), model.interval_pairs(*pairs, stars=stars), strict=True))
        if model.has_intervals
        else {}
    )
    return pl.DataFrame(
        {
            "user": model.data.users.ids[users[rows]],
            "rank": (places + 1).astype(np.int32),
            "movie": model.data.movies.ids[movies],
            "score": ranked.scores[rows, places],
            "stars": stars,
            **ends,
        }
    )
