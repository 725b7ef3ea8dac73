"""Explanations: what adds up to one score, and what it would be without one of the ratings.

The parts and the shares of the ratings come from the model (`Recommender.shares`); what the score would be without a
rating is no share but a forward pass over the history that lacks it.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.errors import UnknownIdError
from cinematrix.models.base import Ordering, Recommender
from cinematrix.recommendation.lists import check_order

MAX_COUNTERFACTUALS = 200
"""For so many ratings, those with the largest shares, the score without them is computed."""

BLOCK_CELLS = 1_000_000
"""Scores (histories × movies) held at a time."""

MIN_SHOWN_AMOUNT = 0.0005
"""A remainder below is rounding and isn't shown to people."""

MIN_SHOWN_CONTENT_SHARE = 0.05
"""A share of the taste by way of content below this share isn't shown to people."""

PART_LABELS = {
    "mean": "the mean of all ratings",
    "movie_bias": "this movie, for anybody",
    "content": "its genres, year and tags, for anybody",
    "user_bias": "this person, for any movie",
    "habits": "how much this person rates, and how far apart",
    "ratings": "this person's taste, of which",
    "remainder": "what can't be shared out",
}
"""The parts of a score in words, in the order of adding up."""

LABEL_WIDTH = 58
"""Of the middle column, where an explanation is printed as text."""


@dataclass(frozen=True)
class RatingShare:
    """What one of the person's own ratings adds to the score.

    Attributes:
        movie, title, year: the movie that she rated; `movie 17` where it has no title.
        rating: that she gave it; the count of a plain interaction.
        share: what the rating adds, in units of the score.
        by_content: how much of `share` goes by way of the explained movie's genres, year and tags.
        without: the score if she hadn't rated it; None for the small shares of a very long history. It differs from
            the score by more than `share`, since a rating also moves her bias and the weight of the other ratings.
    """

    movie: int | str
    title: str
    year: int | None
    rating: float
    share: float
    by_content: float
    without: float | None

    @property
    def label(self) -> str:
        """`Title (Year)` for people."""
        return f"{self.title} ({self.year})" if self.year else self.title


class ExplanationLine(NamedTuple):
    """A line for people: an amount of the sum and what adds it, or a rating with its share and the score without it."""

    amount: str
    what: str
    share: str = ""
    rated: str = ""
    without: str = ""


@dataclass(frozen=True)
class Explanation:
    """What adds up to one score: Σ `parts` + Σ shares of `ratings` + `remainder` = `score`.

    Attributes:
        movie, title, year: the movie explained.
        by: which score it is.
        score: what lists are ordered by.
        stars: the expected rating, which is the score by stars kept on the scale; for plain interactions the chance.
        own: her own rating of the movie, left out, since it is no reason for itself; None: she has none.
        parts: as in `Shares.parts`.
        ratings: her ratings, the largest share first.
        remainder: what could not be shared out, and rounding.
    """

    movie: int | str
    title: str
    year: int | None
    by: Ordering
    score: float
    stars: float
    own: float | None
    parts: dict[str, float]
    ratings: list[RatingShare]
    remainder: float

    @property
    def label(self) -> str:
        """`Title (Year)` for people."""
        return f"{self.title} ({self.year})" if self.year else self.title

    @property
    def taste(self) -> float:
        """What her ratings add together."""
        return float(np.sum([line.share for line in self.ratings]))

    def as_dict(self) -> dict[str, Any]:
        """The explanation for JSON."""
        return asdict(self)

    @property
    def outcome(self) -> str:
        """What is explained, for people: `4.23 stars`."""
        if self.by == "stars":
            return f"{self.stars:.2f} stars expected"
        return f"score {self.score:.3f} in the ranking"

    def lines(self, n: int = 10) -> Iterator[ExplanationLine]:
        """What adds up, for people, with the `n` ratings that add or take most; the last line is the sum."""
        amounts = {**self.parts, "ratings": self.taste, "remainder": self.remainder}
        for name, words in PART_LABELS.items():
            if name not in amounts or (name == "remainder" and abs(self.remainder) < MIN_SHOWN_AMOUNT):
                continue
            yield ExplanationLine(f"{amounts[name]:{'' if name == 'mean' else '+'}.3f}", words)
            if name == "ratings":
                yield from self._of_ratings(n)
        yield ExplanationLine(f"{self.score:.3f}", "together")

    def _of_ratings(self, n: int) -> Iterator[ExplanationLine]:
        shown = sorted(self.ratings, key=lambda line: -abs(line.share))[:n]
        for line in sorted(shown, key=lambda line: -line.share):
            without = "" if line.without is None else f"{line.without:.3f}"
            yield ExplanationLine("", f"  {line.label}", f"{line.share:+.3f}", f"{line.rating:g}", without)
        if left := len(self.ratings) - len(shown):
            rest = self.taste - sum(line.share for line in shown)
            yield ExplanationLine(
                "", f"  {left:,} other{'s' * (left > 1)}" if shown else f"  {left:,} ratings", f"{rest:+.3f}"
            )

    def notes(self) -> Iterator[str]:
        """What there is to say beside the sum."""
        content = sum(line.by_content for line in self.ratings)
        if abs(content) > MIN_SHOWN_CONTENT_SHARE * abs(self.taste):
            yield f"{content:+.3f} of the taste comes by way of the movie's genres, year and tags"
        if self.own is not None:
            yield f"this person's own rating of it, {self.own:g}, is left out"
        if self.by == "stars" and abs(self.stars - self.score) > MIN_SHOWN_AMOUNT:
            yield f"the scale ends at {self.stars:g}"

    def __str__(self) -> str:
        lines = [ExplanationLine("adds", "", "of it", "rated", "without it"), *self.lines()]
        rows = [
            f"{a:>8}  {shorten(what):<{LABEL_WIDTH}}{share:>8}{r:>7}{w:>12}".rstrip() for a, what, share, r, w in lines
        ]
        rows.insert(-1, f"{'─' * 6:>8}")
        return "\n".join([f"{self.label}: {self.outcome}", "", *rows, "", *self.notes()]).rstrip()


