"""The softmax loss over all movies against torch's own."""

import pytest
import torch

from cinematrix.models.deep_mf import softmax_loss as module
from cinematrix.models.deep_mf.softmax_loss import softmax_loss


@pytest.mark.parametrize("cells", [1, 20, 1_000], ids=["a user at a time", "some users", "all users"])
def test_the_loss_and_its_gradients_are_those_of_the_whole_table(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size of the blocks doesn't matter; a movie that is both hidden and chosen counts as chosen."""
    monkeypatch.setattr(module, "BLOCK_LOGITS", cells)
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(n, 4, generator=generator, requires_grad=True) for n in (7, 9))
    hidden = torch.nonzero(torch.rand(7, 9, generator=generator) < 0.3).unbind(1)
    chosen = torch.tensor([6, 0, 1, 2, 3, 4, 5, 0, 6]), torch.tensor([8, 0, 1, 2, 3, 4, 5, 7, 1])
    table = torch.zeros(7, 9, dtype=torch.bool)
    table[hidden], table[chosen] = True, False
    expected = -(x @ y.t()).masked_fill(table, -torch.inf).log_softmax(1)[chosen].mean()
    loss = softmax_loss(x, y, (hidden[0], hidden[1]), chosen)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(torch.autograd.grad(3 * loss, (x, y)), torch.autograd.grad(3 * expected, (x, y)))


def test_an_impossible_choice_has_a_finite_loss() -> None:
    """A probability below the smallest float counts as that."""
    x, y = torch.tensor([[1e3]]), torch.tensor([[1.0], [-1.0]])
    none = torch.zeros(0, dtype=torch.int64)
    loss = softmax_loss(x, y, (none, none), (torch.tensor([0]), torch.tensor([1])))
    assert loss.item() == pytest.approx(87.3, abs=0.1)
