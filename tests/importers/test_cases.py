"""Exports that people really have, composed in small: each file of the folder `cases` comes out as its row here says.

A new case is a file and a row. Each was made after a public report or the layout of a real file, and is one of many.
"""

import pickle
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from cinematrix.errors import DataError
from cinematrix.importers import Entry, ParsedImport, ProfileUnknownError, read
from export_files import zip_files
from places import ROOT

FOLDER = ROOT / "tests" / "importers" / "cases"


@dataclass(frozen=True, init=False)
class Case:
    """Expected content of a file.

    Attributes:
        entries: `kind: title (year) rating/highest day` of each.
        skipped: number of skipped rows by reason.
        warning: beginning of the first warning; empty: there is none.
        refused: beginning of the refusal; empty: the file is read.
    """

    entries: tuple[str, ...]
    skipped: dict[str, int] = field(default_factory=dict)
    warning: str = ""
    refused: str = ""

    def __init__(
        self, *entries: str, skipped: dict[str, int] | None = None, warning: str = "", refused: str = ""
    ) -> None:
        for name, value in {
            "entries": entries,
            "skipped": skipped or {},
            "warning": warning,
            "refused": refused,
        }.items():
            object.__setattr__(self, name, value)


ASKED = "the file doesn't say whether its films are seen"
CASES = {
    "common_films_missed.csv": Case(
        "rating: Star Wars (1977) 5/5 2024-01-01",
        "rating: The Empire Strikes Back (1980) 5/5 2024-01-01",
        "rating: Return of the Jedi (1983) 5/5 2024-01-01",
        "rating: Star Wars: The Force Awakens (2015) 5/5 2024-01-01",
        "rating: Avengers: Infinity War (2018) 5/5 2024-01-01",
        "rating: Guardians of the Galaxy Vol. 2 (2017) 5/5 2024-01-01",
        "rating: Moonlight (2016) 5/5 2024-01-01",
        "rating: Ready Player One (2018) 5/5 2024-01-01",
        "rating: Men in Black 3 (2012) 5/5 2024-01-01",
        "rating: Oldboy (2003) 5/5 2024-01-01",
        "rating: John Wick: Chapter 2 (2017) 5/5 2024-01-01",
        "rating: Interview with the Vampire (1994) 5/5 2024-01-01",
        "rating: X2 (2003) 5/5 2024-01-01",
        "rating: Life of Brian (1979) 5/5 2024-01-01",
        "rating: Romeo + Juliet (1996) 5/5 2024-01-01",
        "rating: Spider-Man: Homecoming (2017) 5/5 2024-01-01",
        "rating: The Texas Chain Saw Massacre (1974) 5/5 2024-01-01",
        "rating: Three Colours: Red (1994) 5/5 2024-01-01",
        "rating: War of the Worlds (2005) 5/5 2024-01-01",
        "rating: Æon Flux (2005) 5/5 2024-01-01",
    ),
    "cp1251_kinopoisk.csv": Case(
        "rating: Матрица (The Matrix) (1999) 9/10", warning="not UTF-8, so read as Windows-1251; check the lett"
    ),
    "criticker_csv.csv": Case(
        "rating: Heat (1995) 88/100 2017-04-23",
        "rating: The Good, the Bad and the Ugly (1966) 75/100 2017-04-24",
        skipped={"not a film": 1},
    ),
    "dates_compact.csv": Case("rating: The Matrix (1999) 9/10 2024-01-15", "rating: Heat (1995) 8/10 2024-01-16"),
    "dates_local.csv": Case(
        "rating: The Matrix (1999) 9/10 2024-01-15",
        "rating: Heat (1995) 8/10 2024-01-16",
        "rating: Fargo (1996) 8/10 2024-01-16",
        "rating: Alien (1979) 8/10 2024-01-16",
        "rating: Aliens (1986) 8/10 2024-01-16",
        "rating: Jaws (1975) 8/10 2024-01-06",
    ),
    "douban.csv": Case("rating: 黑客帝国 The Matrix (1999) 5/5 2020-01-02"),
    "emoji_bom_utf16.csv": Case("rating: The Matrix (1999) 4.5/5 2024-01-15"),
    "excel_sep.csv": Case("rating: The Matrix (1999) 9/10", "rating: Heat (1995) 8/10"),
    "filmaffinity.csv": Case(
        "rating: Tinker Tailor Soldier Spy (2011) 4.5/5 2026-03-06", "rating: Matrix (1999) 4/5 2026-02-27"
    ),
    "filmtipset_comma.csv": Case("rating: The Matrix 3/5 2021-07-03", "rating: Heat 4/5 2021-07-04"),
    "filmweb.csv": Case("rating: The Matrix (1999) 9/10 2020-01-18"),
    "git_conflict_diary.csv": Case(refused="the file holds a merge conflict of Git (<<<<<<<); resolve it"),
    "html_entities.csv": Case(
        "rating: The Fast & the Furious (2001) 8/10",
        "rating: Schindler's List (1993) 10/10",
        "rating: Amélie (2001) 9/10",
        "rating: Plácido (1961) 9/10",
    ),
    "imdb_ids.csv": Case(refused=ASKED),
    "imdb_old_dates.csv": Case("rating: The Matrix (1999) 9/10 2017-01-29"),
    "imdb_ratings_and_watchlist.zip": Case(
        "rating: The Matrix (1999) 9/10 2024-01-01", "watchlist: Heat (1995) 2024-01-01"
    ),
    "imdb_seen_list.csv": Case("rating: The Matrix (1999) 9/10 2025-02-02", "seen: Heat (1995) 2023-07-11"),
    "imdb_series_other_language.csv": Case("rating: Matrix (1999) 9/10 2024-01-01", skipped={"not a film": 1}),
    "imdb_url_column.csv": Case("rating: The Matrix (1999) 9/10", "rating: Matrix (dt.) 8/10"),
    "kinopoisk.csv": Case("rating: The Matrix (1999) 10/10 2009-09-09"),
    "kinorium_votes.csv": Case("rating: Матрица (1999) 9/10 2020-05-20"),
    "kodi_videodb.xml": Case("rating: The Matrix (1999) 9/10 2024-01-15"),
    "lbimport_history_norating.csv": Case("seen: The Matrix (1999) 2024-01-15", "seen: Heat (1995) 2024-01-16"),
    "lbimport_mubi.csv": Case("rating: The Matrix (1999) 4/5 2024-01-15", "rating: Heat (1995) 5/5 2024-01-16"),
    "lbimport_rating10.csv": Case("rating: The Matrix (1999) 4.5/5 2024-01-15", "rating: Heat (1995) 4/5 2024-01-16"),
    "letterboxd_empty.zip": Case(warning="the export is empty: it holds no rows"),
    "letterboxd_list_v7.csv": Case(refused=ASKED),
    "letterboxd_one_bad_member.zip": Case(
        "rating: The Matrix (1999) 4.5/5 2024-01-15",
        "seen: The Matrix (1999) 2024-01-15",
        "seen: Heat (1995) 2024-01-16",
        "watchlist: Heat (1995)",
        warning="watchlist.csv: unlike the site's own export, it ha",
    ),
    "letterboxd_rewatch_lower.csv": Case(
        "rating: Heat (1995) 5/5 2020-01-01", "rating: Heat (1995) 3/5 2024-01-01", "seen: Heat (1995) 2024-02-01"
    ),
    "login_page.csv": Case(refused="the file is a web page, not an export, perhaps a page that a"),
    "macos_rezipped.zip": Case("rating: The Matrix (1999) 4.5/5 2024-01-15"),
    "mojibake.csv": Case("rating: WALL·E (2008) 4.5/5 2024-01-15", "rating: Amélie (2001) 4.5/5 2024-01-15"),
    "movary_history.csv": Case(
        "seen: The Matrix (1999) 2024-01-15", "seen: The Matrix (1999) 2020-02-01", "seen: Heat (1995) 2024-01-16"
    ),
    "movary_ratings.csv": Case("rating: The Matrix (1999) 9/10", "rating: Heat (1995) 8/10"),
    "namesake_next_year.csv": Case(
        "rating: Sherlock Holmes (2009) 4.5/5 2024-01-01", "rating: Sherlock Holmes (2010) 0.5/5 2024-02-01"
    ),
    "near_year_wrong.csv": Case(
        "rating: The Fear (1995) 1/5 2024-01-01",
        "rating: Circle (2015) 4/5 2024-01-02",
        "rating: Revenge (1989) 5/5 2024-01-03",
        "rating: Spiral (2019) 2/5 2024-01-04",
        "rating: Beauty and the Beast (1992) 0.5/5 2024-01-05",
    ),
    "netflix_ratings_gdpr.csv": Case(
        "rating: The Dark Knight 5/5 2017-06-19", "like: The Matrix 2025-06-19", "seen: Titanic 2025-06-20"
    ),
    "netflix_viewing_us.csv": Case(
        "seen: The Matrix 2025-06-19",
        "seen: Inception 2025-06-18",
        "seen: Star Wars: Episode V - The Empire Strikes Back 2025-06-16",
        skipped={"not a film": 1},
    ),
    "playback_two_users.tsv": Case(refused="the file has rows of several users; say with --profile whose"),
    "rating_low_user_of_ten.csv": Case(
        "rating: The Matrix (1999) 5/5",
        "rating: Heat (1995) 4/5",
        "rating: Alien (1979) 3/5",
        warning="no rating is above 5, so 5 is taken for the best o",
    ),
    "rating_minus_and_zero.csv": Case(
        "rating: Alien (1979) 8/10", skipped={"no rating": 1, "the rating isn't between 0 and 10": 1}
    ),
    "rating_stars.csv": Case("rating: The Matrix (1999) 4.5/5", "rating: Heat (1995) 5/5"),
    "ratings.xlsx": Case(refused="the file is an Excel workbook; save the sheet as CSV and giv"),
    "remake_offered.csv": Case("rating: Oldboy (2003) 5/5 2024-01-01"),
    "rym_film.csv": Case("rating: The Matrix (1999) 9/10"),
    "ryot.json": Case("rating: The Matrix 90/100 2024-01-15"),
    "simkl.csv": Case(
        "rating: Finding Nemo (2003) 9/10 2022-06-17",
        "watchlist: The Matrix (1999)",
        "seen: Heat (1995) 2022-06-18",
        skipped={"not a film": 1},
    ),
    "simkl_backup.json": Case("rating: The Matrix (1999) 9/10 2026-07-05", "watchlist: Heat (1995) 2026-07-04"),
    "title_only_list.txt": Case(refused=ASKED),
    "tmdb_ratings.csv": Case("rating: Matrix (1999) 9/10 2014-11-08", skipped={"not a film": 1}),
    "tmdb_watchlist.csv": Case("watchlist: The Matrix (1999)", "watchlist: Heat (1995)"),
    "trakt_2026.zip": Case(
        "rating: The Matrix (1999) 9/10 2024-01-15",
        "seen: The Matrix (1999) 2024-01-15",
        "seen: Heat (1995) 2024-01-15",
        "watchlist: Heat (1995) 2024-01-15",
    ),
    "trakt_2026_folder.zip": Case(
        "rating: The Matrix (1999) 9/10 2024-01-15",
        "seen: The Matrix (1999) 2024-01-15",
        "seen: Heat (1995) 2024-01-15",
        "watchlist: Heat (1995) 2024-01-15",
    ),
    "trakt_22000_episodes.zip": Case(
        "rating: The Matrix (1999) 9/10 2024-01-15",
        "seen: The Matrix (1999) 2024-01-15",
        "seen: Heat (1995) 2024-01-15",
        "watchlist: Heat (1995) 2024-01-15",
        skipped={"not a film": 22000},
    ),
    "trakt_json_show_first.json": Case("rating: The Matrix (1999) 9/10 2024-01-15"),
    "traktexport.json": Case("seen: The Matrix (1999) 2024-01-15", "rating: The Matrix (1999) 9/10 2024-01-15"),
    "tv_number_is_another_film.csv": Case("rating: The Matrix (1999) 8/10", skipped={"not a film": 2}),
    "tvtime_gdpr.zip": Case("seen: The Matrix (1999) 2025-03-01", "watchlist: Heat (1995) 2026-01-03"),
    "tvtime_liberator.csv": Case(
        "rating: The Matrix 9/10 2024-01-15", "seen: Heat 2024-01-16", "watchlist: Fargo", skipped={"not a film": 1}
    ),
    "two_folders_deep.zip": Case("rating: The Matrix (1999) 4.5/5 2024-01-15", "seen: The Matrix (1999) 2024-01-15"),
    "watcharr.json": Case("rating: The Matrix 9/10 2024-01-15"),
    "watchlist (1).csv": Case("watchlist: The Matrix (1999) 2024-01-15", "watchlist: Heat (1995) 2024-01-16"),
    "whole_line_quoted.csv": Case("rating: The Matrix (1999) 4.5/5 2024-01-15", "rating: Heat (1995) 4/5 2024-01-16"),
    "windows_backslash.zip": Case("rating: The Matrix (1999) 4.5/5 2024-01-15"),
    "yamtrack.csv": Case("rating: The Matrix 8/10 2024-02-09", "watchlist: Heat", skipped={"not a film": 2}),
    # variants of the same kinds
    "MyList.csv": Case("watchlist: The Matrix 2025-01-01"),
    "ViewingActivity.csv": Case(
        "seen: The Matrix 2025-06-19", skipped={"not a film": 2, "played for less than ten minutes": 1}
    ),
    "amb.csv": Case(
        "rating: The Matrix (1999) 9/10",
        "rating: Heat (1995) 8/10",
        warning="2 dates have two readings, left out: row 2 could b",
    ),
    "bullets.txt": Case(refused=ASKED),
    "comma_semicolon.csv": Case("rating: The Matrix (1999) 8.5/10"),
    "criticker2.csv": Case("rating: Heat (1995) 88/100 2017-04-23"),
    "diary_named_review.csv": Case("rating: The Matrix (1999) 4.5/5 2024-01-14"),
    "douban2.csv": Case("rating: 黑客帝国 The Matrix 5/5 2020-01-02"),
    "excel_dates.csv": Case("rating: The Matrix (1999) 9/10 2024-01-15"),
    "favorites.csv": Case("like: The Matrix (1999)"),
    "filmaffinity_es.csv": Case("rating: Matrix (1999) 8/10 2024-01-15", "rating: Heat (1995) 7/10 2024-02-20"),
    "filmweb_pl.csv": Case("rating: The Matrix (1999) 9/10 2024-01-15"),
    "goodfilms.csv": Case(refused=ASKED),
    "half.csv": Case(
        "rating: The Matrix (1999) 4.5/5",
        "rating: Heat (1995) 3/5",
        warning="no rating is above 4.5, so 5 is taken for the best",
    ),
    "headless.csv": Case("rating: The Matrix (1999) 9/10", "rating: Heat (1995) 8/10"),
    "icm.csv": Case("seen: The Matrix (1999)", "like: The Matrix (1999)", "watchlist: Heat (1995)"),
    "imdb_2026.csv": Case("rating: The Matrix (1999) 9/10 2024-01-01", skipped={"not a film": 1}),
    "imdb_checkins.csv": Case("seen: The Matrix (1999) 2023-07-09"),
    "imdb_dateadded.csv": Case("rating: The Matrix (1999) 9/10 2017-11-05"),
    "imdb_late2017.csv": Case("rating: The Matrix (1999) 9/10 2017-11-05"),
    "jellyfin.json": Case(
        "seen: The Matrix (1999) 2024-01-15",
        "like: The Matrix (1999) 2024-01-15",
        skipped={"neither seen nor rated": 1},
    ),
    "js_dates.csv": Case("rating: The Matrix (1999) 9/10 2024-01-15"),
    "jsonl.json": Case("rating: The Matrix (1999) 9/10", "rating: Heat (1995) 8/10"),
    "kinopoisk2.csv": Case(
        "rating: Матрица (1999) 10/10 2024-01-15", warning="not UTF-8, so read as Windows-1251; check the lett"
    ),
    "kinopoisk3.csv": Case("rating: The Matrix (1999) 10/10 2024-01-15", skipped={"not a film": 1}),
    "kinorium_list.csv": Case("watchlist: Матрица (1999)"),
    "kodi_sep.xml": Case("seen: The Matrix (1999) 2024-01-15", skipped={"not a film": 2, "neither seen nor rated": 1}),
    "letterboxd_list_old.csv": Case(refused=ASKED),
    "movielens_wish.csv": Case("watchlist: The Matrix (1999)"),
    "netflix_de.csv": Case("seen: Matrix 2025-06-19", skipped={"not a film": 1}),
    "netflix_fr.csv": Case("seen: Matrix 2025-06-19", skipped={"not a film": 2}),
    "netflix_gb.csv": Case("seen: The Matrix 2025-06-19", "seen: Heat 2025-06-05"),
    "netflix_jp.csv": Case("seen: マトリックス 2025-06-19"),
    "netflix_kr.csv": Case("seen: 매트릭스 2025-06-19", skipped={"not a film": 1}),
    "netflix_nl.csv": Case("seen: The Matrix 2025-06-19"),
    "netflix_sv.csv": Case("seen: Matrix 2025-06-19", skipped={"not a film": 1}),
    "netflix_two_profiles.csv": Case(refused="the file has rows of several users; say with --profile whose"),
    "netflix_us_amb.csv": Case("seen: The Matrix 2025-06-09", "seen: Heat 2025-06-05", "seen: Alien 2025-05-11"),
    "note_en.csv": Case("seen: The Matrix (1999) 2024-01-15"),
    "of.csv": Case("rating: The Matrix (1999) 9/10", "rating: Heat (1995) 8/10"),
    "percent.csv": Case("rating: The Matrix (1999) 90/100", "rating: Heat (1995) 80/100"),
    "pipe.csv": Case("rating: The Matrix (1999) 9/10", "rating: Heat (1995) 8/10"),
    "plex.csv": Case(
        "rating: The Matrix (1999) 9/10 2024-01-15",
        "seen: Heat (1995) 2024-01-15",
        skipped={"neither seen nor rated": 1},
    ),
    "plex.json": Case("rating: The Matrix (1999) 9/10 2024-01-15", skipped={"neither seen nor rated": 1}),
    "plex.xml": Case("rating: The Matrix (1999) 9/10 2024-01-15", skipped={"not a film": 1}),
    "prime_de.csv": Case("seen: Matrix 2024-01-15", skipped={"not a film": 1}),
    "prime_en.csv": Case("seen: The Matrix 2024-01-15", skipped={"not a film": 1}),
    "ryot2.json": Case("seen: The Matrix 2024-01-15", "watchlist: Heat", skipped={"not a film": 1}),
    "seriesguide-movies-backup.json": Case("seen: The Matrix", "watchlist: Heat"),
    "simkl2.json": Case(
        "seen: Spirited Away (2001)",
        "seen: The Matrix (1999) 2024-01-15",
        "rating: Heat (1995) 3/10",
        skipped={"not a film": 1},
    ),
    "statuses.csv": Case("watchlist: The Matrix (1999)", "seen: Heat (1995)", skipped={"not watched to the end": 1}),
    "tab_bom.csv": Case("rating: The Matrix (1999) 9/10"),
    "tautulli.csv": Case("seen: The Matrix (1999) 2024-01-15", skipped={"not a film": 1, "neither seen nor rated": 1}),
    "tautulli.json": Case("seen: The Matrix (1999) 2024-01-15"),
    "thumbs.csv": Case("like: The Matrix (1999)"),
    "titles_only.csv": Case(refused=ASKED),
    "tmdb_list.csv": Case(refused=ASKED),
    "trakt_csv.csv": Case("rating: The Matrix (1999) 9/10 2024-01-15", skipped={"not a film": 1}),
    "trakt_hist_page.json": Case("seen: The Matrix (1999) 2024-01-15", skipped={"not a film": 1}),
    "trakt_watched_csv.csv": Case("seen: The Matrix (1999) 2024-01-15", skipped={"not a film": 1}),
    "urls.txt": Case(refused=ASKED),
    "utf16nobom.csv": Case("rating: The Matrix (1999) 9/10"),
    "watcharr2.json": Case(
        "rating: The Matrix (1999) 8/10 2024-01-10", "watchlist: Heat (1995)", skipped={"not a film": 1}
    ),
    "wetrakr.csv": Case("rating: The Matrix (1999) 9/10 2024-01-15", "watchlist: Heat (1995)"),
    "yamtrack2.csv": Case("rating: Heat 9/10 2024-02-09", skipped={"not watched to the end": 1}),
    "year_rating.csv": Case("rating: The Matrix (1999) 9/10 2024-01-15"),
    "netflix_ar.csv": Case("seen: Heat 2024-01-15", skipped={"not a film": 1}),
    "netflix_cs.csv": Case("seen: Matrix 2024-01-15", skipped={"not a film": 2}),
    "netflix_el.csv": Case("seen: Matrix 2024-01-15", skipped={"not a film": 1}),
    "netflix_hr.csv": Case("seen: Heat 2024-01-15", skipped={"not a film": 1}),
    "netflix_no.csv": Case("seen: Heat 2024-01-15", skipped={"not a film": 1}),
    "netflix_ro.csv": Case("seen: Matrix 2024-01-15", skipped={"not a film": 1}),
    "netflix_th.csv": Case("seen: Heat 2024-01-15"),
    "netflix_uk.csv": Case("seen: Матриця 2024-01-15"),
    "netflix_us_episodes.csv": Case(
        "seen: Heat 2022-05-01", "seen: Mission: Impossible - Fallout 2022-04-02", skipped={"not a film": 4}
    ),
    "netflix_pl.csv": Case("seen: Matrix 2024-01-15", skipped={"not a film": 2}),
    "netflix_tr.csv": Case("seen: Matrix 2024-01-15", skipped={"not a film": 1}),
    "netflix_hu.csv": Case("seen: Mátrix 2024-01-15", skipped={"not a film": 1}),
    "netflix_he.csv": Case("seen: Heat 2024-01-15", skipped={"not a film": 1}),
    "netflix_vi.csv": Case("seen: Heat 2024-01-15", skipped={"not a film": 1}),
    "netflix_tw.csv": Case("seen: 駭客任務 2024-01-15", skipped={"not a film": 1}),
    "kinopoisk_series.csv": Case(
        "rating: The Matrix (1999) 9/10 2024-01-15", "rating: Брат (1997) 8/10 2024-01-13", skipped={"not a film": 1}
    ),
    "kinopoisk.xls": Case(refused="the file is a table saved as a web page; open it in a spread"),
    "filmaffinity_series.csv": Case("rating: Heat (1995) 9/10 2024-01-15", skipped={"not a film": 1}),
    "filmweb_rating.csv": Case("rating: Heat (1995) 9/10 2020-01-18", skipped={"not a film": 1}),
    "douban_intro.csv": Case("rating: 盗火线 / Heat (1995) 5/5 2020-01-02"),
    "douban_wish.csv": Case(
        "watchlist: 黑客帝国 The Matrix (1999) 2020-01-02", "rating: 盗火线 Heat (1995) 4/5 2020-01-03"
    ),
    "goodreads.csv": Case(refused="the file is about series, books, an account or a collection,"),
    "imdb_people.csv": Case(skipped={"not a film": 1}),
    "jellyfin_table.csv": Case(
        "seen: Heat (1995) 2024-01-15",
        "like: Heat (1995) 2024-01-15",
        skipped={"neither seen nor rated": 1, "not a film": 1},
    ),
    "icm_dates.csv": Case(
        "seen: Heat (1995) 2015-01-15",
        "like: Heat (1995) 2015-01-15",
        "watchlist: Cidade de Deus (2002)",
        "seen: Saw (2004) 2015-01-15",
    ),
    "excel_german.csv": Case(
        "rating: Heat (1995) 8.5/10 2024-01-15",
        "rating: Die fabelhafte Welt der Amélie (2001) 9/10 2024-01-16",
        warning="not UTF-8, so read as Windows-1252; check the acce",
    ),
    "simkl-all.json": Case(
        "seen: Spirited Away (2001)",
        "rating: Heat (1995) 9/10 2022-06-19",
        "watchlist: Alien (1979) 2023-01-01",
        "seen: Fargo (1996) 2022-06-18",
        skipped={"not a film": 1},
    ),
    "tvtime_account.zip": Case(
        "seen: Heat (1995) 2021-05-05", "watchlist: Alien (1979) 2021-05-06", skipped={"not a film": 1, "no rating": 1}
    ),
    "tvtime_movies.json": Case("seen: Heat (1995) 2021-05-05", "watchlist: Alien (1979) 2021-05-06"),
    "movary-watchlist.csv": Case("watchlist: Heat (1995) 2024-01-15"),
    "disney.csv": Case("seen: The Lion King 2024-01-15", skipped={"not a film": 1}),
    "titles.txt": Case(refused=ASKED),
    "list_heading.txt": Case(refused=ASKED),
    "list_rated.txt": Case("rating: Heat (1995) 9/10", "rating: Alien (1979) 8/10"),
    "list_comma.txt": Case(refused=ASKED),
    "list_stars.txt": Case("rating: Heat (1995) 4.5/5", "rating: Alien (1979) 4/5"),
    "list.md": Case(refused=ASKED),
    "watcharr4.json": Case("rating: Heat (1995) 8/10 2023-08-01", skipped={"not a film": 1}),
    "videodb_shows.xml": Case(
        "rating: Heat (1995) 8/10 2024-01-15", skipped={"not a film": 2, "neither seen nor rated": 1}
    ),
    "imdb2016.csv": Case("rating: Heat (1995) 9/10 2016-01-15", skipped={"not a film": 1}),
    "imdb2019_watchlist.csv": Case(
        "watchlist: Heat (1995) 2019-01-15", "watchlist: Alien (1979) 2019-01-16", skipped={"not a film": 1}
    ),
    "traktexport2.json": Case(
        "watchlist: Alien (1979) 2024-01-15",
        "rating: Heat (1995) 9/10 2024-01-15",
        "seen: Heat (1995) 2024-01-14",
        skipped={"not a film": 3},
        warning="no films were found in traktexport2.json/stats.jso",
    ),
    "prime_gdpr.csv": Case("seen: Heat 2024-01-15", skipped={"played for less than ten minutes": 1}),
    "letterboxd_two_bad.zip": Case(
        "rating: Heat (1995) 4.5/5 2024-01-15",
        "rating: Alien (1979) 0.5/5 2024-01-16",
        "rating: Heat (1995) 4/5 2024-01-14",
        "watchlist: Casino (1995) 2024-01-17",
        "like: Heat (1995) 2024-01-15",
        warning="diary.csv: line 2: a quote is out of place or isn'",
    ),
    "lb_and_imdb.zip": Case(
        "rating: Fargo (1996) 9/10 2024-01-15",
        "rating: Heat (1995) 9/10 2024-01-15",
        "rating: Alien (1979) 1/10 2024-01-16",
    ),
    "lb_in_zip.zip": Case(
        "rating: Heat (1995) 4.5/5 2024-01-15",
        "rating: Alien (1979) 0.5/5 2024-01-16",
        "rating: Heat (1995) 4/5 2024-01-14",
        "seen: Fargo (1996) 2023-01-14",
        "rating: Heat (1995) 4/5 2024-01-14",
        "seen: Heat (1995) 2024-01-15",
        "seen: Fargo (1996) 2024-01-15",
        "watchlist: Casino (1995) 2024-01-17",
        "like: Heat (1995) 2024-01-15",
    ),
    "lb_renamed.zip": Case(
        "rating: Heat (1995) 4.5/5 2024-01-15",
        "rating: Alien (1979) 0.5/5 2024-01-16",
        "seen: Heat (1995) 2024-01-15",
        "seen: Fargo (1996) 2024-01-15",
        "watchlist: Casino (1995) 2024-01-17",
        "like: Heat (1995) 2024-01-15",
    ),
    "mixed_types.csv": Case("rating: Heat (1995) 8/10", "rating: Nolan shorts (1997) 6/10", skipped={"not a film": 3}),
    "netflix_report.zip": Case(refused="the file has rows of several users; say with --profile whose"),
    "netflix_kids.csv": Case(refused="the file has rows of several users; say with --profile whose"),
    "plex_two_users.csv": Case(refused="the file has rows of several users; say with --profile whose"),
}


