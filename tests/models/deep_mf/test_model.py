"""The model `deep-mf`."""

from dataclasses import replace

import numpy as np
import pytest

from cinematrix.data.catalog import Catalog
from cinematrix.data.histories import Histories, find_entries
from cinematrix.data.ratings import Ratings, Scale
from cinematrix.data.splits import random
from cinematrix.errors import SettingError
from cinematrix.metrics.top_n import top_n
from cinematrix.models.components.ease_low_rank import Spectrum
from cinematrix.models.deep_mf import settings as settings_of_deep_mf
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.models.deep_mf.uncertainty import HeldOut, RatingUncertainty
from contract import Contract
from worlds import as_interactions

SMALL = {"factors": 16, "members": 2, "epochs": 8, "ranking_epochs": 8, "learning_rate": 0.01}


class TestDeepMF(Contract):
    """Contract tests of `deep-mf`."""

    kind = DeepMF
    settings = SMALL


class TestDeepMFWithEverything(Contract):
    """Contract tests with the pair gate, ID embeddings, two ranking members and two blocks."""

    kind = DeepMF
    settings = {**SMALL, "pair_width": 4, "id_embeddings": True, "ranking_members": 2, "blocks": 2}  # noqa: RUF012


class TestDeepMFWithoutContent(Contract):
    """Contract tests without content, ranking head and `pmf`."""

    kind = DeepMF
    settings = {**SMALL, "content": False, "ranking": False, "pmf": False}  # noqa: RUF012


@pytest.mark.parametrize(
    "extra", [{}, {"pair_width": 4, "id_embeddings": True, "blocks": 2}], ids=["plain", "everything"]
)
def test_serving_without_torch_gives_the_nets_own_numbers(extra: dict[str, object]) -> None:
    """NumPy scores every pair as the torch net does, to 1e-5; tables in half precision cost no place."""
    import torch

    from cinematrix.data.features import movie_features
    from cinematrix.data.training_data import TrainingData
    from cinematrix.models.deep_mf.batches import BatchRatings, StepMovies, UserBatch
    from cinematrix.models.deep_mf.encoder import RatingEncoder
    from cinematrix.models.deep_mf.export import export_towers
    from cinematrix.models.deep_mf.head_data import HeadData
    from cinematrix.models.deep_mf.head_job import TASK_CLASSES
    from cinematrix.models.deep_mf.pooling import SparsePattern
    from cinematrix.models.training.loop import seeded_torch, train
    from worlds import taste_world

    ratings, catalog = taste_world(np.random.default_rng(5))
    data = TrainingData.of(ratings, catalog)
    settings = DeepMFSettings(**SMALL, **extra)  # type: ignore[arg-type]
    device = torch.device("cpu")
    head_data = HeadData.of(ratings, ratings, movie_features(data.catalog), len(data.movies))
    for by, task_class in TASK_CLASSES.items():
        task = task_class(head_data, settings, device)
        with seeded_torch(0, 1):
            train(task, settings.schedule(by))
        encoder = RatingEncoder(head_data, device)
        towers = export_towers(task.net, encoder, np.float32)
        with torch.no_grad():
            everybody = torch.arange(len(ratings.users), dtype=torch.int32)
            seen = BatchRatings(encoder, UserBatch.of_visible(everybody))
            sides = encoder.encode(task.net, encoder.stand(task.net), seen, StepMovies(seen, encoder.all_movies))
            base = sides.user_bias[encoder.users] + sides.movie_bias[encoder.movies]
            residual = ((encoder.of_users.centred - base) / encoder.sigma).numpy()
            users = torch.arange(len(ratings.users)).repeat_interleave(len(data.movies))
            movies = torch.arange(len(data.movies)).repeat(len(ratings.users))
            everything = SparsePattern.of_pairs(users, movies, len(ratings.users), len(data.movies))
            net = task.net.score(sides.users, sides.movies, everything).mean(1).numpy()
        vectors = towers.users(data.history, residual)
        rows, columns = users.numpy().astype(np.int32), movies.numpy().astype(np.int32)
        np.testing.assert_allclose(towers.pairs(vectors, rows, columns), net, atol=1e-5)
        np.testing.assert_allclose(towers.score(vectors).ravel(), net, atol=1e-5)
        served = export_towers(task.net, encoder)
        assert served.weights["tables.0"].dtype == np.float16
        lists = [top_n(each.score(each.users(data.history, residual)), 20).movies for each in (towers, served)]
        assert (lists[0] == lists[1]).mean() >= 0.995


