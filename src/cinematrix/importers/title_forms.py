"""The names of one movie, and the keys by which names are compared."""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from cinematrix.data.title_words import drop_article, drop_inner_numbers, title_words
from cinematrix.importers.text import repair_text

MIN_SUFFIX_WORDS = 3
"""Minimum words of a title's end that stands for the title: `The Empire Strikes Back`."""

MIN_OWNED_WORDS = 2
"""Minimum words after a person's or a company's name: `Life of Brian` of `Monty Python's Life of Brian`."""

_BRACKETS = re.compile(r"\s*\(([^()]*)\)")
_ALIAS = re.compile(r"^\s*a\.?k\.?a\.?\s+", re.IGNORECASE)
_SEPARATOR = re.compile(r"\s*[:;]\s+|\s+[-–—/]\s+")
_OWNER = re.compile(r"(?:\S+ ){0,3}?\S+(?:['’]s|s['’]) (?=\S)|.{3,40}? presents:? ", re.IGNORECASE)

_OWNER_MARK = re.compile(r"['’]|\bpresents\b", re.IGNORECASE)


def title_key(title: str) -> str:
    """Return the key of a title: its words without a leading article and without spaces."""
    return "".join(drop_article(title_words(title))) or title.strip().casefold()


class TitleForms:
    """The names of a movie: its title, the titles in brackets, and alternative titles.

    Attributes:
        main: the title without its brackets.
        others: the titles in brackets, and alternative titles.
    """

    def __init__(self, title: str, others: Iterable[str] = ()) -> None:
        title = repair_text(title)
        self.main = " ".join(_BRACKETS.sub(" ", title).split()) if "(" in title else title
        self._whole = title
        in_brackets = (_ALIAS.sub("", text) for text in _BRACKETS.findall(title)) if "(" in title else ()
        self.others = [text for text in (*in_brackets, *map(repair_text, others)) if not _is_year(text)]

    @cached_property
    def words(self) -> list[str]:
        """Words of the title without its brackets and without a leading article."""
        return drop_article(self._words)

    @cached_property
    def _words(self) -> list[str]:
        return title_words(self.main)

    @cached_property
    def exact(self) -> frozenset[str]:
        """Keys of all names, with their articles."""
        keys = {"".join(self._words) or self.main.strip().casefold()}
        names = (self._whole, *self.others) if self._whole != self.main else self.others
        return frozenset(keys | {"".join(title_words(name)) for name in names}) - {""}

    @cached_property
    def title(self) -> frozenset[str]:
        """Keys of the title without a leading article, with its brackets and without them."""
        keys = {"".join(self.words) or self.main.strip().casefold()}
        return frozenset(keys | {title_key(self._whole)} if self._whole != self.main else keys) - {""}

    @cached_property
    def unnumbered(self) -> frozenset[str]:
        """Key of the title without the number before its subtitle, if it has one: `Ice Age 4: Continental Drift`."""
        return frozenset({"".join(drop_inner_numbers(self.words))}) - self.title - {""}

    @cached_property
    def other_titles(self) -> frozenset[str]:
        """Keys of the other titles, as those of the title."""
        return frozenset(key for name in self.others for key in TitleForms(name).title) - self.title

    @cached_property
    def parts(self) -> frozenset[str]:
        """Keys of the parts that stand for the title."""
        return self.starts | self.ends

    @cached_property
    def starts(self) -> frozenset[str]:
        """Keys of the parts up to a separator: `X2` of `X2: X-Men United`."""
        parts = [self.main[:start] for start, end in self._separators if not _is_later_part(self.main[end:])]
        return self._part_keys(drop_article(title_words(part)) for part in parts)

    @cached_property
    def ends(self) -> frozenset[str]:
        """Keys of the parts after a separator or an owner, if long enough."""
        tails = [(self.main[end:], MIN_SUFFIX_WORDS) for _, end in self._separators]
        if _OWNER_MARK.search(self.main) and (owner := _OWNER.match(self.main)):
            tails.append((self.main[owner.end() :], MIN_OWNED_WORDS))
        return self._part_keys(tail for text, least in tails if len(tail := drop_article(title_words(text))) >= least)

    @property
    def _separators(self) -> list[tuple[int, int]]:
        return [match.span() for match in _SEPARATOR.finditer(self.main)]

    def _part_keys(self, parts: Iterable[list[str]]) -> frozenset[str]:
        return frozenset(key for each in parts if not (key := "".join(each)).isdecimal()) - {""} - self.title


class CatalogForms(Sequence[TitleForms]):
    """The names of all movies of a catalog, derived from their titles at each use: kept, they take 2 kB each."""

    def __init__(self, titles: Sequence[str | None]) -> None:
        self._titles = titles

    def __len__(self) -> int:
        return len(self._titles)

    def __getitem__(self, number: Any) -> Any:
        return TitleForms(self._titles[number] or "")


def _is_later_part(tail: str) -> bool:
    """Tell if the end of a title is the number of a part other than the first: `Part Two`."""
    words = title_words(tail)
    return len(words) == 1 and words[0].isdecimal() and words[0] != "1"


def _is_year(text: str) -> bool:
    return len(text) == 4 and text.isdecimal()