def describe(entry: Entry, highest: float) -> str:
    """Return an entry as the table writes it."""
    year = f" ({entry.year})" if entry.year else ""
    rating = "" if entry.rating is None else f" {entry.rating:g}/{highest:g}"
    day = "" if entry.time is None else f" {datetime.fromtimestamp(entry.time, UTC):%Y-%m-%d}"
    return f"{entry.kind}: {entry.title}{year}{rating}{day}"


def describe_all(journal: ParsedImport) -> tuple[str, ...]:
    """Return all entries of an import as the table writes them."""
    return tuple(describe(entry, journal.highest) for entry in journal.entries)


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir()))
def test_a_case_comes_out_as_it_should(name: str) -> None:
    """Entries with kind, rating and day, skipped rows, warning, or the refusal."""
    case, content = CASES[name], (FOLDER / name).read_bytes()
    if case.refused:
        with pytest.raises(DataError) as refusal:
            read(content, name)
        assert str(refusal.value).startswith(case.refused)
        return
    journal = read(content, name)
    assert describe_all(journal) == case.entries
    assert journal.reasons == case.skipped
    assert journal.read == len(journal.entries) + sum(case.skipped.values())
    assert (journal.warnings or [""])[0].startswith(case.warning)
    assert bool(journal.warnings) == bool(case.warning)


