"""Matching of imported entries to the movies of a catalog, by rules that never guess.

The rules in order, each for exactly one movie: an ID beside a title or year that agrees; the title and the year; a
part or a near spelling of the title and the year; the title alone, if the entry or the movie has no year; a long title
and the year before or after. A title without its year or its subtitle counts for popular movies only. A rule that fits
two movies fails. Two movies with the same title and the right year end the search without a match.
"""

from collections.abc import Container, Hashable, Iterable, Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from cinematrix.data.catalog import Catalog, split_title
from cinematrix.data.ids import UNKNOWN
from cinematrix.importers.candidates import CandidateFinder
from cinematrix.importers.entries import Entry, parse_external_id
from cinematrix.importers.key_index import KeyIndex
from cinematrix.importers.title_forms import CatalogForms, TitleForms, title_key

__all__ = ["Match", "MovieMatcher", "get_matcher", "title_key"]

Rule = Literal["id", "title", "part", "start", "longer", "spelling", "no year", "near year", ""]

UNSURE_RULES: tuple[Rule, ...] = ("no year", "near year")
"""Rules whose matches are shown to the user."""

YIELDING_RULES: tuple[Rule, ...] = ("longer", "near year")
"""Rules whose matches yield to another entry of the same file that matches the movie by a better rule."""

POPULAR_RULES: tuple[Rule, ...] = ("start", "no year")
"""Rules for popular movies only: a bare title means the famous movie of that name."""

MIN_POPULARITY = 2.0
"""Minimum raters of a popular movie, as a multiple of the mean of all movies."""

MIN_SPELLING_LETTERS, MIN_SPELLING_MATCH = 10, 92
"""Minimum letters of a misspelt title, and its minimum similarity to the right one, 0…100."""

END_LETTERS = 4
"""Letters at one of the ends of a title that a misspelt title must have right."""

MIN_DISTINCTIVE_LETTERS = 12
"""Minimum letters of a title that is matched to a movie of the year before or after, or without its subtitle."""

MIN_CERTAIN_SCORE, MIN_CERTAIN_LEAD = 1.05, 0.1
"""Minimum score of a certain candidate (similarity and bonus for the year), and its minimum lead over the next."""

MIN_AGREEMENT = 80
"""Minimum similarity of the titles of an entry and of the movie with its ID, 0…100."""


class Match(NamedTuple):
    """The movie of an entry, `UNKNOWN` if there is none, and the rule that found it."""

    number: int
    rule: Rule


class Suggestion(NamedTuple):
    """Candidates for an entry, the best first.

    `certain`: the first one is similar and of that year, or has the title of an entry without a year; and has no rival.
    """

    numbers: list[int]
    certain: bool


NAMES = ("exact", "title", "unnumbered", "other_titles", "starts", "ends")
"""Kinds of names in `TitleForms` by which movies are found."""

NO_MATCH = Match(UNKNOWN, "")


