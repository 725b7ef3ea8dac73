"""The training loop of all nets. Needs torch.

A model passes a `TrainingTask`: its net, batches, loss and validation. The loop adds seeds, the learning-rate schedule,
gradient clipping, early stopping with the best weights restored, checkpoints, progress, and detection of divergence.

The random state is seeded anew each epoch from (seed, epoch). So a run that is resumed from a checkpoint equals an
uninterrupted one.
"""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import torch

from cinematrix.common.atomic_files import write_atomically
from cinematrix.common.progress import Progress, Silent, running
from cinematrix.common.world import ALONE, World
from cinematrix.errors import SettingError, TrainingError
from cinematrix.models.contract_types import TrainingLog, TrainingOptions
from cinematrix.models.training.checkpoint import (
    join_rows,
    join_state,
    own_rows,
    own_state,
    pack,
    select_prefix,
    unpack,
    whole_shapes,
)
from cinematrix.models.training.optimizer import AdamW

DIVERGENCE_FACTOR = 5.0
"""Training has diverged when the validation error exceeds this multiple of the untrained net's error by more than 1."""


@dataclass(frozen=True)
class Schedule:
    """Hyper-parameters of the training loop.

    Attributes:
        epochs: maximum passes over the data.
        learning_rate: Adam's step size; the peak of the one-cycle schedule.
        patience: epochs without a better validation error before training stops; 0: never stop early.
        one_cycle: warm up over the first part of all steps and cool down to 0 (Smith & Topin 2018); else constant.
        warm_up: share of all steps in the warm-up.
        weight_decay: AdamW's weight decay, on all parameters but biases and scales.
        clip: maximum norm of the gradient.
        table_rate: learning rate of tables, as a share of the others': see `optimizer.AdamW`.
        keep_best: validate each epoch and keep the best weights; False: keep the last weights, without validation.
        seed: random seed of everything.
    """

    epochs: int
    learning_rate: float
    patience: int = 3
    one_cycle: bool = False
    warm_up: float = 0.3
    weight_decay: float = 0.0
    clip: float = 5.0
    table_rate: float = 1.0
    keep_best: bool = True
    seed: int = 0

    @classmethod
    def one_cycle_of(cls, settings: Any) -> Self:
        """Create the one-cycle schedule of a model's settings."""
        return cls(
            epochs=settings.epochs, learning_rate=settings.learning_rate, patience=settings.patience, one_cycle=True,
            weight_decay=settings.weight_decay, seed=settings.seed,
        )  # fmt: skip


class TrainingTask(Protocol):
    """The part of a training that a model provides."""

    @property
    def net(self) -> torch.nn.Module:
        """The net to train, on its device."""
        ...

    steps_per_epoch: int

    def batches(self, rng: np.random.Generator) -> Iterator[Any]:
        """Yield the batches of one epoch, `steps_per_epoch` of them."""
        ...

    def loss(self, batch: Any) -> torch.Tensor:
        """Return the mean loss of a batch, a scalar with gradient; the net is in training mode."""
        ...

    def validate(self) -> float:
        """Return the validation error, lower is better; the net is in evaluation mode, without gradients."""
        ...


def train(
    task: TrainingTask,
    schedule: Schedule,
    *,
    run: TrainingOptions | None = None,
    what: str = "training",
    measure: str = "validation RMSE",
    data: str = "",
    progress: Progress | None = None,
) -> TrainingLog:
    """Train `task.net` in place and leave it with its best weights (or its last: `keep_best`), in evaluation mode.

    Build the task and train it within `seeded_torch`, so that the same seed gives the same weights.

    Args:
        run: checkpoint file, and whether to resume from it. The file remains at the end; the caller removes it once the
            model is saved. Of the workers of `run.world`, each trains with its own rows of the tables; the first one
            writes the checkpoint, which is that of the whole net.
        what: name of the task on the progress bar.
        measure: name of the value of `task.validate` on the progress bar.
        data: fingerprint of the training data; a checkpoint of other data is refused.

    Raises:
        TrainingError: the loss or the validation error became NaN, infinite, or diverged.
        SettingError: the checkpoint belongs to another training.
        ArtifactError: the checkpoint is damaged.
    """
    run, progress = run or TrainingOptions(), progress or Silent()
    state = _TrainingState(task, schedule, data, run.world)
    if not (run.resume and run.checkpoint is not None and state.restore(run.checkpoint)):
        state.validate_weights()
    with running(progress, what, schedule.epochs * task.steps_per_epoch):
        progress.advance(state.epoch * task.steps_per_epoch)
        while not state.finished:
            state.run_epoch(progress, measure)
            if run.checkpoint is not None:
                state.save(run.checkpoint)
    if schedule.keep_best:
        task.net.load_state_dict(state.best)
    task.net.eval()
    return state.log


