"""`cinematrix refit`, `versions` and `rollback`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cinematrix.cli.options import DatabaseUrl, Json, ModelFolder, Threads
from cinematrix.store.settings import DEFAULT_DATABASE

if TYPE_CHECKING:
    from cinematrix.lifecycle.retrain import RetrainingOutcome


def refit(
    model: ModelFolder,
    db: DatabaseUrl = DEFAULT_DATABASE,
    hold_days: Annotated[
        float, typer.Option("--hold-days", min=0, help="Days before the newest rating that are held out to compare on.")
    ] = 7.0,
    force: Annotated[bool, typer.Option("--force", help="Promote the new version even if it is worse.")] = False,
    keep_suspicious: Annotated[
        bool, typer.Option("--keep-suspicious", help="Train on suspicious new profiles too.")
    ] = False,
    threads: Threads = 0,
    asked: Annotated[
        int, typer.Option("--asked", min=0, help="Number of a refit that was requested from the service.")
    ] = 0,
    json: Json = False,
) -> None:
    """Retrain a served model on all ratings, its own and the store's, and promote it if it isn't worse.

    The old and the new model are compared on held-out new ratings. A refused version is stored, and the exit code is 1.
    A server of MODEL loads the new version within seconds.
    """
    from cinematrix.common.optional import require_serving_package
    from cinematrix.common.progress_bar import TerminalBar

    require_serving_package("sqlalchemy")
    from cinematrix.errors import UnknownIdError
    from cinematrix.lifecycle.retrain import RetrainingPlan, retrain_model
    from cinematrix.models.contract_types import TrainingOptions
    from cinematrix.store.records import Store
    from cinematrix.store.refits import find_refit, request_refit

    store = Store.open(db)
    record = find_refit(store, asked) if asked else request_refit(store, "command line", force=force)
    if record is None:
        raise UnknownIdError(f"refit {asked} of this store wasn't requested; leave --asked out for a new one")
    plan = RetrainingPlan(hold_days, record.force, keep_suspicious, TrainingOptions(threads))
    outcome = retrain_model(model, store, record, plan, TerminalBar())
    store.close()
    _print_outcome(record.refit, outcome, json)
    raise typer.Exit(outcome.state != "promoted")


def _print_outcome(refit: int, outcome: "RetrainingOutcome", json: bool) -> None:
    from cinematrix.cli.output import make_console, print_json

    if json:
        print_json({"refit": refit, "state": outcome.state, "version": outcome.version, "why": outcome.why}
                   | {"figures": outcome.figures, "suspects": outcome.suspects})  # fmt: skip
        return
    console = make_console()
    console.print(f"version {outcome.version} is {outcome.state}: {outcome.why}", markup=False, soft_wrap=True)
    console.print(_render_measures(outcome.figures))
    for user, why in outcome.suspects.items():
        console.print(f"left out, user {user}: {why}", markup=False, soft_wrap=True)


def versions(model: ModelFolder, json: Json = False) -> None:
    """List the stored versions of a served model, newest first, with the serving and the previous one marked."""
    from cinematrix.cli.output import make_console, make_table, print_json
    from cinematrix.lifecycle.versions import list_versions

    listed = [version.as_dict() for version in list_versions(model)]
    if json:
        return print_json(listed)
    rows = [[each["version"], _role(each), *_format_version(each)] for each in listed]
    return make_console().print(make_table(["version", "", "ratings#", "refit", "reason"], rows))


def rollback(model: ModelFolder, json: Json = False) -> None:
    """Promote the previous version of a served model; a second rollback undoes the first."""
    from cinematrix.cli.output import make_console, print_json
    from cinematrix.lifecycle.versions import roll_back

    name = roll_back(model)
    return print_json({"version": name}) if json else make_console().print(f"version {name} serves now", markup=False)


def _role(version: dict[str, Any]) -> str:
    return "serves" if version["serves"] else "before" if version["before"] else ""


def _format_version(version: dict[str, Any]) -> list[str]:
    refit, data = version["refit"] or {}, version["data"] or {}
    return [f"{data.get('ratings', 0):,}", str(refit.get("at", "")), str(refit.get("why", ""))]


def _render_measures(figures: dict[str, Any]) -> Any:
    """Make a table of the measures of both versions."""
    from cinematrix.cli.output import make_table

    def show(value: float | None) -> str:
        return "" if value is None else f"{value:.4f}"

    rows = [
        [name, *(show(measure.get(key)) for key in ("old", "new", "difference", "low", "high"))]
        for name, measure in figures.get("measures", {}).items()
    ]
    return make_table(["", "old#", "new#", "difference#", "low#", "high#"], rows)
