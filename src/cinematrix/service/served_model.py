"""A person's history: what the model remembers of her, overlaid with what the store has.

The same history is folded in for every answer, so a rating counts in the next list without any training.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, Numbers, parse_id
from cinematrix.data.rating_updates import RatingUpdates, apply_updates
from cinematrix.data.ratings import Scale
from cinematrix.data.title_search import TitleIndex
from cinematrix.errors import SettingError
from cinematrix.importers.matching import get_matcher
from cinematrix.models.artifact import fingerprint_manifest, load
from cinematrix.models.base import Recommender
from cinematrix.recommendation.groups import GroupRecommendation
from cinematrix.recommendation.lists import Recommendation, recommend
from cinematrix.recommendation.questionnaire import Questionnaire
from cinematrix.recommendation.taste_profile import PopulationTaste
from cinematrix.service.exposure import ExposureCounter
from cinematrix.service.list_cache import ListCache
from cinematrix.service.problems import Problem
from cinematrix.service.schemas import HistoryBody, Movie, RatedMovie
from cinematrix.store.records import UserRecords

HIDING_EVENTS = ("seen", "not_interested")
"""Events after which a movie isn't recommended any more."""

WATCHED_EVENTS = ("like", "seen")
"""Events that count as her history where a model learned from plain interactions: who watched what."""

