"""Importers of a user's exports from Letterboxd, IMDb, Trakt and other sites, matched to a catalog."""

from cinematrix.importers.entries import Entry, ParsedImport, SkippedEntry
from cinematrix.importers.reading import read

__all__ = ["Entry", "ParsedImport", "SkippedEntry", "read"]
