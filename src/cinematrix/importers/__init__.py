"""Importers of a user's exports from Letterboxd, IMDb, Trakt and other sites, matched to a catalog."""

from cinematrix.importers.entries import Entry, ParsedImport, SkippedEntry
from cinematrix.importers.reader import KindUnknownError, ProfileUnknownError
from cinematrix.importers.reading import parse_mapping, read

__all__ = ["Entry", "KindUnknownError", "ParsedImport", "ProfileUnknownError", "SkippedEntry", "parse_mapping", "read"]
