"""`cinematrix data`: download, simulate, describe and split data sets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cinematrix.cli.options import (
    Columns,
    Force,
    Json,
    MissingText,
    MoviesPath,
    RatingsPath,
    ScaleText,
    SkipBad,
    parse_values,
    read_dataset,
)
from cinematrix.errors import InputError, SettingError

if TYPE_CHECKING:
    from cinematrix.data.catalog import Catalog
    from cinematrix.data.movielens import DatasetLocation
    from cinematrix.data.ratings import Ratings
    from cinematrix.data.summary import DatasetSummary

app = typer.Typer(help="Get, describe and split data sets.", no_args_is_help=True)


@app.command()
def get(
    name: Annotated[
        str, typer.Argument(help="ml-latest-small, ml-100k, ml-1m, ml-10m, ml-20m, ml-25m, ml-32m or simulated.")
    ],
    to: Annotated[Path | None, typer.Option("--to", help="Folder for the data. Default: the cache folder.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="A setting of simulated data (users, movies, ratings, seed, noise …), key=value."),
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Write simulated data as CSV instead of Parquet.")] = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Download a data set, or simulate one with planted factors."""
    from cinematrix.cli.output import make_console, print_json

    if name != "simulated":
        if set_ or csv:
            raise SettingError("--set and --csv are for simulated data only; leave them out")
        source = _fetch(name, to)
        folder = source.path
        if not json:
            make_console().print(source.note, markup=False, soft_wrap=True)
    else:
        folder = _simulate(to, set_ or [], csv, force)
    if json:
        print_json({"name": name, "folder": str(folder)})
    else:
        make_console().print(
            f"{name} is in {folder}; describe it with: cinematrix data describe {folder}", soft_wrap=True
        )


def _fetch(name: str, to: Path | None) -> "DatasetLocation":
    """Download a data set.

    Raises:
        DownloadError: it can't be downloaded; the message says what else to try.
    """
    from cinematrix.common.progress_bar import TerminalBar
    from cinematrix.data.movielens import get
    from cinematrix.errors import DownloadError

    try:
        return get(name, to, progress=TerminalBar())
    except DownloadError as error:
        if name == "ml-100k":  # has been looked for elsewhere too
            raise
        advice = "try again later, name a mirror in CINEMATRIX_GROUPLENS, or take ml-100k, which is on PyPI too"
        raise DownloadError(f"{error}; {advice}") from error


def _simulate(to: Path | None, pairs: list[str], csv: bool, force: bool) -> Path:
    from cinematrix.common.progress_bar import TerminalBar
    from cinematrix.data.simulate import SimulationSettings, simulate

    if to is None:
        raise InputError("simulated data need a folder; give --to FOLDER")
    settings = SimulationSettings(**parse_values("simulated data", SimulationSettings, pairs))
    simulate(settings, to, format="csv" if csv else "parquet", force=force, progress=TerminalBar())
    return to


@app.command()
def describe(
    ratings: RatingsPath,
    png: Annotated[Path | None, typer.Option("--png", help="Save a plot as a PNG file.")] = None,
    movies: MoviesPath = None,
    columns: Columns = None,
    scale: ScaleText = None,
    missing: MissingText = None,
    skip_bad: SkipBad = False,
    json: Json = False,
) -> None:
    """Describe a table of ratings: counts, sparsity, histogram, long tail, and dropped rows with the reasons."""
    from cinematrix.cli.output import make_console, print_json
    from cinematrix.data.summary import describe, plot_summary

    dataset = read_dataset(ratings, movies, columns, scale, skip_bad, missing)
    summary = describe(dataset)
    if png is not None:
        plot_summary(summary, png)
    if json:
        print_json(summary.as_dict())
    else:
        for line in _render_description(summary):
            make_console().print(line, markup=False, soft_wrap=isinstance(line, str))
        if png is not None:
            make_console().print(f"plot saved in {png}", markup=False)


