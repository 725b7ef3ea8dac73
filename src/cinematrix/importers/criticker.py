"""Criticker: the XML of a person's ratings, 0 to 100."""

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
    """One entry a `<film>`, numbered as they come.

    Raises:
        DataError: it isn't well-formed, has a document type (entities could be bombs), or has no films.
    """
    number = 0
    for number, film_ in enumerate(_films(content), start=1):
        fields = {name: clean_text(film_.findtext(name) or "") for name in FIELDS}
        yield require_movie(
            build_entry(
                CsvRow(f"{number}", fields), "rating", title=fields["filmname"], rating=fields["rating"], highest=HIGHEST,
                moment=_moment(fields["reviewdate"]), imdb=fields["imdbid"],
            )
        )  # fmt: skip
    if not number:
        raise DataError("the XML holds no film of Criticker's")


def _films(content: bytes) -> Iterator[Element]:
    """Each film as it is read, without keeping those before."""
    above: list[Element] = []
    films = 0  # open ones
    try:
        for event, element in iterparse(io.BytesIO(content), ("start", "end"), forbid_dtd=True):
            if event == "start":
                above.append(element)
                films += element.tag == "film"
                continue
            above.pop()
            films -= element.tag == "film"
            if element.tag == "film" and not films:
                yield element
            if above and not films:
                above[-1].remove(element)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise DataError("the XML isn't well-formed, or has a document type; export it once more") from error


def _moment(text: str) -> Timestamp:
    """`Apr 23 2017, 08:18`, whose zone isn't told."""
    found = DATE.fullmatch(text)
    if not found or found[1].lower() not in MONTHS:
        return Timestamp(None)
    month = MONTHS.index(found[1].lower()) + 1
    try:
        moment = datetime(int(found[3]), month, int(found[2]), int(found[4] or 0), int(found[5] or 0), tzinfo=UTC)
    except ValueError:
        return Timestamp(None)
    return timestamp_at(moment.timestamp(), day=found[4] is None)
