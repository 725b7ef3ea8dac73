"""The one training loop: `cinematrix.models.training.loop`."""

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
from cinematrix.models.base import Recommender, TrainingLog, TrainingOptions
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.models.deep_mf_classic.model import DeepMFClassic
from cinematrix.models.deep_mf_classic.settings import DeepMFClassicSettings
from cinematrix.models.neumf.model import NeuMF
from cinematrix.models.neumf.settings import NeuMFSettings
from cinematrix.models.training.loop import Schedule, pick_device, seeded_torch, train
from cinematrix.models.training.optimizer import AdamW
from cinematrix.models.vae.model import VAE
from cinematrix.models.vae.settings import VAESettings
from training_task import LineTask

SCHEDULE = Schedule(epochs=6, learning_rate=0.05, patience=0, weight_decay=0.1)


@dataclass
class Listener:
    """Progress that remembers what it hears."""

    started: list[tuple[str, int]] = field(default_factory=list)
    steps: int = 0
    notes: list[str] = field(default_factory=list)
    stopped: int = 0

    def start(self, what: str, total: int) -> None:
        """Remember what begins."""
        self.started.append((what, total))

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Count."""
        self.steps += steps
        self.notes.append(note)

    def stop(self) -> None:
        """Count."""
        self.stopped += 1


class Killed(Exception):  # noqa: N818 - it is none
    """Stands for `kill -9`."""


class Killer(Listener):
    """Progress that ends the training at a step."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Die at the appointed step."""
        super().advance(steps, note)
        if self.steps >= self.at:
            raise Killed


def trained(task: LineTask, schedule: Schedule = SCHEDULE, **more: Any) -> TrainingLog:
    """Train in the surroundings that the models give."""
    with seeded_torch(schedule.seed, 1):
        return train(task, schedule, **more)


def made(seed: int = 0, **more: Any) -> LineTask:
    """A task with weights drawn from a seed."""
    with seeded_torch(seed, 1):
        return LineTask(**more)


def weights(task: LineTask) -> dict[str, bytes]:
    """The bits of a net."""
    return {name: tensor.numpy().tobytes() for name, tensor in task.net.state_dict().items()}


def test_it_learns_and_logs_every_epoch() -> None:
    """Errors fall; there is a loss an epoch and an error more, the first one of the untrained net."""
    task = made()
    log = trained(task)
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
    """After `patience` epochs without a better error (a tie isn't) it ends, with the weights validated best."""
    task = made(errors=errors)
    log = trained(task, replace(SCHEDULE, patience=patience))
    assert len(log.losses) == epochs
    assert log.best_epoch == best
    for name, tensor in task.net.state_dict().items():
        assert torch.equal(tensor, task.validated[best][name])
    if best:
        assert not torch.equal(task.net[0].weight, task.validated[best - 1]["0.weight"])


def test_one_cycle_warms_up_and_cools_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rate climbs from 4 % along a cosine to its peak after the warm-up and falls along another to 0."""
    rates: list[float] = []
    step = AdamW.step
    monkeypatch.setattr(AdamW, "step", lambda self, rate: rates.append(rate) or step(self, rate))
    trained(made(), replace(SCHEDULE, epochs=10, one_cycle=True, warm_up=0.25))
    top, n = 10, 40
    up = [0.05 * (0.04 + 0.96 * (1 - math.cos(math.pi * s / top)) / 2) for s in range(top)]
    down = [0.05 * (1 + math.cos(math.pi * (s - top) / (n - top))) / 2 for s in range(top, n)]
    np.testing.assert_allclose(rates, up + down, rtol=1e-12)
    assert max(rates) == rates[top] == 0.05
    assert rates[-1] < 0.001
    rates.clear()
    trained(made(), replace(SCHEDULE, epochs=2))
    assert rates == [0.05] * 8


def test_without_keep_best_nothing_is_validated_and_the_last_weights_stay() -> None:
    """`keep_best=False` trains all epochs, however the validation would judge them."""
    task, judged = made(errors=[1.0, 0.5, 2.0, 2.0]), made(errors=[1.0, 0.9, 0.8, 0.7])
    log = trained(task, replace(SCHEDULE, epochs=3, keep_best=False))
    trained(judged, replace(SCHEDULE, epochs=3))
    assert (log.errors, len(log.losses), task.validated) == ([], 3, [])
    assert torch.equal(task.net[2].bias, judged.net[2].bias)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_an_error_with_advice(bad: float) -> None:
    """NaN or infinity stops the training at that step and says what to lower."""
    task = made(losses=[1.0] * 5 + [bad] * 99)
    with pytest.raises(
        TrainingError, match=r"the loss became (nan|inf) in epoch 2: .*lower learning_rate \(now 0.05\)"
    ):
        trained(task)
    assert len(task.batches_seen) == 6


@pytest.mark.parametrize("bad", [math.nan, math.inf, 11.1])
def test_a_validation_error_that_runs_away_is_an_error(bad: float) -> None:
    """NaN, infinity or 1 above five times the untrained net's error is divergence; just below that is a bad epoch."""
    with pytest.raises(TrainingError, match=r"the validation error became .*training diverged.*clip \(now 5\)"):
        trained(made(errors=[2.0, 1.0, bad, 1.0, 1.0, 1.0, 1.0]))
    assert len(trained(made(errors=[2.0, 1.0, 10.9, 1.0, 1.0, 1.0, 1.0])).losses) == 6


