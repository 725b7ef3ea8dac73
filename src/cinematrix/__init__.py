"""Cinematrix: movie recommendation by deep matrix factorization.

Begin with the lines of `cinematrix/quick_tour.py`: `python -m cinematrix.quick_tour` runs them in the folder of a
ratings.csv. Each name is loaded when it is first used, so that importing the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cinematrix.api.data import ratings, read, split
    from cinematrix.api.evaluation import compare, evaluate, protocols, tune
    from cinematrix.api.model import Model, load, model
    from cinematrix.data.catalog import Catalog
    from cinematrix.data.dataset import Dataset
    from cinematrix.data.ratings import Ratings, Scale
    from cinematrix.errors import CinematrixError
    from cinematrix.models.base import Recommender
    from cinematrix.models.contract_types import Abilities, Training
    from cinematrix.models.registry import register

__all__ = [
    "Abilities",
    "Catalog",
    "CinematrixError",
    "Dataset",
    "Model",
    "Ratings",
    "Recommender",
    "Scale",
    "Training",
    "compare",
    "evaluate",
    "load",
    "model",
    "protocols",
    "ratings",
    "read",
    "register",
    "split",
    "tune",
]

_HOMES = {
    "Abilities": "cinematrix.models.contract_types",
    "Catalog": "cinematrix.data.catalog",
    "CinematrixError": "cinematrix.errors",
    "Dataset": "cinematrix.data.dataset",
    "Model": "cinematrix.api.model",
    "Ratings": "cinematrix.data.ratings",
    "Recommender": "cinematrix.models.base",
    "Scale": "cinematrix.data.ratings",
    "Training": "cinematrix.models.contract_types",
    "compare": "cinematrix.api.evaluation",
    "evaluate": "cinematrix.api.evaluation",
    "load": "cinematrix.api.model",
    "model": "cinematrix.api.model",
    "protocols": "cinematrix.api.evaluation",
    "ratings": "cinematrix.api.data",
    "read": "cinematrix.api.data",
    "register": "cinematrix.models.registry",
    "split": "cinematrix.api.data",
    "tune": "cinematrix.api.evaluation",
}
"""The module of each public name, imported when the name is first used (PEP 562)."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("cinematrix")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
