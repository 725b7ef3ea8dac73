"""Tests of the training loop: `cinematrix.models.training.loop`."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.errors import ArtifactError, SettingError, TrainingError
from cinematrix.models.artifact import save
from cinematrix.models.autorec.model import AutoRec
from cinematrix.models.autorec.settings import AutoRecSettings
from cinematrix.models.base import Recommender
from cinematrix.models.contract_types import TrainingLog, TrainingOptions
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.models.deep_mf_classic.model import DeepMFClassic
from cinematrix.models.deep_mf_classic.settings import DeepMFClassicSettings
from cinematrix.models.neumf.model import NeuMF
from cinematrix.models.neumf.settings import NeuMFSettings
from cinematrix.models.training.loop import Schedule, _TrainingState, pick_device, seeded_torch, train
from cinematrix.models.training.optimizer import AdamW
from cinematrix.models.vae.model import VAE
from cinematrix.models.vae.settings import VAESettings
from training_task import LineTask

SCHEDULE = Schedule(epochs=6, learning_rate=0.05, patience=0, weight_decay=0.1)


@dataclass
class Listener:
    """Progress receiver that records its calls."""

    started: list[tuple[str, int]] = field(default_factory=list)
    steps: int = 0
    notes: list[str] = field(default_factory=list)
    stopped: int = 0

    def start(self, what: str, total: int) -> None:
        """Record the task."""
        self.started.append((what, total))

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count the steps."""
        self.steps += steps
        self.notes.append(note)

    def stop(self) -> None:
        """Count the calls."""
        self.stopped += 1


class Killed(Exception):  # noqa: N818 - it isn't an error
    """Simulates `kill -9`."""


class Killer(Listener):
    """Progress receiver that ends the training at a step."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Raise `Killed` at the given step."""
        super().advance(steps, note)
        if self.steps >= self.at:
            raise Killed


def train_seeded(task: LineTask, schedule: Schedule = SCHEDULE, **more: Any) -> TrainingLog:
    """Train as the models do, within `seeded_torch`."""
    with seeded_torch(schedule.seed, 1):
        return train(task, schedule, **more)


def make_task(seed: int = 0, **more: Any) -> LineTask:
    """Return a task with weights drawn from a seed."""
    with seeded_torch(seed, 1):
        return LineTask(**more)


def weights(task: LineTask) -> dict[str, bytes]:
    """Return the bytes of a net's weights."""
    return {name: tensor.numpy().tobytes() for name, tensor in task.net.state_dict().items()}


def test_it_learns_and_logs_every_epoch() -> None:
    """Errors fall; there is a loss per epoch and one more error, that of the untrained net."""
    task = make_task()
    log = train_seeded(task)
    assert len(log.losses) == 6
    assert len(log.errors) == 7
    assert log.errors[log.best_epoch] == min(log.errors) < 0.5 * log.errors[0]
    assert not task.net.training
    assert len(task.batches_seen) == 24
    for epoch in range(6):
        rows = torch.cat(task.batches_seen[4 * epoch : 4 * epoch + 4])
        assert sorted(rows.tolist()) == list(range(32))


@pytest.mark.parametrize(
    ("patience", "errors", "epochs", "best"),
    [
        (2, [9, 5, 6, 7, 1, 1, 1], 3, 1),
        (3, [9, 5, 6, 7, 1, 2, 2], 6, 4),
        (1, [3, 4, 1, 1, 1, 1, 1], 1, 0),
        (2, [3, 3, 3, 3, 3, 3, 3], 2, 0),
        (0, [9, 5, 6, 7, 8, 8, 8], 6, 1),
    ],
)
def test_it_stops_after_patience_and_restores_the_best_weights(
    patience: int, errors: list[float], epochs: int, best: int
) -> None:
    """It stops after `patience` epochs without a better error (a tie isn't better), with the best weights."""
    task = make_task(errors=errors)
    log = train_seeded(task, replace(SCHEDULE, patience=patience))
    assert len(log.losses) == epochs
    assert log.best_epoch == best
    for name, tensor in task.net.state_dict().items():
        assert torch.equal(tensor, task.validated[best][name])
    if best:
        assert not torch.equal(task.net[0].weight, task.validated[best - 1]["0.weight"])


