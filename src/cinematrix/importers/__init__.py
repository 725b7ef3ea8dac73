"""What people wrote elsewhere of films they saw: Letterboxd, IMDb, Trakt and others, read and matched to a catalog."""

from cinematrix.importers.entries import Entry, ParsedImport, SkippedEntry
from cinematrix.importers.reading import read

__all__ = ["Entry", "ParsedImport", "SkippedEntry", "read"]
