"""`cinematrix import`."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cinematrix.cli.options import DatabaseUrl, Force, Json, ScaleText, is_readable, parse_scale
from cinematrix.errors import DataError, SettingError
from cinematrix.store.settings import DEFAULT_DATABASE

if TYPE_CHECKING:
    from rich.console import Console

    from cinematrix.data.catalog import Catalog
    from cinematrix.data.ratings import Scale
    from cinematrix.importers.entries import ParsedImport
    from cinematrix.importers.outcome import MatchedEntry
    from cinematrix.importers.result import ImportResult

KindChoice = Literal["seen", "watchlist", "liked", "rated"]
EXIT_PARTIAL = 3
"""Exit code if rows were skipped or not matched."""

MAX_SHOWN = 20
"""Maximum unmatched rows printed."""


def import_journal(
    file: Annotated[Path, typer.Argument(help="Export of Letterboxd, IMDb, Trakt, Netflix and others, or any table.")],
    user: Annotated[str, typer.Option("--user", help="ID of the user who gets the records.")],
    db: DatabaseUrl = DEFAULT_DATABASE,
    model: Annotated[
        Path, typer.Option("--model", help="Folder of the model whose catalog the rows are matched to.")
    ] = Path("model"),
    columns: Annotated[
        str, typer.Option("--columns", help="Columns of a table of unknown form, such as title=Film,rating=Score.")
    ] = "",
    scale: ScaleText = None,
    kind: Annotated[
        KindChoice | None, typer.Option("--as", help="What the rows are, where the file doesn't say it.")
    ] = None,
    profile: Annotated[str, typer.Option("--profile", help="User whose rows are read, of a file of several.")] = "",
    pick: Annotated[
        list[str] | None,
        typer.Option(
            "--pick", help="ROW=MOVIE for an unmatched row, or a file of --unmatched with movies filled in; repeatable."
        ),
    ] = None,
    certain: Annotated[
        bool, typer.Option("--certain", help="Take candidates of unmatched rows that are certain.")
    ] = False,
    unmatched: Annotated[Path | None, typer.Option("--unmatched", help="CSV for the unmatched rows.")] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Import a user's records from another site into the store: ratings, seen movies, watchlist and likes.

    The import is one transaction. It is idempotent: the newest rating wins. Exit code 3: some rows were skipped or not
    matched. docs/importing.md describes the formats.
    """
    from cinematrix.common.atomic_files import check_writable
    from cinematrix.common.optional import require_serving_package

    require_serving_package("sqlalchemy")
    if unmatched is not None:
        check_writable(unmatched, force=force)
    _check_user(user)
    journal = _read_file(file, columns, parse_scale(scale), kind, profile)
    result = _run_import(journal, user, db, model, pick or [], certain=certain)
    if unmatched is not None:
        _write_unmatched(result, unmatched, force)
    _print_result(result, json)
    if any(result.counts[name] for name in ("skipped", "unmatched", "newer")):
        raise typer.Exit(EXIT_PARTIAL)


def _write_unmatched(result: "ImportResult", path: Path, force: bool) -> None:
    """Write the unmatched rows with their candidates."""
    from cinematrix.common.atomic_files import write_atomically
    from cinematrix.importers.outcome import unmatched_csv

    with write_atomically(path, force=force) as out:
        out.write_text(unmatched_csv(result.outcome, result.catalog, result.candidates()), "utf-8")


def _check_user(user: str) -> None:
    from cinematrix.data.ids import ID_PATTERN

    if not re.fullmatch(ID_PATTERN, user):
        raise SettingError(f"--user {user!r} can't be an ID; give up to 200 letters without a slash")


def _read_file(
    file: Path, columns: str, scale: "Scale | None", kind: KindChoice | None, profile: str
) -> "ParsedImport":
    from cinematrix.importers import ProfileUnknownError, parse_mapping, read
    from cinematrix.importers.entries import KINDS
    from cinematrix.importers.reading import MAX_UPLOAD_BYTES

    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_UPLOAD_BYTES + 1)
        highest = scale.high if scale else None
        return read(content, file.name, parse_mapping(columns), highest, KINDS[kind] if kind else None, profile)
    except OSError as error:
        raise DataError(f"{file} can't be read: {error.strerror}") from error
    except ProfileUnknownError as error:
        raise DataError(f"{file}: {error}; it has {', '.join(map(repr, error.profiles)) or 'none'}") from error
    except DataError as error:
        raise DataError(f"{file}: {error}") from error


