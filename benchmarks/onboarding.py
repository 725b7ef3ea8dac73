"""Measure the questionnaire for new users against simpler ways to choose the questions.

    python benchmarks/onboarding.py [--data FOLDER] [--models FOLDER]

Writes its tables into benchmarks/RESULTS.md and the curves into docs/onboarding.png. The users are split into five
parts. Each part is served by a `deep-mf` trained on all other users (stored in `--models`, if given).

A simulated new user answers a question with their rating if they have rated the movie, else with "haven't seen it". A
quarter of their ratings is never asked by any method; errors and lists are measured on it. (A test on the ratings that
weren't asked would differ between the methods.) For the same reason the other ratings are left out of all lists,
answered or not. Each user is measured four times, with another quarter held out each time, and counts with the mean.
Every user has at least 20 ratings, so at least 15 to answer with. All methods ask about the same candidate movies,
except `random of all`. The questionnaire asks about several movies at a time; each counts as a question.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from cinematrix.common.plotting import ACCENT, INK, add_axes, create_figure, write_png
from cinematrix.common.threads import limit_process_to_one_thread
from cinematrix.data.dataset import Dataset
from cinematrix.data.histories import Histories
from cinematrix.data.movielens import default
from cinematrix.data.ratings import Ratings
from cinematrix.data.readers import read
from cinematrix.data.training_data import TrainingData
from cinematrix.metrics.accuracy import ndcg
from cinematrix.metrics.significance import Difference, compute_differences
from cinematrix.metrics.top_n import top_n
from cinematrix.models.artifact import load, save
from cinematrix.models.base import Recommender
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.settings import DeepMFSettings
from cinematrix.recommendation.questionnaire import PAGE, Questionnaire
from results import HERE, markdown, put

PARTS, QUARTERS = 5, 4
ANSWERS, QUESTIONS = (3, 5, 10, 15), (5, 10, 20, 40)
"""Numbers of answers and of questions after which is measured."""
PICTURE = HERE.parent / "docs" / "onboarding.png"
OURS, SINGLY, BEYOND = "questionnaire", "questionnaire, one at a time", "random of all"

Floats = NDArray[np.float64]
Asked = list[tuple[int, int]]
"""One new user's questions that were answered with a rating: the question's number, from 1, and the movie."""


@dataclass(frozen=True)
class NewUsers:
    """New users of one part: their possible answers (a dictionary each), and their tested ratings."""

    model: Recommender
    questionnaire: Questionnaire
    answers: list[dict[int, float]]
    test: Histories

    @classmethod
    def of(cls, model: Recommender, held_out: Ratings, part: int, quarter: int) -> "NewUsers":
        """Split each user's ratings into random quarters and hold out one of them for the test."""
        generator, histories = np.random.default_rng(part), held_out.by_user
        answers, tests = [], []
        for user in np.flatnonzero(histories.counts):
            entries = generator.permutation(np.arange(*histories.starts[user : user + 2]))
            quarters = np.array_split(entries, QUARTERS)
            tested = quarters.pop(quarter)
            kept = np.concatenate(quarters)
            assert histories.values is not None, "the benchmark is about ratings"
            answers.append(dict(zip(histories.items[kept].tolist(), histories.values[kept].tolist(), strict=True)))
            tests.append((histories.items[tested].tolist(), histories.values[tested].tolist()))
        return cls(model, Questionnaire.of(model.data), answers, Histories.of_lists(tests))

    @cached_property
    def answerable(self) -> Histories:
        """Histories of all possible answers, which are left out of all lists."""
        return Histories.of_lists([(list(each), list(each.values())) for each in self.answers])

    def measured(self, given: Sequence[Sequence[int]]) -> Floats:
        """Measure each user after the given answers: sum of squared errors, NDCG@10, tested ratings. `[n, 3]`."""
        rated = [(list(movies), [known[m] for m in movies]) for movies, known in zip(given, self.answers, strict=True)]
        histories, test = Histories.of_lists(rated), self.test
        assert test.values is not None, "the benchmark is about ratings"
        errors = self.model.predict_pairs(histories, test.rows, test.items) - test.values
        lists = top_n(self.model.score(histories), 10, self.answerable).movies
        return np.stack([np.bincount(test.rows, errors**2, len(test)), ndcg(lists, test), test.counts], axis=1)


