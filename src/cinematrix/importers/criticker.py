"""Importer of Criticker's XML of a user's ratings, 0 to 100."""

import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from cinematrix.errors import DataError
from cinematrix.importers.entries import Entries, Timestamp, clean_text, timestamp_at
from cinematrix.importers.source import build_entry, require_movie
from cinematrix.importers.text import CsvRow

NAME, HIGHEST = "criticker", 100.0
FIELDS = ("filmid", "filmname", "imdbid", "rating", "reviewdate")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DATE = re.compile(r"([A-Za-z]{3})[a-z]* (\d{1,2}),? (\d{4})(?:, (\d{1,2}):(\d{2}))?", re.ASCII)


def read_entries(content: bytes) -> Entries:
    """Yield one entry per `<film>`, numbered in file order.

    Raises:
        DataError: the XML isn't well-formed, has a document type (entities could be bombs), or has no movies.
    """
    number = 0
    for number, element in enumerate(_iterate_movies(content), start=1):
        fields = {name: clean_text(element.findtext(name) or "") for name in FIELDS}
        yield require_movie(
            build_entry(
                CsvRow(f"{number}", fields), "rating", title=fields["filmname"], rating=fields["rating"],
                highest=HIGHEST, moment=_parse_timestamp(fields["reviewdate"]), imdb=fields["imdbid"],
            )
        )  # fmt: skip
    if not number:
        raise DataError("the XML has no films of Criticker's; give Criticker's export")


def _iterate_movies(content: bytes) -> Iterator[Element]:
    """Yield each `<film>` as it is read; earlier elements are freed."""
    parents: list[Element] = []
    n_open = 0  # open <film> elements
    try:
        for event, element in iterparse(io.BytesIO(content), ("start", "end"), forbid_dtd=True):
            if event == "start":
                parents.append(element)
                n_open += element.tag == "film"
                continue
            parents.pop()
            n_open -= element.tag == "film"
            if element.tag == "film" and not n_open:
                yield element
            if parents and not n_open:
                parents[-1].remove(element)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise DataError("the XML isn't well-formed, or has a document type; export it once more") from error


def _parse_timestamp(text: str) -> Timestamp:
    """Parse `Apr 23 2017, 08:18`. The time zone is unknown; UTC is used."""
    match = DATE.fullmatch(text)
    if not match or match[1].lower() not in MONTHS:
        return Timestamp(None)
    month = MONTHS.index(match[1].lower()) + 1
    try:
        moment = datetime(int(match[3]), month, int(match[2]), int(match[4] or 0), int(match[5] or 0), tzinfo=UTC)
    except ValueError:
        return Timestamp(None)
    return timestamp_at(moment.timestamp(), day=match[4] is None)
