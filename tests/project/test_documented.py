"""Everything that a user can call, type, request or set is documented."""

import dataclasses
import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

import cinematrix
from cinematrix.cli.main import app as command_line
from cinematrix.data.simulated_world import SimulationSettings
from cinematrix.models import MODELS, model_class
from cinematrix.service import app as service
from cinematrix.service.settings import ServiceSettings, list_service_settings
from places import ROOT

DOCS = {path.name: path.read_text("utf-8") for path in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]}
COMMANDS = dict(
    re.findall(r"^## `(cinematrix[a-z -]*)[^`]*`\n(.*?)(?=^## |\Z)", DOCS["command-line.md"], re.MULTILINE | re.DOTALL)
)
"""Sections of the page of the command line, by command."""


def public(kind: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties of a class, those of its bases in Cinematrix included."""
    for name, member in inspect.getmembers(kind):
        if name[0] != "_" and (inspect.isroutine(member) or isinstance(member, property)):
            yield f"{kind.__name__}.{name}", member


def test_every_public_name_is_described() -> None:
    """The page of the Python library has each name of `cinematrix.__all__`, and each has a docstring to show."""
    described = set(re.findall(r":: cinematrix\.(\w+)$", DOCS["python.md"], re.MULTILINE))
    assert described >= set(cinematrix.__all__)
    found = {name: getattr(cinematrix, name) for name in cinematrix.__all__}
    members = [each for kind in found.values() if inspect.isclass(kind) for each in public(kind)]
    assert [name for name, member in (*found.items(), *members) if not inspect.getdoc(member)] == []


def test_every_parameter_of_the_front_door_is_described() -> None:
    """Each function's docstring, and that of each method of a model, tells what every parameter is."""
    functions = [(name, getattr(cinematrix, name)) for name in cinematrix.__all__]
    functions = [(name, each) for name, each in functions if inspect.isfunction(each)]
    functions += [(name, each) for name, each in public(cinematrix.Model) if inspect.isfunction(each)]
    missing = [
        f"{name}: {parameter}"
        for name, function in functions
        for parameter in inspect.signature(function).parameters
        if parameter != "self" and not re.search(rf"\b{parameter}\b", inspect.getdoc(function) or "")
    ]
    assert missing == []


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The command, and those below it, by their full names."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
    for key, each in (inner or {}).items():
        yield from commands(each, f"{name} {key}")


def undocumented(name: str, command: Any) -> list[str]:
    """The options and arguments of a command that its section lacks; those of the service are in the settings."""
    section, settings = COMMANDS.get(f"{name} ") or COMMANDS.get(name, ""), DOCS["settings.md"]
    missing = []
    for each in command.params:
        for option in each.opts if each.param_type_name == "option" else [(each.name or "").upper()]:
            named = re.search(rf"`[^`\n]*(?<![\w-]){re.escape(option)}(?![\w-])[^`\n]*` \| \S", section)
            if not named and not (name == "cinematrix serve" and f"| `{option.strip('-')}` |" in settings):
                missing.append(f"{name} {option}")
    return missing


def test_every_command_and_option_is_documented() -> None:
    """Each command of the program has its section, and each option its meaning."""
    whole = typer.main.get_command(command_line)
    found = dict(commands(whole, "cinematrix"))
    assert {name.strip() for name in COMMANDS} == set(found)
    assert [each for name, command in found.items() for each in undocumented(name, command)] == []
    start = re.findall(r"[\w-]+", DOCS["command-line.md"].partition("\n## ")[0])
    assert [each.opts[0] for each in whole.params if each.opts[0] not in start] == []


def written(text: str) -> Iterator[list[str]]:
    """The words of every command line in a page's blocks and inline code, without the shell's signs."""
    blocks = re.findall(r"```(?:console|sh|text)?\n(.*?)```", text, re.DOTALL)
    code = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    for line in (*code, *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))):
        for found in re.findall(r"(?:^|[ ;&|(/])(?<!import )cinematrix (?:server )?([a-z-][^#;&|<>]*)", line):
            yield [word.strip("'\"") for word in found.split()]


PAGES = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


@pytest.mark.parametrize("page", [path for path in PAGES if "_build" not in path.parts], ids=lambda path: path.stem)
def test_commands_in_pages_exist(page: Path) -> None:
    """Each command line of a page has a command of the program, with options of that command."""
    wrong = []
    for words in written(page.read_text("utf-8")):
        command, path = typer.main.get_command(command_line), list(words)
        while path and (inner := getattr(command, "commands", {}).get(path[0])):
            command = inner
            path.pop(0)
        options = {option for each in command.params for option in (*each.opts, *each.secondary_opts)} | {"--help"}
        used = {word.partition("=")[0] for word in path if re.match(r"--?[a-z]", word)}
        if used - options or (hasattr(command, "commands") and path and path[0].islower() and path[0] not in options):
            wrong.append(" ".join(words))
    assert wrong == []


def test_every_environment_variable_is_documented() -> None:
    """Those that the program reads by name; the service's are made from its settings."""
    sources = [path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py")]
    variables = {name for text in sources for name in re.findall(r"CINEMATRIX_[A-Z_]*[A-Z]", text)}
    assert len(variables) > 4
    assert [name for name in sorted(variables) if name not in "".join(DOCS.values())] == []


def requests(routes: Iterable[Any]) -> set[str]:
    """The requests that routes answer, such as `GET /v1/movies`; HEAD goes with GET."""
    return {
        f"{method} {route.path.replace(':path}', '}')}"
        for route in routes
        for method in getattr(route, "methods", ())
        if method != "HEAD"
    }


def test_every_route_is_documented(tmp_path: Path) -> None:
    """Each has its section in the page of the API; those that browsers and machines ask for stand in the service's."""
    app = service.create_app(ServiceSettings(tmp_path / "model", f"sqlite:///{tmp_path}/store.db"))
    app.state.service.store.close()
    found = requests([*app.routes, *(route for router in service.ROUTERS for route in router.routes)])
    assert len(found) > 60
    documented = {each for each in found if f"### `{each}`\n" in DOCS["http-api.md"]}
    assert len(documented) > 60
    assert [each for each in sorted(found - documented) if f"| `{each}` | " not in DOCS["service.md"]] == []


def test_every_setting_of_the_service_is_documented() -> None:
    """Flags, environment variables and lines of the file have the names of this page."""
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \| ([^|]+) \|", DOCS["settings.md"], re.MULTILINE))
    assert {each.name for each in list_service_settings()} == {
        name for name, meaning in rows.items() if meaning.strip()
    }


@pytest.mark.parametrize("name", MODELS)
def test_every_setting_of_a_model_is_documented(name: str) -> None:
    """The page of the Python library shows the docstring of its settings, the command line's page its defaults."""
    settings = model_class(name).Settings
    assert f":: {settings.__module__}.{settings.__qualname__}\n" in DOCS["python.md"]
    row = re.search(rf"^- \*\*{re.escape(name)}\*\*: (.*)", DOCS["command-line.md"], re.MULTILINE)
    for field in dataclasses.fields(settings()):
        assert re.search(rf"^\s+{field.name}: \w", settings.__doc__ or "", re.MULTILINE), field.name
        assert row, name
        assert f"`{field.name}=" in row[1], field.name


def test_every_setting_of_simulated_data_is_documented() -> None:
    """In the page of data."""
    names = [field.name for field in dataclasses.fields(SimulationSettings)]
    assert [name for name in names if f"`{name}`" not in DOCS["data.md"]] == []
