"""Words of a title, made equal for all ways to write it: case, accents, numerals, spelling and signs.

`Men in Black III` and `Men in Black 3`, `Guardians of the Galaxy Vol. 2` and `Guardians of the Galaxy 2`,
`Three Colours: Red` and `3 Colors: Red` have the same words. They are for comparison only, never shown.
"""

import re
import unicodedata

from cinematrix.common.text import drop_marks
from cinematrix.data.catalog import ARTICLES
from cinematrix.data.letters import LETTERS

_ELISION = re.compile(r"^l['’] ?(?=\w)")
_RAISED = re.compile("([¼½¾⅓⅔²³])")
_ARTICLE_WORDS = frozenset(article.rstrip("'") for article in ARTICLES)
_WORD = re.compile(r"[^\W_]+")
_TRAILING_ARTICLE = re.compile(rf"^([^():]*[^\s():]), ({'|'.join(ARTICLES)})(?=\s*(?:$|[:(]))", re.IGNORECASE)

SERIAL_WORDS = {
    "part",
    "pt",
    "chapter",
    "ch",
    "episode",
    "ep",
    "volume",
    "vol",
    "no",
    "number",
    "teil",
    "parte",
    "partie",
}
"""Words before the number of a part, which is read without them."""

_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii", "xiii", "xiv", "xv", "xvi", "xvii")
_UNITS = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"),
    *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
_TENS = ("thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_OUR = (
    *("arm", "behavi", "col", "end", "fav", "flav", "glam", "harb", "hon", "hum", "lab", "neighb", "od", "parl"),
    *("rum", "sav", "savi", "splend", "val", "vap", "vig"),
)
_EQUAL_WORDS = {
    **{word: str(at) for words in (_ROMAN, _UNITS) for at, word in enumerate(words, start=1)},
    **{word: str(number) for number, word in zip(range(30, 100, 10), _TENS, strict=True)},
    **{f"{stem}our{end}": f"{stem}or{end}" for stem in _OUR for end in ("", "s", "ed", "ite", "able", "hood")},
    "grey": "gray", "greys": "grays", "theatre": "theater", "centre": "center", "defence": "defense", "n": "and",
    "offence": "offense", "programme": "program", "traveller": "traveler", "travellers": "travelers",
    "catalogue": "catalog", "pyjamas": "pajamas", "jewellery": "jewelry", "marvellous": "marvelous",
    "vs": "5", "versus": "5", "dr": "doctor", "mr": "mister", "mrs": "missus", "st": "saint", "jr": "junior",
}  # fmt: skip
"""The word that stands for another. `vs` equals `v`, and so the numeral 5."""


def title_words(title: str) -> list[str]:
    """Return the words of a title for comparison, with a leading article.

    >>> title_words("Colour of Money, The"), title_words("Guardians of the Galaxy Vol. II")
    (['the', 'color', 'of', 'money'], ['guardians', 'of', 'the', 'galaxy', '2'])
    """
    if ", " in title:
        title = _TRAILING_ARTICLE.sub(r"\2 \1", title)
    if not title.isascii():
        title = drop_marks(unicodedata.normalize("NFKD", _RAISED.sub(r" \1", title)))
    text = _ELISION.sub("l ", title.casefold()).translate(LETTERS)
    words = [_EQUAL_WORDS.get(word, word) for word in _WORD.findall(text)]
    if len(words) > 1:
        return [word for word, after in zip(words, (*words[1:], ""), strict=True) if not _is_serial(word, after)]
    return words


def _is_serial(word: str, after: str) -> bool:
    return word in SERIAL_WORDS and after.isdecimal()


def drop_article(words: list[str]) -> list[str]:
    """Return the words without a leading article, unless it is the only word."""
    return words[1:] if len(words) > 1 and words[0] in _ARTICLE_WORDS else words


def drop_inner_numbers(words: list[str]) -> list[str]:
    """Return the words without numbers between the first and the last: `Ice Age 4: Continental Drift`."""
    return [word for at, word in enumerate(words) if not word.isdecimal() or at in (0, len(words) - 1)]
