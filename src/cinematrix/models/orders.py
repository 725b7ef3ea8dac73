"""Orders of lists: by liking, by ranking or by stars."""

from typing import Literal, TypeGuard, get_args

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.errors import SettingError
from cinematrix.models.base import Recommender
from cinematrix.models.contract_types import Ordering
from cinematrix.models.liking import score_by_liking

ListOrder = Literal["liking", "ranking", "stars"]
"""Criterion that orders a list: liking, the probability of being watched, or the expected rating."""

DEFAULT_ORDER: ListOrder = "liking"
"""Order of a list for which none is named."""


def is_order(name: str) -> TypeGuard[ListOrder]:
    """Return True for the name of an order."""
    return name in get_args(ListOrder)


def resolve_order(model: Recommender, by: str | None) -> ListOrder:
    """Return the order `by` of the model's lists; None: the default order.

    Raises:
        SettingError: there is no such order, or the model can't order by it.
    """
    order = DEFAULT_ORDER if by is None else by
    if not is_order(order):
        raise no_order_error(order)
    if order == "stars" and not predicts_stars(model):
        raise SettingError(f"{model.name} predicts no stars to order lists by; order by liking or ranking")
    return order


def no_order_error(name: str) -> SettingError:
    """Return the error that lists the orders."""
    return SettingError(f"lists can't be ordered by {name!r}; order by liking, ranking or stars")


def predicts_stars(model: Recommender) -> bool:
    """Return True if the model predicts ratings on a scale."""
    return model.abilities.stars and model.data.scale is not None


def explained_by(by: ListOrder) -> Ordering:
    """Return the criterion whose shares explain a list: lists by liking are explained by ranking."""
    return "stars" if by == "stars" else "ranking"


def score_lists(
    model: Recommender, histories: Histories, *, by: ListOrder, among: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Return the scores that order each history's list. float32 `[len(histories), len(model.data.movies)]`.

    Args:
        among: mask of the movies that a list may hold, of all lists `[n_movies]` or of each; scores of the others may
            be estimates. None: all.
    """
    if by == "liking":
        return score_by_liking(model, histories, among)
    return model.list_stars(histories, among) if by == "stars" else model.score(histories, by=by)
