"""Schemas of requests and responses. Requests are strict: no text in place of a number, no unknown members."""

import time
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StrictInt,
    StrictStr,
)
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_before_validator_function
from typing_extensions import TypedDict

from cinematrix.common.durations import DAY_SECONDS
from cinematrix.data.ids import ID_PATTERN
from cinematrix.models.orders import DEFAULT_ORDER, ListOrder
from cinematrix.recommendation.reranking import Reranking
from cinematrix.service.fact_options import FactOptions

TextId = Annotated[str, Path(pattern=ID_PATTERN, description="ID as in the ratings, an integer or text.")]
Id = Annotated[StrictInt, Field(ge=-(2**63), lt=2**63)] | Annotated[StrictStr, Field(pattern=ID_PATTERN)]
RatingValue = Annotated[float, Field(strict=True, ge=-1e9, le=1e9, allow_inf_nan=False)]
MAX_CLOCK_SKEW_SECONDS = DAY_SECONDS
"""Maximum seconds that a client's clock may be ahead."""


def _reject_future_time(seconds: int) -> int:
    if seconds > time.time() + MAX_CLOCK_SKEW_SECONDS:
        raise ValueError("the time is more than a day in the future")
    return seconds


ClientTime = Annotated[
    StrictInt,
    Field(ge=0, lt=2**40, description="Client's time in UTC epoch seconds, at most a day in the future."),
    AfterValidator(_reject_future_time),
]
EventKind = Literal["seen", "not_interested", "like", "watchlist"]
ListLength = Annotated[int, Query(ge=1, le=200, description="Length of the list.")]


@dataclass(frozen=True)
class Length:
    """Annotation of a list's length, which is checked before the items. The first wrong item ends the check."""

    most: int
    least: int = 0

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        bounds: Any = {"min_length": self.least, "max_length": self.most, "fail_fast": True}
        return no_info_before_validator_function(self._check, handler(source) | bounds)

    def _check(self, value: Any) -> Any:
        if isinstance(value, list) and len(value) > self.most:
            raise PydanticCustomError("too_long", "The list is too long.")
        return value


class RequestBody(BaseModel):
    """Base of all request bodies."""

    model_config = ConfigDict(extra="forbid", strict=True)


class NewRating(RequestBody):
    """A rating on the model's scale, and when the user gave it."""

    rating: RatingValue
    time: ClientTime | None = None


class BulkRating(NewRating):
    """One row of a bulk request."""

    user: Id
    movie: Id


class BulkRatings(RequestBody):
    """Ratings to store, either all or none."""

    ratings: Annotated[list[BulkRating], Length(1000, 1)]


class HistoryRating(TypedDict):
    """One rating of a history: a dictionary, since validating 5,000 objects would take twice the time."""

    __pydantic_config__ = RequestBody.model_config  # type: ignore[misc]
    movie: Id
    rating: RatingValue


class HistoryBody(RequestBody):
    """A user's history, sent with the request and not stored.

    Attributes:
        hidden: movies not to recommend although they aren't rated, such as those seen.
    """

    ratings: Annotated[list[HistoryRating], Length(5000)]
    hidden: Annotated[list[Id], Length(20_000)] = []

    @property
    def excluded(self) -> tuple[str, ...]:
        """The hidden movies as text, for filters."""
        return tuple(str(id_) for id_ in self.hidden)


class FilterOptions(FactOptions):
    """Filters on the movies that may be recommended, in a query or in a body."""

    model_config = ConfigDict(extra="forbid")

    where: Annotated[str, Field(max_length=1000, description="Filter, such as `genre=Drama year>=1990`.")] = ""
    min_ratings: Annotated[int, Field(ge=0, lt=2**40, description="Minimum ratings of a movie.")] = 0


class ListOptions(FilterOptions):
    """Filters, length and order of a list."""

    n: Annotated[int, Field(ge=1, le=200, description="Length of the list.")] = 10
    by: Annotated[ListOrder, Field(description="Order: by liking, by ranking (to be watched), or by stars.")] = (
        DEFAULT_ORDER
    )


