"""Untrusted ZIP archives: read in memory, within caps. Nothing is ever unpacked to disk.

A real Letterboxd export unpacks to four times its size. The sizes that an archive declares are checked against the
bytes counted while unpacking.
"""

import io
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import Self

from cinematrix.errors import DataError
from cinematrix.importers.entries import clean_text

MAX_MEMBERS = 500
"""Maximum members of an archive."""

MAX_DIRECTORY_BYTES = 262_144
"""Maximum bytes of the central directory."""

MAX_MEMBER_BYTES = 32_000_000
"""Maximum unpacked bytes of one member."""

MAX_TOTAL_BYTES = 100_000_000
"""Maximum unpacked bytes of all members read."""

MAX_COMPRESSION_RATIO = 100
"""Maximum unpacked bytes per packed byte, beyond `RATIO_FREE_BYTES`."""

RATIO_FREE_BYTES = 1_000_000
"""Bytes that a member may unpack to at any ratio."""

CHUNK_BYTES = 65_536
"""Bytes unpacked at a time."""

LOCAL_HEADER_BYTES = 30
"""Bytes of the local header before each member, without its name."""

END_RECORD = struct.Struct("<4s4H2LH")
"""End of central directory record, without its comment."""

ZIP64_LOCATOR_BYTES = 20
"""Bytes of the ZIP64 locator, which stands right before the end record."""

ZIP_START = (b"PK\3\4", b"PK\5\6")
"""Beginnings of a ZIP; the second one is of an empty one."""

COMPRESSION_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Allowed compression methods."""

EXPORT_FOLDERS = {"likes", "deleted", "orphaned", "lists", "watched", "ratings"}
"""Folders that belong to an export; a user didn't pack them around it."""

ZIP_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, NotImplementedError),
    *(struct.error, IndexError, OverflowError),
)
"""Exceptions that `zipfile` raises for damaged archives."""


class ArchiveLimitError(DataError):
    """An archive unpacks to more than an export holds."""


@dataclass
class ZipExport:
    """An open ZIP archive with its readable members.

    Attributes:
        file: the open archive.
        members: by name with slashes, without the folders around all of them. Links, folders, files that a system adds
            (`__MACOSX`) and unsafe names are left out.
        unsafe: number of members left out because their names lead out of the archive.
        unpacked: bytes read so far.
    """

    file: zipfile.ZipFile
    members: dict[str, zipfile.ZipInfo]
    unsafe: int = 0
    unpacked: int = field(default=0)

    @classmethod
    def open(cls, content: bytes, unpacked: int = 0) -> Self:
        """Open the archive in `content`; `unpacked`: bytes read from the archive around it.

        Raises:
            DataError: the archive is damaged, cut off, encrypted or malicious: too many members, overlapping members,
                or a duplicate name.
        """
        _check_directory(content)
        try:
            file = zipfile.ZipFile(io.BytesIO(content))
            infos = file.infolist()
            _check_members(infos, content)
        except ZIP_ERRORS as error:
            raise DataError("the ZIP is damaged or cut off; export it once more") from error
        regular = [info for info in infos if _is_regular(info)]
        plain = [info for info in regular if _is_safe(_name(info))]
        names = _without_top([_name(info) for info in plain])
        if len({name.lower() for name in names}) < len(names):
            raise DataError("the ZIP holds a name twice; export it once more")
        return cls(file, dict(zip(names, plain, strict=True)), len(regular) - len(plain), unpacked)

    @property
    def names(self) -> list[str]:
        """Names of the members."""
        return list(self.members)

    def read(self, name: str) -> bytes:
        """Return the content of a member.

        Raises:
            DataError: the member is damaged, or larger than the caps allow.
        """
        info, content = self.members[name], bytearray()
        by_ratio = max(RATIO_FREE_BYTES, MAX_COMPRESSION_RATIO * info.compress_size)
        limit = min(MAX_MEMBER_BYTES, by_ratio, MAX_TOTAL_BYTES - self.unpacked)
        try:
            with self.file.open(info) as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    content += chunk
                    if len(content) > limit:
                        raise ArchiveLimitError("the ZIP unpacks to more than an export holds")
        except ZIP_ERRORS as error:
            raise DataError(f"{clean_text(name)[:80]} in the ZIP is damaged; export it once more") from error
        if len(content) != info.file_size:
            raise DataError(
                f"{clean_text(name)[:80]} in the ZIP hasn't the size that the ZIP declares; export it once more"
            )
        self.unpacked += len(content)
        return bytes(content)


def _check_directory(content: bytes) -> None:
    """Check the end record, before `zipfile` reads the whole central directory."""
    end = content.rfind(b"PK\5\6", max(0, len(content) - END_RECORD.size - 65_535))
    if end < 0 or len(content) < end + END_RECORD.size:
        raise DataError("the ZIP is damaged or cut off; export it once more")
    _, _, _, _, members, size, _, _ = END_RECORD.unpack_from(content, end)
    is_zip64 = content[:end][-ZIP64_LOCATOR_BYTES:].startswith(b"PK\6\7")  # its sizes are in another record
    if is_zip64 or members > MAX_MEMBERS or size > MAX_DIRECTORY_BYTES:
        raise DataError(f"the ZIP holds more than {MAX_MEMBERS} files, which no export does")


def _check_members(infos: list[zipfile.ZipInfo], content: bytes) -> None:
    """Raise DataError if members are too many, encrypted, packed by another method, or overlap."""
    if len(infos) > MAX_MEMBERS:
        raise DataError(f"the ZIP holds more than {MAX_MEMBERS} files, which no export does")
    if any(info.flag_bits & 1 for info in infos):
        raise DataError("the ZIP is encrypted; pack it without a password")
    if any(info.compress_type not in COMPRESSION_METHODS for info in infos):
        raise DataError("the ZIP is packed by an unusual method; pack it with Deflate")
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise DataError("the ZIP holds files that overlap, which no export does")
        end = info.header_offset + LOCAL_HEADER_BYTES + len(info.orig_filename) + info.compress_size
    if end > len(content):
        raise DataError("the ZIP is damaged or cut off; export it once more")


def _name(info: zipfile.ZipInfo) -> str:
    """Return the name with slashes: old packers on Windows write backslashes."""
    return info.orig_filename.replace("\\", "/")


def _is_regular(info: zipfile.ZipInfo) -> bool:
    """Return whether a member is a file of the user, not a folder, a link or a file that a system adds."""
    name, kind = _name(info), stat.S_IFMT(info.external_attr >> 16)
    added = "__MACOSX" in name.split("/") or name.rpartition("/")[2].startswith(".")
    return name[-1:] not in ("", "/") and kind in (0, stat.S_IFREG) and not added


def _is_safe(name: str) -> bool:
    return not name.startswith("/") and not {"\0", ":"} & set(name) and ".." not in name.split("/")


def _without_top(names: list[str]) -> list[str]:
    """Return the names without the folders common to all, unless a folder belongs to the export."""
    tops = {name.split("/", 1)[0] for name in names}
    if len(tops) != 1 or not all("/" in name for name in names) or {top.lower() for top in tops} <= EXPORT_FOLDERS:
        return names
    return _without_top([name.split("/", 1)[1] for name in names])


def unpacked_bytes(content: bytes) -> int:
    """Return the size of a file or, as a ZIP declares it, of the members in it."""
    if not content.startswith(ZIP_START):
        return len(content)
    try:
        return sum(info.file_size for info in ZipExport.open(content).members.values())
    except DataError:
        return len(content)
