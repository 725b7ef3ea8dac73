"""Summary of a data set: figures and plots."""

from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.plotting import ACCENT, INK, MUTED, SERIES_COLOURS, add_axes, create_figure, write_png
from cinematrix.common.vectors import gini_coefficient
from cinematrix.data.catalog import Catalog
from cinematrix.data.dataset import Dataset, ReadReport
from cinematrix.data.ratings import Ratings, Scale

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUANTILES = {"min": 0.0, "p10": 0.1, "p25": 0.25, "median": 0.5, "p75": 0.75, "p90": 0.9, "max": 1.0}
"""Quantiles of the ratings per user and per movie, by name."""

HEADS = {"1 %": 0.01, "10 %": 0.1, "20 %": 0.2}
"""Shares of the most rated movies for which the share of ratings is reported, by name."""

FEW_RATINGS = 5
"""Ratings below which a movie counts as rarely rated."""

_MONTHS_SHOWN = 400
"""Maximum months in the plot over time; longer spans are shown by year."""


@dataclass(frozen=True)
class DatasetSummary:
    """Figures of a data set.

    Attributes:
        name, source: format and file.
        users, movies, ratings: number of each; users and movies without a rating don't count.
        sparsity: share of (user, movie) pairs without a rating, 0…1.
        scale, mean, histogram: of the ratings, the histogram from level to count; None for plain interactions.
        per_user, per_movie: quantiles (by name) and mean of the ratings per user and per movie.
        head: share of all ratings that the most rated 1, 10 and 20 % of the movies have.
        gini: Gini coefficient of the ratings over movies; 0: all have equally many, near 1: one has all.
        few: movies with fewer than five ratings.
        first, last: time of the first and the last rating, ISO 8601 in UTC; None without times.
        per_month: ratings by calendar month, such as "2013-09"; None without times.
        catalog: shares of the rated movies that have a title, a year and a genre; None without a catalog.
        curve: 101 points of the long-tail curve: share of ratings by share of movies, most rated first.
        report: rows that reading dropped, merged and converted.
    """

    name: str
    source: str
    users: int
    movies: int
    ratings: int
    sparsity: float
    scale: Scale | None
    mean: float | None
    histogram: dict[str, int] | None
    per_user: dict[str, float]
    per_movie: dict[str, float]
    head: dict[str, float]
    gini: float
    few: int
    first: str | None
    last: str | None
    per_month: dict[str, int] | None
    catalog: dict[str, float] | None
    curve: list[float]
    report: ReadReport
    counts_per_user: tuple[list[int], list[int]]
    """Distinct numbers of ratings a user has, and the number of users with each."""

    def as_dict(self) -> dict[str, Any]:
        """Return the summary as plain types, for JSON."""
        return asdict(self)


def describe(dataset: Dataset) -> DatasetSummary:
    """Compute the figures of a data set."""
    ratings = dataset.ratings
    per_user = np.bincount(ratings.user, minlength=len(ratings.users))
    per_movie = np.bincount(ratings.movie, minlength=len(ratings.movies))
    per_user, per_movie = per_user[per_user > 0], per_movie[per_movie > 0]
    curve = _curve(per_movie)
    span = None if ratings.time is None else (int(ratings.time.min()), int(ratings.time.max()))
    distinct, users = np.unique(per_user, return_counts=True)
    return DatasetSummary(
        name=dataset.name,
        source=dataset.source,
        users=len(per_user),
        movies=len(per_movie),
        ratings=len(ratings),
        sparsity=1 - len(ratings) / (len(per_user) * len(per_movie)),
        scale=ratings.scale,
        mean=None if ratings.rating is None else float(ratings.rating.mean(dtype=np.float64)),
        histogram=_histogram(ratings),
        per_user=_quantiles(per_user),
        per_movie=_quantiles(per_movie),
        head={name: _share_of_head(per_movie, share) for name, share in HEADS.items()},
        gini=gini_coefficient(per_movie),
        few=int((per_movie < FEW_RATINGS).sum()),
        first=None if span is None else _iso(span[0]),
        last=None if span is None else _iso(span[1]),
        per_month=None if ratings.time is None else _per_month(ratings.time),
        catalog=None if dataset.catalog is None else _coverage(dataset.catalog, ratings),
        curve=curve,
        report=dataset.report,
        counts_per_user=(distinct.tolist(), users.tolist()),
    )


def _histogram(ratings: Ratings) -> dict[str, int] | None:
    """Count the ratings by level; on a continuous scale each counts for the nearest of 21 levels."""
    if ratings.rating is None or ratings.scale is None:
        return None
    levels = ratings.scale.levels()
    cuts = (levels[:-1] + levels[1:]) / 2
    counts = np.bincount(np.searchsorted(cuts, ratings.rating), minlength=len(levels))
    return {f"{level:g}": count for level, count in zip(levels.tolist(), counts.tolist(), strict=True)}


def _quantiles(counts: NDArray[Any]) -> dict[str, float]:
    values = np.quantile(counts, list(QUANTILES.values())).tolist()
    return dict(zip(QUANTILES, values, strict=True)) | {"mean": float(counts.mean())}


def _share_of_head(per_movie: NDArray[Any], share: float) -> float:
    """Return the share of all ratings on the most rated `share` of the movies (at least one movie)."""
    n = max(1, round(share * len(per_movie)))
    return float(np.sort(per_movie)[-n:].sum() / per_movie.sum())


