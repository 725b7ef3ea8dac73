"""Sample exports in the exact formats of the supported sites."""

import io
import json
import struct
import zipfile
from collections.abc import Mapping
from typing import Any

LETTERBOXD = "Date,Name,Year,Letterboxd URI"
DIARY = f"{LETTERBOXD},Rating,Rewatch,Tags,Watched Date"
IMDB = (
    "Const,Your Rating,Date Rated,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,Genres,"
    "Num Votes,Release Date,Directors"
)
IMDB_2017 = (
    '"position","const","created","modified","description","Title","Title type","Directors","You rated","IMDb Rating",'
    '"Runtime (mins)","Year"'
)
IMDB_LIST = (
    "Position,Const,Created,Modified,Description,Title,Original Title,URL,Title Type,IMDb Rating,Runtime (mins),Year,"
    "Genres,Num Votes,Release Date,Directors,Your Rating,Date Rated"
)
MOVIELENS = "movie_id,imdb_id,tmdb_id,rating,average_rating,title"
TMDB = "TMDb ID,IMDb ID,Type,Name,Release Date,Season Number,Episode Number,Rating,Your Rating,Date Rated"
FILMTIPSET = "VoteDate;MovieTitle;IMDB;Score"


def lines(*rows: str, end: str = "\n") -> bytes:
    """Join rows to the content of a file."""
    return "".join(row + end for row in rows).encode()


