"""Steps of `deep-mf` with standing sums, against the same computed densely and by autograd alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cinematrix.common.world import Part
from cinematrix.data.catalog import Catalog
from cinematrix.data.features import movie_features
from cinematrix.data.histories import Histories
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import random
from cinematrix.models.deep_mf import steps, tasks
from cinematrix.models.deep_mf.batches import BatchRatings, StepMovies, UserBatch
from cinematrix.models.deep_mf.head_data import HeadData
from cinematrix.models.deep_mf.network import history_statistics
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.models.deep_mf.steps import StepPlan, cut_evenly
from cinematrix.models.deep_mf.tasks import HiddenRatingsTask, RankingTask, StarsTask
from worlds import as_interactions

SETTINGS = DeepMFSettings(factors=5, members=2, ranking_members=2, dropout=0.0, row_dropout=0.0, batch=30, blocks=1)
DEVICE = torch.device("cpu")


def build(
    kind: type[HiddenRatingsTask], ratings: Ratings, catalog: Catalog, validation: Ratings | None = None
) -> HiddenRatingsTask:
    """Return a task with weights large enough for gradients to differ."""
    torch.manual_seed(0)
    content = movie_features(catalog.align(ratings.movies))
    task = kind(HeadData.of(ratings, validation or ratings, content, len(ratings.movies)), SETTINGS, DEVICE)
    for weight in task.net.parameters():
        weight.data *= 1.3
    task.net.train()
    return task


def dense_loss(task: HiddenRatingsTask, users: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """Return the loss of a step from dense tables of all users and movies.

    Args:
        users: numbers of the step's users.
        hidden: places of the hidden ratings among all, by user.
    """
    encoder, net = task.encoder, task.net
    rows, movies = encoder.users.long(), encoder.movies.long()
    shape = len(encoder.of_users.pattern), encoder.n_movies
    seen = torch.zeros(shape).index_put((rows, movies), torch.ones(len(rows)))
    seen[rows[hidden], movies[hidden]] = 0
    n_user, n_movie = seen.sum(1), seen.sum(0)
    channels: tuple[list[torch.Tensor], list[torch.Tensor]] = ([seen], [seen])
    totals: list[tuple[torch.Tensor, torch.Tensor] | tuple[None, None]] = [(None, None), (None, None)]
    base = None
    if encoder.of_users.centred is not None:
        adjusted, centred = (
            torch.zeros(shape).index_put((rows, movies), values)
            for values in (encoder.of_users.adjusted, encoder.of_users.centred)
        )
        movie = (adjusted * seen).sum(0) / (n_movie + encoder.biases.movie_shrinkage)
        user = ((centred - movie) * seen).sum(1) / (n_user + encoder.biases.user_shrinkage)
        residuals = (
            (centred - movie - user[:, None]) / encoder.sigma * seen,
            (adjusted - movie) / encoder.sigma * seen,
        )
        channels = [residuals[0], seen], [residuals[1], seen]
        totals = [(r.sum(d), r.square().sum(d)) for r, d in zip(residuals, (1, 0), strict=True)]
        base = centred - user[:, None], movie
    content = encoder.content
    tables = net.users.item_tables(content), net.movies.tables
    x = [c @ t / (n_user + 1).sqrt()[:, None] for c, t in zip(channels[0], tables[0], strict=True)]
    y = [c.t() @ t / (n_movie + 1).sqrt()[:, None] for c, t in zip(channels[1], tables[1], strict=True)]
    x = net.users(sum(x), history_statistics(n_user, *totals[0]), content, torch.arange(shape[0]))
    y = net.movies(sum(y), history_statistics(n_movie, *totals[1]), content, torch.arange(shape[1]))
    at = rows[hidden], movies[hidden]
    scores = torch.einsum("uef,mef->ume", *net.plain(x, y))
    if base is None or isinstance(task, RankingTask):
        visible = seen[users].bool()[:, :, None]
        logits = scores[users].masked_fill(visible, -torch.inf)
        place = torch.full((shape[0],), -1).index_put((users,), torch.arange(len(users)))
        return -logits.log_softmax(1)[place[at[0]], at[1]].mean(0).sum()
    error = scores[at] - ((base[0][at] - base[1][at[1]]) / encoder.sigma)[:, None]
    unseen = net.movies.unseen(content, torch.arange(shape[1]))
    new = torch.einsum("uef,mef->ume", *net.plain(x, unseen))[at] - (base[0][at] / encoder.sigma)[:, None]
    return error.square().mean(0).sum() + task.unseen_weight * new.square().mean(0).sum()


@pytest.mark.parametrize("cycle", [0, 1, 4])
@pytest.mark.parametrize(
    ("kind", "plain"),
    [(StarsTask, False), (RankingTask, False), (RankingTask, True)],
    ids=["stars", "ranking", "interactions"],
)
def test_steps_have_the_exact_gradient(
    world: tuple[Ratings, Catalog], monkeypatch: pytest.MonkeyPatch, kind: type[HiddenRatingsTask],
    plain: bool, cycle: int,
) -> None:  # fmt: skip
    """Loss and gradients equal the dense ones; the raters' tables get the mean of a cycle's gradients at its end.

    Without a cycle (0) each step has all users.
    """
    monkeypatch.setattr(steps, "MAX_CYCLE", {"stars": cycle or 1, "ranking": cycle or 1})
    monkeypatch.setattr(tasks, "UNSEEN_EVERY", 1)
    ratings, catalog = (as_interactions(world[0]) if plain else world[0]), world[1]
    task = build(kind, ratings, catalog)
    if cycle == 0:
        task.plan = replace(task.plan, groups=1)
    starts = task.encoder.of_users.pattern.starts
    names = [name for name, _ in task.net.named_parameters()]
    raters = [name.startswith("movies.tables") for name in names]
    gathered = []
    for ratings_of_step in list(task.batches(np.random.default_rng(1)))[:4]:
        batch = ratings_of_step.batch
        task.net.zero_grad()
        loss = task.loss(ratings_of_step)
        loss.backward()  # type: ignore[no-untyped-call]
        found = [p.grad for p in task.net.parameters()]
        task.net.zero_grad()
        places = torch.cat([torch.arange(starts[u], starts[u + 1]) for u in batch.users])
        expected_loss = dense_loss(task, batch.users.long(), places[batch.hidden.long()])
        torch.testing.assert_close(loss, expected_loss, rtol=1e-4, atol=1e-5)
        expected = torch.autograd.grad(expected_loss, list(task.net.parameters()), allow_unused=True)
        gathered.append([g for g, is_rater in zip(expected, raters, strict=True) if is_rater])
        for name, one, other, is_rater in zip(names, found, expected, raters, strict=True):
            if not is_rater and other is not None:
                torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5, msg=name)
        tables = [g for g, is_rater in zip(found, raters, strict=True) if is_rater]
        if not batch.last_of:
            assert tables == [None] * len(tables)
            continue
        assert batch.last_of == len(gathered) == (cycle or 1)
        for table, parts in zip(tables, zip(*gathered, strict=True), strict=True):
            torch.testing.assert_close(table, sum(parts) / len(parts), rtol=1e-3, atol=1e-5)
        gathered = []
    assert not gathered


def test_hidden_ratings_of_a_part_of_the_movies_are_predicted_as_if_these_were_new(
    world: tuple[Ratings, Catalog], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step takes one of three parts by chance, and the parts together are all hidden ratings."""
    task = build(StarsTask, *world)
    batch = next(task.batches(np.random.default_rng(2)))
    n = torch.unique(batch.of_users.hidden[1], return_inverse=True)[1].remainder(3).bincount()

    def unseen() -> float:
        losses = []
        for task.unseen_weight in (0.0, 1.0):
            losses.append(task.loss(batch).item())
        return losses[1] - losses[0]

    monkeypatch.setattr(tasks, "UNSEEN_EVERY", 1)
    whole = unseen()
    monkeypatch.setattr(tasks, "UNSEEN_EVERY", 3)
    found = set()
    for seed in range(30):
        torch.manual_seed(seed)
        found.add(round(unseen(), 4))
    numbers = iter([0, 0, 1, 1, 2, 2])  # each part twice, for the two losses
    monkeypatch.setattr(torch, "randint", lambda *_: torch.tensor(next(numbers)))
    parts = [unseen() for _ in range(3)]
    assert found <= {round(part, 4) for part in parts}
    assert len(found) > 1
    assert sum(p * k for p, k in zip(parts, n.tolist(), strict=True)) / n.sum() == pytest.approx(whole, rel=1e-3)


