"""Gibbs sampling of the factorization: `pmf` samples one conditional distribution after another.

    y_ui = b_u + b_i + p_u · q_i + noise        y: ratings in standard deviations from their mean; noise ~ N(0, 1/α)
    z_u  = (b_u, p_u) ~ N(x_u B, Λ⁻¹)           x_u: a constant 1 and the user's features; Λ diagonal
    B_fk ~ N(0, 1/λ_gk)                         g: the family of feature f; the constant's λ is 1
    Λ_k^−½ = |s_k| η_k^−½,  s_k ~ N(0, 1/10)    standard deviations are half-Cauchy; those of links likewise, with 1/100
    α, η_k ~ Gamma(½, ½)

The same holds for movies (Salakhutdinov & Mnih 2008, with links to features as in Rendle 2013 and Simm et al. 2015).
Given the other side, `G` and `h` are the sums of c cᵀ and of c·(y − b) over a row's ratings, c = (1, the other's
factors). A half-Cauchy prior lets factors and links vanish where ratings are few (Gelman 2006), and a spread `s` drawn
given the rows' deviations from their centers mixes fast (parameter expansion; Gelman et al. 2008). Links are drawn with
the rows integrated out (van Dyk & Park 2008), then the rows, both from A = αG + Λ.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.common.progress import Progress, running
from cinematrix.common.threads import count_threads
from cinematrix.data.features import movie_features
from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.data.training_data import TrainingData
from cinematrix.models.components.pmf_loops import (
    SPREAD_PRECISION,
    condition,
    draw_links,
    draw_rows,
    gather_rows,
    regress_on_deviations,
    squared_error,
)
from cinematrix.models.components.pmf_posterior import Posterior

Float64 = NDArray[np.float64]

MIN_DEVIATION = 1e-4
"""Standard deviation assumed for ratings that are all equal, as a share of the scale's width."""

START_SWEEPS = 5
"""Sweeps before spreads are drawn; random factors explain nothing and would vanish."""


@dataclass(frozen=True, eq=False)
class SideData:
    """The users (or the movies): their ratings and their features.

    Attributes:
        starts, items: each row's ratings, as in `Histories`.
        targets: float64 `[size]`, the ratings in standard deviations from their mean.
        features: float64 CSC matrix `[n, n_features]`, the first column 1.
        families: int64 `[n_features]`, the family of each feature, which shares a prior; 0 is the constant.
    """

    starts: NDArray[np.int64]
    items: NDArray[np.int32]
    targets: Float64
    features: sparse.csc_matrix
    families: NDArray[np.int64]

    @classmethod
    def of(cls, histories: Histories, families: list[sparse.csr_matrix]) -> Self:
        """Return rows with the values of `histories` as targets, and a family of features for each matrix."""
        assert histories.values is not None, "histories have targets as values"
        targets, ones = histories.values.astype(np.float64), sparse.csr_matrix(np.ones((len(histories), 1)))
        features = sparse.hstack([ones, *families], format="csc", dtype=np.float64)
        widths = [1, *(family.shape[1] for family in families)]
        return cls(histories.starts, histories.items, targets, features, np.repeat(np.arange(len(widths)), widths))


@dataclass(frozen=True, eq=False)
class GibbsSample:
    """One sample: rows, links and precisions of both sides, and the precision of the noise."""

    users: "ChainState"
    movies: "ChainState"
    noise_precision: float


