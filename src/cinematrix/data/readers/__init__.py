"""Readers of ratings and movies from files of many formats and from tables in memory."""

from cinematrix.data.readers.frames import from_frame
from cinematrix.data.readers.reading import read

__all__ = ["from_frame", "read"]
