"""Hyper-parameters of `deep-mf`, and the net's shape and the schedule that follow from them."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from cinematrix.common.settings import SearchRange, SearchSpace, check_settings
from cinematrix.models.contract_types import Ordering

if TYPE_CHECKING:
    from cinematrix.models.deep_mf.network import NetworkShape
    from cinematrix.models.training.loop import Schedule


MAX_MEMBERS = 4
"""Nets of the rating head's ensemble unless the setting tells their number; twice as many were no better."""

MEMBER_RATINGS = 2_000_000
"""Maximum ratings of all these members together: many ratings leave less to average out, and take longer."""

ONE_STAGE_RATINGS = 500_000
"""Ratings from which heads are trained once, without a pilot; a second training would have few more to learn from."""

FEW_FACTORS, FEW_EPOCHS = 32, 6
"""Width and epochs of a net that learns quickly from fewer ratings; with more it learns too little in few steps."""

ONE_STAGE_HELD_OUT = 0.25
"""The part of `validation_share` that is held out from so many ratings: it is enough, and isn't learned from."""


@dataclass(frozen=True)
class DeepMFSettings:
    """Hyper-parameters of `deep-mf`. Their search is described in docs/experiments.md.

    Attributes:
        factors: width of a member's vectors. 0: 32, or 64 from 500,000 ratings on.
        members: nets of the rating head's ensemble, trained side by side; the prediction is their mean. 0: four, fewer
            where there are more than 500,000 ratings (`for_ratings`).
        blocks: hidden layers (residual blocks) of each tower.
        dropout: dropout of the towers' hidden units.
        row_dropout: share of the movies (and raters) that are left out of all histories in a step.
        pair_width: width of the gated MLP on the pair of vectors in the rating head; 0: none.
        content: use genres, years and tags.
        id_embeddings: give each training user and movie a free embedding besides its history.
        residual_gp: add a Gaussian process on each user's residuals to the expected ratings.
        pmf: mix in the expected ratings of a chain of `pmf`, whose weight is fitted to the validation ratings; there is
            none from 500,000 ratings on (`for_ratings`).
        movie_shrinkage: multiple of the estimated shrinkage of the movies' biases; the towers learn the rest.
        unseen_weight: weight of a second loss, of ratings predicted as if their movie had no raters yet.
        hidden_share: share of the ratings that are hidden and predicted in a step.
        batch: maximum ratings predicted in a step (`steps.StepPlan`).
        epochs: maximum passes over the ratings, each of which hides every rating once; fewer where they would take more
            than 1,500 steps. 0: 6, or 20 from 500,000 ratings on.
        patience: epochs without a better validation error before training stops; 0: never stop early.
        learning_rate: peak of the one-cycle schedule.
        weight_decay: AdamW's weight decay.
        ranking: train the ranking head too; without it, lists are ordered by expected rating.
        ranking_members: nets of the ranking head's ensemble.
        ranking_epochs: maximum passes of the ranking head; fewer where they would take more than 200 steps.
        ranking_learning_rate: peak of the ranking head's one-cycle schedule.
        ease_rank: least rank of the low-rank EASE beside the ranking head's towers; more where the histories have more
            strong directions; 0: none.
        two_stage: train a pilot to find the number of epochs, then train on all ratings; from 500,000 ratings on one
            training on nearly all of them (`for_ratings`).
        validation_share: share of the training ratings held out for validation; histories hold them at prediction.
        seed: random seed of everything.
    """

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        "fast": {
            "factors": 0,
            "members": 1,
            "epochs": 0,
            "ranking_epochs": 1,
            "ease_rank": 256,
            "two_stage": False,
            "pmf": False,
        },
    }
    """Groups of hyper-parameters: `DeepMFSettings(**PRESETS["fast"])`, or `--set preset=fast`."""

    SPACE: ClassVar[SearchSpace] = {
        "factors": (32, 48, 64, 96),
        "dropout": SearchRange(0.1, 0.5),
        "row_dropout": SearchRange(0.1, 0.5),
        "hidden_share": SearchRange(0.1, 0.4),
        "learning_rate": SearchRange(1e-3, 1e-2, log=True),
        "weight_decay": SearchRange(0.01, 1.0, log=True),
    }

    factors: int = 64
    members: int = 0
    blocks: int = 1
    dropout: float = 0.3
    row_dropout: float = 0.3
    pair_width: int = 0
    content: bool = True
    id_embeddings: bool = False
    residual_gp: bool = True
    pmf: bool = True
    movie_shrinkage: float = 10.0
    unseen_weight: float = 0.1
    hidden_share: float = 0.2
    batch: int = 131_072
    epochs: int = 20
    patience: int = 0
    learning_rate: float = 0.003
    weight_decay: float = 0.1
    ranking: bool = True
    ranking_members: int = 1
    ranking_epochs: int = 20
    ranking_learning_rate: float = 0.01
    ease_rank: int = 512
    two_stage: bool = True
    validation_share: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        check_settings(self, lambda x: x >= 1, "must be at least 1", "batch ranking_members ranking_epochs")
        check_settings(
            self,
            lambda x: x >= 0,
            "can't be negative",
            "factors members blocks pair_width epochs patience ease_rank weight_decay unseen_weight",
        )
        check_settings(self, lambda x: x > 0, "must be above 0", "learning_rate ranking_learning_rate movie_shrinkage")
        check_settings(self, lambda x: 0 <= x < 1, "is a share from 0 to below 1", "dropout row_dropout")
        check_settings(self, lambda x: 0 < x < 1, "is a share between 0 and 1", "hidden_share validation_share")

    def for_ratings(self, n: int) -> "DeepMFSettings":
        """Return the settings of a training from `n` ratings: sizes by their number, and one stage for many of them."""
        members = self.members or min(MAX_MEMBERS, max(1, MEMBER_RATINGS // max(n, 1)))
        few = n < ONE_STAGE_RATINGS
        s = replace(self.for_interactions(n), members=members, pmf=self.pmf and few)
        if not s.two_stage or few:
            return s
        share = ONE_STAGE_HELD_OUT * s.validation_share
        return replace(s, two_stage=False, validation_share=share)

    def for_interactions(self, n: int) -> "DeepMFSettings":
        """Return the settings of a training from `n` plain interactions: width and epochs by their number."""
        usual = DeepMFSettings.factors, DeepMFSettings.epochs
        factors, epochs = (FEW_FACTORS, FEW_EPOCHS) if n < ONE_STAGE_RATINGS else usual
        return replace(self, factors=self.factors or factors, epochs=self.epochs or epochs)

    def shape(self, by: Ordering) -> "NetworkShape":
        """Return the shape of one head's net."""
        from cinematrix.models.deep_mf.network import NetworkShape

        members, pair_width = (self.members, self.pair_width) if by == "stars" else (self.ranking_members, 0)
        return NetworkShape(
            self.factors, members, self.blocks, self.dropout, self.row_dropout, pair_width, self.id_embeddings
        )

    def schedule(self, by: Ordering) -> "Schedule":
        """Return the training schedule of one head."""
        from cinematrix.models.training.loop import Schedule

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
