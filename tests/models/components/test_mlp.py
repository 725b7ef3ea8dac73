"""Dense layers in NumPy and in torch: `mlp`, `mlp_torch`."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from cinematrix.data.histories import Histories
from cinematrix.models.components.mlp import ACTIVATIONS, MLP, iterate_pair_blocks, normalise_histories
from cinematrix.models.components.mlp_torch import build_mlp, export_mlp, mark_as_tables


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("widths", [(5, 3), (5, 4, 3), (5, 7, 2, 1)])
def test_numpy_layers_equal_torch_layers(activation: str, widths: tuple[int, ...]) -> None:
    """NumPy's layers equal torch's, for dense and for sparse rows, before and after saving."""
    torch.manual_seed(0)
    net = build_mlp(widths, activation)
    for layer in net:
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.normal_(layer.bias)
    x = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32) * 3
    expected = net(torch.from_numpy(x)).detach().numpy()
    served = export_mlp(net, activation)
    restored = MLP.from_arrays({**served.arrays("a."), **MLP((), ()).arrays("b.")}, "a.", activation)
    for layers in (served, restored):
        np.testing.assert_allclose(layers(x), expected, atol=1e-5)
        np.testing.assert_allclose(layers(sparse.csr_matrix(x)), expected, atol=1e-5)
    np.testing.assert_allclose(served.outputs(slice(0, 1))(x), expected[:, :1], atol=1e-5)


def test_sigmoid_does_not_overflow() -> None:
    """Large inputs give 0 and 1, without a warning."""
    np.testing.assert_allclose(ACTIVATIONS["sigmoid"](np.array([-1e30, 0, 1e30], np.float32)), [0, 0.5, 1], atol=1e-30)


def test_tables_are_marked_for_the_optimizer() -> None:
    """Only the given layers are marked."""
    first, second = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
    mark_as_tables(first)
    assert first.weight.is_table
    assert not hasattr(second.weight, "is_table")


def test_rows_have_length_one_whatever_the_ratings() -> None:
    """Equal entries have squares that add up to 1; an empty history has none."""
    rows = normalise_histories(Histories.of_lists([([4, 1], [5.0, 0.5]), ([], []), ([2], [3.0])]), 5).toarray()
    half = 2**-0.5
    np.testing.assert_allclose(rows, [[0, half, 0, 0, half], [0] * 5, [0, 0, 1, 0, 0]], atol=1e-7)


@given(lengths=st.lists(st.integers(0, 3), min_size=1, max_size=9), size=st.integers(1, 4), data=st.data())
def test_each_pair_is_in_one_block_with_its_own_history(lengths: list[int], size: int, data: st.DataObject) -> None:
    """Blocks have at most `size` histories; a pair's row in the block is its history."""
    histories = Histories.of_lists([(list(range(n)), [float(row)] * n) for row, n in enumerate(lengths)])
    rows = np.array(data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=12)), np.int32)
    seen: list[int] = []
    for places, block, within in iterate_pair_blocks(histories, rows, size):
        assert len(block) <= size
        seen += places.tolist()
        for place, row in zip(places.tolist(), within.tolist(), strict=True):
            expected = histories.take(np.array([rows[place]]))
            np.testing.assert_array_equal(block.take(np.array([row])).values, expected.values)
    assert sorted(seen) == list(range(len(rows)))
