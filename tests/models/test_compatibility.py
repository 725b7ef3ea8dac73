"""Artefacts of earlier versions load and predict as before: `cinematrix.models.compatibility`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cinematrix.errors import ArtifactError
from cinematrix.models import MODELS
from cinematrix.models.artifact import FORMAT, READABLE, load, save
from cinematrix.models.compatibility import SETTINGS, translate
from places import ROOT

FORMAT_3 = ROOT / "tests" / "fixtures" / "format3"
"""One small artefact of each model from the last version of format 3, and its predictions."""

EXPECTED: dict[str, dict[str, Any]] = json.loads((FORMAT_3 / "expected.json").read_text("utf-8"))


OLD_MODELS = {
    int(folder.name.removeprefix("format").partition("-")[0]): folder
    for folder in (ROOT / "tests" / "models" / "old").iterdir()
}
"""A tiny model of each earlier format, made by `make_old_models.py`."""


def test_a_model_of_each_earlier_format_predicts_as_its_own_code_did() -> None:
    """Formats that can't be read are refused, and the error says what to do."""
    assert set(OLD_MODELS) == set(range(1, FORMAT))
    for number, place in OLD_MODELS.items():
        if number < READABLE[0]:
            with pytest.raises(ArtifactError, match=rf"has format {number} and .* reads 3 to 5; train the model anew"):
                load(place)
        else:
            expected, model = json.loads((place / "expected.json").read_text()), load(place).model
            np.testing.assert_allclose(model.predict([1, 1, 3], [10, 30, 20]), expected["predictions"], atol=1e-6)
            np.testing.assert_allclose(model.score(model.data.history), expected["scores"], atol=2e-6)


def test_vectors_of_low_rank_ease_in_single_precision_are_quantised(tmp_path: Path) -> None:
    """Those of a part of `blend` too; a loaded model is saved as one of today, with the same scores."""
    vectors = {"item_vectors": np.array([[1.0, -0.5], [0, 0]], np.float32), "weight": np.ones(3, np.float32)}
    for part in ("", "deep-mf."):
        _, arrays = translate(4, "blend", {}, {f"{part}ease_low_rank.{name}": each for name, each in vectors.items()})
        assert arrays.pop(f"{part}ease_low_rank.item_vectors.levels").tolist() == [[32767, -16384], [0, 0]]
        assert sorted(arrays) == [f"{part}ease_low_rank.item_vectors.steps", f"{part}ease_low_rank.weight"]
    model = load(OLD_MODELS[4]).model
    save(model, tmp_path / "new")
    again = load(tmp_path / "new")
    assert again.about["format"] == FORMAT
    np.testing.assert_array_equal(again.model.score(model.data.history), model.score(model.data.history))


def folder(name: str) -> Path:
    """Return the artefact's folder of a model."""
    return FORMAT_3 / name.replace("++", "_plus_plus")


@pytest.mark.parametrize("name", EXPECTED)
def test_an_artefact_of_format_3_predicts_as_before(name: str) -> None:
    """Predictions and scores are the same to five digits."""
    model, answers = load(folder(name)).model, EXPECTED[name]
    assert model.name == name
    np.testing.assert_allclose(model.predict(answers["users"], answers["movies"]), answers["predictions"], atol=2e-5)
    scores = model.score(model.data.history.take(np.array([0])))[0]
    np.testing.assert_allclose(scores, answers["scores"], atol=2e-5, rtol=2e-5)


def test_every_model_of_format_3_is_there() -> None:
    """All built-in models have an artefact of format 3, but `blend`, which is younger."""
    assert [*EXPECTED, "blend"] == list(MODELS)


@pytest.mark.parametrize("name", SETTINGS)
def test_renamed_settings_keep_their_values(name: str) -> None:
    """A value saved under an old name is read under the new one."""
    loaded = load(folder(name))
    for old, new in SETTINGS[name].items():
        assert getattr(loaded.model.settings, new) == loaded.about["settings"][old]
