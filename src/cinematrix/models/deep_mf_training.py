"""How `deep-mf` is trained: a pilot, then all members on all ratings, for each head. Needs torch."""

import hashlib
from copy import copy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.content import features, series
from cinematrix.histories import Histories
from cinematrix.kriging import AUDIENCE, Kriging, places
from cinematrix.metrics import ndcg
from cinematrix.models.deep_mf_tasks import Encoder, HiddenRatings, Ranking, Stars
from cinematrix.neighbours import SERIES, Neighbours, Spectrum, liked_more, sittings
from cinematrix.nets import HistoryNet
from cinematrix.pooling import Content
from cinematrix.protocols import By, Progress, Run
from cinematrix.ranking import top_n
from cinematrix.ratings import Ratings, fingerprint
from cinematrix.splits import random
from cinematrix.spread import Spread, about_movies
from cinematrix.towers import Floats, Towers, encode, statistics
from cinematrix.training import Schedule, pick_device, surroundings, train

if TYPE_CHECKING:
    from cinematrix.models.deep_mf import DeepMF, DeepMFSettings

MIN_TO_CUT = 20
"""With fewer ratings than this none is put aside for validation."""

NOISE = 0.001
"""Validation errors this near (relatively) are equal."""

PAIRS_A_ROW = 4_000.0
"""With as many pairs for each row of a table, tables learn at the full learning rate."""

DECAYS = (200.0, 400.0, 800.0)
WEIGHTS = (0.0, 10.0, 40.0, 160.0)
USUAL = (400.0, 40.0)
"""Ridges and weights of the item-item model to choose from, and those that stay unless others are clearly better."""

JUDGES = 1_000
"""Users whose validation movies that choice is made by."""

TASKS: dict[By, type[HiddenRatings]] = {"stars": Stars, "ranking": Ranking}


def fit_heads(
    model: "DeepMF", ratings: Ratings, validation: Ratings | None, progress: Progress | None, run: Run
) -> None:
    """Train the heads of `model` one after the other and leave them in it, ready to serve.

    `validation` None: it is cut from `ratings`, unless they are too few.
    """
    s, known = model.settings, model.known
    learn = ratings
    if validation is None:
        validation = ratings
        if len(ratings) >= MIN_TO_CUT:
            cut = random(ratings, s.validation_share, s.seed)
            learn, validation = cut.train, cut.test
    device = pick_device(run.device)
    matrix = features(known.catalog) if s.content else None
    content = Content(matrix, device) if matrix is not None and matrix.nnz else None
    data = f"{s} {fingerprint(ratings)} {hash_of(matrix)}"
    trainer = Trainer(model, ratings, learn, validation, matrix, content, device, run, progress, data)
    for by in wanted_heads(model):
        model.heads[by] = trainer.head(by)


def hash_of(matrix: sparse.csr_matrix | None) -> str:
    """A checksum of the content, so that a checkpoint of another catalog is refused."""
    parts = [] if matrix is None else [matrix.data, matrix.indices, matrix.indptr]
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


def wanted_heads(model: "DeepMF") -> list[By]:
    """Stars where there are any; ranking where it is wanted, or where there are no stars."""
    if model.known.scale is None:
        return ["ranking"]
    return ["stars", "ranking"] if model.settings.ranking else ["stars"]


