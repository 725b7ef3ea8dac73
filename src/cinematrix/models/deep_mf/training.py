"""Training of `deep-mf`: for each head a pilot, then all members on all ratings. Needs torch."""

import hashlib
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch
from scipy import sparse

from cinematrix.common.progress import Progress
from cinematrix.data.features import movie_features
from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings, fingerprint
from cinematrix.data.splits import random
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import SettingError
from cinematrix.models.components.biases import Biases
from cinematrix.models.components.pmf_posterior import Posterior
from cinematrix.models.contract_types import Ordering, Training, TrainingLog, TrainingOptions
from cinematrix.models.deep_mf.closed_forms import ClosedForms, TrainedHead
from cinematrix.models.deep_mf.encoder import RatingEncoder
from cinematrix.models.deep_mf.export import export_head
from cinematrix.models.deep_mf.head_data import HeadData
from cinematrix.models.deep_mf.head_job import MODEL_NAME, HeadJob
from cinematrix.models.deep_mf.heads import RankingHead, StarsHead
from cinematrix.models.deep_mf.network import HistoryNet
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.models.deep_mf.steps import StepPlan
from cinematrix.models.deep_mf.uncertainty import RatingUncertainty
from cinematrix.models.training.loop import Schedule, pick_device
from cinematrix.models.training.two_stage import MIN_RATINGS_TO_SPLIT

ERROR_TOLERANCE = 0.001
"""Relative difference up to which validation errors count as equal."""

PAIRS_PER_ROW = 800.0
"""Pairs in a step for each row of a table from which tables learn at the full learning rate."""


@dataclass(frozen=True, eq=False)
class TrainedHeads:
    """Parts of a trained model; a model of plain interactions has no `stars` and no `uncertainty`.

    `pilot` has the heads that haven't seen the validation ratings, with those ratings: see `ClosedForms.pilot`.
    """

    stars: StarsHead | None
    ranking: RankingHead | None
    uncertainty: RatingUncertainty | None
    log: dict[Ordering, TrainingLog]
    pilot: tuple[StarsHead, RankingHead, Histories, Histories] | None


def fit_heads(s: DeepMFSettings, data: TrainingData, training: Training) -> TrainedHeads:
    """Train the heads one after the other; return them ready to serve.

    Without given validation ratings, a share of the ratings is held out, unless they are too few.
    """
    if s.pair_width and training.options.world.size > 1:
        raise SettingError(f"pair_width is {s.pair_width}; with several workers it must be 0: its dropout is by pair")
    learn = ratings = training.ratings
    validation, options = training.validation, training.options
    s = s.for_interactions(len(ratings)) if ratings.rating is None else s.for_ratings(len(ratings))
    if validation is None:
        validation = ratings
        if len(ratings) >= MIN_RATINGS_TO_SPLIT:
            cut = random(ratings, s.validation_share, s.seed)
            learn, validation = cut.train, cut.test
    device = pick_device(options.device, double=True)
    matrix = movie_features(data.catalog) if s.content else None
    identity = f"{s} {fingerprint(ratings)} {hash_content(matrix)}"
    trainer = HeadTrainer(s, data, ratings, learn, validation, matrix, device, options, training.progress, identity)
    sample = partial(_sample_pmf, s, data, training) if s.pmf else None
    closed_forms = ClosedForms(s, data, ratings, learn, validation, matrix, sample)
    stars, uncertainty = (None, None) if data.scale is None else closed_forms.stars(*trainer.head("stars"))
    ranking = closed_forms.ranking(*trainer.head("ranking"), stars) if data.scale is None or s.ranking else None
    return TrainedHeads(stars, ranking, uncertainty, trainer.log, closed_forms.pilot())


def _sample_pmf(s: DeepMFSettings, data: TrainingData, training: Training, ratings: Ratings) -> Posterior:
    """Return the posterior of one chain of `pmf` given `ratings`, of the size that `pmf` has by default."""
    from cinematrix.models.components.pmf_gibbs import SamplingPlan, sample_posterior  # loads Numba

    plan = SamplingPlan(width=11, chains=1, burn_in=10, samples=8, thinning=8, seed=s.seed)
    return sample_posterior(
        data, ratings, plan, history=True, content=s.content,
        threads=training.options.threads, progress=training.progress, what=f"{MODEL_NAME} pmf",
    )  # fmt: skip


