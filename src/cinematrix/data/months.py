"""Names of months, in the languages of the tables and exports that spell them."""

from functools import lru_cache

from cinematrix.common.text import without_accents

BEGINNINGS = {
    1: "jan ene gen янв sty oca",
    2: "feb fev fevr fevrer февр фев lut sub",
    3: "mar mrt maa мар",
    4: "apr abr avr апр kwi nis",
    5: "may mai maj mei mag май мая",
    6: "jun juin giu июн cze haz",
    7: "jul juil lug июл lip tem",
    8: "aug ago aou авг sie agu",
    9: "sep set сен wrz eyl",
    10: "oct okt ott out окт paz eki",
    11: "nov ноя lis kas",
    12: "dec dez dic des дек gru ara",
}
"""Beginnings of the names of each month, without accents."""

_MONTHS = sorted(
    ((start, month) for month, names in BEGINNINGS.items() for start in names.split()), key=lambda s: -len(s[0])
)


@lru_cache(maxsize=1024)
def month_of(name: str) -> int | None:
    """Return the number of a month by its name or the beginning of it; None if the word names no month.

    >>> month_of("Décembre"), month_of("wrz"), month_of("Friday")
    (12, 9, None)
    """
    plain = without_accents(name)
    return next((month for start, month in _MONTHS if plain.startswith(start)), None)