class ChainState:
    """Current state of a chain for one side.

    Attributes:
        rows: float64 `[n, width]`, the bias and the factors of each row.
        links: float64 `[n_features, width]`, each feature's addition to them.
        center: float64 `[n, width]`, the sum of the links of a row's features.
        spread, precision: float64 `[width]`, s and Λ, the precision of rows around their centers.
        link_spread, link_precision: float64 `[n_families, width]`, the same of the links of a family.
    """

    def __init__(self, side: SideData, width: int, rng: np.random.Generator) -> None:
        n, n_features = side.features.shape
        self.side = side
        self.rows = 0.1 * rng.standard_normal((n, width))
        self.links, self.center = np.zeros((n_features, width)), np.zeros((n, width))
        self.spread, self.precision = np.ones(width), np.ones(width)
        self.link_spread, self.link_precision = np.ones((2, side.families[-1] + 1, width))
        self.link_precision[1:] = 10
        self._factor, self._linear = np.empty((n, width, width)), np.empty((n, width))
        self._curvature, self._pull = np.empty((n, width, width)), np.empty((n, width))

    def draw(self, others: Float64, noise_precision: float, rng: np.random.Generator, *, spread: bool) -> None:
        """Draw the whole state anew, given the rows of the other side; the rows' spread only if `spread`."""
        side, features = self.side, self.side.features
        gather_rows(side.starts, side.items, side.targets, others, noise_precision, self._factor, self._linear)
        self._draw_precision(rng, spread=spread)
        condition(self._factor, self._linear, self.precision, self._curvature, self._pull)
        draw_links(
            self._curvature, self._pull, features.indptr, features.indices, features.data, side.families,
            self.link_precision, rng.standard_normal(self.links.shape), self.links, self.center,
            self.link_spread, rng.standard_normal(self.link_spread.shape),
        )  # fmt: skip
        for family in range(1, len(self.link_precision)):
            spread = self.link_spread[family]
            deviations = self.links[side.families == family] / spread
            self.link_precision[family] = draw_precision(deviations, rng) / spread**2
        self._fill(rng.standard_normal(self.rows.shape), self.rows)

    def _draw_precision(self, rng: np.random.Generator, *, spread: bool) -> None:
        """Draw the precision of the rows around their centers."""
        deviation = (self.rows - self.center) / self.spread
        if spread:
            curvature, pull = np.empty((len(self.spread),) * 2), np.empty_like(self.spread)
            regress_on_deviations(self._factor, self._linear, self.center, deviation, curvature, pull)
            root = np.linalg.cholesky(curvature + SPREAD_PRECISION * np.eye(len(pull)))
            self.spread = np.linalg.solve(root.T, np.linalg.solve(root, pull) + rng.standard_normal(len(pull)))
        self.precision = draw_precision(deviation, rng) / self.spread**2

    def expected(self) -> Float64:
        """Return the mean of the distribution that the rows were drawn from. float64 `[n, width]`."""
        return self._fill(np.zeros_like(self.rows), np.empty_like(self.rows))

    def _fill(self, noise: Float64, rows: Float64) -> Float64:
        draw_rows(self._factor, self._linear, self.precision, self.center, noise, rows)
        return rows


def draw_precision(deviations: Float64, rng: np.random.Generator) -> Float64:
    """Draw the precision of each column, given its values, from its Gamma distribution. float64 `[width]`."""
    n, width = deviations.shape
    drawn: Float64 = rng.gamma((1 + n) / 2, size=width) / ((1 + (deviations**2).sum(0)) / 2)
    return drawn


@dataclass(frozen=True)
class SamplingPlan:
    """Number of chains and sweeps: each chain has `burn_in` sweeps, then `samples` kept ones, `thinning` apart."""

    width: int
    chains: int
    burn_in: int
    samples: int
    thinning: int
    seed: int

    @property
    def sweeps(self) -> int:
        """Sweeps of one chain."""
        return self.burn_in + self.samples * self.thinning


def run_chains(
    users: SideData,
    movies: SideData,
    plan: SamplingPlan,
    keep: Callable[[GibbsSample], Any],
    threads: int,
    progress: Progress,
    what: str = "pmf",
) -> list[Any]:
    """Return the value of `keep` for each kept sample, chain by chain; it doesn't depend on `threads`."""
    generators = [np.random.default_rng(child) for child in np.random.SeedSequence(plan.seed).spawn(plan.chains)]
    lock = Lock()

    def chain(rng: np.random.Generator) -> list[Any]:
        samples = []
        for sweep, drawn in enumerate(iterate_sweeps(users, movies, plan.width, rng, plan.sweeps)):
            if sweep >= plan.burn_in and (sweep - plan.burn_in + 1) % plan.thinning == 0:
                samples.append(keep(drawn))
            with lock:
                progress.advance(note=f"noise {drawn.noise_precision**-0.5:.3f}")
        return samples

    with running(progress, what, plan.chains * plan.sweeps), ThreadPoolExecutor(threads) as pool:
        return [each for part in pool.map(chain, generators) for each in part]


