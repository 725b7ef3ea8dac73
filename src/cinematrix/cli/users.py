"""`cinematrix user`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cinematrix.cli.options import DatabaseUrl, Force, Json
from cinematrix.cli.stores import open_store, show_time
from cinematrix.common.durations import parse_duration
from cinematrix.errors import UnknownIdError
from cinematrix.store.settings import DEFAULT_DATABASE

if TYPE_CHECKING:
    from cinematrix.store.records import Store

ERASURE_SECONDS = 5.0
"""Maximum seconds to wait until nobody reads the store, whose write-ahead log is emptied then."""

UserId = Annotated[str, typer.Argument(help="ID of the user.")]

Name = Annotated[str, typer.Argument(help="Name to sign in with: the ID of the user.")]
Expires = Annotated[str, typer.Option("--expires", help="Lifetime of the link, such as 7d (s, m, h, d).")]
Site = Annotated[
    str, typer.Option("--url", envvar="CINEMATRIX_URL", help="Address of the page, with which the link begins.")
]
PAGE_URL = "http://127.0.0.1:8000"
"""Address of a server with default options."""

app = typer.Typer(help="Users of the service.", no_args_is_help=True)


@app.command()
def add(
    name: Name, expires: Expires = "7d", url: Site = PAGE_URL, db: DatabaseUrl = DEFAULT_DATABASE, json: Json = False
) -> None:
    """Let a user sign in on the page, and print the link by which they choose a password. It works once.

    A user who has ratings already keeps them.
    """
    _invite(db, name, expires, url, known=False, json=json)


@app.command()
def invite(
    name: Name, expires: Expires = "7d", url: Site = PAGE_URL, db: DatabaseUrl = DEFAULT_DATABASE, json: Json = False
) -> None:
    """Print a new link for a user who has forgotten their password, or whose link expired. The old link ends."""
    _invite(db, name, expires, url, known=True, json=json)


@app.command()
def remove(name: Name, db: DatabaseUrl = DEFAULT_DATABASE) -> None:
    """Take password, link and sessions from a user, who can't sign in any more. Their history stays."""
    from cinematrix.cli.output import make_console

    with open_store(db, existing=True) as store:
        from cinematrix.store.sign_ins import remove_sign_in

        if not remove_sign_in(store, name):
            raise UnknownIdError(f"nobody signs in as {name!r}; see 'cinematrix user list --sign-in'")
    make_console().print(f"{name} can't sign in any more", markup=False)


def _invite(db: str, name: str, expires: str, url: str, *, known: bool, json: bool) -> None:
    """Make an invitation and print its link."""
    from cinematrix.cli.output import make_console, print_json

    with open_store(db) as store:
        from cinematrix.store.keys import list_keys
        from cinematrix.store.sign_ins import invite

        made, has_keys = invite(store, name, parse_duration(expires), known=known), bool(list_keys(store))
    link = f"{url.rstrip('/')}/?view=signin#invitation={made.secret}"
    if json:
        return print_json({"user": made.user, "link": link, "expires": made.expires})
    console = make_console()
    console.print(link, markup=False, soft_wrap=True)
    console.print(
        f"{made.user} chooses a password by this link until {show_time(made.expires)}. It works once, and isn't shown"
        " again.",
        style="dim", markup=False, soft_wrap=True,
    )  # fmt: skip
    if not has_keys:
        console.print(
            "The store has no key, so the page opens on the server's own machine only, and there everybody may do"
            " everything. 'cinematrix key create --role admin' makes one.",
            style="dim", markup=False, soft_wrap=True,
        )  # fmt: skip
    return None


@app.command("list")
def list_(
    n: Annotated[int, typer.Option("-n", min=1, help="Maximum users.")] = 100,
    after: Annotated[
        str | None, typer.Option("--after", help="Users after this one, in the order of the list.")
    ] = None,
    sign_in: Annotated[bool, typer.Option("--sign-in", help="Only users who can sign in, and how.")] = False,
    db: DatabaseUrl = DEFAULT_DATABASE,
    json: Json = False,
) -> None:
    """List the users whom the store has, by ID: numbers of ratings, events and tokens, and the last activity."""
    from cinematrix.cli.output import make_console, make_table, print_json

    if sign_in:
        return _list_sign_ins(n, after, db, json=json)
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


def _list_sign_ins(n: int, after: str | None, db: str, *, json: bool) -> None:
    """Print the users who can sign in."""
    from cinematrix.cli.output import make_console, make_table, print_json

    with open_store(db, existing=True) as store:
        from cinematrix.store.sign_ins import list_sign_ins

        users = list_sign_ins(store, n, after)
    if json:
        return print_json([user._asdict() for user in users])
    rows = [
        (
            each.user, "yes" if each.password else "no", (each.invited_until and show_time(each.invited_until)) or "",
            each.sessions, show_time(each.used),
        )
        for each in users
    ]  # fmt: skip
    columns = ("user", "password", "invited until", "sessions#", "last use")
    return make_console().print(make_table(columns, rows) if rows else "nobody signs in; see 'cinematrix user add'")


@app.command()
def export(
    user: UserId,
    out: Annotated[Path | None, typer.Option("--out", help="File to write. Default: the output.")] = None,
    force: Force = False,
    db: DatabaseUrl = DEFAULT_DATABASE,
) -> None:
    """Export everything that the store has about a user, as JSON: ratings, events, unmatched films, sign-in, audit.

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

    id_ = canonical_id(user)
    with open_store(db, existing=True) as store:
        from cinematrix.store.keys import COMMAND_LINE

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
