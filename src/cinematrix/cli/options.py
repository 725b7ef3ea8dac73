"""Options that several commands share, and the parsers of their texts."""

import dataclasses
import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_args, get_type_hints

import typer

from cinematrix.common.text import parse_pairs
from cinematrix.errors import InputError, SettingError

if TYPE_CHECKING:
    from cinematrix.data.dataset import Dataset
    from cinematrix.data.histories import Histories
    from cinematrix.data.ratings import Scale
    from cinematrix.models.base import Recommender

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Force = Annotated[bool, typer.Option("--force", help="Replace existing output.")]
Threads = Annotated[
    int, typer.Option("--threads", min=0, help="Number of threads; 0: chosen by the model. 1 suits a busy machine.")
]
MoviesPath = Annotated[
    Path | None, typer.Option("--movies", help="File of movies, if it isn't in the folder of the ratings.")
]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        help="Names of the columns, such as user=who,movie=film,rating=stars; their numbers, if there is no header; "
        "- for none; movie=* for a table with a column for each movie.",
    ),
]
ScaleText = Annotated[str | None, typer.Option("--scale", help="Scale of the ratings, such as 0.5-5 or 1-100.")]
MissingText = Annotated[
    str | None, typer.Option("--missing", help="Ratings that mean 'not rated', such as 99,-1; none: there are none.")
]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Drop and count bad lines instead of stopping.")]
Why = Annotated[bool, typer.Option("--why", help="Show a reason for each: an akin movie of the user.")]
Shares = Annotated[
    bool, typer.Option("--shares", help="--why with the reason's share of what the user's movies contribute, in %.")
]
Where = Annotated[str, typer.Option("--where", help="Filter, such as 'genre=Drama year>=1990 tag!=gore'.")]
MinRatings = Annotated[int, typer.Option("--min-ratings", min=0, help="Minimum training ratings of a movie.")]
Novelty = Annotated[
    float, typer.Option("--novelty", min=0, max=1, help="Weight of little-known movies: 0 (the model's order) to 1.")
]
Diversity = Annotated[
    float, typer.Option("--diversity", min=0, max=1, help="Weight of dissimilarity within the list: 0 to 1.")
]
Calibration = Annotated[
    float,
    typer.Option(
        "--calibration", min=0, max=1, help="Weight of the genres, decades and languages that the user likes: 0 to 1."
    ),
]
Exclude = Annotated[
    str, typer.Option("--exclude", help="IDs of movies to leave out, as 1,2,3 or a file with one ID per line.")
]
OrderBy = Annotated[
    str,
    typer.Option("--by", help="Order by liking (to be watched and liked), ranking (to be watched) or expected stars."),
]
Count = Annotated[int, typer.Option("-n", min=1, help="Length of the list.")]
JudgedOrder = Annotated[
    str | None, typer.Option("--by", help="Order of the judged lists: liking (default), ranking or stars.")
]
ModelFolder = Annotated[Path, typer.Argument(help="Folder of a trained model.")]
RatingsPath = Annotated[Path, typer.Argument(help="File or folder of ratings, in a format of docs/data.md.")]


def check_executor(on: str | None) -> str | None:
    """Return the value of `--on`, once it is known to be an executor; None: it isn't given."""
    from cinematrix.common.spread.run import choose_executor

    if on is not None:
        choose_executor(on)
    return on


_EXECUTORS = "local, processes, processes:N, ray or ray://HOST:PORT (docs/scale.md)."
RunOn = Annotated[str, typer.Option("--on", callback=check_executor, help=f"Where work runs: {_EXECUTORS}")]
ListsOn = Annotated[
    str | None,
    typer.Option(
        "--on", callback=check_executor,
        help=f"Where --all runs: {_EXECUTORS} Default: on all cores if there is much to do.",
    ),
]  # fmt: skip
DatabaseUrl = Annotated[
    str, typer.Option("--db", envvar="CINEMATRIX_DB", help="URL of the store: sqlite:///FILE or postgresql://…")
]


def parse_columns(text: str | None) -> dict[str, str] | None:
    """Parse `user=who,movie=film` to a mapping from role to column name.

    Raises:
        SettingError: the text has another form.
    """
    if text is None:
        return None
    form = "user=NAME,movie=NAME,rating=NAME,time=NAME"
    return dict(parse_pairs(text, f"--columns {text!r} isn't understood; write {form}"))


def parse_scale(text: str | None) -> "Scale | None":
    """Parse `0.5-5` to a continuous scale.

    Raises:
        SettingError: the text has another form, or the ends aren't ascending.
    """
    from cinematrix.data.ratings import Scale

    if text is None:
        return None
    match = re.fullmatch(r"(-?\d+(?:\.\d+)?)(?:-|–|\.\.)(-?\d+(?:\.\d+)?)", text.strip())
    if not match or float(match[1]) >= float(match[2]):
        raise SettingError(f"--scale {text!r} isn't understood; write lowest-highest, such as 0.5-5")
    return Scale(float(match[1]), float(match[2]))


def parse_missing(text: str | None) -> tuple[str, ...] | None:
    """Parse `99,-1` to the ratings that mean "not rated"; `none` means that there are none, None that it isn't said."""
    if text is None:
        return None
    return () if text.strip().casefold() == "none" else tuple(part.strip() for part in text.split(",") if part.strip())


def read_dataset(
    ratings: Path,
    movies: Path | None,
    columns: str | None,
    scale: str | None,
    skip_bad: bool,
    missing: str | None = None,
) -> "Dataset":
    """Read the data set of the shared options, with a progress bar; warn on stderr of what is doubtful in it."""
    from cinematrix.common.progress_bar import TerminalBar
    from cinematrix.data.readers import read

    dataset = read(
        ratings, movies=movies, columns=parse_columns(columns), scale=parse_scale(scale), skip_bad=skip_bad,
        missing=parse_missing(missing), progress=TerminalBar(),
    )  # fmt: skip
    print_warnings(dataset.report.warnings)
    return dataset


