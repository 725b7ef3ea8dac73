"""Artefacts of earlier versions load and predict as before: `cinematrix.models.compatibility`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cinematrix.errors import ArtifactError
from cinematrix.models import MODELS
from cinematrix.models.artifact import FORMAT, READABLE, load
from cinematrix.models.compatibility import SETTINGS
from places import ROOT

FORMAT_3 = ROOT / "tests" / "fixtures" / "format3"
"""One small artefact of each model from the last version of format 3, and its predictions."""

EXPECTED: dict[str, dict[str, Any]] = json.loads((FORMAT_3 / "expected.json").read_text("utf-8"))


OLD_MODELS = {
    int(folder.name.removeprefix("format").partition("-")[0]): folder
    for folder in (ROOT / "tests" / "models" / "old").iterdir()
}
"""A tiny model of each format that ever was, made by `make_old_models.py`."""


def test_a_model_of_each_readable_format_predicts_as_its_own_code_did() -> None:
    """Older ones are refused, and the error says what to do."""
    assert set(OLD_MODELS) == set(range(1, FORMAT + 1))
    for number, place in OLD_MODELS.items():
        if number < READABLE[0]:
            with pytest.raises(ArtifactError, match=rf"has format {number} and .* reads 3 to 4; train the model anew"):
                load(place)
        else:
            expected = json.loads((place / "expected.json").read_text())
            np.testing.assert_allclose(load(place).model.predict([1, 1, 3], [10, 30, 20]), expected, atol=1e-6)


def folder(name: str) -> Path:
    """Return the artefact's folder of a model."""
    return FORMAT_3 / name.replace("++", "_plus_plus")


@pytest.mark.parametrize("name", EXPECTED)
def test_an_artefact_of_format_3_predicts_as_before(name: str) -> None:
    """Predictions and scores are the same to five digits."""
    model, answers = load(folder(name)).model, EXPECTED[name]
    assert model.name == name
    np.testing.assert_allclose(model.predict(answers["users"], answers["movies"]), answers["predictions"], atol=2e-5)
    np.testing.assert_allclose(model.score(model.data.history.take(np.array([0])))[0], answers["scores"], atol=2e-5)


def test_every_model_of_format_3_is_there() -> None:
    """All built-in models have an artefact of format 3, but `blend`, which is younger."""
    assert [*EXPECTED, "blend"] == list(MODELS)


@pytest.mark.parametrize("name", SETTINGS)
def test_renamed_settings_keep_their_values(name: str) -> None:
    """A value saved under an old name is read under the new one."""
    loaded = load(folder(name))
    for old, new in SETTINGS[name].items():
        assert getattr(loaded.model.settings, new) == loaded.about["settings"][old]
