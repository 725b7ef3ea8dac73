"""The model `blend`."""

import numpy as np
import pytest

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import random
from cinematrix.errors import SettingError
from cinematrix.models.blend import Blend, BlendSettings, choose_weights
from cinematrix.models.registry import build_settings
from contract import Contract
from worlds import factor_world

TINY = (
    "deep-mf.factors=8 deep-mf.members=1 deep-mf.epochs=8 deep-mf.learning_rate=0.02 deep-mf.ranking_epochs=2 "
    "deep-mf.ease_rank=8 deep-mf.two_stage=False pmf.factors=3 pmf.chains=1 pmf.thinning=2"
)


class TestBlend(Contract):
    """Contract tests of `blend`."""

    kind = Blend
    settings = {"options": TINY, "validation_share": 0.0}  # noqa: RUF012
    settles = False


class TestBlendOfClosedForms(Contract):
    """Contract tests of a blend of models without intervals, weighed by validation."""

    kind = Blend
    settings = {"parts": "als bias"}  # noqa: RUF012

    def test_it_says_how_sure_it_is_or_that_it_cannot(self, fitted, world) -> None:  # type: ignore[no-untyped-def,override]
        """Without a part that has intervals, it refuses."""
        assert not fitted.has_intervals
        with pytest.raises(SettingError, match="has no distributions of ratings"):
            fitted.interval([1], [2])


def test_it_is_the_weighted_mean_of_its_parts(world: tuple[Ratings, Catalog]) -> None:
    """Expected ratings are weighted means; lists by ranking are the first part's."""
    model = Blend(BlendSettings("item-knn bias")).fit(*world)
    model.weights = np.array([0.75, 0.25])
    pairs = model.data.history, world[0].user, world[0].movie
    first, second = (part.predict_pairs(*pairs) for part in model.parts)
    np.testing.assert_allclose(model.predict_pairs(*pairs), 0.75 * first + 0.25 * second, rtol=1e-6)
    np.testing.assert_array_equal(model.score(pairs[0]), model.parts[0].score(pairs[0]))


def test_validation_finds_the_better_part_and_leaves_equals_alone() -> None:
    """In a world of factors nearly all weight is that of the model that learns them; equal models share it equally."""
    world = factor_world(np.random.default_rng(8))
    model = Blend(BlendSettings("als popular")).fit(world.train)
    assert model.weights[0] > 0.9
    assert model.weights.sum() == pytest.approx(1)
    twins = [model.parts[0], model.parts[0]]
    np.testing.assert_array_equal(choose_weights(twins, world.train), [0.5, 0.5])


def test_given_validation_ratings_weigh_the_parts() -> None:
    """With validation ratings each part is trained once, and they decide."""
    cut = random(factor_world(np.random.default_rng(8)).train, 0.2, 1)
    model = Blend(BlendSettings("als popular")).fit(cut.train, validation=cut.test)
    np.testing.assert_array_equal(model.weights, choose_weights(model.parts, cut.test))
    assert model.weights[0] > 0.9


def test_options_reach_the_parts() -> None:
    """Options and seeds are the parts' own settings, presets included."""
    deep_mf, pmf = BlendSettings(options="deep-mf.preset=fast deep-mf.epochs=3 pmf.history=False", seed=7).build()
    assert (deep_mf.settings.members, deep_mf.settings.epochs, deep_mf.settings.seed) == (1, 3, 7)
    assert (pmf.settings.history, pmf.settings.seed) == (False, 7)
    assert build_settings(Blend, {}, "fast").validation_share == 0


def test_pmf_isnt_in_it_twice() -> None:
    """Beside `pmf`, `deep-mf` is without its chain, unless an option says so; alone it keeps it."""
    assert [part.settings.pmf for part in BlendSettings().build() if part.name == "deep-mf"] == [False]
    assert [
        part.settings.pmf for part in BlendSettings(options="deep-mf.pmf=True").build() if part.name == "deep-mf"
    ] == [True]
    assert [part.settings.pmf for part in BlendSettings("deep-mf bias").build() if part.name == "deep-mf"] == [True]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"parts": ""}, "names of different models"),
        ({"parts": "pmf pmf"}, "names of different models"),
        ({"parts": "pmf blend"}, "names of different models"),
        ({"parts": "pmf nothing"}, "there is no model 'nothing'"),
        ({"parts": "pmf vae"}, "vae, which predicts no stars"),
        ({"options": "svd.epochs=3"}, "it must be PART.SETTING=VALUE with a part of 'deep-mf pmf'"),
        ({"options": "pmf.chains"}, "it must be PART.SETTING=VALUE"),
        ({"options": "pmf.chains=many"}, "pmf: chains is 'many'; it must be a whole number"),
        ({"options": "pmf.colour=1"}, "pmf has no setting 'colour'"),
        ({"validation_share": 1.0}, "is a share from 0 to below 1"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, object], message: str) -> None:
    """Unknown or repeated parts, options of no part and wrong values are errors that say what to give."""
    with pytest.raises(SettingError, match=message):
        BlendSettings(**settings)  # type: ignore[arg-type]
