"""How good a model is on ratings it hasn't seen, with an interval for every number and the protocol beside it.

One pass over the tested users, in blocks: each user's history as given, the model's list of unseen movies, and
its predictions for the tested pairs. Only one value a user and one count a movie outlive a block, so memory
doesn't depend on how many users × movies there are.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.progress import Progress
from cinematrix.data.histories import Histories, select_entries
from cinematrix.data.ids import Ids, Numbers
from cinematrix.data.ratings import Ratings, nearest_levels
from cinematrix.errors import SettingError, TrainingError
from cinematrix.evaluation.held_out import HeldOutRatings, UserBlock
from cinematrix.metrics import accuracy, diversity
from cinematrix.metrics.accuracy import PerUser
from cinematrix.metrics.top_n import top_n
from cinematrix.models.base import Ordering, Recommender

BLOCK_CELLS = 2_000_000
"""Scores (users × movies) held at a time: 8 MB as float32, and a few times that while they are sorted."""

RESAMPLES = 1_000
"""Of the users, with replacement, for an interval."""

RANKING_METRICS: dict[str, Callable[[Numbers, Histories], PerUser]] = {
    "ndcg": accuracy.ndcg,
    "recall": accuracy.recall,
    "precision": accuracy.precision,
    "map": accuracy.average_precision,
    "mrr": accuracy.reciprocal_rank,
    "hit_rate": accuracy.hit_rate,
}
"""The ranking metrics by the names they are shown under, followed by `@k`."""


ERROR_METRICS = ("rmse", "mae")

INTERVAL_COVERAGE = 0.8
UNCERTAINTY_METRICS = ("within80", "width80", "log_loss")
"""How sure predictions are: the share of ratings within their 80 % intervals, the intervals' mean width in stars, and
the mean of −ln of the probability that the rating's step was given."""

MIN_PROBABILITY = np.float32(1e-30)
"""Below this no probability is punished any harder."""


@dataclass(frozen=True)
class Measure:
    """One number: its name, its value, the 95 % interval (NaN where there is none), and over how many users."""

    name: str
    value: float
    low: float
    high: float
    n_users: int

    def as_dict(self) -> dict[str, float | int | None]:
        """All but the name, for JSON: None stands for NaN."""
        ends = {"value": self.value, "low": self.low, "high": self.high}
        return {key: None if np.isnan(end) else end for key, end in ends.items()} | {"n_users": self.n_users}

    def __str__(self) -> str:
        interval = "" if np.isnan(self.low) else f"  {self.low:.4f}–{self.high:.4f}"
        value = "n/a" if np.isnan(self.value) else f"{self.value:.4f}"
        return f"{self.name:<14}{value:>8}{interval:<17}{self.n_users:>9,} users"


@dataclass(frozen=True)
class Protocol:
    """What was measured and how: without it the numbers mean nothing.

    Attributes:
        split: the split in words.
        model: the model's name.
        k: length of the lists.
        by: what the lists are ordered by.
        relevant_from: a tested movie is relevant from this rating up; None: every tested movie is.
        seed: of the bootstrap.
        users, ratings: tested.
        users_without_history: tested users of whom the model is given no rating.
        unknown_users, unknown_movies: tested IDs that the model has never heard of.
        ratings_of_unknown_movies: tested ratings of those movies.
        movies: the candidates that the model ranks.
    """

    split: str
    model: str
    k: int
    by: Ordering
    relevant_from: float | None
    seed: int
    users: int
    ratings: int
    users_without_history: int
    unknown_users: int
    unknown_movies: int
    ratings_of_unknown_movies: int
    movies: int

    def __str__(self) -> str:
        relevance = "every tested movie" if self.relevant_from is None else f"rated {self.relevant_from:g} or more"
        return (
            f"Split: {self.split}. {self.ratings:,} ratings by {self.users:,} users tested, "
            f"{self.users_without_history:,} of them without a history.\n"
            f"Unknown to the model: {self.unknown_users:,} users; {self.unknown_movies:,} movies with "
            f"{self.ratings_of_unknown_movies:,} ratings, which count in the errors and as misses in the lists.\n"
            f"Lists: the best {self.k} by {self.by} of the {self.movies:,} movies that aren't in the user's history; "
            f"relevant is {relevance}.\n"
            f"Intervals: 95 %, bootstrap over users, {RESAMPLES:,} resamples, seed {self.seed}."
        )


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The measures of one model on one test set.

    Attributes:
        measures: what is shown, in order.
        protocol: how they came about.
        users: the tested users' IDs.
        per_user: one value a user for each metric that has one (NaN where undefined), after `history` and
            `ratings`, how many ratings are given and tested; what a paired comparison of two models needs.
    """

    measures: tuple[Measure, ...]
    protocol: Protocol
    users: Ids = field(repr=False)
    per_user: dict[str, PerUser] = field(repr=False)

    def __getitem__(self, name: str) -> float:
        """The value of one measure, such as `evaluation["ndcg@10"]`; KeyError if it wasn't measured."""
        return {measure.name: measure.value for measure in self.measures}[name]

    def __str__(self) -> str:
        return "\n".join([*map(str, self.measures), "", str(self.protocol)])

    def as_dict(self) -> dict[str, Any]:
        """Measures by name and the protocol, for JSON: None stands for what isn't defined."""
        return {"measures": {m.name: m.as_dict() for m in self.measures}, "protocol": asdict(self.protocol)}