def pick_device(name: str, *, double: bool = False) -> torch.device:
    """Return the device named `name`; auto is CUDA if available, else Apple's MPS, else the CPU.

    Args:
        double: the training computes in double precision too, which MPS can't.

    Raises:
        SettingError: the device isn't available here, or not for this training.
    """
    mps = torch.backends.mps.is_available() and not double
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": mps}
    if name == "auto":
        return torch.device(next(device for device in ("cuda", "mps", "cpu") if available[device]))
    if not available.get(name, False):
        names = ", ".join(device for device, is_available in available.items() if is_available)
        raise SettingError(f"device {name!r} isn't available here; auto or one of {names} is")
    return torch.device(name)


@contextmanager
def seeded_torch(seed: int, threads: int) -> Iterator[None]:
    """Set torch's threads, determinism and random state for building and training a net; restore them afterwards."""
    threads_before, deterministic = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    memory: Any = torch.utils.deterministic  # a module with a property that its type stubs lack
    fill_before = memory.fill_uninitialized_memory
    if threads:
        torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("warn")  # use_deterministic_algorithms loads the compiler: over a second
    memory.fill_uninitialized_memory = False  # it takes a twelfth of the time, and nothing reads the memory
    try:
        cuda_devices = torch.cuda.device_count() if torch.cuda.is_initialized() else 0  # type: ignore[no-untyped-call]
        with torch.random.fork_rng(devices=range(cuda_devices)):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads_before)
        torch.set_deterministic_debug_mode(deterministic)
        memory.fill_uninitialized_memory = fill_before


