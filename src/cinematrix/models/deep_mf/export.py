"""From a trained net to what serves: `towers.Towers`. Needs torch."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.models.deep_mf.closed_forms import TrainedHead
from cinematrix.models.deep_mf.network import HistoryNet
from cinematrix.models.deep_mf.tasks import RatingEncoder
from cinematrix.models.deep_mf.towers import Towers, encode, history_statistics


def export_head(net: HistoryNet, encoder: RatingEncoder) -> TrainedHead:
    """A trained net with all that it serves from: the ratings of `encoder` as histories."""
    towers = replace(export_towers(net, encoder), content=export_content_vectors(net, encoder))
    return TrainedHead(towers, encoder.biases, encoder.sigma)


@torch.inference_mode()
def export_towers(net: HistoryNet, encoder: RatingEncoder) -> Towers:
    """A trained net ready to serve: the user's tower, and all movies' vectors from all ratings that the model has."""
    net.eval()
    movies = encoder.encode(net, encoder.full_mask()).movies.cpu().numpy()
    weights = {name: tensor.cpu().numpy() for name, tensor in net.users.state_dict().items()}
    rated = encoder.pattern.transposed.sums(encoder.full_mask()).cpu().numpy() > 0
    for place, whole in enumerate(net.users.item_tables(encoder.content)):
        free = weights[f"tables.{place}"]
        weights[f"tables.{place}"] = whole.cpu().numpy() - np.where(rated[:, None], np.float32(0), free)
    kept = {n.removesuffix(".0") if n == "ids.0" else n: w for n, w in weights.items() if "content" not in n}
    if "ids" in kept:
        kept["ids"] = kept["ids"] * (np.bincount(encoder.users.cpu(), minlength=len(kept["ids"])) > 0)[:, None]
    for gate in net.pair:
        kept |= {f"pair.{name}": tensor.cpu().numpy() for name, tensor in gate.state_dict().items()}
    blank = {name: tensor.cpu().numpy() for name, tensor in net.movies.state_dict().items()}
    nothing = history_statistics(Histories.empty(1), None) @ blank["statistics"]
    return Towers(kept, np.concatenate([movies, encode(nothing, blank)]))


@torch.inference_mode()
def export_content_vectors(net: HistoryNet, encoder: RatingEncoder) -> NDArray[np.float16] | None:
    """What content alone makes of the vector of a movie of which nothing else is known, as in `Towers.content`."""
    if encoder.content is None:
        return None
    net.eval()
    every = torch.arange(len(encoder.pattern.transposed.starts) - 1, device=encoder.device)
    added = (net.movies.unseen(encoder.content, every) - net.movies.unseen(None, every[:1])).cpu().numpy()
    return np.concatenate([added, np.zeros_like(added[:1])]).astype(np.float16)
