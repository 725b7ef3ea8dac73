"""Cinematrix: movie recommendation by deep matrix factorization.

    from cinematrix import evaluate, explain, load, model_class, read, recommend, save

Each name is loaded when it is first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cinematrix.artifact import load, save
    from cinematrix.catalog import Catalog
    from cinematrix.evaluation import evaluate
    from cinematrix.explanations import explain
    from cinematrix.importers import read
    from cinematrix.models import model_class
    from cinematrix.ratings import Ratings
    from cinematrix.recommendations import recommend

__all__ = ["Catalog", "Ratings", "evaluate", "explain", "load", "model_class", "read", "recommend", "save"]

_HOMES = {
    "Catalog": "cinematrix.catalog",
    "Ratings": "cinematrix.ratings",
    "evaluate": "cinematrix.evaluation",
    "explain": "cinematrix.explanations",
    "load": "cinematrix.artifact",
    "model_class": "cinematrix.models",
    "read": "cinematrix.importers",
    "recommend": "cinematrix.recommendations",
    "save": "cinematrix.artifact",
}
"""The module that each public name comes from (PEP 562)."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
