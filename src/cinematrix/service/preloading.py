"""A model loaded before the workers are forked, so that they share its memory.

After a fork both processes have the same memory, and the system copies a page of it only when one of them writes there.
So the main process loads once all that a worker needs to answer, and the workers are forked from it.

Polars must not compute in the main process: a fork has none of its threads, and would wait for them forever. So a
process of its own reads the catalog, with all that Polars derives from it, and the main process makes the rest. A trial
in another process tells in advance if that starts threads of Polars, as a model of another package may. Then each
worker loads the model itself, as it does with a model that is swapped in later.
"""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

from cinematrix.data.histories import Histories
from cinematrix.data.movie_facts import MovieFacts
from cinematrix.recommendation.lists import recommend
from cinematrix.service.facts import FactsSource
from cinematrix.service.logging import LOG
from cinematrix.service.model_watcher import Fingerprint, read_fingerprint
from cinematrix.service.served_model import ServedModel
from cinematrix.service.settings import ServiceSettings

EXAMPLES, EXAMPLE_LENGTH = 3, 20
"""Users of the training data for whom lists are made, so that no lazy part is left, and the length of these lists."""

POLARS_THREADS = ("polars-0", "tokio-rt-worker", "async-executor")
"""Beginnings of the names of the threads that Polars starts when it first computes."""

Result = TypeVar("Result")


class PreloadedModel(NamedTuple):
    """A model that is ready to serve, the facts of its movies, and the fingerprint of its folder before it was read."""

    served: ServedModel
    facts: MovieFacts
    fingerprint: Fingerprint


def preload_model(settings: ServiceSettings) -> PreloadedModel | None:
    """Load the model of a server. None: it can't be shared, or not be loaded, which the first worker will tell."""
    fingerprint = read_fingerprint(settings.model)
    if fingerprint is None:
        return None
    try:
        version, facts = _run_apart(_read_facts, settings)
        if _run_apart(_starts_polars, settings, facts):
            LOG.warning("model version %s computes with Polars while it is loaded, so each worker has a copy", version)
            return None
        served = _load(settings, facts)
    except Exception as error:  # a file of another hand may fail in any way
        LOG.debug("the model can't be loaded in advance: %s", error)
        return None
    return PreloadedModel(served, facts, fingerprint) if served.version == version else None


def _run_apart(function: Callable[..., Result], *args: object) -> Result:
    """Return the result of a function that runs in a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as pool:
        return pool.submit(function, *args).result()


def _read_facts(settings: ServiceSettings) -> tuple[str, MovieFacts]:
    """Return a model's version, and the facts of its movies with the catalog and all that is derived from it."""
    served = _complete(ServedModel.load(settings.model, settings.list_cache))
    return served.version, FactsSource().of(served).warm()


def _load(settings: ServiceSettings, facts: MovieFacts) -> ServedModel:
    """Load the model whose catalog was read before, and make all its parts."""
    served = ServedModel.load(settings.model, settings.list_cache, catalog=facts.catalog)
    facts.warm()
    return _complete(served)


def _complete(served: ServedModel) -> ServedModel:
    """Make the indexes of a model and what the first lists make."""
    catalog = served.model.data.catalog
    _ = catalog.facts, catalog.genre_sets, catalog.genre_counts, catalog.telling_tags
    for history in (Histories.empty(1), *islice(served.model.data.history.split(), EXAMPLES)):
        recommend(served.model, history, EXAMPLE_LENGTH)
    return served.warm()


def _starts_polars(settings: ServiceSettings, facts: MovieFacts) -> bool:
    """Load the model; return whether that starts threads of Polars."""
    _load(settings, facts)
    names = (task.read_text() for task in Path("/proc/self/task").glob("*/comm"))
    return any(name.startswith(POLARS_THREADS) for name in names)
