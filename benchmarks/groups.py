"""Measure lists of groups: movies below somebody's mean, and movies that a member turned out not to like.

Random groups of two, three and four users of MovieLens latest-small get a list of ten, from a model trained on the
training part of the random split 42. A listed movie is *below* if a member is expected to rate it below their own mean
rating. It is *disliked* if a member who rated it in the test part gave it less than that mean.

    python benchmarks/groups.py [--model model] [--groups 300]
"""

import argparse
from pathlib import Path

import numpy as np

import cinematrix as cx
from cinematrix.recommendation.expectation import own_mean
from cinematrix.recommendation.groups import GroupStrategy, recommend_for_group

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Print the two shares for each strategy."""
    options = argparse.ArgumentParser(description="Measure lists of groups.")
    options.add_argument("--data", default=ROOT.parent / "shared/data/ml-latest-small", help="folder of the ratings")
    options.add_argument(
        "--model", help="folder of a model of the training part; by default the fast preset is trained"
    )
    options.add_argument("--groups", type=int, default=300)
    args = options.parse_args()
    train, test = cx.split(cx.read(args.data), "random", seed=42)
    model = cx.load(args.model) if args.model else cx.model("deep-mf", preset="fast", seed=0).fit(train)
    groups = draw_groups(len(model.recommender.data.users), args.groups)
    for how in ("average", "least_misery"):
        below, disliked, tested = measure(model, test, groups, how)
        print(f"{how:13} below somebody's mean {below:6.1%}   disliked {disliked:6.1%} of {tested:,} tested opinions")


def draw_groups(n_users: int, n: int) -> list[np.ndarray]:
    """Draw `n` groups of two to four users."""
    rng = np.random.default_rng(0)
    return [rng.choice(n_users, rng.integers(2, 5), replace=False) for _ in range(n)]


def measure(
    model: cx.Model, test: cx.Dataset, groups: list[np.ndarray], how: GroupStrategy
) -> tuple[float, float, int]:
    """Return the shares of movies below and of opinions disliked, and the number of tested opinions."""
    known, ratings = model.recommender.data, test.ratings
    pairs = zip(ratings.users.ids[ratings.user].tolist(), ratings.movies.ids[ratings.movie].tolist(), strict=True)
    given = dict(zip(pairs, np.asarray(ratings.rating).tolist(), strict=True))
    below, disliked = [], []
    for group in groups:
        histories = [known.history.take(np.array([user])) for user in group]
        means = [own_mean(model.recommender, history) for history in histories]
        for item in recommend_for_group(model.recommender, histories, 10, how=how).items:
            below.append(any(one.stars < mean for one, mean in zip(item.members, means, strict=True)))
            for user, mean in zip(group, means, strict=True):
                rating = given.get((known.users.ids[user].item(), item.movie))
                disliked += [] if rating is None else [rating < mean]
    return float(np.mean(below)), float(np.mean(disliked)), len(disliked)


if __name__ == "__main__":
    main()