def by_order(order: Iterable[int], answers: dict[int, float], tested: set[int]) -> Asked:
    """Return the answered questions if movies are asked in a fixed order, tested ones skipped."""
    asked = (movie for movie in order if movie not in tested)
    return [(number, movie) for number, movie in enumerate(asked, start=1) if movie in answers]


def by_questionnaire(new_users: NewUsers, row: int, n: int) -> tuple[Asked, list[float]]:
    """Return the answered questions if the questionnaire chooses, `n` at a time, and the seconds of each page."""
    answers, tested = new_users.answers[row], new_users.test.items_of(row)
    rated, unseen, asked, seconds = list[int](), list[int](), list[tuple[int, int]](), list[float]()
    possible = np.isin(list(answers), new_users.questionnaire.movies).sum()
    while len(rated) < possible and (len(rated) < ANSWERS[-1] or len(rated) + len(unseen) < QUESTIONS[-1]):
        history = Histories.of_lists([(rated, [answers[movie] for movie in rated])])
        started = time.perf_counter()
        page = new_users.questionnaire.next(history, np.array(unseen, np.int32), tested, n)
        seconds.append(time.perf_counter() - started)
        assert page is not None, "there are movies left that the user can answer"
        for question in page.questions:
            (rated if question.movie in answers else unseen).append(question.movie)
            if question.movie in answers:
                asked.append((len(rated) + len(unseen), question.movie))
    return asked, seconds


def orders(
    known: TrainingData, pool: NDArray[np.int32]
) -> dict[str, Callable[[np.random.Generator], NDArray[np.int64]]]:
    """Return the methods that ask in a fixed or random order, as functions that give an order of movies."""
    history, n = known.history, len(known.movies)
    assert history.values is not None, "the benchmark is about ratings"
    assert known.scale is not None, "the benchmark is about ratings"
    counts = np.bincount(history.items, minlength=n)
    at_least_one = np.maximum(counts, 1)
    means = np.bincount(history.items, history.values, n) / at_least_one
    variance = np.bincount(history.items, (history.values - means[history.items]) ** 2, n) / at_least_one
    entropy = np.zeros(n)
    for level in known.scale.levels():
        share = np.bincount(history.items[history.values == level], minlength=n) / at_least_one
        entropy -= share * np.log(np.where(share > 0, share, 1))
    values = {
        "popular": counts,
        "highest variance": variance,
        "log popularity × entropy": np.log(at_least_one) * entropy,
        "√popularity × variance": np.sqrt(counts) * variance,
    }
    fixed = {name: pool[np.argsort(-value[pool], kind="stable")] for name, value in values.items()}
    return {name: lambda _, order=order: order for name, order in fixed.items()} | {
        "random": lambda generator: generator.permutation(pool),
        BEYOND: lambda generator: generator.permutation(n),
    }


def held_out(ratings: Ratings, part: int) -> NDArray[np.bool_]:
    """Return the mask of the ratings of a part's users."""
    order = np.random.default_rng(0).permutation(len(ratings.users))
    return np.isin(ratings.user, np.array_split(order, PARTS)[part])


def train(dataset: Dataset, part: int, place: Path) -> None:
    """Train and save a model without the users of a part, unless it exists."""
    if not place.exists():
        learned = dataset.ratings.take(~held_out(dataset.ratings, part))
        save(DeepMF(DeepMFSettings(seed=part)).fit(learned, dataset.catalog), place)


@dataclass(frozen=True)
class Result:
    """Results of one method, for the new users of all parts one after the other.

    Attributes:
        answered, asked: `[users, 3]` as `NewUsers.measured`, by number of answers, and by number of questions.
        needed: questions of each user by number of answers; all questions of a user who has fewer answers.
        given: answers of each user by number of questions.
    """

    answered: dict[int, Floats]
    asked: dict[int, Floats]
    needed: dict[int, Floats]
    given: dict[int, Floats]


