"""Orders of the measured lists."""

from typing import TypeGuard, get_args

from cinematrix.errors import SettingError
from cinematrix.models.base import Ordering, Recommender

DEFAULT_ORDER: Ordering = "ranking"
"""Order of a list for which none is named."""


def is_order(name: str) -> TypeGuard[Ordering]:
    """Return True for the name of an order."""
    return name in get_args(Ordering)


def resolve_order(model: Recommender, by: str | None) -> Ordering:
    """Return the order `by` of the model's lists; None: the default order.

    Raises:
        SettingError: there is no such order, or the model can't order by it.
    """
    order = DEFAULT_ORDER if by is None else by
    if not is_order(order):
        raise no_order_error(order)
    if order == "stars" and not predicts_stars(model):
        raise SettingError(f"{model.name} predicts no stars to order lists by; use by='ranking'")
    return order


def no_order_error(name: str) -> SettingError:
    """Return the error that lists the orders."""
    return SettingError(f"lists can't be ordered by {name!r}; order by {' or '.join(get_args(Ordering))}")


def predicts_stars(model: Recommender) -> bool:
    """Return True if the model predicts ratings on a scale."""
    return model.abilities.stars and model.data.scale is not None