def test_progress_hears_every_step() -> None:
    """It is told the total, one step at a time with the loss and the validation error, and the end."""
    heard = Listener()
    trained(made(), what="a net", measure="validation XY", progress=heard)
    assert heard.started == [("a net", 24)]
    assert heard.steps == 24
    assert heard.stopped == 1
    assert all("loss " in note and "validation XY " in note for note in heard.notes[1:])


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    """Whatever random numbers were drawn before."""
    first, second, other = made(), made(), made(seed=1)
    trained(first)
    torch.rand(17)
    np.random.default_rng().random()
    trained(second)
    trained(other, replace(SCHEDULE, seed=1))
    assert weights(first) == weights(second) != weights(other)


@pytest.mark.parametrize("at", [2, 8, 9, 23])
@pytest.mark.parametrize("extra", [{}, {"one_cycle": True}, {"keep_best": False}, {"patience": 2}], ids=str)
def test_a_resumed_training_equals_an_uninterrupted_one(tmp_path: Path, at: int, extra: dict[str, Any]) -> None:
    """Killed at any step and resumed in a fresh task, it ends with the same weights and log, bit for bit."""
    schedule = replace(SCHEDULE, **extra)
    whole = made()
    log = trained(whole, schedule)
    run = TrainingOptions(checkpoint=tmp_path / "c")
    with pytest.raises(Killed):
        trained(made(), schedule, run=run, data="d", progress=Killer(at))
    assert (tmp_path / "c").exists() == (at > 4)
    again, heard = made(seed=9), Listener()
    if at <= 4:
        again = made()  # nothing to resume from: it begins anew
    assert trained(again, schedule, run=replace(run, resume=True), data="d", progress=heard) == log
    assert weights(again) == weights(whole)
    assert heard.steps == 4 * len(log.losses)
    assert len(again.batches_seen) == 4 * len(log.losses) - (at - 1) // 4 * 4
    assert [file.name for file in tmp_path.iterdir()] == ["c"]


def test_a_finished_training_resumed_does_nothing_more(tmp_path: Path) -> None:
    """The checkpoint stays until whoever has saved the model removes it; going on from it takes no step."""
    run = TrainingOptions(checkpoint=tmp_path / "c")
    first, second = made(), made(seed=3)
    log = trained(first, run=run)
    assert trained(second, run=replace(run, resume=True)) == log
    assert weights(first) == weights(second)
    assert second.batches_seen == []


def test_without_resume_a_checkpoint_is_written_over(tmp_path: Path) -> None:
    """A checkpoint that lies there is no reason to go on from it."""
    run = TrainingOptions(checkpoint=tmp_path / "c")
    trained(made(seed=1), run=run, data="other")
    first, second = made(), made()
    trained(first, run=run)
    trained(second)
    assert weights(first) == weights(second)


@pytest.mark.parametrize(
    ("schedule", "data"),
    [({"seed": 1}, "d"), ({"epochs": 7}, "d"), ({"learning_rate": 0.01}, "d"), ({"weight_decay": 0.0}, "d"), ({}, "e")],
)
def test_a_checkpoint_of_other_data_or_settings_is_refused(tmp_path: Path, schedule: dict[str, Any], data: str) -> None:
    """It names the file and says to give the same data and settings."""
    run = TrainingOptions(checkpoint=tmp_path / "c", resume=True)
    trained(made(), run=run, data="d")
    with pytest.raises(SettingError, match=r"c is of another training; give the same data and settings, or train"):
        trained(made(), replace(SCHEDULE, **schedule), run=run, data=data)
    assert isinstance(trained(made(), run=run, data="d"), TrainingLog)