def test_a_hidden_rating_is_predicted_without_it(world: tuple[Ratings, Catalog]) -> None:
    """The prediction of the one hidden rating doesn't change with its value, given the biases of the other ratings."""
    ratings, catalog = world
    found = []
    for value in (0.5, 5.0):
        task = build(StarsTask, ratings, catalog)
        encoder, place = task.encoder, 17
        user, movie = encoder.users[place : place + 1], encoder.movies[place : place + 1]
        encoder.of_users.centred[place] += value
        encoder.of_users.adjusted[place] += value
        encoder.totals = encoder.sum_by_movie(encoder.movies, encoder.of_users.adjusted)
        hidden = place - encoder.of_users.pattern.starts[user.long()]
        batch = UserBatch.of(user, hidden)
        seen = BatchRatings(encoder, batch)
        sides = task.encode(seen, StepMovies(seen, movie))
        assert seen.of_users.hidden[1].tolist() == movie.tolist()
        found.append(
            torch.cat([part.flatten() for part in (sides.users, sides.movies, sides.user_bias, sides.movie_bias)])
        )
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("hidden", [0.2, 0.34])
@pytest.mark.parametrize("groups", [1, 3, 23, 40])
def test_an_epoch_hides_each_rating_once(world: tuple[Ratings, Catalog], hidden: float, groups: int) -> None:
    """Steps are divided into cycles without a rest, and each part of a pass over the users hides other ratings."""
    histories = world[0].by_user
    plan = StepPlan(round(1 / hidden), groups, min(groups, 10), 10**6)
    batches = list(plan.batches(histories.counts, np.random.default_rng(0), DEVICE, Part.whole(len(histories))))
    assert len(batches) == plan.steps
    places = [torch.cat([torch.arange(histories.starts[u], histories.starts[u + 1]) for u in b.users]) for b in batches]
    hidden_places = torch.cat([place[b.hidden.long()] for place, b in zip(places, batches, strict=True)])
    assert hidden_places.sort().values.tolist() == list(range(len(histories.items)))
    length = 0
    for batch in batches:
        assert batch.first == (length == 0)
        length += 1
        assert batch.last_of in (0, length)
        length = 0 if batch.last_of else length
        assert length < min(groups, 10)
    assert length == 0


