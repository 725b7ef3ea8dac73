"""Conditions on movies in text, such as `genre=Drama year>=1990 language=fr runtime<=100`."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cinematrix.errors import SettingError

NUMBERS = {
    "year": ("a year is a whole number such as 1990", r"\d{1,4}"),
    "runtime": ("a runtime is in minutes, such as 100", r"\d{1,4}"),
    "age": ("an age is in years, such as 12", r"\d{1,2}"),
}
"""Fields that are compared as numbers, each with its rule in words and as a pattern."""

WORDS = {"genre": "genres", "tag": "tags", "language": "languages", "director": "directors", "actor": "cast"}
"""Fields that a movie has several values of, each with its column in the catalog."""

COMPARE: dict[str, Callable[[NDArray[Any], float], NDArray[np.bool_]]] = {
    "=": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip
"""Comparisons of numbers by their operator."""

_CONDITION = re.compile(r"""\s*(\w+)\s*(!=|<=|>=|=|<|>)\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+))(?=\s|$)""")


class Condition(NamedTuple):
    """One condition: a field of `NUMBERS` or `WORDS`, an operator and a value."""

    field: str
    operator: str
    value: str


def parse_conditions(expression: str) -> list[Condition]:
    """Return the conditions of an expression.

    Raises:
        SettingError: it isn't understood, or a value doesn't fit its field.
    """
    conditions, position = [], 0
    while expression[position:].strip():
        match = _CONDITION.match(expression, position)
        if not match or match[1] not in (*NUMBERS, *WORDS):
            rest, fields = expression[position:].strip(), ", ".join((*WORDS, *NUMBERS))
            raise SettingError(
                f"filter {rest!r} isn't understood; write conditions on genre, year or tag "
                f"such as 'genre=Drama year>=1990'; the fields are {fields}"
            )
        conditions.append(_check(match[1], match[2], next(v for v in match.group(3, 4, 5) if v is not None)))
        position = match.end()
    return conditions


def _check(field: str, operator: str, value: str) -> Condition:
    if field in NUMBERS and not re.fullmatch(NUMBERS[field][1], value):
        raise SettingError(f"{field} {operator} {value!r}: {NUMBERS[field][0]}")
    if field in WORDS and operator not in ("=", "!="):
        raise SettingError(f"{field} {operator} {value!r}: a {field} is compared with = or !=")
    return Condition(field, operator, value)
