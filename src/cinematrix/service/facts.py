"""Facts of the movies of the served models: the catalog's, and those gathered from TMDB."""

from collections.abc import Iterable
from threading import Lock
from weakref import WeakKeyDictionary

import polars as pl

from cinematrix.data.catalog import Catalog
from cinematrix.data.movie_facts import MovieFacts
from cinematrix.service.served_model import ServedModel


class FactsSource:
    """Facts by catalog, made once for each table of gathered facts.

    Attributes:
        gathered: facts from TMDB, with the columns of `GATHERED`; None if none are gathered.
        revision: number of tables until now. A list that was filtered by facts of an earlier one isn't kept.
    """

    def __init__(self) -> None:
        self.gathered: pl.DataFrame | None = None
        self.revision = 0
        self._lock, self._made = Lock(), WeakKeyDictionary[Catalog, MovieFacts]()

    def of(self, served: ServedModel) -> MovieFacts:
        """Return the facts of the movies of a model."""
        data = served.model.data
        with self._lock:
            made = self._made.get(data.catalog)
            if made is None:
                made = self._made[data.catalog] = MovieFacts.of(data.catalog, data.raters, self.gathered)
            return made

    def take(self, gathered: pl.DataFrame, models: Iterable[ServedModel]) -> None:
        """Replace the gathered facts, and drop the lists of models that depend on them. Nobody waits meanwhile."""
        models = list(models)
        made = WeakKeyDictionary[Catalog, MovieFacts]()
        for served in models:
            data = served.model.data
            made[data.catalog] = MovieFacts.of(data.catalog, data.raters, gathered).warm()
        with self._lock:
            self.gathered, self._made, self.revision = gathered, made, self.revision + 1
        for served in models:
            served.lists.drop_filtered()
