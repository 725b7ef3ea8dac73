"""Measure the effect of reranking by novelty and diversity, and its cost in accuracy.

    python benchmarks/dials.py [--data FOLDER] [--model deep-mf]

Writes its tables into benchmarks/RESULTS.md. On the random split 42 every tested user gets a list of ten for several
values of novelty, of diversity, and of both. Measured are NDCG@10 and recall@10 against the list without reranking, the
mean self-information of the list in bits, its intra-list diversity (1 − the mean cosine of its pairs) by genres and by
the model's vectors, and the share of the catalog in all lists.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cinematrix.data import splits
from cinematrix.data.movielens import default
from cinematrix.data.readers import read
from cinematrix.evaluation.held_out import HeldOutRatings, UserBlock
from cinematrix.metrics import accuracy, diversity
from cinematrix.metrics.top_n import RankedLists, top_n
from cinematrix.models import model_class
from cinematrix.models.base import Recommender
from cinematrix.recommendation.reranking import POOL_FACTOR, Reranking
from results import markdown, put

N = 10
"""Length of the lists."""
TURNS = (0.1, 0.2, 0.3, 0.5, 0.7, 0.85, 1.0)
"""Values of novelty, and of diversity."""
BOTH = ((0.2, 0.2), (0.3, 0.5), (0.5, 0.3), (0.5, 0.5))
"""Pairs of novelty and diversity."""


def main() -> None:
    """Measure everything and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--model", default="deep-mf")
    options = parser.parse_args()
    dataset = read(default(options.data).path)
    split = splits.random(dataset.ratings)
    model = model_class(options.model)().fit(split.train, dataset.catalog)
    pools = Pools.of(model, HeldOutRatings.of(model.data, split.test, None))
    parts = [
        f"## Reranking by novelty and diversity: `{model.name}`",
        f"{split.protocol}. Lists of {N} out of {POOL_FACTOR * N}.",
    ]
    for name, turns in (
        ("novelty", [Reranking(novelty=turn) for turn in TURNS]),
        ("diversity", [Reranking(diversity=turn) for turn in TURNS]),
        ("novelty and diversity", [Reranking(*turn) for turn in BOTH]),
    ):
        parts += [f"### {name.capitalize()}", table(pools, [Reranking(), *turns])]
    put(parts)


@dataclass(frozen=True)
class Pools:
    """Candidates of each tested user's list, and the user's tested ratings."""

    model: Recommender
    ranked: RankedLists
    block: UserBlock

    @classmethod
    def of(cls, model: Recommender, held_out: HeldOutRatings) -> "Pools":
        """Rank the candidates of all users in one block."""
        (block,) = held_out.blocks(len(held_out.users))
        return cls(model, top_n(model.score(block.given), POOL_FACTOR * N, block.given), block)

    def measured(self, dials: Reranking) -> list[float]:
        """Return NDCG, recall, bits, diversity by genres and by vectors, and coverage."""
        pool = RankedLists(self.ranked.movies[:, :N], self.ranked.scores[:, :N]) if dials.is_off else self.ranked
        lists, known = dials.rerank(self.model, self.block.given, pool, N).movies, self.model.data
        means = [
            accuracy.ndcg(lists, self.block.tested),
            accuracy.recall(lists, self.block.tested),
            diversity.novelty(lists, known.raters, int(np.count_nonzero(known.history.counts))),
            1 - diversity.intra_list_similarity(lists, known.catalog.genre_matrix()),
            1 - diversity.intra_list_similarity(lists, self.model.vectors()),
        ]
        coverage = diversity.coverage(diversity.exposure(lists, len(known.movies)))
        return [*(float(np.nanmean(values)) for values in means), coverage]


def table(pools: Pools, turns: list[Reranking]) -> str:
    """Return a table with a row per setting; the first is the list without reranking."""
    head = ["novelty", "diversity", "NDCG@10", "of the plain", "recall@10", "bits", "apart by genres", "by vectors"]
    measured = [pools.measured(dials) for dials in turns]
    rows = [
        [
            f"{dials.novelty:g}", f"{dials.diversity:g}", f"{ndcg:.4f}", f"{ndcg / measured[0][0]:.1%}",
            f"{recall:.4f}", f"{bits:.2f}", f"{genres:.3f}", f"{vectors:.3f}", f"{coverage:.1%}",
        ]
        for dials, (ndcg, recall, bits, genres, vectors, coverage) in zip(turns, measured, strict=True)
    ]  # fmt: skip
    return markdown([*head, "coverage"], rows)


if __name__ == "__main__":
    main()
