"""Options that several commands share, and how their text becomes values."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cinematrix.errors import InputError

if TYPE_CHECKING:
    from cinematrix.data.histories import Histories
    from cinematrix.models.base import Recommender

import dataclasses
import json
import math
import re
from typing import TYPE_CHECKING, get_args, get_type_hints

from cinematrix.errors import SettingError

if TYPE_CHECKING:
    from cinematrix.data.dataset import Dataset
    from cinematrix.data.histories import Histories
    from cinematrix.data.ratings import Scale
    from cinematrix.models.base import Recommender

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what stands at the output.")]
MoviesPath = Annotated[Path | None, typer.Option("--movies", help="File of movies, if it isn't beside the ratings.")]
Columns = Annotated[
    str | None, typer.Option("--columns", help="Names of columns, such as user=who,movie=film,rating=stars.")
]
ScaleText = Annotated[str | None, typer.Option("--scale", help="The scale of the ratings, such as 0.5-5 or 1-100.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Drop bad lines and count them, instead of stopping.")]
Where = Annotated[str, typer.Option("--where", help="Filter, such as 'genre=Drama year>=1990 tag!=gore'.")]
MinRatings = Annotated[int, typer.Option("--min-ratings", min=0, help="Only movies with at least so many ratings.")]
Novelty = Annotated[
    float, typer.Option("--novelty", min=0, max=1, help="From 0, as the model says, to 1, adventurous.")
]
Diversity = Annotated[float, typer.Option("--diversity", min=0, max=1, help="From 0 to 1, unlike each other.")]
Exclude = Annotated[str, typer.Option("--exclude", help="IDs of movies to leave out: 1,2,3 or a file of one a line.")]
OrderBy = Annotated[str, typer.Option("--by", help="Order by ranking (likely to be watched) or stars (liked).")]
Count = Annotated[int, typer.Option("-n", min=1, help="Length of the list.")]
ModelFolder = Annotated[Path, typer.Argument(help="Folder of a trained model.")]
RatingsPath = Annotated[Path, typer.Argument(help="File or folder of ratings, in any format of the docs.")]


def parse_columns(text: str | None) -> dict[str, str] | None:
    """`user=who,movie=film` as a mapping from our names to the file's."""
    if text is None:
        return None
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(name and sign and value for name, sign, value in pairs):
        raise SettingError(f"--columns {text!r} isn't understood; write user=NAME,movie=NAME,rating=NAME,time=NAME")
    return {name.strip(): value.strip() for name, _, value in pairs}


def parse_scale(text: str | None) -> "Scale | None":
    """`0.5-5` as a scale; a step of ½ or 1 if both ends are multiples of it."""
    from cinematrix.data.ratings import Scale

    if text is None:
        return None
    found = re.fullmatch(r"(-?\d+(?:\.\d+)?)(?:-|–|\.\.)(-?\d+(?:\.\d+)?)", text.strip())
    if not found or float(found[1]) >= float(found[2]):
        raise SettingError(f"--scale {text!r} isn't understood; write lowest-highest, such as 0.5-5")
    return Scale(float(found[1]), float(found[2]))


def read_dataset(
    ratings: Path, movies: Path | None, columns: str | None, scale: str | None, skip_bad: bool
) -> "Dataset":
    """The data set that the shared options name, with a progress bar."""
    from cinematrix.cli.output import ProgressBar
    from cinematrix.data.readers import read

    named, stars = parse_columns(columns), parse_scale(scale)
    return read(ratings, movies=movies, columns=named, scale=stars, skip_bad=skip_bad, progress=ProgressBar())


def parse_settings(kind: "type[Recommender]", pairs: list[str], **fixed: Any) -> Any:
    """`key=value` texts as the model's hyper-parameters; `fixed` ones that the model has go first.

    Raises:
        SettingError: a key that the model doesn't have, or a value of another type.
    """
    has = {field.name for field in dataclasses.fields(kind.Settings)}  # type: ignore[arg-type]
    values = {name: value for name, value in fixed.items() if name in has}
    return kind.Settings(**values | parse_values(kind.name, kind.Settings, pairs))


