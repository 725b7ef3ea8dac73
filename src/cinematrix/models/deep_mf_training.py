"""How `deep-mf` is trained: the task that it hands to the training loop. Needs torch.

Each step hides a part of the ratings, encodes users and movies from the rest, and predicts what is hidden; so a rating
never sees itself, and users and movies are met with less than their whole history, as strangers will be. An epoch
hides each rating once.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from cinematrix.biases import Biases
from cinematrix.content import features
from cinematrix.histories import Histories
from cinematrix.metrics import ndcg
from cinematrix.neighbours import Neighbours, Spectrum, liked_more
from cinematrix.nets import HistoryNet, Rows, Seen
from cinematrix.pooling import Content, Incidence
from cinematrix.protocols import By, Progress, Run
from cinematrix.ranking import top_n
from cinematrix.ratings import Ratings, fingerprint
from cinematrix.splits import random
from cinematrix.towers import Towers, encode, statistics
from cinematrix.training import Schedule, pick_device, surroundings, train

if TYPE_CHECKING:
    from cinematrix.models.deep_mf import DeepMF, DeepMFSettings

MIN_TO_CUT = 20
"""With fewer ratings than this none is put aside for validation."""

BIAS_SWEEPS = 5

NOISE = 0.001
"""Validation errors this near (relatively) are equal."""

PAIRS_A_ROW = 4_000.0
"""With as many pairs for each row of a table, tables learn at the full learning rate."""

DECAYS = (100.0, 200.0, 400.0)
WEIGHTS = (0.0, 10.0, 40.0, 160.0)
USUAL = (200.0, 40.0)
"""Ridges and weights of the item-item model to choose from, and those that stay unless others are clearly better."""

JUDGES = 1_000
"""Users whose validation movies that choice is made by."""

LOGITS = 2**24
"""The most logits that a step of the ranking head makes: it takes a part of the users where there are many."""


Base = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""The mean, the users' biases, the movies' biases."""


@dataclass
class Sides:
    """Both towers' vectors, and the biases that the stars stand on."""

    users: torch.Tensor
    movies: torch.Tensor
    base: Base | None


class Encoder:
    """Ratings on the device, and the way from a mask over them to both sides' vectors."""

    def __init__(
        self, ratings: Ratings, n_movies: int, content: Content | None, device: torch.device, movie_doubt: float = 1.0
    ) -> None:
        self.device, histories = device, ratings.by_user
        self.pattern = Incidence.of(histories, n_movies, device)
        self.content = content
        self.users, self.movies = self.pattern.pairs
        self.stars: torch.Tensor | None = None
        self.sigma = 1.0
        if ratings.rating is not None and histories.values is not None:
            self.biases = Biases.of(ratings, n_movies, movie_doubt)
            self.stars = torch.from_numpy(histories.values).to(device)
            residual = self.residuals(self.everything())[1]
            self.sigma = max(float(residual.std(correction=0)), 1e-3)

    def __len__(self) -> int:
        return len(self.users)

    def everything(self) -> torch.Tensor:
        """The mask that hides nothing."""
        return torch.ones(len(self), device=self.device)

    def residuals(self, mask: torch.Tensor) -> tuple[Base, torch.Tensor]:
        """The biases of the visible ratings alone, and what each rating has left over them."""
        assert self.stars is not None
        movie_side = self.pattern.flipped
        visible = mask.sum()
        mean = (
            (self.stars * mask).sum() / visible if visible > 0 else torch.tensor(self.biases.mean, device=self.device)
        )
        centred = self.stars - mean
        user = torch.zeros(len(self.pattern.starts) - 1, device=self.device)
        movie = torch.zeros(len(movie_side.starts) - 1, device=self.device)
        of_movie = movie_side.sums(mask) + self.biases.movie_shrinkage
        of_user = self.pattern.sums(mask) + self.biases.user_shrinkage
        for _ in range(BIAS_SWEEPS):
            left = (centred - user[self.users]) * mask
            movie = movie_side.sums(left) / of_movie
            left = (centred - movie[self.movies]) * mask
            user = self.pattern.sums(left) / of_user
        return (mean, user, movie), centred - user[self.users] - movie[self.movies]

    def encode(self, net: HistoryNet, mask: torch.Tensor, rows: Rows | None = None) -> Sides:
        """Both sides, or the vectors of `rows` alone, as they look from the visible ratings."""
        base, residual = (None, None) if self.stars is None else self.residuals(mask)
        scaled = None if residual is None else residual / self.sigma
        users = Seen.of(self.pattern, mask, scaled)
        movies = Seen.of(self.pattern.flipped, mask, scaled)
        return Sides(*net.encode(users, movies, self.content, rows), base)


def met(pairs: Rows) -> tuple[Rows, Rows]:
    """The distinct users and movies of pairs, and each pair's places among them."""
    users, at_user = torch.unique(pairs[0], return_inverse=True)
    movies, at_movie = torch.unique(pairs[1], return_inverse=True)
    return (users, movies), (at_user, at_movie)


def over(base: Base | None, pairs: Rows) -> torch.Tensor:
    """The biases' prediction of pairs."""
    assert base is not None, "the rating head has stars to learn from"
    (mean, user, movie), (users, movies) = base, pairs
    return mean + user[users] + movie[movies]


