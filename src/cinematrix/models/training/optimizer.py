"""The optimizer of every net: AdamW with one step size for all rows of a table. Needs torch."""

import math
from collections.abc import Iterable, Iterator
from typing import TypeAlias

import torch

from cinematrix.common.world import ALONE, World

OptimizerState: TypeAlias = dict[str, torch.Tensor]

BETAS = 0.9, 0.999
"""Adam's decay rates of the first and the second moment."""

EPSILON = 1e-8
"""Adam's offset of the denominator."""
MIN_SECOND_MOMENT = 1e-12
"""Offset that keeps a table's step finite; smaller than `EPSILON`, since a mean is seldom near 0."""


class AdamW:
    """AdamW (Loshchilov & Hutter 2019), weight decay on matrices only, with an own rule for tables.

    Adam gives every entry the same step size, however little evidence its gradient carries, so that the rows of users
    and movies with few ratings overfit. Here the second moment of a table (a parameter whose attribute `is_table` is
    set) is the mean over the table, so that a row moves in proportion to its evidence. A sparse table overfits as a
    whole; it learns at the share `table_rate` of the learning rate.

    A parameter whose attribute `every` is set gets a gradient once in so many steps, their mean, and then moves as
    far as in all of them.

    A parameter whose attribute `part` is set has the rows of this worker, among those of all workers of `world`.

    The learning rate comes with each step. This class replaces `torch.optim`, whose first use loads torch's compiler,
    which takes over a second.

    Attributes:
        parameters: parameters to update; those without a gradient stay as they are.
        states: state of each parameter, empty until its first update: `step`, `exp_avg` and `exp_avg_sq`, as in torch.
    """

    def __init__(
        self, parameters: Iterable[torch.nn.Parameter], *, weight_decay: float = 0.0, table_rate: float = 1.0,
        world: World = ALONE,
    ) -> None:  # fmt: skip
        self.parameters = list(parameters)
        self.weight_decay, self.table_rate, self.world = weight_decay, table_rate, world
        self.states: list[OptimizerState] = [{} for _ in self.parameters]
        self._own_norms: torch.Tensor | None = None

    def clear_gradients(self) -> None:
        """Remove all gradients before the next loss."""
        for p in self.parameters:
            p.grad = None

    def restore(self, states: Iterable[OptimizerState]) -> None:
        """Replace the states by saved ones, on the devices of their parameters; `step` is read on the CPU."""
        self.states = [
            {name: tensor if name == "step" else tensor.to(p.device) for name, tensor in state.items()}
            for p, state in zip(self.parameters, states, strict=True)
        ]

    def sum_gradients(self, loss: torch.Tensor) -> torch.Tensor:
        """Add up the gradients of all workers, but for rows that one worker has alone; return the loss of all."""
        with_gradient = [p for p in self.parameters if p.grad is not None]
        shared = [p.grad for p in with_gradient if not hasattr(p, "part")]
        own = [p.grad for p in with_gradient if hasattr(p, "part")]
        loss, self._own_norms = self.world.sum_gradients(shared, own, loss)
        return loss

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move all parameters against their gradients, at the learning rate `rate`."""
        mean_squares = self._mean_squares()
        for p, state in zip(self.parameters, self.states, strict=True):
            if p.grad is None:
                continue
            is_table, every = getattr(p, "is_table", False), getattr(p, "every", 1)
            speed = every * (rate * self.table_rate if is_table else rate)
            if p.ndim > 1:
                p.mul_(1 - speed * self.weight_decay)
            moment = next(mean_squares) if is_table else None
            p.addcdiv_(*_direction(p.grad, state, moment, every), value=-speed / (1 - BETAS[0] ** float(state["step"])))

    def clip(self, most: float) -> None:
        """Scale all gradients so that their norm is at most `most`."""
        with_gradient = [p for p in self.parameters if p.grad is not None]
        norms = torch.stack([torch.linalg.vector_norm(p.grad) for p in with_gradient])
        if self._own_norms is not None:
            norms[[place for place, p in enumerate(with_gradient) if hasattr(p, "part")]] = self._own_norms
        norm = torch.linalg.vector_norm(norms)
        torch.nn.utils.clip_grads_with_norm_(with_gradient, most, norm)
        if self._own_norms is not None:
            self._own_norms *= (most / (norm + 1e-6)).clamp(max=1)

    def _mean_squares(self) -> Iterator[torch.Tensor]:
        """Yield the mean square of each table's gradient, over the rows of all workers."""
        tables = [p for p in self.parameters if p.grad is not None and getattr(p, "is_table", False)]
        for place, p in enumerate(tables):
            assert p.grad is not None
            if self._own_norms is None:
                yield p.grad.square().sum() / p.numel()
            else:
                yield self._own_norms[place].square() / (p.part.total * math.prod(p.shape[1:]))  # type: ignore[attr-defined]


def _direction(
    gradient: torch.Tensor, state: OptimizerState, mean_square: torch.Tensor | None, every: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the moving mean of the gradient and its divisor; both are updated in `state`.

    Args:
        mean_square: that of a table, which has one divisor for all rows.
    """
    first, second = (beta**every for beta in BETAS)
    if not state:
        state["step"], state["exp_avg"] = torch.zeros(()), torch.zeros_like(gradient)
        state["exp_avg_sq"] = torch.zeros_like(gradient if mean_square is None else mean_square)
    state["step"] += every
    state["exp_avg"].lerp_(gradient, 1 - first)
    correction = 1 - BETAS[1] ** float(state["step"])
    if mean_square is not None:
        moment = state["exp_avg_sq"].lerp_(mean_square, 1 - second)
        return state["exp_avg"], (moment / correction).sqrt() + MIN_SECOND_MOMENT
    moment = state["exp_avg_sq"].mul_(second).addcmul_(gradient, gradient, value=1 - second)
    return state["exp_avg"], (moment.sqrt() / correction**0.5).add_(EPSILON)
