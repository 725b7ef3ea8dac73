"""Columns of a catalog."""

import polars as pl

_NAMES = pl.List(pl.String())
SCHEMA = pl.Schema({
    "title": pl.String(), "year": pl.Int32(), "genres": _NAMES, "tags": _NAMES, "imdb": pl.String(),
    "tmdb": pl.String(),
})  # fmt: skip
"""Columns of `Catalog.frame`; a tag that several users gave is repeated in its list."""

FACTS = pl.Schema({
    "runtime": pl.Int32(), "languages": _NAMES, "original_title": pl.String(), "directors": _NAMES, "cast": _NAMES,
    "certification": pl.String(),
})  # fmt: skip
"""Further columns of `Catalog.frame`, which it has if the file of movies has them; `runtime` in minutes."""

KNOWN = pl.Schema(SCHEMA | FACTS)
"""All columns that a catalog may have."""

NO_NULL_LISTS = pl.col(_NAMES).fill_null([])
"""Expression that makes null lists empty."""


def select_known(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the columns that a catalog has, of a frame that was written by this version or by another one."""
    columns = {name: dtype for name, dtype in KNOWN.items() if name in SCHEMA or name in frame.columns}
    return frame.select(list(columns)).cast(pl.Schema(columns))


def blank_column(name: str, n: int) -> pl.Series:
    """Return a column of `FACTS` without values."""
    blank = pl.Series(name, [None] * n, dtype=FACTS[name])
    return blank.fill_null([]) if FACTS[name] == _NAMES else blank
