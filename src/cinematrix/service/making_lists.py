"""Computation of lists, of several users at once if they wait at the same time."""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import numpy as np
from pydantic_core import to_json

from cinematrix.data.histories import Histories, join_histories
from cinematrix.recommendation.lists import Filters, recommend_each
from cinematrix.service import schemas
from cinematrix.service.list_cache import CachedList, CacheKey
from cinematrix.service.published import list_filters
from cinematrix.service.served_model import ServedModel
from cinematrix.service.state import ServiceState

Outcome = tuple[CachedList, str] | Exception
"""A list and whether it was `made` or `kept` in the cache; or the reason why there is none."""


class ListJob(NamedTuple):
    """A user's list to make.

    Attributes:
        user: user ID as in the store.
        key: place of the list in the cache.
        matched: the matched route and its path parameters.
        wanted: list options of the request.
    """

    state: ServiceState
    served: ServedModel
    user: str
    key: CacheKey
    matched: Mapping[str, Any]
    wanted: schemas.ListRequest


def make_lists(jobs: Sequence[ListJob]) -> list[Outcome]:
    """Return the current list of each job. Lists with the same options are computed together."""
    outcomes: dict[tuple[ServedModel, CacheKey], Outcome] = {}
    with ExitStack() as locks:
        for lock in sorted(
            {job.served.lists.lock_for(job.key) for job in jobs}, key=id
        ):  # in one order for all threads
            locks.enter_context(lock)
        groups: dict[Any, list[ListJob]] = {}
        for job in {(job.served, job.key): job for job in jobs}.values():
            cached = job.served.lists.find(job.key)
            if cached is not None and cached.revision == job.state.store.revision(job.user):
                outcomes[job.served, job.key] = cached, "kept"
            else:
                options = job.served, job.wanted.n, job.wanted.by, job.wanted.dials
                groups.setdefault(options, []).append(job)
        for group in groups.values():
            made = zip(group, _make_group(group), strict=True)
            outcomes |= {(job.served, job.key): outcome for job, outcome in made}
    return [outcomes[job.served, job.key] for job in jobs]


def _make_group(jobs: Sequence[ListJob]) -> list[Outcome]:
    """Make lists with the same options and keep them. A job that fails fails alone."""
    try:
        return [(made, "made") for made in _make_together(jobs)]
    except Exception as error:
        return [error] if len(jobs) == 1 else [outcome for job in jobs for outcome in _make_group([job])]


def _make_together(jobs: Sequence[ListJob]) -> list[CachedList]:
    """Make users' lists from the store's current data."""
    state, served, wanted = jobs[0].state, jobs[0].served, jobs[0].wanted
    known, people = state.facts.revision, state.store.people([job.user for job in jobs])
    begun = time.perf_counter()
    histories = join_histories([served.history(person) for person in people])
    filters = [
        list_filters(state, served, job.wanted, served.hidden(person)) for job, person in zip(jobs, people, strict=True)
    ]
    lists = []
    for job, person, content in zip(jobs, people, make_contents(served, histories, wanted, filters), strict=True):
        content |= {"user": served.user_id(job.user)}
        numbers, body = served.numbers(content["items"]), to_json(content)
        made = CachedList(job.user, person.revision, job.matched, content["fallback"], body, numbers, job.wanted)
        if known == state.facts.revision or not job.wanted.facts.has_conditions:
            served.lists.keep(job.key, made)
        lists.append(made)
    for _ in jobs:
        state.figures.fold_in.observe((time.perf_counter() - begun) / len(jobs))
    return lists


def make_contents(
    served: ServedModel, histories: Histories, wanted: schemas.ListRequest, filters: Sequence[Filters]
) -> Iterable[dict[str, Any]]:
    """Return lists with the members of `schemas.RecommendationList`, of one user a history."""
    lists = recommend_each(served.model, histories, wanted.n, by=wanted.by, filters=filters, dials=wanted.dials)
    return [
        {
            "user": None, "model_version": served.version, "fallback": not size, "unknown": [], "items": each.items,
            "stale": False,
        }
        for each, size in zip(lists, np.asarray(histories.counts).tolist(), strict=True)
    ]  # fmt: skip