def _curve(per_movie: NDArray[Any]) -> list[float]:
    shares = np.append(0, np.cumsum(np.sort(per_movie)[::-1])) / per_movie.sum()
    points: list[float] = np.interp(np.linspace(0, 1, 101), np.linspace(0, 1, len(shares)), shares).tolist()
    return points


def _iso(seconds: int) -> str:
    return f"{np.datetime64(seconds, 's')}Z"


def _per_month(times: NDArray[np.int64]) -> dict[str, int]:
    months = times.astype("datetime64[s]").astype("datetime64[M]")
    first = months.min()
    counts = np.bincount((months - first).astype(np.int64)).tolist()
    return {str(first + i): count for i, count in enumerate(counts) if count}


def _coverage(catalog: Catalog, ratings: Ratings) -> dict[str, float]:
    """Return the shares of the rated movies with a title, a year, a genre."""
    rows = catalog.align(ratings.movies).frame[np.unique(ratings.movie)]
    present = {"title": rows["title"].is_not_null(), "year": rows["year"].is_not_null()}
    present["genres"] = rows["genres"].list.len() > 0
    return {name: float(has.sum()) / len(rows) for name, has in present.items()}


def plot_summary(description: DatasetSummary, path: str | PathLike[str], *, force: bool = True) -> None:
    """Write a PNG of four plots: stars, long tail, ratings per user, ratings over time.

    Raises:
        InputError: the file can't be written, or exists and `force` is false.
    """
    figure = create_figure(11, 7.5)
    scale = f", {description.scale} stars" if description.scale else ", plain interactions"
    figure.suptitle(
        f"{description.name}: {description.ratings:,} ratings by {description.users:,} users of "
        f"{description.movies:,} movies{scale}",
        fontsize=13,
        color=INK,
    )
    for place, draw in enumerate((_draw_stars, _draw_tail, _draw_users, _draw_time), start=1):
        draw(figure, (2, 2, place), description)
    write_png(figure, Path(path), force=force)


def _draw_stars(figure: "Figure", place: tuple[int, int, int], summary: DatasetSummary) -> None:
    if summary.histogram is None:
        axis = add_axes(figure, "Ratings by stars", "", "", place)
        axis.text(0.5, 0.5, "plain interactions: no stars", ha="center", color=INK, transform=axis.transAxes)
        return
    axis = add_axes(figure, "Ratings by stars", f"stars (mean {summary.mean:.2f})", "% of ratings", place)
    shares = [n / summary.ratings * 100 for n in summary.histogram.values()]
    axis.bar(list(summary.histogram), shares, color=SERIES_COLOURS[0])
    axis.tick_params(axis="x", labelrotation=90 if len(summary.histogram) > 12 else 0)


def _draw_tail(figure: "Figure", place: tuple[int, int, int], summary: DatasetSummary) -> None:
    label = f"% of movies, most rated first (Gini {summary.gini:.2f})"
    axis = add_axes(figure, "The long tail", label, "% of ratings", place)
    axis.plot(np.linspace(0, 100, 101), np.array(summary.curve) * 100, color=SERIES_COLOURS[0], linewidth=2)
    axis.plot([0, 100], [0, 100], color=MUTED, linewidth=1, linestyle=":")
    share = summary.curve[20]
    axis.plot([20], [share * 100], "o", color=ACCENT)
    axis.annotate(f"20 % of the movies have\n{share:.0%} of the ratings", (22, share * 100 - 12), color=INK)
    axis.set_ylim(0, 102)


def _draw_users(figure: "Figure", place: tuple[int, int, int], summary: DatasetSummary) -> None:
    label = f"ratings (median {summary.per_user['median']:g})"
    axis = add_axes(figure, "Ratings per user", label, "users", place)
    counts, users = summary.counts_per_user
    edges = np.unique(np.geomspace(max(1, counts[0]), counts[-1] + 1, 31).round())
    edges = edges if len(edges) > 1 else np.array([counts[0], counts[0] + 1])
    axis.hist(counts, bins=edges.tolist(), weights=users, color=SERIES_COLOURS[0])
    axis.set_xscale("log")
    axis.axvline(summary.per_user["median"], color=ACCENT, linewidth=1.5)


def _draw_time(figure: "Figure", place: tuple[int, int, int], summary: DatasetSummary) -> None:
    if summary.per_month is None:
        axis = add_axes(figure, "Ratings over time", "", "", place)
        axis.text(0.5, 0.5, "no times in the data", ha="center", color=INK, transform=axis.transAxes)
        return
    months = np.array(list(summary.per_month), "datetime64[M]")
    if len(months) > _MONTHS_SHOWN or len(months) < 2:
        months = months.astype("datetime64[Y]")
    unit = "month" if months.dtype == np.dtype("datetime64[M]") else "year"
    axis = add_axes(figure, "Ratings over time", "", f"ratings per {unit}", place)
    distinct, positions = np.unique(months, return_inverse=True)
    axis.fill_between(
        distinct.astype("datetime64[D]"), np.bincount(positions, list(summary.per_month.values())),
        color=SERIES_COLOURS[0], alpha=0.8, step="post",
    )  # fmt: skip
    axis.set_ylim(0, None)
