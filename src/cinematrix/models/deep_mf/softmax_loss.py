"""Softmax loss over all movies, in torch, without a table of all users and movies.

The ranking head has a logit for each user and movie of a step. Logits and gradients are computed for a block of users
at a time, so that the whole table is never in memory.
"""

from typing import Any

import torch

from cinematrix.models.deep_mf.network import IndexPairs

BLOCK_LOGITS = 2**19
"""Logits computed at a time, few enough for the processor's cache."""


def softmax_loss(x: torch.Tensor, y: torch.Tensor, hidden: IndexPairs, chosen: IndexPairs, n: int = 0) -> torch.Tensor:
    """Return the mean −ln probability of the pairs `chosen`, by a softmax of x_u · y over the visible y.

    Visible are all y except those that are `hidden` for the user and not chosen. Probabilities are at least the
    smallest float.

    Args:
        x: `[users, width]`, each with a chosen pair.
        y: `[movies, width]`.
        hidden: rows of x, ascending, and of y.
        chosen: rows of x and of y in any order.
        n: number of pairs that the mean is over, if these are only some of them.
    """
    cells, targets = (users * len(y) + movies for users, movies in (hidden, chosen))
    return _SoftmaxLoss.apply(x, y, cells, targets.sort().values, n or len(targets))  # type: ignore[no-any-return, no-untyped-call]


class _SoftmaxLoss(torch.autograd.Function):
    """`softmax_loss` of cells of the table x · y, ascending by row; the gradient is computed in the forward pass."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, y: torch.Tensor, hidden: torch.Tensor, chosen: torch.Tensor, n: int
    ) -> torch.Tensor:
        x, y = x.contiguous(), y.contiguous()
        step, width, total = max(BLOCK_LOGITS // len(y), 1), len(y), x.new_zeros(())
        ctx.gradients = torch.empty_like(x), torch.zeros_like(y)
        begins = range(0, len(x), step)
        bounds = torch.tensor([*begins, len(x)], device=x.device) * width
        cuts = [torch.searchsorted(cells, bounds).tolist() for cells in (hidden, chosen)]
        for place, begin in enumerate(begins):
            block = x[begin : begin + step]
            hidden_cells, chosen_cells = (
                cells[cut[place] : cut[place + 1]] - begin * width
                for cells, cut in zip((hidden, chosen), cuts, strict=True)
            )
            residual, probabilities = _softmax_residual(block @ y.t(), hidden_cells, chosen_cells)
            total -= probabilities.log().sum()
            if any(ctx.needs_input_grad):
                weights = torch.bincount(chosen_cells // width, minlength=len(block)).to(x.dtype)[:, None] / n
                ctx.gradients[0][begin : begin + step] = weights * (residual @ y)
                ctx.gradients[1].addmm_(residual.t(), weights * block)
        return total / n

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None, None, None]:
        return gradient * ctx.gradients[0], gradient * ctx.gradients[1], None, None, None


def _softmax_residual(
    logits: torch.Tensor, hidden: torch.Tensor, chosen: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the softmax minus each chosen cell's share of its row, `[rows, movies]`, and the cells' probabilities."""
    flat = logits.view(-1)
    chosen_logits = flat.index_select(0, chosen)
    flat.index_fill_(0, hidden, -torch.inf).index_copy_(0, chosen, chosen_logits)
    softmax = logits.softmax(1)
    probabilities = softmax.view(-1).index_select(0, chosen).clamp_min(torch.finfo(logits.dtype).tiny)
    rows = chosen // logits.shape[1]
    share = 1 / torch.bincount(rows, minlength=len(logits)).to(logits.dtype).index_select(0, rows)
    softmax.view(-1).index_add_(0, chosen, share, alpha=-1)
    return softmax, probabilities
