"""The rating scale of a store, in whose steps ratings are stored."""

from sqlalchemy import Connection, select

from cinematrix.data.ratings import Scale
from cinematrix.errors import SettingError, StoreError
from cinematrix.store.tables import SCALE


def read_scale(connection: Connection) -> Scale | None:
    """Return the scale of the store's ratings; None if it isn't fixed yet."""
    row = connection.execute(select(SCALE)).first()
    return None if row is None else Scale(*row)


def check_scale(stored: Scale | None, scale: Scale) -> None:
    """Check a model's scale against the store's.

    Raises:
        SettingError: the scale has no steps.
        StoreError: the store holds ratings on another scale.
    """
    if not scale.step:
        raise SettingError(f"the scale {scale} has no steps, which the store needs; train with rounded ratings")
    if stored is not None and stored != scale:
        raise StoreError(
            f"the store's ratings are {stored} in steps of {stored.step:g} and the model's {scale} "
            f"in steps of {scale.step:g}; serve a model of the same scale or give another database"
        )