class RerankingOptions(BaseModel):
    """Reranking of the model's list."""

    model_config = ConfigDict(extra="forbid")

    novelty: Annotated[float, Field(ge=0, le=1, description="0: the model's order; 1: adventurous.")] = 0.0
    diversity: Annotated[float, Field(ge=0, le=1, description="0: the model's order; 1: unlike each other.")] = 0.0
    calibration: Annotated[float, Field(ge=0, le=1, description="0: the model's order; 1: the user's genres.")] = 0.0

    @property
    def dials(self) -> Reranking:
        """Reranking options for `recommend`."""
        return Reranking(self.novelty, self.diversity, self.calibration)


class ListRequest(ListOptions, RerankingOptions):
    """List options and reranking."""


class RecommendationRequest(HistoryBody, ListRequest):
    """A history, list options and reranking."""


class Movie(BaseModel):
    """A movie of the catalog."""

    movie: int | str
    title: str
    year: int | None
    genres: list[str]


class TimestampedRating(BaseModel):
    """A rating with its times.

    `received` is the server's time in epoch milliseconds; null for ratings that are only in the model's training data.
    `time` is the client's time in epoch seconds.
    """

    movie: int | str
    rating: float
    received: int | None
    time: int | None


class UserRating(TimestampedRating):
    """A rating and its user."""

    user: int | str


class RatedMovie(TimestampedRating, Movie):
    """A rating and its movie."""


class RatingList(BaseModel):
    """A user's ratings, from the store and from the model's training data."""

    user: int | str
    ratings: list[RatedMovie]


class BulkResult(BaseModel):
    """Numbers of new rows (`created`) and of rows that replaced an earlier one (`updated`)."""

    created: int
    updated: int


class UserEvents(BaseModel):
    """A user's movies by kind of event; `event_times`: epoch seconds by movie, where an import gave them."""

    user: int | str
    events: dict[EventKind, list[int | str]]
    event_times: dict[EventKind, dict[str, int]]


class SharedFacts(BaseModel):
    """Facts that two movies share: genres, tags that few movies have, and the decade, such as 1940."""

    genres: list[str]
    tags: list[str]
    decade: int | None


class ReasonItem(BaseModel):
    """A movie from the user's history that explains a recommendation.

    `share`: its share of what the history contributes to the score, 0 to 1. `rating` is the user's rating and `given`
    the same in words, such as `5 ★` or `8 of 10`; null and empty for plain interactions. `why` says in words what the
    two movies share, such as `film noir, 1940s`; `shared` has the same facts as values.
    """

    movie: int | str
    title: str
    year: int | None
    share: float
    rating: float | None
    given: str
    why: str
    shared: SharedFacts


class ListItem(Movie):
    """A recommended movie: its score, predicted stars with an interval, and reasons from the user's history."""

    score: float
    stars: float
    low: float | None
    high: float | None
    because: list[ReasonItem]


class RecommendationList(BaseModel):
    """A list by one version of the model; `unknown`: IDs in the request that the model doesn't have.

    `fallback`: made without a history of the user; `stale`: under overload, the user's last list.
    """

    user: int | str | None
    model_version: str
    fallback: bool
    unknown: list[int | str]
    items: list[ListItem]
    stale: bool = False


class FoundPerson(BaseModel):
    """A director or actor, and the number of movies directed and played in."""

    name: str
    directed: int
    played: int


class SearchResults(BaseModel):
    """Movies and people that match a query, best match first."""

    items: list[Movie]
    people: list[FoundPerson] = []


class ProblemBody(BaseModel):
    """A problem (RFC 9457). It may have further members, such as `index`, the wrong row of a bulk request."""

    type: str
    title: str
    status: int
    detail: str


class VersionInfo(BaseModel):
    """A stored model version.

    `serves`: it is the served version. `before`: it served before. `refit`: time, gate decision and figures of the
    retraining that made it.
    """

    version: str
    serves: bool
    before: bool
    model: str
    data: dict[str, Any] | None
    refit: dict[str, Any] | None
