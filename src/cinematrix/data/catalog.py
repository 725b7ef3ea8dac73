"""Movie catalog: title, year, genres, tags and external IDs of each movie; filters."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, Self
from weakref import WeakMethod

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.common.text import drop_marks
from cinematrix.data.certifications import age_of
from cinematrix.data.conditions import COMPARE, NUMBERS, WORDS, parse_conditions
from cinematrix.data.ids import UNKNOWN, IdMap, Ids, parse_id
from cinematrix.data.letters import fold_letters
from cinematrix.data.schema import KNOWN, NO_NULL_LISTS, SCHEMA, blank_column
from cinematrix.errors import SettingError

MAX_CACHED_FILTERS = 64
"""Filter masks cached per catalog."""

NON_GENRES = ("(no genres listed)", "IMAX")
"""Values of MovieLens' genre field that are no genres."""

MAX_TAG_SHARE, FEW_MOVIES = 0.02, 5
"""Maximum movies that a telling tag has, as a share of the movies with tags, and as a number if that is larger."""

_YEAR = re.compile(r"\s*\((\d{4})(?:[-–/]\d{0,4})?\)\s*$")
ARTICLES = (
    *("the", "a", "an", "le", "la", "les", "l'", "un", "une", "una", "der", "die", "das", "ein", "eine"),
    *("il", "lo", "i", "gli", "el", "los", "las", "o", "os", "as", "de", "den", "det", "het"),
)
_TRAILING_ARTICLE = re.compile(
    rf"^(?P<alias>a\.?k\.?a\.? |)(?P<title>[^()]*?\S), (?P<article>{'|'.join(ARTICLES)})(?P<rest>$|:.*)", re.IGNORECASE
)


def split_title(text: str) -> tuple[str, int | None]:
    """Split a MovieLens title into the title in reading order and the year, None if it has none.

    >>> split_title("City of Lost Children, The (Cité des enfants perdus, La) (1995)")
    ('The City of Lost Children (La Cité des enfants perdus)', 1995)
    >>> split_title("Das Millionenspiel (2007-)")
    ('Das Millionenspiel', 2007)
    """
    match = _YEAR.search(text)
    title = (text[: match.start()] if match else text).strip()
    title = re.sub(r"\(([^()]*)\)", lambda other: f"({_article_first(other[1])})", title)
    head, bracket, rest = title.partition(" (")
    return _article_first(head) + bracket + rest, int(match[1]) if match else None


def _article_first(title: str) -> str:
    title = title.strip()
    match = _TRAILING_ARTICLE.match(title)
    if not match:
        return title
    gap = "" if match["article"].endswith("'") else " "
    return f"{match['alias']}{match['article']}{gap}{match['title']}{match['rest']}"


def normalise_title(title: str) -> str:
    """Normalise a title for comparison: case, accents, punctuation and a leading article are ignored."""
    plain = unicodedata.normalize("NFKD", title).casefold()
    words = re.sub(r"[^\w\s]", " ", drop_marks(plain)).split()
    return " ".join(words[1:] if len(words) > 1 and words[0] in ARTICLES else words)


class MovieSummary(NamedTuple):
    """Title, year and genres of one movie, for display."""

    title: str | None
    year: int | None
    genres: list[str]


