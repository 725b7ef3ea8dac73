"""Deep matrix factorization of histories: a user is her history, a movie is its raters and its content."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.catalog import Catalog
from cinematrix.checks import check
from cinematrix.extras import needs
from cinematrix.histories import Histories
from cinematrix.ids import Numbers
from cinematrix.models.deep_mf_heads import RankingHead, StarsHead
from cinematrix.protocols import Abilities, By, Known, Progress, Recommender, Run, Shares
from cinematrix.ratings import Ratings
from cinematrix.similarity import kin
from cinematrix.spaces import Between, Space
from cinematrix.spread import Predicted, Spread

if TYPE_CHECKING:
    from cinematrix.nets import Shape
    from cinematrix.training import Log, Schedule


@dataclass(frozen=True)
class DeepMFSettings:
    """Hyper-parameters of `deep-mf`. How they were found is in docs/experiments.md.

    Attributes:
        factors: width of a member's vectors.
        members: nets that learn side by side and whose mean is the answer.
        blocks: hidden layers (residual blocks) in each tower.
        dropout: of the towers' hidden units.
        row_dropout: share of the movies (and raters) that are left out of all histories in a step.
        pair: width of the gated MLP on the pair of vectors in the rating head; 0: none.
        content: use genres, years and tags.
        free_ids: give each known user and movie a free embedding besides its history.
        kriging: add to the stars what each person's own residuals say of movies that are alike.
        movie_doubt: how many times more movies' biases are shrunk than the ratings imply; the tower sees the rest.
        unseen: weight of a second loss, of ratings predicted as if their movie had no raters yet.
        hidden: share of the ratings that are hidden and predicted in a step.
        batch: the ratings predicted in a step; more where an epoch would take more than ten steps.
        epochs: the most passes; each rating is hidden once in each.
        patience: epochs without a better validation error before training stops; 0: never before the end.
        learning_rate: the peak of the one-cycle schedule.
        weight_decay: AdamW's.
        ranking: train the ranking head too; without it, lists are ordered by stars.
        ranking_members: nets of the ranking head.
        ranking_epochs: passes of the ranking head.
        ranking_learning_rate: of the ranking head.
        neighbours: rank of the item-item model beside the ranking head's towers; 0: none.
        refit: learn from all ratings, once those put aside for validation have said for how long.
        validation_share: of the training ratings, to stop by; they are part of the histories afterwards.
        seed: of everything random.
    """

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "fast": {"factors": 32, "members": 1, "epochs": 6, "ranking_epochs": 1, "neighbours": 256, "refit": False},
    }
    """Hyper-parameters that go together: `DeepMFSettings(**PRESETS["fast"])`, or `--set preset=fast`."""

    SPACE: ClassVar[Space] = {
        "factors": (32, 48, 64, 96),
        "dropout": Between(0.1, 0.5),
        "row_dropout": Between(0.1, 0.5),
        "hidden": Between(0.1, 0.4),
        "learning_rate": Between(1e-3, 1e-2, log=True),
        "weight_decay": Between(0.01, 1.0, log=True),
    }

    factors: int = 64
    members: int = 4
    blocks: int = 1
    dropout: float = 0.3
    row_dropout: float = 0.3
    pair: int = 0
    content: bool = True
    free_ids: bool = False
    kriging: bool = True
    movie_doubt: float = 10.0
    unseen: float = 0.1
    hidden: float = 0.2
    batch: int = 131_072
    epochs: int = 20
    patience: int = 0
    learning_rate: float = 0.003
    weight_decay: float = 0.1
    ranking: bool = True
    ranking_members: int = 1
    ranking_epochs: int = 20
    ranking_learning_rate: float = 0.01
    neighbours: int = 512
    refit: bool = True
    validation_share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        check(
            self, lambda x: x >= 1, "must be at least 1", "factors members epochs batch ranking_members ranking_epochs"
        )
        check(self, lambda x: x >= 0, "can't be negative", "blocks pair patience neighbours weight_decay unseen")
        check(self, lambda x: x > 0, "must be above 0", "learning_rate ranking_learning_rate movie_doubt")
        check(self, lambda x: 0 <= x < 1, "is a share from 0 to below 1", "dropout row_dropout")
        check(self, lambda x: 0 < x < 1, "is a share between 0 and 1", "hidden validation_share")

    def shape(self, by: By) -> "Shape":
        """The size of one head's net."""
        from cinematrix.nets import Shape

        members, pair = (self.members, self.pair) if by == "stars" else (self.ranking_members, 0)
        return Shape(self.factors, members, self.blocks, self.dropout, self.row_dropout, pair, self.free_ids)

    def schedule(self, by: By) -> "Schedule":
        """How one head is trained."""
        from cinematrix.training import Schedule

        stars = by == "stars"
        return Schedule(
            epochs=self.epochs if stars else self.ranking_epochs,
            learning_rate=self.learning_rate if stars else self.ranking_learning_rate,
            patience=self.patience,
            one_cycle=True,
            weight_decay=self.weight_decay,
            clip=100.0,
            seed=self.seed,
        )


