"""Properties that must hold for any uploaded bytes."""

import json
from collections import Counter

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Scale
from cinematrix.errors import DataError
from cinematrix.importers import read
from cinematrix.importers.outcome import match_entries
from cinematrix.importers.result import ImportResult

CATALOG = Catalog.of([6, 16], title=["Heat", "Alien"], year=[1995, 1979], tmdb=["949", "348"])


def check_upload(content: bytes, name: str) -> bool:
    """Check that an upload is refused (return False), or all its rows are counted and the result is valid JSON."""
    try:
        journal = read(content, name)
    except DataError as error:
        if not str(error).isprintable():
            raise AssertionError("the error message repeats the upload") from error
        return False
    result = ImportResult(match_entries(journal, CATALOG, Scale(0.5, 5, 0.5)), CATALOG)
    counts = result.counts
    assert counts.pop("read") == sum(counts.values())
    json.dumps(result.as_dict(), ensure_ascii=False, allow_nan=False).encode()
    assert set(Counter(entry.row for entry in journal.entries).values()) <= {1}
    return True
