"""Checkpoints of a training: one file of tensors with a checksum. Needs torch.

A checkpoint has whole tables. A worker that trains with some rows of a table joins them with those of the others to
write it, and takes its own from it; so a training may continue with another number of workers.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as parse_tensors
from safetensors.torch import save as pack_tensors

from cinematrix.common.world import World
from cinematrix.errors import ArtifactError

Tensors = dict[str, torch.Tensor]


def pack(tensors: Mapping[str, torch.Tensor], about: dict[str, str]) -> bytes:
    """Return the content of a checkpoint."""
    content = pack_tensors({name: tensor.contiguous().cpu().clone() for name, tensor in tensors.items()}, about)
    return hashlib.sha256(content).digest() + content


def unpack(file_bytes: bytes, path: Path) -> tuple[Tensors, dict[str, str]]:
    """Return the tensors of a checkpoint, and what is said about them.

    Raises:
        ArtifactError: the checkpoint is damaged.
    """
    digest, content = file_bytes[:32], file_bytes[32:]
    if hashlib.sha256(content).digest() != digest:
        raise ArtifactError(f"{path} is damaged or no checkpoint; remove it, or train without --resume")
    length = int.from_bytes(content[:8], "little")
    return parse_tensors(content), json.loads(content[8 : 8 + length])["__metadata__"]


def select_prefix(tensors: Tensors, prefix: str) -> Tensors:
    """Return the tensors whose names begin with `prefix`, under the rest of their names."""
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def join_rows(world: World, like: Any, tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor with the rows of all workers, if the parameter `like` has only a part of them."""
    return world.join(tensor, like.part) if tensor.ndim and hasattr(like, "part") else tensor


def own_rows(like: Any, tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor with this worker's rows, if the parameter `like` has only these."""
    return tensor[like.part.rows] if tensor.ndim and hasattr(like, "part") else tensor


def join_state(world: World, net: torch.nn.Module, state: Tensors) -> Tensors:
    """Return a net's state with the rows of all workers."""
    parameters = dict(net.named_parameters())
    return {name: join_rows(world, parameters.get(name), tensor) for name, tensor in state.items()}


def own_state(net: torch.nn.Module, state: Tensors) -> Tensors:
    """Return a net's state with this worker's rows."""
    parameters = dict(net.named_parameters())
    return {name: own_rows(parameters.get(name), tensor) for name, tensor in state.items()}


def whole_shapes(net: torch.nn.Module) -> dict[str, list[int]]:
    """Return the shapes of a net's state, with the rows of all workers."""
    shapes = {name: list(tensor.shape) for name, tensor in net.state_dict().items()}
    for name, p in net.named_parameters():
        if hasattr(p, "part"):
            shapes[name][0] = p.part.total
    return shapes
