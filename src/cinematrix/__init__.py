"""Cinematrix: movie recommendation by deep matrix factorization.

    from cinematrix import evaluate, explain, load, model_class, read, recommend, save

Each name is loaded when it is first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cinematrix.data.catalog import Catalog
    from cinematrix.data.ratings import Ratings
    from cinematrix.data.readers import read
    from cinematrix.evaluation.evaluate import evaluate
    from cinematrix.models import model_class
    from cinematrix.models.artifact import load, save
    from cinematrix.recommendation.explanations import explain
    from cinematrix.recommendation.lists import recommend

__all__ = ["Catalog", "Ratings", "evaluate", "explain", "load", "model_class", "read", "recommend", "save"]

_HOMES = {
    "Catalog": "cinematrix.data.catalog",
    "Ratings": "cinematrix.data.ratings",
    "evaluate": "cinematrix.evaluation.evaluate",
    "explain": "cinematrix.recommendation.explanations",
    "load": "cinematrix.models.artifact",
    "model_class": "cinematrix.models",
    "read": "cinematrix.data.readers",
    "recommend": "cinematrix.recommendation.lists",
    "save": "cinematrix.models.artifact",
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