STEP_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class ServedModel:
    """The model that answers, and its version. A request takes it once, so no answer mixes two.

    Attributes:
        about: what its `model.json` says.
        made: answers that are the same for everybody, as they were made.
        lists: those it made for users.
    """

    model: Recommender
    version: str
    about: Mapping[str, Any] = field(default_factory=dict)
    made: dict[str, bytes] = field(default_factory=dict)
    lists: ListCache = field(default_factory=ListCache, init=False)

    @classmethod
    def load(cls, path: Path) -> Self:
        """The model in a folder, asked for one list, so that the first caller doesn't wait for what that makes."""
        found = load(path)
        recommend(found.model, Histories.empty(1), 1)
        return cls(found.model, fingerprint_manifest(found.about), found.about)

    def warm(self) -> Self:
        """Make what searches, imports and questions need, so that nobody waits for it: about a second."""
        get_matcher(self.model.data.catalog)
        self.titles.search("a", 1)
        self.questionnaire.next(Histories.empty(1), np.zeros(0, np.int32))
        return self

    @cached_property
    def trained(self) -> datetime | None:
        """When it was trained; the file's own date may be that of a copy."""
        told = self.about.get("trained")
        return datetime.fromisoformat(told) if told else None

    @cached_property
    def shown(self) -> ExposureCounter:
        """What has been recommended by this model."""
        return ExposureCounter(self.model.data.raters)

    @cached_property
    def titles(self) -> TitleIndex:
        """What the films are called, to be searched."""
        return TitleIndex.of(self.model.data.catalog, self.model.data.raters)

    @cached_property
    def questionnaire(self) -> Questionnaire:
        """What newcomers are asked."""
        return Questionnaire.of(self.model.data)

    @cached_property
    def everyone(self) -> PopulationTaste:
        """What all ratings come to, beside which a person's stand."""
        return PopulationTaste(self.model.data)

    @property
    def scale(self) -> Scale:
        """Of the ratings.

        Raises:
            Problem: 422, the model learned from plain interactions.
        """
        scale = self.model.data.scale
        if scale is None:
            raise Problem(422, "this model learned from plain interactions and takes events, such as like, not ratings")
        return scale

    def steps(self, rating: float) -> int:
        """A rating in steps of the scale.

        Raises:
            SettingError: it is off the scale or between two steps.
        """
        scale = self.scale
        steps = round(rating / scale.step)
        if not scale.low <= rating <= scale.high or abs(rating / scale.step - steps) > STEP_TOLERANCE:
            raise SettingError(f"a rating must be on the scale {scale} in steps of {scale.step:g}")
        return steps

    def check(self, ratings: Iterable[float]) -> None:
        """Refuse ratings that aren't on the scale; without one, each says that a movie was watched.

        Raises:
            SettingError: as `steps` says.
        """
        if self.model.data.scale is not None:
            for rating in ratings:
                self.steps(rating)

    def movie(self, id_: int | str) -> str:
        """The text that the store has for a movie's ID.

        Raises:
            Problem: 404, the model doesn't know it.
        """
        movies = self.model.data.movies
        number = movies.number(id_)
        if number == UNKNOWN:
            raise Problem(404, "there is no such movie")
        return str(movies.ids[number])

    def user(self, id_: int | str) -> str:
        """The text that the store has for a user's ID; whole numbers in one form, where the data's are such."""
        return str(self.user_id(str(id_)))

    def user_id(self, text: str) -> int | str:
        """A user's ID as the data have it."""
        return parse_id(self.model.data.users, text)

    def movie_id(self, text: str) -> int | str:
        """A movie's ID as the catalog has it."""
        return parse_id(self.model.data.movies, text)

    def has_usable_history(self, person: UserRecords) -> bool:
        """Whether she has a history in the model that may be used."""
        return not person.forgotten and self.was_trained_on(person.user)

    def was_trained_on(self, user: str) -> bool:
        """Whether the model has a history of this user, deleted or not."""
        return self.model.data.users.number(user) != UNKNOWN

    def trained_history(self, person: UserRecords) -> Histories:
        """What the model remembers of her; nothing, if she was deleted."""
        number = self.model.data.users.number(person.user) if self.has_usable_history(person) else UNKNOWN
        return self.model.data.history.take(np.array([number]))

    def history(self, person: UserRecords) -> Histories:
        """All that counts as her ratings."""
        remembered, known = self.trained_history(person), self.model.data
        if known.scale is None:
            return self._watched(person, remembered)
        if not person.ratings:
            return remembered
        numbers = known.movies.numbers([row.movie for row in person.ratings])
        steps = np.array([np.nan if row.steps is None else row.steps for row in person.ratings])
        none = np.zeros(len(numbers), np.int64)
        since = RatingUpdates(none.astype(np.int32), numbers, (steps * known.scale.step).astype(np.float32), none, none)
        found = apply_updates(RatingUpdates.of(remembered), since.take(numbers != UNKNOWN))
        return replace(Histories.of_pairs(found.user, found.movie, found.rating, 1), owners=remembered.owners)

    def _watched(self, person: UserRecords, remembered: Histories) -> Histories:
        """What she watched: what is remembered of it, without what was taken back and with what her events tell."""
        if not person.ratings and not person.events:
            return remembered
        movies = self.model.data.movies
        back = movies.numbers([row.movie for row in person.ratings if row.steps is None])
        told = movies.numbers([id_ for kind in WATCHED_EVENTS for id_ in person.events.get(kind, ())])
        items = np.union1d(np.setdiff1d(remembered.items, back), told[told != UNKNOWN])
        return replace(Histories.of_lists([(items.tolist(), None)]), owners=remembered.owners)

    def film(self, number: int) -> Movie:
        """What the catalog says of the film with a number."""
        known, facts = self.model.data, self.model.data.catalog.facts[number]
        title = known.catalog.title(number)
        return Movie(movie=known.movies.listed[number], title=title, year=facts.year, genres=facts.genres)

    def numbers(self, lines: Iterable[Recommendation | GroupRecommendation]) -> Numbers:
        """The films in the lines of a list."""
        return self.model.data.movies.numbers([line.movie for line in lines])

    def ratings(self, person: UserRecords) -> list[RatedMovie]:
        """What counts as her ratings, for her to read."""
        known, stored = self.model.data, {row.movie: row for row in person.ratings}
        history, rows = self.history(person), []
        values = np.ones(len(history.items)) if history.values is None else history.values
        for number, value in zip(history.items.tolist(), values.tolist(), strict=True):
            row = stored.get(str(known.movies.ids[number]))
            received, given = (None, None) if row is None else (row.received, row.given)
            film = self.film(number).model_dump()
            rows.append(RatedMovie(**film, rating=value, received=received, time=given))
        return rows

    def events(self, person: UserRecords) -> dict[str, list[int | str]]:
        """Her events, with the movies' IDs as in the catalog."""
        return {kind: [self.movie_id(id_) for id_ in ids] for kind, ids in person.events.items()}

    def hidden(self, person: UserRecords) -> tuple[Any, ...]:
        """What isn't recommended to her although it isn't in her history."""
        return tuple(id_ for kind in HIDING_EVENTS for id_ in person.events.get(kind, ()))

    def read_history(self, body: HistoryBody) -> tuple[Histories, list[int | str]]:
        """The history that somebody brings along, and the IDs in it that the model doesn't know."""
        rated = {str(row.movie): row.rating for row in body.ratings}
        self.check(rated.values())
        history, unknown = self.model.data.histories([rated])
        return history, [self.movie_id(str(id_)) for id_ in unknown]
