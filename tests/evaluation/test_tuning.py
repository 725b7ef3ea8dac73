"""Tests of `cinematrix.evaluation.tuning`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pytest
from numpy.typing import NDArray

from cinematrix.common import optional
from cinematrix.common.progress import Progress
from cinematrix.common.settings import SearchRange, SearchSpace, get_search_space
from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories
from cinematrix.data.ids import Numbers
from cinematrix.data.ratings import Ratings
from cinematrix.errors import MissingExtraError, SettingError, TrainingError, WorkError
from cinematrix.evaluation.trials import ROUNDS, TUNING_SPLITS
from cinematrix.evaluation.tuning import tune
from cinematrix.models import MODELS, model_class
from cinematrix.models.als import ALS
from cinematrix.models.bias import Bias
from cinematrix.models.contract_types import TrainingOptions
from cinematrix.models.popular import Popular


@dataclass(frozen=True)
class ShiftedSettings:
    """Error added to Bias's predictions; none is best."""

    SPACE: ClassVar[SearchSpace] = {"shift": SearchRange(-2.0, 2.0), "noise": (0, 1)}

    shift: float = 1.0
    noise: int = 1
    seed: int = 0


class Shifted(Bias):
    """Bias with an error of known size; records its training ratings."""

    name: ClassVar[str] = "shifted"
    Settings = ShiftedSettings
    settings: Any
    trained: ClassVar[list[Ratings]] = []

    def __init__(self, settings: Any = None) -> None:
        self.settings = settings or ShiftedSettings()

    def fit(
        self,
        ratings: Ratings,
        catalog: Catalog | None = None,
        *,
        validation: Ratings | None = None,
        progress: Progress | None = None,
        run: TrainingOptions | None = None,
    ) -> Self:
        self.trained.append(ratings)
        return super().fit(ratings, catalog)

    def predict_pairs(self, histories: Histories, rows: Numbers, movies: Numbers) -> NDArray[np.float32]:
        swing = np.where(np.arange(len(rows)) % 2, 0.3, -0.3) * self.settings.noise
        return (
            super().predict_pairs(histories, rows, movies) + np.float32(self.settings.shift) + swing.astype(np.float32)
        )


@pytest.fixture(autouse=True)
def no_trainings_yet() -> None:
    Shifted.trained.clear()


def test_the_best_is_found_within_the_training_ratings(world: tuple[Ratings, Catalog]) -> None:
    """The search gets near the known optimum, is never worse than at the start, and prunes bad trials."""
    found = tune(Shifted, *world, trials=30, seed=1)
    assert abs(found.settings.shift) < 0.4
    assert found.settings.noise == 0
    assert found.chosen == {"shift": found.settings.shift, "noise": 0}
    assert found.default is not None
    assert found.value < found.default - 0.2
    assert (found.measure, found.trials) == ("rmse", 30)
    assert found.pruned > 0
    assert len(Shifted.trained) < 30 * ROUNDS
    assert {len(part) for part in Shifted.trained} == {len(world[0]) - int(np.ceil(0.2 * len(world[0])))}


def test_an_interrupted_search_resumes(world: tuple[Ratings, Catalog], tmp_path: Path) -> None:
    """Four of ten trials are done before and six after; a finished search trains nothing and returns the same."""
    study = tmp_path / "study"

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    tune(Shifted, *world, trials=4, study=study)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Shifted, "fit", stop)  # Ctrl-C in the middle of the fifth
        with pytest.raises(KeyboardInterrupt):
            tune(Shifted, *world, trials=10, study=study)
    Shifted.trained.clear()
    found = tune(Shifted, *world, trials=10, study=study)
    assert found.trials == 10
    assert 0 < len(Shifted.trained) <= 6 * ROUNDS
    Shifted.trained.clear()
    assert tune(Shifted, *world, trials=10, study=study) == found
    assert Shifted.trained == []


