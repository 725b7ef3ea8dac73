"""The table of forms: what tells the exports of each site apart, and what differs from the usual columns.

A new source is a row here and a test. Its columns are named as `column_key` writes them; a field that isn't listed has
the usual names of `columns.USUAL`. The first form whose signature fits a table's header is used.
"""

from collections.abc import Mapping

from cinematrix.importers.columns import PERSONAL_RATINGS, USUAL, Field
from cinematrix.importers.forms import Form

_LETTERBOXD: Mapping[Field, str] = {"title": "name title", "watched": "watcheddate", "movie": "", "url": ""}
_TRAKT: Mapping[Field, str] = {
    "title": "movie.title show.title person.name title",
    "year": "movie.year year",
    "imdb": "movie.ids.imdb ids.imdb imdbid",
    "tmdb": "movie.ids.tmdb ids.tmdb tmdbid",
    "seen": "plays",
}
_NETFLIX: Mapping[Field, str] = {"user": "profilename", "title": "title titlename"}
_IMDB_RATING = f"yourrating yourated {' '.join(sorted(PERSONAL_RATINGS))}"

FORMS: tuple[Form, ...] = (
    Form(
        "letterboxd",
        "title watcheddate !userid !simklid | title rating10 !userid !simklid",
        5,
        "seen",
        {"url": ""},
        strict=False,
    ),
    Form("letterboxd", "letterboxduri watcheddate", 5, "seen", _LETTERBOXD, "date name year", rank=1, named=False),
    Form("letterboxd", "letterboxduri rating", 5, "skip", _LETTERBOXD, "date name year"),
    Form("letterboxd", "letterboxduri", 5, "ask", _LETTERBOXD, "date name year", rank=2),
    Form("letterboxd", "position name year url description", 5, "ask", {"title": "name", "url": ""}, named=False),
    Form("imdb", "const position !yourated", 10, "ask", {"date": "created dateadded modified"}),
    Form("imdb", "const", 10, columns={"rating": _IMDB_RATING, "date": "created dateadded modified"}),
    Form(
        "simkl",
        "simklid",
        10,
        columns={"state": "watchlist status", "episode": "lastepwatched", "wanted": "", "imdb": "imdb", "tmdb": "tmdb"},
    ),
    Form(
        "simkl",
        "movie.ids.simkl | show.ids.simkl",
        10,
        columns={
            "title": "movie.title show.title",
            "year": "movie.year show.year",
            "imdb": "movie.ids.imdb show.ids.imdb",
            "tmdb": "movie.ids.tmdb show.ids.tmdb",
            "type": "animetype",
            "rating": "userrating",
            "wanted": "",
            "episode": "",
        },
    ),
    Form("books", "author isbn | author bookid | authors isbn13", films=False),
    Form("account", "email | mail | emailaddress", films=False),
    Form("trakt", "collectedat !watchedat", films=False),
    Form(
        "trakt",
        "movie.title !content.title | movie.ids.trakt | show.ids.trakt | show.title | person.name",
        10,
        columns=_TRAKT,
    ),
    Form("movielens", "movieid imdbid tmdbid title", 5, columns={"year": ""}),
    Form("movielens", "userid movieid rating", 5, "skip", {"title": "title"}, named=False, single_user=True),
    Form("movietweetings", "tweetedimdb", 10, "skip", {"imdb": "tweetedimdb"}, named=False, single_user=True),
    Form(
        "jellyfin",
        "itemname itemtype playduration",
        0,
        "seen",
        {"title": "itemname", "user": "userid", "date": "datecreated", "seconds": "playduration"},
        named=False,
        single_user=True,
        min_seconds=600,
        local_times=True,
    ),
    Form(
        "jellyfin",
        "userdata.played | userdata.isfavorite",
        10,
        "skip",
        {"title": "name", "rating": "userdata.rating", "year": "productionyear", "date": "userdata.lastplayeddate"},
    ),
    Form(
        "tautulli",
        "mediatype watchedstatus | mediatype percentcomplete",
        10,
        "skip",
        {
            "title": "fulltitle title",
            "user": "friendlyname user",
            "watched": "stopped date started",
            "seen": "watchedstatus",
            "rating": "userrating",
            "date": "",
        },
        single_user=True,
    ),
    Form("plex", "title viewcount | title lastviewedat", 10, "skip", {"rating": "userrating", "movie": ""}),
    Form(
        "kodi",
        "playcount lastplayed | playcount userrating | playcount uniqueid.imdb | playcount uniqueid.tmdb",
        10,
        "skip",
        {"rating": "userrating", "imdb": "uniqueid.imdb imdbnumber imdb id", "movie": ""},
    ),
    Form(
        "criticker",
        "filmid filmname rating | filmid filmname score | filmname reviewdate",
        100,
        "skip",
        {"title": "filmname", "imdb": "imdbid", "movie": ""},
        relative=True,
    ),
    Form("filmtipset", "votedate movietitle imdb score", 5, "skip"),
    Form(
        "netflix",
        "profilename starvalue | profilename thumbsvalue",
        5,
        "skip",
        {
            **_NETFLIX,
            "title": "titlename",
            "rating": "starvalue",
            "thumbs": "thumbsvalue",
            "rated": "eventutcts",
            "type": "",
        },
        single_user=True,
        episodes=True,
    ),
    Form(
        "netflix",
        "profilename starttime title",
        0,
        "seen",
        {**_NETFLIX, "watched": "starttime", "seconds": "duration", "supplement": "supplementalvideotype", "type": ""},
        named=False,
        single_user=True,
        min_seconds=600,
        episodes=True,
    ),
    Form("netflix", "profilename titlename utctitleadddate", 0, "watchlist", _NETFLIX, single_user=True, episodes=True),
    Form(
        "tvtime",
        "moviename entitytype type",
        10,
        "skip",
        {
            "title": "moviename",
            "type": "entitytype",
            "state": "type",
            "year": "releasedate",
            "watched": "watchdate watchdaterangekey",
            "episode": "",
        },
        named=False,
        single_user=True,
    ),
    Form("tvtime", "moviename votekey | seriesname | tvshowname | tvshowid", films=False),
    Form(
        "tvtime",
        "iswatched uuid id.tvdb",
        10,
        "watchlist",
        {"watched": "watchedat", "date": "createdat", "seen": "", "imdb": "id.imdb", "movie": ""},
    ),
    Form("tvtime", "iswatched iswatchlisted", 10, "skip", {"state": "", "movie": ""}),
    Form("movary", "title tmdbid imdbid watchedat comment", 10, "seen", named=False),
    Form("movary", "title tmdbid imdbid userrating", 10, "skip", named=False),
    Form(
        "yamtrack",
        "mediaid source mediatype",
        10,
        "ask",
        {"id": "mediaid", "site": "source", "watched": "enddate", "date": "progressedat createdat"},
    ),
    Form(
        "ryot",
        "lot identifier",
        100,
        "skip or ask",
        {
            "title": "sourceid title name",
            "id": "identifier",
            "site": "source",
            "rating": "reviews.rating",
            "rated": "reviews.review.date",
            "watched": "seenhistory.endedon",
            "state": "collections.collectionname collections.name collections",
        },
    ),
    Form(
        "watcharr",
        "tmdbid dateswatched | content.tmdbid | tmdbid status name | watchedepisodes",
        10,
        "ask",
        {"title": "content.title name title", "watched": "dateswatched", "date": "activity.createdat createdat"},
    ),
    Form(
        "tmdb",
        "tmdbid name releasedate yourrating | tmdbid imdbid type name",
        10,
        columns={"title": "name", "year": "releasedate", "rating": "yourrating", "movie": ""},
    ),
    Form(
        "filmweb",
        "originaltitle pltitle | tytuloryginalny | tytułoryginalny",
        10,
        columns={
            "title": "originaltitle tytuloryginalny tytułoryginalny pltitle tytul tytuł",
            "other": "pltitle tytul tytuł",
            "rating": "userrating mojaocena ocena rate rating",
        },
    ),
    Form(
        "kinopoisk",
        "nameeng | nameen nameru | namerus | русскоязычноеназвание",
        10,
        columns={
            "title": "nameeng nameen namerus nameru русскоязычноеназвание",
            "movie": "",
            "other": "namerus nameru русскоязычноеназвание оригинальноеназвание",
            "rating": "userrating мояоценка rating vote оценка",
        },
    ),
    Form(
        "kinorium",
        "prokinoriumid | kinoriumid | originaltitle myrating",
        10,
        columns={"rating": "myrating", "state": "listtitle status"},
    ),
    Form(
        "douban",
        "标题 个人评分 | 标题 打分日期 | 标题 条目链接 | 标题 我的评分 | 片名 我的评分",
        5,
        columns={"year": "年份 上映日期 年 简介"},
    ),
    Form("rym", "rymfilm | rymalbum title rating", 10, columns={"year": "releasedate"}),
    Form(
        "icheckmovies",
        "icheckmoviesurl | icmurl | imdburl checked",
        10,
        "skip",
        columns={"title": "title", "other": "aka akas", "date": ""},
    ),
    Form(
        "prime",
        "datewatched episodetitle | datewatched type | datumangesehen | fechavista | fechadevisualizacion | "
        "dataassistida | dateregardee",
        0,
        "seen",
        {"episode": "episodetitle episode folge episodio épisode"},
    ),
    Form(
        "prime",
        "playbackstartdatetimeutc title",
        0,
        "seen",
        {"watched": "playbackstartdatetimeutc", "seconds": "secondsviewed"},
        min_seconds=600,
    ),
)
"""All forms but that of any CSV; the first that fits is used."""

NETFLIX_HISTORY = Form("netflix", "", 0, "seen", episodes=True)
"""The viewing history that Netflix offers in every language: a column of titles and one of dates, and no other."""

ANY_TABLE = Form("csv", "", columns={"user": "userid profilename username"}, single_user=True)
"""Any table with a title or an ID, by the usual names of columns or a mapping."""

MOVIE_FIELDS: tuple[Field, ...] = ("title", "imdb", "tmdb", "movie")


def find_form(header: frozenset[str]) -> Form | None:
    """Return the form of a table with this header; None if no column names a film."""
    for form in FORMS:
        if form.fits(header):
            return form
    named = {each for each in header if each}
    if len(named) == 2 and all(named & set(USUAL[column].split()) for column in ("title", "date")):
        return NETFLIX_HISTORY
    known = any(not header.isdisjoint(ANY_TABLE.names(of)) for of in MOVIE_FIELDS)
    return ANY_TABLE if known else None