def test_a_checkpoint_of_a_net_of_another_shape_is_refused(tmp_path: Path) -> None:
    """A wider net doesn't go on from a narrow one's."""
    run = TrainingOptions(checkpoint=tmp_path / "c", resume=True)
    trained(made(), run=run)
    wider = made()
    wider.net = torch.nn.Sequential(torch.nn.Linear(3, 6), torch.nn.Linear(6, 1))
    with pytest.raises(SettingError, match="another training"):
        trained(wider, run=run)


def test_any_damage_to_a_checkpoint_is_one_clear_error(tmp_path: Path) -> None:
    """Cut short, emptied, lengthened or with a byte changed anywhere, it is refused and the net isn't touched."""
    run = TrainingOptions(checkpoint=tmp_path / "c", resume=True)
    trained(made(), run=run)
    whole = (tmp_path / "c").read_bytes()
    rng = np.random.default_rng(3)
    damaged = [b"", whole[:-1], whole[: len(whole) // 2], whole[:40], whole + b"\0", b"\x80\x04pickle" * 9]
    for place in rng.integers(0, len(whole), 50):
        damaged.append(whole[:place] + bytes([whole[place] ^ int(rng.integers(1, 256))]) + whole[place + 1 :])
    for content in damaged:
        (tmp_path / "c").write_bytes(content)
        task = made()
        before = weights(task)
        with pytest.raises(ArtifactError, match=r"c is damaged or no checkpoint; remove it, or train without --resume"):
            trained(task, run=run)
        assert weights(task) == before


def test_torch_is_left_as_it_was() -> None:
    """The global random state, the threads and determinism are afterwards what they were, after errors too."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.manual_seed(5)
    before = torch.get_rng_state()
    trained(made())
    for bad in (made(losses=[math.nan] * 99), made(errors=[math.nan])):
        with pytest.raises(TrainingError):
            trained(bad)
    with seeded_torch(1, threads + 1):
        assert torch.get_num_threads() == threads + 1
        assert torch.are_deterministic_algorithms_enabled()
        torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    assert torch.are_deterministic_algorithms_enabled() == deterministic


def test_a_device_that_is_not_there_is_refused() -> None:
    """The error lists those that are; auto is always one of them."""
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(SettingError, match=r"device 'tpu' isn't available here; auto or one of cpu"):
        pick_device("tpu")


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
    """A rate of a thousand million is told as divergence, with the advice to lower it."""
    with pytest.raises(TrainingError, match=r"training diverged; lower learning_rate \(now 1e\+09\)"):
        kind(replace(small, learning_rate=1e9)).fit(*world, run=TrainingOptions(threads=1))


@REAL
def test_models_resume_to_the_same_bytes(
    kind: Callable[..., Recommender], small: Any, world: tuple[Ratings, Catalog], tmp_path: Path
) -> None:
    """Killed in the middle and resumed through `TrainingOptions`, a model is that of an uninterrupted fit, byte for byte."""
    heard = Listener()
    whole = kind(small).fit(*world, progress=heard, run=TrainingOptions(threads=1))
    save(whole, tmp_path / "whole")
    for at in (heard.steps // 3 + 1, heard.steps * 5 // 6):
        run = TrainingOptions(threads=1, checkpoint=tmp_path / f"c{at}")
        with pytest.raises(Killed):
            kind(small).fit(*world, progress=Killer(at), run=run)
        again = Listener()
        resumed = kind(small).fit(*world, progress=again, run=replace(run, resume=True))
        save(resumed, tmp_path / f"m{at}")
        assert {head: asdict(log) for head, log in resumed.log.items()} == {  # type: ignore[attr-defined]
            head: asdict(log)
            for head, log in whole.log.items()  # type: ignore[attr-defined]
        }
        assert len(again.notes) < len(heard.notes), "it didn't go on from the checkpoint"
        for file in (tmp_path / "whole").iterdir():
            assert (tmp_path / f"m{at}" / file.name).read_bytes() == file.read_bytes(), file.name


@REAL
def test_models_refuse_a_checkpoint_of_other_data(
    kind: Callable[..., Recommender], small: Any, world: tuple[Ratings, Catalog], tmp_path: Path
) -> None:
    """One rating changed (or gone, without stars), or another seed, and the checkpoint isn't gone on from."""
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
