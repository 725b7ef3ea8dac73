"""Sockets from each worker to each other, through which they exchange arrays on the CPU.

torch.distributed's gloo does the same through threads of its own: nine switches between threads an exchange, which cost
more than the bytes. Here the thread that computes also sends and receives.
"""

import os
import secrets
import select
import socket
from collections.abc import Sequence
from typing import Any

import numpy as np

Bytes = memoryview

TOKEN_BYTES = 16
"""Length of the secret by which a worker knows another that connects."""


class Mesh:
    """Connections of a worker to all others, through which all exchange at the same time."""

    def __init__(self, store: Any, rank: int, size: int, seconds: float) -> None:
        """Connect all workers, which find each other through the store of torch.distributed.

        Args:
            seconds: maximum time to wait for another worker, here and in an exchange.

        Raises:
            OSError: a worker can't be reached.
        """
        self.rank, self.seconds, self._sockets = rank, seconds, dict[int, socket.socket]()
        first, token = os.environ["MASTER_ADDR"], secrets.token_bytes(TOKEN_BYTES)
        own = _own_address(first)
        with socket.create_server(("", 0) if rank == 0 else (own, 0), family=_family(own)) as server:
            server.settimeout(seconds)
            store.set(f"mesh/{rank}", f"{first if rank == 0 else own} {server.getsockname()[1]} {token.hex()}")
            for other in range(rank):
                host, port, their_token = store.get(f"mesh/{other}").decode().split()
                connected = socket.create_connection((host, int(port)), seconds)
                connected.sendall(bytes.fromhex(their_token) + rank.to_bytes(4))
                self._keep(other, connected)
            while len(self._sockets) < size - 1:
                connected = server.accept()[0]
                connected.settimeout(seconds)
                greeting = connected.recv(TOKEN_BYTES + 4, socket.MSG_WAITALL)
                if secrets.compare_digest(greeting[:TOKEN_BYTES], token):
                    self._keep(int.from_bytes(greeting[TOKEN_BYTES:]), connected)
                else:
                    connected.close()

    def _keep(self, other: int, connected: socket.socket) -> None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setblocking(False)
        self._sockets[other] = connected

    def exchange(self, sent: Sequence[Bytes], received: Sequence[Bytes]) -> None:
        """Send bytes to each worker and receive those that it sends; what is for this worker itself is copied.

        Raises:
            OSError: a worker has ended, or sends nothing for too long.
        """
        received[self.rank][:] = sent[self.rank]
        to, of = dict(enumerate(sent)), dict(enumerate(received))
        waiting = dict(self._sockets)
        while True:
            for other, connected in list(waiting.items()):
                to[other], of[other] = _send(connected, to[other]), _receive(connected, of[other])
                if not (to[other] or of[other]):
                    del waiting[other]
            if not waiting:
                return
            poll = select.poll()
            for other, connected in waiting.items():
                poll.register(connected, select.POLLOUT * bool(to[other]) | select.POLLIN * bool(of[other]))
            if not poll.poll(1000 * self.seconds):
                raise TimeoutError(f"nothing from worker {min(waiting)} for {self.seconds:.0f} s")

    def close(self) -> None:
        """End all connections."""
        for connected in self._sockets.values():
            connected.close()


def bytes_of(rows: Any) -> Bytes:
    """Return the bytes of a tensor on the CPU, in place."""
    return rows.numpy().reshape(-1).view(np.uint8).data  # type: ignore[no-any-return]


def _send(connected: socket.socket, left: Bytes) -> Bytes:
    """Send what the connection takes at once; return the rest."""
    try:
        while left:
            left = left[connected.send(left) :]
    except BlockingIOError:
        pass
    return left


def _receive(connected: socket.socket, left: Bytes) -> Bytes:
    """Receive what has come; return the place of the rest."""
    try:
        while left:
            n = connected.recv_into(left)
            if not n:
                raise ConnectionError("a worker has closed its connection")
            left = left[n:]
    except BlockingIOError:
        pass
    return left


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _own_address(first: str) -> str:
    """Return the address by which the machine of the first worker sees this one."""
    family, kind, *_, address = socket.getaddrinfo(first, 1, type=socket.SOCK_DGRAM)[0]
    with socket.socket(family, kind) as probe:
        probe.connect(address)
        return str(probe.getsockname()[0])
