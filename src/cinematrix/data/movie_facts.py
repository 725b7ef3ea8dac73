"""Facts of movies for filters and the search: running time, languages, people, certification, streaming services.

They come from the catalog. What it lacks comes from a second table, by the movies' IDs at TMDB.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from cinematrix.data.catalog import Catalog
from cinematrix.data.certifications import age_of, read_certification
from cinematrix.data.ids import Numbers
from cinematrix.data.people import People
from cinematrix.data.schema import FACTS
from cinematrix.data.title_search import TitleIndex
from cinematrix.errors import SettingError

GATHERED = pl.Schema({
    "tmdb": pl.String(), "fetched": pl.Int64(),
    **{name: dtype for name, dtype in FACTS.items() if name != "certification"}, "services": pl.List(pl.String()),
    "certifications": pl.List(pl.String()),
})  # fmt: skip
"""Columns of the second table: the ID at TMDB, when it was fetched in epoch seconds, and the facts.

`services` are those that stream the movie, each with its country: `FR Netflix`; null where that isn't known.
`certifications` are those of the movie, each with its country: `DE:12`.
"""

BY_COUNTRY = ("services", "certifications")
"""Columns of `GATHERED` that no catalog has."""

MAX_COUNTRIES = 32
"""Countries whose ages are cached per catalog."""

MAX_NAMED = 12
"""Maximum languages or services that a message names."""


class FactFilter(NamedTuple):
    """Conditions on facts. A movie without the fact satisfies none of them.

    Attributes:
        max_runtime: maximum minutes; 0: any.
        language: code of a language that the movie is in; empty: any.
        service: streaming service that has it; empty: any.
        country: code of the country where the service has it; empty: any country.
        max_age: maximum age of the certification in years; None: any.
        age_country: code of the country whose certification counts; empty: as in `MovieFacts.ages`.
    """

    max_runtime: int = 0
    language: str = ""
    service: str = ""
    country: str = ""
    max_age: int | None = None
    age_country: str = ""

    @property
    def has_conditions(self) -> bool:
        """Return whether it leaves out any movies."""
        return bool(self.max_runtime or self.language or self.service) or self.max_age is not None


@dataclass(frozen=True, eq=False)
class MovieFacts:
    """Facts of the movies of a catalog, by movie number.

    Attributes:
        frame: columns of `FACTS` and `BY_COUNTRY`, which are null where they aren't known.
        raters: ratings of each movie.
    """

    catalog: Catalog
    frame: pl.DataFrame
    raters: NDArray[np.int64]

    @classmethod
    def of(cls, catalog: Catalog, raters: NDArray[np.int64], gathered: pl.DataFrame | None = None) -> "MovieFacts":
        """Join the facts of a catalog with those of a table with the columns of `GATHERED`."""
        own = pl.DataFrame([catalog.frame["tmdb"], *(catalog.column(name) for name in FACTS)])
        if gathered is None:
            return cls(
                catalog, own.with_columns(pl.lit(None, GATHERED[name]).alias(name) for name in BY_COUNTRY), raters
            )
        both = own.join(gathered.unique("tmdb", keep="last"), on="tmdb", how="left", suffix="_2", maintain_order="left")
        joined = both.with_columns(
            pl.when(_is_known(name)).then(pl.col(name)).otherwise(pl.col(f"{name}_2")).alias(name)
            for name in FACTS
            if f"{name}_2" in both.columns
        )
        lists = [name for name, dtype in FACTS.items() if dtype == pl.List(pl.String())]
        filled = joined.with_columns(pl.col(lists).fill_null([]))
        return cls(catalog, filled.select(*FACTS, *BY_COUNTRY), raters)

    def row(self, number: int, country: str = "") -> dict[str, Any]:
        """Return the facts of a movie, with the certification and `age` that count in a country.

        An original title that the title has is left out.
        """
        row = self.frame.select(*FACTS, "certifications").row(number, named=True)
        original, title = row["original_title"], self.catalog.facts[number].title or ""
        age, gathered = self.ages(country)[number].item(), row.pop("certifications") or []
        if row["certification"] is None:
            first = [text for code in (country.upper(), "US") for text in gathered if text.startswith(f"{code}:")]
            row["certification"] = next((text for text in first + gathered if age_of(text) == age), None)
        return row | {
            "original_title": None if original and original in title else original,
            "age": int(age) if np.isfinite(age) else None,
        }

    def ages(self, country: str = "") -> NDArray[np.float32]:
        """Age of each movie's certification in years, NaN where it isn't known. float32 `[n]`.

        A movie's own certification of the catalog comes first. Of several countries that of `country` counts, else that
        of the US, else the strictest.
        """
        return self._ages_by_country(country.upper())

    @cached_property
    def _ages_by_country(self) -> Callable[[str], NDArray[np.float32]]:
        """LRU cache of ages, by country."""
        return lru_cache(MAX_COUNTRIES)(self._find_ages)

    def __getstate__(self) -> dict[str, Any]:
        """Return what pickle stores: all but the cache of ages."""
        return {name: value for name, value in vars(self).items() if name != "_ages_by_country"}

    def _find_ages(self, country: str) -> NDArray[np.float32]:
        ages, known = np.full(len(self.frame), np.nan, np.float32), self._certified
        strictest = known.group_by("place").agg(pl.col("age").max())
        for rows in (strictest, *(known.filter(country=code) for code in dict.fromkeys(("US", "", country)))):
            ages[rows["place"].to_numpy()] = rows["age"].to_numpy()
        return ages

    @cached_property
    def _certified(self) -> pl.DataFrame:
        """Ages by `place`, which is the movie's number, and `country`; "" if the certification names none."""
        places = pl.Series("place", np.arange(len(self.frame), dtype=np.int32))
        own = _read_ages(pl.DataFrame([places, self.frame["certification"].alias("text")]))
        gathered = _read_ages(pl.DataFrame([places, self.frame["certifications"].alias("text")]).explode("text"))
        return pl.concat([own, gathered.join(own, on="place", how="anti")])

    @cached_property
    def n_known(self) -> dict[str, int]:
        """Number of movies whose fact is known, by column; a certification is known if its age is."""
        known = self.frame.select(_is_known(name).sum() for name in FACTS)
        ages = int(np.isfinite(self.ages()).sum())
        services = len(self.frame) - self.frame["services"].null_count()
        return {**known.row(0, named=True), "certification": ages, "services": services}

    @property
    def has_any(self) -> bool:
        """Return whether there is anything to filter or to find people by."""
        return any(number for name, number in self.n_known.items() if name != "original_title")

    @cached_property
    def languages(self) -> dict[str, Numbers]:
        """Movies of each language, those of most movies first."""
        return _places(self.frame["languages"])

    @cached_property
    def services(self) -> dict[tuple[str, str], Numbers]:
        """Movies that each service streams in each country."""
        return {(name[:2], name[3:]): places for name, places in _places(self.frame["services"]).items()}

    @cached_property
    def people(self) -> People:
        """Directors and actors."""
        return People.of(self.frame["directors"].to_list(), self.frame["cast"].to_list(), self.raters)

    @cached_property
    def titles(self) -> TitleIndex:
        """Search index of the titles and original titles."""
        return TitleIndex.of(self.catalog, self.raters, self.frame["original_title"].to_list())

    def warm(self) -> "MovieFacts":
        """Build all indexes in advance."""
        self.titles.search("a", 1)
        self.people.search("abc", 1)
        _ = self.n_known, self.languages, self.services
        return self

    def mask(self, wanted: FactFilter) -> NDArray[np.bool_] | None:
        """Return the mask of the movies that pass a filter; None if it has no condition.

        Raises:
            SettingError: no movie is known to be in the language or at the service.
        """
        masks = []
        if wanted.max_runtime:
            masks.append((self.frame["runtime"] <= wanted.max_runtime).fill_null(False).to_numpy())
        if wanted.language:
            masks.append(self._marks([_find(self.languages, wanted.language, "language", "languages")]))
        if wanted.service:
            masks.append(self._streaming(wanted.service, wanted.country))
        if wanted.max_age is not None:
            masks.append(self.ages(wanted.age_country) <= wanted.max_age)
        return np.logical_and.reduce(masks) if masks else None

    def _streaming(self, service: str, country: str) -> NDArray[np.bool_]:
        found = [
            places for (code, name), places in self.services.items()
            if name.casefold() == service.casefold() and country.upper() in ("", code)
        ]  # fmt: skip
        if not found:
            where = f" in {country.upper()}" if country else ""
            named = {name: np.zeros(0, np.int32) for code, name in self.services if country.upper() in ("", code)}
            raise SettingError(f"no movie is known to stream at {service!r}{where}; {_name_some(named, 'services')}")
        return self._marks(found)

    def _marks(self, places: list[Numbers]) -> NDArray[np.bool_]:
        mask = np.zeros(len(self.frame), bool)
        mask[np.concatenate(places)] = True
        return mask


