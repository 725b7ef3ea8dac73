"""`cinematrix serve` and `cinematrix key`."""

from pathlib import Path
from typing import Annotated

import typer

from cinematrix.cli.options import DEFAULT_DATABASE, DatabaseUrl, Json, ModelFolder, parse_duration

key = typer.Typer(help="Keys to the service.", no_args_is_help=True)


def serve(
    model: ModelFolder,
    db: DatabaseUrl = DEFAULT_DATABASE,
    address: Annotated[
        str, typer.Option("--address", help="To listen on; others than loopback need a key.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="To listen on.")] = 8000,
    host_name: Annotated[
        list[str] | None, typer.Option("--host-name", help="A name that requests may call the server by; repeatable.")
    ] = None,
    new_users: Annotated[
        int, typer.Option("--new-users", min=0, help="Let writes make users up to so many; 0: known ones only.")
    ] = 0,
    refit_every: Annotated[
        str, typer.Option("--refit-every", help="Refit by itself, such as 24h or 7d (s, m, h, d); 0: never.")
    ] = "0",
    tmdb_key: Annotated[
        str | None,
        typer.Option("--tmdb-key", envvar="CINEMATRIX_TMDB_KEY", help="Your own API key at TMDB: show its posters."),
    ] = None,
    posters: Annotated[
        Path | None, typer.Option("--posters", help="Folder to keep posters in; by default in your cache.")
    ] = None,
    opens: Annotated[bool, typer.Option("--open", help="Show the page in a browser.")] = False,
    public: Annotated[
        bool,
        typer.Option("--public", help="Let everybody use what keeps nothing, as the page does; the rest needs keys."),
    ] = False,
) -> None:
    """Answer over HTTP: ratings, recommendations, search, and the web page. The routes are in docs/service.md."""
    from cinematrix.common.optional import require_serving_package
    from cinematrix.service.startup import pause_garbage_collector

    require_serving_package("granian")
    pause_garbage_collector()
    from cinematrix.common.paths import cache_folder
    from cinematrix.service.server import serve
    from cinematrix.service.settings import LOOPBACK_HOSTS, PosterSettings, ServiceSettings

    hosts = (*LOOPBACK_HOSTS, *(name.lower() for name in host_name or ()))
    every = parse_duration(refit_every)
    shown = PosterSettings(tmdb_key, posters or cache_folder() / "posters") if tmdb_key else None
    settings = ServiceSettings(model, db, hosts, new_users, public=public, refit_every=every, posters=shown)
    serve(settings, address, port, opens=opens)


@key.command()
def create(
    role: Annotated[str, typer.Option("--role", help="read, write or admin.")] = "read",
    db: DatabaseUrl = DEFAULT_DATABASE,
    json: Json = False,
) -> None:
    """Make a key, which is shown this once; the store keeps its SHA-256."""
    from cinematrix.cli.output import make_console, print_json
    from cinematrix.common.optional import require_serving_package

    require_serving_package("sqlalchemy")
    from cinematrix.store.keys import create_key
    from cinematrix.store.records import Store

    store = Store.open(db)
    secret = create_key(store, role)
    store.close()
    return print_json({"role": role, "key": secret}) if json else make_console().print(secret, markup=False)
