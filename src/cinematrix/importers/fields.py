"""Meaning of the texts in a row: ratings, kinds of work, states of watching, flags and IDs in addresses."""

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from cinematrix.common.text import without_accents
from cinematrix.importers.entries import Kind, parse_external_id, parse_number

Mark = Literal["seen", "watchlist", "like", "unfinished"]


class RatingText(NamedTuple):
    """A rating as written: its value, and the best rating if the text says it (`8/10`, `90%`, `★★★★`), else 0."""

    value: float
    highest: float


MAX_RATING_LETTERS = 40
_OF = re.compile(r"(.+?)\s*(?:/|\bout of\b|\bof\b|\bvon\b|\bsur\b|\bde\b)\s*(\d{1,3})", re.ASCII | re.IGNORECASE)
_STARS = re.compile(r"(\d{1,3}(?:[.,]\d+)?)\s*(?:[★⭐*]|stars?|sterne?)", re.IGNORECASE)
FULL_STARS, EMPTY_STARS, HALF_STARS = "★⭐✭✮🌟*", "☆✩", "½⯨⯪"


def parse_rating(text: str) -> RatingText | None:
    """Parse a rating: a number, `8/10`, `90%`, stars as signs or words; None for anything else."""
    plain = text.strip().replace("\ufe0f", "")
    if len(plain) > MAX_RATING_LETTERS:
        return None
    if (value := parse_number(plain)) is not None:
        return RatingText(value, 0)
    if plain.endswith("%") and (value := parse_number(plain[:-1])) is not None:
        return RatingText(value, 100)
    if (of := _OF.fullmatch(plain)) and (value := parse_number(of[1])) is not None and int(of[2]):
        return RatingText(value, float(of[2]))
    if (stars := _STARS.fullmatch(plain)) and (value := parse_number(stars[1])) is not None:
        return RatingText(value, 5)
    if plain.endswith("½") and (value := parse_number(plain[:-1])) is not None and value >= 0:
        return RatingText(value + 0.5, 0)
    return _count_stars(plain)


def _count_stars(text: str) -> RatingText | None:
    if not text or not set(text) <= set(FULL_STARS + EMPTY_STARS + HALF_STARS + " "):
        return None
    full, empty, half = (sum(map(text.count, signs)) for signs in (FULL_STARS, EMPTY_STARS, HALF_STARS))
    return RatingText(full + half / 2, 10 if full + empty + half > 5 else 5)


NOT_FILMS = (
    "serie",
    "serial",
    "episod",
    "episode",
    "season",
    "staffel",
    "saison",
    "temporada",
    "stagione",
    "game",
    "spiel",
    "podcast",
    "music",
    "musik",
    "エピソード",
    "manga",
    "book",
    "audiobook",
    "сериал",
    "эпизод",
    "剧",
    "劇",
    "综艺",
    "시리즈",
    "드라마",
    "ドラマ",
    "シリーズ",
    "sarja",
    "sorozat",
    "dizi",
)
FILMS = ("movie", "film", "feature", "short", "documentary", "special", "фильм", "мульт", "电影", "映画", "영화")
PERHAPS_NOT_FILMS = (
    "tv",
    "show",
    "person",
    "people",
    "actor",
    "director",
    "anime",
    "album",
    "artist",
    "channel",
    "track",
    "photo",
    "тв",
    "动漫",
)
"""Parts of words for kinds of work, in this order of precedence. A kind with none of them passes for a film."""

_NOT_FILM_ADDRESS = re.compile(r"/(?:tv|shows?|series|seasons?|episodes?|games?|person|name|anime)/", re.IGNORECASE)


@lru_cache(maxsize=1024)
def is_film(text: str) -> bool:
    """Return whether a kind of work (`movie`, `TV Episode`, `Série de TV`, `videoGame`) may be a film; blank ones may.

    >>> [is_film(kind) for kind in ("Movie", "TV Movie", "tvMiniSeries", "Fernsehfilm", "tv", "Sendung")]
    [True, True, False, True, False, True]
    """
    plain = without_accents(text)
    if any(part in plain for part in NOT_FILMS):
        return False
    return any(part in plain for part in FILMS) or not any(part in plain for part in PERHAPS_NOT_FILMS)


_SERIES_MARK = re.compile(
    r"[(\[](?:tv[ -]?|mini[ -]?)*(?:series?|série|serial|miniserial|сериал|мини-сериал|剧集)(?: de| da)?(?: ?tv)?"
    r"(?:,? (?:18|19|20)\d\d\s*[-–—].*)?[)\]]\s*$",
    re.IGNORECASE,
)
_YEARS = re.compile(r"\s*(?:18|19|20)\d\d\s*(?:[–—]\s*|-\s*(?:18|19|20)\d\d|[–—-]\s*(?:\.\.\.|…))\s*", re.ASCII)


