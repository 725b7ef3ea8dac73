"""Durations: the length of a day, and parsing of texts such as `24h`."""

import re

from cinematrix.errors import SettingError

DAY_SECONDS = 86_400
"""Seconds of a day."""

DAY_MS = 1000 * DAY_SECONDS
"""Milliseconds of a day, in which the store counts."""


def parse_duration(text: str) -> float:
    """Parse a duration such as `24h` to seconds.

    Raises:
        SettingError: the text has another form.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip())
    if not match or (not match[2] and float(match[1])):
        raise SettingError(f"{text!r} isn't a duration; write a number with s, m, h or d, such as 24h")
    return float(match[1]) * {"": 0, "s": 1, "m": 60, "h": 3600, "d": DAY_SECONDS}[match[2]]
