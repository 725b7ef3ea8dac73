"""Notations of ratings and of missing values in text: decimal commas, fractions, percent, stars, thumbs."""

import re
from collections import Counter
from typing import NamedTuple

import polars as pl

MISSING = frozenset(
    (
        "",
        "na",
        "n/a",
        "#n/a",
        "nan",
        "null",
        "none",
        "<na>",
        "nil",
        "n.a.",
        "\\n",
        "-",
        "–",
        "—",
        "?",
        "unrated",
        "not rated",
    )
)
"""Texts, in lower case, that stand for a missing value in a cell of numbers."""

MISSING_IDS = frozenset(("nan", "NaN", "NULL", "null", "None", "<NA>", "NA", "N/A", "#N/A", "\\N"))
"""Texts that stand for a missing ID, as programs write them."""

THUMBS = {
    1.0: "up,thumb up,thumbs up,thumbsup,thumb_up,thumbs_up,like,liked,likes,love,👍,❤,❤️,positive,recommended,"
    "yes,y,true,t,ja,oui,sí,si,sim,да",
    0.0: "down,thumb down,thumbs down,thumbsdown,thumb_down,thumbs_down,dislike,disliked,👎,negative,not recommended,"
    "no,n,false,f,nein,non,não,нет",
}
"""Words of approval and disapproval, and the ratings that they become."""

_WORDS = {word: value for value, words in THUMBS.items() for word in words.split(",")}

_NUMBER = r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?"
_FRACTION = re.compile(rf"({_NUMBER})\s*(?:/|of|out of|von|sur|de|su|из)\s*(\d+(?:[.,]\d+)?)\s*[^\W\d]*\.?")
_PERCENT = re.compile(rf"({_NUMBER})\s*[%٪％]")
_UNIT = re.compile(rf"({_NUMBER})\s*(?:stars?|sterne?|[ée]toiles?|estrellas?|stelle|stella|звезд\w*|★|⭐️?)")
_STARS = re.compile(r"[★⭐🌟✭☆✩*½⯨\s\ufe0f]+")


WORDS = "thumbs or yes/no"
"""Notation of words, which are ratings only in a column without numbers."""


class ParsedRating(NamedTuple):
    """Rating in a text: its value, the top of the scale that the text names, and the notation ("" for a number)."""

    value: float
    top: float | None = None
    notation: str = ""


def parse_rating(text: str) -> ParsedRating | None:
    """Parse a rating in any notation; None if it is none.

    >>> parse_rating("4/5"), parse_rating("★★★½☆")
    (ParsedRating(value=4.0, top=5.0, notation='fraction'), ParsedRating(value=3.5, top=5.0, notation='stars'))
    """
    plain = re.sub(r"(?<=\d)\s*½", ".5", text.strip())
    if re.fullmatch(_NUMBER, plain):
        return ParsedRating(_float(plain), None, "decimal comma" if "," in plain else "")
    if match := _FRACTION.fullmatch(plain):
        return ParsedRating(_float(match[1]), _float(match[2]), "fraction")
    if match := _PERCENT.fullmatch(plain):
        return ParsedRating(_float(match[1]), 100.0, "percent")
    if match := _UNIT.fullmatch(plain):
        return ParsedRating(_float(match[1]), None, "stars")
    if re.search("[★⭐🌟✭*½]", plain) and _STARS.fullmatch(plain):
        filled, half, empty = (sum(plain.count(star) for star in stars) for stars in ("★⭐🌟✭*", "½⯨", "☆✩"))
        return ParsedRating(filled + half / 2, filled + half + empty if empty else None, "stars")
    word = _WORDS.get(plain.casefold())
    return None if word is None else ParsedRating(word, None, WORDS)


def _float(text: str) -> float:
    return float(text.replace(",", "."))


class ParsedRatings(NamedTuple):
    """Ratings of a column in text.

    Attributes:
        values: Float64, null where the text is no rating.
        top: top of the scale that the texts name; None if they name none.
        notations: rows of each notation that isn't a plain number.
    """

    values: pl.Series
    top: float | None
    notations: Counter[str]


def parse_ratings(texts: pl.Series) -> ParsedRatings:
    """Parse a column of ratings in text; fractions of different tops are brought to the largest."""
    distinct = texts.drop_nulls().value_counts()
    parsed = {text: (parse_rating(text), rows) for text, rows in distinct.iter_rows()}
    only_words = all(
        each and each.notation == WORDS for text, (each, _) in parsed.items() if text.casefold() not in MISSING
    )
    if not only_words:  # a word beside numbers is an error
        parsed = {text: (each, rows) for text, (each, rows) in parsed.items() if each and each.notation != WORDS}
    tops = [each.top for each, _ in parsed.values() if each is not None and each.top]
    top = max(tops, default=None)
    values, notations = {}, Counter[str]()
    for text, (each, rows) in parsed.items():
        if each is not None:
            values[text] = each.value * top / each.top if top and each.top else each.value
            notations[each.notation] += rows
    del notations[""]
    numbers = texts.replace_strict(
        pl.Series(list(values), dtype=pl.String), pl.Series(list(values.values()), dtype=pl.Float64), default=None
    )
    return ParsedRatings(numbers.cast(pl.Float64), top, notations)
