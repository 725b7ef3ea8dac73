"""Hyper-parameters: validation on construction, and the search space for tuning.

A settings class declares its space: `SPACE = {"factors": SearchRange(8, 128, log=True), "batch": (64, 256)}`.
A tuple lists the values to choose from. A setting that isn't in the space isn't tuned.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cinematrix.errors import SettingError


def check_settings(settings: Any, allowed: Callable[[float], bool], rule: str, names: str) -> None:
    """Check that each setting in `names` (separated by spaces) is allowed; `rule` completes the error message.

    Raises:
        SettingError: a setting isn't allowed.
    """
    for name in names.split():
        value = getattr(settings, name)
        if not allowed(value):
            raise SettingError(f"{name} is {value}; it {rule}")


@dataclass(frozen=True)
class SearchRange:
    """Range of a number to tune, ends included; integers if both ends are. `log`: sampled on a logarithmic scale."""

    low: float
    high: float
    log: bool = False


SearchSpace = Mapping[str, SearchRange | tuple[Any, ...]]


def get_search_space(settings: Any) -> SearchSpace:
    """Return the search space of a settings class; empty if it declares none."""
    space: SearchSpace = getattr(settings, "SPACE", {})
    return space
