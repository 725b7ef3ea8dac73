"""Which film of a catalog a journal speaks of, by rules that never guess.

In this order: the number at IMDb, the number at TMDB, the catalog's own ID, title and year, title and the year before
or after. A rule that finds two films has found none; then the next one is asked, but for titles, where two of the right
year end the search.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from functools import lru_cache

from rapidfuzz import fuzz, process

from cinematrix.data.catalog import Catalog, normalise_title
from cinematrix.data.ids import UNKNOWN
from cinematrix.data.title_search import BEGINNING, MIN_SIMILARITY, title_similarity
from cinematrix.importers.entries import Entry, parse_external_id

COMMON_WORD_TITLES = 400
"""A word in so many titles says nothing of which film is meant."""

MIN_LETTER_MATCH = 80
"""Letters, of 100, that a misspelt title at least has in common with the one that is meant."""

Places = Mapping[Hashable, list[int]]


class TitleForms:
    """The forms of a title that are compared: as a whole and before its brackets, and those in brackets."""

    def __init__(self, title: str, others: Iterable[str] = ()) -> None:
        head = title.partition(" (")[0]
        inner = (re.sub(r"^a\.?k\.?a\.? ", "", text, flags=re.I) for text in re.findall(r"\(([^()]*)\)", title))
        self.main = {title_key(head), title_key(title)} - {""}
        self.others = {title_key(other) for other in (*inner, *others)} - self.main - {""}


def title_key(title: str) -> str:
    """A title for comparing: case, accents, punctuation and a leading article don't count, and & is and."""
    return normalise_title(title.replace("&", " and ")) or title.strip().casefold()


class MovieMatcher:
    """Finds a journal's films in one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        titles, numbers = catalog.frame["title"].to_list(), range(len(catalog))
        self._years: list[int | None] = catalog.frame["year"].to_list()
        self._spellings = [TitleForms(title or "") for title in titles]
        self._imdb = _places(
            (parse_external_id(text or ""), at) for at, text in enumerate(catalog.frame["imdb"].to_list())
        )
        self._tmdb = _places(
            (parse_external_id(text or ""), at) for at, text in enumerate(catalog.frame["tmdb"].to_list())
        )
        self._ids = _places((str(id_), at) for at, id_ in enumerate(catalog.movies.ids.tolist()))
        self._main = _places((text, at) for at in numbers for text in self._spellings[at].main)
        self._titles = list(map(str, self._main))
        self._others = _places((text, at) for at in numbers for text in self._spellings[at].others)
        self._words = _places((word, at) for at in numbers for word in self._words_of(self._spellings[at]))

    def number(self, entry: Entry) -> int:
        """The number of the film, `UNKNOWN` if no rule finds exactly one."""
        for places, id_ in ((self._imdb, entry.imdb), (self._tmdb, entry.tmdb)):
            if id_ is not None and len(places.get(id_, ())) == 1:
                return places[id_][0]
        spellings = TitleForms(entry.title, entry.others)
        return self._by_id(entry, spellings) if entry.movie in self._ids else self._by_title(entry, spellings)

    def candidates(self, entry: Entry, n: int = 5) -> list[int]:
        """Numbers of films that may be meant, the likeliest first, of the nearest year among equals.

        Those that share the rarer words of the title, if one of their names is like it, as the search has it, or
        begins it. Where there are none, those of about its year whose names are spelt nearly like it.
        """
        wanted = TitleForms(entry.title, entry.others)
        like = self._sharing(wanted) or self._misspelt(wanted, entry)
        return sorted(like, key=lambda at: (-like[at], self._years_apart(entry, at), at))[:n]

    def _sharing(self, wanted: TitleForms) -> dict[int, float]:
        """How like the title the films are that share its rarer words."""
        words = self._words_of(wanted)
        weights = {word: math.log(1 + len(self._years) / len(self._words[word])) for word in words & self._words.keys()}
        shared: Counter[int] = Counter()
        for word, weight in weights.items():
            if len(self._words[word]) <= COMMON_WORD_TITLES:
                shared.update(dict.fromkeys(self._words[word], weight))
        least = sum(weights.values()) / 2
        like = {at: self._likeness(wanted, at) for at, weight in shared.items() if weight >= least}
        return {at: likely for at, likely in like.items() if likely >= MIN_SIMILARITY}

    def _misspelt(self, wanted: TitleForms, entry: Entry) -> dict[int, float]:
        """How like the title the films are whose names differ from it by some letters."""
        like: dict[int, float] = {}
        for text in wanted.main:
            for name, letters, _ in process.extract(
                text, self._titles, score_cutoff=MIN_LETTER_MATCH, scorer=fuzz.ratio, limit=None
            ):
                like |= dict.fromkeys(self._main[name], letters / 100)
        return {at: likely for at, likely in like.items() if entry.year is None or self._years_apart(entry, at) <= 1}

    def _by_id(self, entry: Entry, spellings: TitleForms) -> int:
        """The film with the catalog's ID, if its title, where there is one, agrees: other catalogs have other IDs."""
        number = self._ids[entry.movie][0]
        mine = self._spellings[number]
        agrees = not (spellings.main | spellings.others).isdisjoint(mine.main | mine.others)
        return number if agrees or not entry.title else self._by_title(entry, spellings)

    def _by_title(self, entry: Entry, spellings: TitleForms) -> int:
        for texts in (spellings.main, spellings.others):
            for places in (self._main, self._others):
                same = {at for text in texts for at in places.get(text, ()) if self._years[at] == entry.year}
                if same:
                    return same.pop() if len(same) == 1 else UNKNOWN
        near = {at for at in self._named(spellings) if self._years_apart(entry, at) == 1}
        return near.pop() if len(near) == 1 else UNKNOWN

    def _named(self, spellings: TitleForms) -> Iterable[int]:
        texts = spellings.main | spellings.others
        return (at for text in texts for places in (self._main, self._others) for at in places.get(text, ()))

    def _years_apart(self, entry: Entry, at: int) -> float:
        year = self._years[at]
        return abs(year - entry.year) if year is not None and entry.year is not None else math.inf

    def _likeness(self, wanted: TitleForms, at: int) -> float:
        mine = self._spellings[at]
        names = mine.main | mine.others
        return max(_alike(text, name) for text in wanted.main | wanted.others for name in names)

    @staticmethod
    def _words_of(spellings: TitleForms) -> set[str]:
        return {word for text in spellings.main | spellings.others for word in text.split()}


def _alike(text: str, name: str) -> float:
    """How like two titles are, 0…1: `Top Gun` and `Top Gun: Maverick` are, whichever was written."""
    return max(title_similarity(text, name), BEGINNING * f"{text} ".startswith(f"{name} "))


def _places(pairs: Iterable[tuple[Hashable, int]]) -> dict[Hashable, list[int]]:
    """The numbers under each key that is one."""
    found: dict[Hashable, list[int]] = defaultdict(list)
    for name, number in pairs:
        if name is not None:
            found[name].append(number)
    return dict(found)


@lru_cache(maxsize=2)
def get_matcher(catalog: Catalog) -> MovieMatcher:
    """The matcher of a catalog, made once: it takes longer than an import."""
    return MovieMatcher(catalog)
