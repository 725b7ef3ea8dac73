"""Matching of imported entries to the movies of a catalog, by rules that never guess.

The rules, in order: IMDb ID, TMDB ID, the catalog's own ID, title and year, title and the year before or after. A rule
that matches two movies fails, and the next rule is tried. One exception: two movies with the same title and the right
year end the search without a match.
"""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from functools import lru_cache

from rapidfuzz import fuzz, process

from cinematrix.data.catalog import Catalog, normalise_title
from cinematrix.data.ids import UNKNOWN
from cinematrix.data.title_search import BEGINNING, MIN_SIMILARITY, title_similarity
from cinematrix.importers.entries import Entry, parse_external_id

COMMON_WORD_TITLES = 400
"""Maximum titles with a word; a more frequent word yields no candidates."""

MIN_LETTER_MATCH = 80
"""Minimum letter similarity of a misspelt title to a candidate, 0…100."""


class TitleForms:
    """The forms of a title that are compared.

    Attributes:
        main: keys of the whole title and of the part before its brackets.
        others: keys of the titles in brackets and of alternative titles.
    """

    def __init__(self, title: str, others: Iterable[str] = ()) -> None:
        head = title.partition(" (")[0]
        in_brackets = (re.sub(r"^a\.?k\.?a\.? ", "", text, flags=re.I) for text in re.findall(r"\(([^()]*)\)", title))
        self.main = {title_key(head), title_key(title)} - {""}
        self.others = {title_key(other) for other in (*in_brackets, *others)} - self.main - {""}


def title_key(title: str) -> str:
    """Return a title's key for comparison, without case, accents, punctuation and leading article; & is and."""
    return normalise_title(title.replace("&", " and ")) or title.strip().casefold()


class MovieMatcher:
    """Matcher of imported entries to the movies of one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        titles, numbers = catalog.frame["title"].to_list(), range(len(catalog))
        self._years: list[int | None] = catalog.frame["year"].to_list()
        self._forms = [TitleForms(title or "") for title in titles]
        self._imdb = _group(
            (parse_external_id(text or ""), at) for at, text in enumerate(catalog.frame["imdb"].to_list())
        )
        self._tmdb = _group(
            (parse_external_id(text or ""), at) for at, text in enumerate(catalog.frame["tmdb"].to_list())
        )
        self._ids = _group((str(id_), at) for at, id_ in enumerate(catalog.movies.ids.tolist()))
        self._main = _group((text, at) for at in numbers for text in self._forms[at].main)
        self._titles = list(map(str, self._main))
        self._others = _group((text, at) for at in numbers for text in self._forms[at].others)
        self._words = _group((word, at) for at in numbers for word in self._words_of(self._forms[at]))

    def number(self, entry: Entry) -> int:
        """Return the number of the movie, `UNKNOWN` if no rule matches exactly one."""
        for index, id_ in ((self._imdb, entry.imdb), (self._tmdb, entry.tmdb)):
            if id_ is not None and len(index.get(id_, ())) == 1:
                return index[id_][0]
        forms = TitleForms(entry.title, entry.others)
        return self._match_id(entry, forms) if entry.movie in self._ids else self._match_title(entry, forms)

    def candidates(self, entry: Entry, n: int = 5) -> list[int]:
        """Return the numbers of candidates, the most similar first, then the nearest year.

        Candidates share rare words with the title, and one of their names is similar to it or is its beginning. If
        there are none, candidates are movies at most one year apart whose names are spelt similarly.
        """
        forms = TitleForms(entry.title, entry.others)
        similarity = self._find_by_words(forms) or self._find_misspelt(forms, entry)
        return sorted(similarity, key=lambda at: (-similarity[at], self._years_apart(entry, at), at))[:n]

    def _find_by_words(self, forms: TitleForms) -> dict[int, float]:
        """Return the similarity to the title of the movies that share its rare words."""
        words = self._words_of(forms)
        weights = {word: math.log(1 + len(self._years) / len(self._words[word])) for word in words & self._words.keys()}
        shared: Counter[int] = Counter()
        for word, weight in weights.items():
            if len(self._words[word]) <= COMMON_WORD_TITLES:
                shared.update(dict.fromkeys(self._words[word], weight))
        min_weight = sum(weights.values()) / 2
        similarity = {at: self._similarity(forms, at) for at, weight in shared.items() if weight >= min_weight}
        return {at: value for at, value in similarity.items() if value >= MIN_SIMILARITY}

    def _find_misspelt(self, forms: TitleForms, entry: Entry) -> dict[int, float]:
        """Return the similarity to the title of the movies whose names differ from it by a few letters."""
        similarity: dict[int, float] = {}
        for text in forms.main:
            for name, letters, _ in process.extract(
                text, self._titles, score_cutoff=MIN_LETTER_MATCH, scorer=fuzz.ratio, limit=None
            ):
                similarity |= dict.fromkeys(self._main[name], letters / 100)
        return {
            at: value for at, value in similarity.items() if entry.year is None or self._years_apart(entry, at) <= 1
        }

    def _match_id(self, entry: Entry, forms: TitleForms) -> int:
        """Match by the catalog's ID, if the entry has no title or it agrees: other catalogs have other IDs."""
        number = self._ids[entry.movie][0]
        movie = self._forms[number]
        agrees = not (forms.main | forms.others).isdisjoint(movie.main | movie.others)
        return number if agrees or not entry.title else self._match_title(entry, forms)

    def _match_title(self, entry: Entry, forms: TitleForms) -> int:
        for texts in (forms.main, forms.others):
            for index in (self._main, self._others):
                same_year = {at for text in texts for at in index.get(text, ()) if self._years[at] == entry.year}
                if same_year:
                    return same_year.pop() if len(same_year) == 1 else UNKNOWN
        next_year = {at for at in self._find_by_title(forms) if self._years_apart(entry, at) == 1}
        return next_year.pop() if len(next_year) == 1 else UNKNOWN

    def _find_by_title(self, forms: TitleForms) -> Iterable[int]:
        texts = forms.main | forms.others
        return (at for text in texts for index in (self._main, self._others) for at in index.get(text, ()))

    def _years_apart(self, entry: Entry, at: int) -> float:
        year = self._years[at]
        return abs(year - entry.year) if year is not None and entry.year is not None else math.inf

    def _similarity(self, forms: TitleForms, at: int) -> float:
        names = self._forms[at].main | self._forms[at].others
        return max(_name_similarity(text, name) for text in forms.main | forms.others for name in names)

    @staticmethod
    def _words_of(forms: TitleForms) -> set[str]:
        return {word for text in forms.main | forms.others for word in text.split()}


def _name_similarity(text: str, name: str) -> float:
    """Similarity of two titles, 0…1. One that begins the other, as `Top Gun` of `Top Gun: Maverick`, is similar."""
    return max(title_similarity(text, name), BEGINNING * f"{text} ".startswith(f"{name} "))


def _group(pairs: Iterable[tuple[Hashable, int]]) -> dict[Hashable, list[int]]:
    """Group the numbers by key; pairs with the key None are left out."""
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for key, number in pairs:
        if key is not None:
            groups[key].append(number)
    return dict(groups)


@lru_cache(maxsize=2)
def get_matcher(catalog: Catalog) -> MovieMatcher:
    """Return the matcher of a catalog, cached, since building it takes longer than an import."""
    return MovieMatcher(catalog)
