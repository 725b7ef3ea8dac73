"""Deep matrix factorization of histories: a user is represented by their history, a movie by its raters and content."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.training_data import TrainingData
from cinematrix.models.base import Recommender
from cinematrix.models.components.calibration import UNCALIBRATED
from cinematrix.models.components.neighbourhoods import genre_adjusted_similarity
from cinematrix.models.components.quantised_rows import QuantisedRows
from cinematrix.models.contract_types import ALL, Abilities, Ordering, ScoreShares, Training
from cinematrix.models.deep_mf.blended_stars import BlendedStarsHead
from cinematrix.models.deep_mf.heads import RankingHead, StarsHead
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.models.deep_mf.uncertainty import PredictedPairs, RatingUncertainty
from cinematrix.models.liking import choose_rarity_weight


class DeepMF(Recommender):
    """Two towers encode histories and content into vectors; a score is biases + the dot product of two vectors.

    The rating head predicts hidden ratings (`by="stars"`). The ranking head predicts which movies are in a history
    (`by="ranking"`). They have the same towers with different weights (see `network`). Low-rank EASE (`ease_low_rank`)
    is added to the ranking head, since the towers' low rank misses which movies are watched together. Plain
    interactions have the ranking head alone, and `predict` returns a probability.

    Training users, new users and users who just changed a rating take one path, a forward pass over a history. A movie
    without ratings is represented by its content.
    """

    name: ClassVar[str] = "deep-mf"
    abilities: ClassVar[Abilities] = Abilities(
        stars=True,
        interactions=True,
        vectors=True,
        explains=True,
        intervals=True,
        cuts_training=True,
        trains_with="torch",
    )
    Settings = DeepMFSettings
    settings: DeepMFSettings

    stars: StarsHead | None = None
    ranking: RankingHead | None = None
    uncertainty: RatingUncertainty | None = None

    def learn(self, training: Training) -> None:
        from cinematrix.models.deep_mf.training import fit_heads

        heads = fit_heads(self.settings, self.data, training)
        self.stars, self.ranking, self.uncertainty, self.log = heads.stars, heads.ranking, heads.uncertainty, heads.log
        if heads.pilot:
            pilot = DeepMF(self.settings)
            pilot.stars, pilot.ranking, given, later = heads.pilot
            pilot.data, pilot.uncertainty = self.data, heads.uncertainty
            self.rarity_weight = choose_rarity_weight(pilot, given, later)

    def score(self, histories: Histories, *, by: Ordering = "ranking") -> NDArray[np.float32]:
        if by == "ranking" and self.ranking:
            return self.ranking.score(histories, self.residual(histories))
        return self._rating_head.score(histories)

    def log_chances(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.ranking is None or self.ranking.calibration == UNCALIBRATED:
            return super().log_chances(scores)
        return self.ranking.calibration.log(scores)

    def list_stars(self, histories: Histories, among: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
        return self._rating_head.score_best(histories, among)

    def rough_stars(self, histories: Histories) -> NDArray[np.float32]:
        return self._rating_head.score_without_gp(histories)

    def refine_stars(
        self, histories: Histories, rows: Numbers, movies: Numbers, rough: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        stars = self._rating_head.refine(histories, rows, movies, rough[rows, movies])
        return stars if self.data.scale is None else self.data.scale.clip(stars)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        if self.data.scale is None:
            assert self.ranking is not None, "a model of interactions has a ranking head"
            return self.ranking.probabilities(histories, rows, movies)
        return self.data.scale.clip(self._rating_head.pairs(histories, rows, movies))

    def shares(self, history: Histories, movies: Numbers, *, by: Ordering = "ranking") -> ScoreShares:
        if by == "ranking" and self.ranking:
            return self.ranking.shares(history, self.residual(history), movies)
        return self._rating_head.shares(history, movies)

    def rating_shares(
        self, histories: Histories, movies: Sequence[Numbers], *, by: Ordering = "ranking"
    ) -> list[NDArray[np.float32]]:
        if by == "ranking" and self.ranking:
            return self.ranking.rating_shares(histories, self.residual(histories), movies)
        return self._rating_head.rating_shares(histories, movies)

    @property
    def _rating_head(self) -> StarsHead:
        """Rating head of a model of ratings."""
        assert self.stars is not None, "a model of ratings has a rating head"
        return self.stars

    def residual(self, histories: Histories) -> NDArray[np.float32] | None:
        """Return the histories' residuals in standard deviations, `[size]`; None for plain interactions."""
        return None if self.stars is None or histories.values is None else self.stars.residual(histories)

    @property
    def has_intervals(self) -> bool:
        return self.uncertainty is not None

    def distribution_pairs(
        self, histories: Histories, rows: Numbers, movies: Numbers, *, stars: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        if self.uncertainty is None:
            raise self.no_intervals_error()
        return self.uncertainty.distribution(self.build_predicted_pairs(histories, rows, movies, stars))

    def interval_pairs(
        self,
        histories: Histories,
        rows: Numbers,
        movies: Numbers,
        coverage: float = 0.8,
        *,
        stars: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if self.uncertainty is None:
            raise self.no_intervals_error()
        return self.uncertainty.interval(self.build_predicted_pairs(histories, rows, movies, stars), coverage)

    def build_predicted_pairs(
        self, histories: Histories, rows: Numbers, movies: Numbers, stars: NDArray[np.float32] | None = None
    ) -> PredictedPairs:
        """Return pairs with their expected ratings: `stars`, if they have been computed already."""
        if stars is None:
            stars = self.predict_pairs(histories, rows, movies)
        return PredictedPairs(histories, self._rating_head.residual(histories), rows, movies, stars)

    def movie_index(self) -> NDArray[np.float32]:
        if self.ranking is None:
            return super().movie_index()
        return self.ranking.movie_index()

    def user_index(self, histories: Histories) -> NDArray[np.float32]:
        if self.ranking is None:
            return super().user_index(histories)
        return self.ranking.user_index(histories, self.residual(histories))

    def vectors(self) -> NDArray[np.float32]:
        towers = self.ranking.towers if self.ranking else self._rating_head.towers
        return towers.movies[:-1, :, :-1].reshape(len(towers.movies) - 1, -1)

    def comparison_vectors(self, movies: Numbers | slice = ALL) -> NDArray[np.float32]:
        """Return the vectors of low-rank EASE: they group movies by series and style, the towers' by popularity."""
        return self._item_vectors.rows(movies) if self._item_vectors else self.vectors()[movies]

    def similarities(self, movie: int) -> NDArray[np.float32]:
        cosines = self._item_vectors.cosines(movie) if self._item_vectors else super().similarities(movie)
        return genre_adjusted_similarity(cosines, movie, self.data)

    @property
    def _item_vectors(self) -> QuantisedRows | None:
        """Vectors of low-rank EASE; None without it."""
        return self.ranking.low_rank_ease.item_vectors if self.ranking and self.ranking.low_rank_ease else None

    def arrays(self) -> dict[str, NDArray[Any]]:
        parts = [part.arrays() for part in (self.stars, self.ranking, self.uncertainty) if part]
        weight = {} if self.stars is None else {"liking.rarity_weight": np.array([self.rarity_weight])}
        return weight | {name: array for part in parts for name, array in part.items()}

    @classmethod
    def restore(cls, settings: Any, data: TrainingData, arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(settings)
        model.data = data
        model.stars, model.ranking = BlendedStarsHead.restore(arrays), RankingHead.from_arrays(arrays)
        model.uncertainty = RatingUncertainty.from_arrays(arrays, data.scale) if data.scale else None
        if "liking.rarity_weight" in arrays:
            model.rarity_weight = arrays["liking.rarity_weight"].item()
        return model
