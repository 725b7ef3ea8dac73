"""Facts about the measures: their group, their better end and their meaning in a few words, for printed tables."""

from typing import Literal, NamedTuple

Better = Literal["lower", "higher", "0.80", "–"]
"""Better end of a measure; `–` where neither is better by itself."""

RATINGS, WATCHED, LIKED, BEYOND = "Ratings", "Lists: what was watched", "Lists: what was liked", "Beyond accuracy"
OWN = "Your own"
"""Group of measures by functions of the caller's."""


class MeasureFacts(NamedTuple):
    """Group, better end, and meaning with its unit; docs/evaluating.md describes each at length."""

    group: str
    better: Better
    meaning: str


MEASURES = {
    "rmse": MeasureFacts(RATINGS, "lower", "error in stars; large errors weigh more"),
    "mae": MeasureFacts(RATINGS, "lower", "mean error in stars"),
    "user_rmse": MeasureFacts(RATINGS, "lower", "mean of the users' own rmse, in stars"),
    "user_mae": MeasureFacts(RATINGS, "lower", "mean of the users' own mae, in stars"),
    "within80": MeasureFacts(RATINGS, "0.80", "share of ratings in their 80 % intervals"),
    "width80": MeasureFacts(RATINGS, "lower", "mean width of these intervals, in stars"),
    "log_loss": MeasureFacts(RATINGS, "lower", "mean of −ln(probability of the rating)"),
    "ndcg": MeasureFacts(WATCHED, "higher", "hits, of which the first places count most"),
    "linear_ndcg": MeasureFacts(WATCHED, "higher", "ndcg with stars as the gain"),
    "exponential_ndcg": MeasureFacts(WATCHED, "higher", "ndcg with 2^stars − 1 as the gain"),
    "recall": MeasureFacts(WATCHED, "higher", "hits / relevant movies"),
    "capped_recall": MeasureFacts(WATCHED, "higher", "hits / the most possible ones"),
    "precision": MeasureFacts(WATCHED, "higher", "share of the list that hits"),
    "map": MeasureFacts(WATCHED, "higher", "precision at the hits / relevant movies"),
    "capped_map": MeasureFacts(WATCHED, "higher", "precision at the hits / most possible hits"),
    "mrr": MeasureFacts(WATCHED, "higher", "1 / place of the first hit"),
    "hit_rate": MeasureFacts(WATCHED, "higher", "share of users with a hit"),
    "ndcg_liked": MeasureFacts(LIKED, "higher", "ndcg of the liked movies"),
    "ndcg_above": MeasureFacts(LIKED, "higher", "ndcg; the gain is stars above the mean"),
    "disliked": MeasureFacts(LIKED, "lower", "share of dislikes among tested movies"),
    "ndcg_rare": MeasureFacts(LIKED, "higher", "ndcg; rare liked movies count more"),
    "expected_below": MeasureFacts(LIKED, "lower", "share expected below the user's mean"),
    "miscalibration": MeasureFacts(BEYOND, "lower", "distance from the user's genres, in nats"),
    "novelty": MeasureFacts(BEYOND, "–", "rarity of the listed movies, in bits"),
    "similarity": MeasureFacts(BEYOND, "–", "cosine of two listed movies' genres"),
    "movies_shown": MeasureFacts(BEYOND, "–", "distinct movies in all lists"),
    "coverage": MeasureFacts(BEYOND, "–", "share of the catalog in any list"),
    "gini": MeasureFacts(BEYOND, "–", "inequality of exposure: 0 equal, 1 one movie"),
}
"""Facts by the measure's name without `@k`, in the order of display."""


def get_facts(measure: str) -> MeasureFacts:
    """Return the facts about a measure, with or without `@k`; those of an unknown one are the caller's own."""
    return MEASURES.get(measure.partition("@")[0], MeasureFacts(OWN, "higher", ""))


def lower_is_better(measure: str) -> bool:
    """Return True for errors and for shares of what a list shouldn't have."""
    return get_facts(measure).better == "lower"


def neither_is_better(measure: str) -> bool:
    """Return True for measures of which neither end is better by itself."""
    return get_facts(measure).better in ("–", "0.80")
