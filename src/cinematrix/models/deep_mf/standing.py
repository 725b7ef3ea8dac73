"""Tensors that stand still for some steps of a training while the gradient of their rows is gathered. Needs torch.

A movie's history is all its raters, too many to sum in each step. Its sums are computed once for a cycle of steps, and
the raters' tables behind them learn once a cycle, from the sum of the steps' gradients.
"""

from typing import Any

import torch


class StandingTensor:
    """A tensor that is computed once for a cycle of steps.

    Steps read rows of it. Only the last step of a cycle passes a gradient on to what it was computed from: the mean of
    the gradients of all steps of the cycle.
    """

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor, self.fixed = tensor, tensor.detach().requires_grad_()
        self.gathered: torch.Tensor | None = None

    def rows(self, rows: torch.Tensor, last_of: int) -> torch.Tensor:
        """Return some rows; `last_of`: the steps of the cycle in its last step, 0 in the others."""
        source = self.tensor if last_of else self.fixed
        return _Rows.apply(source, rows, self, last_of)  # type: ignore[no-any-return, no-untyped-call]


class _Rows(torch.autograd.Function):
    """Rows of a standing tensor; the gradient is added to what was gathered, and passed on in the last step."""

    @staticmethod
    def forward(
        ctx: Any, tensor: torch.Tensor, rows: torch.Tensor, standing: StandingTensor, last_of: int
    ) -> torch.Tensor:
        ctx.rows, ctx.standing, ctx.last_of = rows, standing, last_of
        return tensor.index_select(0, rows)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, None, None, None]:
        standing = ctx.standing
        if standing.gathered is None:
            standing.gathered = torch.zeros_like(standing.fixed)
        gathered = standing.gathered.index_add_(0, ctx.rows, gradient)
        if not ctx.last_of:
            return None, None, None, None
        standing.gathered = None
        return gathered.div_(ctx.last_of), None, None, None
