"""What the store keeps of movies that were added, or described anew, since the model was trained."""

import json
import time
from collections.abc import Sequence

from sqlalchemy import delete, func, insert, select, update

from cinematrix.data.catalog import MovieMetadata
from cinematrix.store.records import Store
from cinematrix.store.tables import AUDIT, MOVIES

MoviesRevision = tuple[int, int]


def put_movies(store: Store, films: Sequence[MovieMetadata], who: str) -> int:
    """Keep movies, all or none, the last description of each standing; how many are new to the store."""
    described = {film.movie: film for film in films}
    with store.write_transaction() as connection:
        there = set(connection.scalars(select(MOVIES.c.movie)))
        for film in described.values():
            row = film._asdict() | {"genres": json.dumps(film.genres), "changed": time.time_ns() // 1_000_000}
            new = film.movie not in there
            statement = insert(MOVIES) if new else update(MOVIES).filter_by(movie=film.movie)
            connection.execute(statement.values(row))
        what = f"described {len(described)} movies, such as {films[0].movie}"
        connection.execute(insert(AUDIT).values(at=time.time_ns() // 1_000_000, who=who, what=what))
    return len(described.keys() - there)


def delete_movie(store: Store, movie: str, who: str) -> bool:
    """Forget what was said of a movie; whether there was anything."""
    with store.write_transaction() as connection:
        gone = connection.execute(delete(MOVIES).filter_by(movie=movie)).rowcount > 0
        if gone:
            what = f"dropped movie {movie}"
            connection.execute(insert(AUDIT).values(at=time.time_ns() // 1_000_000, who=who, what=what))
    return gone


def list_movies(store: Store) -> list[MovieMetadata]:
    """Every movie that was described, by ID."""
    with store.engine.connect() as connection:
        rows = connection.execute(select(MOVIES).order_by(MOVIES.c.movie))
        return [MovieMetadata(row.movie, row.title, row.year, json.loads(row.genres)) for row in rows]


def read_movies_revision(store: Store) -> MoviesRevision:
    """What changes when any of them does."""
    with store.engine.connect() as connection:
        n, last = connection.execute(select(func.count(), func.max(MOVIES.c.changed)).select_from(MOVIES)).one()
    return n, last or 0
