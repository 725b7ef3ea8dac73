"""Division of a training of `deep-mf` into steps: users in groups, and a part of their ratings hidden. Needs torch."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from cinematrix.common.world import Part
from cinematrix.models.contract_types import Ordering
from cinematrix.models.deep_mf.batches import UserBatch

if TYPE_CHECKING:
    from cinematrix.models.deep_mf.settings import DeepMFSettings

STEP_RATINGS = 18_000
"""Ratings that the rating head predicts in a step, up to a million ratings; more grow with the root of their number."""

MAX_LOGITS = 2**24
"""Maximum logits of a member in a step of the ranking head."""

MAX_CYCLE: dict[Ordering, int] = {"stars": 10, "ranking": 1}
"""Maximum steps in which the sums over the movies' raters stand still; longer ones made the ranking head diverge."""

MAX_STEPS: dict[Ordering, int] = {"stars": 1_500, "ranking": 200}
"""Maximum steps of a head's training."""


@dataclass(frozen=True)
class StepPlan:
    """Steps of an epoch, which hides each rating once, or a part of the ratings where that takes too many steps.

    Attributes:
        parts: parts of a user's ratings, of which a step hides one.
        groups: groups of users, of which a step encodes one.
        cycle: steps in which sums stand still: one pass over all users, unless that takes more than `MAX_CYCLE`.
        most: maximum steps of all epochs together.
    """

    parts: int
    groups: int
    cycle: int
    most: int

    @classmethod
    def of(cls, counts: NDArray[np.int64], n_movies: int, s: "DeepMFSettings", by: Ordering) -> "StepPlan":
        """Return the plan of a head's training on histories of so many ratings.

        The rating head has more steps for more ratings, and larger ones for more than a million.
        """
        n_ratings, n_users, parts = int(counts.sum()), int((counts > 0).sum()), round(1 / s.hidden_share)
        stars = by == "stars"
        step_ratings = min(s.batch, STEP_RATINGS * max(1, n_ratings / 1e6) ** 0.5) if stars else s.batch
        groups = 1 if stars else -(-n_users * n_movies // MAX_LOGITS)
        groups = min(max(groups, round(n_ratings / parts / step_ratings)), n_users)
        return cls(parts, groups, min(groups, MAX_CYCLE[by]), MAX_STEPS[by])

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        return min(self.parts * self.groups, self.most)

    def epochs(self, most: int) -> int:
        """Return the epochs of a training that has at most so many, and at most so many steps as planned."""
        return min(most, self.most // self.steps)

    def batches(
        self, counts: NDArray[np.int64], rng: np.random.Generator, device: torch.device, own: Part
    ) -> Iterator[UserBatch]:
        """Yield the steps of an epoch; a single group has all users, otherwise users without ratings are left out.

        Args:
            counts: numbers of the ratings of all users. `[n_users]`.
            own: the users of this worker; all workers draw alike.
        """
        if self.groups == 1:
            groups = [np.arange(len(counts), dtype=np.int32)]
        else:
            users = rng.permutation(np.flatnonzero(counts).astype(np.int32))
            groups = [np.sort(group) for group in cut_evenly(users, counts[users], self.groups)]
        orders = [rng.permutation(counts[group].sum()).astype(np.int32) for group in groups]
        for step in range(self.steps):
            part, place = divmod(step, self.groups)
            hidden = np.array_split(orders[place], self.parts)[part]
            if not len(hidden):  # a group of fewer ratings than parts
                hidden = orders[place][:1]
            batch = make_batch(groups[place], np.sort(hidden), own, device)
            batch.first = step % self.cycle == 0
            length = min(self.cycle, self.steps - step + step % self.cycle)
            batch.last_of = length if step % self.cycle == length - 1 else 0
            yield batch


def make_batch(users: NDArray[Any], hidden: NDArray[Any], own: Part, device: torch.device) -> UserBatch:
    """Return a step of users and places of hidden ratings, both ascending, of a worker that has its `own` users."""

    def on_device(numbers: NDArray[Any]) -> torch.Tensor:
        return torch.from_numpy(numbers.astype(np.int32, copy=False)).to(device)

    return UserBatch(on_device(users), on_device(hidden), own.among(users))


def cut_evenly(items: NDArray[Any], sizes: NDArray[Any], parts: int) -> list[NDArray[Any]]:
    """Cut items into consecutive parts of about equal total size, none empty."""
    ends, place = np.cumsum(sizes), np.arange(1, parts)
    cuts = np.searchsorted(ends, ends[-1] * place / parts) + 1
    cuts = np.maximum.accumulate(cuts - place) + place
    return np.split(items, np.minimum(cuts, len(items) - parts + place))
