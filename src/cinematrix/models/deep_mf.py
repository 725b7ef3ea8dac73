"""Deep matrix factorization of histories: a user is her history, a movie is its raters and its content."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self, get_args

import numpy as np
from numpy.typing import NDArray

from cinematrix.attribution import of_head
from cinematrix.biases import Biases
from cinematrix.catalog import Catalog
from cinematrix.errors import SettingError
from cinematrix.extras import needs_torch
from cinematrix.histories import Histories
from cinematrix.ids import Numbers
from cinematrix.kriging import Kriging
from cinematrix.neighbours import Neighbours, liked_more
from cinematrix.protocols import Abilities, By, Known, Progress, Recommender, Run, Shares
from cinematrix.ratings import Ratings
from cinematrix.spread import Predicted, Spread
from cinematrix.towers import Towers

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
        validation_share: of the training ratings, to stop by; they are part of the histories afterwards.
        seed: of everything random.
    """

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
    unseen: float = 0.2
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
    validation_share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        self._check(
            lambda x: x >= 1, "must be at least 1", "factors members epochs batch ranking_members ranking_epochs"
        )
        self._check(lambda x: x >= 0, "can't be negative", "blocks pair patience neighbours weight_decay unseen")
        self._check(lambda x: x > 0, "must be above 0", "learning_rate ranking_learning_rate movie_doubt")
        self._check(lambda x: 0 <= x < 1, "is a share from 0 to below 1", "dropout row_dropout")
        self._check(lambda x: 0 < x < 1, "is a share between 0 and 1", "hidden validation_share")

    def _check(self, allowed: Callable[[float], bool], rule: str, names: str) -> None:
        for name in names.split():
            if not allowed(getattr(self, name)):
                raise SettingError(f"{name} is {getattr(self, name)}; it {rule}")

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
        stars=True, interactions=True, content=True, vectors=True, explains=True, spread=True, trains_with_torch=True
    )
    Settings = DeepMFSettings

    biases: Biases | None = None
    sigma: float = 1.0
    chance: tuple[float, float] = (1.0, 0.0)
    neighbours: Neighbours | None = None
    kriging: Kriging | None = None
    spread: Spread | None = None

    def __init__(self, settings: DeepMFSettings | None = None) -> None:
        self.settings = settings or DeepMFSettings()
        self.heads: dict[By, Towers] = {}
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
        needs_torch(self.name)
        from cinematrix.models.deep_mf_training import fit_heads

        self.known = Known.of(ratings, catalog)
        if self.known.scale is not None:
            self.biases = Biases.of(ratings, len(self.known.movies), self.settings.movie_doubt)
        fit_heads(self, ratings, validation, progress, run or Run())
        return self

    def score(self, histories: Histories, *, by: By = "ranking") -> NDArray[np.float32]:
        user, residual = self.residual(histories)
        if by == "ranking" and "ranking" in self.heads:
            head = self.heads["ranking"]
            score = head.score(head.users(histories, residual))
            return score + self.neighbours.score(self._gather(histories, residual)) if self.neighbours else score
        head = self.heads["stars"]
        assert self.biases is not None, "a model with a rating head has biases"
        base, vectors = (
            np.float32(self.biases.mean) + user[:, None] + self.biases.movie,
            head.users(histories, residual),
        )
        stars = np.asarray(base + np.float32(self.sigma) * head.score(vectors), np.float32)
        if self.kriging and histories.values is not None:
            stars += self.kriging.score(histories, self._left(histories, user, vectors))
        return stars

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        if self.known.scale is None:
            return self._chance(histories, rows, movies)
        user, residual = self.residual(histories)
        vectors = self.heads["stars"].users(histories, residual)
        stars = self._towers(user, vectors, rows, movies)
        if self.kriging and histories.values is not None:
            stars += self.kriging.pairs(histories, self._left(histories, user, vectors), rows, movies)
        return self.known.scale.clip(stars)

    def missed(self, histories: Histories, held_out: Histories) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What the towers miss of held-out ratings, and what `kriging` adds to their predictions. `[size]` each."""
        assert self.kriging is not None, "only asked where there is one"
        assert held_out.values is not None, "only asked of ratings"
        user, residual = self.residual(histories)
        vectors = self.heads["stars"].users(histories, residual)
        pairs = held_out.rows, held_out.items
        added = self.kriging.pairs(histories, self._left(histories, user, vectors), *pairs)
        return held_out.values - self._towers(user, vectors, *pairs), added

    def _towers(
        self, user: NDArray[np.float32], vectors: NDArray[np.float32], rows: Numbers, movies: Numbers
    ) -> NDArray[np.float32]:
        """Stars of pairs by the biases and the towers alone, off the scale now and then. `[n]`."""
        assert self.biases is not None, "a model with a rating head has biases"
        base = self.biases.predict(user[rows], movies)
        return base + np.float32(self.sigma) * self.heads["stars"].pairs(vectors, rows, movies)

    def _left(
        self, histories: Histories, user: NDArray[np.float32], vectors: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """What the biases and the towers leave of the histories' own ratings. `[size]`."""
        assert histories.values is not None, "only asked of ratings"
        return histories.values - self._towers(user, vectors, histories.rows, histories.items)

    def _chance(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        """The chance of pairs, for a model of plain interactions. `[n]`."""
        head, (slope, offset) = self.heads["ranking"], self.chance
        score = head.pairs(head.users(histories, None), rows, movies)
        if self.neighbours:
            score = score + self.neighbours.pairs(self._gather(histories, None), rows, movies)
        return np.asarray(1 / (1 + np.exp(-np.clip(slope * score + offset, -80, 80))), np.float32)

    def shares(self, history: Histories, movies: Numbers, *, by: By = "ranking") -> Shares:
        user, residual = self.residual(history)
        ranks = by == "ranking" and "ranking" in self.heads
        found = of_head(self.heads["ranking" if ranks else "stars"], history, residual, movies)
        if not ranks:
            assert self.biases is not None, "a model with a rating head has biases"
            mean = np.full(len(movies), self.biases.mean, np.float32)
            movie = self.biases.predict(np.zeros(len(movies), np.float32), movies) - mean
            base = {"mean": mean, "movie_bias": movie, "user_bias": np.repeat(user, len(movies))}
            return found.shares(base, self.sigma, self._near(history, user, residual, movies))
        if self.neighbours:
            weights = np.ones(len(history.items), np.float32) if residual is None else liked_more(residual)
            return found.shares({}, 1.0, self.neighbours.shares(history.items, weights, movies))
        return found.shares({}, 1.0)

    def _near(
        self, history: Histories, user: NDArray[np.float32], residual: NDArray[np.float32] | None, movies: Numbers
    ) -> NDArray[np.float32] | None:
        """What each entry of the one history adds to the stars of `movies` by lying near. `[n, size]`."""
        if self.kriging is None or history.values is None:
            return None
        left = self._left(history, user, self.heads["stars"].users(history, residual))
        return self.kriging.likeness(movies, history.items) * self.kriging.solve(history, left)

    @property
    def spreads(self) -> bool:
        return self.spread is not None

    def distribution_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        if self.spread is None:
            raise self.no_spread()
        return self.spread.distribution(self.predicted(histories, rows, movies))

    def interval_pairs(
        self, histories: Histories, rows: Numbers, movies: Numbers, coverage: float = 0.8
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        if self.spread is None:
            raise self.no_spread()
        return self.spread.interval(self.predicted(histories, rows, movies), coverage)

    def predicted(self, histories: Histories, rows: Numbers, movies: Numbers) -> Predicted:
        """Pairs with what the rating head predicts of them."""
        residual = self.residual(histories)[1]
        assert residual is not None, "only ratings have a spread"
        return Predicted(histories, residual, rows, movies, self.predict_pairs(histories, rows, movies))

    def _gather(self, histories: Histories, residual: NDArray[np.float32] | None) -> NDArray[np.float32]:
        """The histories as the item-item model takes them: what somebody liked counts a little more."""
        assert self.neighbours is not None, "only asked where there is an item-item model"
        return self.neighbours.gather(histories, None if residual is None else liked_more(residual))

    def vectors(self) -> NDArray[np.float32]:
        head = self.heads.get("ranking") or self.heads["stars"]
        return head.movies[:-1, :, :-1].reshape(len(head.movies) - 1, -1)

    def residual(self, histories: Histories) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Each history's user bias, and its ratings' residuals over the biases in standard deviations.

        None in place of the residuals for plain interactions.
        """
        if self.biases is None or histories.values is None:
            return np.zeros(len(histories), np.float32), None
        user = self.biases.of_users(histories)
        left = histories.values - self.biases.predict(user[histories.rows], histories.items)
        return user, np.asarray(left / np.float32(self.sigma), np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        constants = np.array([self.sigma, *self.chance])
        saved: dict[str, NDArray[Any]] = {"constants": constants, **(self.biases.arrays() if self.biases else {})}
        for by, head in self.heads.items():
            saved |= head.arrays(f"{by}.")
        for part in (self.neighbours, self.kriging, self.spread):
            saved |= part.arrays() if part else {}
        return saved

    @classmethod
    def restore(cls, settings: Any, known: Known, arrays: Mapping[str, NDArray[Any]]) -> Self:
        model = cls(settings)
        model.known = known
        model.sigma, *chance = arrays["constants"].tolist()
        model.chance = (chance[0], chance[1])
        model.biases = Biases.from_arrays(arrays) if "bias.movie" in arrays else None
        for by in get_args(By):
            head = Towers.from_arrays(arrays, f"{by}.")
            if head is not None:
                model.heads[by] = head
        if "neighbours.inward" in arrays:
            model.neighbours = Neighbours(arrays["neighbours.inward"], arrays["neighbours.outward"])
        if "kriging.places" in arrays:
            model.kriging = Kriging(arrays["kriging.places"], arrays["kriging.weight"].item())
        model.spread = Spread.from_arrays(arrays, known.scale) if known.scale else None
        return model
