"""Columns that look like ratings, times or counts by what is in them."""

import re
from collections.abc import Sequence

import polars as pl

from cinematrix.data.readers.notation import MISSING, parse_rating

MAX_LEVELS = 21
"""Distinct values up to which numbers look like ratings."""

OTHER_NAMES = frozenset(
    """title name movietitle moviename year releaseyear movieyear genre genres age agegroup gender sex occupation job
    zip zipcode postcode country city region language lang locale device platform runtime duration budget revenue
    popularity votecount voteaverage season episode episodenumber helpful helpfulvote helpfulvotes upvotes downvotes
    verified verifiedpurchase index unnamed id row rownumber rownames session sessionid fold split price tag comment
    review text summary url imdbid tmdbid imdb tmdb asin isbn""".split()  # noqa: SIM905
) | {""}
"""Plain names of columns that are something else, whatever is in them."""

_NAMES = {
    "rating": re.compile(r"rating|score|stars|grade|bewert|puntu|calif|valora|voto|оцен|рейт|评分"),
    "time": re.compile(r"(?<!play)(?<!run)(?<!watch)time|date|stamp|datum|fecha|дата|日期"),
    "count": re.compile(r"count|plays|views|watches|listen|scrobble|playtime|watchtime|hours|minutes"),
}
"""Parts of names that speak for a role."""

_DATE = r"^\s*(\d{4}[-/.年]\s*\d{1,2}[-/.月]|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})"


def resembles(name: str, values: pl.Series, roles: Sequence[str]) -> str | None:
    """Return the first of `roles` that a column of text looks like; None if it looks like none of them."""
    plain = re.sub(r"[\s_\-.]+", "", name.split(":")[0].casefold())
    texts = [text.strip() for text in values.drop_nulls().to_list()]
    texts = [text for text in texts if text.casefold() not in MISSING]
    if plain in OTHER_NAMES or not texts or not roles:
        return None
    looks = {"time": looks_like_times, "rating": looks_like_ratings, "count": looks_like_counts}
    order = [role for role in ("time", "rating", "count") if role in roles]
    named = [role for role in order if _NAMES[role].search(plain) and _numbers(texts)]
    return next((role for role in [*named, *order] if role in named or looks[role](texts)), None)


def _numbers(texts: list[str]) -> list[float]:
    """Return the numbers that texts are; none if any is no number."""
    try:
        return [float(text) for text in texts]
    except ValueError:
        return []


def looks_like_ratings(texts: list[str]) -> bool:
    """Return True for few levels from -10 to 10, or a notation of ratings (4/5, 90 %, ★★★)."""
    if len(set(texts)) < 2:
        return False
    parsed = [parse_rating(text) for text in set(texts)]
    if any(each is None for each in parsed):
        return False
    notations = {each.notation for each in parsed if each is not None} - {""}
    values = [each.value for each in parsed if each is not None]
    return bool(notations) or (len(values) <= MAX_LEVELS and min(values) >= -10 and max(values) <= 10)


def looks_like_times(texts: list[str]) -> bool:
    """Return True for epoch times after 1985 in any unit, compact dates, and dates with separators."""
    numbers = _numbers(texts)
    if numbers:
        ranges = ((5e8, 5e9), (5e11, 5e12), (5e14, 5e15), (5e17, 5e18), (18880101, 20991231), (1.888e13, 2.1e13))
        return any(low <= min(numbers) and max(numbers) <= high for low, high in ranges)
    return all(re.match(_DATE, text) for text in texts)


def looks_like_counts(texts: list[str]) -> bool:
    """Return True for numbers from 0 up that differ: plays, or hours."""
    numbers = _numbers(texts)
    return len(set(numbers)) > 1 and min(numbers) >= 0
