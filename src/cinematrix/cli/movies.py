"""`cinematrix movies`."""

from pathlib import Path
from typing import Annotated

import typer

from cinematrix.cli.options import DatabaseUrl, Json
from cinematrix.store.settings import DEFAULT_DATABASE

app = typer.Typer(help="Movies added to a service.", no_args_is_help=True)


@app.callback()
def movies() -> None:
    """Make a group of the single command."""


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="File of movies, such as movies.csv.")],
    db: DatabaseUrl = DEFAULT_DATABASE,
    json: Json = False,
) -> None:
    """Add movies to a store, or update their metadata; servers search, rate and recommend them within seconds."""
    from cinematrix.cli.output import make_console, print_json
    from cinematrix.common.optional import require_serving_package

    require_serving_package("sqlalchemy")
    from cinematrix.data.readers.movies import read_movies
    from cinematrix.store.movies import put_movies
    from cinematrix.store.records import Store

    metadata = read_movies(file)
    store = Store.open(db)
    new = put_movies(store, metadata, "command line") if metadata else 0
    store.close()
    if json:
        print_json({"created": new, "updated": len(metadata) - new})
    else:
        make_console().print(f"{new:,} movies added, {len(metadata) - new:,} updated", markup=False)