def is_series_title(text: str) -> bool:
    """Return whether a title ends with the mark of a series: `Dark (TV Series)`, `Тьма (сериал)`."""
    return text.endswith((")", "]")) and bool(_SERIES_MARK.search(text))


def spans_years(text: str) -> bool:
    """Return whether a year is a span, as of series: `2011 – 2019`, `2017–`."""
    return bool(_YEARS.match(text)) if len(text) > 4 else False


def is_film_address(text: str) -> bool:
    """Return whether a web address isn't of a series, an episode, a game or a person."""
    return not _NOT_FILM_ADDRESS.search(text)


STATES: dict[str, Mark] = {
    **dict.fromkeys(
        [
            "completed",
            "complete",
            "finished",
            "watched",
            "seen",
            "rewatch",
            "rewatched",
            "rewatching",
            "watch",
            "done",
            "viewed",
            "dropped",
            "看过",
            "просмотрено",
            "просмотрен",
            "viewedfully",
        ],
        "seen",
    ),
    **dict.fromkeys(
        [
            "plantowatch",
            "planning",
            "planned",
            "plan",
            "towatch",
            "watchlist",
            "watchlater",
            "wishlist",
            "wish",
            "want",
            "wanttowatch",
            "wanttosee",
            "unwatched",
            "notwatched",
            "queued",
            "later",
            "想看",
            "будусмотреть",
            "хочупосмотреть",
        ],
        "watchlist",
    ),
    **dict.fromkeys(["favorite", "favorites", "favourite", "favourites", "liked", "loved", "like"], "like"),
    **dict.fromkeys(
        ["watching", "inprogress", "onhold", "hold", "paused", "current", "started", "在看", "смотрю"], "unfinished"
    ),
}
"""Marks by the states of watching of all sites, without spaces and signs."""


def parse_state(text: str) -> Mark | None:
    """Return the mark that a state means (`Plan to watch`, `COMPLETED`, `想看`); None for an unknown one."""
    return STATES.get(re.sub(r"[\W_]+", "", text.casefold()))


FALSE = frozenset({"", "no", "n", "false", "none", "null", "-", "never", "nein", "non", "нет"})


def parse_flag(text: str) -> bool:
    """Return whether a flag, a count or a date is set. A share below 1 is of a film that wasn't watched to the end."""
    number = parse_number(text)
    return number >= 1 if number is not None else text.strip().casefold() not in FALSE


_IMDB_ADDRESS = re.compile(r"\btt(\d{6,10})\b", re.ASCII)
_TMDB_ADDRESS = re.compile(r"themoviedb\.org/movie/(\d{1,9})|^tmdb(?:://|:)(\d{1,9})", re.ASCII | re.IGNORECASE)


def find_imdb(text: str) -> int | None:
    """Return IMDb's number in an ID or an address."""
    found = _IMDB_ADDRESS.search(text)
    return int(found[1]) or None if found else parse_external_id(text.removesuffix(".0"))


def find_tmdb(text: str) -> int | None:
    """Return TMDB's number in an ID or an address of a film."""
    found = _TMDB_ADDRESS.search(text)
    return int(found[1] or found[2]) or None if found else parse_external_id(text.removesuffix(".0"))


_NAMED_KINDS: dict[str, Kind] = {
    **dict.fromkeys(["watchlist", "wishlist", "wish", "watchlater", "towatch", "mylist"], "watchlist"),
    **dict.fromkeys(["watched", "seen", "history", "diary", "viewed", "checkins"], "seen"),
    **dict.fromkeys(["likes", "liked", "favorites", "favourites", "favorite", "favourite", "loved"], "like"),
    **dict.fromkeys(["ratings", "rated", "votes"], "rating"),
}
_FILLERS = frozenset(
    [
        *("kinopoisk", "kinorium", "filmweb", "douban", "criticker", "yamtrack", "watcharr", "jellyfin", "movary"),
        *("netflix", "simkl", "tvtime", "ryot", "plex", "kodi", "tautulli", "icheckmovies", "wetrakr", "tv", "time"),
        "imdb",
        "letterboxd",
        "trakt",
        "tmdb",
        "movielens",
        "my",
        "list",
        "lists",
        "export",
        "movies",
        "movie",
        "films",
        "film",
        "all",
        "copy",
        "kopie",
        "backup",
        "csv",
    ]
)


def kind_by_name(name: str) -> Kind | None:
    """Return the kind that a file's name says and nothing besides: `watchlist (1).csv`, `imdb_seen_list.csv`.

    >>> [kind_by_name(name) for name in ("watchlist (1).csv", "my films to see.csv", "movies I haven't seen.csv")]
    ['watchlist', None, None]
    """
    stem = name.rpartition("/")[2].rpartition(".")[0] or name
    words = [word for word in re.split(r"[\W_\d]+", stem.casefold()) if word and word not in _FILLERS]
    kinds = {_NAMED_KINDS.get(word) for word in words}
    return kinds.pop() if len(kinds) == 1 else None
