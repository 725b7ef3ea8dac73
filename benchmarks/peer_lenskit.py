"""LensKit's recommenders for `peers.py`, by LensKit's own pipeline, on the same split."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings

Stars = NDArray[np.float32]


def biased_mf(train: Ratings, test: Ratings, _: Catalog, seed: int) -> Stars:
    """Return predictions of LensKit's biased matrix factorization by ALS, with its defaults."""
    from lenskit.als import BiasedMFScorer

    return _predicted(BiasedMFScorer(), train, test, seed)


def item_knn(train: Ratings, test: Ratings, _: Catalog, seed: int) -> Stars:
    """Return predictions of LensKit's item neighbourhoods, with 20 neighbours."""
    from lenskit.knn import ItemKNNScorer

    return _predicted(ItemKNNScorer(max_nbrs=20), train, test, seed)


def ease(train: Ratings, seed: int, **settings: Any) -> Stars:
    """Return scores of LensKit's EASE."""
    from lenskit.knn import EASEScorer

    return _scores(EASEScorer(**settings), train, seed)


def implicit_mf(train: Ratings, seed: int, **settings: Any) -> Stars:
    """Return scores of LensKit's implicit ALS."""
    from lenskit.als import ImplicitMFScorer

    return _scores(ImplicitMFScorer(**settings), train, seed)


def _predicted(scorer: Any, train: Ratings, test: Ratings, seed: int) -> Stars:
    """Return stars of the test pairs; of LensKit's bias model where the scorer has none."""
    import pandas as pd
    from lenskit import batch
    from lenskit.data import ItemList
    from lenskit.pipeline import predict_pipeline
    from lenskit.training import TrainingOptions

    pipeline = predict_pipeline(scorer)
    pipeline.train(_dataset(train, stars=True), TrainingOptions(rng=seed))
    wanted = {user: ItemList(item_ids=test.by_user.items_of(user)) for user in np.unique(test.user).tolist()}
    frame = batch.predict(pipeline, wanted, n_jobs=1).to_df()
    found = frame.set_index(["user_id", "item_id"])["score"]
    return np.asarray(found.reindex(pd.MultiIndex.from_arrays([test.user, test.movie])), np.float32)


def _scores(scorer: Any, train: Ratings, seed: int) -> Stars:
    """Fit a scorer; return its scores of all users and movies, −∞ where missing."""
    from lenskit.data import ItemList, RecQuery
    from lenskit.training import TrainingOptions

    scorer.train(_dataset(train, stars=False), TrainingOptions(rng=seed))
    movies = ItemList(item_ids=np.arange(len(train.movies)))
    rows = []
    for user in range(len(train.users)):
        history = ItemList(item_ids=train.by_user.items_of(user))
        rows.append(scorer(RecQuery(user_id=user, user_items=history), movies).scores())
    return np.nan_to_num(np.array(rows, np.float32), nan=-np.inf)


def _dataset(ratings: Ratings, *, stars: bool) -> Any:
    import pandas as pd
    from lenskit.data import from_interactions_df

    columns = {"user_id": ratings.user, "item_id": ratings.movie}
    return from_interactions_df(pd.DataFrame(columns | ({"rating": ratings.stars("LensKit")[0]} if stars else {})))