def measure_paths(new_users: NewUsers, paths: list[Asked]) -> Result:
    """Measure a method after each number of answers and of questions."""
    first = {k: [[movie for _, movie in path[:k]] for path in paths] for k in ANSWERS}
    within = {q: [[movie for number, movie in path if number <= q] for path in paths] for q in QUESTIONS}
    return Result(
        {k: new_users.measured(given) for k, given in first.items()},
        {q: new_users.measured(given) for q, given in within.items()},
        {k: np.array([path[:k][-1][0] if path else np.nan for path in paths]) for k in ANSWERS},
        {q: np.array([len(movies) for movies in given], np.float64) for q, given in within.items()},
    )


def joined(parts: Sequence[Result], how: Callable[[Sequence[Floats]], Floats]) -> Result:
    """Combine results: parts one after the other, or each user's mean."""
    tables = [[vars(each)[name] for each in parts] for name in ("answered", "asked", "needed", "given")]
    return Result(*({key: how([each[key] for each in table]) for key in table[0]} for table in tables))


def mean(quarters: Sequence[Floats]) -> Floats:
    """Return the mean over the quarters of the same users."""
    return np.asarray(np.mean(quarters, axis=0))


def error(measured: Floats) -> float:
    """Return the root of the mean over users of each user's mean squared error."""
    return float(np.sqrt(np.mean(measured[:, 0] / measured[:, 2])))


def against(ours: Floats, other: Floats) -> tuple[Difference, Difference]:
    """Return the differences of our error and NDCG to another method, paired over users."""
    squared, ones = [each[:, 0] / each[:, 2] for each in (ours, other)], np.ones(len(ours))
    (errors,) = compute_differences(squared[0][:, None], squared[1], ones, root=True)
    (lists,) = compute_differences(ours[:, 1:2], other[:, 1], ones)
    return errors, lists


Visits = tuple[dict[str, Result], list[float]]
"""Results by method, and the seconds of choosing each question."""


def visits(data: Path, place: Path, part: int, quarter: int) -> Visits:
    """Measure each method on the users of a part, with one quarter held out."""
    ratings = read(data).ratings
    new_users = NewUsers.of(load(place).model, ratings.take(held_out(ratings, part)), part, quarter)
    rows = range(len(new_users.test))
    ours, seconds = zip(*(by_questionnaire(new_users, row, PAGE) for row in rows), strict=True)
    singly = [by_questionnaire(new_users, row, 1)[0] for row in rows]
    found = {OURS: measure_paths(new_users, list(ours)), SINGLY: measure_paths(new_users, singly)}
    for name, order in orders(new_users.model.data, new_users.questionnaire.movies).items():
        generator = np.random.default_rng([part, quarter])
        asked = [
            by_order(order(generator).tolist(), new_users.answers[row], set(new_users.test.items_of(row).tolist()))
            for row in rows
        ]
        found[name] = measure_paths(new_users, asked)
    return found, [each for taken in seconds for each in taken]


def of_parts(data: Path, models: Path) -> Visits:
    """Measure all parts and quarters in two processes."""
    runs, seconds = list[dict[str, Result]](), list[float]()
    with ProcessPoolExecutor(2, get_context("spawn"), limit_process_to_one_thread) as pool:
        for part in range(PARTS):
            place = models / f"fold{part}"
            of_part = [pool.submit(visits, data, place, part, quarter) for quarter in range(QUARTERS)]
            found, taken = zip(*(each.result() for each in of_part), strict=True)
            runs.append({name: joined([each[name] for each in found], mean) for name in found[0]})
            seconds += [each for some in taken for each in some]
            print("part", part, "measured", flush=True)
    return {name: joined([each[name] for each in runs], np.concatenate) for name in runs[0]}, seconds