def test_one_cycle_warms_up_and_cools_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rate rises from 4 % along a cosine to its peak at the end of the warm-up and falls along another to 0."""
    rates: list[float] = []
    step = AdamW.step
    monkeypatch.setattr(AdamW, "step", lambda self, rate: rates.append(rate) or step(self, rate))
    train_seeded(make_task(), replace(SCHEDULE, epochs=10, one_cycle=True, warm_up=0.25))
    top, n = 10, 40
    up = [0.05 * (0.04 + 0.96 * (1 - math.cos(math.pi * s / top)) / 2) for s in range(top)]
    down = [0.05 * (1 + math.cos(math.pi * (s - top) / (n - top))) / 2 for s in range(top, n)]
    np.testing.assert_allclose(rates, up + down, rtol=1e-12)
    assert max(rates) == rates[top] == 0.05
    assert rates[-1] < 0.001
    rates.clear()
    train_seeded(make_task(), replace(SCHEDULE, epochs=2))
    assert rates == [0.05] * 8


def test_without_keep_best_nothing_is_validated_and_the_last_weights_stay() -> None:
    """`keep_best=False` trains all epochs without validation."""
    task, validated = make_task(errors=[1.0, 0.5, 2.0, 2.0]), make_task(errors=[1.0, 0.9, 0.8, 0.7])
    log = train_seeded(task, replace(SCHEDULE, epochs=3, keep_best=False))
    train_seeded(validated, replace(SCHEDULE, epochs=3))
    assert (log.errors, len(log.losses), task.validated) == ([], 3, [])
    assert torch.equal(task.net[2].bias, validated.net[2].bias)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_an_error_with_advice(bad: float) -> None:
    """NaN or infinity stops the training at that step, and the error says which setting to lower."""
    task = make_task(losses=[1.0] * 5 + [bad] * 99)
    with pytest.raises(
        TrainingError, match=r"the loss became (nan|inf) in epoch 2: .*lower learning_rate \(now 0.05\)"
    ):
        train_seeded(task)
    assert len(task.batches_seen) == 6


@pytest.mark.parametrize("bad", [math.nan, math.inf, 11.1])
def test_a_validation_error_that_diverges_is_an_error(bad: float) -> None:
    """NaN, infinity or more than five times the untrained net's error plus 1 is divergence; anything below isn't."""
    with pytest.raises(TrainingError, match=r"the validation error became .*training diverged.*clip \(now 5\)"):
        train_seeded(make_task(errors=[2.0, 1.0, bad, 1.0, 1.0, 1.0, 1.0]))
    assert len(train_seeded(make_task(errors=[2.0, 1.0, 10.9, 1.0, 1.0, 1.0, 1.0])).losses) == 6


def test_progress_gets_every_step() -> None:
    """It gets the total, each step with the loss and the validation error, and the end."""
    progress = Listener()
    train_seeded(make_task(), what="a net", measure="validation XY", progress=progress)
    assert progress.started == [("a net", 24)]
    assert progress.steps == 24
    assert progress.stopped == 1
    assert all("loss " in note and "validation XY " in note for note in progress.notes[1:])


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    """Random numbers drawn before don't matter."""
    first, second, other = make_task(), make_task(), make_task(seed=1)
    train_seeded(first)
    torch.rand(17)
    np.random.default_rng().random()
    train_seeded(second)
    train_seeded(other, replace(SCHEDULE, seed=1))
    assert weights(first) == weights(second) != weights(other)