def iterate_sweeps(
    users: SideData, movies: SideData, width: int, rng: np.random.Generator, n: int
) -> Iterator[GibbsSample]:
    """Yield the samples of `n` sweeps from a random start. Each sweep overwrites the states of the one before."""
    user, movie, noise_precision = ChainState(users, width, rng), ChainState(movies, width, rng), 1.0
    for sweep in range(n):
        spread = sweep >= START_SWEEPS
        user.draw(movie.rows, noise_precision, rng, spread=spread)
        movie.draw(user.rows, noise_precision, rng, spread=spread)
        error = squared_error(users.starts, users.items, users.targets, user.rows, movie.rows)
        noise_precision = rng.gamma((1 + len(users.targets)) / 2) / ((1 + error) / 2)
        yield GibbsSample(user, movie, noise_precision)


def sample_posterior(
    data: TrainingData, ratings: Ratings, plan: SamplingPlan, *, history: bool, content: bool, threads: int,
    progress: Progress, what: str = "pmf",
) -> Posterior:  # fmt: skip
    """Sample the posterior.

    Args:
        history: learn from which movies a user rated at all, and which users rated a movie.
        content: learn from the catalog.
        threads: chains that run at a time; 0: `count_threads`.
        what: name on the progress bar.
    """
    stars, scale = ratings.stars("pmf")
    n_users, n_movies = len(data.users), len(data.movies)
    mean, deviation = float(stars.mean(dtype=np.float64)), float(stars.std(dtype=np.float64))
    deviation = deviation or MIN_DEVIATION * (scale.high - scale.low) or 1.0
    targets = (stars.astype(np.float64) - mean) / deviation
    by_user = Histories.of_pairs(ratings.user, ratings.movie, targets, n_users)
    by_movie = Histories.of_pairs(ratings.movie, ratings.user, targets, n_movies + 1)  # the last row is any other movie
    users = SideData.of(by_user, [history_features(by_user, n_movies)] if history else [])
    movies = SideData.of(
        by_movie,
        [*([history_features(by_movie, n_users)] if history else []), *(content_features(data) if content else [])],
    )
    unrated = by_movie.counts[:-1] == 0

    def keep(drawn: GibbsSample) -> dict[str, NDArray[Any]]:
        movie, user = drawn.movies, drawn.users
        links = user.links[1:].copy()
        links[unrated[: len(links)]] = 0  # without ratings a link is a draw from its prior, of mean 0
        return {
            "movies": movie.rows.astype(np.float16),
            "expected": movie.expected().astype(np.float16),
            "links": links.astype(np.float16),
            "constant": user.links[0].astype(np.float32),
            "precision": user.precision.astype(np.float32),
            "noise": np.float32(drawn.noise_precision),
        }

    samples = run_chains(users, movies, plan, keep, threads or min(plan.chains, count_threads()), progress, what)
    arrays = {name: np.stack([each[name] for each in samples]) for name in samples[0]}
    for name in ("movies", "expected", "links"):
        arrays[name] = arrays[name].swapaxes(0, 1)
    return Posterior.from_arrays({**arrays, "scale": np.array([mean, deviation])})


def history_features(histories: Histories, n_items: int) -> sparse.csr_matrix:
    """Return the items in each history as 1 over the root of their number."""
    weights = (1 / np.sqrt(np.maximum(histories.counts, 1))).astype(np.float32)
    return histories.matrix(n_items, weights[histories.rows])


def content_features(data: TrainingData) -> list[sparse.csr_matrix]:
    """Return the families of content: genres; years and tags. The last row, of any other movie, has none."""
    content, genres = movie_features(data.catalog), len(data.catalog.genres)
    unknown_movie = sparse.csr_matrix((1, content.shape[1]))
    content = sparse.vstack([content, unknown_movie], format="csr")
    return [family for family in (content[:, :genres], content[:, genres:]) if family.shape[1]]
