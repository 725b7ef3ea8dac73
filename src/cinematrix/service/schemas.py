"""What requests and answers look like. Requests are strict: no text for a number, no member that isn't known."""

import time
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StrictStr

from cinematrix.data.ids import PATTERN
from cinematrix.recommendation.reranking import Dials

TextId = Annotated[str, Path(pattern=PATTERN, description="ID as in the catalog, an integer or text.")]
Id = Annotated[StrictInt, Field(ge=-(2**63), lt=2**63)] | Annotated[StrictStr, Field(pattern=PATTERN)]
Stars = Annotated[StrictFloat | StrictInt, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
AHEAD = 86_400
"""By so many seconds a client's clock may be ahead."""


def _not_ahead(seconds: int) -> int:
    if seconds > time.time() + AHEAD:
        raise ValueError("the time is more than a day ahead")
    return seconds


Time = Annotated[
    StrictInt,
    Field(ge=0, lt=2**40, description="The client's time, UTC epoch seconds, at most a day ahead."),
    AfterValidator(_not_ahead),
]
Kind = Literal["seen", "not_interested", "like", "watchlist"]
Length = Annotated[int, Query(ge=1, le=200, description="Length of the list.")]


class Request(BaseModel):
    """Of all requests."""

    model_config = ConfigDict(extra="forbid", strict=True)


class NewRating(Request):
    """A rating on the model's scale."""

    rating: Stars
    time: Time | None = None


class BulkRating(NewRating):
    """One row of many."""

    user: Id
    movie: Id


class Bulk(Request):
    """Ratings that are all kept, or none of them."""

    ratings: Annotated[list[BulkRating], Field(min_length=1, max_length=1000)]


class StrangersRating(Request):
    """One of a stranger's ratings."""

    movie: Id
    rating: Stars


class History(Request):
    """What somebody brings along; nothing of it is kept.

    Attributes:
        hidden: movies that aren't to be recommended although they aren't rated, such as those seen.
    """

    ratings: Annotated[list[StrangersRating], Field(max_length=5000)]
    hidden: Annotated[list[Id], Field(max_length=20_000)] = []

    @property
    def excluded(self) -> tuple[str, ...]:
        """The hidden ones, as filters take them."""
        return tuple(str(id_) for id_ in self.hidden)


class Filtered(BaseModel):
    """Which movies may be recommended; in a query, or as part of a body."""

    model_config = ConfigDict(extra="forbid")

    where: Annotated[str, Field(max_length=500, description="Filter, such as `genre=Drama year>=1990`.")] = ""
    min_ratings: Annotated[int, Field(ge=0, lt=2**40, description="Only movies with so many ratings.")] = 0


class Wanted(Filtered):
    """What to recommend."""

    n: Annotated[int, Field(ge=1, le=200, description="Length of the list.")] = 10
    by: Annotated[Literal["ranking", "stars"], Field(description="Likely to be watched, or liked.")] = "ranking"


class Turned(BaseModel):
    """How far from the model's order."""

    model_config = ConfigDict(extra="forbid")

    novelty: Annotated[float, Field(ge=0, le=1, description="0: as the model says; 1: adventurous.")] = 0.0
    diversity: Annotated[float, Field(ge=0, le=1, description="0: as the model says; 1: unlike each other.")] = 0.0

    @property
    def dials(self) -> Dials:
        """As `recommend` takes them."""
        return Dials(self.novelty, self.diversity)


class WantedList(Wanted, Turned):
    """What to recommend, and how far from the model's order."""


class Stranger(History, WantedList):
    """A history, and what to recommend."""


class Movie(BaseModel):
    """A movie of the catalog."""

    movie: int | str
    title: str
    year: int | None
    genres: list[str]


class KeptRating(BaseModel):
    """A rating; `received` is the server's time in epoch milliseconds, null where the model alone remembers it, and
    `time` the client's in epoch seconds."""

    movie: int | str
    rating: float
    received: int | None
    time: int | None


class OwnedRating(KeptRating):
    """A rating and whose it is."""

    user: int | str


class RatingRow(KeptRating, Movie):
    """A rating and the film."""


class RatingList(BaseModel):
    """What counts as a user's ratings."""

    user: int | str
    ratings: list[RatingRow]


class BulkAnswer(BaseModel):
    """How many rows were new and how many replaced another."""

    created: int
    updated: int


class Events(BaseModel):
    """Movies by kind of event."""

    user: int | str
    events: dict[Kind, list[int | str]]


class ReasonRow(BaseModel):
    """One of her own movies, and its share in the score."""

    movie: int | str
    title: str
    year: int | None
    share: float


class Item(Movie):
    """A line of a list."""

    score: float
    stars: float
    low: float | None
    high: float | None
    because: list[ReasonRow]


class Recommended(BaseModel):
    """A list, made by one version of the model; `fallback`: without any history of hers."""

    user: int | str | None
    model_version: str
    fallback: bool
    unknown: list[int | str]
    items: list[Item]


class Found(BaseModel):
    """Movies that a query may mean, best first."""

    items: list[Movie]


class Export(BaseModel):
    """Everything about a user."""

    user: int | str
    ratings: list[RatingRow]
    events: dict[Kind, list[int | str]]


class Health(BaseModel):
    """Alive or ready."""

    status: str


class ProblemBody(BaseModel):
    """RFC 9457; more members may follow, such as `index`, the failing row of a bulk."""

    type: str
    title: str
    status: int
    detail: str


class VersionRow(BaseModel):
    """A version that is kept: `refit` tells when it was made, what the gate found and by which figures."""

    version: str
    serves: bool
    before: bool
    model: str
    data: dict[str, Any] | None
    refit: dict[str, Any] | None
