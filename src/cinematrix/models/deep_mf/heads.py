"""The heads of `deep-mf` as they serve, in NumPy: towers, and the closed forms that stand beside them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import UNKNOWN, Numbers
from cinematrix.models.base import Shares
from cinematrix.models.components.biases import Biases
from cinematrix.models.components.calibration import PLAIN, Chance
from cinematrix.models.components.ease_low_rank import Neighbours, liked_more
from cinematrix.models.deep_mf.attribution import of_head
from cinematrix.models.deep_mf.residual_gp import Kriging
from cinematrix.models.deep_mf.towers import Floats, Towers


@dataclass(frozen=True, eq=False)
class Read:
    """Histories as the rating head has read them.

    Attributes:
        histories: with ratings as values; without them they say nothing to this head.
        user: float32 `[n]`, the bias of each history's owner.
        residual: float32 `[size]`, the residuals over the biases in standard deviations.
        vectors: float32 `[n, members, factors + 1]`.
    """

    histories: Histories
    user: Floats
    residual: Floats
    vectors: Floats


@dataclass(frozen=True, eq=False)
class StarsHead:
    """Expected ratings: biases + towers + what these leave of a person's own ratings, spread over near movies.

    Attributes:
        biases: of users and movies.
        sigma: the standard deviation of what the biases leave, the unit of the towers.
        towers: the users' tower and the movies' vectors.
        new: bool `[n_movies + 1]`, which movies nobody has rated, the last place standing for `UNKNOWN`.
        kriging: spreads to rated movies what is left where all that is known of movies is taken.
        newcomers: spreads to new movies what is left where content alone is taken, as if no movie had been rated.
    """

    biases: Biases
    sigma: float
    towers: Towers
    new: NDArray[np.bool_]
    kriging: Kriging | None = None
    newcomers: Kriging | None = None

    def read(self, histories: Histories) -> Read:
        """What is needed of histories for any prediction."""
        user, residual = self.residual(histories)
        return Read(histories, user, residual, self.towers.users(histories, residual))

    def residual(self, histories: Histories) -> tuple[Floats, Floats]:
        """Each history's user bias `[n]`; its ratings' residuals over the biases in standard deviations `[size]`."""
        user, left = self.biases.residuals(histories)
        return user, np.asarray(left / np.float32(self.sigma), np.float32)

    def score(self, histories: Histories) -> Floats:
        """Every history's stars of every movie, off the scale now and then. `[n, n_movies]`."""
        read = self.read(histories)
        base = np.float32(self.biases.mean) + read.user[:, None] + self.biases.movie
        stars = np.asarray(base + np.float32(self.sigma) * self.towers.score(read.vectors), np.float32)
        for process, new in self._processes(read):
            movies = np.flatnonzero(self.new[:-1] == new).astype(np.int32)
            if len(movies):
                stars[:, movies] += process.score(histories, self._left(read, new), movies)
        return stars

    def pairs(self, read: Read, rows: Numbers, movies: Numbers) -> Floats:
        """Stars of pairs, off the scale now and then. `[n]`."""
        stars = self._plain(read, rows, movies)
        for process, new in self._processes(read):
            here = np.flatnonzero(self.new[movies] == new)
            if len(here):
                stars[here] += process.pairs(read.histories, self._left(read, new), rows[here], movies[here])
        return stars

    def missed(self, histories: Histories, held_out: Histories) -> tuple[Floats, Floats]:
        """What biases and towers miss of held-out ratings, and what `kriging` adds, if there is one. `[size]` each."""
        assert held_out.values is not None, "only asked of ratings"
        read, pairs = self.read(histories), (held_out.rows, held_out.items)
        missing = held_out.values - self._plain(read, *pairs)
        if self.kriging is None:
            return missing, np.zeros_like(missing)
        return missing, self.kriging.pairs(histories, self._left(read), *pairs)

    def shares(self, history: Histories, movies: Numbers) -> Shares:
        """What adds up to the stars of `movies` for the one history."""
        read, n = self.read(history), len(movies)
        mean = np.full(n, self.biases.mean, np.float32)
        movie = self.biases.predict(np.zeros(n, np.float32), movies) - mean
        base = {"mean": mean, "movie_bias": movie, "user_bias": np.repeat(read.user, n)}
        near = np.zeros((n, len(history.items)), np.float32)
        for process, new in self._processes(read):
            here = np.flatnonzero(self.new[movies] == new)
            if len(here):
                solved = process.solve(history, self._left(read, new))
                near[here] = process.likeness(movies[here], history.items) * solved
        return of_head(self.towers, history, read.residual, movies).shares(base, self.sigma, near)

    def _processes(self, read: Read) -> Iterator[tuple[Kriging, bool]]:
        """What spreads residuals, and whether to movies that nobody has rated."""
        if read.histories.values is not None:
            processes = (self.kriging, False), (self.newcomers, True)
            yield from ((process, new) for process, new in processes if process)

    def _plain(self, read: Read, rows: Numbers, movies: Numbers, new: bool = False) -> Floats:
        """Stars of pairs by biases and towers alone, perhaps as if all `movies` were new. `[n]`."""
        biased = np.full_like(movies, UNKNOWN) if new else movies
        scores = self.towers.pairs(read.vectors, rows, movies, rated=not new)
        return self.biases.predict(read.user[rows], biased) + np.float32(self.sigma) * scores

    def _left(self, read: Read, new: bool = False) -> Floats:
        """What biases and towers leave of the histories' own ratings. `[size]`."""
        assert read.histories.values is not None, "only asked of ratings"
        return read.histories.values - self._plain(read, read.histories.rows, read.histories.items, new)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For saving."""
        processes = (("kriging.", self.kriging), ("newcomers.", self.newcomers))
        spread = [process.arrays(name) for name, process in processes if process]
        saved = {"stars.sigma": np.array([self.sigma]), "stars.new": self.new, **self.biases.arrays()}
        return saved | self.towers.arrays("stars.towers.") | {name: a for part in spread for name, a in part.items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self | None:
        """The head that `arrays` took apart; None if there is none."""
        towers = Towers.from_arrays(arrays, "stars.towers.")
        if towers is None:
            return None
        processes = (Kriging.from_arrays(arrays, name) for name in ("kriging.", "newcomers."))
        return cls(Biases.from_arrays(arrays), arrays["stars.sigma"].item(), towers, arrays["stars.new"], *processes)


@dataclass(frozen=True, eq=False)
class RankingHead:
    """What orders movies: towers, and the item-item model beside them.

    Attributes:
        towers: the users' tower and the movies' vectors.
        neighbours: the item-item model, perhaps.
        chance: what turns a score into a chance, for plain interactions.
    """

    towers: Towers
    neighbours: Neighbours | None = None
    chance: Chance = PLAIN

    def score(self, histories: Histories, residual: Floats | None) -> Floats:
        """Every history's score of every movie. `[n, n_movies]`; `residual` as in `Read`, None for interactions."""
        score = self.towers.score(self.towers.users(histories, residual))
        return score if self.neighbours is None else score + self.neighbours.score(self._gather(histories, residual))

    def chances(self, histories: Histories, rows: Numbers, movies: Numbers) -> Floats:
        """The chance of pairs, for plain interactions. `[n]`."""
        score = self.towers.pairs(self.towers.users(histories, None), rows, movies)
        if self.neighbours:
            score = score + self.neighbours.pairs(self._gather(histories, None), rows, movies)
        return self.chance(score)

    def shares(self, history: Histories, residual: Floats | None, movies: Numbers) -> Shares:
        """What adds up to the scores of `movies` for the one history."""
        found = of_head(self.towers, history, residual, movies)
        if self.neighbours is None:
            return found.shares({}, 1.0)
        weights = np.ones(len(history.items), np.float32) if residual is None else liked_more(residual)
        return found.shares({}, 1.0, self.neighbours.shares(history.items, weights, movies))

    def _gather(self, histories: Histories, residual: Floats | None) -> Floats:
        """The histories as the item-item model takes them: what somebody liked counts a little more."""
        assert self.neighbours is not None, "only asked where there is an item-item model"
        return self.neighbours.gather(histories, None if residual is None else liked_more(residual))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For saving."""
        beside = self.neighbours.arrays() if self.neighbours else {}
        return {"ranking.chance": self.chance.array()} | self.towers.arrays("ranking.towers.") | beside

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self | None:
        """The head that `arrays` took apart; None if there is none."""
        towers = Towers.from_arrays(arrays, "ranking.towers.")
        if towers is None:
            return None
        return cls(towers, Neighbours.from_arrays(arrays), Chance.from_array(arrays["ranking.chance"]))
