"""Export of a trained net to `towers.Towers`, which serve. Needs torch."""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from cinematrix.data.histories import Histories
from cinematrix.models.deep_mf.closed_forms import TrainedHead
from cinematrix.models.deep_mf.encoder import RatingEncoder
from cinematrix.models.deep_mf.network import HistoryNet
from cinematrix.models.deep_mf.towers import Towers, encode, history_statistics


def export_head(net: HistoryNet, encoder: RatingEncoder) -> TrainedHead:
    """Return the towers, biases and standard deviation of a trained net, with the ratings of `encoder` as histories."""
    towers = replace(export_towers(net, encoder), content=export_content_vectors(net, encoder))
    return TrainedHead(towers, encoder.biases, encoder.sigma)


@torch.inference_mode()
def export_towers(net: HistoryNet, encoder: RatingEncoder, table_type: type[np.floating] = np.float16) -> Towers:
    """Return the user's tower and all movies' vectors, computed from all ratings of the encoder.

    Args:
        table_type: type of the tower's tables, the largest arrays of a model. Half precision costs no place in lists.
    """
    net.eval()
    movies = encoder.encode_movies(net).cpu().numpy()
    weights = {name: tensor.cpu().numpy() for name, tensor in net.users.state_dict().items()}
    rated = encoder.totals[:, 0].cpu().numpy() > 0
    for place, table in enumerate(net.users.item_tables(encoder.content)):
        own_rows = weights[f"tables.{place}"]
        shown = table.cpu().numpy() - np.where(rated[:, None], np.float32(0), own_rows)
        weights[f"tables.{place}"] = shown.astype(table_type)
    exported = {n.removesuffix(".0") if n == "ids.0" else n: w for n, w in weights.items() if "content" not in n}
    if "ids" in exported:
        exported["ids"] = (
            exported["ids"] * (np.bincount(encoder.users.cpu(), minlength=len(exported["ids"])) > 0)[:, None]
        )
    for gate in net.pair:
        exported |= {f"pair.{name}": tensor.cpu().numpy() for name, tensor in gate.state_dict().items()}
    movie_weights = {name: tensor.cpu().numpy() for name, tensor in net.movies.state_dict().items()}
    empty = history_statistics(Histories.empty(1), None) @ movie_weights["statistics"]
    return Towers(exported, np.ascontiguousarray(np.concatenate([movies, encode(empty, movie_weights)])))


@torch.inference_mode()
def export_content_vectors(net: HistoryNet, encoder: RatingEncoder) -> NDArray[np.float16] | None:
    """Return the part of each movie's vector that comes from content alone, as in `Towers.content`."""
    if encoder.content is None:
        return None
    net.eval()
    movies = encoder.all_movies
    added = (net.movies.unseen(encoder.content, movies) - net.movies.unseen(None, movies[:1])).cpu().numpy()
    return np.concatenate([added, np.zeros_like(added[:1])]).astype(np.float16, order="C")
