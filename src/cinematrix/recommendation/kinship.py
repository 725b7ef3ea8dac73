"""Kinship of two movies by the catalog: shared genres, years close together, and shared tags.

A reason must be believable. A model finds that people who loved one movie loved the other, and that may be true of two
movies that have nothing else in common. Two movies are akin if

- they share a genre other than `BROAD_GENRES`, or at least half of all genres of the two, and
- at most `MAX_YEARS_APART` years lie between them,
- or if they share a tag that few movies have (`Catalog.telling_tags`), such as a person, a theme or a series.

A missing year doesn't separate two movies. A catalog without any genres can't tell, and all movies near in time are
akin.
"""

from dataclasses import dataclass

from cinematrix.data.catalog import Catalog

BROAD_GENRES = frozenset({"Drama", "Comedy"})
"""Genres of so many movies that sharing one says little."""

MAX_YEARS_APART = 15
"""Maximum years between two movies that are akin by genre."""

MAX_GENRES_NAMED, MAX_TAGS_NAMED = 2, 1
"""Maximum shared genres and tags named in words."""

GENRE_WORDS = {"Film-Noir": "film noir", "Children": "for children"}
"""Genres as words of a sentence; others are put in lower case."""


@dataclass(frozen=True)
class Kinship:
    """Facts that two movies share.

    Attributes:
        genres: shared genres; broad ones last, the rarest first.
        tags: shared tags that few movies have, in alphabetical order.
        decade: the decade of both, such as 1940; None if they are of different decades.
    """

    genres: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    decade: int | None = None

    @property
    def words(self) -> str:
        """The facts in words: `film noir, 1940s`; empty if there are none."""
        narrow = [genre for genre in self.genres if genre not in BROAD_GENRES] or self.genres * (not self.tags)
        genres = [GENRE_WORDS.get(genre, genre.lower()) for genre in narrow[:MAX_GENRES_NAMED]]
        tags = [tag for tag in self.tags if tag.casefold() not in genres][:MAX_TAGS_NAMED]
        return ", ".join([*genres, *tags, *([f"{self.decade}s"] if self.decade else [])])


def find_kinship(catalog: Catalog, movie: int, other: int) -> Kinship | None:
    """Return what two movies, given by their numbers, share; None if they aren't akin."""
    if not are_akin(catalog, movie, other):
        return None
    genres = catalog.genre_sets[movie] & catalog.genre_sets[other]
    tags = catalog.telling_tags[movie] & catalog.telling_tags[other]
    decades = {year and year // 10 * 10 for year in (catalog.facts[movie].year, catalog.facts[other].year)}
    rarity = catalog.genre_counts
    ordered = sorted(genres, key=lambda genre: (genre in BROAD_GENRES, rarity[genre], genre))
    return Kinship(tuple(ordered), tuple(sorted(tags)), decades.pop() if len(decades) == 1 else None)


def are_akin(catalog: Catalog, movie: int, other: int) -> bool:
    """Return true if two movies are akin."""
    if not catalog.telling_tags[movie].isdisjoint(catalog.telling_tags[other]):
        return True
    year, other_year = catalog.facts[movie].year, catalog.facts[other].year
    if year is not None and other_year is not None and abs(year - other_year) > MAX_YEARS_APART:
        return False
    ours, theirs = catalog.genre_sets[movie], catalog.genre_sets[other]
    shared = ours & theirs
    return not catalog.genres or not shared <= BROAD_GENRES or 2 * len(shared) >= len(ours | theirs) > 0
