"""What requests and answers look like. Requests are strict: no text for a number, no member that isn't known."""

import time
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StrictStr

from cinematrix.data.ids import ID_PATTERN
from cinematrix.recommendation.reranking import Reranking

TextId = Annotated[str, Path(pattern=ID_PATTERN, description="ID as in the catalog, an integer or text.")]
Id = Annotated[StrictInt, Field(ge=-(2**63), lt=2**63)] | Annotated[StrictStr, Field(pattern=ID_PATTERN)]
RatingValue = Annotated[StrictFloat | StrictInt, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
MAX_CLOCK_SKEW_SECONDS = 86_400
"""By so many seconds a client's clock may be ahead."""


def _reject_future_time(seconds: int) -> int:
    if seconds > time.time() + MAX_CLOCK_SKEW_SECONDS:
        raise ValueError("the time is more than a day ahead")
    return seconds


ClientTime = Annotated[
    StrictInt,
    Field(ge=0, lt=2**40, description="The client's time, UTC epoch seconds, at most a day ahead."),
    AfterValidator(_reject_future_time),
]
EventKind = Literal["seen", "not_interested", "like", "watchlist"]
ListLength = Annotated[int, Query(ge=1, le=200, description="ListLength of the list.")]


class RequestBody(BaseModel):
    """Of all requests."""

    model_config = ConfigDict(extra="forbid", strict=True)


class NewRating(RequestBody):
    """A rating on the model's scale."""

    rating: RatingValue
    time: ClientTime | None = None


class BulkRating(NewRating):
    """One row of many."""

    user: Id
    movie: Id


class BulkRatings(RequestBody):
    """Ratings that are all kept, or none of them."""

    ratings: Annotated[list[BulkRating], Field(min_length=1, max_length=1000)]


class HistoryRating(RequestBody):
    """One of a stranger's ratings."""

    movie: Id
    rating: RatingValue


class HistoryBody(RequestBody):
    """What somebody brings along; nothing of it is kept.

    Attributes:
        hidden: movies that aren't to be recommended although they aren't rated, such as those seen.
    """

    ratings: Annotated[list[HistoryRating], Field(max_length=5000)]
    hidden: Annotated[list[Id], Field(max_length=20_000)] = []

    @property
    def excluded(self) -> tuple[str, ...]:
        """The hidden ones, as filters take them."""
        return tuple(str(id_) for id_ in self.hidden)


class FilterOptions(BaseModel):
    """Which movies may be recommended; in a query, or as part of a body."""

    model_config = ConfigDict(extra="forbid")

    where: Annotated[str, Field(max_length=500, description="Filter, such as `genre=Drama year>=1990`.")] = ""
    min_ratings: Annotated[int, Field(ge=0, lt=2**40, description="Only movies with so many ratings.")] = 0


class ListOptions(FilterOptions):
    """What to recommend."""

    n: Annotated[int, Field(ge=1, le=200, description="ListLength of the list.")] = 10
    by: Annotated[Literal["ranking", "stars"], Field(description="Likely to be watched, or liked.")] = "ranking"


class RerankingOptions(BaseModel):
    """How far from the model's order."""

    model_config = ConfigDict(extra="forbid")

    novelty: Annotated[float, Field(ge=0, le=1, description="0: as the model says; 1: adventurous.")] = 0.0
    diversity: Annotated[float, Field(ge=0, le=1, description="0: as the model says; 1: unlike each other.")] = 0.0

    @property
    def dials(self) -> Reranking:
        """As `recommend` takes them."""
        return Reranking(self.novelty, self.diversity)


class ListRequest(ListOptions, RerankingOptions):
    """What to recommend, and how far from the model's order."""


class RecommendationRequest(HistoryBody, ListRequest):
    """A history, and what to recommend."""


class Movie(BaseModel):
    """A movie of the catalog."""

    movie: int | str
    title: str
    year: int | None
    genres: list[str]


class TimestampedRating(BaseModel):
    """A rating; `received` is the server's time in epoch milliseconds, null where the model alone remembers it, and
    `time` the client's in epoch seconds."""

    movie: int | str
    rating: float
    received: int | None
    time: int | None


class UserRating(TimestampedRating):
    """A rating and whose it is."""

    user: int | str


class RatedMovie(TimestampedRating, Movie):
    """A rating and the film."""


class RatingList(BaseModel):
    """What counts as a user's ratings."""

    user: int | str
    ratings: list[RatedMovie]


class BulkResult(BaseModel):
    """How many rows were new and how many replaced another."""

    created: int
    updated: int


class UserEvents(BaseModel):
    """Movies by kind of event."""

    user: int | str
    events: dict[EventKind, list[int | str]]


class ReasonItem(BaseModel):
    """One of her own movies, and its share in the score."""

    movie: int | str
    title: str
    year: int | None
    share: float


class ListItem(Movie):
    """A line of a list."""

    score: float
    stars: float
    low: float | None
    high: float | None
    because: list[ReasonItem]


class RecommendationList(BaseModel):
    """A list, made by one version of the model; `fallback`: without any history of hers."""

    user: int | str | None
    model_version: str
    fallback: bool
    unknown: list[int | str]
    items: list[ListItem]


class SearchResults(BaseModel):
    """Movies that a query may mean, best first."""

    items: list[Movie]


class UserExport(BaseModel):
    """Everything about a user."""

    user: int | str
    ratings: list[RatedMovie]
    events: dict[EventKind, list[int | str]]


class Health(BaseModel):
    """Alive or ready."""

    status: str


class ProblemBody(BaseModel):
    """RFC 9457; more members may follow, such as `index`, the failing row of a bulk."""

    type: str
    title: str
    status: int
    detail: str


class VersionInfo(BaseModel):
    """A version that is kept: `refit` tells when it was made, what the gate found and by which figures."""

    version: str
    serves: bool
    before: bool
    model: str
    data: dict[str, Any] | None
    refit: dict[str, Any] | None
