"""`cinematrix serve`."""

import inspect
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from cinematrix.common.option_sources import Chosen, build, choose, describe
from cinematrix.common.options import Setting
from cinematrix.errors import SettingError
from cinematrix.service.settings import (
    LOOPBACK_HOSTS,
    PosterSettings,
    ServiceSettings,
    list_service_settings,
)
from cinematrix.store.settings import StoreSettings

METAVARS = {int: "INTEGER", float: "NUMBER", Path: "PATH"}
"""Placeholders of values in the help."""


def serve(
    config: Annotated[
        Path | None, typer.Option("--config", envvar="CINEMATRIX_CONFIG", help="TOML file of options, by their names.")
    ] = None,
    show_config: Annotated[
        bool, typer.Option("--show-config", help="Print all options with their sources, as TOML, and end.")
    ] = False,
    opens: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    **flags: Any,
) -> None:
    """Serve ratings, recommendations, search and the web page over HTTP. The routes are in docs/service.md.

    Every option is also an environment variable, CINEMATRIX_PORT for --port, and a line of the file --config.
    """
    chosen = choose(list_service_settings(), flags, os.environ, config)
    if show_config:
        typer.echo(describe(chosen))
        return
    from cinematrix.common.optional import require_serving_package
    from cinematrix.service.startup import pause_garbage_collector, share_one_heap

    settings = _build_settings(chosen)
    require_serving_package("granian")
    pause_garbage_collector()
    share_one_heap()
    from cinematrix.service.server import serve

    serve(settings, opens=opens)


def _build_settings(chosen: list[Chosen]) -> ServiceSettings:
    """Return the settings of the service.

    Raises:
        SettingError: no model is given.
    """
    from cinematrix.common.paths import cache_folder

    by_name = {each.setting.name: each for each in chosen}
    if by_name["model"].source == "default":
        raise SettingError("no model is given; write its folder after 'cinematrix serve', or as model in the file")
    posters = None
    if by_name["tmdb-key"].source != "default":
        folder = by_name["posters"]
        if folder.source == "default":
            chosen = [each for each in chosen if each != folder]
            chosen.append(folder._replace(value=cache_folder() / "posters"))
        posters = build(PosterSettings, chosen)
    hosts = tuple(dict.fromkeys((*LOOPBACK_HOSTS, *by_name["host-name"].value)))
    store = build(StoreSettings, chosen)
    return build(ServiceSettings, chosen, hosts=hosts, store=store, posters=posters)  # type: ignore[no-any-return]


def _make_parameter(setting: Setting) -> inspect.Parameter:
    """Return the parameter of the command for an option. Its texts are read by `choose`, its default is None."""
    hint: Any
    if setting.about.argument:
        info: Any = typer.Argument(help=f"{setting.about.meaning} Or: {setting.name} in the file.", show_default=False)
        hint = str | None
    else:
        hint = bool | None if setting.kind is bool else list[str] | None if setting.kind is tuple else str | None
        names = (f"{setting.flag}/--no-{setting.name}",) if setting.kind is bool else (setting.flag,)
        default = f" Default: {setting.default_text}." if setting.default_text else ""
        info = typer.Option(
            *names, help=setting.about.meaning + default, rich_help_panel=setting.about.group, show_default=False,
            metavar=setting.about.unit.upper() or METAVARS.get(setting.kind),
        )  # fmt: skip
    return inspect.Parameter(
        setting.parameter, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[hint, info]
    )


def _declare_options() -> None:
    """Give the command a parameter for each option of the service, before its own."""
    own = [each for each in inspect.signature(serve).parameters.values() if each.kind is not each.VAR_KEYWORD]
    own = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
    made = [_make_parameter(each) for each in list_service_settings()]
    serve.__signature__ = inspect.Signature([*made[:1], *own, *made[1:]])  # type: ignore[attr-defined]
    serve.__annotations__ = {each.name: each.annotation for each in (*made, *own)}


_declare_options()
