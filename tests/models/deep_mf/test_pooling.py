"""Sums over histories and the scores of pairs, against the same written out."""

import numpy as np
import pytest
import torch

from cinematrix.data.histories import Histories
from cinematrix.models.deep_mf import pooling
from cinematrix.models.deep_mf.pooling import SparsePattern, pair_dot_products


def test_sums_of_either_side_are_exact_where_a_history_is_long() -> None:
    """A hundred thousand entries of one movie add up as in double precision, by user and by movie."""
    values = torch.from_numpy(np.random.default_rng(0).random(100_000, np.float32))
    rows, items = np.arange(100_000) // 10, np.zeros(100_000, np.int32)
    pattern = SparsePattern.of(Histories.of_pairs(rows, items, None, 10_001), 2, torch.device("cpu"))
    of_users = np.append(values.numpy().astype(np.float64).reshape(-1, 10).sum(1), 0)
    np.testing.assert_allclose(pattern.sums(values), of_users, rtol=1e-6)
    np.testing.assert_allclose(pattern.transposed.sums(values), [of_users.sum(), 0], rtol=1e-7)


@pytest.mark.parametrize("members", [1, 3])
def test_dot_products_of_pairs_and_their_gradients(members: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both equal those of the product written out, also where rows have no pairs."""
    monkeypatch.setattr(pooling, "BLOCK_PAIRS", 7)
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(n, members, 5, generator=generator, requires_grad=True) for n in (6, 9))
    pairs = torch.randint(5, (40,), generator=generator).sort().values, torch.randint(9, (40,), generator=generator)
    pattern = SparsePattern.of_pairs(*pairs, 6, 9)
    weights = torch.randn(40, members, generator=generator)
    products, expected = pair_dot_products(x, y, pattern), (x[pairs[0]] * y[pairs[1]]).sum(2)
    torch.testing.assert_close(products, expected)
    torch.testing.assert_close(
        torch.autograd.grad((products * weights).sum(), (x, y)), torch.autograd.grad((expected * weights).sum(), (x, y))
    )
