"""Reading of an upload: its form is detected by content, never by the file's name alone."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import Any, cast

from cinematrix.common.text import parse_pairs
from cinematrix.errors import DataError, SettingError
from cinematrix.importers.archives import ZIP_START, ArchiveLimitError, ZipExport
from cinematrix.importers.columns import MAPPABLE_FIELDS, Field
from cinematrix.importers.entries import Entry, Kind, ParsedImport, clean_text
from cinematrix.importers.foreign import is_foreign, refuse_foreign, refuse_office
from cinematrix.importers.history_file import is_history, read_history
from cinematrix.importers.lists import parse_list
from cinematrix.importers.reader import (
    MAX_FILMS,
    MAX_ROWS,
    KindUnknownError,
    ProfileUnknownError,
    ReadOptions,
    read_table,
)
from cinematrix.importers.scales import MAX_HALF_STARS, half_stars
from cinematrix.importers.sources import ANY_TABLE, find_form
from cinematrix.importers.tables import Table, decode_text, parse_text
from cinematrix.importers.trees import list_tables, load_json, parse_xml

MAX_UPLOAD_BYTES = 20_000_000
"""Maximum bytes of an upload."""

SUPPORTED_EXPORTS = (
    "a Letterboxd, IMDb, Trakt, TMDB, MovieLens, Netflix, Simkl, TV Time, Criticker, Kodi or Jellyfin export or one of "
    "the others in docs/importing.md"
)

DATA_ENDINGS = (".csv", ".tsv", ".json", ".jsonl", ".xml", ".zip")

NEVER_READ = re.compile(
    r"(?:^|/)(?:deleted|orphaned)/|(?:^|/)lists/(?!(?:watchlist|favorites)(?:-\d{1,3})?\.json$)"
    r"|(?:^|/)likes/(?!films\b)|(?:^|/)(?:profile|comments)\b[^/]*$"
    r"|(?:^|/)(?:user|hidden|collection|comments|notes|likes|network|lists-list|lists-lists)-[^/]*\.json$"
    r"|(?:^|/)(?:ratings|watched|watchlist)-(?:shows|seasons|episodes)[^/]*\.json$",
    re.IGNORECASE,
)
"""Members never read: a profile (it holds an e-mail address), comments, deleted entries, lists of Letterboxd's and
Trakt's, whose meaning only the user knows, and what is about series alone."""

ORDER = ("rating", "diary", "review", "history", "watched", "watchlist", "film", "favorite")
"""Parts of the names of members, in the order in which these are read."""

MAX_INNER_ARCHIVES = 10
SHOWN_NAMES = 5
"""Maximum members named in a warning."""


class UnknownFormError(DataError):
    """A table without a column that names films."""


def parse_mapping(text: str) -> dict[str, str]:
    """Parse `title=Film,rating=Score` into a mapping from field to column; empty if `text` is blank.

    Raises:
        SettingError: `text` has another form.
    """
    pairs = parse_pairs(text, "the columns aren't understood; write title=NAME,rating=NAME") if text.strip() else []
    return {field.lower(): column for field, column in pairs}


def read(
    content: bytes,
    name: str = "",
    columns: Mapping[str, str] | None = None,
    highest: float | None = None,
    kind: Kind | None = None,
    profile: str = "",
) -> ParsedImport:
    """Read an export.

    Args:
        content: the bytes of the file.
        name: name of the file; it may say what the rows are, as in Letterboxd's watched.csv and watchlist.csv.
        columns: column by field (title, year, rating, date, imdb, tmdb, movie …) of a table of unknown form.
        highest: the best rating; None: that of the form, or the narrowest of 5, 10 and 100 that holds all ratings.
        kind: what the rows are (rated films, or else seen, wanted or liked ones); None: the file says it.
        profile: user or profile whose rows are read, of a file that has several; empty: the only one.

    Raises:
        KindUnknownError: the file doesn't say what its rows are, and `kind` isn't given.
        ProfileUnknownError: the file has rows of several users, and `profile` isn't one of them.
        DataError: the form is unknown, or the file is damaged or too large. The message repeats none of its content.
        SettingError: `columns` maps an unknown field.
    """
    if len(content) > MAX_UPLOAD_BYTES:
        raise DataError(f"the file has more than {MAX_UPLOAD_BYTES:,} bytes, which no export has")
    if not content.strip():
        raise DataError(f"the file is empty; give {SUPPORTED_EXPORTS}")
    unknown = sorted(set(columns or {}) - set(MAPPABLE_FIELDS))
    if unknown:
        raise SettingError(f"columns: there is no field {unknown[0]!r} to map; they are {', '.join(MAPPABLE_FIELDS)}")
    options = ReadOptions(cast("Mapping[Field, str]", columns or {}), highest, kind, clean_text(profile))
    upload = _Upload(options)
    if content.startswith(ZIP_START):
        upload.add_archive(ZipExport.open(content), "")
    else:
        upload.add(content, name.replace("\\", "/").rpartition("/")[2].lower(), "", "")
    return upload.merged()


