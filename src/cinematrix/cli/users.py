"""`cinematrix user`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cinematrix.cli.options import DatabaseUrl, Force, Json
from cinematrix.cli.stores import open_store, show_time
from cinematrix.errors import UnknownIdError
from cinematrix.store.settings import DEFAULT_DATABASE

if TYPE_CHECKING:
    from cinematrix.store.records import Store

ERASURE_SECONDS = 5.0
"""Maximum seconds to wait until nobody reads the store, whose write-ahead log is emptied then."""

UserId = Annotated[str, typer.Argument(help="ID of the user.")]

app = typer.Typer(help="Users of the service.", no_args_is_help=True)


@app.command("list")
def list_(
    n: Annotated[int, typer.Option("-n", min=1, help="Maximum users.")] = 100,
    after: Annotated[
        str | None, typer.Option("--after", help="Users after this one, in the order of the list.")
    ] = None,
    db: DatabaseUrl = DEFAULT_DATABASE,
    json: Json = False,
) -> None:
    """List the users whom the store has, by ID: numbers of ratings, events and tokens, and the last activity."""
    from cinematrix.cli.output import make_console, make_table, print_json

    with open_store(db, existing=True) as store:
        from cinematrix.store.users import list_users

        users, total = list_users(store, n, after), store.n_users()
    if json:
        return print_json([user._asdict() for user in users])
    columns = ("user", "ratings#", "events#", "unmatched#", "tokens#", "created", "last activity")
    rows = [
        (
            each.user,
            each.ratings,
            each.events,
            each.unmatched,
            each.tokens,
            *map(show_time, (each.created, each.active)),
        )
        for each in users
    ]
    console = make_console()
    console.print(make_table(columns, rows) if rows else "no users")
    if len(users) == n:
        console.print(f"{total:,} users in all; --after {users[-1].user!r} shows the next", markup=False)
    return None


@app.command()
def export(
    user: UserId,
    out: Annotated[Path | None, typer.Option("--out", help="File to write. Default: the output.")] = None,
    force: Force = False,
    db: DatabaseUrl = DEFAULT_DATABASE,
) -> None:
    """Export everything that the store has about a user, as JSON: ratings, events, unmatched films, lines of the audit.

    Ratings of the model's training data are in the export of the API.
    """
    import json

    from cinematrix.common.atomic_files import write_atomically
    from cinematrix.data.ids import canonical_id

    id_ = canonical_id(user)
    with open_store(db, existing=True) as store:
        from cinematrix.store.users import export_records

        _check_known(store, id_)
        text = json.dumps(export_records(store, id_), indent=2, ensure_ascii=False)
    if out is None:
        print(text)
        return
    with write_atomically(out, force=force) as file:
        file.write_text(f"{text}\n", "utf-8")


@app.command()
def delete(
    user: UserId,
    trained: Annotated[
        bool, typer.Option("--trained", help="Also a user whom only the model's training data have.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    db: DatabaseUrl = DEFAULT_DATABASE,
) -> None:
    """Delete all data of a user for good, as the API does. No model is trained on them again."""
    from cinematrix.cli.output import make_console
    from cinematrix.data.ids import canonical_id
    from cinematrix.store.keys import COMMAND_LINE

    id_ = canonical_id(user)
    with open_store(db, existing=True) as store:
        if not trained:
            _check_known(store, id_)
        if not yes:
            typer.confirm(f"Delete all data of user {id_} for good?", abort=True)
        store.forget(id_, COMMAND_LINE)
        deadline = time.monotonic() + ERASURE_SECONDS
        while store.erasing and time.monotonic() < deadline:
            time.sleep(0.05)
            store.finish_erasure()
        erased = not store.erasing
    console = make_console()
    console.print(f"deleted user {id_}", markup=False)
    if not erased:
        console.print("somebody reads the store, so deleted data stay in its write-ahead log until it is written back")


def _check_known(store: "Store", user: str) -> None:
    """Check that the store has a user.

    Raises:
        UnknownIdError: it doesn't.
    """
    if not store.person(user).known:
        raise UnknownIdError(
            f"the store has no user {user!r}; see 'cinematrix user list', or give --trained for one in training data"
        )
