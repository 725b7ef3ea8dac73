"""Columns of a table of ratings, found by their names; those that look like a role by another name are asked about."""

import re
from functools import lru_cache

import polars as pl

from cinematrix.data.readers.lookalikes import resembles
from cinematrix.errors import DataError, SettingError

COLUMN_ALIASES = {
    "user": (
        "user", "userid", "user_id", "uid", "customerid", "customer", "reviewerid", "memberid", "accountid",
        "viewerid", "personid", "custid", "clientid", "profileid", "visitorid", "subscriberid", "userno", "benutzer",
        "benutzerid", "nutzer", "nutzerid", "utilisateur", "idutilisateur", "usuario", "usuário", "idusuario",
        "utente", "idutente", "gebruiker", "użytkownik", "пользователь", "用户", "用户id", "用户名", "ユーザー",
    ),
    "movie": (
        "movie", "movieid", "movie_id", "item", "itemid", "item_id", "film", "filmid", "productid", "product",
        "bookid", "isbn", "artistid", "animeid", "showid", "titleid", "contentid", "videoid", "gameid", "songid",
        "trackid", "jokeid", "iid", "appid", "filmslug", "movieslug", "mediaid",
        "businessid", "recipeid", "articleid", "película", "pelicula", "idpelicula",
        "filme", "фильм", "电影", "电影id", "映画",
    ),
    "rating": ("rating", "ratings", "stars", "score", "overall", "starrating", "bookrating", "userrating", "myrating",
               "movierating", "userscore", "myscore"),
    "time": ("timestamp", "time"),
    "count": ("count", "plays", "views", "playcount", "viewcount"),
}  # fmt: skip
"""Names of columns for each role; two of one role in a table are an error."""

FALLBACK_ALIASES = {
    "user": ("username", "reviewer", "reviewername", "member", "account", "person", "viewer", "client", "critic",
             "criticname", "profile", "author"),
    "movie": ("parentasin", "asin", "tconst", "imdbid", "imdb", "tmdbid", "tmdb", "title", "movietitle", "filmtitle",
              "itemtitle", "moviename", "filmname", "itemname"),
    "rating": ("grade", "mark", "rate", "note", "bewertung", "wertung", "sterne", "puntuación", "puntuacion",
               "calificación", "calificacion", "valoración", "valoracion", "nota", "avaliação", "voto", "valutazione",
               "beoordeling", "cijfer", "waardering", "ocena", "betyg", "puan", "pontszám", "hodnocení", "оценка",
               "рейтинг", "评分", "評価", "평점", "ratingvalue", "ratingval", "reviewscore", "reviewrating", "points",
               "vote", "preference", "thumb", "thumbs", "like", "liked"),
    "time": ("unixreviewtime", "unixtime", "epoch", "ts", "datetime", "date", "createdat", "created", "ratedat",
             "ratingdate", "ratingtimestamp", "ratingtime", "reviewdate", "reviewtime", "watchedat", "watcheddate",
             "watchdate", "datewatched", "lastplayed", "lastwatched", "playedat", "viewedat", "daterated", "dateadded",
             "addedat", "updatedat", "modified", "ratedon", "reviewedon", "reviewdt", "评论时间",
             "评分时间", "ratingyear", "datum", "tarih", "zeit", "zeitpunkt", "fecha", "heure", "data",
             "дата", "время", "时间", "日期"),
    "count": ("weight", "listens", "watches", "watchcount", "listencount", "timesplayed", "timeswatched", "nplays",
              "numplays", "frequency", "freq", "clicks", "hits", "quantity", "qty", "scrobbles", "wiedergaben",
              "aufrufe", "reproducciones", "écoutes", "lectures"),
}  # fmt: skip
"""Names that count where a table has none of `COLUMN_ALIASES` for the role; the first in this order is taken."""

ABSENT = "-"
"""Name of a column in `columns` that means: the table has none for this role."""

ALL_OTHERS = "*"
"""Name of the movies' column in `columns` of a wide table, whose other columns are the movies."""


@lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """Return a column's name without case, blanks, `#`, `_`, `-`, `.`, and the types of RecBole and MongoDB.

    >>> plain_name("User-ID"), plain_name("user_id:token"), plain_name("userId.$oid")
    ('userid', 'userid', 'userid')
    """
    return re.sub(r"\.\$\w+|[\s_\-.#\"\ufeff]+", "", name.split(":")[0].casefold())


def is_known_name(name: str, *roles: str) -> bool:
    """Return True if `name` is a usual name of one of the roles (default: of any)."""
    plain, tables = plain_name(name), (COLUMN_ALIASES, FALLBACK_ALIASES)
    return any(plain == plain_name(alias) for table in tables for role in roles or table for alias in table[role])


def check_roles(columns: dict[str, str] | None) -> dict[str, str]:
    """Return `columns`, from role to name; empty for None.

    Raises:
        SettingError: it names a role that doesn't exist.
    """
    unknown = sorted(set(columns or {}) - set(COLUMN_ALIASES))
    if unknown:
        raise SettingError(f"columns name the role {unknown[0]!r}; the roles are {', '.join(COLUMN_ALIASES)}")
    return {role: str(name) for role, name in (columns or {}).items()}


