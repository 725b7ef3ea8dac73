"""How `deep-mf` is trained: a pilot, then all members on all ratings, for each head. Needs torch."""

import hashlib
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from scipy import sparse

from cinematrix.common.progress import Progress
from cinematrix.data.features import movie_features
from cinematrix.data.ratings import Ratings, fingerprint
from cinematrix.data.splits import random
from cinematrix.data.training_data import TrainingData
from cinematrix.models.base import Ordering, Training, TrainingLog, TrainingOptions
from cinematrix.models.components.biases import Biases
from cinematrix.models.deep_mf.closed_forms import ClosedForms, TrainedHead
from cinematrix.models.deep_mf.export import export_head
from cinematrix.models.deep_mf.heads import RankingHead, StarsHead
from cinematrix.models.deep_mf.pooling import ContentMatrix
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.models.deep_mf.tasks import HiddenRatingsTask, RankingTask, RatingEncoder, StarsTask
from cinematrix.models.deep_mf.uncertainty import RatingUncertainty
from cinematrix.models.training.loop import Schedule, pick_device, seeded_torch, train
from cinematrix.models.training.two_stage import MIN_RATINGS_TO_SPLIT

MODEL_NAME = "deep-mf"
"""The model's name on progress bars."""

ERROR_TOLERANCE = 0.001
"""Validation errors this near (relatively) are equal."""

PAIRS_PER_ROW = 4_000.0
"""With as many pairs for each row of a table, tables learn at the full learning rate."""

TASK_CLASSES: dict[Ordering, type[HiddenRatingsTask]] = {"stars": StarsTask, "ranking": RankingTask}


@dataclass(frozen=True, eq=False)
class TrainedHeads:
    """The parts of a trained model: a model of plain interactions has no `stars` and no `uncertainty`."""

    stars: StarsHead | None
    ranking: RankingHead | None
    uncertainty: RatingUncertainty | None
    log: dict[Ordering, TrainingLog]


def fit_heads(s: DeepMFSettings, known: TrainingData, training: Training) -> TrainedHeads:
    """Train the heads one after the other, ready to serve.

    Without given validation ratings a share of the ratings is held out, unless they are too few.
    """
    learn = ratings = training.ratings
    validation, options = training.validation, training.options
    if validation is None:
        validation = ratings
        if len(ratings) >= MIN_RATINGS_TO_SPLIT:
            cut = random(ratings, s.validation_share, s.seed)
            learn, validation = cut.train, cut.test
    device = pick_device(options.device)
    matrix = movie_features(known.catalog) if s.content else None
    content = ContentMatrix(matrix, device) if matrix is not None and matrix.nnz else None
    identity = f"{s} {fingerprint(ratings)} {hash_content(matrix)}"
    trainer = HeadTrainer(s, known, ratings, learn, validation, content, device, options, training.progress, identity)
    beside = ClosedForms(s, known, ratings, learn, validation, matrix)
    stars, uncertainty = (None, None) if known.scale is None else beside.stars(*trainer.head("stars"))
    ranking = beside.ranking(*trainer.head("ranking"), stars) if known.scale is None or s.ranking else None
    return TrainedHeads(stars, ranking, uncertainty, trainer.log)


def hash_content(matrix: sparse.csr_matrix | None) -> str:
    """A checksum of the content, so that a checkpoint of another catalog is refused."""
    parts = [] if matrix is None else [matrix.data, matrix.indices, matrix.indptr]
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


@dataclass
class HeadTrainer:
    """Trains the heads of a model: `learn` and `validation` are cut from `ratings`, or `learn` is `ratings` itself."""

    settings: DeepMFSettings
    data: TrainingData
    ratings: Ratings
    learn: Ratings
    validation: Ratings
    content: ContentMatrix | None
    device: torch.device
    run: TrainingOptions
    progress: Progress
    identity: str
    biases: dict[int, Biases | None] = field(default_factory=dict)
    log: dict[Ordering, TrainingLog] = field(default_factory=dict)

    def head(self, by: Ordering) -> tuple[TrainedHead, TrainedHead]:
        """One head, trained and ready to serve, and the pilot's.

        Where validation ratings were cut off, a pilot of one member finds out how many epochs are enough, and all
        members then learn from all ratings for as many: better than to learn from a part and to know the rest only as
        history, which is what `two_stage=False` does.
        """
        s = self.settings
        schedule = replace(s.schedule(by), table_rate=table_rate(self.ratings) if by == "stars" else 1.0)
        if self.learn is self.ratings or not s.two_stage:
            task = judged = self._train(by, s, schedule, self.learn, "")
        else:
            judged = self._train(by, replace(s, members=1, ranking_members=1), schedule, self.learn, ", how long")
            epochs = choose_epochs(self.log[by].errors)
            task = self._train(by, s, replace(schedule, epochs=epochs, keep_best=False), self.ratings, "")
        return export_head(task.net, self._encoder(task)), export_head(judged.net, judged.encoder)

    def _encoder(self, task: HiddenRatingsTask) -> RatingEncoder:
        """All ratings, as the histories that the model serves from."""
        if len(task.encoder) == len(self.ratings):
            return task.encoder
        n_movies = len(self.data.movies)
        return RatingEncoder(self.ratings, n_movies, self.content, self.device, self._biases(self.ratings))

    def _biases(self, ratings: Ratings) -> Biases | None:
        """Of `ratings`, computed once for both heads; None for plain interactions."""
        if id(ratings) not in self.biases:
            n_movies, doubt = len(self.data.movies), self.settings.movie_shrinkage
            self.biases[id(ratings)] = None if ratings.rating is None else Biases.of(ratings, n_movies, doubt)
        return self.biases[id(ratings)]

    def _train(
        self, by: Ordering, settings: DeepMFSettings, schedule: Schedule, ratings: Ratings, what: str
    ) -> HiddenRatingsTask:
        path, name = self.run.checkpoint, f"{by}-pilot" if what else by
        run = replace(self.run, checkpoint=path and path.with_name(f"{path.name}.{name}"))
        with seeded_torch(settings.seed, run.threads):
            n_movies = len(self.data.movies)
            biases = self._biases(ratings)
            task = TASK_CLASSES[by](ratings, self.validation, self.content, n_movies, settings, self.device, biases)
            log = train(
                task, schedule, run=run, data=self.identity, progress=self.progress,
                what=f"{MODEL_NAME} {by}{what}", measure=task.measure,
            )  # fmt: skip
        if log.errors:
            self.log[by] = log
        return task


def choose_epochs(errors: list[float]) -> int:
    """The last epoch whose validation error is as good as the best, but for noise; at least 1."""
    return max(1, *(epoch for epoch, error in enumerate(errors) if error <= min(errors) * (1 + ERROR_TOLERANCE)))


def table_rate(ratings: Ratings) -> float:
    """How fast tables may learn, from how much the ratings say about a row of one.

    A row is used once for each pair of an entry in a history and a rating that is predicted from that history: Σ n²
    over histories of length n, shared among the rows; the side with fewer decides. At few pairs a row the tables
    overfit long before the rest of the net has learned. The constant was found on eight sets of 80 to 6,400 pairs a
    row (docs/experiments.md).
    """
    users, movies = (np.bincount(c).astype(np.float64) for c in (ratings.user, ratings.movie))
    pairs = min((a**2).sum() / max(np.count_nonzero(b), 1) for a, b in ((users, movies), (movies, users)))
    return min(1.0, float(pairs) / PAIRS_PER_ROW)
