"""The heads of `deep-mf` as they serve, in NumPy: towers, and the closed forms added to them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.memo import WeakMemo
from cinematrix.data.histories import MAX_REMEMBERED, Histories
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.metrics.top_n import top_pairs
from cinematrix.models.components.biases import Biases
from cinematrix.models.components.calibration import UNCALIBRATED, Calibration
from cinematrix.models.components.ease_low_rank import LowRankEase, weigh_by_rating
from cinematrix.models.contract_types import ALL, ScoreShares
from cinematrix.models.deep_mf.attribution import attribute_entries, attribute_head
from cinematrix.models.deep_mf.residual_gp import ResidualGP
from cinematrix.models.deep_mf.towers import Float32, Towers

MIN_POOL, POOL_SHARE = 1000, 1 / 40
"""Movies of each history whose expected ratings are exact in lists by stars: minimum, and share of all movies."""


@dataclass(frozen=True, eq=False)
class EncodedHistories:
    """Histories encoded by the rating head.

    Attributes:
        user: float32 `[n]`, the bias of each history's owner.
        residual: float32 `[size]`, the residuals over the biases in standard deviations.
        vectors: float32 `[n, members, factors + 1]`.
        solved: by process (for movies without ratings: True), the value of each entry and the histories solved so far.
    """

    user: Float32
    residual: Float32
    vectors: Float32
    solved: dict[bool, tuple[Float32, NDArray[np.bool_]]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class StarsHead:
    """Expected ratings: biases + towers + Gaussian processes on the residuals of the user's own ratings.

    Attributes:
        biases: biases of users and movies.
        sigma: standard deviation of the residuals over the biases, the unit of the towers.
        towers: the users' tower and the movies' vectors.
        new: bool `[n_movies + 1]`, mask of the movies without ratings; the last entry is for `UNKNOWN`.
        residual_gp: process for rated movies, on residuals over the full predictions.
        new_movie_gp: process for movies without ratings, on residuals over predictions from content alone.
    """

    biases: Biases
    sigma: float
    towers: Towers
    new: NDArray[np.bool_]
    residual_gp: ResidualGP | None = None
    new_movie_gp: ResidualGP | None = None
    _encoded: WeakMemo[Histories, EncodedHistories] = field(default_factory=WeakMemo, init=False, repr=False)

    def read(self, histories: Histories) -> EncodedHistories:
        """Encode histories for any prediction. The encoding of a few is remembered as long as they live."""
        few = len(histories) <= MAX_REMEMBERED
        return self._encoded.get(histories, self._encode) if few else self._encode(histories)

    def _encode(self, histories: Histories) -> EncodedHistories:
        user, residual = self.biases.residuals(histories)
        scaled = np.asarray(residual / np.float32(self.sigma), np.float32)
        return EncodedHistories(user, scaled, self.towers.users(histories, scaled))

    def residual(self, histories: Histories) -> Float32:
        """Return each entry's residual over the biases in standard deviations. `[size]`."""
        if len(histories) <= MAX_REMEMBERED:
            return self.read(histories).residual
        return np.asarray(self.biases.residuals(histories)[1] / np.float32(self.sigma), np.float32)

    def score(self, histories: Histories) -> Float32:
        """Return every history's expected rating of every movie, not clipped to the scale. `[n, n_movies]`."""
        read = self.read(histories)
        stars, rows = self._score_without_gp(read), np.arange(len(histories), dtype=np.int32)
        for process, new in self._processes(histories):
            movies = np.flatnonzero(self.new[:-1] == new).astype(np.int32)
            if len(movies):
                stars[:, movies] += process.score(histories, self._solve(histories, read, process, new, rows), movies)
        return stars

    def score_best(self, histories: Histories, among: NDArray[np.bool_] | None = None) -> Float32:
        """Return expected ratings that are exact for each history's best movies and estimates for the others.

        The best unseen movies in `among` by an estimate are scored exactly (two-stage retrieval). The estimate takes
        the processes' kernel as linear.

        Args:
            among: as in `Recommender.list_stars`.
        """
        read, rows = self.read(histories), np.arange(len(histories), dtype=np.int32)
        rough = self._score_without_gp(read)
        stars = rough.copy()
        for process, new in self._processes(histories):
            own = self.new[:-1] == new
            if own.any():
                added = process.linear(histories, self._solve(histories, read, process, new, rows))
                np.add(stars, added, out=stars, where=own)
        rows, movies = top_pairs(stars, max(MIN_POOL, round(POOL_SHARE * stars.shape[1])), histories, among)
        stars[rows, movies] = self.refine(histories, rows, movies, rough[rows, movies])
        return stars

    def score_without_gp(self, histories: Histories) -> Float32:
        """Return every history's expected rating of every movie by biases and towers alone. `[n, n_movies]`."""
        return self._score_without_gp(self.read(histories))

    def _score_without_gp(self, read: EncodedHistories) -> Float32:
        stars = self.towers.score(read.vectors)
        stars *= np.float32(self.sigma)
        stars += np.float32(self.biases.mean) + read.user[:, None] + self.biases.movie
        return stars

    def pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> Float32:
        """Return the expected ratings of pairs, not clipped to the scale. `[n]`."""
        return self.refine(histories, rows, movies, self._predict_without_gp(self.read(histories), rows, movies))

    def refine(self, histories: Histories, rows: Numbers, movies: Numbers, rough: Float32) -> Float32:
        """Return the expected ratings of pairs from those by biases and towers alone, `rough`, which change. `[n]`."""
        read = self.read(histories)
        for process, new in self._processes(histories):
            selected = np.flatnonzero(self.new[movies] == new)
            if len(selected):
                solved = self._solve(histories, read, process, new, rows[selected])
                rough[selected] += process.pairs(histories, solved, rows[selected], movies[selected])
        return rough

    def held_out_residuals(self, histories: Histories, held_out: Histories) -> tuple[Float32, Float32]:
        """Return held-out ratings' residuals over biases and towers, and `residual_gp`'s additions. `[size]` each."""
        assert held_out.values is not None, "only for models of ratings"
        read, pairs = self.read(histories), (held_out.rows, held_out.items)
        missing = held_out.values - self._predict_without_gp(read, *pairs)
        if self.residual_gp is None:
            return missing, np.zeros_like(missing)
        solved = self._solve(histories, read, self.residual_gp, False, held_out.rows)
        return missing, self.residual_gp.pairs(histories, solved, *pairs)

    def shares(self, history: Histories, movies: Numbers) -> ScoreShares:
        """Return the additive parts of the expected ratings of `movies` for the one history."""
        read, n = self.read(history), len(movies)
        mean = np.full(n, self.biases.mean, np.float32)
        movie = self.biases.predict(np.zeros(n, np.float32), movies) - mean
        base = {"mean": mean, "movie_bias": movie, "user_bias": np.repeat(read.user, n)}
        near = self._gp_shares(history, movies)
        return attribute_head(self.towers, history, read.residual, movies).shares(base, self.sigma, near)

    def rating_shares(self, histories: Histories, movies: Sequence[Numbers]) -> list[Float32]:
        """Return the part of each entry of each history in the expected ratings of its `movies`. `[n, size]` each."""
        own = attribute_entries(self.towers, histories, self.residual(histories), movies)
        near = map(self._gp_shares, histories.split(), movies)
        return [np.float32(self.sigma) * each + beside for each, beside in zip(own, near, strict=True)]

    def _gp_shares(self, history: Histories, movies: Numbers) -> Float32:
        """Return the part of each entry of the one history that the processes add to `movies`. `[n, size]`."""
        read, near = self.read(history), np.zeros((len(movies), len(history.items)), np.float32)
        for process, new in self._processes(history):
            selected = np.flatnonzero(self.new[movies] == new)
            if len(selected):
                solved = self._solve(history, read, process, new, np.zeros(1, np.int32))
                near[selected] = process.similarity(movies[selected], history.items) * solved
        return near

    def _processes(self, histories: Histories) -> Iterator[tuple[ResidualGP, bool]]:
        """Yield each process, and whether it is for movies without ratings."""
        if histories.values is not None:
            yield from ((each, new) for each, new in ((self.residual_gp, False), (self.new_movie_gp, True)) if each)

    def _solve(
        self, histories: Histories, read: EncodedHistories, process: ResidualGP, new: bool, rows: Numbers
    ) -> Float32:
        """Return the value of each entry of the histories `rows` in a process, solved once. `[size]`."""
        size = len(histories.items)
        solved, done = read.solved.setdefault(new, (np.zeros(size, np.float32), np.zeros(len(histories), bool)))
        missing = np.unique(rows[~done[rows]])
        if len(missing):
            assert histories.values is not None, "only for models of ratings"
            own = self._predict_without_gp(read, histories.rows, histories.items, new)
            found = process.solve(histories, histories.values - own, missing)
            np.copyto(solved, found, where=found != 0)
            done[missing] = True
        return solved

    def _predict_without_gp(self, read: EncodedHistories, rows: Numbers, movies: Numbers, new: bool = False) -> Float32:
        """Return the predictions of biases and towers alone, optionally as if all `movies` were new. `[n]`."""
        biased = np.full_like(movies, UNKNOWN) if new else movies
        scores = self.towers.pairs(read.vectors, rows, movies, rated=not new)
        return self.biases.predict(read.user[rows], biased) + np.float32(self.sigma) * scores

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to save."""
        processes = (("residual_gp.", self.residual_gp), ("new_movie_gp.", self.new_movie_gp))
        parts = [self.towers.arrays("stars.towers."), *(each.arrays(name) for name, each in processes if each)]
        saved = {"stars.sigma": np.array([self.sigma]), "stars.new": self.new, **self.biases.arrays()}
        return saved | {name: array for part in parts for name, array in part.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self | None:
        """Return the head from the output of `arrays`; None if there is none."""
        towers = Towers.from_arrays(arrays, "stars.towers.")
        if towers is None:
            return None
        processes = (ResidualGP.from_arrays(arrays, name) for name in ("residual_gp.", "new_movie_gp."))
        return cls(Biases.from_arrays(arrays), arrays["stars.sigma"].item(), towers, arrays["stars.new"], *processes)


@dataclass(frozen=True, eq=False)
class RankingHead:
    """Ranking scores: towers plus low-rank EASE.

    Attributes:
        towers: the users' tower and the movies' vectors.
        low_rank_ease: low-rank EASE, if there is one.
        calibration: calibration of a score to the chance to be watched, for ordering by liking and for interactions.
    """

    towers: Towers
    low_rank_ease: LowRankEase | None = None
    calibration: Calibration = UNCALIBRATED

    def score(self, histories: Histories, residual: Float32 | None) -> Float32:
        """Return every history's score of every movie. `[n, n_movies]`.

        Args:
            residual: as in `EncodedHistories`; None for plain interactions.
        """
        score = self.towers.score(self.towers.users(histories, residual))
        if self.low_rank_ease is not None:
            score += self.low_rank_ease.score(self._gather(histories, residual))
        return score

    def movie_index(self) -> Float32:
        """Return a vector for each movie, whose dot product with a `user_index` is its score up to a constant."""
        movies = self.towers.movies[:-1]
        members, factors = movies.shape[1], movies.shape[2] - 1
        scaled = movies[:, :, :-1].reshape(len(movies), -1) / np.float32(members * factors**0.5)
        parts = [scaled, movies[:, :, -1].mean(1)[:, None]]
        if self.low_rank_ease is not None:
            parts.append(self.low_rank_ease.item_vectors.rows(ALL) * self.low_rank_ease.weight[:-1, None])
        return np.hstack(parts)

    def user_index(self, histories: Histories, residual: Float32 | None) -> Float32:
        """Return a vector for each history, in the space of `movie_index`; `residual` as in `score`."""
        users = self.towers.users(histories, residual)
        parts = [users[:, :, :-1].reshape(len(users), -1), np.ones((len(users), 1), np.float32)]
        if self.low_rank_ease is not None:
            parts.append(self._gather(histories, residual))
        return np.hstack(parts)

    def probabilities(self, histories: Histories, rows: Numbers, movies: Numbers) -> Float32:
        """Return the probabilities of pairs, for plain interactions. `[n]`."""
        score = self.towers.pairs(self.towers.users(histories, None), rows, movies)
        if self.low_rank_ease:
            score = score + self.low_rank_ease.pairs(self._gather(histories, None), rows, movies)
        return self.calibration(score)

    def shares(self, history: Histories, residual: Float32 | None, movies: Numbers) -> ScoreShares:
        """Return the additive parts of the scores of `movies` for the one history."""
        (beside,) = self._ease_shares(history, residual, [movies])
        return attribute_head(self.towers, history, residual, movies).shares({}, 1.0, beside)

    def rating_shares(self, histories: Histories, residual: Float32 | None, movies: Sequence[Numbers]) -> list[Float32]:
        """Return the part of each entry of each history in the scores of its `movies`. `[n, size]` each."""
        own = attribute_entries(self.towers, histories, residual, movies)
        beside = self._ease_shares(histories, residual, movies)
        return [each if more is None else each + more for each, more in zip(own, beside, strict=True)]

    def _ease_shares(self, histories: Histories, residual: Float32 | None, movies: Sequence[Numbers]) -> list[Any]:
        """Return the part of each entry of each history in low-rank EASE, `[n, size]` each; None without it."""
        if self.low_rank_ease is None:
            return [None] * len(movies)
        weights = np.ones(len(histories.items), np.float32) if residual is None else weigh_by_rating(residual)
        return self.low_rank_ease.history_shares(histories, weights, movies)

    def _gather(self, histories: Histories, residual: Float32 | None) -> Float32:
        """Return the histories' vectors in low-rank EASE, in which higher ratings weigh a little more."""
        assert self.low_rank_ease is not None, "only for heads with low-rank EASE"
        return self.low_rank_ease.gather(histories, None if residual is None else weigh_by_rating(residual))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays to save."""
        beside = self.low_rank_ease.arrays() if self.low_rank_ease else {}
        return {"ranking.calibration": self.calibration.array()} | self.towers.arrays("ranking.towers.") | beside

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self | None:
        """Return the head from the output of `arrays`; None if there is none."""
        towers = Towers.from_arrays(arrays, "ranking.towers.")
        if towers is None:
            return None
        return cls(towers, LowRankEase.from_arrays(arrays), Calibration.from_array(arrays["ranking.calibration"]))
