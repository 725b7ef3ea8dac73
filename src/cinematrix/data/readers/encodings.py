"""Encodings of text files: UTF-8, UTF-16 by its mark, and Western and Cyrillic code pages by the letters in words."""

import re

WESTERN = "cp1252"
"""Windows' Latin 1, of which ISO 8859-1 is a part."""

CYRILLIC = ("cp1251", "koi8-r", "cp866")
"""Code pages of Cyrillic; the one in which most letters are in lower case is taken."""

LETTER_SHARE = 0.8
"""Least share of letters among the bytes beyond ASCII; East Asian code pages have fewer when read as another one."""

_LETTERS = {WESTERN: "[À-ÖØ-öø-ÿŠšŽžŒœŸªº‘’´“”„«»–—…½¡¿·°²³©®™£]"} | dict.fromkeys(CYRILLIC, "[А-Яа-яЁё]")

_WORD = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")


def detect_encoding(content: bytes) -> str:
    """Return the encoding of complete lines of text.

    It is UTF-8 if most lines with letters beyond ASCII are UTF-8, or if other such bytes don't stand in words. Words of
    Cyrillic letters only are of a Cyrillic code page; words with a letter here and there are Western.
    """
    lines = [line for line in content.split(b"\n") if not line.isascii()]
    broken = [line for line in lines if not _is_utf_8(line)]
    words = [word for line in broken for word in _WORD.findall(line)]
    real = [word for word in words if len(word) > 1]
    if 2 * len(broken) <= len(lines) or 2 * len(real) <= len(words):
        return "utf-8"
    text = b" ".join(real)
    beside = len(re.findall(rb"[\x80-\xff](?=[\x80-\xff])", text))
    n_beyond = len(re.findall(rb"[\x80-\xff]", text))
    page = WESTERN if 2 * beside <= n_beyond else max(CYRILLIC, key=lambda page: _letters(text, page, "[а-яё]"))
    return page if _letters(text, page, _LETTERS[page]) >= LETTER_SHARE * n_beyond else "utf-8"


def _is_utf_8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _letters(text: bytes, page: str, letters: str) -> int:
    return len(re.findall(letters, text.decode(page, errors="replace")))


class Recoder:
    """Conversion of a file to UTF-8, chunk by chunk; the encoding is told by the first bytes beyond ASCII.

    Attributes:
        encoding: the file's encoding; None as long as all was ASCII.
    """

    def __init__(self) -> None:
        self.encoding: str | None = None

    def __call__(self, chunk: bytes) -> bytes:
        if self.encoding is None and not chunk.isascii():
            self.encoding = detect_encoding(chunk)
        if self.encoding in (None, "utf-8"):
            return chunk
        # bytes that the encoding doesn't have stay as they are, so that their line is bad; U+FFFD would merge IDs
        return chunk.decode(self.encoding, "surrogateescape").encode("utf-8", "surrogateescape")

    def notes(self) -> list[str]:
        """Return the note on an encoding that was guessed."""
        if self.encoding in (None, "utf-8"):
            return []
        return [
            f"the text isn't UTF-8 and is read as {self.encoding}; save the file as UTF-8 if letters come out wrong"
        ]