@pytest.mark.parametrize(
    ("ratings", "users", "batch", "stars", "ranking"),
    [
        (100_000, 1_000, 10**6, (5, 1, 20), (5, 1, 20)),
        (900_000, 1_000, 10**6, (5, 10, 20), (5, 1, 20)),
        (900_000, 1_000, 9_000, (5, 20, 15), (5, 20, 2)),
        (9_000_000, 60_000, 10**6, (5, 33, 9), (5, 36, 1)),
        (100_000, 2, 1_000, (5, 2, 20), (5, 2, 20)),
        (9_000_000, 600_000, 10**6, (5, 33, 9), (5, 358, 1)),
    ],
)
def test_steps_follow_the_ratings(
    ratings: int, users: int, batch: int, stars: tuple[int, int, int], ranking: tuple[int, int, int]
) -> None:
    """A step has 18,000 √(millions) ratings, at most `batch`; logits and the number of steps are bounded; by hand."""
    starts = np.linspace(0, ratings, users + 1).astype(np.int64)
    histories = Histories(starts, np.zeros(ratings, np.int32))
    settings = DeepMFSettings(batch=batch)
    for by, expected in (("stars", stars), ("ranking", ranking)):
        plan = StepPlan.of(histories.counts, 10_000, settings, by)
        assert (plan.parts, plan.groups, plan.epochs(20)) == expected


