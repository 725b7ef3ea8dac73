"""`cinematrix key`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cinematrix.cli.options import DatabaseUrl, Json
from cinematrix.cli.stores import open_store, show_time
from cinematrix.common.durations import parse_duration
from cinematrix.store.settings import DEFAULT_DATABASE

if TYPE_CHECKING:
    from cinematrix.store.keys import ApiKey

app = typer.Typer(help="Access keys of the service.", no_args_is_help=True)


@app.command()
def create(
    role: Annotated[str, typer.Option("--role", help="read, write or admin.")] = "read",
    name: Annotated[str | None, typer.Option("--name", help="Name in the audit log. Default: a random one.")] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", help="Lifetime, such as 90d (s, m, h, d). Default: no end.")
    ] = None,
    db: DatabaseUrl = DEFAULT_DATABASE,
    json: Json = False,
) -> None:
    """Create an access key and print it once; the store has only its SHA-256 hash."""
    from cinematrix.cli.output import make_console, print_json

    with open_store(db) as store:
        from cinematrix.store.keys import create_key, find_key, list_keys

        secret = create_key(store, role, name, None if expires is None else parse_duration(expires))
        made = find_key(list_keys(store), secret)
    described = {"role": role, "key": secret} | ({"name": made.name, "expires": made.expires} if made else {})
    return print_json(described) if json else make_console().print(secret, markup=False)


@app.command("list")
def list_(db: DatabaseUrl = DEFAULT_DATABASE, json: Json = False) -> None:
    """List the access keys: name, role, creation, expiry and last use. The keys themselves aren't stored."""
    from cinematrix.cli.output import make_console, make_table, print_json

    with open_store(db) as store:
        from cinematrix.store.keys import list_keys

        keys = list_keys(store)
    if json:
        return print_json([_describe(key) for key in keys])
    columns = ("name", "role", "created", "expires", "last used")
    rows = [(key.name, key.role, *map(show_time, (key.created, key.expires, key.used))) for key in keys]
    return make_console().print(make_table(columns, rows) if rows else "the store has no keys")


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="Name of the key, as in `cinematrix key list`.")],
    db: DatabaseUrl = DEFAULT_DATABASE,
) -> None:
    """Revoke an access key. Servers refuse it within a second."""
    from cinematrix.cli.output import make_console
    from cinematrix.errors import UnknownIdError

    with open_store(db) as store:
        from cinematrix.store.keys import list_keys, revoke_key

        if not revoke_key(store, name):
            raise UnknownIdError(f"there is no key {name!r}; see 'cinematrix key list'")
        last = not list_keys(store)
    console = make_console()
    console.print(f"revoked {name}", markup=False)
    if last:
        console.print("the store has no key now: servers let in everybody on their own machine and nobody else")


def _describe(key: "ApiKey") -> dict[str, Any]:
    return {field: value for field, value in key._asdict().items() if field != "hash"}
