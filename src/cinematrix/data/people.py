"""People of movies, directors and actors, and the search for them by name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz

from cinematrix.data.ids import Numbers
from cinematrix.data.letters import fold_letters
from cinematrix.data.title_search import TitleIndex

MIN_LIKENESS = 85.0
"""Minimum likeness, 0…100, of a query and a name that doesn't have the query's words."""

MIN_LETTERS = 3
"""Minimum letters of a query; fewer would find half of all people."""

ONE_WORD = 0.9
"""Weight of a name of which the query is only a part, relative to 1 for the whole name."""

FAME_WEIGHT = 0.15
"""Bonus in the order of results for the person with the most ratings of their movies."""

_ASKED = re.compile(r"^(?:films?|movies?) (?:directed )?(?:by|with|of|starring) +", re.IGNORECASE)


class Person(NamedTuple):
    """A person, and the numbers of the movies that they directed and played in, the most rated first."""

    name: str
    directed: list[int]
    played: list[int]

    @property
    def movies(self) -> list[int]:
        """Movies that the person directed or played in, each once, those directed first."""
        return list(dict.fromkeys([*self.directed, *self.played]))


@dataclass(frozen=True, eq=False)
class People:
    """Directors and actors of movies, by name without case and accents.

    Attributes:
        people: each person once. Namesakes are one person: the sources have names only.
        raters: ratings of each movie, by which people and their movies are ordered.
    """

    people: list[Person]
    raters: NDArray[np.int64]

    @classmethod
    def of(
        cls, directors: Sequence[Sequence[str]], cast: Sequence[Sequence[str]], raters: NDArray[np.int64]
    ) -> "People":
        """Collect the people of movies, whose names are given by movie."""
        found: dict[str, Person] = {}
        for role, lists in (("directed", directors), ("played", cast)):
            for movie, names in enumerate(lists):
                for name in names:
                    person = found.get(key := _fold(name)) or found.setdefault(key, Person(name, [], []))
                    getattr(person, role).append(movie)
        for person in found.values():
            for movies in (person.directed, person.played):
                movies.sort(key=lambda movie: -int(raters[movie]))
        return cls(list(found.values()), raters)

    def find(self, name: str) -> Person | None:
        """Return the person of this name, written with or without accents."""
        place = self._places.get(_fold(name))
        return None if place is None else self.people[place]

    def search(self, query: str, n: int = 3) -> list[Person]:
        """Return the people whose name begins with the query, has its words, or is nearly the same; best first."""
        text = _fold(_ASKED.sub("", query.strip()))
        if len(text) < MIN_LETTERS or not self.people:
            return []
        places = self._index.candidates(text)
        likeness = np.array([_likeness(text, self._index.names[place]) for place in places.tolist()])
        score = likeness + FAME_WEIGHT * self._index.fame[places]
        best = [place for place in np.argsort(-score, kind="stable").tolist() if likeness[place] > 0]
        return [self.people[places[place]] for place in best[:n]]

    @cached_property
    def _index(self) -> TitleIndex:
        raters = [sum(int(self.raters[movie]) for movie in person.movies) for person in self.people]
        blank = np.full(len(self.people), np.nan, np.float32)
        return TitleIndex.of_names([[name] for name in self._places], blank, np.array(raters, np.int64))

    @cached_property
    def _places(self) -> dict[str, int]:
        return {_fold(person.name): place for place, person in enumerate(self.people)}

    def numbers(self, person: Person) -> Numbers:
        """Return the numbers of a person's movies, the most rated first."""
        return np.array(sorted(person.movies, key=lambda movie: -int(self.raters[movie])), np.int32)


def _fold(name: str) -> str:
    """Return a name without case, accents and signs."""
    return " ".join(re.findall(r"\w+", fold_letters(name)))


def _likeness(text: str, name: str) -> float:
    """Return the likeness of a query and a name, 0…1, both folded; 0 if it is too small to be meant."""
    if name.startswith(text):
        return 1.0 if len(name) == len(text) else ONE_WORD + (1 - ONE_WORD) * len(text) / len(name)
    words = name.split()
    if all(any(word.startswith(each) for word in words) for each in text.split()):
        return ONE_WORD
    whole = fuzz.ratio(text, name)
    return ONE_WORD * whole / 100 if whole >= MIN_LIKENESS else 0.0
