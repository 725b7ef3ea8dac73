"""`cinematrix doctor`."""

from pathlib import Path
from typing import Annotated

import typer

from cinematrix.cli.options import Json

SIGNS = {"fine": "✓", "note": "•", "bad": "✗"}
"""Sign of each state of a finding."""


def doctor(
    model: Annotated[Path | None, typer.Argument(help="Folder of a trained model to check.")] = None,
    db: Annotated[
        str | None, typer.Option("--db", envvar="CINEMATRIX_DB", help="URL of a store to check, as for `serve`.")
    ] = None,
    json: Json = False,
) -> None:
    """Check the installation, MODEL and the store without changing them. Exit code 1: a problem was found."""
    from dataclasses import asdict

    from cinematrix.cli.output import make_console, print_json
    from cinematrix.lifecycle.doctor import examine

    findings = examine(model, db)
    healthy = all(finding.state != "bad" for finding in findings)
    if json:
        print_json({"healthy": healthy, "findings": [asdict(finding) for finding in findings]})
    else:
        for each in findings:
            make_console().print(f"{SIGNS[each.state]} {each.what}: {each.told}", markup=False, soft_wrap=True)
    raise typer.Exit(not healthy)
