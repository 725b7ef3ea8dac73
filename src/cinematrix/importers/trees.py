"""Tables of an upload in JSON or XML: each list of objects is a table, and nested values get names with dots."""

import io
import json
import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from cinematrix.errors import DataError
from cinematrix.importers.tables import Table, column_key
from cinematrix.importers.text import CsvRow

MAX_DEPTH = 5
"""Levels in which lists of objects are looked for, and of the names of nested values."""

HEAD_ROWS = 1000
"""Rows of an XML from which the names of its columns are collected."""

ROW_TAGS = frozenset({"film", "movie", "video", "item", "episodedetails", "tvshow", "musicvideo", "episode"})
"""XML elements that are rows. Those that aren't films are read too, so that they are counted."""

_GUID = re.compile(r"([a-z]{3,10})://([\w-]+)")


def load_json(content: bytes) -> Any:
    """Return the value of a JSON, or the list of those of JSON Lines.

    Raises:
        DataError: it isn't JSON.
    """
    try:
        text = content.decode("utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
        return _load(text)
    except (ValueError, RecursionError) as error:
        raise DataError("it isn't JSON; export it once more") from error


def list_tables(value: Any, name: str, at: str) -> Iterator[Table]:
    """Yield the lists of objects in the value of a JSON, each as a table.

    Raises:
        DataError: it holds no list.
    """
    lists = list(_find_lists(value, "", 0))
    if not lists:
        raise DataError("the JSON isn't a list of items, and holds none")
    for key, items in lists:
        yield _list_table(name, key, items, f"{at}{key}:" if key and len(lists) > 1 else at)


def _list_table(name: str, key: str, items: list[Any], at: str) -> Table:
    """Return a list as a table; its name, by which its kind may be recognised, is that of the list or the file."""
    rows = [_flatten_item(item) for item in items]
    numbered = (CsvRow(f"{at}{number}", row) for number, row in enumerate(rows, start=1))
    name = f"{name}/{key}.json" if key else name
    return Table(name, frozenset(chain.from_iterable(rows)), numbered, column_key(key), len(rows))


def _load(text: str) -> Any:
    try:
        return json.loads(text, parse_int=_parse_integer)
    except ValueError:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
        return [json.loads(line, parse_int=_parse_integer) for line in lines]


def _parse_integer(text: str) -> int:
    """Parse an integer; one with more digits than any time, rating or ID becomes 0."""
    return int(text) if len(text) <= 20 else 0


def _find_lists(value: Any, key: str, depth: int) -> Iterator[tuple[str, list[Any]]]:
    """Yield the outermost lists of objects with their keys. An object whose values are all objects is a list, too."""
    if isinstance(value, list):
        if depth == 0 or not value or any(isinstance(each, dict) for each in value):
            yield key, value
    elif isinstance(value, dict) and depth < MAX_DEPTH:
        if len(value) > 1 and all(isinstance(each, dict) for each in value.values()):
            yield key, list(value.values())
        else:
            for inner, each in value.items():
                if isinstance(each, list | dict):
                    yield from _find_lists(each, re.sub(r"[^\w-]", "", inner)[:40], depth + 1)


def _flatten_item(item: Any) -> dict[str, str]:
    fields: dict[str, str] = {}
    if isinstance(item, dict):
        _flatten(item, "", fields, 0)
    elif isinstance(item, str):
        fields["title"] = item
    return fields


def _flatten(item: dict[str, Any], prefix: str, fields: dict[str, str], depth: int) -> None:
    """Add the values of an object to `fields`. Of a list the last value counts; a GUID such as imdb://tt… is split."""
    for key, value in item.items():
        name = f"{prefix}{column_key(key)}"
        for each in value if isinstance(value, list) else (value,):
            if isinstance(each, dict):
                if depth < MAX_DEPTH:
                    _flatten(each, f"{name}.", fields, depth + 1)
            elif isinstance(each, str) and (guid := _GUID.fullmatch(each)):
                fields[f"guid.{guid[1]}"] = guid[2]
            elif isinstance(each, bool):
                fields[name] = "true" if each else ""
            elif isinstance(each, str | int | float):
                fields[name] = max(fields.get(name, ""), str(each)) if isinstance(value, list) else str(each)


def parse_xml(content: bytes, name: str, at: str) -> Table:
    """Return the table of an XML: Criticker's ratings, Kodi's library, Plex's lists.

    Raises:
        DataError: the XML isn't well-formed, has a document type (entities could be bombs), or has no films.
    """
    rows = (CsvRow(f"{at}{number}", fields) for number, fields in enumerate(_iterate_rows(content), start=1))
    head = list(islice(rows, HEAD_ROWS))
    if not head:
        raise DataError("the XML has no films; give Criticker's export or Kodi's library")
    return Table(name, frozenset(chain.from_iterable(row.fields for row in head)), chain(head, rows))


def _iterate_rows(content: bytes) -> Iterator[dict[str, str]]:
    """Yield the fields of each row as it is read; earlier elements are freed."""
    parents: list[Element] = []
    n_open = 0  # open row elements
    try:
        for event, element in iterparse(io.BytesIO(content), ("start", "end"), forbid_dtd=True):
            is_row = column_key(element.tag) in ROW_TAGS
            if event == "start":
                parents.append(element)
                n_open += is_row
                continue
            parents.pop()
            n_open -= is_row
            if is_row and not n_open:
                yield _flatten_element(element)
            if parents and not n_open:
                parents[-1].remove(element)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise DataError("the XML isn't well-formed, or has a document type; export it once more") from error


def _flatten_element(element: Element) -> dict[str, str]:
    """Return the attributes and the children of a row. `<uniqueid type="imdb">` becomes the column uniqueid.imdb."""
    tag = column_key(element.tag)
    fields = {column_key(name): value for name, value in element.attrib.items()}
    fields.setdefault("element", "" if tag in ("film", "item", "video") else tag)
    for child in element:
        name, text = column_key(child.tag), (child.text or "").strip()
        if guid := _GUID.fullmatch(child.get("id", "")):
            fields[f"guid.{guid[1]}"] = guid[2]
        if child.get("type"):
            fields[f"{name}.{column_key(child.get('type', ''))}"] = text
        fields.setdefault(name, text)
    return fields
