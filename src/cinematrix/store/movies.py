"""Stored metadata of movies that were added or changed since the model was trained."""

import json
from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select, update

from cinematrix.data.catalog import MovieMetadata
from cinematrix.store.records import Store
from cinematrix.store.statements import dialect, now_ms, write_audit
from cinematrix.store.tables import MOVIES, REVISIONS

MoviesRevision = int
"""Number of changes to the stored movies until now. A time would go back with the clock."""


def put_movies(store: Store, movies: Sequence[MovieMetadata], who: str) -> int:
    """Store movies, all or none, and return how many are new. The last description of a movie wins."""
    described = {metadata.movie: metadata for metadata in movies}
    with store.write_transaction() as connection:
        stored = set(connection.scalars(select(MOVIES.c.movie)))
        for movie, metadata in described.items():
            row = metadata._asdict() | {"genres": json.dumps(metadata.genres), "changed": now_ms()}
            statement = update(MOVIES).filter_by(movie=movie) if movie in stored else insert(MOVIES)
            connection.execute(statement.values(row))
        _count_change(connection)
        write_audit(connection, who, f"described {len(described)} movies, such as {movies[0].movie}")
    return len(described.keys() - stored)


def delete_movie(store: Store, movie: str, who: str) -> bool:
    """Delete the stored metadata of a movie; return whether there was any."""
    with store.write_transaction() as connection:
        deleted = connection.execute(delete(MOVIES).filter_by(movie=movie)).rowcount > 0
        if deleted:
            _count_change(connection)
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
        return connection.scalar(select(REVISIONS.c.number).filter_by(name=MOVIES.name)) or 0


def _count_change(connection: Connection) -> None:
    first = dialect(connection).insert(REVISIONS).values(name=MOVIES.name, number=1)
    connection.execute(first.on_conflict_do_update(index_elements=["name"], set_={"number": REVISIONS.c.number + 1}))
