"""Details of movies from TMDB: plot, people, running time, languages, trailer, and by country certification and offers.

What TMDB sends is checked value by value, and only what the page shows is kept.
"""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from cinematrix.service.tmdb import TmdbCache

MAX_CAST, MAX_NAMES, MAX_TEXT, MAX_PLOT = 8, 12, 200, 3_000
"""Maximum actors, other names of a list, and characters of a name and of the plot."""

PARTS = "credits,videos,watch/providers,translations,release_dates"
"""Parts of a movie that are requested with it."""

MAX_LABEL = 20
"""Maximum characters of a certification."""

RELEASES = (3, 2, 1, 4, 5, 6)
"""TMDB's kinds of releases in the order in which their certifications count: cinema, few cinemas, premiere, others."""

LANGUAGES = ("de",)
"""Languages, besides English, whose title and plot are kept: those of the page."""

_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}", re.ASCII)
_VIDEO_KEY = re.compile(r"[\w-]{1,40}", re.ASCII)
_OFFERS_LINK = re.compile(r"https://www\.themoviedb\.org/[\x21-\x7e]{1,200}", re.ASCII)


class Offers(BaseModel):
    """Services that have a movie in a country, and TMDB's page of their offers. Data by JustWatch."""

    link: str | None
    stream: list[str]
    rent: list[str]
    buy: list[str]


class Translation(BaseModel):
    """Title and plot of a movie in another language; null where there is none."""

    title: str | None
    plot: str | None


class TmdbDetails(BaseModel):
    """Details of a movie at TMDB; null and empty where it has none.

    `minutes`: running time. `language`: code of the original language. `trailer`: key of a video at YouTube. `watch`:
    offers by country code (ISO 3166-1). `translations`: by code of `LANGUAGES`. `certifications`: by country code.
    """

    plot: str | None
    original_title: str | None
    directors: list[str]
    cast: list[str]
    minutes: int | None
    languages: list[str]
    language: str | None = None
    trailer: str | None
    watch: dict[str, Offers]
    translations: dict[str, Translation] = {}
    certifications: dict[str, str] = {}


class DetailsCache(TmdbCache):
    """Details by TMDB movie ID, each as the JSON of `TmdbDetails`."""

    kind = "details"

    @property
    def days(self) -> float:
        return self._settings.details_days

    def _download(self, number: str) -> bytes:
        movie = self._movie(number, PARTS)
        return parse_details(movie).model_dump_json().encode() if isinstance(movie, dict) else b""


def parse_details(movie: dict[str, Any]) -> TmdbDetails:
    """Return the details in TMDB's description of a movie; what isn't as documented counts as missing."""
    people, minutes, language = _member(movie, "credits"), movie.get("runtime"), movie.get("original_language")
    countries = _member(_member(movie, "watch/providers"), "results")
    return TmdbDetails(
        plot=_text(movie.get("overview"), MAX_PLOT), original_title=_text(movie.get("original_title")),
        directors=_names(each for each in _rows(people, "crew") if each.get("job") == "Director"),
        cast=_names(_rows(people, "cast"))[:MAX_CAST],
        minutes=minutes if type(minutes) is int and 0 < minutes < 10_000 else None,
        languages=_names(_rows(movie, "spoken_languages"), "english_name"),
        language=language if isinstance(language, str) and _LANGUAGE.fullmatch(language) else None,
        trailer=next(_trailers(_member(movie, "videos")), None),
        watch={code: _offers(_member(countries, code)) for code in countries if _COUNTRY.fullmatch(str(code))},
        certifications=dict(_certifications(_rows(_member(movie, "release_dates"), "results"))),
        translations={code: each for code in LANGUAGES if (each := _translation(movie, code))},
    )  # fmt: skip


def _translation(movie: dict[str, Any], language: str) -> Translation | None:
    """Return the title and plot in a language, from the first of its regions that has one; None if none has."""
    rows = [_member(row, "data") for row in _rows(_member(movie, "translations"), "translations")
            if row.get("iso_639_1") == language]  # fmt: skip
    title = next(filter(None, (_text(row.get("title")) for row in rows)), None)
    plot = next(filter(None, (_text(row.get("overview"), MAX_PLOT) for row in rows)), None)
    return Translation(title=title, plot=plot) if title or plot else None


def _certifications(countries: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield the countries with their certifications of a movie."""
    for country in countries:
        code, releases = str(country.get("iso_3166_1")), _rows(country, "release_dates")
        labels = [
            (RELEASES.index(row["type"]), label)
            for row in releases
            if row.get("type") in RELEASES and (label := _text(row.get("certification"), MAX_LABEL))
        ]
        if labels and _COUNTRY.fullmatch(code):
            yield code, min(labels, key=lambda each: each[0])[1]


def _offers(country: dict[str, Any]) -> Offers:
    link = _text(country.get("link"), 300) or ""
    stream, rent, buy = (_names(_rows(country, kind), "provider_name") for kind in ("flatrate", "rent", "buy"))
    return Offers(link=link if _OFFERS_LINK.fullmatch(link) else None, stream=stream, rent=rent, buy=buy)


def _trailers(videos: dict[str, Any]) -> Iterator[str]:
    """Yield the keys of trailers at YouTube, official ones first."""
    rows = [row for row in _rows(videos, "results") if row.get("site") == "YouTube" and row.get("type") == "Trailer"]
    for row in sorted(rows, key=lambda row: row.get("official") is not True):
        if isinstance(key := row.get("key"), str) and _VIDEO_KEY.fullmatch(key):
            yield key


def _member(of: dict[str, Any], name: str) -> dict[str, Any]:
    value = of.get(name)
    return value if isinstance(value, dict) else {}


def _rows(of: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = of.get(name)
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _names(rows: Iterator[dict[str, Any]] | list[dict[str, Any]], member: str = "name") -> list[str]:
    names = (_text(row.get(member)) for row in rows)
    return list(dict.fromkeys(name for name in names if name))[:MAX_NAMES]


def _text(value: Any, most: int = MAX_TEXT) -> str | None:
    return value.strip()[:most] or None if isinstance(value, str) else None
