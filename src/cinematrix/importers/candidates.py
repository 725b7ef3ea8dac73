"""Candidates for an entry that no rule matches: movies with similar names, for the user to pick from."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property

from rapidfuzz import fuzz, process

from cinematrix.data.title_search import BEGINNING, MIN_SIMILARITY, YEAR_WEIGHT, title_similarity
from cinematrix.importers.title_forms import TitleForms

COMMON_WORD_TITLES = 400
"""Maximum titles with a word; a more frequent word yields no candidates."""

MIN_LETTER_MATCH = 80
"""Minimum letter similarity of a misspelt title to a candidate, 0…100."""


class CandidateFinder:
    """Finder of movies whose names are similar to a title.

    Args:
        forms: names of each movie of the catalog.
        years: year of each movie.
    """

    def __init__(self, forms: Sequence[TitleForms], years: Sequence[int | None]) -> None:
        self._forms, self._years = forms, years

    def find(self, forms: TitleForms, year: int | None) -> list[tuple[int, float]]:
        """Return the movies with their scores, the best first: similarity, and a bonus for the right year.

        Candidates share rare words with the title, and one of their names is similar to it or is its beginning; or
        their names are spelt similarly, and they are at most one year apart.
        """
        similarity = self._find_misspelt(forms, year) | self._find_by_words(forms)
        scores = {at: value + self._year_bonus(at, year) for at, value in similarity.items()}
        return sorted(scores.items(), key=lambda each: (-each[1], self._years_apart(each[0], year), each[0]))

    @cached_property
    def _names(self) -> list[list[str]]:
        """Names of each movie, as words with spaces."""
        return [list(_texts(forms)) for forms in self._forms]

    @cached_property
    def _by_word(self) -> dict[str, list[int]]:
        movies: dict[str, list[int]] = defaultdict(list)
        for at, names in enumerate(self._names):
            for word in {word for name in names for word in name.split()}:
                movies[word].append(at)
        return dict(movies)

    @cached_property
    def _titles(self) -> tuple[list[str], list[int]]:
        """Names of all movies without spaces, and the movie of each."""
        pairs = [(name.replace(" ", ""), at) for at, names in enumerate(self._names) for name in names]
        return [name for name, _ in pairs], [at for _, at in pairs]

    def _find_by_words(self, forms: TitleForms) -> dict[int, float]:
        """Return the similarity to the title of the movies that share its rare words."""
        words = {word for text in _texts(forms) for word in text.split()}
        known = words & self._by_word.keys()
        weights = {word: math.log(1 + len(self._years) / len(self._by_word[word])) for word in known}
        shared: Counter[int] = Counter()
        for word, weight in weights.items():
            if len(self._by_word[word]) <= COMMON_WORD_TITLES:
                shared.update(dict.fromkeys(self._by_word[word], weight))
        min_weight = sum(weights.values()) / 2
        similarity = {at: self._similarity(forms, at) for at, weight in shared.items() if weight >= min_weight}
        return {at: value for at, value in similarity.items() if value >= MIN_SIMILARITY}

    def _find_misspelt(self, forms: TitleForms, year: int | None) -> dict[int, float]:
        """Return the similarity to the title of the movies whose names differ from it by a few letters."""
        similarity: dict[int, float] = {}
        names, movies = self._titles
        for text in forms.title:
            for _, letters, place in process.extract(
                text, names, score_cutoff=MIN_LETTER_MATCH, scorer=fuzz.ratio, limit=None
            ):
                similarity[movies[place]] = max(letters / 100, similarity.get(movies[place], 0))
        return {at: value for at, value in similarity.items() if year is None or self._years_apart(at, year) <= 1}

    def _similarity(self, forms: TitleForms, at: int) -> float:
        return max(_name_similarity(text, name) for text in _texts(forms) for name in self._names[at])

    def _years_apart(self, at: int, year: int | None) -> float:
        own = self._years[at]
        return abs(own - year) if own is not None and year is not None else math.inf

    def _year_bonus(self, at: int, year: int | None) -> float:
        return YEAR_WEIGHT * max(1 - self._years_apart(at, year) / 2, 0)


def _texts(forms: TitleForms) -> Iterator[str]:
    yield " ".join(forms.words)
    for name in forms.others:
        yield " ".join(TitleForms(name).words)


def _name_similarity(text: str, name: str) -> float:
    """Similarity of two titles, 0…1. One that begins the other, as `Top Gun` of `Top Gun: Maverick`, is similar."""
    return max(title_similarity(text, name), BEGINNING * f"{text} ".startswith(f"{name} ")) if text and name else 0.0
