"""ZIP archives from strangers: read in memory, within caps, by exact name. Nothing is ever unpacked to disk.

A real Letterboxd export unpacks to four times its size. What an archive says of its sizes is checked against the bytes
that come out, counted as they come.
"""

import io
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import Self

from cinematrix.errors import DataError

MOST_MEMBERS = 500
MOST_DIRECTORY = 262_144
"""Bytes of the list of members."""

MOST_MEMBER = 32_000_000
MOST_TOTAL = 100_000_000
MOST_RATIO = 100
FREE = 1_000_000
"""Bytes that a member may unpack to whatever the ratio."""

CHUNK = 65_536
LOCAL = 30
"""Bytes of the header before each member, without its name."""

END = struct.Struct("<4s4H2LH")
LOCATOR = 20
"""Bytes before the end in which ZIP64 says where its own end is."""

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
FOLDERS = {"likes", "deleted", "orphaned", "lists", "watched", "ratings"}
"""Folders of the exports themselves, which no one packed around an export."""

BROKEN = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, NotImplementedError),
    *(struct.error, IndexError, OverflowError),
)
"""What `zipfile` raises at damage."""


@dataclass
class ZipExport:
    """A ZIP whose members can be read.

    Attributes:
        members: by name, without a folder that is around all of them; links, folders and names that lead elsewhere
            aren't among them.
    """

    file: zipfile.ZipFile
    members: dict[str, zipfile.ZipInfo]
    unpacked: int = field(default=0)

    @classmethod
    def open(cls, content: bytes) -> Self:
        """The archive in `content`.

        Raises:
            DataError: it is damaged or cut off, encrypted, or built to do harm: too many members, members that overlap,
                a name that occurs twice.
        """
        _check_directory(content)
        try:
            file = zipfile.ZipFile(io.BytesIO(content))
            infos = file.infolist()
            _check_places(infos, content)
        except BROKEN as error:
            raise DataError("the ZIP is damaged or cut off; export it once more") from error
        plain = [info for info in infos if _is_plain(info)]
        names = _without_top([info.filename for info in plain])
        if len({name.lower() for name in names}) < len(names):
            raise DataError("the ZIP holds a name twice; export it once more")
        return cls(file, dict(zip(names, plain, strict=True)))

    @property
    def names(self) -> list[str]:
        """The members' names."""
        return list(self.members)

    def read(self, name: str) -> bytes:
        """The content of a member.

        Raises:
            DataError: it is damaged, or larger than the caps allow.
        """
        info, content = self.members[name], bytearray()
        most = min(MOST_MEMBER, max(FREE, MOST_RATIO * info.compress_size), MOST_TOTAL - self.unpacked)
        try:
            with self.file.open(info) as stream:
                while piece := stream.read(CHUNK):
                    content += piece
                    if len(content) > most:
                        raise DataError("the ZIP unpacks to more than an export holds")
        except BROKEN as error:
            raise DataError(f"{name} in the ZIP is damaged; export it once more") from error
        if len(content) != info.file_size:
            raise DataError(f"{name} in the ZIP hasn't the size that the ZIP says; export it once more")
        self.unpacked += len(content)
        return bytes(content)


def _check_directory(content: bytes) -> None:
    """Look at the end of the archive before `zipfile` reads its whole list of members."""
    at = content.rfind(b"PK\5\6", max(0, len(content) - END.size - 65_535))
    if at < 0 or len(content) < at + END.size:
        raise DataError("the ZIP is damaged or cut off; export it once more")
    _, _, _, _, members, size, _, _ = END.unpack_from(content, at)
    large = content[:at][-LOCATOR:].startswith(b"PK\6\7")  # ZIP64 says its sizes elsewhere
    if large or members > MOST_MEMBERS or size > MOST_DIRECTORY:
        raise DataError(f"the ZIP holds more than {MOST_MEMBERS} files, which no export does")


def _check_places(infos: list[zipfile.ZipInfo], content: bytes) -> None:
    """Raise DataError where members are too many, encrypted, packed unusually, or share bytes."""
    if len(infos) > MOST_MEMBERS:
        raise DataError(f"the ZIP holds more than {MOST_MEMBERS} files, which no export does")
    if any(info.flag_bits & 1 for info in infos):
        raise DataError("the ZIP is encrypted; pack it without a password")
    if any(info.compress_type not in METHODS for info in infos):
        raise DataError("the ZIP is packed in an unusual way; pack it with the usual one, Deflate")
    end = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset < end:
            raise DataError("the ZIP holds files that overlap, which no export does")
        end = info.header_offset + LOCAL + len(info.orig_filename) + info.compress_size
    if end > len(content):
        raise DataError("the ZIP is damaged or cut off; export it once more")


def _is_plain(info: zipfile.ZipInfo) -> bool:
    """Whether it is a file under a harmless name."""
    name, kind = info.orig_filename, stat.S_IFMT(info.external_attr >> 16)
    harmless = not name.startswith("/") and not {"\0", "\\", ":"} & set(name) and ".." not in name.split("/")
    return harmless and name[-1:] not in ("", "/") and kind in (0, stat.S_IFREG) and not name.startswith("__MACOSX/")


def _without_top(names: list[str]) -> list[str]:
    """The names without the folder that all of them lie in, if it isn't one of the export's own."""
    tops = {name.split("/", 1)[0] for name in names}
    if len(tops) != 1 or not all("/" in name for name in names) or tops <= FOLDERS:
        return names
    return [name.split("/", 1)[1] for name in names]