class DeepMF(Recommender):
    """Two towers encode histories and content into vectors; a score is biases + the dot product of two vectors.

    The rating head learns hidden ratings (`by="stars"`), the ranking head which movies are in a history at all
    (`by="ranking"`), each with weights of its own on the same towers (see `nets`). Beside the ranking head's towers
    stands an item-item model in closed form (`neighbours`), since low rank alone misses what goes with what; both
    scores add up. Plain interactions have the ranking head alone, and `predict` answers with a chance.

    New users, known users and users who just changed a rating take one path, a forward pass over a history; a movie
    without ratings is its content.
    """

    name: ClassVar[str] = "deep-mf"
    abilities: ClassVar[Abilities] = Abilities(
        stars=True, interactions=True, content=True, vectors=True, explains=True, spread=True, trains_with="torch"
    )
    Settings = DeepMFSettings

    stars: StarsHead | None = None
    ranking: RankingHead | None = None
    spread: Spread | None = None

    def __init__(self, settings: DeepMFSettings | None = None) -> None:
        self.settings = settings or DeepMFSettings()
        self.log: dict[By, Log] = {}

    def fit(
        self,
        ratings: Ratings,
        catalog: Catalog | None = None,
        *,
        validation: Ratings | None = None,
        progress: Progress | None = None,
        run: Run | None = None,
    ) -> Self:
        needs(self.abilities.trains_with, self.name)
        from cinematrix.models.deep_mf_training import fit_heads

        self.known = Known.of(ratings, catalog)
        fit_heads(self, ratings, validation, progress, run or Run())
        return self

    def score(self, histories: Histories, *, by: By = "ranking") -> NDArray[np.float32]:
        if by == "ranking" and self.ranking:
            return self.ranking.score(histories, self.residual(histories))
        return self._rating.score(histories)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        if self.known.scale is None:
            assert self.ranking is not None, "a model of interactions has a ranking head"
            return self.ranking.chances(histories, rows, movies)
        return self.known.scale.clip(self._rating.pairs(self._rating.read(histories), rows, movies))

    def shares(self, history: Histories, movies: Numbers, *, by: By = "ranking") -> Shares:
        if by == "ranking" and self.ranking:
            return self.ranking.shares(history, self.residual(history), movies)
        return self._rating.shares(history, movies)

    @property
    def _rating(self) -> StarsHead:
        """The rating head of a model of ratings."""
        assert self.stars is not None, "a model of ratings has a rating head"
        return self.stars

    def residual(self, histories: Histories) -> NDArray[np.float32] | None:
        """The histories' residuals over the biases in standard deviations, `[size]`; None for plain interactions."""
        return None if self.stars is None or histories.values is None else self.stars.residual(histories)[1]

    @property
    def spreads(self) -> bool:
        return self.spread is not None

    def distribution_pairs(
        self, histories: Histories, rows: Numbers, movies: Numbers, *, stars: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        if self.spread is None:
            raise self.no_spread()
        return self.spread.distribution(self.predicted(histories, rows, movies, stars))

    def interval_pairs(
        self,
        histories: Histories,
        rows: Numbers,
        movies: Numbers,
        coverage: float = 0.8,
        *,
        stars: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if self.spread is None:
            raise self.no_spread()
        return self.spread.interval(self.predicted(histories, rows, movies, stars), coverage)

    def predicted(
        self, histories: Histories, rows: Numbers, movies: Numbers, stars: NDArray[np.float32] | None = None
    ) -> Predicted:
        """Pairs with what the rating head predicts of them: `stars`, if that is known."""
        if stars is None:
            stars = self.predict_pairs(histories, rows, movies)
        return Predicted(histories, self._rating.residual(histories)[1], rows, movies, stars)

    def vectors(self) -> NDArray[np.float32]:
        towers = self.ranking.towers if self.ranking else self._rating.towers
        return towers.movies[:-1, :, :-1].reshape(len(towers.movies) - 1, -1)

    def traits(self) -> NDArray[np.float32]:
        """Those of the item-item model, where series and schools lie together; in the towers', popular films do."""
        beside = self.ranking and self.ranking.neighbours
        return beside.inward if beside else self.vectors()

    def alike(self, movie: int) -> NDArray[np.float32]:
        return kin(super().alike(movie), movie, self.known)

    def arrays(self) -> dict[str, NDArray[Any]]:
        parts = [part.arrays() for part in (self.stars, self.ranking, self.spread) if part]
        return {name: array for part in parts for name, array in part.items()}

    @classmethod
    def restore(cls, settings: Any, known: Known, arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(settings)
        model.known = known
        model.stars, model.ranking = StarsHead.from_arrays(arrays), RankingHead.from_arrays(arrays)
        model.spread = Spread.from_arrays(arrays, known.scale) if known.scale else None
        return model
