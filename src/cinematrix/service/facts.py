"""Facts of the movies of the served models: the catalog's, and those gathered from TMDB."""

from collections.abc import Iterable
from threading import Lock

import polars as pl

from cinematrix.data.movie_facts import MovieFacts
from cinematrix.service.served_model import ServedModel

MAX_CATALOGS = 4
"""Catalogs whose facts are kept: of the model, of its candidate, and of those that replace them."""


class FactsSource:
    """Facts by catalog, made once for each table of gathered facts.

    Attributes:
        gathered: facts from TMDB, with the columns of `GATHERED`; None if none are gathered.
        revision: number of tables until now. A list that was filtered by facts of an earlier one isn't kept.
    """

    def __init__(self) -> None:
        self.gathered: pl.DataFrame | None = None
        self.revision = 0
        self._lock, self._made = Lock(), list[MovieFacts]()

    def of(self, served: ServedModel) -> MovieFacts:
        """Return the facts of the movies of a model."""
        catalog = served.model.data.catalog
        with self._lock:
            made = next((each for each in self._made if each.catalog is catalog), None)
            if made is None:
                made = _make(served, self.gathered)
                self._made = [*self._made, made][-MAX_CATALOGS:]
            return made

    def keep(self, made: MovieFacts) -> None:
        """Keep facts that were made before the first table was gathered."""
        self._made.append(made)

    def take(self, gathered: pl.DataFrame, models: Iterable[ServedModel]) -> None:
        """Replace the gathered facts, and drop the lists of models that depend on them. Nobody waits meanwhile."""
        models = list(models)
        made = [_make(served, gathered).warm() for served in models]
        with self._lock:
            self.gathered, self._made, self.revision = gathered, made, self.revision + 1
        for served in models:
            served.lists.drop_filtered()

    def forget_others(self, models: Iterable[ServedModel | None]) -> None:
        """Drop the facts of all models but these, which keep their catalogs in memory."""
        catalogs = [served.model.data.catalog for served in models if served is not None]
        with self._lock:
            self._made = [made for made in self._made if any(made.catalog is catalog for catalog in catalogs)]


def _make(served: ServedModel, gathered: pl.DataFrame | None) -> MovieFacts:
    data = served.model.data
    return MovieFacts.of(data.catalog, data.raters, gathered)