class MovieMatcher:
    """Matcher of imported entries to the movies of one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._years: list[int | None] = catalog.frame["year"].to_list()
        self._last_year = max((year for year in self._years if year is not None), default=None)
        self._forms = CatalogForms([movie.title for movie in catalog.facts])
        self._imdb, self._tmdb = (
            KeyIndex((parse_external_id(text or ""), at) for at, text in enumerate(catalog.frame[name].to_list()))
            for name in ("imdb", "tmdb")
        )
        self._ids = KeyIndex((str(id_), at) for at, id_ in enumerate(catalog.movies.ids.tolist()))
        self._by_name = {name: KeyIndex() for name in NAMES}
        self._ends, self._letters = KeyIndex(), list[str]()
        for at, forms in enumerate(self._forms):
            self._add(at, forms)
        self._finder = CandidateFinder(self._forms, self._years)

    def _add(self, at: int, forms: TitleForms) -> None:
        """Index the names of a movie."""
        for name, index in self._by_name.items():
            for key in getattr(forms, name):
                index.add(key, at)
        for end in _ends(forms, self._years[at]):
            self._ends.add(end, at)
        self._letters.append("".join(forms.words))

    def number(self, entry: Entry) -> int:
        """Return the number of the movie, `UNKNOWN` if no rule matches exactly one."""
        return self.match(entry).number

    def match(self, entry: Entry) -> Match:
        """Return the match of one entry by itself."""
        forms, year = _read_title(entry)
        by_title = self._match_title(forms, year) if entry.title else NO_MATCH
        for number in self._find_ids(entry):
            if self._id_agrees(number, entry, forms, year, by_title):
                return Match(number, "id")
        return by_title

    def match_file(self, entries: Iterable[Entry], raters: NDArray[np.int64] | None = None) -> list[Match]:
        """Return the matches of the entries of one file; some rules yield to a better match of the same movie.

        `raters`: number of raters of each movie, by which popular ones are known; None: all are.
        """
        popular = None if raters is None else raters >= MIN_POPULARITY * raters.mean()
        matches = [self._if_popular(self.match(entry), popular) for entry in entries]
        taken = {match.number for match in matches if match.rule not in YIELDING_RULES}
        return [NO_MATCH if match.rule in YIELDING_RULES and match.number in taken else match for match in matches]

    def _if_popular(self, match: Match, popular: NDArray[np.bool_] | None) -> Match:
        """Return a match, or none if its rule needs a popular movie and this one isn't."""
        if popular is None or match.rule not in POPULAR_RULES or self._years[match.number] is None:
            return match
        return match if match.number < len(popular) and popular[match.number] else NO_MATCH

    def candidates(self, entry: Entry, n: int = 5) -> list[int]:
        """Return the numbers of `n` candidates at most, the best first."""
        return self.suggest(entry, n=n).numbers

    def suggest(self, entry: Entry, taken: Container[int] = (), n: int = 5) -> Suggestion:
        """Return candidates for an entry; the movies in `taken`, matched by others of the file, are never certain."""
        forms, year = _read_title(entry)
        found = self._finder.find(forms, year)[: n + 1]
        (first, score), second = found[0] if found else (UNKNOWN, 0.0), found[1][1] if len(found) > 1 else 0.0
        certain = score >= MIN_CERTAIN_SCORE and score - second >= MIN_CERTAIN_LEAD and first not in taken
        same_year = bool(found) and year is not None and self._years[first] == year
        by_id = [at for at in self._find_ids(entry) if self._years_agree(at, year)]
        named = self._match_title(forms, year) if entry.title else NO_MATCH
        by_name = [named.number] if named.rule in POPULAR_RULES else []
        numbers = list(dict.fromkeys((*by_id, *by_name, *(at for at, _ in found))))
        is_only = named.rule == "no year" and named.number == numbers[0] and named.number not in taken
        return Suggestion(numbers[:n], is_only or (certain and same_year and numbers[0] == first))

    def is_newer(self, entry: Entry) -> bool:
        """Tell if an entry's movie is newer than all movies of the catalog, and has no namesake of its last year."""
        forms, year = _read_title(entry)
        if year is None or self._last_year is None or year <= self._last_year:
            return False
        return all(self._years[at] != self._last_year for at in self._namesakes(forms))

    def _find_ids(self, entry: Entry) -> list[int]:
        """Return the numbers of the movies with the IDs of an entry."""
        ids = ((self._imdb, entry.imdb), (self._tmdb, entry.tmdb), (self._ids, entry.movie or None))
        found = (index.find(id_) for index, id_ in ids if id_ is not None)
        return [numbers[0] for numbers in found if len(numbers) == 1]

    def _id_agrees(self, number: int, entry: Entry, forms: TitleForms, year: int | None, by_title: Match) -> bool:
        """Tell if the title or the year of the movie with an entry's ID agrees.

        The year alone isn't enough for the catalog's own ID, nor if the title and the year are those of another movie.
        """
        movie = self._forms[number]
        if not (forms.main and movie.main):
            return self._years_agree(number, year)
        if titles_agree(forms, movie):
            return True
        return not entry.movie and year is not None and year == self._years[number] and by_title.rule != "title"

    def _years_agree(self, number: int, year: int | None) -> bool:
        """Tell if a movie's year is at most one off; a missing year agrees."""
        movie_year = self._years[number]
        return year is None or movie_year is None or abs(year - movie_year) <= 1

    def _match_title(self, forms: TitleForms, year: int | None) -> Match:
        for rule, numbers in self._find_title(forms, year):
            if numbers:
                return Match(next(iter(numbers)), rule) if len(numbers) == 1 else NO_MATCH
        return NO_MATCH

    def _find_title(self, forms: TitleForms, year: int | None) -> Iterator[tuple[Rule, set[int]]]:
        """Yield the movies that each rule fits, in the order of the rules."""
        exact, only = self._find(self._by_name["exact"], forms.exact), self._namesakes(forms)
        near = {at for at in exact if year is not None and abs((self._years[at] or 0) - year) == 1}
        if year is not None:
            same = self._of_year(self._by_name["title"], forms.title, year)
            yield "title", same & exact
            if not near:
                yield "title", same
                yield from self._find_loosely(forms, year)
        if len(only) == 1 and only <= exact:
            if year is None or self._years[next(iter(only))] is None:
                yield "no year", only
            elif len("".join(forms.words)) >= MIN_DISTINCTIVE_LETTERS:
                yield "near year", near

    def _find_loosely(self, forms: TitleForms, year: int) -> Iterator[tuple[Rule, set[int]]]:
        """Yield the movies of a year by other titles, parts of the title, and spelling."""
        for keys in (forms.title, forms.other_titles):
            for index in (self._by_name["title"], self._by_name["other_titles"]):
                yield "title", self._of_year(index, keys, year)
        yield "title", self._of_year(self._by_name["unnumbered"], forms.title, year)
        yield "title", self._of_year(self._by_name["title"], forms.unnumbered, year)
        yield "start", self._of_year(self._by_name["starts"], forms.title, year)
        yield "part", self._of_year(self._by_name["ends"], forms.title, year)
        yield (
            "longer",
            self._of_year(
                self._by_name["title"], [key for key in forms.parts if len(key) >= MIN_DISTINCTIVE_LETTERS], year
            ),
        )
        yield "spelling", self._find_misspelt(forms, year)

    @staticmethod
    def _find(index: KeyIndex, keys: Iterable[str]) -> set[int]:
        return {at for key in keys for at in index.find(key)}

    def _of_year(self, index: KeyIndex, keys: Iterable[str], year: int) -> set[int]:
        return {at for at in self._find(index, keys) if self._years[at] == year}

    def _namesakes(self, forms: TitleForms) -> set[int]:
        """Return the movies of any year with one of the names."""
        keys = forms.title | forms.other_titles
        return self._find(self._by_name["title"], keys) | self._find(self._by_name["other_titles"], keys)

    def _find_misspelt(self, forms: TitleForms, year: int) -> set[int]:
        """Return the movies of a year whose title differs in few of its letters, and in no number."""
        text = "".join(forms.words)
        if len(text) < MIN_SPELLING_LETTERS:
            return set()
        pool = {at: self._letters[at] for end in _ends(forms, year) for at in self._ends.find(end)}
        similar = process.extract(text, pool, scorer=fuzz.ratio, score_cutoff=MIN_SPELLING_MATCH, limit=None)
        return {at for _, _, at in similar if _numerals(self._forms[at]) == _numerals(forms)}


