"""Training of one head of `deep-mf`, as a worker gets it. Needs torch."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cinematrix.common.progress import Progress
from cinematrix.common.world import ALONE, World
from cinematrix.models.contract_types import Ordering, TrainingLog, TrainingOptions
from cinematrix.models.deep_mf.encoder import RatingEncoder
from cinematrix.models.deep_mf.head_data import HeadData
from cinematrix.models.deep_mf.network import HistoryNet
from cinematrix.models.deep_mf.tasks import HiddenRatingsTask, RankingTask, StarsTask
from cinematrix.models.training.loop import Schedule, pick_device, seeded_torch, train

if TYPE_CHECKING:
    from cinematrix.models.deep_mf.settings import DeepMFSettings

MODEL_NAME = "deep-mf"
"""Name of the model on progress bars."""

TASK_CLASSES: dict[Ordering, type[HiddenRatingsTask]] = {"stars": StarsTask, "ranking": RankingTask}


@dataclass(frozen=True, eq=False)
class HeadJob:
    """A head to train, with the ratings to learn from.

    Attributes:
        run: options of the training; `world` is that of whoever trains.
        identity: identity of the data; a checkpoint of others is refused.
        what: what is trained, for the name on the progress bar.
    """

    by: Ordering
    settings: "DeepMFSettings"
    schedule: Schedule
    data: HeadData
    run: TrainingOptions
    identity: str
    what: str

    def of_worker(self, world: World, rank: int) -> "HeadJob":
        """Return the job of a worker, with its part of the data."""
        return replace(self, data=self.data.of_worker(world, rank), run=replace(self.run, world=ALONE))

    def train(self, world: World, progress: Progress | None = None) -> tuple[HistoryNet, RatingEncoder, TrainingLog]:
        """Train; return the whole net, the encoder of this worker's ratings, and the log."""
        device = pick_device(self.run.device, double=True)
        with seeded_torch(self.settings.seed, self.run.threads):
            task = TASK_CLASSES[self.by](self.data, self.settings, device, world)
            log = train(
                task, self.schedule, run=replace(self.run, world=world), data=self.identity, progress=progress,
                what=f"{MODEL_NAME} {self.what}", measure=task.measure,
            )  # fmt: skip
        task.net.join_tables(world)
        return task.net, task.encoder, log
