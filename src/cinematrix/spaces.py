"""Where a model's hyper-parameters may be looked for; what looks is `tuning`.

A model declares its space beside its settings: `SPACE = {"factors": Between(8, 128, log=True), "batch": (64, 256)}`.
A tuple lists the values to choose from. What isn't in it isn't tuned.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Between:
    """Any number from `low` to `high`, both included; a whole one, if both ends are. `log`: evenly by its logarithm."""

    low: float
    high: float
    log: bool = False


Space = Mapping[str, Between | tuple[Any, ...]]


def space_of(settings: Any) -> Space:
    """The space that a class of settings declares; empty, if it has none."""
    space: Space = getattr(settings, "SPACE", {})
    return space