def test_an_epoch_ends_where_the_training_has_no_more_steps(world: tuple[Ratings, Catalog]) -> None:
    """It then hides a part of the ratings, each once, and its last cycle is complete."""
    plan, counts = StepPlan(5, 20, 10, 27), world[0].by_user.counts
    batches = list(plan.batches(counts, np.random.default_rng(0), DEVICE, Part.whole(len(counts))))
    assert len(batches) == plan.steps == 27
    assert plan.epochs(20) == 1
    assert [b.last_of for b in batches if b.last_of] == [10, 10, 7]
    assert sum(len(b.hidden) for b in batches) == pytest.approx(27 / 100 * len(world[0]), rel=0.05)


def test_a_few_ratings_are_enough_for_steps() -> None:
    """A user with a single rating is predicted in each step, which has the users without ratings too."""
    counts = np.array([0, 1])
    for by in ("stars", "ranking"):
        plan = StepPlan.of(counts, 1, DeepMFSettings(), by)
        batches = list(plan.batches(counts, np.random.default_rng(0), DEVICE, Part.whole(2)))
        assert [(b.users.tolist(), b.hidden.tolist()) for b in batches] == [([0, 1], [0])] * 5


def test_items_are_cut_into_parts_of_about_equal_size() -> None:
    """Parts keep the order, none is empty, and a part is larger than its share by less than one item's size."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        sizes = rng.integers(1, rng.choice([2, 50, 1000]), rng.integers(1, 40))
        parts = int(rng.integers(1, len(sizes) + 1))
        items = rng.permutation(len(sizes))
        cut = cut_evenly(items, sizes, parts)
        assert len(cut) == parts
        assert all(len(part) for part in cut)
        np.testing.assert_array_equal(np.concatenate(cut), items)
    even = cut_evenly(np.arange(100), np.full(100, 7), 8)
    assert {len(part) for part in even} <= {12, 13}
    assert [len(part) for part in cut_evenly(np.arange(4), np.array([1, 1, 98, 1]), 3)] == [2, 1, 1]


@pytest.mark.parametrize("kind", [StarsTask, RankingTask])
def test_validation_in_blocks_of_users_gives_the_same_error(
    world: tuple[Ratings, Catalog], monkeypatch: pytest.MonkeyPatch, kind: type[HiddenRatingsTask]
) -> None:
    """The error is the same in one block and in many; of too many validation ratings, those of some users count."""
    cut = random(world[0], 0.3)
    task = build(kind, cut.train, world[1], validation=cut.test)
    task.net.eval()
    with torch.inference_mode():
        error = task.validate()
        monkeypatch.setattr(tasks, "BLOCK_RATINGS", 50)
        assert len(list(task.encode_held_out())) > 10
        assert task.validate() == pytest.approx(error, rel=1e-5)
        monkeypatch.setattr(tasks, "MAX_HELD_OUT", len(cut.test) // 3)
        some = task.validate()
        users = np.flatnonzero(cut.test.by_user.counts)[::4]
        part = build(kind, cut.train, world[1], validation=cut.test.take(np.isin(cut.test.user, users)))
        part.net.load_state_dict(task.net.state_dict())
        part.net.eval()
        monkeypatch.setattr(tasks, "MAX_HELD_OUT", 10**6)
        assert some == pytest.approx(part.validate(), rel=1e-5)
        assert some != pytest.approx(error, rel=1e-3)
