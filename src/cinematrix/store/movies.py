"""Stored metadata of movies that were added or changed since the model was trained."""

import json
from collections.abc import Sequence

from sqlalchemy import delete, func, insert, select, update

from cinematrix.data.catalog import MovieMetadata
from cinematrix.store.records import Store
from cinematrix.store.statements import now_ms, write_audit
from cinematrix.store.tables import MOVIES

MoviesRevision = tuple[int, int]
"""Number of stored movies and time of the last change in ms."""


def put_movies(store: Store, movies: Sequence[MovieMetadata], who: str) -> int:
    """Store movies, all or none, and return how many are new. The last description of a movie wins."""
    described = {metadata.movie: metadata for metadata in movies}
    with store.write_transaction() as connection:
        stored = set(connection.scalars(select(MOVIES.c.movie)))
        for movie, metadata in described.items():
            row = metadata._asdict() | {"genres": json.dumps(metadata.genres), "changed": now_ms()}
            statement = update(MOVIES).filter_by(movie=movie) if movie in stored else insert(MOVIES)
            connection.execute(statement.values(row))
        write_audit(connection, who, f"described {len(described)} movies, such as {movies[0].movie}")
    return len(described.keys() - stored)


def delete_movie(store: Store, movie: str, who: str) -> bool:
    """Delete the stored metadata of a movie; return whether there was any."""
    with store.write_transaction() as connection:
        deleted = connection.execute(delete(MOVIES).filter_by(movie=movie)).rowcount > 0
        if deleted:
            write_audit(connection, who, f"dropped movie {movie}")
    return deleted


def list_movies(store: Store) -> list[MovieMetadata]:
    """Return the metadata of all stored movies, by ID."""
    with store.engine.connect() as connection:
        rows = connection.execute(select(MOVIES).order_by(MOVIES.c.movie))
        return [MovieMetadata(row.movie, row.title, row.year, json.loads(row.genres)) for row in rows]


def read_movies_revision(store: Store) -> MoviesRevision:
    """Return the revision of the stored movies, which changes with each of their changes."""
    with store.engine.connect() as connection:
        n, last = connection.execute(select(func.count(), func.max(MOVIES.c.changed)).select_from(MOVIES)).one()
    return n, last or 0
