"""Hyper-parameters are checked as they are set, before any work is done."""

from collections.abc import Callable
from typing import Any

from cinematrix.errors import SettingError


def check(settings: Any, allowed: Callable[[float], bool], rule: str, names: str) -> None:
    """Make sure that each of the settings called `names` (words) is allowed; `rule` says in words what is.

    Raises:
        SettingError: one isn't.
    """
    for name in names.split():
        value = getattr(settings, name)
        if not allowed(value):
            raise SettingError(f"{name} is {value}; it {rule}")
