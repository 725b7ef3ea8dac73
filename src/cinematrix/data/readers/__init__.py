"""Readers of ratings and movies: MovieLens in all its formats, MovieTweetings, CSV, Parquet and tables in memory."""

from cinematrix.data.readers.frames import from_frame
from cinematrix.data.readers.reading import read

__all__ = ["from_frame", "read"]
