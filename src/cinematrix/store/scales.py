"""What the steps in a store are steps of."""

from sqlalchemy import Connection, select

from cinematrix.data.ratings import Scale
from cinematrix.errors import SettingError, StoreError
from cinematrix.store.tables import SCALE


def read_scale(connection: Connection) -> Scale | None:
    """What the steps in this store are steps of, once it is known."""
    row = connection.execute(select(SCALE)).first()
    return None if row is None else Scale(*row)


def check_scale(kept: Scale | None, scale: Scale) -> None:
    """Refuse a model's scale that a store, whose own is `kept`, doesn't go with.

    Raises:
        SettingError: the scale has no steps.
        StoreError: the store holds ratings on another scale.
    """
    if not scale.step:
        raise SettingError(f"the scale {scale} has no steps, in which ratings are kept; train with rounded ratings")
    if kept is not None and kept != scale:
        raise StoreError(
            f"the store's ratings are {kept} in steps of {kept.step:g} and the model's {scale} "
            f"in steps of {scale.step:g}; serve a model of the same scale or give another database"
        )