@dataclass
class Trainer:
    """Trains the heads of a model: `learn` and `validation` are cut from `ratings`, or `learn` is `ratings` itself."""

    model: "DeepMF"
    ratings: Ratings
    learn: Ratings
    validation: Ratings
    matrix: sparse.csr_matrix | None
    content: Content | None
    device: torch.device
    run: Run
    progress: Progress | None
    data: str
    spectra: dict[int, Spectrum] = field(default_factory=dict)

    def head(self, by: By) -> Towers:
        """One head, trained and ready to serve.

        Where validation ratings were cut off, a pilot of one member finds out how many epochs are enough, and all
        members then learn from all ratings for as many: better than to learn from a part and to know the rest only as
        history.
        """
        s = self.model.settings
        schedule = replace(s.schedule(by), table_rate=table_rate(self.ratings) if by == "stars" else 1.0)
        if self.learn is self.ratings:
            task = judged = self._train(by, s, schedule, self.ratings, "")
        else:
            judged = self._train(by, replace(s, members=1, ranking_members=1), schedule, self.learn, ", how long")
            epochs = long_enough(self.model.log[by].errors)
            task = self._train(by, s, replace(schedule, epochs=epochs, keep_best=False), self.ratings, "")
        towers = exported(task.net, task.encoder)
        if by == "stars":
            self.model.sigma = task.encoder.sigma
            pilot = self._pilot(judged)
            if s.kriging:
                self.model.kriging = self._kriging(towers, pilot)
            self.model.spread = self._spread(pilot)
        else:
            self._beside(exported(judged.net, judged.encoder))
        return replace(towers, content=of_content(task.net, task.encoder))

    def _pilot(self, judged: HiddenRatings) -> "DeepMF":
        """The model that the net which hasn't seen the validation ratings is by itself."""
        pilot = copy(self.model)
        pilot.biases, pilot.sigma = judged.encoder.biases, judged.encoder.sigma
        pilot.heads = {"stars": exported(judged.net, judged.encoder)}
        return pilot

    def _kriging(self, towers: Towers, pilot: "DeepMF") -> Kriging:
        """The process that spreads what the towers leave; its weight is the one that suits the pilot best."""
        pilot.kriging = Kriging(self._places(pilot.heads["stars"], self.learn))
        if self.validation is not self.ratings:
            missing, added = pilot.missed(*self._judges())
            pilot.kriging = pilot.kriging.weighed(added, missing)
        return replace(pilot.kriging, places=self._places(towers, self.ratings))

    def _places(self, towers: Towers, ratings: Ratings) -> Floats:
        raters = np.bincount(ratings.movie, minlength=len(self.model.known.movies)).astype(np.int64)
        return places(towers.movies[:-1, :, :-1].reshape(len(raters), -1), self._spectrum(ratings), self.matrix, raters)

    def _spectrum(self, ratings: Ratings) -> Spectrum:
        """Of the histories and sittings of `ratings`, with content and series; computed once for both heads."""
        if id(ratings) not in self.spectra:
            known, rank = self.model.known, max(self.model.settings.neighbours, AUDIENCE)
            content = self.matrix
            if content is not None:
                content = sparse.hstack([content, SERIES * series(known.catalog)], format="csr")
            sat = sittings(ratings)
            self.spectra[id(ratings)] = Spectrum.of(ratings.by_user, content, len(known.movies), rank, sat)
        return self.spectra[id(ratings)]

    def _judges(self) -> tuple[Histories, Histories]:
        """The histories, and the validation ratings, of some users who have both."""
        users = np.flatnonzero(self.validation.by_user.counts)[:JUDGES]
        return self.learn.by_user.take(users), self.validation.by_user.take(users)

    def _spread(self, pilot: "DeepMF") -> Spread:
        """How ratings scatter around predictions, from the validation ratings and the pilot, which hasn't seen them."""
        scale, n_movies = self.ratings.scale, len(self.model.known.movies)
        assert scale is not None, "only ratings have a spread"
        histories, residual = self.ratings.by_user, self.model.residual(self.ratings.by_user)[1]
        assert residual is not None, "only ratings have a spread"
        before = Spread.before(scale, histories, residual, n_movies)
        if self.validation is self.ratings or self.validation.rating is None:
            return before
        seen = pilot.predicted(self.learn.by_user, self.validation.user, self.validation.movie)
        then = about_movies(seen.histories, seen.residual, n_movies)
        return replace(before, movies=then).fitted(seen, self.validation.rating, before.movies)

    def _beside(self, pilot: Towers) -> None:
        """The item-item model beside the ranking head, and the chance that scores stand for.

        Its ridge and its weight are those that rank the validation movies best beside the pilot's towers; they are
        then kept for the model of all ratings.
        """
        model, rank = self.model, self.model.settings.neighbours
        given, later = self._judges()
        residual = model.residual(given)[1]
        scores = pilot.score(pilot.users(given, residual))
        if rank:
            spectrum = self._spectrum(self.learn).largest(rank)
            weighed = None if residual is None else liked_more(residual)
            decay, weight = best_beside(scores, spectrum, given, later, weighed)
            if weight:
                learned = Neighbours.of(spectrum, decay, weight)
                scores += learned.score(learned.gather(given, weighed))
                model.neighbours = Neighbours.of(self._spectrum(self.ratings).largest(rank), decay, weight)
        if model.known.scale is None:
            model.chance = calibrated(scores, given, later)

    def _train(
        self, by: By, settings: "DeepMFSettings", schedule: Schedule, ratings: Ratings, what: str
    ) -> HiddenRatings:
        path, name = self.run.checkpoint, f"{by}-pilot" if what else by
        run = replace(self.run, checkpoint=path and path.with_name(f"{path.name}.{name}"))
        with surroundings(settings.seed, run.threads):
            n_movies = len(self.model.known.movies)
            task = TASKS[by](ratings, self.validation, self.content, n_movies, settings, self.device)
            log = train(
                task, schedule, run=run, data=self.data, progress=self.progress,
                what=f"{self.model.name} {by}{what}", measure=task.measure,
            )  # fmt: skip
        if log.errors:
            self.model.log[by] = log
        return task


def long_enough(errors: list[float]) -> int:
    """The last epoch whose validation error is as good as the best, but for noise; at least 1."""
    return max(1, *(epoch for epoch, error in enumerate(errors) if error <= min(errors) * (1 + NOISE)))


