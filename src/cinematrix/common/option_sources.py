"""Values of options from flags, environment variables and a TOML file, each with its source."""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cinematrix.common.options import Setting, format_toml, list_settings
from cinematrix.errors import SettingError


class Chosen(NamedTuple):
    """The value of an option, and its source: a flag, an environment variable, a file, or `default`."""

    setting: Setting
    value: Any
    source: str


def choose(
    settings: Iterable[Setting], flags: Mapping[str, Any], environment: Mapping[str, str], file: Path | None
) -> list[Chosen]:
    """Return each option's value: of its flag, else its environment variable, else the file, else its default.

    An empty environment variable counts as none.

    Args:
        flags: values by name of the parameter; None: the flag wasn't given.

    Raises:
        SettingError: a value is invalid, or the file has unknown names.
    """
    settings = list(settings)
    table = read_toml(file, settings) if file else {}
    chosen = []
    for each in settings:
        sources = (
            (flags.get(each.parameter), each.flag),
            (environment.get(each.variable) or None, each.variable),
            (table.get(each.name), str(file)),
        )
        value, source = next(((v, s) for v, s in sources if v is not None), (None, "default"))
        value = each.default if value is None else each.read(value, source)
        chosen.append(Chosen(each, value, source))
    return chosen


def read_toml(file: Path, settings: Iterable[Setting]) -> dict[str, Any]:
    """Read a TOML file of options.

    Raises:
        SettingError: it can't be read, isn't TOML, or has a name that isn't an option's.
    """
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SettingError(f"{file} can't be read ({error.strerror}); give a TOML file of options") from error
    except ValueError as error:
        raise SettingError(f"{file} isn't TOML: {error}; write lines such as: port = 8000") from error
    known = [each.name for each in settings]
    for name in table:
        if name not in known:
            near = difflib.get_close_matches(name.replace("_", "-").lower(), known, 1, 0) or known
            raise SettingError(f"{file}: there is no option {name!r}; the nearest is {near[0]!r}")
    return table


def build(kind: type, chosen: Iterable[Chosen], **values: Any) -> Any:
    """Return a settings dataclass with the chosen values of its own options. `values` replace and complete them."""
    own = set(list_settings(kind))
    return kind(**{each.setting.field: each.value for each in chosen if each.setting in own} | values)


def describe(chosen: Iterable[Chosen]) -> str:
    """Return all values as a TOML file, each with its source as a comment. Options without a value are comments."""
    lines = []
    for setting, value, source in chosen:
        empty = value is None
        line = f"# {setting.name} isn't set" if empty else f"{setting.name} = {setting.shown(value)}  # {source}"
        lines.append(f"# {line}" if setting.about.secret and setting.shown(value) != format_toml(value) else line)
    return "\n".join(lines)
