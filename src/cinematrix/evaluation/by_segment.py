"""Measures of one model by segment of users and of movies, for its card."""

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.ids import UNKNOWN
from cinematrix.data.ratings import Ratings
from cinematrix.evaluation.evaluate import EvaluationOptions, evaluate
from cinematrix.evaluation.measures import Evaluation, Measure
from cinematrix.evaluation.pooling import measure_errors, measure_lists
from cinematrix.metrics.segments import MOVIE_SEGMENTS, USER_SEGMENTS, assign_movie_segments, select_users
from cinematrix.models.base import Recommender

MEASURES = ("rmse", "mae", "ndcg", "recall", "ndcg_liked")
"""Measures by segment, without `@k`."""

Segment = dict[str, Any]
"""A segment as a JSON object: `segment`, `users`, and `measures` by name."""


def measure_user_segments(evaluation: Evaluation) -> list[Segment]:
    """Return the measures of an evaluation by the number of ratings in the users' histories."""
    per_user, seed = evaluation.per_user, evaluation.protocol.seed
    segments = []
    for name in USER_SEGMENTS:
        inside = select_users(name, per_user["history"])
        if inside.any():
            part = {key: values[inside] for key, values in per_user.items()}
            lists = {key: values for key, values in part.items() if "@" in key}
            measures = measure_errors(part, seed) + measure_lists(lists, seed)
            segments.append(_to_segment(name, int(inside.sum()), measures))
    return segments


def measure_movie_segments(
    model: Recommender, test: Ratings, evaluation: Evaluation, **options: Unpack[EvaluationOptions]
) -> list[Segment]:
    """Return the measures of a model on the tested ratings of head, torso and tail movies, each for itself.

    In a segment only its movies are relevant, but lists may contain any movie. Movies that the model doesn't know are
    tail movies. The order of the lists is that of `evaluation`, whose options these are.
    """
    known = np.append(assign_movie_segments(model.data.raters), len(MOVIE_SEGMENTS) - 1)  # the last is for `UNKNOWN`
    numbers = model.data.movies.numbers(test.movies.ids)
    assert UNKNOWN == -1
    of_row: NDArray[np.int64] = known[numbers][test.movie]
    options["metrics"] = None
    segments = []
    for place, name in enumerate(MOVIE_SEGMENTS):
        rows = np.flatnonzero(of_row == place)
        if len(rows):
            found = evaluate(model, test.take(rows), by=evaluation.protocol.by, **options)
            segments.append(_to_segment(name, found.protocol.users, found.measures))
    return segments


def _to_segment(name: str, users: int, measures: Sequence[Measure]) -> Segment:
    shown = {each.name: each.as_dict() for each in measures if each.name.partition("@")[0] in MEASURES}
    return {"segment": name, "users": users, "measures": shown}
