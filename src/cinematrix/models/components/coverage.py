"""Coverage of intervals."""

from cinematrix.errors import SettingError


def check_coverage(coverage: float) -> None:
    """Raise an error for a coverage that isn't a share between 0 and 1.

    Raises:
        SettingError: `coverage` is outside.
    """
    if not 0 < coverage < 1:
        raise SettingError(f"coverage is {coverage}; it is a share between 0 and 1, such as 0.8")