def _render_description(d: "DatasetSummary") -> list[Any]:
    """Render a summary as lines and tables."""
    from cinematrix.cli.output import make_table

    span = f", {d.first[:10]} to {d.last[:10]}" if d.first and d.last else ""
    lines: list[Any] = [
        f"{d.source} ({d.name})",
        f"{d.users:,} users × {d.movies:,} movies, {d.ratings:,} ratings{span}; "
        f"{100 * d.sparsity:.2f} % of pairs empty",
    ]
    if d.histogram is not None and d.mean is not None:
        lines += [f"scale {d.scale}, mean {d.mean:.2f}", _bars(d.histogram)]
    else:
        lines.append("plain interactions, no stars")
    quantiles = list(d.per_user)
    rows = [
        [what, *(f"{q[name]:,.0f}" for name in quantiles)] for what, q in (("user", d.per_user), ("movie", d.per_movie))
    ]
    lines.append(make_table(["ratings per", *(f"{name}#" for name in quantiles)], rows))
    head = ", ".join(f"{100 * part:.0f} % in {share} of the movies" for share, part in d.head.items())
    lines.append(f"long tail of the ratings: {head}; {d.few:,} movies have fewer than 5; Gini {d.gini:.2f}")
    if d.catalog is not None:
        lines.append("catalog: " + ", ".join(f"{100 * part:.0f} % with {fact}" for fact, part in d.catalog.items()))
    lines += [
        f"{d.report.rows:,} rows read, {d.report.n_dropped:,} dropped, {d.report.merged:,} merged",
        *d.report.sentences(),
    ]
    return lines


def _bars(histogram: dict[str, int]) -> str:
    most = max(histogram.values())
    width = len(f"{most:,}")
    return "\n".join(f"{level:>6} {'█' * round(40 * n / most):<40} {n:>{width},}" for level, n in histogram.items())


@app.command()
def split(
    ratings: RatingsPath,
    out: Annotated[
        Path, typer.Option("--out", help="Folder for train.csv, test.csv and, for half and new-users, given.csv.")
    ],
    how: Annotated[
        str, typer.Option("--split", help="random, k-fold, per-user, time, half, new-users or new-movies.")
    ] = "time",
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the random split.")] = 42,
    movies: MoviesPath = None,
    columns: Columns = None,
    scale: ScaleText = None,
    missing: MissingText = None,
    skip_bad: SkipBad = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Split a table of ratings into a training and a test table."""
    from cinematrix.cli.output import make_console, print_json, print_notes
    from cinematrix.common.atomic_files import check_writable, write_atomically
    from cinematrix.data.splits import SPLITS

    if how not in SPLITS:
        raise SettingError(f"there is no split {how!r}; the splits are {', '.join(SPLITS)}")
    check_writable(out, force=force)
    dataset = read_dataset(ratings, movies, columns, scale, skip_bad, missing)
    cut = SPLITS[how](dataset.ratings, seed)
    parts = {"train": cut.train, "test": cut.test} | ({} if cut.given is cut.train else {"given": cut.given})
    with write_atomically(out, force=force) as folder:
        folder.mkdir()
        for name, part in parts.items():
            _write(part, folder / f"{name}.csv")
        if dataset.catalog is not None:
            _write_catalog(dataset.catalog, folder)
    if json:
        print_json({"out": str(out), "protocol": cut.protocol, **{name: len(part) for name, part in parts.items()}})
    else:
        print_notes(dataset.report.sentences())
        make_console().print(f"{cut}; saved in {out}", markup=False, soft_wrap=True)


def _write(ratings: "Ratings", path: Path) -> None:
    import polars as pl

    columns = {"userId": ratings.users.ids[ratings.user], "movieId": ratings.movies.ids[ratings.movie]}
    optional = {"rating": ratings.rating, "count": ratings.count, "timestamp": ratings.time}
    pl.DataFrame(columns | {name: column for name, column in optional.items() if column is not None}).write_csv(path)


def _write_catalog(catalog: "Catalog", folder: Path) -> None:
    """Write movies, tags and links in MovieLens' format, so that training on the split has all metadata."""
    import polars as pl

    frame = catalog.frame.with_columns(pl.Series("movieId", catalog.movies.ids))
    title = pl.col("title").fill_null("")
    with_year = pl.when(pl.col("year").is_null()).then(title).otherwise(pl.format("{} ({})", title, "year"))
    genres = pl.col("genres").list.join("|")
    frame.select("movieId", title=with_year, genres=genres).write_csv(folder / "movies.csv")
    tags = frame.select("movieId", tag="tags").explode("tag").drop_nulls()
    if len(tags):
        tags.write_csv(folder / "tags.csv")
    if frame["imdb"].count() or frame["tmdb"].count():
        frame.select("movieId", imdbId="imdb", tmdbId="tmdb").write_csv(folder / "links.csv")
