"""`cinematrix serve`."""

from pathlib import Path
from typing import Annotated

import typer

from cinematrix.cli.options import DEFAULT_DATABASE, DatabaseUrl, ModelFolder, parse_duration


def serve(
    model: ModelFolder,
    db: DatabaseUrl = DEFAULT_DATABASE,
    address: Annotated[
        str, typer.Option("--address", help="Address to listen on; any but loopback requires an access key.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")] = 8000,
    host_name: Annotated[
        list[str] | None, typer.Option("--host-name", help="Host name allowed in requests; repeatable.")
    ] = None,
    new_users: Annotated[
        int, typer.Option("--new-users", min=0, help="Maximum new users that writes may create; 0: none.")
    ] = 0,
    refit_every: Annotated[
        str,
        typer.Option("--refit-every", help="Interval of automatic refits, such as 24h or 7d (s, m, h, d); 0: none."),
    ] = "0",
    tmdb_key: Annotated[
        str | None,
        typer.Option("--tmdb-key", envvar="CINEMATRIX_TMDB_KEY", help="Your TMDB API key, to show posters."),
    ] = None,
    posters: Annotated[
        Path | None, typer.Option("--posters", help="Folder of the poster cache. Default: in your cache folder.")
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=64, help="Processes that answer requests; about one a core.")
    ] = 1,
    opens: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    public: Annotated[
        bool,
        typer.Option("--public", help="Allow routes that store nothing without a key; all others require one."),
    ] = False,
) -> None:
    """Serve ratings, recommendations, search and the web page over HTTP. The routes are in docs/service.md."""
    from cinematrix.common.optional import require_serving_package
    from cinematrix.service.startup import pause_garbage_collector

    require_serving_package("granian")
    pause_garbage_collector()
    from cinematrix.common.paths import cache_folder
    from cinematrix.service.server import serve
    from cinematrix.service.settings import LOOPBACK_HOSTS, PosterSettings, ServiceSettings

    hosts = (*LOOPBACK_HOSTS, *(name.lower() for name in host_name or ()))
    interval = parse_duration(refit_every)
    poster_settings = PosterSettings(tmdb_key, posters or cache_folder() / "posters") if tmdb_key else None
    settings = ServiceSettings(
        model, db, hosts, new_users, public=public, refit_every=interval, workers=workers, posters=poster_settings
    )
    serve(settings, address, port, opens=opens)