def hash_content(matrix: sparse.csr_matrix | None) -> str:
    """Return a checksum of the content, so that a checkpoint of another catalog is refused."""
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
    content: sparse.csr_matrix | None
    device: torch.device
    run: TrainingOptions
    progress: Progress
    identity: str
    biases: dict[int, Biases | None] = field(default_factory=dict)
    log: dict[Ordering, TrainingLog] = field(default_factory=dict)

    def head(self, by: Ordering) -> tuple[TrainedHead, TrainedHead]:
        """Train one head; return it and the pilot's, ready to serve.

        If validation ratings were held out, a pilot of one member finds the number of epochs, and all members then
        learn from all ratings for as many. That is better than learning from a part and using the rest only as history,
        as `two_stage=False` does.
        """
        s = self.settings
        plan = StepPlan.of(self.ratings.by_user.counts, len(self.data.movies), s, by)
        schedule = s.schedule(by)
        schedule = replace(
            schedule, epochs=plan.epochs(schedule.epochs),
            table_rate=table_rate(self.ratings, plan.steps) if by == "stars" else 1.0,
        )  # fmt: skip
        if self.learn is self.ratings or not s.two_stage:
            trained = pilot = self._train(by, s, schedule, self.learn, "")
        else:
            pilot = self._train(by, replace(s, members=1, ranking_members=1), schedule, self.learn, " pilot")
            epochs = choose_epochs(self.log[by].errors)
            trained = self._train(by, s, replace(schedule, epochs=epochs, keep_best=False), self.ratings, "")
        return self._export(*trained, self.ratings), self._export(*pilot, self.learn)

    def _export(self, net: HistoryNet, encoder: RatingEncoder, ratings: Ratings) -> TrainedHead:
        """Return a head that serves from the histories of `ratings`."""
        if encoder.world.size > 1 or len(encoder) != len(ratings):
            encoder = RatingEncoder(self._data(ratings), self.device)
        return export_head(net, encoder)

    def _biases(self, ratings: Ratings) -> Biases | None:
        """Return the biases of `ratings`, computed once for both heads; None for plain interactions."""
        if id(ratings) not in self.biases:
            n_movies, factor = len(self.data.movies), self.settings.movie_shrinkage
            self.biases[id(ratings)] = None if ratings.rating is None else Biases.of(ratings, n_movies, factor)
        return self.biases[id(ratings)]

    def _data(self, ratings: Ratings) -> HeadData:
        return HeadData.of(ratings, self.validation, self.content, len(self.data.movies), self._biases(ratings))

    def _train(
        self, by: Ordering, settings: DeepMFSettings, schedule: Schedule, ratings: Ratings, what: str
    ) -> tuple[HistoryNet, RatingEncoder]:
        """Train a net, on all workers; return it with the encoder of this worker's ratings."""
        path, name, world = self.run.checkpoint, f"{by}-pilot" if what else by, self.run.world
        run = replace(self.run, checkpoint=path and path.with_name(f"{path.name}.{name}"))
        whole = HeadJob(by, settings, schedule, self._data(ratings), run, self.identity, f"{by}{what}")
        job = world.scatter(whole, lambda rank: whole.of_worker(world, rank))
        net, encoder, log = job.train(world, self.progress)
        if log.errors:
            self.log[by] = log
        return net, encoder


def choose_epochs(errors: list[float]) -> int:
    """Return the last epoch whose validation error equals the best one within `ERROR_TOLERANCE`; at least 1."""
    return max(1, *(epoch for epoch, error in enumerate(errors) if error <= min(errors) * (1 + ERROR_TOLERANCE)))


def table_rate(ratings: Ratings, steps: int) -> float:
    """Return the learning rate of tables, as a share of the full one, from the number of pairs per row in a step.

    In an epoch of so many steps, a row is used once for each pair of an entry in a history and a rating that is
    predicted from that history: Σ n² over histories of length n, divided by the number of rows; the side with fewer
    decides. With few pairs per row and step, tables overfit long before the rest of the net has learned. The constant
    was found on eight data sets of 80 to 6,400 pairs per row in five steps (docs/experiments.md).
    """
    users, movies = (np.bincount(c).astype(np.float64) for c in (ratings.user, ratings.movie))
    pairs = min((a**2).sum() / max(np.count_nonzero(b), 1) for a, b in ((users, movies), (movies, users)))
    return min(1.0, float(pairs) / steps / PAIRS_PER_ROW)