class _Upload:
    """The parts of an upload that were read, one per table, and the problems of the others."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._parts: list[ParsedImport] = []
        self._errors: list[DataError] = []
        self._warnings: list[str] = []
        self._unknown: list[str] = []
        self._n_inner = 0

    def add_archive(self, archive: ZipExport, folder: str) -> None:
        """Read the members of an archive, and of archives directly in it. `folder`: name of the archive around it.

        Raises:
            DataError: the archive is an office document, or unpacks to too much.
        """
        refuse_office(archive.names)
        names = sorted((name for name in archive.names if not NEVER_READ.search(name)), key=_place)
        alone = sum(name.lower().endswith(DATA_ENDINGS) for name in names) == 1 and not folder
        if archive.unsafe:
            self._warnings.append(f"{archive.unsafe} files weren't read, since their names lead out of the archive")
        for name in names:
            label = f"{clean_text(folder + name)[:100]}: "
            with self._noting(name, label):
                content = archive.read(name)
                if content.startswith(ZIP_START) and not folder:
                    self._n_inner += 1
                    if self._n_inner > MAX_INNER_ARCHIVES:
                        raise ArchiveLimitError(
                            f"the ZIP holds more than {MAX_INNER_ARCHIVES} ZIPs, which no export does"
                        )
                    inner = ZipExport.open(content, archive.unpacked)
                    self.add_archive(inner, f"{name}/")
                    archive.unpacked = inner.unpacked
                elif content.strip():
                    self.add(content, f"{folder}{name}".lower(), "" if alone else f"{folder}{name}:", label)

    def add(self, content: bytes, name: str, at: str, label: str) -> None:
        """Read a file that isn't a ZIP. `at`, `label`: beginnings of the positions of its rows and of its warnings."""
        with self._noting(name, label):
            if label and not name.endswith(DATA_ENDINGS) and is_foreign(content):
                return  # a picture or a letter beside the data
            refuse_foreign(content)
            start = content[:1000].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
            if start == b"<":
                self._add_table(parse_xml(content, name, at), label)
            elif start in (b"[", b"{"):
                self._add_json(load_json(content), name, at, label)
            else:
                text, warnings = decode_text(content)
                self._warnings += [f"{label}{warning}" for warning in warnings]
                mapped = bool(self._options.columns)
                films = None if mapped else parse_list(text, name, at, titles=not label)
                self._add_table(films or parse_text(text, name, at, mapped=mapped), label)

    def _add_json(self, value: Any, name: str, at: str, label: str) -> None:
        if is_history(value):
            self._parts.append(read_history(value, at))
            return
        tables = list(list_tables(value, name, at))
        for table in tables:
            with self._noting(table.name, f"{label}{table.group}: " if len(tables) > 1 else label):
                self._add_table(table, label)

    def _add_table(self, table: Table, label: str) -> None:
        form = self._options.apply(find_form(table.header)) or (ANY_TABLE if table.size == 0 else None)
        if form is None:
            raise UnknownFormError(f"the file isn't {SUPPORTED_EXPORTS}; give one, or name the columns of its titles")
        if not form.films:
            self._errors.append(
                UnknownFormError(
                    "the file is about series, books, an account or a collection, and says of no film that it was seen"
                )
            )
            return
        part = read_table(table, form, self._options)
        self._parts.append(part)
        if sum(each.read for each in self._parts) > MAX_ROWS:
            raise ArchiveLimitError(f"the upload has more than {MAX_ROWS:,} rows, which no export has")
        self._warnings += [f"{label}{warning}" for warning in part.warnings]

    @contextmanager
    def _noting(self, name: str, label: str = "") -> Iterator[None]:
        """Note the error of one file, so that the others are read."""
        try:
            yield
        except ArchiveLimitError:
            raise
        except DataError as error:
            self._errors.append(error)
            if isinstance(error, UnknownFormError):
                self._unknown.append(name)
            else:
                self._warnings.append(f"{label}{error}")

    def merged(self) -> ParsedImport:
        """Return all parts as one import.

        Raises:
            DataError: nothing was read: a question to the user, if there is one, or else the first error.
        """
        if not any(part.read for part in self._parts) and self._errors:
            raise min(
                self._errors, key=lambda e: (not isinstance(e, KindUnknownError), isinstance(e, UnknownFormError))
            )
        if not self._parts:
            raise DataError(f"the ZIP isn't {SUPPORTED_EXPORTS}")
        self._check_users()
        if unknown := [name for name in self._unknown if name.endswith(DATA_ENDINGS)]:
            more = ", …" if len(unknown) > SHOWN_NAMES else ""
            self._warnings.append(f"no films were found in {', '.join(map(clean_text, unknown[:SHOWN_NAMES]))}{more}")
        journal = replace(_merge(self._parts), warnings=self._warnings)
        if not journal.read:
            journal.warnings.append("the export is empty: it holds no rows")
        return journal

    def _check_users(self) -> None:
        """Check that the films are of one user, since others' must not count.

        Raises:
            ProfileUnknownError: a source has rows of several users and none is chosen, or not one of them.
        """
        chosen = self._options.profile
        users: dict[str, dict[str, None]] = {}
        for part in self._parts:
            users.setdefault(part.source, {}).update(dict.fromkeys(part.users))
        everybody = list(dict.fromkeys(chain.from_iterable(users.values())))
        if (chosen and chosen not in everybody) or (not chosen and any(len(each) > 1 for each in users.values())):
            raise ProfileUnknownError(everybody, chosen)