def _read_ages(texts: pl.DataFrame) -> pl.DataFrame:
    """Return the ages in certifications, by `place` and `country`."""
    rows = [
        (text, country, age)
        for text in texts["text"].drop_nulls().unique()
        for country, age in read_certification(text).items()
    ]
    schema = {"text": pl.String(), "country": pl.String(), "age": pl.Int16()}
    ages = pl.DataFrame(rows, schema, orient="row").with_columns(pl.col("country").cast(pl.Categorical))
    return texts.join(ages, on="text").select("place", "country", "age")


def _is_known(name: str) -> pl.Expr:
    column = pl.col(name)
    return column.list.len() > 0 if FACTS[name] == pl.List(pl.String()) else column.is_not_null()


def _places(lists: pl.Series) -> dict[str, Numbers]:
    """Return the places of each word of the lists, words of most places first."""
    rows = pl.DataFrame({"word": lists, "place": np.arange(len(lists), dtype=np.int32)}).explode("word").drop_nulls()
    groups = rows.group_by("word", maintain_order=True).agg("place").sort(pl.col("place").list.len(), descending=True)
    return {word: places.to_numpy() for word, places in zip(groups["word"], groups["place"], strict=True)}


def _find(of: Mapping[str, Numbers], name: str, one: str, many: str) -> Numbers:
    found = next((places for each, places in of.items() if each.casefold() == name.casefold()), None)
    if found is None:
        raise SettingError(f"no movie is known to have the {one} {name!r}; {_name_some(of, many)}")
    return found


def _name_some(of: Mapping[str, Numbers], many: str) -> str:
    shown = ", ".join(list(of)[:MAX_NAMED]) or "not known"
    return f"the {many} are {shown}{', …' if len(of) > MAX_NAMED else ''}"
