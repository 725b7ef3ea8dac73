"""What a data set is like, in numbers and in a picture."""

from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.atomic_files import write_atomically
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.readers import Dataset, ReadReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes

QUANTILES = {"min": 0.0, "p10": 0.1, "p25": 0.25, "median": 0.5, "p75": 0.75, "p90": 0.9, "max": 1.0}
HEADS = {"1 %": 0.01, "10 %": 0.1, "20 %": 0.2}
"""The shares of the most rated movies that the long tail is told by."""

FEW_RATINGS = 5
"""Movies with fewer ratings than this are counted as hardly known."""

_MONTHS_SHOWN = 400


@dataclass(frozen=True)
class DatasetSummary:
    """A data set in figures.

    Attributes:
        name, source: the format and the file.
        users, movies, ratings: how many; movies are those with a rating.
        sparsity: the share of all pairs (user, movie) without a rating, 0…1.
        scale, mean, histogram: of the stars, the histogram from level to count; None for plain interactions.
        per_user, per_movie: ratings of each, from the names of quantiles to values, with their mean.
        head: the share of all ratings that the most rated 1, 10 and 20 % of the movies have.
        gini: of the ratings over the movies; 0: all have equally many, near 1: one has all.
        few: movies with fewer than five ratings.
        first, last: time of the first and the last rating, ISO 8601 in UTC; None without times.
        per_month: ratings by calendar month, from "2013-09" on; None without times.
        catalog: how many of the rated movies have a title, a year and a genre, as shares; None without a catalog.
        curve: 101 points of the long-tail curve: share of ratings by share of movies, most rated first.
        report: what reading dropped, merged and converted.
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
    """How many users have how many ratings: distinct numbers of ratings, and users with each."""

    def as_dict(self) -> dict[str, Any]:
        """The description in plain types, for JSON."""
        return asdict(self)


def describe(dataset: Dataset) -> DatasetSummary:
    """The figures of a data set as read."""
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
        gini=_gini(per_movie),
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
    """Ratings by level; on a continuous scale each counts for the nearest of its 21 levels."""
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
    """The share of all ratings on the most rated `share` of the movies (at least one movie)."""
    n = max(1, round(share * len(per_movie)))
    return float(np.sort(per_movie)[-n:].sum() / per_movie.sum())


def _curve(per_movie: NDArray[Any]) -> list[float]:
    shares = np.append(0, np.cumsum(np.sort(per_movie)[::-1])) / per_movie.sum()
    points: list[float] = np.interp(np.linspace(0, 1, 101), np.linspace(0, 1, len(shares)), shares).tolist()
    return points


def _gini(counts: NDArray[Any]) -> float:
    """Gini's coefficient: half the mean difference of two counts over their mean."""
    ascending, n = np.sort(counts).astype(np.float64), len(counts)
    return float((2 * np.arange(1, n + 1) - n - 1) @ ascending / (n * ascending.sum()))


def _iso(seconds: int) -> str:
    return f"{np.datetime64(seconds, 's')}Z"


def _per_month(times: NDArray[np.int64]) -> dict[str, int]:
    months = times.astype("datetime64[s]").astype("datetime64[M]")
    first = months.min()
    counts = np.bincount((months - first).astype(np.int64)).tolist()
    return {str(first + i): count for i, count in enumerate(counts) if count}


def _coverage(catalog: Catalog, ratings: Ratings) -> dict[str, float]:
    """The shares of the rated movies with a title, a year, a genre."""
    rows = catalog.align(ratings.movies).frame[np.unique(ratings.movie)]
    known = {"title": rows["title"].is_not_null(), "year": rows["year"].is_not_null()}
    known["genres"] = rows["genres"].list.len() > 0
    return {name: float(has.sum()) / len(rows) for name, has in known.items()}


def plot_summary(description: DatasetSummary, path: str | PathLike[str], *, force: bool = True) -> None:
    """A PNG of four plots: stars, long tail, ratings per user, ratings over time.

    Raises:
        InputError: the file can't be written, or exists and `force` is false.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7.5), dpi=120, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 2)
    scale = f", {description.scale} stars" if description.scale else ", plain interactions"
    figure.suptitle(
        f"{description.name}: {description.ratings:,} ratings by {description.users:,} users of "
        f"{description.movies:,} movies{scale}",
        fontsize=13,
    )
    for draw, axis in zip((_draw_stars, _draw_tail, _draw_users, _draw_time), axes.flat, strict=True):
        draw(axis, description)
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", color="#e4e4e4", linewidth=0.8)
        axis.set_axisbelow(True)
    with write_atomically(Path(path), force=force) as beside:
        figure.savefig(beside, format="png")


_BLUE, _RED = "#3b6fb6", "#c8553d"


def _draw_stars(axis: "Axes", it: DatasetSummary) -> None:
    axis.set_title("Ratings by stars")
    if it.histogram is None:
        axis.text(0.5, 0.5, "plain interactions: no stars", ha="center", transform=axis.transAxes)
        return
    axis.bar(list(it.histogram), [n / it.ratings * 100 for n in it.histogram.values()], color=_BLUE)
    axis.set(xlabel=f"stars (mean {it.mean:.2f})", ylabel="% of ratings")
    axis.tick_params(axis="x", labelrotation=90 if len(it.histogram) > 12 else 0)


def _draw_tail(axis: "Axes", it: DatasetSummary) -> None:
    axis.set_title("The long tail")
    axis.plot(np.linspace(0, 100, 101), np.array(it.curve) * 100, color=_BLUE, linewidth=2)
    axis.plot([0, 100], [0, 100], color="#999999", linewidth=1, linestyle=":")
    axis.plot([20], [it.curve[20] * 100], "o", color=_RED)
    axis.annotate(f"20 % of the movies have\n{it.curve[20]:.0%} of the ratings", (22, it.curve[20] * 100 - 12))
    axis.set(xlabel=f"% of movies, most rated first (Gini {it.gini:.2f})", ylabel="% of ratings", ylim=(0, 102))


def _draw_users(axis: "Axes", it: DatasetSummary) -> None:
    axis.set_title("Ratings per user")
    counts, users = it.counts_per_user
    edges = np.unique(np.geomspace(max(1, counts[0]), counts[-1] + 1, 31).round())
    edges = edges if len(edges) > 1 else np.array([counts[0], counts[0] + 1])
    axis.hist(counts, bins=edges.tolist(), weights=users, color=_BLUE)
    axis.set_xscale("log")
    axis.axvline(it.per_user["median"], color=_RED, linewidth=1.5)
    axis.set(xlabel=f"ratings (median {it.per_user['median']:g})", ylabel="users")


def _draw_time(axis: "Axes", it: DatasetSummary) -> None:
    axis.set_title("Ratings over time")
    if it.per_month is None:
        axis.text(0.5, 0.5, "no times in the data", ha="center", transform=axis.transAxes)
        return
    months = np.array(list(it.per_month), "datetime64[M]")
    if len(months) > _MONTHS_SHOWN or len(months) < 2:
        months = months.astype("datetime64[Y]")
    distinct, place = np.unique(months, return_inverse=True)
    axis.fill_between(
        distinct.astype("datetime64[D]"), np.bincount(place, list(it.per_month.values())),
        color=_BLUE, alpha=0.8, step="post",
    )  # fmt: skip
    axis.set(ylabel=f"ratings per {'month' if months.dtype == np.dtype('datetime64[M]') else 'year'}", ylim=(0, None))
