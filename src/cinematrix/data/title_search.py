"""Fuzzy title search: typos, numerals, titles in another language, words run together, a year after the title.

First, letter trigrams, weighted by rarity, select the names that share most with the query. Then these candidates are
compared letter by letter: similarity (`rapidfuzz`, Indel distance) of the whole title, of its beginning, or of its
words in any order. Among equally similar movies, the more often rated come first.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz
from scipy import sparse

from cinematrix.data.catalog import Catalog, normalise_title
from cinematrix.data.ids import Numbers
from cinematrix.data.title_words import drop_article, title_words

BUCKETS = 1 << 17
"""Hash buckets for trigrams."""

MAX_CANDIDATES = 200
"""Maximum names compared letter by letter."""

MIN_SIMILARITY = 0.7
"""Minimum similarity, with the year's bonus, of a movie in the results, 0…1."""

BEGINNING, WORDS = 0.9, 0.86
"""Weights of the beginning of a title and of its words in any order, relative to 1 for the whole title."""

POPULARITY_WEIGHT = 0.1
"""Bonus in the order of results for the most rated movie, relative to an unrated one: one wrong letter in ten."""

YEAR_WEIGHT = 0.15
"""Bonus for the right year; the year before or after gets half of it."""

_YEAR = re.compile(r"(?<!\d)\(?(1[89]\d\d|20\d\d)\)?(?!\d)")
_BRACKETS = re.compile(r"\(([^()]*)\)")
_ALIAS = re.compile(r"^\s*a\.?k\.?a\.?\s+", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class TitleIndex:
    """Search index of the titles of a catalog.

    Attributes:
        names: normalised titles and alternative titles of all movies.
        films: int32 `[len(names)]`, the number of the movie that each name belongs to.
        years: float32 `[n_movies]`, NaN where missing.
        fame: float64 `[n_movies]`, popularity, 0…1: log(1 + ratings) relative to the maximum.
        grams: float32 `[BUCKETS, len(names)]`, weights of the trigrams in the names, columns of length 1.
    """

    names: list[str]
    films: Numbers
    years: NDArray[np.float32]
    fame: NDArray[np.float64]
    grams: sparse.csr_array

    @classmethod
    def of(
        cls, catalog: Catalog, raters: NDArray[Any] | None = None, originals: Sequence[str | None] | None = None
    ) -> Self:
        """Index the titles of `catalog`; `raters` counts the ratings of each movie, `originals` are further titles."""
        titles = catalog.frame["title"].to_list()
        variants = [title_variants(title or "") for title in titles]
        for names, original in zip(variants, originals or (), strict=False):
            names += [name for name in title_variants(original or "") if name not in names]
        return cls.of_names(variants, catalog.years, raters)

    @classmethod
    def of_names(
        cls, variants: Sequence[list[str]], years: NDArray[np.float32], counts: NDArray[Any] | None = None
    ) -> Self:
        """Index the normalised names of things, such as movies or people; `counts` says how popular they are."""
        names = list(chain.from_iterable(variants))
        films = np.repeat(np.arange(len(variants), dtype=np.int32), [len(each) for each in variants])
        popularity = np.log1p(np.zeros(len(variants)) if counts is None else counts)
        popularity = popularity / popularity.max(initial=1e-9)
        return cls(names, films, years, popularity, _weigh(_grams(names)))

    def search(self, query: str, n: int = 10) -> Numbers:
        """Return the numbers of the movies that match `query`, best first, `n` at most. int32."""
        score = self._score(query)
        for year in list(_YEAR.finditer(query))[-1:]:
            nearness = np.maximum(1 - np.abs(self.years - np.float32(year[1])) / 2, 0)
            without_year = self._score(query[: year.start()] + query[year.end() :])
            score = np.maximum(score, without_year + YEAR_WEIGHT * np.nan_to_num(nearness) * (without_year > 0))
        matches = np.flatnonzero(score >= MIN_SIMILARITY)
        order = np.argsort(-(score + POPULARITY_WEIGHT * self.fame)[matches], kind="stable")
        return matches[order[:n]].astype(np.int32)

    def _score(self, query: str) -> NDArray[np.float64]:
        """Return each movie's similarity to a query, as it is typed and with equal words, such as `3` for `iii`."""
        text, words = normalise_title(query), drop_article(title_words(query))
        score, equal = self._similarities(text), " ".join(words)
        is_number = len(words) == 1 and equal.isdecimal()  # `x` and `vi` may begin a word
        return score if equal == text or is_number else np.maximum(score, self._similarities(equal))

    def _similarities(self, text: str) -> NDArray[np.float64]:
        """Return the similarity of each movie's best name, 0…1; 0 where none was compared. float64 `[n_movies]`."""
        best = np.zeros(len(self.years))
        if not text or not self.names:
            return best
        places = self.candidates(text)
        similarity = np.array([title_similarity(text, self.names[place]) for place in places.tolist()])
        np.maximum.at(best, self.films[places], similarity)
        return best

    def candidates(self, text: str) -> NDArray[np.int64]:
        """Return the places of the names that share most trigrams with `text`, those of popular movies preferred."""
        starts = self.grams.indptr
        rows = [slice(starts[row], starts[row + 1]) for row in np.unique(_grams([text]).indices)]
        names = np.concatenate([self.grams.indices[row] for row in rows])
        weights = np.concatenate([self.grams.data[row] for row in rows])
        shared = np.bincount(names, weights, len(self.names)) * (1 + self.fame[self.films])
        candidates = np.flatnonzero(shared)
        if len(candidates) <= MAX_CANDIDATES:
            return candidates
        return candidates[np.argpartition(-shared[candidates], MAX_CANDIDATES)[:MAX_CANDIDATES]]


def title_variants(title: str) -> list[str]:
    """Return the normalised names of a movie: its title and each title in brackets, also with equal words.

    >>> title_variants("The City of Lost Children (La Cité des enfants perdus) (a.k.a. Lost City)")
    ['city of lost children', 'cite des enfants perdus', 'lost city']
    >>> title_variants("Kill Bill: Vol. II")
    ['kill bill vol ii', 'kill bill 2']
    """
    others = [_ALIAS.sub("", other) for other in _BRACKETS.findall(title)]
    names = [
        name
        for text in (_BRACKETS.sub(" ", title), *others)
        for name in (normalise_title(text), " ".join(drop_article(title_words(text))))
    ]
    return list(dict.fromkeys(name for name in names if name))


def title_similarity(text: str, name: str) -> float:
    """Return the similarity of a query and a name, 0…1, both normalised."""
    full = fuzz.ratio(text, name)
    beginning = BEGINNING * fuzz.ratio(text, name[: len(text)])
    return max(full, beginning, WORDS * _word_similarity(text.split(), name.split())) / 100


def _word_similarity(query: list[str], words: list[str]) -> float:
    """Return the mean similarity of each query word and the nearest beginning of `words`, by letters, 0…100."""
    similarities = [len(each) * max(fuzz.ratio(each, word[: len(each) + 1]) for word in words) for each in query]
    return sum(similarities) / sum(map(len, query))


def _grams(names: list[str]) -> sparse.csr_array:
    """Count the letter trigrams of each name, padded with spaces at the ends. `[len(names), BUCKETS]`."""
    letters = np.frombuffer("".join(f"  {name} " for name in names).encode("utf-32-le"), np.uint32)
    owners = np.repeat(np.arange(len(names), dtype=np.int32), [len(name) + 3 for name in names])
    codes = ((letters[:-2] * 961 + letters[1:-1] * 31 + letters[2:]) % BUCKETS).astype(np.int32)
    inside = owners[:-2] == owners[2:]
    entries = np.ones(int(inside.sum()), np.float32), (owners[:-2][inside], codes[inside])
    return sparse.csr_array(entries, shape=(len(names), BUCKETS))


def _weigh(grams: sparse.csr_array) -> sparse.csr_array:
    """Weight trigrams by rarity, scale names to length 1, and transpose. `[BUCKETS, len(names)]`."""
    names = np.bincount(grams.indices, minlength=BUCKETS)
    rarity = np.log1p(grams.shape[0] / np.maximum(names, 1))
    grams.data *= rarity[grams.indices].astype(np.float32)
    lengths = np.sqrt(np.bincount(_rows(grams), grams.data.astype(np.float64) ** 2, grams.shape[0]))
    grams.data /= np.maximum(lengths, 1e-9)[_rows(grams)].astype(np.float32)
    return grams.T.tocsr()


def _rows(matrix: sparse.csr_array) -> Numbers:
    """Return the row of each entry."""
    return np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(matrix.indptr))