def parse_values(who: str, settings: Any, pairs: list[str]) -> dict[str, Any]:
    """`key=value` texts as values of the fields of the dataclass `settings`.

    Raises:
        SettingError: a key that it doesn't have, or a value of another type.
    """
    fields, hints, values = dataclasses.asdict(settings()), get_type_hints(settings), {}
    presets, preset = getattr(settings, "PRESETS", {}), {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        name = name.strip().replace("-", "_")
        if name == "preset" and presets:
            preset = _preset(text.strip(), presets)
            continue
        if not sign or name not in fields:
            known = ", ".join(f"{n}={v}" for n, v in fields.items()) or "none"
            raise SettingError(f"--set {pair!r}: {who} has no such setting; its settings are {known}")
        values[name] = _value(name, text.strip(), hints[name])
    return preset | values


def _preset(text: str, presets: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if text not in presets:
        raise SettingError(f"--set preset={text}: there is no such preset; there is {', '.join(presets)}")
    return presets[text]


def _value(name: str, text: str, wanted: Any) -> Any:
    try:
        if wanted is bool:
            return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.lower()]
        if wanted is float and not math.isfinite(float(text)):
            raise ValueError("neither NaN nor infinite")
        if wanted in (int, float, str):
            return wanted(text)
        values, kinds = json.loads(f"[{text.strip('()[]')}]"), get_args(wanted)
        if [type(value) for value in values] != list(kinds):
            raise ValueError(f"{len(kinds)} values are needed")
        return tuple(values)
    except (ValueError, KeyError) as error:
        kinds = get_args(wanted)
        kind = _KINDS.get(wanted) or f"{len(kinds)} values of type {kinds[0].__name__}, such as 1,2"
        raise SettingError(f"--set {name}={text}: {name} must be {kind}") from error


_KINDS = {bool: "true or false", int: "a whole number", float: "a finite number"}


def parse_duration(text: str) -> float:
    """`24h` in seconds."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip())
    if not found or (not found[2] and float(found[1])):
        raise SettingError(f"{text!r} isn't a duration; write a number with s, m, h or d, such as 24h")
    return float(found[1]) * {"": 0, "s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]


def parse_ids(text: str) -> tuple[str, ...]:
    """IDs from `1,2,3`, or from a file with one a line."""
    try:
        parts = Path(text).read_text("utf-8").splitlines() if text and Path(text).is_file() else text.split(",")
    except UnicodeDecodeError as error:
        raise SettingError(f"{text} isn't a text file in UTF-8; write one ID a line") from error
    except OSError:  # a list too long for the name of a file
        parts = text.split(",")
    return tuple(part.strip() for part in parts if part.strip())


def resolve_movie(model: "Recommender", text: str) -> int:
    """The number of a movie given by ID or by its title as people type it."""
    number = model.data.movies.number(text)
    if number >= 0:
        return number
    from cinematrix.data.title_search import TitleIndex

    found = TitleIndex.of(model.data.catalog, model.data.raters).search(text, 1)
    if len(found) == 0:
        raise InputError(f"movie {text!r} is neither an ID nor like a title of the model's catalog")
    return int(found[0])


def resolve_user(model: "Recommender", user: str | None, history: Path | None) -> "tuple[Histories, list[Any]]":
    """The history of a known user, or the one in a stranger's CSV, and the IDs in it that the model doesn't know."""
    from cinematrix.recommendation.lists import get_history

    return (get_history(model, user), []) if history is None else _read_history(model, history)


DatabaseUrl = Annotated[
    str, typer.Option("--db", envvar="CINEMATRIX_DB", help="The store: sqlite:///FILE or postgresql://…")
]


DEFAULT_DATABASE = "sqlite:///cinematrix.db"


def _read_history(model: "Recommender", path: Path) -> "tuple[Histories, list[Any]]":
    """The history in a CSV of `movie,rating` (`movie` alone for plain interactions)."""
    from cinematrix.cli.tables import read_table

    wanted = ("movie", "rating") if model.data.scale else ("movie",)
    table = read_table(path, *wanted, numeric="rating")
    values = table["rating"] if "rating" in table.columns else [1.0] * len(table)
    return model.data.histories([dict(zip(table["movie"], values, strict=True))])
