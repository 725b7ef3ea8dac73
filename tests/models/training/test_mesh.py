"""Sockets between workers, on this machine, with a worker in each thread."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest
from torch.distributed import HashStore

from cinematrix.models.training.mesh import Mesh

Meshes = list[Mesh]


@contextmanager
def joined(size: int, monkeypatch: pytest.MonkeyPatch, before: Callable[[HashStore], object] = id) -> Iterator[Meshes]:
    """Connect workers of one process; `before` runs when the first of them listens alone."""
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1")
    store = HashStore()
    with ThreadPoolExecutor(size) as pool:
        first = pool.submit(Mesh, store, 0, size, 20)
        before(store)
        others = [pool.submit(Mesh, store, rank, size, 20) for rank in range(1, size)]
        meshes = [each.result() for each in (first, *others)]
        yield meshes
    for mesh in meshes:
        mesh.close()


def test_all_workers_get_what_was_sent_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three workers exchange messages of all sizes: empty ones, and some larger than a socket takes at once."""
    sizes = np.array([[3, 0, 5_000_000], [4_000_000, 7, 1], [0, 6_000_000, 0]])
    values = [[np.random.default_rng(n).integers(256, size=n, dtype=np.uint8) for n in row] for row in sizes.tolist()]
    received = [[np.zeros(n, np.uint8) for n in column] for column in sizes.T.tolist()]
    with joined(3, monkeypatch) as meshes, ThreadPoolExecutor(3) as pool:
        for _ in pool.map(
            lambda at: meshes[at].exchange([v.data for v in values[at]], [r.data for r in received[at]]), range(3)
        ):
            pass
    for at, column in enumerate(received):
        for other, found in enumerate(column):
            np.testing.assert_array_equal(found, values[other][at])


def test_a_lost_and_a_silent_worker_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed connection is an error at once, silence one after the time."""
    empty, byte = np.zeros(0, np.uint8), np.zeros(1, np.uint8)
    with joined(2, monkeypatch) as (one, other):
        one.seconds = 0.05
        with pytest.raises(TimeoutError, match="nothing from worker 1 for 0 s"):
            one.exchange([empty.data, empty.data], [empty.data, byte.data])
        other.close()
        with pytest.raises(ConnectionError):
            one.exchange([empty.data, empty.data], [empty.data, byte.data])


def test_a_stranger_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection without the secret of the store takes no worker's place."""

    def intrude(store: HashStore) -> None:
        host, port, _ = store.get("mesh/0").decode().split()
        with socket.create_connection((host, int(port)), 20) as stranger:
            stranger.sendall(bytes(16) + (1).to_bytes(4))
            assert stranger.recv(1) == b""

    byte, sent = np.zeros(1, np.uint8), np.ones(1, np.uint8)
    with joined(2, monkeypatch, intrude) as meshes, ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda mesh: mesh.exchange([sent.data] * 2, [byte.data] * 2), meshes))
    assert byte[0] == 1
