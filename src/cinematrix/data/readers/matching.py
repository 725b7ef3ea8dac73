"""Match of rated movies with the catalog beside them."""

from cinematrix.data.catalog import Catalog
from cinematrix.data.dataset import ReadReport
from cinematrix.data.ids import UNKNOWN
from cinematrix.data.ratings import Ratings
from cinematrix.data.readers.log import ReadLog
from cinematrix.errors import DataError


def note_untitled(ratings: Ratings, catalog: Catalog | None, log: ReadLog | ReadReport, where: str) -> int:
    """Return the number of rated movies that aren't in the catalog, and note it.

    Raises:
        DataError: none of them is; the message shows IDs of both.
    """
    if catalog is None:
        return 0
    missing = ratings.movies.ids[catalog.movies.numbers(ratings.movies.ids) == UNKNOWN]
    shown = ", ".join(map(str, missing[:3].tolist()))
    if len(missing) == len(ratings.movies):
        theirs = ", ".join(map(str, catalog.movies.ids[:3].tolist())) or "none"
        raise DataError(
            f"none of the {len(missing):,} rated movies ({shown}) is in {where}, which has the IDs {theirs}; give the "
            "movies of these ratings"
        )
    if len(missing):
        log.notes.append(f"{len(missing):,} of {len(ratings.movies):,} rated movies aren't in {where}, such as {shown}")
    return len(missing)
