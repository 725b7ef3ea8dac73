"""`cinematrix import`."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cinematrix.cli.options import HERE, Db, Force, Json, ScaleText, parse_scale
from cinematrix.errors import DataError, SettingError

if TYPE_CHECKING:
    from cinematrix.data.ratings import Scale
    from cinematrix.importers.result import Result

PARTLY = 3
"""The exit code where rows were skipped or not matched."""

SHOWN = 20


def import_journal(
    file: Annotated[Path, typer.Argument(help="Export of Letterboxd, IMDb, Trakt and others, or any CSV.")],
    user: Annotated[str, typer.Option("--user", help="ID of the user whose films these are.")],
    db: Db = HERE,
    model: Annotated[
        Path, typer.Option("--model", help="Folder of the model whose movies they are matched to.")
    ] = Path("model"),
    columns: Annotated[
        str, typer.Option("--columns", help="Of a CSV that isn't a known one, such as title=Film,rating=Score.")
    ] = "",
    scale: ScaleText = None,
    pick: Annotated[
        list[str] | None,
        typer.Option(
            "--pick", help="ROW=MOVIE for an unmatched row, or the file of --unmatched, filled in; repeatable."
        ),
    ] = None,
    unmatched: Annotated[Path | None, typer.Option("--unmatched", help="CSV for the unmatched rows.")] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Bring a person's films from another site into the store: ratings, films seen, watchlist and likes.

    All in one transaction, and again it changes nothing: the newest rating wins. Exit code 3: some rows were skipped or
    not matched. docs/importing.md says what is read of which file.
    """
    from cinematrix.cli.output import print_json
    from cinematrix.common.atomic_files import check_place, written_beside
    from cinematrix.common.optional import needs_to_serve

    needs_to_serve("sqlalchemy")
    from cinematrix.importers.outcome import unmatched_csv

    if unmatched is not None:
        check_place(unmatched, force=force)
    result = _imported(file, user, db, model, columns, parse_scale(scale), pick or [])
    if unmatched is not None:
        with written_beside(unmatched, force=force) as out:
            out.write_text(unmatched_csv(result.outcome, result.catalog, result.candidates()), "utf-8")
    if json:
        print_json(result.as_dict())
    else:
        _show(result)
    if result.counts["skipped"] or result.counts["unmatched"]:
        raise typer.Exit(PARTLY)


def _imported(
    file: Path, user: str, db: str, model: Path, columns: str, scale: "Scale | None", picks: list[str]
) -> "Result":
    from cinematrix.data.ids import PATTERN, as_in
    from cinematrix.importers import read
    from cinematrix.importers.generic_csv import mapping
    from cinematrix.importers.outcome import resolve
    from cinematrix.importers.reading import MOST_BYTES
    from cinematrix.importers.result import Result, ToKeep
    from cinematrix.models.artifact import load
    from cinematrix.store.merging import keep
    from cinematrix.store.records import Store

    if not re.fullmatch(PATTERN, user):
        raise SettingError(f"--user {user!r} can't be an ID; give up to 200 letters without a slash")
    chosen = parse_picks(picks)
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
        journal = read(content, file.name, mapping(columns), scale.high if scale else None)
    except OSError as error:
        raise DataError(f"{file} can't be read: {error.strerror}") from error
    except DataError as error:
        raise DataError(f"{file}: {error}") from error
    known = load(model).model.known
    outcome = resolve(journal, known.catalog, known.scale, chosen)
    store = Store.open(db)
    try:
        if known.scale is not None:
            store.fix_scale(known.scale)
        who = str(as_in(known.users, user))
        with store.writing() as connection:
            merged = keep(connection, who, ToKeep.of(outcome, known.catalog, known.scale))
        return Result(outcome, known.catalog, merged)
    finally:
        store.close()


def parse_picks(texts: list[str]) -> dict[str, str]:
    """The movie's ID by row, from `ROW=MOVIE`, or from a file as --unmatched writes it, with the column movie filled.

    Raises:
        SettingError: it is neither.
        DataError: the file has no such columns.
    """
    from cinematrix.importers.text import decode, table

    picks = {}
    for text in texts:
        if Path(text).is_file():
            found = table(decode(Path(text).read_bytes())[0])
            found.need("row", "movie")
            picks.update({row.fields["row"]: row.raw("movie").strip() for row in found.rows if row.raw("movie")})
            continue
        row, sign, movie = text.rpartition("=")
        if not (row and sign and movie):
            raise SettingError(f"--pick {text!r} isn't understood; write ROW=MOVIE, or the name of a filled-in file")
        picks[row.strip()] = movie.strip()
    return picks


def _show(result: "Result") -> None:
    """What came of the rows, in words; of the unmatched the first."""
    from rich.markup import escape

    from cinematrix.cli.output import console, table

    counts, out = result.counts, console()
    journal, catalog = result.outcome.journal, result.catalog
    said = ", ".join(f"{count:,} {name}" for name, count in counts.items() if name != "read")
    out.print(f"{journal.source}: {counts['read']:,} rows read: {said}", markup=False, soft_wrap=True)
    for line in (*journal.warnings, *(f"skipped {count:,}: {reason}" for reason, count in result.reasons.items())):
        out.print(line, markup=False, style="dim", soft_wrap=True)
    if not result.outcome.unmatched:
        return
    near, rows = result.candidates(), []
    for each in result.outcome.unmatched[:SHOWN]:
        meant = "; ".join(f"{catalog.movies.ids[at]} = {catalog.label(at)}" for at in near[each.entry.row])
        film = f"{each.entry.title} ({each.entry.year})" if each.entry.year else each.entry.title
        rows.append([each.entry.row, escape(film), escape(meant)])
    out.print(table(["row", "not matched", "perhaps"], rows))
    if counts["unmatched"] > SHOWN:
        out.print(f"… and {counts['unmatched'] - SHOWN:,} more; --unmatched FILE writes all", style="dim")
