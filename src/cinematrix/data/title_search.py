"""Films found by a title as people type it: with typos, in another language, words run together, the year behind.

Two steps. Trigrams of letters, weighed by how rare they are, pick the films that share most with the query. These few
are then compared letter by letter: the share of letters that need no mending (`rapidfuzz`, Indel distance), of the
whole title, of its beginning, since people type from the beginning, or of its words in any order. Among films that fit
equally, the better known come first.
"""

import re
from dataclasses import dataclass
from itertools import chain
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz
from scipy import sparse

from cinematrix.data.catalog import Catalog, normalise_title
from cinematrix.data.ids import Numbers

BUCKETS = 1 << 17
"""Numbers for trigrams; a few of them share one."""

MAX_CANDIDATES = 200
"""Names compared letter by letter."""

MIN_SIMILARITY = 0.7
"""The least share of letters that fit for a film to be found at all."""

BEGINNING, WORDS = 0.9, 0.86
"""What the beginning of a title and its words in any order are worth, as against all of it."""

POPULARITY_WEIGHT = 0.1
"""What the best-known film has ahead of one that nobody rated: as much as one wrong letter in a word of ten."""

YEAR_WEIGHT = 0.15
"""What the right year adds; the year before or after adds half of it."""

_YEAR = re.compile(r"(?<!\d)\(?(1[89]\d\d|20\d\d)\)?(?!\d)")
_BRACKETS = re.compile(r"\(([^()]*)\)")
_ALIAS = re.compile(r"^\s*a\.?k\.?a\.?\s+", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class TitleIndex:
    """What the films of a catalog are called, ready to be searched.

    Attributes:
        names: every film's title and other titles, normalised.
        films: int32 `[len(names)]`, the film that each is a name of.
        years: float32 `[n_movies]`, NaN where not known.
        fame: float64 `[n_movies]`, 0…1, how well known each film is.
        grams: float64 `[BUCKETS, len(names)]`, trigrams by names, columns of length 1.
    """

    names: list[str]
    films: Numbers
    years: NDArray[np.float32]
    fame: NDArray[np.float64]
    grams: sparse.csr_array

    @classmethod
    def of(cls, catalog: Catalog, raters: NDArray[Any] | None = None) -> Self:
        """The titles of `catalog`; `raters` counts the ratings of each film."""
        named = [title_variants(title or "") for title in catalog.frame["title"].to_list()]
        names = list(chain.from_iterable(named))
        films = np.repeat(np.arange(len(named), dtype=np.int32), [len(each) for each in named])
        known = np.log1p(np.zeros(len(named)) if raters is None else raters)
        return cls(names, films, catalog.years, known / known.max(initial=1e-9), _weighed(_grams(names)))

    def search(self, query: str, n: int = 10) -> Numbers:
        """Numbers of the films that `query` may mean, best first, `n` at most. int32."""
        fit = self._fits(normalise_title(query))
        for year in list(_YEAR.finditer(query))[-1:]:
            near = np.maximum(1 - np.abs(self.years - np.float32(year[1])) / 2, 0)
            without = self._fits(normalise_title(query[: year.start()] + query[year.end() :]))
            fit = np.maximum(fit, without + YEAR_WEIGHT * np.nan_to_num(near) * (without > 0))
        found = np.flatnonzero(fit >= MIN_SIMILARITY)
        order = np.argsort(-(fit + POPULARITY_WEIGHT * self.fame)[found], kind="stable")
        return found[order[:n]].astype(np.int32)

    def _fits(self, text: str) -> NDArray[np.float64]:
        """How well each film's best name fits, 0…1; 0 where none was compared. `[n_movies]`."""
        fit = np.zeros(len(self.years))
        if not text or not self.names:
            return fit
        places = self._candidates(text)
        near = np.array([title_similarity(text, self.names[place]) for place in places.tolist()])
        np.maximum.at(fit, self.films[places], near)
        return fit

    def _candidates(self, text: str) -> NDArray[np.int64]:
        """The names that share most of the trigrams of `text`, those of well-known films before others."""
        starts = self.grams.indptr
        rows = [slice(starts[row], starts[row + 1]) for row in np.unique(_grams([text]).indices)]
        names = np.concatenate([self.grams.indices[row] for row in rows])
        weights = np.concatenate([self.grams.data[row] for row in rows])
        shared = np.bincount(names, weights, len(self.names)) * (1 + self.fame[self.films])
        some = np.flatnonzero(shared)
        if len(some) <= MAX_CANDIDATES:
            return some
        return some[np.argpartition(-shared[some], MAX_CANDIDATES)[:MAX_CANDIDATES]]


def title_variants(title: str) -> list[str]:
    """The names of a film, normalised: its title and each one in brackets.

    >>> names_of("The City of Lost Children (La Cité des enfants perdus) (a.k.a. Lost City)")
    ['city of lost children', 'cite des enfants perdus', 'lost city']
    """
    others = [_ALIAS.sub("", other) for other in _BRACKETS.findall(title)]
    names = [normalise_title(name) for name in (_BRACKETS.sub(" ", title), *others)]
    return list(dict.fromkeys(name for name in names if name))


def title_similarity(text: str, name: str) -> float:
    """How well a query fits a name, 0…1, both normalised."""
    whole = fuzz.ratio(text, name)
    beginning = BEGINNING * fuzz.ratio(text, name[: len(text)])
    return max(whole, beginning, WORDS * _words(text.split(), name.split())) / 100


def _words(wanted: list[str], words: list[str]) -> float:
    """The letters of `wanted` that the nearest of `words`, or the beginning of one, has, 0…100."""
    fits = [len(want) * max(fuzz.ratio(want, word[: len(want) + 1]) for word in words) for want in wanted]
    return sum(fits) / sum(map(len, wanted))


def _grams(names: list[str]) -> sparse.csr_array:
    """How often each name has each trigram of its letters, a blank or two at the ends. `[len(names), BUCKETS]`."""
    letters = np.frombuffer("".join(f"  {name} " for name in names).encode("utf-32-le"), np.uint32).astype(np.int64)
    owners = np.repeat(np.arange(len(names)), [len(name) + 3 for name in names])
    codes = (letters[:-2] * 961 + letters[1:-1] * 31 + letters[2:]) % BUCKETS
    whole = owners[:-2] == owners[2:]
    found = np.ones(int(whole.sum())), (owners[:-2][whole], codes[whole])
    return sparse.csr_array(found, shape=(len(names), BUCKETS))


def _weighed(grams: sparse.csr_array) -> sparse.csr_array:
    """Trigrams by names: weighed by rarity, a name's column of length 1."""
    names = np.bincount(grams.indices, minlength=BUCKETS)
    weighed = grams @ sparse.diags_array(np.log1p(grams.shape[0] / np.maximum(names, 1)))
    lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
    return (sparse.diags_array(1 / np.maximum(lengths, 1e-9)) @ weighed).T.tocsr()