def shorten(text: str) -> str:
    """At most `LABEL_WIDTH` letters."""
    return text if len(text) <= LABEL_WIDTH else f"{text[: LABEL_WIDTH - 1]}…"


def explain(model: Recommender, history: Histories, movie: Any, *, by: Ordering | None = None) -> Explanation:
    """What adds up to the score of `movie` for the one person of `history`.

    Args:
        by: which score; None: by stars where the model has them.

    Raises:
        UnknownIdError: the model doesn't know the movie.
        SettingError: the model can't explain, or has no stars.
    """
    by = by or ("stars" if model.data.scale else "ranking")
    check_order(model, by)
    known, number = model.data, model.data.movies.number(movie)
    if number == UNKNOWN:
        raise UnknownIdError(f"movie {movie} isn't among the model's {len(known.movies):,} movies; give one of these")
    history, own = _leave_movie_out(history, number)
    movies, values = np.array([number], np.int32), _values(history)
    shares = model.shares(history, movies, by=by)
    order = np.argsort(-shares.ratings[0], kind="stable")
    without = _score_without(model, history, number, by, shares.ratings[0])
    ratings = [
        RatingShare(
            *_name(model, int(history.items[at])), float(values[at]), float(shares.ratings[0, at]),
            float(shares.by_content[0, at]), without.get(at),
        )
        for at in order.tolist()
    ]  # fmt: skip
    stars = float(model.predict_pairs(history, np.zeros(1, np.int32), movies)[0])
    parts = {name: float(part[0]) for name, part in shares.parts.items()}
    score, remainder = float(shares.score[0]), float(shares.remainder[0])
    return Explanation(*_name(model, number), by, score, stars, own, parts, ratings, remainder)


def _name(model: Recommender, number: int) -> tuple[int | str, str, int | None]:
    """A movie's ID, title and year."""
    known = model.data
    return known.movies.listed[number], known.catalog.title(number), known.catalog.facts[number].year


def _values(history: Histories) -> NDArray[np.float32]:
    return np.ones(len(history.items), np.float32) if history.values is None else history.values


def _leave_movie_out(history: Histories, number: int) -> tuple[Histories, float | None]:
    """The history without the explained movie, and the rating that stood there."""
    places = np.flatnonzero(history.items == number)
    if len(places) == 0:
        return history, None
    return leave_each_out(history, places[:1]), float(_values(history)[places[0]])


def _score_without(
    model: Recommender, history: Histories, number: int, by: Ordering, shares: NDArray[np.float32]
) -> dict[int, float]:
    """The score of the movie without one entry of the history, for the entries with the largest shares."""
    places = np.argsort(-np.abs(shares), kind="stable")[:MAX_COUNTERFACTUALS]
    step = max(1, BLOCK_CELLS // len(model.data.movies))
    starts = [*range(0, len(places), step), len(places)]
    scores = [model.score(leave_each_out(history, places[a:b]), by=by)[:, number] for a, b in pairwise(starts)]
    return dict(zip(places.tolist(), np.concatenate([np.zeros(0), *scores]).tolist(), strict=True))


def leave_each_out(history: Histories, places: NDArray[np.int64]) -> Histories:
    """The one history once for each of `places`, each time without the entry there."""
    size, n = len(history.items), len(places)
    kept = np.arange(size) != places[:, None]
    source = np.broadcast_to(np.arange(size), (n, size))[kept]
    values = None if history.values is None else history.values[source]
    owners: Numbers | None = None if history.owners is None else np.repeat(history.owners, n)
    return Histories(np.arange(n + 1) * (size - 1), history.items[source], values, owners)
