"""Published protocols: a split, the measures of its papers, and the figures that they report on it.

A figure of ours stands beside a published one only if both are of the same data, split and measure. `measure_protocol`
trains and measures by a protocol; `PROTOCOLS` has the published figures with their sources. Figures are quoted from the
papers, not measured here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from operator import itemgetter

from cinematrix.common.progress import Progress
from cinematrix.data import protocols as published
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import Split
from cinematrix.evaluation.evaluate import evaluate
from cinematrix.evaluation.lists import Metric
from cinematrix.evaluation.measures import Measure
from cinematrix.metrics.accuracy import capped_recall, hit_rate, ndcg
from cinematrix.models.base import Recommender


@dataclass(frozen=True)
class Figure:
    """Figures of one model in one paper, by measure."""

    model: str
    source: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class PublishedProtocol:
    """Protocol of a family of papers.

    Attributes:
        title: the protocol in a few words.
        source: the paper that describes it.
        split: cuts the ratings as the papers do; takes the ratings and a seed.
        seed: the seed of the paper's own code, or 42.
        errors: whether the root-mean-square error counts.
        lists: measures of lists, each with the length of the lists.
        figures: published figures by data set.
    """

    title: str
    source: str
    split: Callable[[Ratings, int], Split]
    seed: int = 42
    errors: bool = False
    lists: tuple[tuple[Metric, int], ...] = ()
    figures: Mapping[str, tuple[Figure, ...]] = field(default_factory=dict)

    @property
    def measures(self) -> list[str]:
        """Names of the measures, in the papers' order."""
        return ["rmse"] * self.errors + [f"{metric.__name__}@{k}" for metric, k in self.lists]


def _figures(*rows: tuple[str, str, float]) -> tuple[Figure, ...]:
    return tuple(Figure(model, source, {"rmse": rmse}) for model, source, rmse in rows)


def _list_figures(*rows: tuple[str, str, float, float, float]) -> tuple[Figure, ...]:
    names = ("capped_recall@20", "capped_recall@50", "ndcg@100")
    return tuple(Figure(model, source, dict(zip(names, values, strict=True))) for model, source, *values in rows)


PROTOCOLS: dict[str, PublishedProtocol] = {
    "random-90-10": PublishedProtocol(
        "a random tenth of the ratings is tested",
        "Rendle, Zhang & Koren 2019, On the Difficulty of Evaluating Baselines",
        published.random_tenth,
        errors=True,
        figures={
            "ml-1m": _figures(("myFM", "Ohtsuki 2021", 0.8140), ("GLocal-K", "Han et al. 2021", 0.8227)),
            "ml-10m": _figures(
                ("Bayesian timeSVD++ flipped", "Rendle et al. 2019", 0.7485),
                ("timeSVD++", "Rendle et al. 2019", 0.7523),
                ("SVD++", "Rendle et al. 2019", 0.7563),
            ),
        },
    ),
    "strong-generalisation": PublishedProtocol(
        "users held out, four fifths of their liked movies given",
        "Liang, Krishnan, Hoffman & Jebara 2018, Variational Autoencoders for Collaborative Filtering",
        published.strong_generalisation,
        seed=published.LIANG_SEED,
        lists=((capped_recall, 20), (capped_recall, 50), (ndcg, 100)),
        figures={
            "ml-20m": _list_figures(
                ("VASP", "Vančura & Kordík 2021", 0.414, 0.552, 0.448),
                ("H+Vamp", "Kim & Suh 2019", 0.413, 0.551, 0.445),
                ("RecVAE", "Shenbin et al. 2020", 0.414, 0.553, 0.442),
                ("Mult-VAE", "Liang et al. 2018", 0.395, 0.537, 0.426),
                ("EASE", "Steck 2019", 0.391, 0.521, 0.420),
            )
        },
    ),
    "fixed-dates": PublishedProtocol(
        "the days after a date are tested, for users with a rating before",
        "LensKit's codex, after Meng et al. 2020, Exploring Data Splitting Strategies",
        lambda ratings, seed: published.fixed_dates(ratings),
        errors=True,
        figures={
            name: _figures(("item-kNN", "LensKit's codex, validation", rmse))
            for name, rmse in (("ml-10m", 0.7588), ("ml-20m", 0.7773), ("ml-25m", 0.7939), ("ml-32m", 0.8159))
        },
    ),
    "leave-one-out": PublishedProtocol(
        "each user's last movie is tested, all movies ranked",
        "Kang & McAuley 2018 with Krichene & Rendle 2020, On Sampled Metrics",
        lambda ratings, seed: published.leave_one_out(ratings),
        lists=((hit_rate, 10), (ndcg, 10)),
    ),
}
"""Protocols by name."""


def measure_protocol(
    protocol: PublishedProtocol,
    model: Callable[[], Recommender],
    ratings: Ratings,
    catalog: Catalog | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
) -> tuple[Split, list[Measure]]:
    """Train a new model by a protocol; return the split and its measures in the papers' order.

    Args:
        model: makes the model to train.
        ratings, catalog: the whole data set, as downloaded.
        seed: of the split; None: that of the paper's code.
    """
    cut = protocol.split(ratings, protocol.seed if seed is None else seed)
    fitted = model().fit(cut.train, catalog, progress=progress)
    measure = partial(evaluate, fitted, cut.test, given=cut.given, split=cut.protocol, progress=progress)
    found = list(measure(metrics=["rmse"]).measures) if protocol.errors else []
    for k, lists in groupby(protocol.lists, key=itemgetter(1)):
        found += measure(by="ranking", k=k, metrics=[metric for metric, _ in lists]).measures
    return cut, found


def published_figures(protocol: PublishedProtocol, ratings: Ratings) -> tuple[str, tuple[Figure, ...]]:
    """Return the name of the data set, empty if papers don't report on it, and their figures on it."""
    name = published.find_dataset(ratings)
    return name, protocol.figures.get(name, ())