@dataclass(frozen=True, eq=False, repr=False)
class Catalog:
    """Metadata of movies, one row a movie, by movie number.

    Attributes:
        movies: the movies' IDs.
        frame: a Polars frame with the columns of `SCHEMA` and some of `FACTS`, row `i` for `movies.ids[i]`; a missing
            value is null or an empty list.
    """

    movies: IdMap
    frame: pl.DataFrame

    @classmethod
    def of(cls, movies: IdMap | Iterable[Any] | Ids, **columns: Any) -> Self:
        """Create a catalog from IDs and any columns of `SCHEMA` and `FACTS`.

        Raises:
            SettingError: an unknown column, or one that doesn't have one value a movie.
        """
        ids = movies if isinstance(movies, IdMap) else IdMap(movies)
        unknown = sorted(set(columns) - set(KNOWN))
        if unknown:
            raise SettingError(f"the catalog has no column {unknown[0]!r}; it has {', '.join(KNOWN)}")
        for name, values in columns.items():
            if len(values) != len(ids):
                raise SettingError(f"{name} has {len(values)} values for {len(ids)} movies; give the catalog one each")
        series = [
            pl.Series(name, columns.get(name, [None] * len(ids)), dtype=dtype, strict=False)
            for name, dtype in KNOWN.items()
            if name in SCHEMA or name in columns
        ]
        frame = pl.DataFrame(series).with_columns(NO_NULL_LISTS)
        return cls(ids, frame)

    @classmethod
    def empty(cls, movies: IdMap) -> Self:
        """Create a catalog with IDs only."""
        return cls.of(movies)

    def __len__(self) -> int:
        return len(self.movies)

    def __repr__(self) -> str:
        return f"Catalog({len(self):,} movies, {len(self.genres)} genres, {len(self.tags):,} tags)"

    def align(self, movies: IdMap) -> "Catalog":
        """Return the catalog of `movies`, in that order; movies that this catalog lacks have blank rows."""
        rows = self.movies.numbers(movies.ids)
        picks = pl.Series([None if row == UNKNOWN else row for row in rows.tolist()], dtype=pl.UInt32)
        frame = self.frame.select(pl.all().gather(picks)) if len(self) else Catalog.empty(movies).frame
        return Catalog(movies, frame.with_columns(NO_NULL_LISTS))

    def updated(self, other: "Catalog") -> "Catalog":
        """Return this catalog with the new movies of `other` appended, and its titles, years and genres taken over."""
        movies = self.movies.extend(other.movies.ids)
        in_other = pl.Series(other.movies.numbers(movies.ids) != UNKNOWN)
        new, columns = other.align(movies).frame, ("title", "year", "genres")
        frame = self.align(movies).frame.with_columns(
            pl.when(in_other).then(new[name]).otherwise(pl.col(name)).alias(name) for name in columns
        )
        return Catalog(movies, frame)

    @cached_property
    def years(self) -> NDArray[np.float32]:
        """Release year of each movie, NaN where it is missing. float32 `[n]`."""
        return self.frame["year"].cast(pl.Float32).fill_null(float("nan")).to_numpy()

    @cached_property
    def runtimes(self) -> NDArray[np.float32]:
        """Running time of each movie in minutes, NaN where it is missing. float32 `[n]`."""
        return self.column("runtime").cast(pl.Float32).fill_null(float("nan")).to_numpy()

    @cached_property
    def ages(self) -> NDArray[np.float32]:
        """Age of each movie's certification in years, NaN where it isn't known. float32 `[n]`."""
        return pl.Series(map(age_of, self.column("certification")), dtype=pl.Float32).fill_null(float("nan")).to_numpy()

    def column(self, name: str) -> pl.Series:
        """Return a column of `SCHEMA` or `FACTS`; blank values if the catalog doesn't have it."""
        if name in self.frame.columns:
            return self.frame[name]
        return blank_column(name, len(self))

    @cached_property
    def facts(self) -> list[MovieSummary]:
        """Summary of each movie as plain Python values; a hundred times faster than reading rows of the frame."""
        lists: dict[tuple[str, ...], list[str]] = {}  # equal lists of genres are one, which saves memory
        rows = self.frame.select(MovieSummary._fields).iter_rows()
        return [MovieSummary(title, year, lists.setdefault(tuple(genres), genres)) for title, year, genres in rows]

    @cached_property
    def genres(self) -> list[str]:
        """Genres in the catalog, sorted."""
        return _vocabulary(self.frame["genres"])

    @cached_property
    def tags(self) -> list[str]:
        """Tags in the catalog, sorted."""
        return _vocabulary(self.frame["tags"])

    @cached_property
    def genre_counts(self) -> dict[str, int]:
        """Number of movies of each genre."""
        return dict(zip(self.genres, np.diff(self.genre_matrix().tocsc().indptr).tolist(), strict=True))

    @cached_property
    def genre_sets(self) -> list[frozenset[str]]:
        """Genres of each movie, without values of the field that are none."""
        sets = {id(facts.genres): frozenset(facts.genres).difference(NON_GENRES) for facts in self.facts}
        return [sets[id(facts.genres)] for facts in self.facts]  # equal sets are one, as the lists of `facts` are

    @cached_property
    def telling_tags(self) -> list[frozenset[str]]:
        """Tags of each movie that few have (`MAX_TAG_SHARE`), and without a digit, as lists and dates have one."""
        tags = self.frame["tags"].list.unique()
        tagged, spread = int((tags.list.len() > 0).sum()), tags.explode().drop_nulls().value_counts(name="movies")
        most, dated = max(MAX_TAG_SHARE * tagged, FEW_MOVIES), pl.col("tags").str.contains(r"\d")
        few = spread.filter((pl.col("movies") <= most) & ~dated)["tags"]
        sets: dict[tuple[str, ...], frozenset[str]] = {}  # equal sets are one, which saves memory
        chosen = (tuple(names) for names in tags.list.set_intersection(pl.Series([few])).to_list())
        return [sets.setdefault(names, frozenset(names)) for names in chosen]

    def genre_matrix(self, vocabulary: list[str] | None = None) -> sparse.csr_matrix:
        """Return the matrix movies × genres, 1 where the movie has the genre. float32."""
        return self._genres if vocabulary is None else _membership(self.frame["genres"], vocabulary)

    @cached_property
    def _genres(self) -> sparse.csr_matrix:
        return _membership(self.frame["genres"], self.genres)

    def tag_matrix(self, vocabulary: list[str] | None = None) -> sparse.csr_matrix:
        """Return the matrix movies × tags, how often the movie got the tag. float32."""
        return _membership(self.frame["tags"], self.tags if vocabulary is None else vocabulary)

    def title(self, number: int) -> str:
        """Return a movie's title; `movie 17`, with its ID, if it has none."""
        return self.facts[number].title or f"movie {self.movies.listed[number]}"

    def label(self, number: int) -> str:
        """Return `Title (Year)` for display; `movie 17`, with its ID, in place of a missing title."""
        name, year = self.title(number), self.facts[number].year
        return f"{name} ({year})" if year else name

    def where(self, expression: str) -> NDArray[np.bool_]:
        """Return a mask of the movies that satisfy conditions such as `genre=Drama year>=1990 tag!="dark comedy"`.

        All conditions must hold. A movie without the value satisfies only `!=`.

        Raises:
            SettingError: a condition can't be parsed, or no movie has the genre or tag.
        """
        return self._masks(expression).copy()

    @cached_property
    def _masks(self) -> Callable[[str], NDArray[np.bool_]]:
        """LRU cache of filter masks, by expression. It doesn't keep the catalog alive, which so is in no cycle."""
        mask: Any = WeakMethod(self._mask)
        return lru_cache(MAX_CACHED_FILTERS)(lambda expression: mask()(expression))

    def __getstate__(self) -> dict[str, Any]:
        """Return what pickle stores: all but the cache of masks."""
        return {name: value for name, value in vars(self).items() if name != "_masks"}

    def _mask(self, expression: str) -> NDArray[np.bool_]:
        mask = np.ones(len(self), bool)
        for field, operator, value in parse_conditions(expression):
            if field in NUMBERS:
                with np.errstate(invalid="ignore"):
                    mask &= COMPARE[operator](getattr(self, f"{field}s"), float(value))
            else:
                has = self._having(field, value)
                mask &= has if operator == "=" else ~has
        return mask

    def _having(self, field: str, value: str) -> NDArray[np.bool_]:
        """Return the mask of the movies that have a value of a field of `WORDS`, without regard to case and accents."""
        column = WORDS[field]
        known = self.column(column)
        names = getattr(self, column) if field in ("genre", "tag") else _vocabulary(known)
        spellings = [name for name in names if fold_letters(name) == fold_letters(value)]
        if not spellings:
            hint = f"; the genres are {', '.join(self.genres) or 'not known'}" if field == "genre" else ""
            raise SettingError(f"no movie has the {field} {value!r}{hint}")
        return known.list.set_intersection(pl.Series([spellings])).list.len().to_numpy() > 0