@pytest.mark.parametrize("at", [2, 8, 9, 23])
@pytest.mark.parametrize("extra", [{}, {"one_cycle": True}, {"keep_best": False}, {"patience": 2}], ids=str)
def test_a_resumed_training_equals_an_uninterrupted_one(tmp_path: Path, at: int, extra: dict[str, Any]) -> None:
    """Killed at any step and resumed in a new task, it ends with the same weights and log, bit for bit."""
    schedule = replace(SCHEDULE, **extra)
    uninterrupted = make_task()
    log = train_seeded(uninterrupted, schedule)
    run = TrainingOptions(checkpoint=tmp_path / "c")
    with pytest.raises(Killed):
        train_seeded(make_task(), schedule, run=run, data="d", progress=Killer(at))
    assert (tmp_path / "c").exists() == (at > 4)
    resumed, progress = make_task(seed=9), Listener()
    if at <= 4:
        resumed = make_task()  # there is no checkpoint: it starts anew
    assert train_seeded(resumed, schedule, run=replace(run, resume=True), data="d", progress=progress) == log
    assert weights(resumed) == weights(uninterrupted)
    assert progress.steps == 4 * len(log.losses)
    assert len(resumed.batches_seen) == 4 * len(log.losses) - (at - 1) // 4 * 4
    assert [file.name for file in tmp_path.iterdir()] == ["c"]


def test_a_finished_training_resumed_does_nothing_more(tmp_path: Path) -> None:
    """The checkpoint stays until the caller removes it; resuming from it takes no step."""
    run = TrainingOptions(checkpoint=tmp_path / "c")
    first, second = make_task(), make_task(seed=3)
    log = train_seeded(first, run=run)
    assert train_seeded(second, run=replace(run, resume=True)) == log
    assert weights(first) == weights(second)
    assert second.batches_seen == []


def test_without_resume_a_checkpoint_is_overwritten(tmp_path: Path) -> None:
    """Without `resume`, an existing checkpoint is ignored."""
    run = TrainingOptions(checkpoint=tmp_path / "c")
    train_seeded(make_task(seed=1), run=run, data="other")
    first, second = make_task(), make_task()
    train_seeded(first, run=run)
    train_seeded(second)
    assert weights(first) == weights(second)


@pytest.mark.parametrize(
    ("schedule", "data"),
    [({"seed": 1}, "d"), ({"epochs": 7}, "d"), ({"learning_rate": 0.01}, "d"), ({"weight_decay": 0.0}, "d"), ({}, "e")],
)
def test_a_checkpoint_of_other_data_or_settings_is_refused(tmp_path: Path, schedule: dict[str, Any], data: str) -> None:
    """The error names the file and asks for the same data and settings."""
    run = TrainingOptions(checkpoint=tmp_path / "c", resume=True)
    train_seeded(make_task(), run=run, data="d")
    with pytest.raises(SettingError, match=r"c is of another training; give the same data and settings, or train"):
        train_seeded(make_task(), replace(SCHEDULE, **schedule), run=run, data=data)
    assert isinstance(train_seeded(make_task(), run=run, data="d"), TrainingLog)


def test_a_checkpoint_of_a_net_of_another_shape_is_refused(tmp_path: Path) -> None:
    """A wider net isn't resumed from a narrower one's checkpoint."""
    run = TrainingOptions(checkpoint=tmp_path / "c", resume=True)
    train_seeded(make_task(), run=run)
    wider = make_task()
    wider.net = torch.nn.Sequential(torch.nn.Linear(3, 6), torch.nn.Linear(6, 1))
    with pytest.raises(SettingError, match="another training"):
        train_seeded(wider, run=run)