def titles_agree(one: TitleForms, other: TitleForms) -> bool:
    """Tell if two movies have a name or a part of one in common, or names that are spelt similarly."""
    mine, theirs = (forms.exact | forms.title | forms.other_titles | forms.parts for forms in (one, other))
    if not mine.isdisjoint(theirs):
        return True
    return any(fuzz.ratio(text, name) >= MIN_AGREEMENT for text in mine for name in theirs)


def _read_title(entry: Entry) -> tuple[TitleForms, int | None]:
    """Return the names and the year of an entry; a year in brackets after the title counts if there is no other."""
    title, year = split_title(entry.title) if entry.title.endswith(")") else (entry.title, None)
    return TitleForms(title if year else entry.title, entry.others), entry.year if entry.year is not None else year


def _ends(forms: TitleForms, year: int | None) -> list[Hashable]:
    """Return the year with the first and with the last letters of a title; a misspelt title has one of them right."""
    text = "".join(forms.words)
    return [(year, text[:END_LETTERS], 0), (year, text[-END_LETTERS:], 1)] if text else []


def _numerals(forms: TitleForms) -> list[str]:
    return [word for word in forms.words if word.isdecimal()]


@lru_cache(maxsize=2)
def get_matcher(catalog: Catalog) -> MovieMatcher:
    """Return the matcher of a catalog, cached, since building it takes longer than an import."""
    return MovieMatcher(catalog)
