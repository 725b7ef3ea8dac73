"""Explanations of a score: its additive parts, the share of each rating, and the score without that rating.

The parts and shares come from the model (`Recommender.shares`). The score without a rating is counterfactual: a forward
pass over the history without it.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.html import html_table
from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.errors import UnknownIdError
from cinematrix.models.base import Recommender
from cinematrix.models.contract_types import Ordering
from cinematrix.models.orders import ListOrder, explained_by, resolve_order, score_lists

MAX_COUNTERFACTUALS = 200
"""Maximum ratings explained counterfactually, those with the largest shares."""

BLOCK_CELLS = 1_000_000
"""Scores (histories × movies) computed per block; bounds the memory."""

MIN_SHOWN_AMOUNT = 0.0005
"""Minimum remainder shown, in units of the score; a smaller one is rounding."""

MIN_SHOWN_CONTENT_SHARE = 0.05
"""Minimum share of the taste through the movie's content that is shown, 0…1."""

PART_LABELS = {
    "mean": "the mean of all ratings",
    "movie_bias": "this movie, for any user",
    "content": "its genres, year and tags, for any user",
    "user_bias": "this user, for any movie",
    "habits": "how much this user rates, and how far apart",
    "ratings": "this user's taste, of which",
    "remainder": "the rest, which belongs to no rating",
}
"""Display names of the parts of a score, in the order shown."""

LABEL_WIDTH = 58
"""Width of the middle column of a printed explanation, in characters."""


@dataclass(frozen=True)
class RatingShare:
    """Contribution of one of the user's ratings to the score.

    Attributes:
        movie, title, year: the rated movie; `movie 17` without a title.
        rating: the user's rating; the count of a plain interaction.
        share: contribution to the score, in its units.
        by_content: part of `share` through the explained movie's genres, year and tags.
        without: the score without the rating; None for the small shares of a very long history. It differs from the
            score by more than `share`, since a rating also changes the user's bias and the weights of the others.
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
        """The display name, `Title (Year)`."""
        return f"{self.title} ({self.year})" if self.year else self.title


class ExplanationLine(NamedTuple):
    """A printed line: an amount of the sum and its name, or a rating with its share and the score without it."""

    amount: str
    what: str
    share: str = ""
    rated: str = ""
    without: str = ""


@dataclass(frozen=True)
class Explanation:
    """Additive explanation of one score: Σ `parts` + Σ shares of `ratings` + `remainder` = `score`.

    Attributes:
        movie, title, year: the explained movie.
        by: the explained score, by ranking or by stars.
        score: that score; its unit by ranking has no meaning of its own, so `place` tells what it amounts to.
        order: the order of the list of `place`. A list by liking is explained by its scores by ranking.
        place, among: the movie's place, from 1, in the list of all `among` movies that the user hasn't rated.
        stars: expected rating, the score by stars clipped to the scale; for plain interactions, the probability.
        own: the user's own rating of the movie, which the explanation leaves out; None without one.
        parts: as in `ScoreShares.parts`.
        ratings: contributions of the user's ratings, largest share first.
        remainder: the rest of the score, and rounding.
    """

    movie: int | str
    title: str
    year: int | None
    by: Ordering
    score: float
    order: ListOrder
    place: int
    among: int
    stars: float
    own: float | None
    parts: dict[str, float]
    ratings: list[RatingShare]
    remainder: float

    @property
    def label(self) -> str:
        """The display name, `Title (Year)`."""
        return f"{self.title} ({self.year})" if self.year else self.title

    @property
    def taste(self) -> float:
        """The sum of the ratings' shares."""
        return float(np.sum([line.share for line in self.ratings]))

    def as_dict(self) -> dict[str, Any]:
        """Return the explanation as a JSON object."""
        return asdict(self)

    @property
    def outcome(self) -> str:
        """The result as text: `4.23 stars expected`, or `place 12 of 9,284 by ranking`."""
        if self.by == "stars":
            return f"{self.stars:.2f} stars expected"
        return f"place {self.place:,} of {self.among:,} by {self.order}"

    def lines(self, n: int = 10) -> Iterator[ExplanationLine]:
        """Yield the printed lines, with the `n` ratings of the largest absolute share; the last line is the sum."""
        amounts = {**self.parts, "ratings": self.taste, "remainder": self.remainder}
        for name, label in PART_LABELS.items():
            if name not in amounts or (name == "remainder" and abs(self.remainder) < MIN_SHOWN_AMOUNT):
                continue
            yield ExplanationLine(f"{amounts[name]:{'' if name == 'mean' else '+'}.3f}", label)
            if name == "ratings":
                yield from self._rating_lines(n)
        together = "together" if self.by == "stars" else "together, the score by ranking"
        yield ExplanationLine(f"{self.score:.3f}", together)

    def _rating_lines(self, n: int) -> Iterator[ExplanationLine]:
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
        """Yield remarks on the sum, as text."""
        if self.order == "liking":
            yield "the sum is the score by ranking; lists by liking also weigh the expected stars"
        content = sum(line.by_content for line in self.ratings)
        if abs(content) > MIN_SHOWN_CONTENT_SHARE * abs(self.taste):
            yield f"{content:+.3f} of the taste comes from the movie's genres, year and tags"
        if self.own is not None:
            yield f"this user's own rating of it, {self.own:g}, is left out"
        if self.by == "stars" and abs(self.stars - self.score) > MIN_SHOWN_AMOUNT:
            yield f"the scale ends at {self.stars:g}"

    def _repr_html_(self) -> str:
        columns = ["adds#", "", "of it#", "rated#", "without it#"]
        return html_table(
            columns, [list(line) for line in self.lines()], f"{self.label}: {self.outcome}", " ".join(self.notes())
        )

    def __str__(self) -> str:
        lines = [ExplanationLine("adds", "", "of it", "rated", "without it"), *self.lines()]
        rows = [
            f"{a:>8}  {shorten(what):<{LABEL_WIDTH}}{share:>8}{r:>7}{w:>12}".rstrip() for a, what, share, r, w in lines
        ]
        rows.insert(-1, f"{'─' * 6:>8}")
        return "\n".join([f"{self.label}: {self.outcome}", "", *rows, "", *self.notes()]).rstrip()


