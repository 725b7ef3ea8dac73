"""Readers of ratings and movies: MovieLens in all its formats, MovieTweetings, CSV, Parquet and frames."""

from cinematrix.data.readers.frames import from_frame
from cinematrix.data.readers.reading import read
from cinematrix.data.readers.report import Dataset, DroppedRows, ReadReport

__all__ = ["Dataset", "DroppedRows", "ReadReport", "from_frame", "read"]