def print_warnings(sentences: list[str]) -> None:
    """Print warnings on stderr, a line each."""
    for sentence in sentences:
        typer.echo(f"warning: {sentence}", err=True)


def parse_settings(kind: "type[Recommender]", pairs: list[str], **fixed: Any) -> Any:
    """Parse `key=value` texts to the model's hyper-parameters; they override the `fixed` values.

    Raises:
        SettingError: a key that the model doesn't have, or a value of another type.
    """
    names = {field.name for field in dataclasses.fields(kind.Settings)}  # type: ignore[arg-type]
    values = {name: value for name, value in fixed.items() if name in names}
    return kind.Settings(**values | parse_values(kind.name, kind.Settings, pairs))


def parse_values(who: str, settings: Any, pairs: list[str]) -> dict[str, Any]:
    """Parse `key=value` texts to values of the fields of the dataclass `settings`.

    Raises:
        SettingError: a key that it doesn't have, or a value of another type.
    """
    fields, hints, values = dataclasses.asdict(settings()), get_type_hints(settings), {}
    presets, preset = getattr(settings, "PRESETS", {}), {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        name = name.strip().replace("-", "_")
        if name == "preset" and presets:
            preset = _get_preset(text.strip(), presets)
            continue
        if not sign or name not in fields:
            known = ", ".join(f"{n}={v}" for n, v in fields.items()) or "none"
            raise SettingError(f"--set {pair!r}: {who} has no such setting; its settings are {known}")
        values[name] = _parse_value(name, text.strip(), hints[name])
    return preset | values


def _get_preset(text: str, presets: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if text not in presets:
        raise SettingError(f"--set preset={text}: there is no such preset; the presets are {', '.join(presets)}")
    return presets[text]


def _parse_value(name: str, text: str, hint: Any) -> Any:
    try:
        if hint is bool:
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.lower()]
        if hint is float and not math.isfinite(float(text)):
            raise ValueError("neither NaN nor infinite")
        if hint in (int, float, str):
            return hint(text)
        values, kinds = json.loads(f"[{text.strip('()[]')}]"), get_args(hint)
        if [type(value) for value in values] != list(kinds):
            raise ValueError(f"{len(kinds)} values are needed")
        return tuple(values)
    except (ValueError, KeyError) as error:
        kinds = get_args(hint)
        kind = _TYPE_NAMES.get(hint) or f"{len(kinds)} values of type {kinds[0].__name__}, such as 1,2"
        raise SettingError(f"--set {name}={text}: {name} must be {kind}") from error


_TYPE_NAMES = {bool: "true or false", int: "a whole number", float: "a finite number"}


def is_readable(path: Path) -> bool:
    """Return True for a file or a pipe."""
    return path.is_file() or path.is_fifo()


def parse_ids(text: str) -> tuple[str, ...]:
    """Parse IDs in the form `1,2,3`, or in a file with one ID per line.

    Raises:
        SettingError: the file isn't text.
    """
    try:
        parts = Path(text).read_text("utf-8").splitlines() if text and is_readable(Path(text)) else text.split(",")
    except UnicodeDecodeError as error:
        raise SettingError(f"{text} isn't a text file in UTF-8; write one ID per line") from error
    except OSError:  # a list too long for the name of a file
        parts = text.split(",")
    return tuple(part.strip() for part in parts if part.strip())


def resolve_movie(model: "Recommender", text: str) -> int:
    """Find a movie by its ID or by a title search.

    Returns:
        The movie's number.

    Raises:
        InputError: no movie matches.
    """
    number = model.data.movies.number(text)
    if number >= 0:
        return number
    from cinematrix.data.title_search import TitleIndex

    numbers = TitleIndex.of(model.data.catalog, model.data.raters).search(text, 1)
    if len(numbers) == 0:
        raise InputError(f"movie {text!r} is neither an ID nor like a title of the model's catalog")
    return int(numbers[0])


class Recipient(NamedTuple):
    """User to recommend to: their history, the IDs in it that the model doesn't know, and notes on how it was read."""

    history: "Histories"
    unknown: list[Any]
    notes: list[str]


def resolve_user(
    model: "Recommender", user: str | None, history: Path | None, columns: str | None, missing: str | None = None
) -> Recipient:
    """Return a user of the training data, or a new user with the history in a table."""
    from cinematrix.recommendation.lists import get_history

    if history is None:
        return Recipient(get_history(model, user), [], [])
    return _read_history(model, history, parse_columns(columns), parse_missing(missing))


def describe_unknown(unknown: list[Any]) -> list[str]:
    """Return the note on unknown movie IDs of a history, if there are any."""
    return [f"left out, not in the model's catalog: {', '.join(map(str, unknown))}"] if unknown else []


def _read_history(
    model: "Recommender", path: Path, columns: dict[str, str] | None, missing: tuple[str, ...] | None
) -> Recipient:
    """Read the history in a table of `movie,rating` (`movie` alone for plain interactions) as tables of ratings are.

    Raises:
        DataError: it has the ratings of several users, or no movie of the model's catalog.
    """
    from cinematrix.data.ids import as_ids
    from cinematrix.data.readers.pairs import describe_unmatched, read_history

    found = read_history(path, stars=model.data.scale is not None, columns=columns, missing=missing)
    print_warnings(found.warnings)
    describe_unmatched(model.data, None, as_ids(list(found.ratings)), str(path))
    histories, unknown = model.data.histories([found.ratings])
    return Recipient(histories, unknown, found.notes)
