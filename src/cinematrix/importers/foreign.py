"""Files that aren't exports, recognised by their content, so that the refusal says what they are."""

import re

from cinematrix.errors import DataError

SAVE_AS_CSV = "save the sheet as CSV and give that"
_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\xd0\xcf\x11\xe0", f"the file is an old Excel workbook (or another Office file); {SAVE_AS_CSV}"),
    (b"PK\3\4", "the file is a ZIP in a ZIP in a ZIP; unpack it once and give what is in it"),
    (b"%PDF", "the file is a PDF, which can't be read; give the export itself"),
    (b"SQLite format 3\0", "the file is an SQLite database; export its table as CSV and give that"),
    (b"\x1f\x8b", "the file is packed by gzip; unpack it and give the file in it"),
    (b"7z\xbc\xaf\x27\x1c", "the file is a 7z archive; unpack it, and give the files in it or a ZIP of them"),
    (b"Rar!", "the file is a RAR archive; unpack it, and give the files in it or a ZIP of them"),
    (b"BZh", "the file is packed by bzip2; unpack it and give the file in it"),
    (b"\xfd7zXZ", "the file is packed by xz; unpack it and give the file in it"),
    (b"{\\rtf", "the file is a text document (RTF); save it as plain text or CSV and give that"),
    (b"PAR1", "the file is in Parquet; save it as CSV and give that"),
    (b"\x89PNG", "the file is a picture; give the export itself"),
    (b"\xff\xd8\xff", "the file is a picture; give the export itself"),
    (b"GIF8", "the file is a picture; give the export itself"),
)
_HTML = re.compile(
    rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body|script|div|meta)\b", re.IGNORECASE | re.DOTALL
)
_CONFLICT = re.compile(rb"^(?:<{7}|>{7}) ", re.MULTILINE)
_OFFICE = {
    "xl/": f"the file is an Excel workbook; {SAVE_AS_CSV}",
    "word/": "the file is a Word document; save its table as CSV and give that",
    "Index/": f"the file is a Numbers or Pages document; {SAVE_AS_CSV}",
}


def is_foreign(content: bytes) -> bool:
    """Return whether a file isn't text, told by its first bytes."""
    return any(content.startswith(start) for start, _ in _STARTS)


def refuse_foreign(content: bytes) -> None:
    """Refuse a file that is no text of an export.

    Raises:
        DataError: the file is a web page, a workbook, a picture …; the message names it.
    """
    for start, message in _STARTS:
        if content.startswith(start):
            raise DataError(message)
    if _HTML.match(content.removeprefix(b"\xef\xbb\xbf")[:2000]):
        if b"<table" in content.lower() and b"<form" not in content.lower():
            raise DataError("the file is a table saved as a web page; open it in a spreadsheet and save it as CSV")
        raise DataError(
            "the file is a web page, not an export, perhaps a page that asks to sign in; sign in and download it once "
            "more"
        )
    if _CONFLICT.search(content):
        raise DataError("the file holds a merge conflict of Git (<<<<<<<); resolve it and give the file again")


def refuse_office(names: list[str]) -> None:
    """Refuse a ZIP that is an office document, told by the names of its members.

    Raises:
        DataError: the file is a workbook or another document.
    """
    for folder, message in _OFFICE.items():
        if any(name.startswith(folder) for name in names):
            raise DataError(message)
    if "mimetype" in names and "content.xml" in names:
        raise DataError(f"the file is an OpenDocument file; {SAVE_AS_CSV}")
