"""Importer of movielens.org's exports and of a `ratings.csv` of one user."""

from cinematrix.importers.entries import Entry, SkippedEntry, parse_timestamp
from cinematrix.importers.source import Reader, Source, build_entry, single_user_check
from cinematrix.importers.text import CsvRow, CsvTable

MAX_RATING = 5.0


def reader(table: CsvTable) -> Reader:
    """Return a reader of the site's ratings (without dates), or of its wishlist.

    Raises:
        DataError: there is no column of ratings, and the file's name lacks "wishlist".
    """
    if "wishlist" not in table.name:
        table.need("rating")

    def entry(row: CsvRow) -> Entry | SkippedEntry:
        return build_entry(
            row, "watchlist" if "wishlist" in table.name else "rating", title=row.text("title"),
            rating=row.raw("rating"), highest=MAX_RATING, imdb=row.raw("imdb_id"), tmdb=row.raw("tmdb_id"),
            movie=row.raw("movie_id"),
        )  # fmt: skip

    return entry


def single_user_reader(_: CsvTable) -> Reader:
    """Return a reader of `userId,movieId,rating,timestamp`; a second user raises DataError."""
    check = single_user_check()

    def entry(row: CsvRow) -> Entry | SkippedEntry:
        check(row.raw("userid"))
        moment = parse_timestamp(row.raw("timestamp"))
        rating, movie = row.raw("rating"), row.raw("movieid")
        return build_entry(row, "rating", title="", rating=rating, highest=MAX_RATING, moment=moment, movie=movie)

    return entry


SITE = Source("movielens", MAX_RATING, lambda header: header >= {"movie_id", "imdb_id", "tmdb_id", "title"}, reader)
DATA_SET = Source("movielens", MAX_RATING, lambda header: header >= {"userid", "movieid", "rating"}, single_user_reader)
