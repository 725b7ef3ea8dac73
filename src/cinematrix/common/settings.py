"""Hyper-parameters: validation on construction, and the search space for tuning.

A model declares its space beside its settings: `SPACE = {"factors": Between(8, 128, log=True), "batch": (64, 256)}`.
A tuple lists the values to choose from. A setting that isn't in the space isn't tuned.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cinematrix.errors import SettingError


def check_settings(settings: Any, allowed: Callable[[float], bool], rule: str, names: str) -> None:
    """Make sure that each of the settings called `names` (words) is allowed; `rule` says in words what is.

    Raises:
        SettingError: one isn't.
    """
    for name in names.split():
        value = getattr(settings, name)
        if not allowed(value):
            raise SettingError(f"{name} is {value}; it {rule}")


@dataclass(frozen=True)
class SearchRange:
    """Any number from `low` to `high`, both included; a whole one, if both ends are. `log`: evenly by its logarithm."""

    low: float
    high: float
    log: bool = False


SearchSpace = Mapping[str, SearchRange | tuple[Any, ...]]


def get_search_space(settings: Any) -> SearchSpace:
    """The space that a class of settings declares; empty, if it has none."""
    space: SearchSpace = getattr(settings, "SPACE", {})
    return space
