"""Options that an operator sets by flag, environment variable or TOML file: fields of settings dataclasses.

A field made by `option` is the only place of an option's name, meaning, range and default. The flags, the environment
variables, the file, the checks, the errors and the page of the documentation are made from it.
"""

import difflib
import json
import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from cinematrix.errors import SettingError

BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
"""Texts of booleans."""


@dataclass(frozen=True)
class Option:
    """Declaration of an option.

    Attributes:
        meaning: the meaning, a sentence.
        group: heading of the options that it belongs to.
        name: name, if it isn't the field's.
        unit: unit of a number.
        low, high: range of a number; None: unlimited.
        choices: the valid texts; empty: any.
        parse: parser of a text (of each, if the option is repeatable), which raises a `SettingError`.
        form: form of the text that `parse` takes.
        secret: the value is shown to nobody. Of an address only the password is secret.
        missing: what a value of None means.
        argument: the command takes it without a flag.
    """

    meaning: str
    group: str = ""
    name: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    parse: Callable[[str], Any] | None = None
    form: str = ""
    secret: bool = False
    missing: str = ""
    argument: bool = False


def option(meaning: str, default: Any = MISSING, **declaration: Any) -> Any:
    """Return a dataclass field for an option. `declaration`: further attributes of `Option`."""
    made = Option(meaning, **declaration)
    return field(default=default, repr=not made.secret, metadata={"option": made})


@dataclass(frozen=True)
class Setting:
    """An option of a dataclass, with the name, type and default of its field.

    Attributes:
        field: name of the field.
        kind: bool, int, float, str, Path, or tuple for a repeatable text.
        default: the default; None: there is none.
        about: the declaration.
    """

    field: str
    kind: type
    default: Any
    about: Option

    @property
    def name(self) -> str:
        """The option's name in files, such as `new-users`."""
        return self.about.name or self.field.replace("_", "-")

    @property
    def flag(self) -> str:
        """The option's flag, such as `--new-users`, or the argument's name."""
        return self.name.upper() if self.about.argument else f"--{self.name}"

    @property
    def parameter(self) -> str:
        """The option's name as a parameter, such as `new_users`."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """The option's environment variable, such as `CINEMATRIX_NEW_USERS`."""
        return f"CINEMATRIX_{self.parameter.upper()}"

    @property
    def rule(self) -> str:
        """The valid values, in words."""
        about = self.about
        if about.choices or about.form:
            return about.form or f"one of {', '.join(about.choices)}"
        low, high = (None if end is None else _format_number(end) for end in (about.low, about.high))
        ends = f" of at least {low}" if low and not high else f" from {low} to {high}" if low else ""
        return _KINDS[self.kind] + ends

    @property
    def default_text(self) -> str:
        """The default in words; empty if there is none."""
        if self.default in (None, ()):
            return self.about.missing
        if self.kind is tuple:
            return ", ".join(self.default)
        return _format_number(self.default) if self.kind in (int, float) else format_toml(self.default).strip('"')

    def read(self, value: Any, source: str) -> Any:
        """Return a value of the option's type from a text or a value of a TOML file.

        Raises:
            SettingError: the value has another type, or is outside the range.
        """
        try:
            read = self._convert(value)
        except (ValueError, TypeError, KeyError, AttributeError, SettingError) as error:
            raise self._error(value, source) from error
        return self.check(read, source)

    def check(self, value: Any, source: str) -> Any:
        """Return the value, if it is in the range.

        Raises:
            SettingError: it isn't.
        """
        about = self.about
        wrong = value is not None and (
            (about.choices and value not in about.choices)
            or (self.kind in (int, float) and not math.isfinite(value))
            or (about.low is not None and value < about.low)
            or (about.high is not None and value > about.high)
        )
        if wrong:
            raise self._error(value, source)
        return value

    def shown(self, value: Any) -> str:
        """Return the value as TOML, without what is secret."""
        return format_toml(hide_secret(value) if self.about.secret and value else value)

    def _convert(self, value: Any) -> Any:
        if self.kind is tuple:
            parts = value.split(",") if isinstance(value, str) else value
            return tuple(self._convert_text(part.strip()) for part in parts if part.strip())
        if isinstance(value, str):
            return self._convert_text(value.strip())
        if isinstance(value, bool) is not (self.kind is bool) or not isinstance(value, _TOML_TYPES[self.kind]):
            raise TypeError
        return self.kind(value)

    def _convert_text(self, text: str) -> Any:
        if self.about.parse:
            return self.about.parse(text)
        if self.kind is bool:
            return BOOLEANS[text.lower()]
        return text if self.kind is tuple else self.kind(text)

    def _error(self, value: Any, source: str) -> SettingError:
        shown = "the value" if self.about.secret else repr(list(value) if isinstance(value, tuple) else value)
        known = source in (self.flag, self.variable)
        where = source if known else f"{self.name} in {source}" if source else self.name
        return SettingError(f"{where}: {shown} isn't valid; give {self.rule}")


_KINDS = {
    bool: "true or false", int: "a whole number", float: "a number", str: "a text", Path: "a path",
    tuple: "a list of texts",
}  # fmt: skip
_TOML_TYPES: dict[type, type | tuple[type, ...]] = {bool: bool, int: int, float: (int, float), str: (), Path: ()}


class Chosen(NamedTuple):
    """The value of an option, and its source: a flag, an environment variable, a file, or `default`."""

    setting: Setting
    value: Any
    source: str


@cache
def list_settings(*kinds: type) -> tuple[Setting, ...]:
    """Return all options of settings dataclasses."""
    return tuple(_make_setting(kind, each) for kind in kinds for each in fields(kind) if "option" in each.metadata)


def _make_setting(owner: type, each: "Field[Any]") -> Setting:
    hint = _get_hints(owner)[each.name]
    origin, inner = get_origin(hint), get_args(hint)
    kind = tuple if origin is tuple else inner[0] if inner else hint
    return Setting(each.name, kind, None if each.default is MISSING else each.default, each.metadata["option"])


_get_hints = cache(get_type_hints)


def check_options(settings: Any) -> None:
    """Check that all options of a settings dataclass are in their ranges, in its `__post_init__`.

    Raises:
        SettingError: one isn't.
    """
    kind: type = type(settings)
    for each in list_settings(kind):
        each.check(getattr(settings, each.field), "")


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


def _format_number(number: float) -> str:
    """Return a number as the file takes it, without a fraction of zero; large ones have groups of digits."""
    whole = int(number) if number == int(number) else number
    return f"{whole:_}" if whole >= 100_000 else str(whole)


def format_toml(value: Any) -> str:
    """Return a value as TOML: JSON, in which all texts and lists of texts are TOML too."""
    return json.dumps(list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value)


def hide_secret(text: str) -> str:
    """Return a URL without its password, and any other text as three stars."""
    if "://" not in text:
        return "***"
    without = re.sub(r"(://[^:/?#]*):.*@", r"\1:***@", text)
    return re.sub(r"(password=)[^&]*", r"\1***", without)