class _TrainingState:
    """State of one training; a checkpoint holds all of it."""

    def __init__(self, task: TrainingTask, schedule: Schedule, data: str, world: World = ALONE) -> None:
        self.task, self.schedule, self.data, self.world = task, schedule, data, world
        self.optimizer = AdamW(
            task.net.parameters(), weight_decay=schedule.weight_decay, table_rate=schedule.table_rate, world=world
        )
        self.total_steps = schedule.epochs * task.steps_per_epoch
        self.epoch = 0
        self.log = TrainingLog()
        self.best = _copy(task.net.state_dict()) if schedule.keep_best else {}

    @property
    def finished(self) -> bool:
        stale = self.epoch - self.log.best_epoch if self.schedule.keep_best else 0
        return self.epoch >= self.schedule.epochs or 0 < self.schedule.patience <= stale

    def run_epoch(self, progress: Progress, measure: str) -> None:
        rng = np.random.default_rng([self.schedule.seed, self.epoch])
        torch.manual_seed(int(rng.integers(2**62)))
        self.task.net.train()
        total = 0.0
        for batch_number, batch in enumerate(self.task.batches(rng)):
            loss = self._step(batch, self.epoch * self.task.steps_per_epoch + batch_number)
            total += loss
            error = f", {measure} {self.log.errors[-1]:.4f}" if self.log.errors else ""
            progress.advance(note=f"loss {loss:.4f}{error}")
        self.epoch += 1
        self.log.losses.append(total / self.task.steps_per_epoch)
        self.validate_weights()

    def validate_weights(self) -> None:
        """Validate the weights and keep them if they are the best so far."""
        if not self.schedule.keep_best:
            return
        net = self.task.net
        net.eval()
        with torch.inference_mode():
            error = self.task.validate()
        diverged = bool(self.log.errors) and error > DIVERGENCE_FACTOR * self.log.errors[0] + 1
        self._check("the validation error", error, diverged)
        if not self.log.errors or error < self.log.errors[self.log.best_epoch]:
            self.best, self.log.best_epoch = _copy(net.state_dict()), self.epoch
        self.log.errors.append(error)

    def _step(self, batch: Any, step: int) -> float:
        self.optimizer.clear_gradients()
        loss = self.task.loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        value = float(self.optimizer.sum_gradients(loss.detach()))
        self._check("the loss", value, False)
        self.optimizer.clip(self.schedule.clip)
        self.optimizer.step(self.schedule.learning_rate * self._rate_share(step))
        return value

    def _rate_share(self, step: int) -> float:
        """Return the learning rate's share of its peak at `step`: a cosine up, then a cosine down."""
        if not self.schedule.one_cycle:
            return 1.0
        warm_up_steps = self.schedule.warm_up * self.total_steps
        if step < warm_up_steps:
            return 0.04 + 0.96 * (1 - math.cos(math.pi * step / warm_up_steps)) / 2
        return (1 + math.cos(math.pi * (step - warm_up_steps) / max(self.total_steps - warm_up_steps, 1))) / 2

    def _check(self, what: str, value: float, diverged: bool) -> None:
        if math.isfinite(value) and not diverged:
            return
        raise TrainingError(
            f"{what} became {value:g} in epoch {self.epoch + 1}: training diverged; lower learning_rate "
            f"(now {self.schedule.learning_rate:g}) or clip (now {self.schedule.clip:g})"
        )

    def save(self, checkpoint: Path) -> None:
        """Write a checkpoint, of which each worker gives its part and the first one writes it."""
        content = self.serialise()
        if self.world.rank == 0:
            with write_atomically(checkpoint, force=True) as file:
                file.write_bytes(content)

    def serialise(self) -> bytes:
        world, net = self.world, self.task.net
        tensors = {f"net.{name}": tensor for name, tensor in join_state(world, net, net.state_dict()).items()}
        tensors |= {f"best.{name}": tensor for name, tensor in join_state(world, net, self.best).items()}
        for key, (p, state) in enumerate(zip(self.optimizer.parameters, self.optimizer.states, strict=True)):
            tensors |= {f"optimizer.{key}.{name}": join_rows(world, p, tensor) for name, tensor in state.items()}
        about = {"epoch": str(self.epoch), "log": json.dumps(asdict(self.log)), "of": self._identity()}
        return pack(tensors, about)

    def restore(self, checkpoint: Path) -> bool:
        """Go back to a checkpoint, which the first worker reads; return False if there is none."""
        file_bytes = self.world.share(lambda: checkpoint.read_bytes() if checkpoint.exists() else None)
        if file_bytes is None:
            return False
        tensors, about = unpack(file_bytes, checkpoint)
        if about["of"] != self._identity():
            raise SettingError(
                f"{checkpoint} is of another training; give the same data and settings, or train without --resume"
            )
        self.epoch, self.log = int(about["epoch"]), TrainingLog(**json.loads(about["log"]))
        self.task.net.load_state_dict(own_state(self.task.net, select_prefix(tensors, "net.")))
        self.best = own_state(self.task.net, select_prefix(tensors, "best."))
        self.optimizer.restore(
            {name: own_rows(p, tensor) for name, tensor in select_prefix(tensors, f"optimizer.{key}.").items()}
            for key, p in enumerate(self.optimizer.parameters)
        )
        return True

    def _identity(self) -> str:
        """Return all that must be equal for a checkpoint to fit: the schedule, the net's shape and the data."""
        return json.dumps([asdict(self.schedule), whole_shapes(self.task.net), self.data], sort_keys=True)


def _copy(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in state.items()}