def test_a_movie_without_ratings_is_encoded_from_content(world: tuple[Ratings, Catalog]) -> None:
    """`Towers.unrated` gives each movie's vector as the movie's tower encodes it without raters."""
    import torch

    from cinematrix.data.features import movie_features
    from cinematrix.data.training_data import TrainingData
    from cinematrix.models.deep_mf.encoder import RatingEncoder
    from cinematrix.models.deep_mf.export import export_content_vectors, export_towers
    from cinematrix.models.deep_mf.head_data import HeadData
    from cinematrix.models.deep_mf.network import HistoryNet

    ratings, catalog = world
    data, device = TrainingData.of(ratings, catalog), torch.device("cpu")
    head_data = HeadData.of(ratings, ratings, movie_features(data.catalog), len(data.movies))
    encoder = RatingEncoder(head_data, device)
    content = encoder.content
    shape = DeepMFSettings(**SMALL, blocks=2).shape("stars")  # type: ignore[arg-type]
    torch.manual_seed(1)
    net = HistoryNet(head_data.users, head_data.movies, content.width, 2, shape)
    for weight in net.parameters():
        weight.data *= 3
    net.eval()
    towers = replace(export_towers(net, encoder), content=export_content_vectors(net, encoder))
    with torch.no_grad():
        unrated = net.movies.unseen(content, encoder.all_movies).numpy()
    np.testing.assert_allclose(towers.unrated(np.arange(len(towers.movies) - 1)), unrated, rtol=2e-3, atol=5e-3)
    np.testing.assert_array_equal(towers.unrated(np.array([-1]))[0], towers.movies[-1])
    np.testing.assert_allclose(towers.movies[-3:-1], unrated[-2:], atol=1e-5)  # the world's last two are unrated
    assert np.abs(towers.movies[:-3] - unrated[:-2]).max() > 0.1
    encoder.content = None
    assert export_content_vectors(net, encoder) is None


def test_a_new_movie_is_predicted_from_its_content(world: tuple[Ratings, Catalog]) -> None:
    """A comedy without ratings has a higher expected rating for a comedy lover than for a comedy hater."""
    ratings, catalog = world
    model = DeepMF(DeepMFSettings(**{**SMALL, "epochs": 20})).fit(ratings, catalog)  # type: ignore[arg-type]
    data = model.data
    comedy = np.array([genres == ["Comedy"] for genres in data.catalog.frame["genres"].to_list()])
    rated = np.bincount(data.history.items, minlength=len(data.movies)) > 0
    new = int(np.flatnonzero(comedy & ~rated)[0])
    loved, hated = np.flatnonzero(comedy & rated)[:6], np.flatnonzero(~comedy & rated)[:6]
    fan = ([*loved, *hated], [4.5] * 6 + [1.5] * 6)
    enemy = ([*loved, *hated], [1.5] * 6 + [4.5] * 6)
    stars = model.predict_pairs(
        Histories.of_lists([fan, enemy]), np.array([0, 1], np.int32), np.array([new] * 2, np.int32)
    )
    assert stars[0] > stars[1] + 0.5


def test_the_probability_of_views_is_calibrated(world: tuple[Ratings, Catalog]) -> None:
    """For plain interactions the probabilities of held-out views add up to about their number."""
    views = as_interactions(world[0])
    model = DeepMF(DeepMFSettings(**SMALL)).fit(views, world[1])  # type: ignore[arg-type]
    scores = model.score(model.data.history)
    rows, movies = np.indices(scores.shape)
    probability = model.predict_pairs(
        model.data.history, rows.ravel().astype(np.int32), movies.ravel().astype(np.int32)
    )
    unseen = np.ones(scores.shape, bool)
    unseen[model.data.history.rows, model.data.history.items] = False
    assert 0.3 < probability.reshape(scores.shape)[unseen].sum() / (0.1 * len(views)) < 3


