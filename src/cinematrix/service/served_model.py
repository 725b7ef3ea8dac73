"""The served model, and user histories: ratings from its training data, updated with those in the store.

The history is folded in for every response, so a new rating counts in the next list without retraining.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, Numbers, parse_id
from cinematrix.data.rating_updates import RatingUpdates, apply_updates
from cinematrix.data.ratings import Scale, nearest_levels
from cinematrix.errors import SettingError
from cinematrix.importers.matching import get_matcher
from cinematrix.models.artifact import fingerprint_manifest, load
from cinematrix.models.base import Recommender
from cinematrix.recommendation.groups import GroupRecommendation
from cinematrix.recommendation.lists import Recommendation, recommend
from cinematrix.recommendation.questionnaire import Questionnaire
from cinematrix.recommendation.starters import choose_starters
from cinematrix.recommendation.taste_profile import PopulationTaste
from cinematrix.service.exposure import ExposureCounter
from cinematrix.service.list_cache import ListCache
from cinematrix.service.problems import Problem
from cinematrix.service.schemas import HistoryBody, Movie, RatedMovie
from cinematrix.service.worker_group import WorkerGroup
from cinematrix.store.records import HIDING_EVENTS, WATCHED_EVENTS, UserRecords

STEP_TOLERANCE = 1e-6
"""Maximum deviation of a rating from a step of the scale, in steps."""


@dataclass(frozen=True, eq=False)
class ServedModel:
    """The served model and its version. A request reads it once, so that no response mixes two versions.

    Attributes:
        about: content of its `model.json`.
        cache_bytes: maximum size of the cache of lists.
        made: cached responses that are the same for all users, by name.
        group: workers that serve it.
        lists: cached lists of users.
        published: published numbers of people, by name.
    """

    model: Recommender
    version: str
    about: Mapping[str, Any]
    cache_bytes: int
    made: dict[str, bytes] = field(default_factory=dict)
    group: WorkerGroup = field(default_factory=WorkerGroup)
    lists: ListCache = field(init=False)
    published: dict[str, NDArray[np.int64]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lists", ListCache(self.cache_bytes))

    @classmethod
    def load(
        cls, path: Path, cache_bytes: int, group: WorkerGroup | None = None, *, catalog: Catalog | None = None
    ) -> Self:
        """Load the model in a folder and make some lists, so that its lazy parts are ready for the first request.

        `catalog`: as in `artifact.load`.
        """
        artifact = load(path, catalog=catalog)
        for history in (Histories.empty(1), *islice(artifact.model.data.history.split(), 1)):
            recommend(artifact.model, history, 1)
        version = fingerprint_manifest(artifact.about)
        return cls(artifact.model, version, artifact.about, cache_bytes, group=group or WorkerGroup())

    def warm(self) -> Self:
        """Build the indexes for searches, imports and the questionnaire in advance. Takes about a second."""
        get_matcher(self.model.data.catalog)
        self.questionnaire.next(Histories.empty(1), np.zeros(0, np.int32))
        _ = self.starters
        return self

    def for_worker(self, group: WorkerGroup) -> Self:
        """Return the model as a worker of `group` serves it: with the same indexes, and lists and counts of its own."""
        mine = replace(self, made={}, group=group)
        vars(mine).update({name: value for name, value in vars(self).items() if name not in vars(mine)})
        return mine

    @property
    def base_version(self) -> str:
        """Version of the model itself, without added movies."""
        return self.version.partition(".")[0]

    @cached_property
    def trained(self) -> datetime | None:
        """Training time from the manifest. The file's own time may be that of a copy."""
        trained = self.about.get("trained")
        return datetime.fromisoformat(trained) if trained else None

    @cached_property
    def shown(self) -> ExposureCounter:
        """Exposure counter of the lists made by this model."""
        return ExposureCounter(self.model.data.raters, self.version, self.group)

    def forget_exposure(self) -> None:
        """Remove what the workers share about this model, which serves no more."""
        self.group.forget(f"exposure-{self.version}")

    @cached_property
    def questionnaire(self) -> Questionnaire:
        """Questionnaire for new users."""
        return Questionnaire.of(self.model.data)

    @cached_property
    def starters(self) -> Numbers:
        """Movies for a new user to tap."""
        return choose_starters(self.model.data)

    @cached_property
    def everyone(self) -> PopulationTaste:
        """Taste of the population, to compare a user with."""
        return PopulationTaste(self.model.data)

    @cached_property
    def level_counts(self) -> NDArray[np.int64]:
        """Ratings of each movie by level of the scale; without stars its raters, in one column."""
        data = self.model.data
        if data.scale is None or data.history.values is None:
            return np.bincount(data.history.items, minlength=len(data.movies))[:, None]
        n = len(data.scale.levels())
        places = data.history.items.astype(np.int64) * n + nearest_levels(data.scale, data.history.values)
        return np.bincount(places, minlength=n * len(data.movies)).reshape(-1, n)

    @property
    def has_stars(self) -> bool:
        """Return whether the model was trained on ratings, not on plain interactions."""
        return self.model.data.scale is not None and self.model.data.history.values is not None

    @property
    def scale(self) -> Scale:
        """Rating scale of the model.

        Raises:
            Problem: 422, the model was trained on plain interactions.
        """
        scale = self.model.data.scale
        if scale is None:
            raise Problem(422, "this model was trained on plain interactions; send events, such as like, not ratings")
        return scale

    def steps(self, rating: float) -> int:
        """Convert a rating to steps of the scale.

        Raises:
            SettingError: the rating is off the scale or between two steps.
        """
        scale = self.scale
        steps = round(rating / scale.step)
        if not scale.low <= rating <= scale.high or abs(rating / scale.step - steps) > STEP_TOLERANCE:
            raise SettingError(f"a rating must be on the scale {scale} in steps of {scale.step:g}")
        return steps

    def check(self, ratings: Iterable[float]) -> None:
        """Check that ratings are on the scale. Without a scale any rating is valid and means that a movie was watched.

        Raises:
            SettingError: as in `steps`.
        """
        if self.model.data.scale is not None:
            for rating in ratings:
                self.steps(rating)

    def movie(self, id_: int | str) -> str:
        """Return a movie's ID as text, as in the store.

        Raises:
            Problem: 404, the movie isn't in the model's catalog.
        """
        movies = self.model.data.movies
        number = movies.number(id_)
        if number == UNKNOWN:
            raise Problem(404, "there is no such movie")
        return str(movies.ids[number])

    def user(self, id_: int | str) -> str:
        """Return a user's ID as text, as in the store. Integers are normalized if the data's IDs are integers."""
        return str(self.user_id(str(id_)))

    def user_id(self, text: str) -> int | str:
        """Parse a user's ID to the type of IDs in the data."""
        return parse_id(self.model.data.users, text)

    def movie_id(self, text: str) -> int | str:
        """Parse a movie's ID to the type of IDs in the catalog."""
        return parse_id(self.model.data.movies, text)

    def has_usable_history(self, person: UserRecords) -> bool:
        """Return whether the model has a history of the user and they haven't been deleted."""
        return not person.forgotten and self.was_trained_on(person.user)

    def was_trained_on(self, user: str) -> bool:
        """Return whether the user is in the training data, even if they have been deleted since."""
        return self.model.data.users.number(user) != UNKNOWN

    def trained_history(self, person: UserRecords) -> Histories:
        """Return the user's history in the training data; empty if they have been deleted."""
        number = self.model.data.users.number(person.user) if self.has_usable_history(person) else UNKNOWN
        return self.model.data.history.take(np.array([number]))

    def history(self, person: UserRecords) -> Histories:
        """Return the user's current history: training data updated with the ratings in the store."""
        trained, data = self.trained_history(person), self.model.data
        if data.scale is None:
            return self._watched(person, trained)
        if not person.ratings:
            return trained
        numbers = data.movies.numbers([row.movie for row in person.ratings])
        steps = np.array([np.nan if row.steps is None else row.steps for row in person.ratings])
        zeros = np.zeros(len(numbers), np.int64)
        stored = RatingUpdates(
            zeros.astype(np.int32), numbers, (steps * data.scale.step).astype(np.float32), zeros, zeros
        )
        merged = apply_updates(RatingUpdates.of(trained), stored.take(numbers != UNKNOWN))
        return replace(Histories.of_pairs(merged.user, merged.movie, merged.rating, 1), owners=trained.owners)

    def _watched(self, person: UserRecords, trained: Histories) -> Histories:
        """Return the watched movies: training data without deleted ones, plus those with a watched event."""
        if not person.ratings and not person.events:
            return trained
        movies = self.model.data.movies
        deleted = movies.numbers([row.movie for row in person.ratings if row.steps is None])
        added = movies.numbers([id_ for kind in WATCHED_EVENTS for id_ in person.events.get(kind, ())])
        items = np.union1d(np.setdiff1d(trained.items, deleted), added[added != UNKNOWN])
        return replace(Histories.of_lists([(items.tolist(), None)]), owners=trained.owners)

    def film(self, number: int) -> Movie:
        """Return the catalog's data of the movie with a model index."""
        data, facts = self.model.data, self.model.data.catalog.facts[number]
        title = data.catalog.title(number)
        return Movie(movie=data.movies.listed[number], title=title, year=facts.year, genres=facts.genres)

    def find_movies(self, ids: Iterable[int | str]) -> tuple[list[int], list[int | str]]:
        """Return the model indices of movies, each once in the order of the IDs, and the IDs that aren't known."""
        wanted = {id_: self.model.data.movies.number(id_) for id_ in map(str, ids)}
        known = dict.fromkeys(number for number in wanted.values() if number != UNKNOWN)
        return list(known), [self.movie_id(id_) for id_, number in wanted.items() if number == UNKNOWN]

    def numbers(self, lines: Iterable[Recommendation | GroupRecommendation]) -> Numbers:
        """Return the model indices of the movies in a list."""
        return self.model.data.movies.numbers([line.movie for line in lines])

    def ratings(self, person: UserRecords) -> list[RatedMovie]:
        """Return the user's current ratings with titles and times."""
        data, stored = self.model.data, {row.movie: row for row in person.ratings}
        history, rows = self.history(person), []
        values = np.ones(len(history.items)) if history.values is None else history.values
        for number, value in zip(history.items.tolist(), values.tolist(), strict=True):
            row = stored.get(str(data.movies.ids[number]))
            received, given = (None, None) if row is None else (row.received, row.given)
            movie = self.film(number).model_dump()
            rows.append(RatedMovie(**movie, rating=value, received=received, time=given))
        return rows

    def events(self, person: UserRecords) -> dict[str, list[int | str]]:
        """Return the user's events, with movie IDs as in the catalog."""
        return {kind: [self.movie_id(id_) for id_ in ids] for kind, ids in person.events.items()}

    def hidden(self, person: UserRecords) -> tuple[Any, ...]:
        """Return the movies hidden from the user's lists by events."""
        return tuple(id_ for kind in HIDING_EVENTS for id_ in person.events.get(kind, ()))

    def read_history(self, body: HistoryBody) -> tuple[Histories, list[int | str]]:
        """Return the history in a request, and its movie IDs that aren't in the catalog."""
        rated = {str(row["movie"]): row["rating"] for row in body.ratings}
        self.check(rated.values())
        history, unknown = self.model.data.histories([rated])
        return history, [self.movie_id(str(id_)) for id_ in unknown]
