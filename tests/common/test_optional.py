"""Checks for optional packages: `cinematrix.common.optional`."""

import re
from pathlib import Path

import pytest

from cinematrix.common import optional
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.errors import MissingExtraError
from cinematrix.models import MODELS, model_class


@pytest.fixture(autouse=True)
def without_training_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the packages of the extra `train`."""
    monkeypatch.setattr(optional, "find_spec", lambda name: None if name in optional.PACKAGE_NAMES else object())


@pytest.mark.parametrize("name", list(MODELS))
def test_only_models_that_need_a_package_ask_for_it(name: str, world: tuple[Ratings, Catalog]) -> None:
    """The error of a model that needs a package says how to install it; other models train without."""
    kind = model_class(name)
    if package := kind.abilities.trains_with:
        with pytest.raises(
            MissingExtraError,
            match=rf"training {re.escape(name)} needs {optional.PACKAGE_NAMES[package]}; .*'cinematrix\[train\]'",
        ):
            kind().fit(*world)
    else:
        assert len(kind().fit(*world).data.users) == len(world[0].users)


def test_the_command_line_asks_before_it_reads(tmp_path: Path) -> None:
    """`train` checks the package before it reads the data."""
    from cinematrix.cli.train import train

    with pytest.raises(MissingExtraError):
        train(tmp_path / "not there", out=tmp_path / "m")
    assert MissingExtraError.exit_code == 2