def test_eighty_percent_of_new_ratings_lie_in_their_intervals() -> None:
    """Users with random ratings get wider intervals than others; both are covered about as requested.

    Validation ratings may be cut off or given; the uncertainty is fitted to ratings that the net hasn't seen.
    """
    rng = np.random.default_rng(3)
    noisy = np.arange(120) % 2 == 1
    stars = 3 + rng.normal(0, np.where(noisy, 1.4, 0.3)[:, None], (120, 60))
    users, movies = np.nonzero(rng.random(stars.shape) < 0.5)
    table = Ratings.from_arrays(users, movies, np.clip(np.rint(stars[users, movies]), 1, 5), scale=Scale(1, 5, 1))
    cut = random(table, 0.3)
    part = random(cut.train, 0.2, seed=1)
    settings = DeepMFSettings(**{**SMALL, "epochs": 2}, ranking=False)  # type: ignore[arg-type]
    for model in (DeepMF(settings).fit(cut.train), DeepMF(settings).fit(part.train, validation=part.test)):
        tested, rating = cut.test, cut.test.rating
        assert rating is not None
        low, high = model.interval(table.users.ids[tested.user], table.movies.ids[tested.movie])
        inside, noisy_rating = (low <= rating) & (rating <= high), noisy[tested.user]
        assert inside.mean() == pytest.approx(0.8, abs=0.05)
        assert (high - low)[noisy_rating].mean() > 1.4 * (high - low)[~noisy_rating].mean()


@pytest.mark.parametrize("given", [False, True], ids=["cut off", "given"])
def test_the_uncertainty_is_fitted_to_ratings_that_the_net_has_not_seen(
    world: tuple[Ratings, Catalog], monkeypatch: pytest.MonkeyPatch, given: bool
) -> None:
    """None of the pairs that it is fitted to is in the histories that these are predicted from."""
    calls: list[tuple[tuple[HeldOut, ...], RatingUncertainty]] = []
    fitted = RatingUncertainty.fitted

    def spy(self: RatingUncertainty, *held_out: HeldOut) -> RatingUncertainty:
        calls.append((held_out, fitted(self, *held_out)))
        return calls[-1][1]

    monkeypatch.setattr(RatingUncertainty, "fitted", spy)
    cut = random(world[0], 0.2)
    settings = DeepMFSettings(**{**SMALL, "epochs": 1}, ranking=False)  # type: ignore[arg-type]
    model = DeepMF(settings).fit(cut.train, world[1], validation=cut.test if given else None)
    (((held_out, *by_biases), result),) = calls
    pairs, ratings = held_out.pairs, held_out.ratings
    for part in by_biases:
        assert np.all(find_entries(part.pairs.histories, part.pairs.rows, part.pairs.movies) < 0)
    assert model.uncertainty is result
    assert len(ratings) == pytest.approx((0.2 if given else 0.08) * len(world[0]), abs=2)
    assert np.all(find_entries(pairs.histories, pairs.rows, pairs.movies) < 0)
    source = cut.test if given else random(cut.train, settings.validation_share, settings.seed).test
    stars = {(u, m): r for u, m, r in zip(source.user, source.movie, source.rating, strict=True)}  # type: ignore[arg-type]
    users = np.unique(source.user)[pairs.rows]
    assert [stars[pair] for pair in zip(users, pairs.movies, strict=True)] == ratings.tolist()


def test_a_model_without_uncertainty_says_so(world: tuple[Ratings, Catalog]) -> None:
    """A model of an older version predicts as before, and the error says how to get intervals."""
    model = DeepMF(DeepMFSettings(**{**SMALL, "epochs": 1}, ranking=False)).fit(*world)  # type: ignore[arg-type]
    old = {name: array for name, array in model.arrays().items() if not name.startswith("uncertainty.")}
    restored = DeepMF.restore(model.settings, model.data, old)
    assert restored.predict([1], [2]) == model.predict([1], [2])
    assert not restored.has_intervals
    with pytest.raises(SettingError, match="deep-mf was saved without distributions; train it anew"):
        restored.interval([1], [2])


@pytest.mark.parametrize(
    "wrong",
    [
        {"factors": -1},
        {"hidden_share": 1.5},
        {"hidden_share": 0.0},
        {"dropout": 1.0},
        {"learning_rate": -1.0},
        {"pair_width": -1},
    ],
)
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    """A size of 0, a share outside 0…1 or a negative rate is an error before training."""
    with pytest.raises(SettingError):
        DeepMFSettings(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [0.001, 1_000])
