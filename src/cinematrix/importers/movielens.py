"""MovieLens: what movielens.org gives its users, and a `ratings.csv` of one user."""

from cinematrix.importers.entries import Entry, Skipped, as_moment
from cinematrix.importers.source import Reader, Source, film, one_user
from cinematrix.importers.text import Row, Table

HIGHEST = 5.0


def reader(table: Table) -> Reader:
    """What reads the site's ratings (without dates), or its wishlist.

    Raises:
        DataError: there is no column of ratings, and it isn't called a wishlist.
    """
    if "wishlist" not in table.name:
        table.need("rating")

    def entry(row: Row) -> Entry | Skipped:
        return film(
            row, "watchlist" if "wishlist" in table.name else "rating", title=row.text("title"),
            rating=row.raw("rating"), highest=HIGHEST, imdb=row.raw("imdb_id"), tmdb=row.raw("tmdb_id"),
            movie=row.raw("movie_id"),
        )  # fmt: skip

    return entry


def of_one_user(_: Table) -> Reader:
    """What reads `userId,movieId,rating,timestamp`; at the second user it is clear that this is a data set."""
    check = one_user()

    def entry(row: Row) -> Entry | Skipped:
        check(row.raw("userid"))
        moment = as_moment(row.raw("timestamp"))
        rating, movie = row.raw("rating"), row.raw("movieid")
        return film(row, "rating", title="", rating=rating, highest=HIGHEST, moment=moment, movie=movie)

    return entry


SITE = Source("movielens", HIGHEST, lambda header: header >= {"movie_id", "imdb_id", "tmdb_id", "title"}, reader)
DATA_SET = Source("movielens", HIGHEST, lambda header: header >= {"userid", "movieid", "rating"}, of_one_user)
