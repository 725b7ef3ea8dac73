"""`cinematrix doctor`."""

from pathlib import Path
from typing import Annotated

import typer

from cinematrix.cli.options import Json

SIGNS = {"fine": "✓", "note": "•", "bad": "✗"}


def doctor(
    model: Annotated[Path | None, typer.Argument(help="Folder of a trained model to look at too.")] = None,
    db: Annotated[
        str | None, typer.Option("--db", envvar="CINEMATRIX_DB", help="A store to look at too, as for `serve`.")
    ] = None,
    json: Json = False,
) -> None:
    """Look at the installation, at MODEL and at the store, changing nothing. Exit code 1: something must be mended."""
    from dataclasses import asdict

    from cinematrix.cli.output import make_console, print_json
    from cinematrix.lifecycle.doctor import examine

    found = examine(model, db)
    healthy = all(finding.state != "bad" for finding in found)
    if json:
        print_json({"healthy": healthy, "findings": [asdict(finding) for finding in found]})
    else:
        for each in found:
            make_console().print(f"{SIGNS[each.state]} {each.what}: {each.told}", markup=False, soft_wrap=True)
    raise typer.Exit(not healthy)