class HiddenRatings:
    """The part of a task that both heads share: which ratings are hidden in each step."""

    by: ClassVar[By]
    measure: ClassVar[str]

    def __init__(
        self, ratings: Ratings, validation: Ratings, content: Content | None, n_movies: int, settings: "DeepMFSettings",
        device: torch.device,
    ) -> None:  # fmt: skip
        self.device = device
        self.encoder = Encoder(ratings, n_movies, content, device, settings.movie_doubt)
        channels = 1 if self.encoder.stars is None else 2
        width = 0 if content is None else content.width
        self.net = HistoryNet(len(ratings.users), n_movies, width, channels, settings.shape(self.by)).to(device)
        user, movie = (torch.from_numpy(c.astype(np.int64)).to(device) for c in (validation.user, validation.movie))
        self.held_out = user, movie
        self.held_out_stars = None if validation.rating is None else torch.from_numpy(validation.rating).to(device)
        steps = max(round(1 / settings.hidden), -(-len(ratings) // settings.batch))
        self.steps_per_epoch = min(steps, len(ratings))

    def batches(self, rng: np.random.Generator) -> Iterator[torch.Tensor]:
        """Which ratings are hidden in each step."""
        for part in np.array_split(rng.permutation(len(self.encoder)), self.steps_per_epoch):
            yield torch.from_numpy(part).to(self.device)

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        """The loss of a step; each head has its own."""
        raise NotImplementedError

    def validate(self) -> float:
        """The validation error; each head has its own."""
        raise NotImplementedError

    def hide(self, batch: torch.Tensor, rows: Rows | None = None) -> tuple[Sides, torch.Tensor]:
        """Both sides (of `rows` alone) as seen without the ratings of the batch, and the mask of what is seen."""
        mask = self.encoder.everything()
        mask[batch] = 0
        return self.encoder.encode(self.net, mask, rows), mask


class Stars(HiddenRatings):
    """The rating head: squared error of hidden ratings."""

    by: ClassVar[By] = "stars"
    measure: ClassVar[str] = "validation RMSE"

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        """Summed over members, which learn apart; in units of the residuals' variance."""
        assert self.encoder.stars is not None, "the rating head has stars to learn from"
        pairs = self.encoder.users[batch], self.encoder.movies[batch]
        rows, places = met(pairs)
        sides, _ = self.hide(batch, rows)
        base, score = over(sides.base, pairs), self.net.score(sides.users, sides.movies, places)
        target = (self.encoder.stars[batch] - base) / self.encoder.sigma
        return (score - target[:, None]).square().mean(0).sum()

    def validate(self) -> float:
        """RMSE of the members' mean on the validation ratings."""
        assert self.held_out_stars is not None, "the rating head has stars to learn from"
        rows, places = met(self.held_out)
        sides = self.encoder.encode(self.net, self.encoder.everything(), rows)
        base, score = over(sides.base, self.held_out), self.net.score(sides.users, sides.movies, places)
        error = base + self.encoder.sigma * score.mean(1) - self.held_out_stars
        return float(error.square().mean().sqrt())


class Ranking(HiddenRatings):
    """The ranking head: softmax over all movies that a user hasn't visibly seen (Liang et al. 2018, multinomial)."""

    by: ClassVar[By] = "ranking"
    measure: ClassVar[str] = "validation loss"

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        """Summed over members, which learn apart."""
        sides, mask = self.hide(batch)
        return self._surprise(sides, mask, self.encoder.users[batch], self.encoder.movies[batch]).sum()

    def validate(self) -> float:
        """Mean negative log-likelihood of the validation movies, in nats."""
        mask = self.encoder.everything()
        return float(self._surprise(self.encoder.encode(self.net, mask), mask, *self.held_out).mean())

    def _surprise(self, sides: Sides, mask: torch.Tensor, users: torch.Tensor, movies: torch.Tensor) -> torch.Tensor:
        """Each member's mean negative log-likelihood of pairs; of a part of the users if all are too many."""
        present = torch.unique(users)
        most = max(LOGITS // sides.movies.shape[0] // sides.movies.shape[1], 1)
        if len(present) > most:
            present = present[torch.randperm(len(present), device=self.device)[:most]]
        place = torch.full((len(sides.users),), -1, device=self.device)
        place[present] = torch.arange(len(present), device=self.device)
        logits = self.net.score_all(sides.users[present], sides.movies)
        seen = (place[self.encoder.users] >= 0) & (mask > 0)
        hidden = torch.zeros(logits.shape[1:], dtype=torch.bool, device=self.device)
        hidden[place[self.encoder.users[seen]], self.encoder.movies[seen]] = True
        chosen = place[users] >= 0
        hidden[place[users[chosen]], movies[chosen]] = False
        likelihood = logits.masked_fill(hidden, -torch.inf).log_softmax(2)
        return -likelihood[:, place[users[chosen]], movies[chosen]].mean(1)


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
        if by == "stars":
            self.model.sigma = task.encoder.sigma
        else:
            self._beside(exported(judged.net, judged.encoder))
        return exported(task.net, task.encoder)

    def _beside(self, pilot: Towers) -> None:
        """The item-item model beside the ranking head, and the chance that scores stand for.

        Its ridge and its weight are those that rank the validation movies best beside the pilot's towers; they are
        then kept for the model of all ratings.
        """
        model, n_movies = self.model, len(self.model.known.movies)
        users = np.flatnonzero(self.validation.by_user.counts)[:JUDGES]
        given, later = self.learn.by_user.take(users), self.validation.by_user.take(users)
        residual = model.residual(given)[1]
        scores = pilot.score(pilot.users(given, residual))
        if model.settings.neighbours:
            spectrum = Spectrum.of(self.learn.by_user, self.matrix, n_movies, model.settings.neighbours)
            weighed = None if residual is None else liked_more(residual)
            decay, weight = best_beside(scores, spectrum, given, later, weighed)
            if weight:
                learned = Neighbours.of(spectrum, decay, weight)
                scores += learned.score(learned.gather(given, weighed))
                spectrum = Spectrum.of(self.ratings.by_user, self.matrix, n_movies, model.settings.neighbours)
                model.neighbours = Neighbours.of(spectrum, decay, weight)
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