def shorten(text: str) -> str:
    """Cut a text to `LABEL_WIDTH` characters."""
    return text if len(text) <= LABEL_WIDTH else f"{text[: LABEL_WIDTH - 1]}…"


def explain(model: Recommender, history: Histories, movie: Any, *, by: ListOrder | None = None) -> Explanation:
    """Explain the score of `movie` for the user of `history`, and find its place in their list.

    Args:
        by: the order of the list; None: by stars if the model has them, else by ranking.

    Raises:
        UnknownIdError: the movie isn't in the model's catalog.
        SettingError: the model can't explain, or has no stars.
    """
    order = resolve_order(model, by or ("stars" if model.data.scale else "ranking"))
    criterion = explained_by(order)
    known, number = model.data, model.data.movies.number(movie)
    if number == UNKNOWN:
        raise UnknownIdError(f"movie {movie} isn't among the model's {len(known.movies):,} movies; give one of these")
    history, own = _leave_movie_out(history, number)
    movies, values = np.array([number], np.int32), _values(history)
    shares = model.shares(history, movies, by=criterion)
    largest_first = np.argsort(-shares.ratings[0], kind="stable")
    without = _score_without(model, history, number, criterion, shares.ratings[0])
    ratings = [
        RatingShare(
            *_name(model, int(history.items[at])), float(values[at]), float(shares.ratings[0, at]),
            float(shares.by_content[0, at]), without.get(at),
        )
        for at in largest_first.tolist()
    ]  # fmt: skip
    stars = float(model.predict_pairs(history, np.zeros(1, np.int32), movies)[0])
    parts = {name: float(part[0]) for name, part in shares.parts.items()}
    score, remainder = float(shares.score[0]), float(shares.remainder[0])
    place = _find_place(model, history, number, order)
    return Explanation(*_name(model, number), criterion, score, order, *place, stars, own, parts, ratings, remainder)


def _find_place(model: Recommender, history: Histories, number: int, order: ListOrder) -> tuple[int, int]:
    """Return a movie's place in the list of all movies outside the history, and their number."""
    scores = score_lists(model, history, by=order)[0]
    unseen = np.ones(len(scores), bool)
    unseen[history.items] = False
    before = scores > scores[number]
    before[:number] |= scores[:number] == scores[number]
    return 1 + int((before & unseen).sum()), int(unseen.sum())


def _name(model: Recommender, number: int) -> tuple[int | str, str, int | None]:
    """Return a movie's ID, title and year."""
    known = model.data
    return known.movies.listed[number], known.catalog.title(number), known.catalog.facts[number].year


def _values(history: Histories) -> NDArray[np.float32]:
    return np.ones(len(history.items), np.float32) if history.values is None else history.values


def _leave_movie_out(history: Histories, number: int) -> tuple[Histories, float | None]:
    """Return the history without the explained movie, and the user's rating of it."""
    places = np.flatnonzero(history.items == number)
    if len(places) == 0:
        return history, None
    return leave_each_out(history, places[:1]), float(_values(history)[places[0]])


def _score_without(
    model: Recommender, history: Histories, number: int, by: Ordering, shares: NDArray[np.float32]
) -> dict[int, float]:
    """Return the score of the movie without one entry of the history, for the entries with the largest shares."""
    places = np.argsort(-np.abs(shares), kind="stable")[:MAX_COUNTERFACTUALS]
    step = max(1, BLOCK_CELLS // len(model.data.movies))
    starts = [*range(0, len(places), step), len(places)]
    scores = [model.score(leave_each_out(history, places[a:b]), by=by)[:, number] for a, b in pairwise(starts)]
    return dict(zip(places.tolist(), np.concatenate([np.zeros(0), *scores]).tolist(), strict=True))


def leave_each_out(history: Histories, places: NDArray[np.int64]) -> Histories:
    """Return one copy of the history per entry of `places`, without that entry (leave-one-out)."""
    size, n = len(history.items), len(places)
    others = np.arange(size) != places[:, None]
    source = np.broadcast_to(np.arange(size), (n, size))[others]
    values = None if history.values is None else history.values[source]
    owners: Numbers | None = None if history.owners is None else np.repeat(history.owners, n)
    return Histories(np.arange(n + 1) * (size - 1), history.items[source], values, owners)
