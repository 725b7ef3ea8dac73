"""`cinematrix import`."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cinematrix.cli.options import DEFAULT_DATABASE, DatabaseUrl, Force, Json, ScaleText, parse_scale
from cinematrix.errors import DataError, SettingError

if TYPE_CHECKING:
    from cinematrix.data.ratings import Scale
    from cinematrix.importers.entries import ParsedImport
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
    pick: Annotated[
        list[str] | None,
        typer.Option(
            "--pick", help="ROW=MOVIE for an unmatched row, or a file of --unmatched with movies filled in; repeatable."
        ),
    ] = None,
    unmatched: Annotated[Path | None, typer.Option("--unmatched", help="CSV for the unmatched rows.")] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Import a user's records from another site into the store: ratings, seen movies, watchlist and likes.

    The import is one transaction. It is idempotent: the newest rating wins. Exit code 3: some rows were skipped or not
    matched. docs/importing.md describes the formats.
    """
    from cinematrix.cli.output import print_json
    from cinematrix.common.atomic_files import check_writable, write_atomically
    from cinematrix.common.optional import require_serving_package

    require_serving_package("sqlalchemy")
    from cinematrix.importers.outcome import unmatched_csv

    if unmatched is not None:
        check_writable(unmatched, force=force)
    _check_user(user)
    journal = _read_file(file, columns, parse_scale(scale), kind)
    result = _run_import(journal, user, db, model, pick or [])
    if unmatched is not None:
        with write_atomically(unmatched, force=force) as out:
            out.write_text(unmatched_csv(result.outcome, result.catalog, result.candidates()), "utf-8")
    if json:
        print_json(result.as_dict())
    else:
        _print_result(result)
    if result.counts["skipped"] or result.counts["unmatched"]:
        raise typer.Exit(EXIT_PARTIAL)


def _check_user(user: str) -> None:
    from cinematrix.data.ids import ID_PATTERN

    if not re.fullmatch(ID_PATTERN, user):
        raise SettingError(f"--user {user!r} can't be an ID; give up to 200 letters without a slash")


def _read_file(file: Path, columns: str, scale: "Scale | None", kind: KindChoice | None) -> "ParsedImport":
    from cinematrix.importers import parse_mapping, read
    from cinematrix.importers.entries import KINDS
    from cinematrix.importers.reading import MAX_UPLOAD_BYTES

    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_UPLOAD_BYTES + 1)
        highest = scale.high if scale else None
        return read(content, file.name, parse_mapping(columns), highest, KINDS[kind] if kind else None)
    except OSError as error:
        raise DataError(f"{file} can't be read: {error.strerror}") from error
    except DataError as error:
        raise DataError(f"{file}: {error}") from error


def _run_import(journal: "ParsedImport", user: str, db: str, model: Path, picks: list[str]) -> "ImportResult":
    from cinematrix.data.ids import parse_id
    from cinematrix.importers.outcome import match_entries
    from cinematrix.importers.result import ImportRecords, ImportResult
    from cinematrix.models.artifact import load
    from cinematrix.store.merging import merge_import
    from cinematrix.store.records import Store

    picked = parse_picks(picks)
    known = load(model).model.data
    outcome = match_entries(journal, known.catalog, known.scale, picked)
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


def parse_picks(texts: list[str]) -> dict[str, str]:
    """Parse the picks, each `ROW=MOVIE` or a file of --unmatched whose column movie is filled in.

    Returns:
        The movie's ID by row.

    Raises:
        SettingError: a text of another form.
        DataError: the file lacks the columns row and movie.
    """
    from cinematrix.importers.text import decode, parse_table

    picks = {}
    for text in texts:
        if Path(text).is_file():
            table = parse_table(decode(Path(text).read_bytes())[0])
            table.need("row", "movie")
            picks.update({row.fields["row"]: row.raw("movie").strip() for row in table.rows if row.raw("movie")})
            continue
        row, sign, movie = text.rpartition("=")
        if not (row and sign and movie):
            raise SettingError(f"--pick {text!r} isn't understood; write ROW=MOVIE, or the name of a filled-in file")
        picks[row.strip()] = movie.strip()
    return picks


def _print_result(result: "ImportResult") -> None:
    """Print the counts, the reasons of skipped rows, and the first unmatched rows with candidates."""
    from rich.markup import escape

    from cinematrix.cli.output import make_console, make_table

    counts, out = result.counts, make_console()
    journal, catalog = result.outcome.journal, result.catalog
    summary = ", ".join(f"{count:,} {name}" for name, count in counts.items() if name != "read")
    out.print(f"{journal.source}: {counts['read']:,} rows read: {summary}", markup=False, soft_wrap=True)
    for line in (*journal.warnings, *(f"skipped {count:,}: {reason}" for reason, count in result.reasons.items())):
        out.print(line, markup=False, style="dim", soft_wrap=True)
    if not result.outcome.unmatched:
        return
    candidates, rows = result.candidates(), []
    for each in result.outcome.unmatched[:MAX_SHOWN]:
        matches = "; ".join(f"{catalog.movies.ids[at]} = {catalog.label(at)}" for at in candidates[each.entry.row])
        title = f"{each.entry.title} ({each.entry.year})" if each.entry.year else each.entry.title
        rows.append([each.entry.row, escape(title), escape(matches)])
    out.print(make_table(["row", "not matched", "candidates"], rows))
    if counts["unmatched"] > MAX_SHOWN:
        out.print(f"… and {counts['unmatched'] - MAX_SHOWN:,} more; --unmatched FILE writes all", style="dim")
