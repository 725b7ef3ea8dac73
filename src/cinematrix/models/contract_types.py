"""Data types of the contract of models: orderings, abilities, score shares, and input, options and log of training."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.progress import Progress, Silent
from cinematrix.common.world import ALONE, World
from cinematrix.data.ratings import Ratings

Ordering = Literal["ranking", "stars"]
"""Criterion of a model's scores: the probability of being watched, or the expected rating."""

ALL = slice(None)
"""All movies, where some may be chosen."""


@dataclass(frozen=True)
class Abilities:
    """Declared capabilities of a model, checked before a method is called.

    Attributes:
        stars: learns from ratings and predicts them on the data's scale.
        interactions: learns from plain interactions and predicts the probability of one.
        vectors: has a vector for each movie.
        similarity: compares movies by other means than vectors.
        explains: splits a score into the shares of each rating, the content and the biases.
        intervals: has a distribution over the scale's steps and an interval for each predicted rating.
        cuts_training: one training can be cut across workers (`TrainingOptions.world`).
        trains_with: package of the extra `train` that `fit` needs, torch or numba; predicting never needs it.
    """

    stars: bool = True
    interactions: bool = False
    vectors: bool = False
    similarity: bool = False
    explains: bool = False
    intervals: bool = False
    cuts_training: bool = False
    trains_with: str = ""

    @property
    def compares(self) -> bool:
        """True if the model can compare movies (`Recommender.similarities`)."""
        return self.vectors or self.similarity


@dataclass(frozen=True, eq=False)
class ScoreShares:
    """Additive parts of one user's scores of `n` movies.

    Attributes:
        score: float64 `[n]`, the scores as `Recommender.score` returns them.
        parts: `[n]` each: `mean` (of all ratings), `movie_bias` (the movie's part for every user), `content` (the share
            of its genres, year and tags in that), `user_bias` (the history's part that is the same for all movies),
            `habits` (the part of the history's length and spread). Parts that a model lacks are left out.
        ratings: `[n, size]`, the part that each entry of the history adds to this movie beyond the rest: the user's
            taste.
        by_content: `[n, size]`, the part of `ratings` that goes through the movie's content.
    """

    score: NDArray[np.float64]
    parts: dict[str, NDArray[np.float32]]
    ratings: NDArray[np.float32]
    by_content: NDArray[np.float32]

    @property
    def remainder(self) -> NDArray[np.float64]:
        """Score minus all parts and ratings: rounding, and effects that can't be attributed. `[n]`."""
        parts = np.sum(list(self.parts.values()), axis=0, dtype=np.float64)
        return np.asarray(self.score - parts - self.ratings.sum(1, dtype=np.float64), np.float64)


@dataclass(frozen=True)
class TrainingOptions:
    """Options of how training runs. They don't change what is learned and aren't saved with the model.

    Attributes:
        threads: threads of torch and of linear algebra; 0: as many as suit the model.
        device: auto, cpu, cuda or mps.
        checkpoint: file that is written after each epoch (one per net, with a suffix after its name).
        resume: continue from `checkpoint` if it exists.
        world: workers that train together (`models.launch`).
    """

    threads: int = 0
    device: str = "auto"
    checkpoint: Path | None = None
    resume: bool = False
    world: World = ALONE


@dataclass
class TrainingLog:
    """Losses and validation errors of a training, one entry per epoch; `errors[0]` is that of the untrained net.

    Attributes:
        losses: mean training loss.
        errors: validation error.
        best_epoch: epoch whose weights were kept.
    """

    losses: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    best_epoch: int = 0


@dataclass(frozen=True, eq=False)
class Training:
    """Input of `Recommender.learn`.

    Attributes:
        ratings: training ratings.
        validation: validation ratings under the same ID maps; None: the model holds some out where it needs them.
        progress: progress bar.
        options: options of a net's training.
    """

    ratings: Ratings
    validation: Ratings | None = None
    progress: Progress = field(default_factory=Silent)
    options: TrainingOptions = field(default_factory=TrainingOptions)
