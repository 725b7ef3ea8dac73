"""Tests of the optimizer: `cinematrix.models.training.optimizer`."""

import copy
import subprocess
import sys

import numpy as np
import torch

from cinematrix.models.training.optimizer import BETAS, MIN_SECOND_MOMENT, AdamW


def test_without_tables_it_is_adamw() -> None:
    """Matrices and vectors move exactly as with torch's AdamW, at a rate that changes."""
    torch.manual_seed(0)
    own = [torch.nn.Parameter(torch.randn(4, 3)), torch.nn.Parameter(torch.randn(3))]
    theirs = copy.deepcopy(own)
    a = AdamW(own, weight_decay=0.2)
    b = torch.optim.AdamW([{"params": theirs[:1], "weight_decay": 0.2}, {"params": theirs[1:], "weight_decay": 0.0}])
    for n in range(20):
        for p, q in zip(own, theirs, strict=True):
            p.grad = torch.randn_like(p)
            q.grad = p.grad.clone()
        for group in b.param_groups:
            group["lr"] = 0.03 / (n + 1)
        a.step(0.03 / (n + 1))
        b.step()
    for p, q in zip(own, theirs, strict=True):
        assert torch.equal(p, q)


def test_a_table_has_one_step_size_for_all_its_rows() -> None:
    """The second moment is the mean over the table, and it learns slower: equal to the same rule in NumPy."""
    rng = np.random.default_rng(0)
    start = rng.normal(size=(6, 4)).astype(np.float32)
    table = torch.nn.Parameter(torch.from_numpy(start.copy()))
    table.is_table = True  # type: ignore[attr-defined]
    beside = torch.nn.Parameter(torch.ones(2))
    optimizer = AdamW([table, beside], weight_decay=0.3, table_rate=0.5)
    w, m, v, (first, second) = start.astype(np.float64), np.zeros((6, 4)), 0.0, BETAS
    for n in range(1, 16):
        gradient = rng.normal(size=(6, 4)) * np.arange(6)[:, None]
        m, v = first * m + (1 - first) * gradient, second * v + (1 - second) * (gradient**2).mean()
        w = w * (1 - 0.02 * 0.3) - 0.02 * (m / (1 - first**n)) / (np.sqrt(v / (1 - second**n)) + MIN_SECOND_MOMENT)
        table.grad = torch.from_numpy(gradient.astype(np.float32))
        beside.grad = torch.ones(2)
        optimizer.step(0.04)
    np.testing.assert_allclose(table.detach().numpy(), w, atol=1e-5)
    np.testing.assert_allclose(table.detach().numpy()[0], start[0] * (1 - 0.006) ** 15, rtol=1e-5)
    assert beside.detach().numpy()[0] < 0.8


def test_a_gradient_that_comes_once_in_some_steps_counts_for_all_of_them() -> None:
    """With a constant gradient, a parameter that moves every fourth step ends where one that moves each step does."""
    rng = np.random.default_rng(0)
    start, gradient = (torch.from_numpy(rng.normal(size=(3, 2)).astype(np.float32)) for _ in range(2))
    each, fourth, each_table, fourth_table = parameters = [torch.nn.Parameter(start.clone()) for _ in range(4)]
    for p in (each_table, fourth_table):
        p.is_table = True  # type: ignore[attr-defined]
    for p in (fourth, fourth_table):
        p.every = 4  # type: ignore[attr-defined]
    optimizer = AdamW(parameters, weight_decay=0.1, table_rate=0.5)
    for step in range(1, 41):
        for p in parameters:
            p.grad = gradient.clone() if step % 4 == 0 or p is each or p is each_table else None
        optimizer.step(0.002)
    for one, other in ((each, fourth), (each_table, fourth_table)):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)
        assert (one - start).abs().max() > 0.01
    assert [state["step"].item() for state in optimizer.states] == [40] * 4


def test_saved_states_go_to_the_devices_of_their_parameters() -> None:
    """The count of steps alone stays on the CPU, where the optimizer reads it."""
    parameters = [torch.nn.Parameter(torch.ones(2, 2, device=device)) for device in ("meta", "cpu", "meta")]
    optimizer = AdamW(parameters)
    saved = {"step": torch.ones(()), "exp_avg": torch.ones(2, 2), "exp_avg_sq": torch.ones(2, 2)}
    optimizer.restore([saved, saved, {}])
    devices = [{name: tensor.device.type for name, tensor in state.items()} for state in optimizer.states]
    moments = [{"exp_avg": device, "exp_avg_sq": device} for device in ("meta", "cpu")]
    assert devices == [{"step": "cpu", **moments[0]}, {"step": "cpu", **moments[1]}, {}]


def test_parameters_without_a_gradient_stay() -> None:
    """Neither weights nor state change, and `clear_gradients` removes gradients."""
    still, moving = (torch.nn.Parameter(torch.ones(2, 2)) for _ in range(2))
    optimizer = AdamW([still, moving], weight_decay=0.5)
    moving.grad = torch.ones(2, 2)
    optimizer.step(0.1)
    assert torch.equal(still, torch.ones(2, 2))
    assert not torch.equal(moving, torch.ones(2, 2))
    assert optimizer.states[0] == {}
    optimizer.clear_gradients()
    assert moving.grad is None


def test_torchs_compiler_is_not_loaded() -> None:
    """A training step imports neither the compiler nor sympy, which take longer than a small training."""
    code = (
        "import sys, torch; from cinematrix.models.training.optimizer import AdamW; "
        "p = torch.nn.Parameter(torch.ones(2, 2));"
        "a = AdamW([p]); p.square().sum().backward(); a.step(0.1); print(*sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not {"torch._dynamo", "sympy"} & set(ran.stdout.split())