def _vocabulary(lists: pl.Series) -> list[str]:
    return list(lists.explode().drop_nulls().unique().sort().to_list())


def _membership(lists: pl.Series, vocabulary: list[str]) -> sparse.csr_matrix:
    """Count the vocabulary's words in each list, rows × vocabulary; other words are ignored."""
    pairs = pl.DataFrame({"row": np.arange(len(lists)), "word": lists}).explode("word").drop_nulls()
    names = pl.Series("word", vocabulary, dtype=pl.String)
    places = pl.DataFrame([names, pl.Series("column", np.arange(len(vocabulary)))])
    pairs = pairs.join(places, on="word", how="inner", maintain_order="left")
    cells = np.ones(len(pairs), np.float32), (pairs["row"].to_numpy(), pairs["column"].to_numpy())
    return sparse.csr_matrix(cells, shape=(len(lists), len(vocabulary)), dtype=np.float32)


class MovieMetadata(NamedTuple):
    """Metadata of one movie, its ID as text."""

    movie: str
    title: str
    year: int | None
    genres: list[str]


def build_catalog(films: Sequence[MovieMetadata], like: IdMap) -> Catalog:
    """Create a catalog of `films`, with IDs of the same type as in `like`."""
    return Catalog.of(
        [parse_id(like, film.movie) for film in films],
        title=[film.title for film in films], year=[film.year for film in films],
        genres=[film.genres for film in films],
    )  # fmt: skip
