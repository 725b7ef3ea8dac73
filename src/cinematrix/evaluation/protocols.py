"""Published protocols: a split, the measures of its papers, and the figures that they report on it.

A figure of ours stands beside a published one only if both are of the same data, split and measure. `PROTOCOLS` has
each protocol exactly as its source describes it; `cut` says what differs from the papers' data.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from cinematrix.common.html import html_table
from cinematrix.common.progress import Progress
from cinematrix.common.text import text_table
from cinematrix.data import protocols as published
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import Split
from cinematrix.errors import DataWarning, SettingError
from cinematrix.evaluation.evaluate import evaluate, evaluate_errors
from cinematrix.evaluation.measures import Measure
from cinematrix.evaluation.published import (
    FIXED_DATES,
    LEAVE_ONE_OUT,
    LIST_MEASURES,
    RANDOM_90_10,
    STRONG_GENERALISATION,
    Figure,
)
from cinematrix.models.base import Recommender


@dataclass(frozen=True)
class PublishedProtocol:
    """Protocol of a family of papers.

    Attributes:
        name: the name that `compare` takes.
        title: the protocol in a few words.
        source: the paper that describes it.
        split: cuts the ratings as the papers do; takes the ratings and a seed.
        measures: names of the measures, in the papers' order.
        baseline: the model that every comparison by this protocol includes.
        tuning_split: the validation split of a hyper-parameter search.
        seed: the seed of the paper's own code, or 42.
        figures: published figures by data set.
        remarks: what the papers do otherwise, each in a sentence.
    """

    name: str
    title: str
    source: str
    split: Callable[[Ratings, int], Split]
    measures: tuple[str, ...]
    baseline: str
    tuning_split: str
    seed: int = 42
    figures: Mapping[str, tuple[Figure, ...]] = field(default_factory=dict, repr=False)
    remarks: tuple[str, ...] = ()

    @property
    def of_stars(self) -> bool:
        """True if the errors of predicted stars are measured; else the ratings become interactions, and lists count."""
        return "@" not in self.measures[0]

    def check_model(self, kind: type[Recommender]) -> None:
        """Check that a model can be measured by this protocol.

        Raises:
            SettingError: it predicts no stars, or can't learn from interactions.
        """
        if self.of_stars and not kind.abilities.stars:
            raise SettingError(f"{kind.name} predicts no stars, whose errors {self.name} measures; leave it out")
        if not self.of_stars and not kind.abilities.interactions:
            raise SettingError(
                f"{kind.name} can't learn from interactions, which {self.name} makes of the ratings; leave it out"
            )

    def cut(self, ratings: Ratings, seed: int | None = None) -> tuple[Split, tuple[str, ...]]:
        """Cut the ratings, and tell what makes figures on them incomparable with the published ones.

        Args:
            ratings: the whole data set, as downloaded.
            seed: of the split; None: that of the paper's code.

        Returns:
            The split, and a sentence for each reason; none if the figures are comparable.

        Raises:
            DataError: the ratings can't be cut so, or are plain interactions where the protocol needs stars.
        """
        if self.of_stars:
            ratings.stars(f"the protocol {self.name}")
        dataset, reasons = published.find_dataset(ratings), []
        if dataset not in self.figures:
            known = ", ".join(self.figures)
            name = dataset or f"a table of {len(ratings.users):,} users and {len(ratings):,} ratings"
            reasons.append(f"figures by this protocol are published on {known}, and this is {name}")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", DataWarning)
            split = self.split(ratings, self.seed if seed is None else seed)
        return split, (*reasons, *(str(each.message) for each in caught))

    def measure(self, model: Recommender, split: Split, progress: Progress | None = None) -> list[Measure]:
        """Measure a model that was trained on the split's training part; return the measures in the papers' order."""
        found: list[Measure] = []
        for k, names in groupby(self.measures, key=lambda name: name.partition("@")[2]):
            if k:
                found += evaluate(
                    model, split.test, by="ranking", given=split.given, k=int(k), metrics=list(names),
                    split=split.protocol, progress=progress,
                ).measures  # fmt: skip
            else:
                found += evaluate_errors(model, split.test, list(names), given=split.given, progress=progress)
        return found

    def published_figures(self, ratings: Ratings) -> list[tuple[str, Figure]]:
        """Return published figures with their data set: those on these ratings, or all if there are none."""
        dataset = published.find_dataset(ratings)
        shown = {dataset: self.figures[dataset]} if dataset in self.figures else self.figures
        return [(name, figure) for name, figures in shown.items() for figure in figures]


class ProtocolTable(Mapping[str, PublishedProtocol]):
    """Protocols by name, which print as a table."""

    def __init__(self, protocols: Iterable[PublishedProtocol]) -> None:
        self._by_name = {protocol.name: protocol for protocol in protocols}

    def __getitem__(self, name: str) -> PublishedProtocol:
        return self._by_name[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def __repr__(self) -> str:
        return text_table(*self._table())

    def _repr_html_(self) -> str:
        return html_table(*self._table(), "Published protocols")

    def _table(self) -> tuple[list[str], list[list[str]]]:
        rows = [
            [each.name, each.title, ", ".join(each.measures), ", ".join(each.figures), each.source]
            for each in self.values()
        ]
        return ["protocol", "what is tested", "measures", "published on", "source"], rows


PROTOCOLS = ProtocolTable(
    (
        PublishedProtocol(
            "random-90-10",
            "a random tenth of the ratings is tested",
            "Rendle, Zhang & Koren 2019, On the Difficulty of Evaluating Baselines",
            published.random_tenth,
            ("rmse",),
            "bias",
            "random",
            figures=RANDOM_90_10,
            remarks=("Each paper drew its own tenth: differences below 0.002 say nothing.",),
        ),
        PublishedProtocol(
            "strong-generalisation",
            "users held out, four fifths of their liked movies given",
            "Liang, Krishnan, Hoffman & Jebara 2018, Variational Autoencoders for Collaborative Filtering",
            published.strong_generalisation,
            LIST_MEASURES,
            "popular",
            "new-users",
            seed=published.LIANG_SEED,
            figures=STRONG_GENERALISATION,
            remarks=("capped_recall divides by min(k, relevant), which the papers call Recall.",),
        ),
        PublishedProtocol(
            "fixed-dates",
            "the days after a date are tested, for users with a rating before",
            "LensKit's codex, after Meng et al. 2020, Exploring Data Splitting Strategies",
            lambda ratings, seed: published.fixed_dates(ratings),
            ("user_rmse",),
            "bias",
            "time",
            figures=FIXED_DATES,
            remarks=("user_rmse is the mean of the users' own errors, which the codex calls RMSE.",),
        ),
        PublishedProtocol(
            "leave-one-out",
            "each user's last movie is tested, all movies ranked",
            "Kang & McAuley 2018 with Krichene & Rendle 2020, On Sampled Metrics",
            lambda ratings, seed: published.leave_one_out(ratings),
            ("hit_rate@10", "ndcg@10"),
            "popular",
            "half",
            figures=LEAVE_ONE_OUT,
            remarks=("The papers' models know the order of a user's movies, ours don't.",),
        ),
    )
)
"""Protocols by name."""


def get_protocol(name: str) -> PublishedProtocol:
    """Return the protocol of a name.

    Raises:
        SettingError: there is none.
    """
    if name not in PROTOCOLS:
        raise SettingError(f"there is no protocol {name!r}; the protocols are {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