def _run_import(
    journal: "ParsedImport", user: str, db: str, model: Path, picks: list[str], *, certain: bool
) -> "ImportResult":
    from cinematrix.data.ids import parse_id
    from cinematrix.importers.outcome import match_entries
    from cinematrix.importers.result import ImportRecords, ImportResult, certain_picks
    from cinematrix.models.artifact import load
    from cinematrix.store.merging import merge_import
    from cinematrix.store.records import Store

    picked = parse_picks(picks)
    known = load(model).model.data
    outcome = match_entries(journal, known.catalog, known.scale, picked, known.raters)
    if certain:
        picked = certain_picks(outcome, known.catalog) | picked
        outcome = match_entries(journal, known.catalog, known.scale, picked, known.raters)
    store = Store.open(db)
    try:
        if known.scale is not None:
            store.fix_scale(known.scale)
        user_id = str(parse_id(known.users, user))
        with store.write_transaction() as connection:
            merged = merge_import(connection, user_id, ImportRecords.of(outcome, known.catalog, known.scale))
        return ImportResult(outcome, known.catalog, merged)
    finally:
        store.close()


def parse_picks(texts: list[str]) -> dict[str, object]:
    """Parse the picks, each `ROW=MOVIE` or a file of --unmatched whose column movie is filled in.

    Returns:
        The movie's ID by row.

    Raises:
        SettingError: a text of another form.
        DataError: the file lacks the columns row and movie.
    """
    from cinematrix.importers.text import decode, parse_table

    picks: dict[str, object] = {}
    for text in texts:
        if is_readable(Path(text)):
            table = parse_table(decode(Path(text).read_bytes())[0])
            table.need("row", "movie")
            picks.update({row.fields["row"]: row.raw("movie").strip() for row in table.rows if row.raw("movie")})
            continue
        row, sign, movie = text.rpartition("=")
        if not (row and sign and movie):
            raise SettingError(f"--pick {text!r} isn't understood; write ROW=MOVIE, or the name of a filled-in file")
        picks[row.strip()] = movie.strip()
    return picks


def _print_result(result: "ImportResult", json: bool) -> None:
    """Print the counts, the reasons of skipped rows, and the first unmatched rows with candidates."""
    from rich.markup import escape

    from cinematrix.cli.output import make_console, make_table, print_json

    if json:
        return print_json(result.as_dict())
    counts, out = result.counts, make_console()
    journal, catalog = result.outcome.journal, result.catalog
    shown = {name: count for name, count in counts.items() if name not in ("read", "newer")}
    summary = ", ".join(f"{count:,} {name}" for name, count in shown.items())
    newer = f", {counts['newer']:,} newer than the catalog" if counts["newer"] else ""
    out.print(f"{journal.source}: {counts['read']:,} rows read: {summary}{newer}", markup=False, soft_wrap=True)
    for line in (*journal.warnings, *(f"skipped {count:,}: {reason}" for reason, count in result.reasons.items())):
        out.print(line, markup=False, style="dim", soft_wrap=True)
    if result.unsure:
        rows = [
            [each.entry.row, escape(_label(each)), escape(catalog.label(each.number)), each.rule]
            for each in result.unsure[:MAX_SHOWN]
        ]
        out.print(make_table(["row", "matched, please check", "movie", "because of"], rows))
        _print_rest(out, len(result.unsure), "--json lists all")
    if result.outcome.unmatched:
        candidates = result.candidates()
        rows = [
            [
                each.entry.row,
                escape(_label(each)),
                escape("; ".join(_describe(catalog, at) for at in candidates[each.entry.row])),
            ]
            for each in result.outcome.unmatched[:MAX_SHOWN]
        ]
        out.print(make_table(["row", "not matched", "candidates"], rows))
        _print_rest(out, counts["unmatched"], "--unmatched FILE writes all")


def _print_rest(out: "Console", n_rows: int, hint: str) -> None:
    if n_rows > MAX_SHOWN:
        out.print(f"… and {n_rows - MAX_SHOWN:,} more; {hint}", style="dim")


def _label(matched: "MatchedEntry") -> str:
    entry = matched.entry
    return f"{entry.title} ({entry.year})" if entry.year else entry.title


def _describe(catalog: "Catalog", number: int) -> str:
    """Return a candidate's ID, title, year and genres."""
    genres = ", ".join(catalog.facts[number].genres)
    return f"{catalog.movies.ids[number]} = {catalog.label(number)}{f' [{genres}]' if genres else ''}"