def main() -> None:
    """Measure and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--models", type=Path)
    options = parser.parse_args()
    with TemporaryDirectory() as scratch:
        data, models = default(options.data).path, options.models or Path(scratch)
        dataset = read(data)
        for part in range(PARTS):
            train(dataset, part, models / f"fold{part}")
        found, seconds = of_parts(data, models)
    text = report(found, seconds)
    print("\n\n".join(text))
    draw(found, PICTURE)
    put(text)


def report(found: dict[str, Result], seconds: list[float]) -> list[str]:
    """Return the tables, and the time of choosing a question."""
    n = len(found[OURS].needed[ANSWERS[0]])
    return [
        "## Onboarding",
        f"{n} simulated new users, each outside the training data of the `deep-mf` that serves them. RMSE (root of the "
        "mean over users of each user's mean squared error) / NDCG@10 on a quarter of their ratings that is never "
        "asked, by number of answers; in brackets the mean number of questions. Each user is measured four times, with "
        "another quarter held out.",
        markdown(["method", *(f"{k} answers" for k in ANSWERS)], [row(*each) for each in found.items()]),
        "The questionnaire minus each other method, with 95 % intervals (bootstrap over users, paired):",
        markdown(["against", "RMSE, 5", "RMSE, 10", "NDCG, 5", "NDCG, 10"], compared(found)),
        "The same by number of questions; in brackets the mean number of answers:",
        markdown(
            ["method", *(f"{q} questions" for q in QUESTIONS)],
            [row_by_questions(name, each) for name, each in found.items()],
        ),
        f"A page of {PAGE} movies is chosen in {1000 * np.median(seconds):.1f} ms (median of {len(seconds):,}; 99 % in "
        f"{1000 * np.quantile(seconds, 0.99):.1f} ms or less).",
    ]


def row(name: str, found: Result) -> list[str]:
    """Return a row of the table by answers."""
    return [
        name,
        *(
            f"{error(each):.4f} / {each[:, 1].mean():.4f} ({np.nanmean(found.needed[k]):,.0f})"
            for k, each in found.answered.items()
        ),
    ]


def row_by_questions(name: str, found: Result) -> list[str]:
    """Return a row of the table by questions."""
    return [
        name,
        *(
            f"{error(each):.4f} / {each[:, 1].mean():.4f} ({found.given[q].mean():.1f})"
            for q, each in found.asked.items()
        ),
    ]


def compared(found: dict[str, Result]) -> list[list[str]]:
    """Return the rows of the table of differences."""
    lines = []
    for name in (each for each in found if each != OURS):
        pairs = [against(found[OURS].answered[k], found[name].answered[k]) for k in (5, 10)]
        cells = [pair[measure] for measure in (0, 1) for pair in pairs]
        lines.append([name, *(f"{each.value:+.4f} ({each.low:+.4f} to {each.high:+.4f})" for each in cells)])
    return lines


def draw(found: dict[str, Result], path: Path) -> None:
    """Draw the error by answers and by questions; the questionnaire in colour."""
    figure = create_figure(10, 3.8)
    for place, (curves, what) in enumerate((("answered", "answers"), ("asked", "questions")), start=1):
        axes = add_axes(figure, f"by {what}", what, "RMSE", (1, 2, place))
        ends: dict[str, tuple[float, float]] = {}
        for name, each in found.items():
            points = getattr(each, curves)
            values = [error(one) for one in points.values()]
            colour, width = (ACCENT, 2.5) if name == OURS else (INK, 1)
            axes.plot(list(points), values, "o-", color=colour, linewidth=width, markersize=4, alpha=0.8)
            ends[name] = list(points)[-1], values[-1]
        low, high = axes.get_ylim()
        for name, height in zip(ends, apart([end for _, end in ends.values()], (high - low) / 26), strict=True):
            axes.text(1.03 * ends[name][0], height, name, va="center", fontsize=7)
        axes.set_xlim(0, 1.5 * max(at for at, _ in ends.values()))
    write_png(figure, path)


def apart(heights: list[float], gap: float) -> list[float]:
    """Return heights of labels that don't overlap: each at least `gap` above the one below."""
    placed, highest = dict.fromkeys(range(len(heights)), 0.0), -np.inf
    for number in np.argsort(heights).tolist():
        highest = placed[number] = max(heights[number], highest + gap)
    return list(placed.values())


if __name__ == "__main__":
    main()
