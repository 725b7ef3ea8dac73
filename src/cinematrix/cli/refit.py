"""`cinematrix refit`, `versions` and `rollback`."""

from typing import Annotated, Any

import typer

from cinematrix.cli.options import DEFAULT_DATABASE, DatabaseUrl, Json, ModelFolder


def refit(
    model: ModelFolder,
    db: DatabaseUrl = DEFAULT_DATABASE,
    hold_days: Annotated[
        float, typer.Option("--hold-days", min=0, help="Compare on new ratings of the last so many days.")
    ] = 7.0,
    force: Annotated[bool, typer.Option("--force", help="Promote the new version even if it is worse.")] = False,
    keep_suspicious: Annotated[
        bool, typer.Option("--keep-suspicious", help="Learn from new profiles too that look made up.")
    ] = False,
    threads: Annotated[int, typer.Option("--threads", min=0, help="To compute with; 0: as suits the model.")] = 0,
    asked: Annotated[
        int, typer.Option("--asked", min=0, help="Number of the refit that the service was asked for.")
    ] = 0,
    json: Json = False,
) -> None:
    """Train a served model anew on all ratings, its own and the store's, and let it serve if it isn't worse.

    The old and the new model are compared on new ratings that neither has learned from; a version that is refused is
    kept, and the exit code is 1. A server of MODEL takes up the new version within seconds.
    """
    from cinematrix.cli.output import ProgressBar, make_console, print_json
    from cinematrix.common.optional import require_serving_package

    require_serving_package("sqlalchemy")
    from cinematrix.errors import UnknownIdError
    from cinematrix.lifecycle.retrain import RetrainingPlan
    from cinematrix.lifecycle.retrain import retrain_model as run
    from cinematrix.models.base import TrainingOptions
    from cinematrix.store.records import Store
    from cinematrix.store.refits import find_refit, request_refit

    store = Store.open(db)
    wanted = find_refit(store, asked) if asked else request_refit(store, "command line", force=force)
    if wanted is None:
        raise UnknownIdError(f"nobody asked for a refit {asked} of this store; leave --asked out for a new one")
    found = run(
        model,
        store,
        wanted,
        RetrainingPlan(hold_days, wanted.force, keep_suspicious, TrainingOptions(threads)),
        ProgressBar(),
    )
    store.close()
    if json:
        print_json({"refit": wanted.refit, "state": found.state, "version": found.version, "why": found.why}
                   | {"figures": found.figures, "suspects": found.suspects})  # fmt: skip
    else:
        make_console().print(f"version {found.version} is {found.state}: {found.why}", markup=False, soft_wrap=True)
        make_console().print(_render_measures(found.figures))
        for user, why in found.suspects.items():
            make_console().print(f"left out, user {user}: {why}", markup=False, soft_wrap=True)
    raise typer.Exit(found.state != "promoted")


def versions(model: ModelFolder, json: Json = False) -> None:
    """The versions of a served model that are kept, the newest first: which one serves, and which one did before."""
    from cinematrix.cli.output import make_console, make_table, print_json
    from cinematrix.lifecycle.versions import list_versions as kept

    found = [version.as_dict() for version in kept(model)]
    if json:
        return print_json(found)
    rows = [[each["version"], _role(each), *_format_version(each)] for each in found]
    return make_console().print(make_table(["version", "", "ratings#", "refit", "what was found"], rows))


def rollback(model: ModelFolder, json: Json = False) -> None:
    """Let the version that served before serve again, in one step; done twice, it is undone."""
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
    """A table of what was measured of both."""
    from cinematrix.cli.output import make_table

    def shown(value: float | None) -> str:
        return "" if value is None else f"{value:.4f}"

    rows = [
        [name, *(shown(found.get(key)) for key in ("old", "new", "difference", "low", "high"))]
        for name, found in figures.get("measures", {}).items()
    ]
    return make_table(["", "old#", "new#", "difference#", "low#", "high#"], rows)
