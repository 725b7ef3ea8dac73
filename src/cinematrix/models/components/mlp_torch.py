"""Dense layers in torch, trained here and exported to `mlp.MLP`; code that serves doesn't import this module."""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from cinematrix.models.components.mlp import MLP

ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU, "sigmoid": nn.Sigmoid}
"""Activation functions by their names in `mlp.ACTIVATIONS`."""


def build_mlp(widths: Sequence[int], activation: str) -> nn.Sequential:
    """Return dense layers from `widths[0]` inputs to `widths[-1]` outputs with activations between.

    Weights start by Glorot's normal rule, biases at 0.
    """
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        linear = nn.Linear(inputs, outputs)
        nn.init.xavier_normal_(linear.weight)
        nn.init.zeros_(linear.bias)
        layers += [ACTIVATIONS[activation](), linear] if layers else [linear]
    return nn.Sequential(*layers)


def mark_as_tables(*layers: nn.Module) -> None:
    """Mark each layer's weights as a table of users or movies, which gets one step size (`optimizer.AdamW`)."""
    for layer in layers:
        layer.weight.is_table = True  # type: ignore[union-attr]


def export_mlp(net: nn.Sequential, activation: str) -> MLP:
    """Return the layers in NumPy, as they serve."""
    linear = [layer for layer in net if isinstance(layer, nn.Linear)]
    weights = tuple(layer.weight.detach().cpu().numpy().T.copy() for layer in linear)
    return MLP(weights, tuple(layer.bias.detach().cpu().numpy().copy() for layer in linear), activation)
