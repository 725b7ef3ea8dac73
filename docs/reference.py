"""Generate what the documentation has from the program itself: `python docs/reference.py`.

A test fails if a file isn't up to date.
"""

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_args, get_type_hints

import typer
from typer.models import ArgumentInfo, OptionInfo

import cinematrix
from cinematrix.cli.main import app
from cinematrix.cli.serve import serve
from cinematrix.models import MODELS, model_class
from cinematrix.service.settings import list_service_settings
from house import draw_packages
from http_reference import http_api
from paper_parts import accuracy_chart, newcomer_chart, write_paper

HERE = Path(__file__).parent

HEAD = """# The command line

Every command takes `--help`; `cinematrix --debug COMMAND` shows the traceback of an error, and `cinematrix --version`
the version. Results go to stdout, progress and errors to stderr. Exit codes: 0 done, 1 failed, 2 bad usage or input,
3 imported in part, 130 interrupted. Files and folders are written atomically, and existing ones are replaced only with
`--force`.
"""


SETTINGS = """# Settings of the service

Every setting of `cinematrix serve` is a flag, an environment variable and a line of a TOML file. The first that is
given counts:

| Source | Example |
|---|---|
| flag | `--new-users 5000` |
| environment variable | `CINEMATRIX_NEW_USERS=5000` |
| file (`--config FILE` or `CINEMATRIX_CONFIG`) | `new-users = 5000` |

A repeatable flag, such as `--proxy`, is a list in the file and a text with commas in the environment. `--no-public`
undoes `public = true` of the file. An unknown name in the file is an error that tells the nearest.

`--show-config` prints every value with its source, as a file that `--config` reads. Keys and passwords are hidden, and
their lines are comments:

```console
cinematrix serve model --show-config
```

The folder of the model has no flag; it follows the command. Relative paths start at the folder in which the server is
started. Limits on memory belong together: see [cost](deploy.md#cost).
"""


BREAK = "\n"
TABLE = "| name | meaning | range | default |\n|---|---|---|---|"


def reference() -> str:
    """Return the page."""
    return "\n".join([HEAD, *(section(name, command) for name, command in commands(app, "cinematrix")), settings()])


def commands(group: typer.Typer, name: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the commands of a group and of its groups, with their full names."""
    for command in group.registered_commands:
        assert command.callback is not None
        yield f"{name} {command.name or command.callback.__name__}", command.callback
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        yield from commands(inner.typer_instance, f"{name} {inner.name}")


def section(name: str, command: Callable[..., Any]) -> str:
    """Return the section of one command: its help and a table of its arguments and options."""
    hints, arguments, rows = get_type_hints(command, include_extras=True), [], []
    for parameter in inspect.signature(command).parameters.values():
        info = get_args(hints[parameter.name])[-1]
        if getattr(info, "rich_help_panel", None):  # in docs/settings.md
            continue
        assert isinstance(info, ArgumentInfo | OptionInfo)
        # inside Annotated, the first name of an option is in the place of its default
        names = [n for n in (info.default, *(info.param_decls or ())) if isinstance(n, str) and n.startswith("-")]
        label = parameter.name.upper() if isinstance(info, ArgumentInfo) else " ".join(names)
        arguments += [label] * isinstance(info, ArgumentInfo)
        variable = f" Or: `{info.envvar}`." if info.envvar else ""
        rows.append(f"| `{label}` | {info.help}{variable} | {default(parameter.default)} |")
    table = "\n".join(["| option | meaning | default |", "|---|---|---|", *rows])
    more = "\nThe settings of the service are in [settings](settings.md).\n" if command is serve else ""
    return f"## `{' '.join([name, *arguments])}`\n\n{inspect.getdoc(command)}\n\n{table}\n{more}"


def service_settings() -> str:
    """Return the page of the service's settings."""
    parts, group = [SETTINGS], ""
    for each in list_service_settings():
        about = each.about
        if about.group != group:
            group = about.group
            parts.append(f"{BREAK * (len(parts) > 1)}## {group}\n\n{TABLE}")
        unit = f" ({about.unit})" if about.unit else ""
        default = f"`{each.default_text}`" if each.default_text and not about.missing else about.missing
        parts.append(f"| `{each.name}` | {about.meaning} | {each.rule}{unit} | {default} |")
    return "\n".join(parts) + "\n"


def default(value: Any) -> str:
    """Return a default as Markdown; empty for no default, None, False and empty text."""
    return "" if value in (inspect.Parameter.empty, None, False, "") else f"`{value}`"


def settings() -> str:
    """Return the section of the hyper-parameters of every model, for `--set`."""
    parts = ["## Settings of the models\n\nSet them with `--set key=value`. Their meaning is in [models](models.md).\n"]
    for name in MODELS:
        found = dataclasses.asdict(model_class(name).Settings()).items()
        parts.append(f"- **{name}**: {', '.join(f'`{key}={value}`' for key, value in found) or 'none'}")
        for preset, values in getattr(model_class(name).Settings, "PRESETS", {}).items():
            changed = ", ".join(f"`{key}={value}`" for key, value in values.items())
            parts.append(f"  - `preset={preset}` stands for {changed}")
    return "\n".join(parts) + "\n"


def with_quick_tour(name: str) -> str:
    """Return a page with the quick tour of the package in place of the block that imports Cinematrix first."""
    tour = Path(cinematrix.__file__).with_name("quick_tour.py").read_text("utf-8")
    before, found, rest = (HERE / name).read_text("utf-8").partition("```python\nimport cinematrix as cx\n")
    assert found, f"{name} has no block for the quick tour"
    _, fence, after = rest.partition("```\n")
    return f"{before}```python\n{tour}{fence}{after}"


PAGES: dict[str, Callable[[], str]] = {
    "command-line.md": reference,
    "settings.md": service_settings,
    "http-api.md": http_api,
    "packages.dot": draw_packages,
    "paper.md": write_paper,
    "paper/accuracy.svg": accuracy_chart,
    "paper/newcomers.svg": newcomer_chart,
    **{name: partial(with_quick_tour, name) for name in ("../README.md", "start/data-scientist.md")},
}
"""Generated pages by name."""

if __name__ == "__main__":
    for name, text in PAGES.items():
        (HERE / name).write_text(text(), encoding="utf-8")