def _place(name: str) -> tuple[int, list[tuple[int, str]]]:
    """Return the place of a member in the order of reading; pages are in numeric order."""
    stem = name.rpartition("/")[2].lower()
    pages = [(int(part) if part.isdigit() else -1, part) for part in re.split(r"(\d{1,9})", name.lower())]
    return next((at for at, part in enumerate(ORDER) if part in stem), len(ORDER)), pages


def _merge(parts: list[ParsedImport]) -> ParsedImport:
    """Return the rows of all parts as one import; ratings on several scales are converted to half stars."""
    if len(parts) == 1 and parts[0].exact:
        return parts[0]
    scales = {(part.highest, part.relative) for part in parts if any(entry.rating for entry in part.entries)}
    first = next((part for part in parts if part.entries), parts[0])
    highest, relative = scales.pop() if len(scales) == 1 else (first.highest, first.relative)
    sources = list(dict.fromkeys(part.source for part in parts if part.read)) or [first.source]
    merged = ParsedImport(", ".join(sources), highest, relative, [], [], [])
    for part in parts:
        merged.entries.extend(_in_half_stars(part) if scales else part.entries)
        for row in part.skipped:
            merged.skip(row)
        merged.unlisted.update(part.unlisted)
    if len(merged.entries) > MAX_FILMS:
        raise DataError(f"the upload has more than {MAX_FILMS:,} films; import it in parts")
    return replace(merged, highest=float(MAX_HALF_STARS), relative=False) if scales else merged


def _in_half_stars(part: ParsedImport) -> list[Entry]:
    halves = half_stars(part)
    return [replace(entry, rating=float(halves[entry.row])) if entry.rating else entry for entry in part.entries]