def test_the_width_of_the_scale_does_not_matter(world: tuple[Ratings, Catalog], width: float) -> None:
    """The same ratings on a narrow or a wide scale give the same predictions, stretched."""
    ratings, catalog = world
    assert ratings.rating is not None
    share = ((ratings.rating - 0.5) / 4.5).astype(np.float32)
    settings = DeepMFSettings(**{**SMALL, "epochs": 3}, ranking=False)  # type: ignore[arg-type]
    plain, other = (
        DeepMF(settings).fit(replace(ratings, rating=np.float32(w) * share, scale=Scale(0, w, w / 9)), catalog)
        for w in (1.0, width)
    )
    users, movies = ratings.users.ids[ratings.user[:500]], ratings.movies.ids[ratings.movie[:500]]
    np.testing.assert_allclose(other.predict(users, movies) / width, plain.predict(users, movies), atol=2e-3)


def test_nearly_all_may_be_dropped() -> None:
    """The largest allowed dropout keeps one unit of 256, with a finite scale."""
    import torch

    from cinematrix.models.deep_mf.network import fast_dropout

    kept = fast_dropout(torch.ones(100_000), np.nextafter(1.0, 0.0))
    assert kept.unique().tolist() == [0, 256]
    assert kept.mean() == pytest.approx(1, abs=0.2)