def test_any_damage_to_a_checkpoint_is_one_clear_error(tmp_path: Path) -> None:
    """A checkpoint that is cut, emptied, extended or changed in any byte is refused, and the net isn't changed."""
    run = TrainingOptions(checkpoint=tmp_path / "c", resume=True)
    train_seeded(make_task(), run=run)
    file_bytes = (tmp_path / "c").read_bytes()
    rng = np.random.default_rng(3)
    damaged = [
        b"",
        file_bytes[:-1],
        file_bytes[: len(file_bytes) // 2],
        file_bytes[:40],
        file_bytes + b"\0",
        b"\x80\x04pickle" * 9,
    ]
    for place in rng.integers(0, len(file_bytes), 50):
        damaged.append(
            file_bytes[:place] + bytes([file_bytes[place] ^ int(rng.integers(1, 256))]) + file_bytes[place + 1 :]
        )
    for content in damaged:
        (tmp_path / "c").write_bytes(content)
        task = make_task()
        before = weights(task)
        with pytest.raises(ArtifactError, match=r"c is damaged or no checkpoint; remove it, or train without --resume"):
            train_seeded(task, run=run)
        assert weights(task) == before


def test_torch_is_left_as_it_was() -> None:
    """The global random state, the threads and determinism are restored, after errors too."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.manual_seed(5)
    before = torch.get_rng_state()
    train_seeded(make_task())
    for bad in (make_task(losses=[math.nan] * 99), make_task(errors=[math.nan])):
        with pytest.raises(TrainingError):
            train_seeded(bad)
    with seeded_torch(1, threads + 1):
        assert torch.get_num_threads() == threads + 1
        assert torch.are_deterministic_algorithms_enabled()
        torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    assert torch.are_deterministic_algorithms_enabled() == deterministic


def test_an_unavailable_device_is_refused() -> None:
    """The error lists the available devices; auto is always one of them."""
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(SettingError, match=r"device 'tpu' isn't available here; auto or one of cpu"):
        pick_device("tpu")


def test_double_precision_is_not_asked_of_mps(monkeypatch: pytest.MonkeyPatch) -> None:
    """With MPS alone, a training that needs double precision runs on the CPU, and MPS by name is refused."""
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto").type == pick_device("mps", double=False).type == "mps"
    assert pick_device("auto", double=True).type == "cpu"
    with pytest.raises(SettingError, match=r"device 'mps' isn't available here; auto or one of cpu is"):
        pick_device("mps", double=True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto", double=True).type == "cuda"


def test_the_random_state_of_gpus_in_use_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both GPUs of a process that uses them have their state back, and CUDA isn't started for a training on the CPU."""
    states = {0: torch.tensor([7]), 1: torch.tensor([8])}
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: states[device])
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: states.update({device: state}))
    monkeypatch.setattr(
        torch.cuda, "manual_seed_all", lambda seed: states.update({d: torch.tensor([seed]) for d in states})
    )
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    with seeded_torch(3, 1):
        assert [state.item() for state in states.values()] == [3, 3]
    assert [state.item() for state in states.values()] == [7, 8]
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda _: pytest.fail("CUDA was started"))
    with seeded_torch(3, 1):
        pass


@pytest.mark.filterwarnings("ignore:for .* copying from a non-meta parameter")
def test_a_resumed_training_has_its_optimizer_on_its_device(tmp_path: Path) -> None:
    """A checkpoint's tensors go to the device of the net that goes on with it."""
    run = TrainingOptions(checkpoint=tmp_path / "c")
    train_seeded(make_task(), run=run)
    task = make_task()
    task.net.to("meta")
    state = _TrainingState(task, SCHEDULE, "")
    state.restore(tmp_path / "c")
    assert len(state.optimizer.states) == 4
    for saved in state.optimizer.states:
        assert {name: tensor.device.type for name, tensor in saved.items()} == {
            "step": "cpu", "exp_avg": "meta", "exp_avg_sq": "meta",
        }  # fmt: skip


