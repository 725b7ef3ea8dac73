"""Options that an operator sets by flag, environment variable or TOML file: fields of settings dataclasses.

A field made by `option` is the only place of an option's name, meaning, range and default. The flags, the environment
variables, the file, the checks, the errors and the page of the documentation are made from it.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

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
