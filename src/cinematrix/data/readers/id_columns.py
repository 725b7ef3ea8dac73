"""Columns of IDs, brought to integers or text by the rule of `data.ids`."""

import polars as pl

from cinematrix.data.ids import BLANKS, MAX_EXACT_FLOAT, WHOLE_WITH_ZEROS
from cinematrix.data.readers.notation import MISSING_IDS
from cinematrix.errors import DataError

HEAD = 100
"""First IDs of a column that must be integers before all are tried."""

_EXCEL_TEXT = r'^="([^"]*)"$'
"""Pattern of a formula that keeps Excel from taking an ID for a number: `="007"`."""


def describe_type(column: pl.Series) -> str:
    """Return the type of a column in words."""
    name = str(column.dtype).split("(")[0]
    return {"Struct": "records with fields", "List": "lists", "Array": "lists", "Object": "Python objects",
            "Duration": "durations", "Time": "times of day"}.get(name, name)  # fmt: skip


def as_id_column(column: pl.Series, what: str = "the column of the movie") -> tuple[pl.Series, str]:
    """Return a column of IDs by the rule of `data.ids`: Int64 if all are integers of 64 bits, else text or null.

    The text beside it is an ID that a spreadsheet has rounded, such as 1.23457E+12, or blank.

    Raises:
        DataError: the column holds neither whole numbers nor text.
    """
    if column.dtype in (pl.Categorical, pl.Enum, pl.Binary) or column.dtype.is_decimal():
        column = column.cast(pl.String, strict=False)
    if column.dtype.is_float():
        column = column.fill_nan(None)
        if (column.abs() > MAX_EXACT_FLOAT).any():
            raise DataError(
                f"{what} holds {column.dtype} beyond 2^53, which have lost digits; give the IDs as integers or text"
            )
        if (column.is_null() | (column == column.round())).all():
            column = column.cast(pl.Int64)  # pandas turns a column of integers with a gap into floats
    if column.dtype.is_integer():
        numbers = column.cast(pl.Int64, strict=False)
        if numbers.null_count() == column.null_count():
            return numbers, ""
        column = column.cast(pl.String)
    if column.dtype not in (pl.String, pl.Null):
        raise DataError(f"{what} holds {describe_type(column)}; IDs must be integers or text")
    return _text_ids(column.cast(pl.String))


def _text_ids(column: pl.Series) -> tuple[pl.Series, str]:
    """Return text IDs in their one form; only the distinct ones are looked at."""
    raw = column.drop_nulls().unique(maintain_order=False)
    text = raw.str.strip_chars(BLANKS).str.replace(_EXCEL_TEXT, "$1")
    if (text.str.len_bytes() != text.str.len_chars()).any():
        text = text.str.normalize("NFC")
    text = text.str.replace(WHOLE_WITH_ZEROS, "$1")
    text = pl.select(pl.when((text != "") & ~text.is_in(list(MISSING_IDS))).then(text)).to_series()
    rounded = text.filter(text.str.contains(r"^\d([.,]\d+)?[eE]\+\d+$"))
    if not (text.null_count() == 0 and (text == raw).all()):
        changed = text.is_null() | (text != raw)
        column = column.replace(raw.filter(changed), text.filter(changed))
    numbers = plain_integers(text)
    return (column if numbers is None else column.cast(pl.Int64)), (rounded[0] if len(rounded) else "")


def plain_integers(text: pl.Series) -> pl.Series | None:
    """Return text as Int64 if all values are integers without leading zeros or plus; else None."""
    head = text.head(HEAD)
    if head.cast(pl.Int64, strict=False).null_count() != head.null_count():
        return None
    numbers = text.cast(pl.Int64, strict=False)
    if numbers.null_count() != text.null_count() or text.str.contains(r"^(-?0\d|\+|-0$)").any():
        return None
    return numbers