@pytest.mark.parametrize(
    ("name", "kind", "entries"),
    [
        ("letterboxd_list_v7.csv", "like", ("like: The Matrix (1999)", "like: Heat (1995)")),
        ("title_only_list.txt", "seen", ("seen: The Matrix (1999)", "seen: Heat (1995)", "seen: Memento (2000)")),
        ("imdb_ids.csv", "watchlist", ("watchlist: ",) * 3),
        ("tmdb_watchlist.csv", "seen", ("seen: The Matrix (1999)", "seen: Heat (1995)")),
        ("imdb_seen_list.csv", "rating", ("rating: The Matrix (1999) 9/10 2025-02-02",)),
    ],
)
def test_a_question_is_answered_by_the_kind(name: str, kind: str, entries: tuple[str, ...]) -> None:
    """The user states the kind that a file leaves open; ratings that are there count for seen and rated films."""
    assert describe_all(read((FOLDER / name).read_bytes(), name, kind=kind)) == entries  # type: ignore[arg-type]


def test_the_scale_that_was_inferred_can_be_changed() -> None:
    """Somebody who never gave more than 5 of 10 gives the best rating."""
    name = "rating_low_user_of_ten.csv"
    assert read((FOLDER / name).read_bytes(), name, highest=10).highest == 10


