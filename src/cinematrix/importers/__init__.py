"""Readers of ratings and movies: MovieLens in all its formats, MovieTweetings, CSV, Parquet and frames."""

from cinematrix.importers.frames import from_frame
from cinematrix.importers.reading import read
from cinematrix.importers.report import Dataset, Dropped, Report

__all__ = ["Dataset", "Dropped", "Report", "from_frame", "read"]
