"""Training by several workers: real processes that exchange through gloo on this machine."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from cinematrix.cli.options import parse_settings
from cinematrix.common.progress import Silent
from cinematrix.common.world import ALONE, Part, World
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.data.readers import read
from cinematrix.errors import SettingError
from cinematrix.models.bias import Bias
from cinematrix.models.contract_types import TrainingOptions
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.settings import DeepMFSettings
from training_workers import finish, start_workers, train_all
from waiting import wait_for
from worlds import taste_world

HELPER = str(Path(sys.modules["training_workers"].__file__ or ""))
COMMAND = [
    "-c",
    "from datetime import timedelta\n"
    "from cinematrix.models.training import workers\n"
    "workers.ROLL_CALL = timedelta(seconds=1)\n"
    "from cinematrix.cli.main import run\n"
    "run()",
]
"""The command line, with a short roll call."""


def test_two_workers_learn_the_weights_of_one(tmp_path: Path) -> None:
    """Nets, logs and a whole model are equal to 1e-5, and bytes are sent as computed.

    The user's bias of the ranking head has no gradient but rounding, as it is the same for all movies.
    """
    workers = start_workers([HELPER, str(tmp_path)], 2)
    one = train_all(ALONE)
    assert finish(workers) == [(0, ""), (0, "")]
    two = np.load(tmp_path / "two.npz")
    for name, values in one.items():
        same = values[..., :-1] if name.startswith(("ranking", "interactions")) and "users.out" in name else values
        atol = 1e-3 if values.dtype == np.float16 else 1e-5
        np.testing.assert_allclose(two[name][..., : same.shape[-1]], same, atol=atol, err_msg=name)
    assert {name for name in two.files if name not in one} == {"sent", "computed"}
    np.testing.assert_array_equal(two["sent"], two["computed"])


def test_a_lost_worker_is_named_and_the_training_continues(tmp_path: Path) -> None:
    """Killed in an epoch, one of two workers is named by the other; one process goes on as if nothing had been."""
    ratings, _ = taste_world(np.random.default_rng(5))
    table = tmp_path / "ratings.csv"
    rows = zip(ratings.users.ids[ratings.user], ratings.movies.ids[ratings.movie], ratings.rating, strict=True)
    table.write_text("user,movie,rating\n" + "".join(f"{user},{movie},{stars}\n" for user, movie, stars in rows))
    small = ["factors=5", "members=1", "batch=60", "two_stage=false", "epochs=8", "ranking=false", "residual_gp=false"]
    options = ["--scale", "0.5-5", *(f"--set={pair}" for pair in small), "--out", str(tmp_path / "two")]
    workers = start_workers([*COMMAND, "train", str(table), *options], 2)
    checkpoint = tmp_path / "two.checkpoint.stars"
    wait_for(checkpoint.exists, 60)
    workers[1].kill()
    (code, said), _ = finish(workers)
    assert code == 1
    assert f"cinematrix: worker 1 (process {workers[1].pid} on " in said
    assert "of 2 workers got lost; start again with --resume" in said
    assert {path.name for path in tmp_path.iterdir()} == {"ratings.csv", checkpoint.name}
    settings, given = parse_settings(DeepMF, small), read(table, scale=ratings.scale).ratings
    progress = Steps()
    run = TrainingOptions(checkpoint=tmp_path / "two.checkpoint", resume=True)
    resumed = DeepMF(settings).fit(given, run=run, progress=progress).arrays()
    assert progress.at_first > 0
    for name, values in DeepMF(settings).fit(given).arrays().items():
        if name.startswith("stars."):
            atol = 1e-3 if values.dtype == np.float16 else 1e-5
            np.testing.assert_allclose(resumed[name], values, atol=atol, err_msg=name)


class Steps(Silent):
    """Progress that remembers how many steps were done at first."""

    at_first = -1

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Remember the first steps."""
        self.at_first = steps if self.at_first < 0 else self.at_first


def test_other_models_are_refused(world: tuple[Ratings, Catalog]) -> None:
    """A model that can't be cut says so before it trains."""
    two = World()
    two.size = 2
    with pytest.raises(SettingError, match="bias can't be trained by 2 workers; start one process, or take deep-mf"):
        Bias().fit(world[0], run=TrainingOptions(world=two))
    with pytest.raises(SettingError, match="pair_width is 4; with several workers it must be 0"):
        DeepMF(DeepMFSettings(pair_width=4)).fit(world[0], run=TrainingOptions(world=two))


def test_rows_are_cut_by_their_weights() -> None:
    """Each worker has consecutive rows of about equal weight, and finds its part of any selection of them."""
    world = World()
    world.size, world.rank = 3, 1
    part = world.cut([4, 4, 1, 1, 1, 1, 4, 4])
    assert part == Part((0, 1, 6, 8), 1)
    assert (part.size, part.total, part.rows, part.sizes) == (5, 8, slice(1, 6), [1, 5, 2])
    assert part.among(np.array([0, 3, 4, 5, 7])) == Part((0, 1, 4, 5), 1)
    assert part.among(torch.tensor([2])) == Part((0, 0, 1, 1), 1)
    assert world.cut([]) == Part((0, 0, 0, 0), 1)
    assert ALONE.cut([1, 2]) == Part.whole(2) == Part((0, 2))