@pytest.mark.parametrize(
    ("name", "profile", "entries", "others"),
    [
        ("netflix_two_profiles.csv", "Bob", ("seen: Heat 2025-06-19",), 1),
        (
            "netflix_report.zip",
            "Ann",
            ("like: Heat 2024-01-16", "watchlist: Alien 2023-01-02", "seen: Heat 2024-01-15"),
            4,
        ),
        ("netflix_kids.csv", "Kids", ("seen: Shrek 2024-01-15",), 4),
        ("plex_two_users.csv", "bob", ("seen: Alien (1979) 2024-01-15",), 1),
    ],
)
def test_the_rows_of_one_profile_are_read(name: str, profile: str, entries: tuple[str, ...], others: int) -> None:
    """The names are offered; the rows of the others are counted, and read by nobody's name."""
    content = (FOLDER / name).read_bytes()
    for chosen in ("", "Nobody"):
        with pytest.raises(ProfileUnknownError) as refusal:
            read(content, name, profile=chosen)
        assert profile in refusal.value.profiles
    journal = read(content, name, profile=profile)
    assert (describe_all(journal), journal.reasons["of another user"]) == (entries, others)
    assert not any(row.title for row in journal.skipped if row.reason == "of another user")


def test_a_profile_in_each_file_is_a_choice_too() -> None:
    """One profile rated and another one made a list: neither's films are the other's."""
    files = {
        "Ratings.csv": "Profile Name,Title Name,Star Value,Thumbs Value,Event Utc Ts\nAnn,Heat,5,,2017-06-19\n",
        "MyList.csv": "Profile Name,Title Name,Country,Utc Title Add Date\nBob,Alien,DE,2023-01-02\n",
    }
    with pytest.raises(ProfileUnknownError) as refusal:
        read(zip_files(files))
    assert pickle.loads(pickle.dumps(refusal.value)).profiles == ["Ann", "Bob"]
    assert describe_all(read(zip_files(files), profile="Bob")) == ("watchlist: Alien 2023-01-02",)
