"""Names of the columns that an export may have, by field, as `column_key` writes them."""

from typing import Literal, get_args

from cinematrix.data.readers.columns import COLUMN_ALIASES

Field = Literal[
    "title",
    "other",
    "year",
    "rating",
    "rated",
    "watched",
    "date",
    "imdb",
    "tmdb",
    "id",
    "site",
    "movie",
    "type",
    "episode",
    "state",
    "seen",
    "wanted",
    "liked",
    "user",
    "url",
    "thumbs",
    "seconds",
    "supplement",
]
"""Fields of a row.

`rated`, `watched`: times of the rating and of the viewing; `date`: any other time, such as that of adding to a list.
`id`: a number at the site named by `site`. `movie`: the ID in the model's catalog or at MovieLens. `episode`: filled in
for series only. `state`: completed, planned …. `seen`, `wanted`, `liked`: flags, or counts. `thumbs`: 1 down, 2 up,
3 both up. `seconds`: played. `supplement`: filled in for trailers.
"""

FIELDS: tuple[Field, ...] = get_args(Field)
MAPPABLE_FIELDS: tuple[Field, ...] = (
    "title",
    "other",
    "year",
    "rating",
    "date",
    "watched",
    "imdb",
    "tmdb",
    "movie",
    "type",
    "state",
)
"""Fields whose columns a user may name."""

SCALED_RATINGS = {"rating5": 5.0, "rating10": 10.0, "userrating10": 10.0, "rating100": 100.0}
"""Columns of ratings whose names say the best rating."""

_PERSONAL = (
    "myrating yourrating userrating userscore myscore yourscore myvote mojaocena twojaocena meinewertung "
    "meinebewertung ihrebewertung deinebewertung votrenote manote tanote tunota minota tucalificacion "
    "micalificacion tupuntuacion suanota minhanota suaavaliacao minhaavaliacao miovoto iltuovoto latuavalutazione "
    "mittbetyg dittbetyg mijnbeoordeling jouwbeoordeling мояоценка вашаоценка 个人评分 我的评分 あなたの評価"
)
PERSONAL_RATINGS = frozenset(_PERSONAL.split())
"""Columns of the user's own ratings; beside one of them a column `rating` holds the site's."""

PERHAPS_RATINGS = frozenset({"note", "mark", "grade", "vote", "rate", "karakter"})
"""Columns that hold a rating in some languages and a remark in others: what isn't a rating there is no error."""

USUAL: dict[Field, str] = {
    "title": (
        "title name film movie movietitle filmname filmtitle titlename moviename fulltitle programtitle contenttitle "
        "movie.title content.title titel titre titulo titolo tytul tytuł название фильм 标题 片名 電影 標題 "
        "タイトル 제목 otsikko cim baslık nimi τιτλοσ כותרת العنوان tieuđe judul nazev titlu naslov "
        "tittel ชอ ชอเรอง назва tajuk nazov pavadinimas pealkiri заглавие "
        "originaltitle"
    ),
    "other": (
        "originaltitle originalname englishtitle internationaltitle alternativetitle alttitle "
        "originaltitel titreoriginal titulooriginal titolooriginale оригинальноеназвание 原名 原題"
    ),
    "year": (
        "year releaseyear yearreleased released releasedate movie.year movie.released "
        "productionyear premiered jahr annee ano anio anno rok ar год 年份 上映日期 年 발매년도 연도 "
        "content.releasedate releaseinfo"
    ),
    "rating": (
        f"{' '.join(COLUMN_ALIASES['rating'])} "
        f"rate vote grade mark {_PERSONAL} "
        "note nota ocena ocenauzytkownika wertung bewertung voto "
        "puntuacion calificacion avaliacao оценка 评分 評価 평점 별점 betyg karakter "
        "rating10 rating5 rating100"
    ),
    "rated": (
        "daterated ratedat ratedon ratingdate dateofrating ratedate userratedat votedate dateofvote "
        "reviewdate 打分日期 评分日期 bewertungsdatum bewertetam datedenotation noteele fechadecalificacion "
        "fechadepuntuacion datadaavaliacao datadeavaliacao datadelvoto datavalutazione dataoceny датаоценки"
    ),
    "watched": (
        "watcheddate datewatched watchedat watchedon lastwatchedat lastwatched lastplayed "
        "lastplayeddate checkeddate checkedat checkedon "
        "lastviewedat lastviewed viewedat viewedon dateviewed viewingdate datewatchedat seendate "
        "dateseen seenon datesseen dateswatched watcheddates finishedat finishdate datefinished "
        "enddate endedon watchdate datumangesehen fechavista fechadevisualizacion dataassistida "
        "dateregardee datavista datawatched dataobejrzenia gesehenam angesehenam "
        "vistoel vistoem vistoil vule датапросмотра obejrzane dataogladania "
        "观看日期 觀看日期 视聴日 userdata.lastplayeddate"
    ),
    "date": (
        f"{' '.join(COLUMN_ALIASES['time'])} "
        "date created createdat dateadded addedat addedon added listedat addedtowatchlistat "
        "collectedat modified updatedat datum fecha data datatime dato datoset день дата tarih "
        "ημερομηνια תאריך التاريخ ngay tanggal paivamaara 日期 日付 날짜 วนท tarikh datums kuupaev "
        "标记日期 标注日期 标记时间 utctitleadddate 创建时间 eventdate"
    ),
    "imdb": (
        "imdb imdbid tconst const imdbconst imdbnumber imdburl imdblink movieimdbid movie.ids.imdb "
        "ids.imdb uniqueid.imdb providerids.imdb guid.imdb content.imdbid externalids.imdb"
    ),
    "tmdb": (
        "tmdb tmdbid themoviedb themoviedbid tmdburl tmdblink movie.ids.tmdb ids.tmdb uniqueid.tmdb "
        "providerids.tmdb guid.tmdb content.tmdbid externalids.tmdb"
    ),
    "id": "",
    "site": "",
    "movie": "movieid",
    "type": (
        "type titletype mediatype kind category lot itemtype contenttype entitytype typ tipo тип 类型 "
        "titeltyp titelart typedetitre tipodetitulo tipodititolo "
        "類型 content.type element"
    ),
    "episode": (
        "episodenumber episode seasonnumber season episodetitle seriesname showtitle showname "
        "show.title show.ids.trakt episode.title person.name folge episodio épisode season.number "
        "grandparenttitle 集"
    ),
    "state": (
        "status state watchstatus liststatus mystatus shelf "
        "статус estado estatus stato statut stan durum tila allapot 状态 狀態"
    ),
    "seen": (
        "watched iswatched seen isseen played isplayed playcount viewcount viewed plays "
        "timeswatched watchcount userdata.played checked"
    ),
    "wanted": ("iswatchlisted inwatchlist watchlisted onwatchlist watchlist wanttosee wanttowatch wishlist want"),
    "liked": "liked like favorite favourite isfavorite isfavourite fav loved userdata.isfavorite heart",
    "user": "userid user username profilename friendlyname",
    "url": "url link uri 条目链接 链接",
    "thumbs": "",
    "seconds": "",
    "supplement": "",
}
"""Usual names by field, separated by blanks; the first that a row fills in counts."""
