"""Artefacts of earlier formats, translated to today's: names of format 3, arrays in single precision of 3 and 4."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from cinematrix.models.components.ease_low_rank import ITEM_VECTORS
from cinematrix.models.components.quantised_rows import QuantisedRows

SETTINGS = {
    "deep-mf": {
        "kriging": "residual_gp",
        "neighbours": "ease_rank",
        "refit": "two_stage",
        "movie_doubt": "movie_shrinkage",
        "unseen": "unseen_weight",
        "hidden": "hidden_share",
        "pair": "pair_width",
        "free_ids": "id_embeddings",
    },
    "item-knn": {"doubt": "shrinkage", "ranking_doubt": "ranking_shrinkage"},
    "user-knn": {"doubt": "shrinkage", "ranking_doubt": "ranking_shrinkage"},
    "ials": {"nu": "regularization_exponent"},
    "vae": {"anneal": "anneal_share"},
    "neumf": {"popularity": "popularity_exponent"},
}
"""Today's names of settings renamed since format 3, by model and old name."""

ARRAYS = {
    "neighbours.inward": "ease_low_rank.item_vectors",
    "neighbours.weight": "ease_low_rank.weight",
    "kriging.": "residual_gp.",
    "newcomers.": "new_movie_gp.",
    "spread.": "uncertainty.",
    "ranking.chance": "ranking.calibration",
    "chance": "calibration",
}
"""Today's prefixes of arrays renamed since format 3, by their old prefixes."""

QUANTISED = (ITEM_VECTORS, "residual_gp.places", "new_movie_gp.places")
"""Ends of the names of arrays that are 16-bit integers since format 5."""


def translate(
    number: int, model: str, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return the settings and the arrays of a `model` saved in the format `number` as today's format has them."""
    if number < 4:
        names = SETTINGS.get(model, {})
        settings = {names.get(name, name): value for name, value in settings.items()}
        arrays = {_rename(name): array for name, array in arrays.items()}
    return dict(settings), {name: part for each in arrays.items() for name, part in _quantise(*each).items()}


def _rename(name: str) -> str:
    old = next((old for old in ARRAYS if name.startswith(old)), "")
    return ARRAYS.get(old, "") + name.removeprefix(old)


def _quantise(name: str, array: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return an array of `QUANTISED`, also of a part of `blend`, as it is since format 5; other arrays as given."""
    return QuantisedRows.of(array).arrays(name) if name.endswith(QUANTISED) else {name: array}
