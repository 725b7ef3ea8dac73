"""The optimizer of every net: AdamW with one step size for all rows of a table. Needs torch."""

from collections.abc import Iterable
from typing import TypeAlias

import torch

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

    The learning rate comes with each step. This class replaces `torch.optim`, whose first use loads torch's compiler,
    which takes over a second.

    Attributes:
        parameters: parameters to update; those without a gradient stay as they are.
        states: state of each parameter, empty until its first update: `step`, `exp_avg` and `exp_avg_sq`, as in torch.
    """

    def __init__(
        self, parameters: Iterable[torch.nn.Parameter], *, weight_decay: float = 0.0, table_rate: float = 1.0
    ) -> None:
        self.parameters = list(parameters)
        self.weight_decay, self.table_rate = weight_decay, table_rate
        self.states: list[OptimizerState] = [{} for _ in self.parameters]

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

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move all parameters against their gradients, at the learning rate `rate`."""
        for p, state in zip(self.parameters, self.states, strict=True):
            if p.grad is None:
                continue
            is_table, every = getattr(p, "is_table", False), getattr(p, "every", 1)
            speed = every * (rate * self.table_rate if is_table else rate)
            if p.ndim > 1:
                p.mul_(1 - speed * self.weight_decay)
            p.addcdiv_(
                *_direction(p.grad, state, is_table, every), value=-speed / (1 - BETAS[0] ** float(state["step"]))
            )


def _direction(
    gradient: torch.Tensor, state: OptimizerState, is_table: bool, every: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the moving mean of the gradient and its divisor; both are updated in `state`."""
    first, second = (beta**every for beta in BETAS)
    if not state:
        state["step"], state["exp_avg"] = torch.zeros(()), torch.zeros_like(gradient)
        state["exp_avg_sq"] = torch.zeros((), device=gradient.device) if is_table else torch.zeros_like(gradient)
    state["step"] += every
    state["exp_avg"].lerp_(gradient, 1 - first)
    correction = 1 - BETAS[1] ** float(state["step"])
    if is_table:
        moment = state["exp_avg_sq"].lerp_(gradient.square().mean(), 1 - second)
        return state["exp_avg"], (moment / correction).sqrt() + MIN_SECOND_MOMENT
    moment = state["exp_avg_sq"].mul_(second).addcmul_(gradient, gradient, value=1 - second)
    return state["exp_avg"], (moment.sqrt() / correction**0.5).add_(EPSILON)