def find_columns(
    names: list[str],
    columns: dict[str, str] | None,
    where: str,
    needed: tuple[str, ...] = ("user", "movie"),
    sample: pl.DataFrame | None = None,
) -> dict[str, int]:
    """Find the index of each role's column in `names`: by `columns` (role to name), else by the usual names.

    Args:
        needed: roles that must be there.
        sample: the first rows as text, column by column; in it, columns of other names that look like ratings, times
            or counts are refused where the table has none.

    Raises:
        SettingError: `columns` has a role that doesn't exist.
        DataError: a column named in `columns`, or one for a `needed` role, is missing; a role has two columns; a
            column of another name looks like one for a role.
    """
    wanted = check_roles(columns)
    places: dict[str, int] = {}
    for role in COLUMN_ALIASES:
        place = _find(names, role, wanted.get(role), where, set(places.values()))
        places |= {} if place is None else {role: place}
    _check_twice(names, places, where)
    for role in needed:
        if role not in places:
            hint = _hint([plain_name(name) for name in names], role)
            raise DataError(f"{where} has no column for the {role}; it has {format_names(names)}{hint}")
    if sample is not None:
        _refuse_lookalikes(names, places, wanted, where, sample)
    return places


def _find(names: list[str], role: str, wanted: str | None, where: str, taken: set[int]) -> int | None:
    """Return the place of a role's column; None if there is none, or `wanted` says so."""
    if wanted == ABSENT:
        return None
    if wanted is not None:
        matches = [i for i, name in enumerate(names) if name.strip() == wanted]
        if not matches and wanted.isdigit() and 1 <= int(wanted) <= len(names):
            matches = [int(wanted) - 1]
        if not matches:
            raise DataError(f"{where} has no column {wanted!r} for the {role}; it has {format_names(names)}")
    else:
        plain, usual = [plain_name(name) for name in names], {plain_name(alias) for alias in COLUMN_ALIASES[role]}
        matches = [i for i, name in enumerate(plain) if name in usual]
        if not matches:
            aliases = [plain_name(alias) for alias in FALLBACK_ALIASES[role]]
            matches = [plain.index(alias) for alias in aliases if alias in plain and plain.index(alias) not in taken]
            matches = matches[:1]
    if len(matches) > 1:
        both = " and ".join(names[i].strip() for i in matches)
        raise DataError(f"{where} has two columns for the {role}, {both}; choose with columns {role}=NAME")
    return matches[0] if matches else None


def _check_twice(names: list[str], places: dict[str, int], where: str) -> None:
    twice = {names[place] for place in places.values() if list(places.values()).count(place) > 1}
    if twice:
        raise DataError(f"{where}: the column {format_names(sorted(twice))} can't have two roles; give each its own")


def format_names(names: list[str]) -> str:
    """Format the names of columns for a message."""
    shown = ", ".join(" ".join(name.split()) or "a blank one" for name in names[:20])
    return shown[:300] + (", …" if len(names) > 20 or len(shown) > 300 else "")


def note_unused(names: list[str], places: dict[str, int]) -> tuple[str, ...]:
    """Return the note on columns that aren't used, if there are any; and on counts beside ratings."""
    unused = [name for place, name in enumerate(names) if place not in places.values()]
    notes: tuple[str, ...] = (f"not used: {format_names(unused)}",) if unused else ()
    if "count" in places and "rating" in places:
        notes += (f"the counts in {names[places['count']].strip()} aren't used beside ratings",)
    return notes


def _hint(names: list[str], role: str) -> str:
    if "letterboxduri" in names or "const" in names or "imdbid" in names:
        return ", and looks like one person's export, which 'cinematrix import' takes"
    if "title" in names and "rating" not in names:
        return ", and looks like a table of movies: give the table of ratings, and this one with --movies"
    wide = f", or movie={ALL_OTHERS} where each movie has its own column" if role == "movie" and len(names) > 5 else ""
    numbers = "; a table without a header has numbers for names, such as columns user=1,movie=2"
    return f"; name it with columns {role}=NAME{wide}{numbers}"


def _refuse_lookalikes(
    names: list[str], places: dict[str, int], wanted: dict[str, str], where: str, sample: pl.DataFrame
) -> None:
    """Refuse a column that looks like a rating, a time or a count, where the table has none and none is said.

    Raises:
        DataError: it names the column, some of its values, and the columns to give.
    """
    asked = [role for role in ("rating", "time") if role not in places and role not in wanted]
    asked += ["count"] * ("count" not in wanted and not {"count", "rating"} & (places.keys() | set(wanted)))
    for place, name in enumerate(names):
        role = None if place in places.values() else resembles(name, sample[:, place], asked)
        if role is not None:
            shown = format_names([name])
            quoted = f"'{role}={shown}'" if " " in shown else f"{role}={shown}"
            values = format_names(sample[:, place].drop_nulls().unique(maintain_order=True).head(4).to_list())
            raise DataError(
                f"{where}: the column {shown} looks like a {role} "
                f"({values[:60]}) and no column is named so; say which it is with --columns {quoted}, or "
                f"that there is none with --columns {role}={ABSENT}"
            )