def evaluate(
    model: Recommender,
    test: Ratings,
    *,
    given: Ratings | None = None,
    k: int = 10,
    by: Ordering = "ranking",
    relevant_from: float | None = None,
    seed: int = 0,
    split: str = "a test set as handed over",
    progress: Progress | None = None,
) -> Evaluation:
    """Measure `model` on `test`.

    RMSE and MAE (where the model predicts stars), and `UNCERTAINTY_METRICS` (where it says how sure it is) are over all tested
    ratings, of unknown users and movies too.
    Lists rank every movie that the model knows but those in the user's history; a tested movie that the model
    doesn't know is a miss. Every user with a tested rating counts, by the history given (empty, if there is none).

    Args:
        model: a fitted model.
        test: ratings that the model hasn't seen; users and movies are matched by ID.
        given: the users' histories; None: the model's own training ratings. For new users, `Split.given`.
        k: the length of the lists.
        by: what the lists are ordered by.
        relevant_from: a tested movie is relevant from this rating up; None: every tested movie is.
        seed: of the bootstrap.
        split: how `test` came about, in words: `Split.protocol`.
        progress: hears of each block of users.

    Raises:
        DataError: a tested pair stands in the histories; `relevant_from` without ratings.
        SettingError: `by="stars"` with a model that has none; `k` below 1.
        TrainingError: the model predicts NaN or infinity.
    """
    stars = model.abilities.stars and model.data.scale is not None
    if by == "stars" and not stars:
        raise SettingError(f"{model.name} predicts no stars to order lists by; use by='ranking'")
    if relevant_from is not None:
        test.stars(f"relevant_from={relevant_from:g}")
    held_out = HeldOutRatings.of(model.data, test, given)
    size = max(1, BLOCK_CELLS // max(len(model.data.movies), 10 * k))
    held_out.check(size)
    judge = _BlockEvaluator.of(model, k, by, relevant_from, stars and test.rating is not None)
    per_user, exposures = _evaluate_blocks(judge, held_out, size, progress)
    n_users, strange = len(held_out.users), held_out.ratings_of_unknown_movies
    protocol = Protocol(
        split=split,
        model=model.name,
        k=k,
        by=by,
        relevant_from=relevant_from,
        seed=seed,
        users=n_users,
        ratings=len(test),
        users_without_history=int(np.count_nonzero(per_user["history"] == 0)),
        unknown_users=held_out.unknown_users,
        unknown_movies=len(strange),
        ratings_of_unknown_movies=int(strange.sum()),
        movies=len(model.data.movies),
    )
    measures = (
        _measure_errors(per_user, seed) + _measure_lists(per_user, seed) + _measure_catalog(exposures, k, n_users)
    )
    return Evaluation(measures, protocol, test.users.ids[held_out.users], per_user)


@dataclass(frozen=True)
class _BlockEvaluator:
    """Measures one block of users after another; `genres` is None if the catalog has none."""

    model: Recommender
    k: int
    by: Ordering
    relevant_from: float | None
    with_stars: bool
    raters: NDArray[np.int64]
    genres: Any

    @classmethod
    def of(cls, model: Recommender, k: int, by: Ordering, relevant_from: float | None, with_stars: bool) -> Self:
        known = model.data
        genres = known.catalog.genre_matrix() if known.catalog.genres else None
        return cls(model, k, by, relevant_from, with_stars, known.raters, genres)

    @property
    def names(self) -> list[str]:
        """Of the values that a call finds."""
        variety = ["novelty"] if self.genres is None else ["novelty", "similarity"]
        lists = [f"{name}@{self.k}" for name in [*RANKING_METRICS, *variety]]
        return [
            "history",
            "ratings",
            *ERROR_METRICS * self.with_stars,
            *UNCERTAINTY_METRICS * (self.with_stars and self.model.has_intervals),
            *lists,
        ]

    def __call__(self, block: UserBlock) -> tuple[dict[str, PerUser], NDArray[np.int64]]:
        """One value a user for each metric, and in how many of the lists each movie stands."""
        ranked = top_n(self.model.score(block.given, by=self.by), self.k, block.given).movies
        found = {"history": block.given.counts.astype(float), "ratings": block.tested.counts.astype(float)}
        found |= self._errors(block) if self.with_stars else {}
        relevant = block.tested
        if self.relevant_from is not None and relevant.values is not None:
            relevant = select_entries(relevant, relevant.values >= self.relevant_from)
        found |= {f"{name}@{self.k}": metric(ranked, relevant) for name, metric in RANKING_METRICS.items()}
        n_users = int(np.count_nonzero(self.model.data.history.counts))
        found[f"novelty@{self.k}"] = diversity.novelty(ranked, self.raters, n_users)
        if self.genres is not None:
            found[f"similarity@{self.k}"] = diversity.intra_list_similarity(ranked, self.genres)
        return found, diversity.exposure(ranked, len(self.raters))

    def _errors(self, block: UserBlock) -> dict[str, PerUser]:
        rows, stars, pairs = block.tested.rows, block.tested.values, block.pairs(len(self.raters))
        assert stars is not None  # `with_stars` says so
        predicted = self.model.predict_pairs(*pairs)
        if not np.isfinite(predicted).all():
            raise TrainingError(f"{self.model.name} predicts {predicted[~np.isfinite(predicted)][0]}; train it again")
        n_users = len(block.users)
        return {
            "rmse": accuracy.user_rmse(rows, stars, predicted, n_users),
            "mae": accuracy.user_mae(rows, stars, predicted, n_users),
            **(self._surety(block, predicted) if self.model.has_intervals else {}),
        }

    def _surety(self, block: UserBlock, predicted: NDArray[np.float32]) -> dict[str, PerUser]:
        pairs, stars, scale = block.pairs(len(self.raters)), block.tested.values, self.model.data.scale
        assert stars is not None  # `with_stars` says so
        assert scale is not None  # so does a model with a spread
        low, high = self.model.interval_pairs(*pairs, INTERVAL_COVERAGE, stars=predicted)
        likely = self.model.distribution_pairs(*pairs, stars=predicted)[
            np.arange(len(stars)), nearest_levels(scale, stars)
        ]
        values = ((low <= stars) & (stars <= high), high - low, -np.log(np.maximum(likely, MIN_PROBABILITY)))
        return {
            name: accuracy.user_means(pairs[1], v, len(block.users))
            for name, v in zip(UNCERTAINTY_METRICS, values, strict=True)
        }


def _evaluate_blocks(
    judge: _BlockEvaluator, held_out: HeldOutRatings, size: int, progress: Progress | None
) -> tuple[dict[str, PerUser], NDArray[np.int64]]:
    """What `judge` finds in all blocks, together."""
    exposures, found = np.zeros(len(judge.raters), np.int64), []
    if progress:
        progress.start(f"evaluating {judge.model.name}", len(held_out.users))
    try:
        for block in held_out.blocks(size):
            values, shown = judge(block)
            found.append(values)
            exposures += shown
            if progress:
                progress.advance(len(block.users))
    finally:
        if progress:
            progress.stop()
    return {name: np.concatenate([np.zeros(0), *(v[name] for v in found)]) for name in judge.names}, exposures


def pool_by_user(name: str, per_user: dict[str, PerUser]) -> tuple[PerUser, PerUser]:
    """What each user adds to a measure: sums and weights, both 0 where she has none.

    The measure is Σ sums / Σ weights, or its root for the RMSE. Errors are pooled over ratings (put together again from
    the users' means), what is measured on lists is a mean over users.
    """
    values = per_user[name]
    if "@" in name:
        defined = np.isfinite(values)
        return np.where(defined, values, 0), defined.astype(np.float64)
    return values ** (2 if name == "rmse" else 1) * per_user["ratings"], per_user["ratings"]


def _measure_errors(per_user: dict[str, PerUser], seed: int) -> tuple[Measure, ...]:
    """What is pooled over all ratings, RMSE first."""
    names = [name for name in (*ERROR_METRICS, *UNCERTAINTY_METRICS) if name in per_user]
    if not names:
        return ()
    rows = _rows(names, per_user, seed)
    rows[0] = np.sqrt(rows[0])
    return tuple(_measure(name, row, len(per_user["ratings"])) for name, row in zip(names, rows, strict=True))


def _measure_lists(per_user: dict[str, PerUser], seed: int) -> tuple[Measure, ...]:
    """The mean over users of everything that is measured on lists."""
    names = [name for name in per_user if "@" in name]
    counts = [int(np.isfinite(per_user[name]).sum()) for name in names]
    rows = _rows(names, per_user, seed)
    return tuple(_measure(name, row, n) for name, row, n in zip(names, rows, counts, strict=True))


def _rows(names: list[str], per_user: dict[str, PerUser], seed: int) -> NDArray[np.float64]:
    """Σ sums / Σ weights of each measure with both ends of its interval. `[m, 3]`."""
    sums, weights = map(np.column_stack, zip(*(pool_by_user(name, per_user) for name in names), strict=True))
    values = accuracy.ratio(sums.sum(axis=0), weights.sum(axis=0))
    return np.column_stack([values, *accuracy.bootstrap(sums, weights, seed, RESAMPLES)])


def _measure(name: str, row: NDArray[np.float64], n_users: int) -> Measure:
    value, low, high = row.tolist()
    return Measure(name, value, low, high, n_users)


def _measure_catalog(exposures: NDArray[np.int64], k: int, n_users: int) -> tuple[Measure, ...]:
    """What all lists together are like; no mean over users, so no interval over users."""
    nan = float("nan")
    found = {"coverage": diversity.coverage(exposures), "gini": diversity.gini(exposures)}
    return tuple(Measure(f"{name}@{k}", value, nan, nan, n_users) for name, value in found.items())