def zip_files(files: Mapping[str, bytes | str], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a ZIP archive of files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def letterboxd(**more: bytes | str) -> dict[str, bytes | str]:
    """Return the files of a Letterboxd export, including some that must not be read. `more`: further files by name."""
    uri = "https://boxd.it/2aX"
    files: dict[str, bytes | str] = {
        "profile.csv": "Date Joined,Username,Email Address\n2020-01-01,ann,ann@films.example\n",
        "ratings.csv": lines(
            f"{LETTERBOXD},Rating",
            f"2023-01-05,Heat,1995,{uri}1,4.5",
            f'2023-01-06,"Good, the Bad and the Ugly, The",1966,{uri}2,5',
            end="\r\n",
        ),
        "watched.csv": lines(
            LETTERBOXD,
            f"2020-01-01,Heat,1995,{uri}1",
            f'2020-01-01,"Good, the Bad and the Ugly, The",1966,{uri}2',
            f"2020-01-01,Alien,1979,{uri}3",
        ),
        "watchlist.csv": lines(LETTERBOXD, f"2023-02-01,Brazil,1985,{uri}4"),
        "diary.csv": lines(
            DIARY,
            f"2022-01-02,Heat,1995,{uri}d1,3,,,2022-01-01",
            f"2023-01-05,Heat,1995,{uri}d2,4.5,Yes,crime,2023-01-04",
            f"2023-03-01,Alien,1979,{uri}d3,,,,2023-03-01",
        ),
        "reviews.csv": lines(
            f"{LETTERBOXD},Rating,Rewatch,Review,Tags,Watched Date",
            f'2023-01-05,Heat,1995,{uri}r1,4.5,,"Two men,',
            'one coffee.",,2023-01-04',
        ),
        "comments.csv": "Date,Content,Comment\n2023-01-01,x,y\n",
        "likes/films.csv": lines(LETTERBOXD, f"2023-01-07,Heat,1995,{uri}1"),
        "likes/reviews.csv": "Date,Content\n",
        "lists/best.csv": lines(
            *("Letterboxd list export v7", "Date,Name,Tags,URL,Description", "2023-01-01,Best,,u,", ""),
            *("Position,Name,Year,URL,Description", "1,Jaws,1975,u,"),
        ),
        "deleted/diary.csv": lines(DIARY, f"2021-01-01,Jaws,1975,{uri}9,1,,,2021-01-01"),
        "orphaned/diary.csv": lines(DIARY, f"2021-01-01,Jaws,1975,{uri}9,1,,,2021-01-01"),
    }
    return files | more


def trakt_movie(title: str, year: int | None, imdb: str | None = None, tmdb: int | None = None) -> dict[str, Any]:
    """Return a movie in Trakt's format."""
    return {"title": title, "year": year, "ids": {"trakt": 1, "slug": "x", "imdb": imdb, "tmdb": tmdb}}


def trakt_rating(film: dict[str, Any], rating: Any, at: str = "2023-01-01T00:00:00.000Z") -> dict[str, Any]:
    """Return a rating in Trakt's format."""
    return {"rated_at": at, "rating": rating, "type": "movie", "movie": film}


def trakt(**more: Any) -> dict[str, bytes | str]:
    """Return Trakt's export in its newer layout. `more`: further files by name, with `_` for `-`."""
    heat, alien = trakt_movie("Heat", 1995, "tt0113277", 949), trakt_movie("Alien", 1979, None, 348)
    episode = {"type": "episode", "watched_at": "2023-01-01T00:00:00.000Z", "show": {"title": "Lost"}, "episode": {}}
    files: dict[str, Any] = {
        "user-profile": {"username": "ann"},
        "ratings-movies": [trakt_rating(heat, 9), trakt_rating(alien, 0)],
        "ratings-shows": [{"rated_at": "2023-01-01T00:00:00.000Z", "rating": 9, "type": "show", "show": {}}],
        "watched-history-1": [
            {"id": 1, "watched_at": "2023-01-02T03:04:05.678Z", "action": "watch", "type": "movie", "movie": alien}
        ],
        "watched-history-2": [episode],
        "watched-history-10": [episode],
        "watched-movies": [{"plays": 2, "last_watched_at": "2023-01-02T03:04:05.000Z", "movie": alien}],
        "lists-watchlist": [
            {"listed_at": "2023-01-01T00:00:00.000Z", "type": "movie", "movie": trakt_movie("Brazil", 1985)},
            {"listed_at": "2023-01-01T00:00:00.000Z", "type": "person", "person": {"name": "Ridley Scott"}},
        ],
        "lists-favorites": [{"listed_at": "2023-01-01T00:00:00.000Z", "type": "movie", "movie": heat}],
        "lists-list-7-watchlist-2025": [{"type": "movie", "movie": trakt_movie("Jaws", 1975)}],
    }
    files |= {name.replace("_", "-"): value for name, value in more.items()}
    return {f"{name}.json": v if isinstance(v, bytes) else json.dumps(v) for name, v in files.items() if v is not None}


def criticker(*films: tuple[str, object], dtd: str = "", more: str = "") -> bytes:
    """Return Criticker's XML of titles and ratings. `more`: further elements of each movie."""
    body = "".join(
        f"<film><filmid>{at}</filmid><filmname>{name}</filmname>{more}<rating>{rating}</rating>"
        "<reviewdate>Apr 23 2017, 08:18</reviewdate><quote></quote></film>"
        for at, (name, rating) in enumerate(films)
    )
    return f'<?xml version="1.0" encoding="utf-8"?>{dtd}<recentratings>{body}</recentratings>'.encode()


def patch_bytes(content: bytes, at: int, layout: str, value: int) -> bytes:
    """Replace a number in bytes. A negative position counts from the end."""
    at = at % len(content)
    raw = struct.pack(layout, value)
    return content[:at] + raw + content[at + len(raw) :]


SEEDS: dict[str, bytes] = {
    "letterboxd.zip": zip_files(letterboxd()),
    "trakt.zip": zip_files(trakt()),
    "ratings.csv": bytes(letterboxd()["ratings.csv"]),  # type: ignore[arg-type]
    "diary.csv": bytes(letterboxd()["diary.csv"]),  # type: ignore[arg-type]
    "ratings-movies.json": str(trakt()["ratings-movies.json"]).encode(),
    "imdb.csv": lines(IMDB, "tt0113277,9,2020-05-06,Heat,Heat,u,Movie,8.3,170,1995,Crime,1,1995-12-15,Mann"),
    "movielens.csv": lines(MOVIELENS, "6,0113277,949,4.5,3.9,Heat (1995)"),
    "one-user.csv": lines("userId,movieId,rating,timestamp", "7,6,4.5,964982703"),
    "tmdb.csv": lines(TMDB, "949,tt0113277,movie,Heat,1995-12-15,,,7.9,8.5,2023-01-01T10:00:00Z"),
    "filmtipset.csv": lines(FILMTIPSET, "2009-01-02;Heat;0113277;4"),
    "movietweetings.dat": lines("7::0113277::9::1381945744", "7::0078748::10::1381945745"),
    "playback.tsv": lines(
        f"2023-01-05 21:04:05.1\t{'a' * 32}\t{'b' * 32}\tMovie\tHeat\tDirectPlay\tWeb\tFirefox\t9000"
    ),
    "criticker.xml": criticker(("Fight Club (1999)", 85), ("Heat (1995)", 60)),
    "netflix.csv": lines("Title,Date", '"Heat","6/19/25"', '"Dark: Season 1: Secrets","6/18/25"'),
    "simkl.json": json.dumps(
        {"movies": [{"status": "completed", "user_rating": 9, "movie": trakt_movie("Heat", 1995)}], "shows": []}
    ).encode(),
    "kodi.xml": b"<videodb><movie><title>Heat</title><year>1995</year><playcount>1</playcount>"
    b'<userrating>9</userrating><uniqueid type="imdb">tt0113277</uniqueid></movie></videodb>',
    "any.csv": lines("Title;Year;Score", "Heat;1995;8", "Alien;1979;6,5"),
}
"""Valid file of each source, as fuzzing seed."""
