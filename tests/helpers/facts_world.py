"""Tables of gathered facts."""

import polars as pl

from cinematrix.data.movie_facts import GATHERED


def gathered(ids: str, **columns: list[object]) -> pl.DataFrame:
    """Return a table of gathered facts of movies, whose IDs at TMDB are letters."""
    blank = {name: [None] * len(ids) for name in GATHERED}
    return pl.DataFrame(blank | {"tmdb": list(ids), "fetched": [1] * len(ids)} | columns, GATHERED)
