"""Names in artefacts of format 3, translated to today's names."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

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
"""Today's names of renamed settings, by model and old name."""

ARRAYS = {
    "neighbours.inward": "ease_low_rank.item_vectors",
    "neighbours.weight": "ease_low_rank.weight",
    "kriging.": "residual_gp.",
    "newcomers.": "new_movie_gp.",
    "spread.": "uncertainty.",
    "ranking.chance": "ranking.calibration",
    "chance": "calibration",
}
"""Today's prefixes of renamed arrays, by their old prefixes."""


def translate_settings(model: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the saved settings of `model` under today's names."""
    names = SETTINGS.get(model, {})
    return {names.get(name, name): value for name, value in settings.items()}


def translate_arrays(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the saved arrays of any model under today's names."""
    return {_translate(name): array for name, array in arrays.items()}


def _translate(name: str) -> str:
    old = next((old for old in ARRAYS if name.startswith(old)), "")
    return ARRAYS.get(old, "") + name.removeprefix(old)
