"""Deep matrix factorization of histories: a user is her history, a movie is its raters and its content."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.optional import needs
from cinematrix.common.progress import Progress
from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.known import Known
from cinematrix.data.ratings import Ratings
from cinematrix.models.base import Abilities, By, Recommender, Run, Shares
from cinematrix.models.components.neighbourhoods import kin
from cinematrix.models.deep_mf.heads import RankingHead, StarsHead
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.models.deep_mf.uncertainty import Predicted, Spread

if TYPE_CHECKING:
    from cinematrix.models.training.loop import Log


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
        from cinematrix.models.deep_mf.training import fit_heads

        self.known = Known.of(ratings, catalog)
        heads = fit_heads(self.settings, self.known, ratings, validation, progress, run or Run())
        self.stars, self.ranking, self.spread, self.log = heads.stars, heads.ranking, heads.spread, heads.log
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