SMALL_CLASSIC = DeepMFClassicSettings(factors=4, batch=128, epochs=3, hidden=(8, 4))
SMALL_DEEP = DeepMFSettings(factors=8, members=2, epochs=3, ranking_epochs=3, batch=400)
MODELS: list[tuple[type[Recommender], Any]] = [
    (DeepMFClassic, SMALL_CLASSIC),
    (DeepMF, SMALL_DEEP),
    (AutoRec, AutoRecSettings(hidden=4, epochs=3, batch=20)),
    (VAE, VAESettings(factors=4, epochs=3)),
    (NeuMF, NeuMFSettings(factors=4, epochs=3, batch=200)),
]
REAL = pytest.mark.parametrize(("kind", "small"), MODELS, ids=[kind.name for kind, _ in MODELS])


@REAL
def test_an_absurd_learning_rate_ends_in_an_error(
    kind: Callable[..., Recommender], small: Any, world: tuple[Ratings, Catalog]
) -> None:
    """A rate of 10⁹ is reported as divergence, with the advice to lower it."""
    with pytest.raises(TrainingError, match=r"training diverged; lower learning_rate \(now 1e\+09\)"):
        kind(replace(small, learning_rate=1e9)).fit(*world, run=TrainingOptions(threads=1))


@REAL
def test_models_resume_to_the_same_bytes(
    kind: Callable[..., Recommender], small: Any, world: tuple[Ratings, Catalog], tmp_path: Path
) -> None:
    """Killed and resumed through `TrainingOptions`, a model equals that of an uninterrupted fit, byte for byte."""
    progress = Listener()
    uninterrupted = kind(small).fit(*world, progress=progress, run=TrainingOptions(threads=1))
    save(uninterrupted, tmp_path / "whole")
    for at in (progress.steps // 3 + 1, progress.steps * 5 // 6):
        run = TrainingOptions(threads=1, checkpoint=tmp_path / f"c{at}")
        with pytest.raises(Killed):
            kind(small).fit(*world, progress=Killer(at), run=run)
        resumed_progress = Listener()
        resumed = kind(small).fit(*world, progress=resumed_progress, run=replace(run, resume=True))
        save(resumed, tmp_path / f"m{at}")
        assert {head: asdict(log) for head, log in resumed.log.items()} == {  # type: ignore[attr-defined]
            head: asdict(log)
            for head, log in uninterrupted.log.items()  # type: ignore[attr-defined]
        }
        assert len(resumed_progress.notes) < len(progress.notes), "it didn't resume from the checkpoint"
        for file in (tmp_path / "whole").iterdir():
            assert (tmp_path / f"m{at}" / file.name).read_bytes() == file.read_bytes(), file.name


@REAL
def test_models_refuse_a_checkpoint_of_other_data(
    kind: Callable[..., Recommender], small: Any, world: tuple[Ratings, Catalog], tmp_path: Path
) -> None:
    """One changed rating (or a removed one, without ratings), or another seed, and the checkpoint is refused."""
    ratings, catalog = world
    run = TrainingOptions(threads=1, checkpoint=tmp_path / "c", resume=True)
    kind(small).fit(ratings, catalog, run=run)
    assert ratings.rating is not None
    changed, rest = ratings.rating.copy(), np.arange(1, len(ratings))
    changed[0] = 5.5 - changed[0]
    other = replace(ratings, rating=changed) if kind.abilities.stars else ratings.take(rest)  # type: ignore[attr-defined]
    with pytest.raises(SettingError, match="is of another training"):
        kind(small).fit(other, catalog, run=run)
    with pytest.raises(SettingError, match="is of another training"):
        kind(replace(small, seed=1)).fit(ratings, catalog, run=run)


@REAL
def test_models_leave_torch_as_it_was(
    kind: Callable[..., Recommender], small: Any, world: tuple[Ratings, Catalog]
) -> None:
    """Fitting changes neither torch's global random state nor its threads."""
    threads, before = torch.get_num_threads(), torch.get_rng_state()
    kind(small).fit(*world, run=TrainingOptions(threads=threads + 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