def table_rate(ratings: Ratings) -> float:
    """How fast tables may learn, from how much the ratings say about a row of one.

    A row is used once for each pair of an entry in a history and a rating that is predicted from that history: Σ n²
    over histories of length n, shared among the rows; the side with fewer decides. At few pairs a row the tables
    overfit long before the rest of the net has learned. The constant was found on eight sets of 80 to 6,400 pairs a
    row (docs/experiments.md).
    """
    users, movies = (np.bincount(c).astype(np.float64) for c in (ratings.user, ratings.movie))
    pairs = min((a**2).sum() / max(np.count_nonzero(b), 1) for a, b in ((users, movies), (movies, users)))
    return min(1.0, float(pairs) / PAIRS_A_ROW)


@torch.inference_mode()
def exported(net: HistoryNet, encoder: Encoder) -> Towers:
    """A trained net ready to serve: the user's tower, and all movies' vectors from all ratings that the model has."""
    net.eval()
    movies = encoder.encode(net, encoder.everything()).movies.cpu().numpy()
    weights = {name: tensor.cpu().numpy() for name, tensor in net.users.state_dict().items()}
    rated = encoder.pattern.flipped.sums(encoder.everything()).cpu().numpy() > 0
    for place, whole in enumerate(net.users.item_tables(encoder.content)):
        free = weights[f"tables.{place}"]
        weights[f"tables.{place}"] = whole.cpu().numpy() - np.where(rated[:, None], np.float32(0), free)
    kept = {n.removesuffix(".0") if n == "ids.0" else n: w for n, w in weights.items() if "content" not in n}
    if "ids" in kept:
        kept["ids"] = kept["ids"] * (np.bincount(encoder.users.cpu(), minlength=len(kept["ids"])) > 0)[:, None]
    for gate in net.pair:
        kept |= {f"pair.{name}": tensor.cpu().numpy() for name, tensor in gate.state_dict().items()}
    blank = {name: tensor.cpu().numpy() for name, tensor in net.movies.state_dict().items()}
    nothing = statistics(Histories.empty(1), None) @ blank["statistics"]
    return Towers(kept, np.concatenate([movies, encode(nothing, blank)]))


@torch.inference_mode()
def of_content(net: HistoryNet, encoder: Encoder) -> NDArray[np.float16] | None:
    """The part of the movies' vectors that comes from their content, as in `Towers.content`; the rest is the raters'.

    It is what content adds on average over both orders, to the raters or before them (Shapley 1953, of two players):
    the mean of v(raters, content) − v(raters) and v(content) − v(nothing).
    """
    if encoder.content is None:
        return None
    net.eval()
    bare = copy(encoder)
    bare.content = None
    rated, unrated = encoder.everything(), torch.zeros_like(encoder.everything())
    whole, alone = (encoder.encode(net, mask).movies for mask in (rated, unrated))
    raters, nothing = (bare.encode(net, mask).movies for mask in (rated, unrated))
    share = ((whole - raters + alone - nothing) / 2).cpu().numpy()
    return np.concatenate([share, np.zeros_like(share[:1])]).astype(np.float16)


def best_beside(
    scores: NDArray[np.float32],
    spectrum: Spectrum,
    given: Histories,
    later: Histories,
    weighed: NDArray[np.float32] | None,
) -> tuple[float, float]:
    """The ridge and the weight of the item-item model with which it ranks `later` best (NDCG@10) beside `scores`.

    They are the usual ones unless others are better by two standard errors of the users' gains: the best of many on
    few users is mostly luck.
    """
    quality = {}
    for decay in DECAYS:
        model = Neighbours.of(spectrum, decay)
        beside = model.score(model.gather(given, weighed))
        for weight in WEIGHTS:
            quality[decay, weight] = ndcg(top_n(scores + weight * beside, 10, given).movies, later)
    best = max(quality, key=lambda option: float(np.nanmean(quality[option])))
    gains = quality[best] - quality[USUAL]
    return best if gains.mean() > 2 * gains.std() / len(gains) ** 0.5 else USUAL


def calibrated(scores: NDArray[np.float32], given: Histories, later: Histories) -> tuple[float, float]:
    """Slope and offset that turn a score into a chance (Platt 1999), on interactions that training didn't see.

    The chance is that an unseen movie is among a user's held-out interactions, whose share is `validation_share`.
    Newton's method on the log-likelihood over all unseen movies.
    """
    watched, unseen = np.zeros(scores.shape, bool), np.ones(scores.shape, bool)
    unseen[given.rows, given.items] = False
    watched[later.rows, later.items] = unseen[later.rows, later.items] = True
    x, y = scores[unseen].astype(np.float64), watched[unseen].astype(np.float64)
    design, theta = np.column_stack([x, np.ones_like(x)]), np.zeros(2)
    for _ in range(25):
        p = 1 / (1 + np.exp(-np.clip(design @ theta, -30, 30)))
        curvature = design.T @ (design * (p * (1 - p))[:, None]) + 1e-3 * np.eye(2)
        theta += np.linalg.solve(curvature, design.T @ (y - p) - 1e-3 * theta)
    return float(theta[0]), float(theta[1])