def test_the_uncertainty_is_fitted_to_a_part_of_many_users(
    world: tuple[Ratings, Catalog], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes validation ratings of as many users as are enough, each predicted from the user's own history."""
    from cinematrix.models.deep_mf import closed_forms

    settings = DeepMFSettings(**{**SMALL, "epochs": 1}, ranking=False)  # type: ignore[arg-type]
    cut = random(world[0], settings.validation_share, settings.seed)
    monkeypatch.setattr(closed_forms, "MAX_VALIDATION_RATINGS", 12)
    calls: list[HeldOut] = []
    monkeypatch.setattr(RatingUncertainty, "fitted", lambda self, held_out, *_: calls.append(held_out) or self)
    DeepMF(settings).fit(*world)
    pairs = calls[0].pairs
    counts = cut.test.by_user.counts
    users = np.flatnonzero(counts)[: len(pairs.histories)]
    assert counts[users[:-1]].sum() < 12 <= counts[users].sum() == len(pairs.movies)
    np.testing.assert_array_equal(pairs.histories.items_of(2), cut.train.by_user.items_of(users[2]))


def test_the_number_of_epochs_follows_from_the_pilots_errors() -> None:
    """It is the last epoch within a thousandth of the best error, and at least one."""
    from cinematrix.models.deep_mf.training import choose_epochs

    assert choose_epochs([1.0, 0.9, 0.8, 0.8007, 0.81]) == 3
    assert choose_epochs([1.0, 0.9, 0.8]) == 2
    assert choose_epochs([0.8, 0.9, 1.0]) == 1


def test_more_ratings_have_fewer_members() -> None:
    """Four up to 500,000 ratings, one from two million on, and as many as the setting tells."""
    sizes = (0, 1, 500_000, 500_001, 10**6, 10**6 + 1, 10**7)
    assert [DeepMFSettings().for_ratings(n).members for n in sizes] == [4, 4, 4, 3, 2, 1, 1]
    assert [DeepMFSettings(members=m).for_ratings(10**7).members for m in (1, 7)] == [1, 7]


def test_the_fast_preset_is_narrow_and_short_only_where_ratings_are_few() -> None:
    """From 500,000 on its rating head is as wide as the default's; a width or number of epochs that is given stays."""
    fast = DeepMFSettings(**DeepMFSettings.PRESETS["fast"])
    sizes = [(s.factors, s.epochs) for n in (499_999, 500_000) for s in (fast.for_ratings(n), fast.for_interactions(n))]
    assert sizes == [(32, 6)] * 2 + [(64, 20)] * 2
    given = DeepMFSettings(factors=16, epochs=3).for_ratings(10**6)
    assert (given.factors, given.epochs) == (16, 3)


def test_many_ratings_are_learned_in_one_stage(world: tuple[Ratings, Catalog], monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of the usual share is held out then, and one spectrum serves the pilot's place and the model."""
    stages = [DeepMFSettings().for_ratings(n) for n in (499_999, 500_000)]
    assert [(s.two_stage, s.validation_share) for s in stages] == [(True, 0.1), (False, 0.025)]
    assert DeepMFSettings(two_stage=False).for_ratings(500_000).validation_share == 0.1
    monkeypatch.setattr(settings_of_deep_mf, "ONE_STAGE_RATINGS", 500)
    spectra, build = [], Spectrum.of
    monkeypatch.setattr(Spectrum, "of", lambda *args: spectra.append(args[0]) or build(*args))
    model = DeepMF(DeepMFSettings(**SMALL)).fit(*world)  # type: ignore[arg-type]
    assert [len(histories.items) for histories in spectra] == [len(world[0]) - len(world[0]) // 40 - 1]
    settings = {**SMALL, "two_stage": False, "validation_share": 0.025}
    same = DeepMF(DeepMFSettings(**settings)).fit(*world)  # type: ignore[arg-type]
    for name, array in same.arrays().items():
        np.testing.assert_array_equal(model.arrays()[name], array)


def test_sparse_tables_learn_slower() -> None:
    """By hand, the rate is Σ n² of users' histories per movie, or the reverse, over 800 a step; at most 1."""
    from cinematrix.models.deep_mf.training import table_rate

    users, movies = [1, 1, 1, 2], [10, 20, 30, 10]
    few = Ratings.from_arrays(users, movies, [3.0, 4.0, 5.0, 1.0])
    for steps in (5, 40):
        assert table_rate(few, steps) == pytest.approx(min((9 + 1) / 3, (4 + 1 + 1) / 2) / 800 / steps)
    dense = Ratings.from_arrays(np.repeat(np.arange(100), 100), np.tile(np.arange(100), 100), np.full(10_000, 3.0))
    assert table_rate(dense, 5) == 1.0
    assert table_rate(dense, 50) == 10_000 / 800 / 50


def test_the_pilots_validation_ratings_are_learned_in_the_end(world: tuple[Ratings, Catalog]) -> None:
    """Changing the ratings held out for the pilot changes the weights."""
    ratings, catalog = world
    settings = DeepMFSettings(**{**SMALL, "ranking": False})  # type: ignore[arg-type]
    held_out = random(ratings, settings.validation_share, settings.seed).test
    key = ratings.user.astype(np.int64) * 10_000 + ratings.movie
    is_held_out = np.isin(key, held_out.user.astype(np.int64) * 10_000 + held_out.movie)
    assert ratings.rating is not None
    changed = replace(ratings, rating=np.where(is_held_out, np.float32(0.5), ratings.rating))
    tables = [DeepMF(settings).fit(r, catalog).stars.towers.weights["statistics"] for r in (ratings, changed)]
    assert not np.allclose(tables[0], tables[1])


def test_the_fast_preset_learns_once_and_serves_from_all_ratings(world: tuple[Ratings, Catalog]) -> None:
    """Without two-stage training the net learns from a part of the ratings, and histories hold all of them."""
    ratings, catalog = world
    fast = {**DeepMFSettings.PRESETS["fast"], "factors": 16, "learning_rate": 0.01}
    model = DeepMF(DeepMFSettings(**fast)).fit(ratings, catalog)
    half = DeepMF(DeepMFSettings(**{**fast, "validation_share": 0.5})).fit(ratings, catalog)
    two_stage = DeepMF(DeepMFSettings(**{**fast, "two_stage": True})).fit(ratings, catalog)
    assert model.stars is not None
    assert half.stars is not None
    assert two_stage.stars is not None
    np.testing.assert_array_equal(model.stars.biases.movie, two_stage.stars.biases.movie)
    assert np.abs(model.stars.towers.movies - two_stage.stars.towers.movies).max() > 1e-3
    assert np.abs(model.stars.towers.movies - half.stars.towers.movies).max() > 1e-3
    assert len(model.stars.towers.movies) == len(model.data.movies) + 1
    users, movies = ratings.users.ids[ratings.user], ratings.movies.ids[ratings.movie]
    assert ratings.rating is not None
    assert np.sqrt(np.mean((model.predict(users, movies) - ratings.rating) ** 2)) < 0.4
