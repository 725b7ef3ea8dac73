"""Workers in processes of their own, on one machine or several: a `World` over torch.distributed. Needs torch.

Rows that are joined, or summed for their owners, carry gradients; either operation is the gradient of the other.
"""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any, NoReturn, Self

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous

from cinematrix.common.world import Item, Part, World
from cinematrix.errors import TrainingError
from cinematrix.models.training.mesh import Mesh, bytes_of

TIMEOUT = timedelta(minutes=5)
"""Maximum time that workers wait for each other in a step; a process that ends is noticed at once."""

ROLL_CALL = timedelta(seconds=10)
"""Time in which every worker that is alive answers after another was lost."""

WAIT = timedelta(seconds=1)
"""Time after which a worker without a job looks at signals."""

JOB, DONE, FAILED = "job", "done", "failed"
"""Messages of the first worker: there is a part of a head to train, there is no more, or it has failed."""


class Workers(World):
    """Workers that exchange through torch.distributed.

    Attributes:
        sent: bytes that this worker has sent to others in steps.
        names: process and machine of each worker.
    """

    def __init__(self, store: Any, rank: int, size: int) -> None:
        self.store, self.rank, self.size = store, rank, size
        self.sent = self.jobs = 0
        self.failing, self.lost = False, list[int]()
        store.set(f"name/{rank}", f"process {os.getpid()} on {socket.gethostname()}")
        self.names = [store.get(f"name/{each}").decode() for each in range(size)]
        self._mesh = Mesh(store, rank, size, TIMEOUT.total_seconds())

    @classmethod
    @contextmanager
    def joined(cls) -> Iterator[Self]:
        """Join the workers that a launcher has started: `torchrun`, or any that sets its environment variables.

        Raises:
            TrainingError: a worker can't be reached, or was lost inside the context.
        """
        backend = "gloo"
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)) % torch.cuda.device_count())
            backend = "cpu:gloo,cuda:nccl"
        try:
            store, rank, size = next(rendezvous("env://", timeout=TIMEOUT))
            dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=TIMEOUT)
            world = cls(store, rank, size)
        except (RuntimeError, ValueError, OSError) as error:
            raise TrainingError(f"the workers can't join: {error}; see docs/several-machines.md") from error
        try:
            with world._ended_by_launcher():
                yield world
            world._say(f"job/{world.jobs}", DONE)
        except BaseException as error:
            world._tell(error)
            raise
        finally:
            world._leave()
            world._mesh.close()
            dist.destroy_process_group()

    def work(self) -> None:
        while self._await_job() == JOB:
            self._receive_job().train(self)

    def _receive_job(self) -> Any:
        received = [None]
        self._exchange(lambda: dist.recv_object_list(received, src=0))
        return received[0]

    def scatter(self, whole: Item, cut: Callable[[int], Item]) -> Item:
        self._say(f"job/{self.jobs}", JOB)
        self.jobs += 1
        for rank in range(1, self.size):
            self._exchange(partial(dist.send_object_list, [cut(rank)], dst=rank))
        return cut(0)

    def share(self, make: Callable[[], Any]) -> Any:
        shared = [make() if self.rank == 0 else None]
        self._exchange(lambda: dist.broadcast_object_list(shared, src=0))
        return shared[0]

    def sum(self, values: Any) -> Any:
        """Return the sum over all workers, without a gradient; each worker gets the same bytes."""
        flat = values.detach().flatten()
        if self.size == 2:  # as many bytes in one exchange as in two
            return self.send_rows([flat] * 2, [len(flat)] * 2).view(2, *values.shape).sum(0)
        part = Part(tuple(len(flat) * place // self.size for place in range(self.size + 1)), self.rank)
        return self.joined_rows(self.total_own(flat, part), part).view(values.shape)

    def std(self, values: Any) -> Any:
        values = values.double()
        n, total, squares = self.sum(torch.stack([torch.ones_like(values).sum(), values.sum(), (values**2).sum()]))
        return (squares / n - (total / n) ** 2).clamp_min(0).sqrt()

    def sum_own(self, rows: Any, part: Part) -> Any:
        return _SumOwn.apply(rows, part, self)  # type: ignore[no-untyped-call]

    def join(self, rows: Any, part: Part) -> Any:
        return _Join.apply(rows, part, self)  # type: ignore[no-untyped-call]

    def join_and_sum(self, rows: Any, part: Part, addends: Any) -> tuple[Any, Any]:
        n = addends.numel()
        sent = torch.cat([rows.flatten(), addends.flatten()])
        received = self.send_rows([sent] * self.size, [size * rows.shape[1] + n for size in part.sizes])
        pieces = torch.split(received, [size for each in part.sizes for size in (each * rows.shape[1], n)])
        joined = torch.cat([piece.view(-1, rows.shape[1]) for piece in pieces[::2]])
        return joined, torch.stack(pieces[1::2]).sum(0).view_as(addends)

    def swap(self, sums: Any, rows: Any, part: Part) -> Any:
        if rows is None:
            return self.sum_own(sums, part), None
        return _Swap.apply(sums, rows, part, self)  # type: ignore[no-untyped-call]

    def sum_gradients(self, shared: Sequence[Any], own: Sequence[Any], loss: Any) -> tuple[Any, Any]:
        squares = [gradient.square().sum() for gradient in own]
        flat = torch.cat([gradient.flatten() for gradient in (*shared, *squares, loss)])
        sizes = [*(each.numel() for each in shared), len(own), 1]
        *totals, norms, total_loss = torch.split(self.sum(flat), sizes)
        for gradient, total in zip(shared, totals, strict=True):
            gradient.copy_(total.view_as(gradient))
        return total_loss, norms.sqrt()

    def swapped(self, sums: torch.Tensor, rows: torch.Tensor, part: Part) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the sum over all workers of `sums` for the rows of this one's part, and all their `rows`.

        Neither has a gradient. Each worker sends both to each other one in one message.
        """
        width, other_width = sums.shape[1], rows.shape[1]
        sent = [torch.cat([own.flatten(), rows.flatten()]) for own in torch.split(sums, part.sizes)]
        mine, theirs = part.size * width, [size * other_width for size in part.sizes]
        received = self.send_rows(sent, [mine + each for each in theirs])
        pieces = torch.split(received, [size for each in theirs for size in (mine, each)])
        return torch.stack(pieces[::2]).sum(0).view(-1, width), torch.cat(pieces[1::2]).view(-1, other_width)

    def total_own(self, rows: torch.Tensor, part: Part) -> torch.Tensor:
        """Return the sum over all workers of the rows of this one's part, without a gradient."""
        received = self.send_rows(torch.split(rows, part.sizes), [part.size] * self.size)
        return received.view(self.size, part.size, *rows.shape[1:]).sum(0)

    def joined_rows(self, rows: torch.Tensor, part: Part) -> torch.Tensor:
        """Return the rows of all workers' parts, without a gradient."""
        return self.send_rows([rows] * self.size, part.sizes)

    def send_rows(self, rows: Sequence[torch.Tensor], of: list[int]) -> torch.Tensor:
        """Send rows to each worker; return those that each has sent, so many of each."""
        rows = [each.detach().contiguous() for each in rows]
        received = rows[0].new_empty(sum(of), *rows[0].shape[1:])
        if received.is_cuda:
            self._exchange(lambda: dist.all_to_all_single(received, torch.cat(rows), of, [len(each) for each in rows]))
        else:
            of_each = torch.split(received, of)
            self._exchange(lambda: self._mesh.exchange(list(map(bytes_of, rows)), list(map(bytes_of, of_each))))
        self.sent += sum(each.nbytes for rank, each in enumerate(rows) if rank != self.rank)
        return received

    def _exchange(self, call: Callable[[], object]) -> None:
        try:
            call()
        except (RuntimeError, OSError) as error:
            self._fail(f"the workers can't exchange: {error}")

    def _say(self, key: str, message: str) -> None:
        """Leave a message for the other workers, if they can be reached."""
        with suppress(RuntimeError):
            self.store.set(key, message)

    def _leave(self) -> None:
        """Leave the workers; the first one, who may have the messages, waits until the others have read them."""
        self._say(f"left/{self.rank}", "")
        with suppress(RuntimeError):
            for rank in range(1, self.size) if self.rank == 0 else []:
                if rank not in self.lost:
                    self._has(f"left/{rank}", ROLL_CALL)

    def _tell(self, error: BaseException) -> None:
        """Tell the others of an error, unless it came from another worker."""
        if self.rank == 0:
            self._say(f"job/{self.jobs}", FAILED)
        if not self.failing:
            self._say(f"end/{self.rank}", str(error) or type(error).__name__)
            self._say(f"roll/{self.rank}", "")

    def _await_job(self) -> str:
        """Wait for the first worker's next message, for as long as it takes."""
        key = f"job/{self.jobs}"
        self.jobs += 1
        try:
            while not self._has(key, WAIT):
                continue
            message: str = self.store.get(key).decode()
        except RuntimeError as error:
            self._fail(f"the first worker can't be reached: {error}")
        if message == FAILED:
            self._fail("the first worker failed")
        return message

    def _has(self, key: str, time: timedelta) -> bool:
        """Wait for a message for some time; return False if there is none."""
        try:
            self.store.wait([key], time)
        except dist.DistStoreError:
            return False
        return True

    @contextmanager
    def _ended_by_launcher(self) -> Iterator[None]:
        """Turn the launcher's SIGTERM into an error that tells why it came."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGTERM, lambda *_: self._fail("the launcher ended the training"))
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def _fail(self, reason: str) -> NoReturn:
        """Raise an error that names the workers that don't answer, or else the one that failed."""
        self.failing = True
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise TrainingError(self._explain(reason)) from None

    def _explain(self, reason: str) -> str:
        """Return the cause of a failed exchange: all workers answer a roll call, but those that are lost."""
        try:
            self.store.set(f"roll/{self.rank}", "")
            self.lost = lost = [rank for rank in range(self.size) if not self._has(f"roll/{rank}", ROLL_CALL)]
            ended = [rank for rank in range(self.size) if self.store.check([f"end/{rank}"])]
            said = [self.store.get(f"end/{rank}").decode() for rank in ended[:1]]
        except RuntimeError:  # the first machine has the messages
            lost, ended, said = [0], [], []
        names = [f"worker {rank} ({self.names[rank]})" for rank in lost or ended]
        if lost:
            return f"{' and '.join(names)} of {self.size} workers got lost; start again with --resume"
        return f"{names[0]} ended: {said[0]}" if ended else reason


class _SumOwn(torch.autograd.Function):
    """`Workers.sum_own`, whose gradient is joined."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, part: Part, world: Workers) -> torch.Tensor:
        ctx.part, ctx.world = part, world
        return world.total_own(rows, part)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return ctx.world.joined_rows(gradient, ctx.part), None, None


class _Join(torch.autograd.Function):
    """`Workers.join`, whose gradient is summed for its owners."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, part: Part, world: Workers) -> torch.Tensor:
        ctx.part, ctx.world = part, world
        return world.joined_rows(rows, part)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        return ctx.world.total_own(gradient, ctx.part), None, None


class _Swap(torch.autograd.Function):
    """`Workers.swap`, whose gradient is the same with sums and rows exchanged."""

    @staticmethod
    def forward(
        ctx: Any, sums: torch.Tensor, rows: torch.Tensor, part: Part, world: Workers
    ) -> tuple[torch.Tensor, torch.Tensor]:
        ctx.part, ctx.world = part, world
        return world.swapped(sums, rows, part)

    @staticmethod
    def backward(ctx: Any, of_sums: torch.Tensor, of_rows: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        rows, sums = ctx.world.swapped(of_rows, of_sums, ctx.part)
        return sums, rows, None, None