def test_the_result_depends_neither_on_the_executor_nor_on_an_interruption(
    world: tuple[Ratings, Catalog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trials in two processes, and a search that is interrupted in its second batch, end as in this process."""
    wanted = tune(ALS, *world, trials=10, seed=3)
    assert tune(ALS, *world, trials=10, seed=3, on="processes:2") == wanted
    fitted, fit = [], ALS.fit

    def stop(self: ALS, *args: Any, **more: Any) -> ALS:
        fitted.append(self.settings)
        if len(fitted) == 15:
            raise KeyboardInterrupt
        return fit(self, *args, **more)

    monkeypatch.setattr(ALS, "fit", stop)
    with pytest.raises(KeyboardInterrupt):
        tune(ALS, *world, trials=10, seed=3, study=tmp_path / "study")
    assert tune(ALS, *world, trials=10, seed=3, study=tmp_path / "study") == wanted


def test_an_unexpected_error_names_the_trial(world: tuple[Ratings, Catalog], monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends the search."""
    monkeypatch.setattr(Shifted, "fit", lambda *_, **__: 1 / 0)
    with pytest.raises(WorkError, match="trial 1, split 1 of 3: stopped with ZeroDivisionError: division by zero"):
        tune(Shifted, *world, trials=3)


def test_trials_that_diverge_are_skipped(world: tuple[Ratings, Catalog], monkeypatch: pytest.MonkeyPatch) -> None:
    """A training that fails is a failed trial; if all fail, that is an error."""
    fit = Shifted.fit

    def fit_if_negative(self: Shifted, ratings: Ratings, catalog: Catalog | None = None) -> Shifted:
        if self.settings.shift > 0:
            raise TrainingError("diverged")
        return fit(self, ratings, catalog)

    monkeypatch.setattr(Shifted, "fit", fit_if_negative)
    found = tune(Shifted, *world, trials=12)
    assert found.trials == 12
    assert found.settings.shift <= 0
    assert found.default is None
    monkeypatch.setitem(ShiftedSettings.SPACE, "shift", SearchRange(0.5, 2.0))
    with pytest.raises(TrainingError, match="none of the 2 trials of shifted could be trained"):
        tune(Shifted, *world, trials=2)


def test_a_study_of_another_search_is_refused(world: tuple[Ratings, Catalog], tmp_path: Path) -> None:
    """One file holds one search."""
    tune(Shifted, *world, trials=1, study=tmp_path / "study")
    with pytest.raises(SettingError, match="holds a search of shifted by random and not of shifted by time"):
        tune(Shifted, *world, trials=1, study=tmp_path / "study", cut="time")
    with pytest.raises(SettingError, match="no cut 'sideways' to tune by"):
        tune(Shifted, *world, trials=1, cut="sideways")


@pytest.mark.parametrize("cut", TUNING_SPLITS)
def test_every_round_has_another_split(cut: str, world: tuple[Ratings, Catalog]) -> None:
    """The validation splits of one trial differ."""
    tested = {TUNING_SPLITS[cut](world[0], round_).test.by_user.items.tobytes() for round_ in range(ROUNDS)}
    assert len(tested) == ROUNDS


def test_plain_interactions_are_tuned_by_lists(world: tuple[Ratings, Catalog]) -> None:
    """Without stars there is no RMSE, and NDCG is maximised."""

    class Ranks(Popular):
        Settings = ShiftedSettings

    found = tune(Ranks, world[0].take(world[0].rating >= 3), world[1], trials=1)
    assert found.measure == "rmse"
    interactions = Ratings.from_arrays(world[0].users.ids[world[0].user], world[0].movies.ids[world[0].movie])
    assert tune(Ranks, interactions, world[1], trials=1).measure == "ndcg@10"


def test_models_that_cannot_be_tuned_are_errors(
    world: tuple[Ratings, Catalog], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model without a search space is an error; without Optuna the error names the extra."""
    with pytest.raises(SettingError, match="bias has no space of hyper-parameters"):
        tune(Bias, *world, trials=1)
    monkeypatch.setattr(optional, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"tuning shifted needs Optuna; .*'cinematrix\[tune\]'"):
        tune(Shifted, *world, trials=1)


@pytest.mark.parametrize("name", [name for name in MODELS if get_search_space(model_class(name).Settings)])
def test_search_spaces_contain_valid_settings(name: str) -> None:
    """Both ends of a range and each choice are valid settings of the right type, and the default is inside."""
    settings = model_class(name).Settings
    for key, values in get_search_space(settings).items():
        default = getattr(settings(), key)
        ends = (values.low, values.high) if isinstance(values, SearchRange) else values
        for end in ends:
            assert type(getattr(settings(**{key: end}), key)) is type(default)
        assert ends[0] <= default <= ends[-1] if isinstance(values, SearchRange) else default in ends


def test_all_models_but_the_baselines_have_a_search_space() -> None:
    """Only Popular and Bias have no settings to tune."""
    assert [name for name in MODELS if not get_search_space(model_class(name).Settings)] == ["popular", "bias"]
