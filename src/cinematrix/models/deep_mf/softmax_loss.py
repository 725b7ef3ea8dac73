"""The softmax over all movies, in torch, without a table of all users and movies.

What the ranking head learns from has a logit for each user and movie of a step. They are made for some users at a
time, and the gradient along with them, so that neither is ever there as a whole.
"""

from typing import Any

import torch

from cinematrix.models.deep_mf.network import IndexPairs

BLOCK_LOGITS = 2**19
"""Logits that are made at a time; so few stay near the processor."""


def softmax_loss(x: torch.Tensor, y: torch.Tensor, hidden: IndexPairs, chosen: IndexPairs) -> torch.Tensor:
    """Mean −ln probability of the pairs `chosen`: a softmax of x_u · y over all y but those `hidden` and not chosen.

    A probability below the smallest float counts as that.

    Args:
        x: `[users, width]`, each with a chosen pair.
        y: `[movies, width]`.
        hidden: rows of x, ascending, and of y.
        chosen: rows of x and of y in any order.
    """
    cells, wanted = (users * len(y) + movies for users, movies in (hidden, chosen))
    return _SoftmaxLoss.apply(x, y, cells, wanted.sort().values)  # type: ignore[no-any-return, no-untyped-call]


class _SoftmaxLoss(torch.autograd.Function):
    """`softmax_loss` of cells of the table x · y, ascending by row; the gradient is made on the way."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, y: torch.Tensor, hidden: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        x, y = x.contiguous(), y.contiguous()
        step, width, total = max(BLOCK_LOGITS // len(y), 1), len(y), x.new_zeros(())
        ctx.gradients = torch.empty_like(x), torch.zeros_like(y)
        begins = range(0, len(x), step)
        bounds = torch.tensor([*begins, len(x)], device=x.device) * width
        cuts = [torch.searchsorted(cells, bounds).tolist() for cells in (hidden, chosen)]
        for place, begin in enumerate(begins):
            some = x[begin : begin + step]
            gone, here = (
                cells[cut[place] : cut[place + 1]] - begin * width
                for cells, cut in zip((hidden, chosen), cuts, strict=True)
            )
            apart, likely = _apart(some @ y.t(), gone, here)
            total -= likely.log().sum()
            if any(ctx.needs_input_grad):
                weights = torch.bincount(here // width, minlength=len(some)).to(x.dtype)[:, None] / len(chosen)
                ctx.gradients[0][begin : begin + step] = weights * (apart @ y)
                ctx.gradients[1].addmm_(apart.t(), weights * some)
        return total / len(chosen)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, None, None]:
        return gradient * ctx.gradients[0], gradient * ctx.gradients[1], None, None


def _apart(logits: torch.Tensor, hidden: torch.Tensor, chosen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The softmax less each chosen cell's share of its row, `[rows, movies]`, and those cells' probabilities."""
    flat = logits.view(-1)
    kept = flat.index_select(0, chosen)
    flat.index_fill_(0, hidden, -torch.inf).index_copy_(0, chosen, kept)
    softmax = logits.softmax(1)
    likely = softmax.view(-1).index_select(0, chosen).clamp_min(torch.finfo(logits.dtype).tiny)
    rows = chosen // logits.shape[1]
    share = 1 / torch.bincount(rows, minlength=len(logits)).to(logits.dtype).index_select(0, rows)
    softmax.view(-1).index_add_(0, chosen, share, alpha=-1)
    return softmax, likely
