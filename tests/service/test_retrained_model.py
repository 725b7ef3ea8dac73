"""A rating's way into the next model: sent to a server, trained on by `cinematrix refit`, served by the same server."""

import json
import subprocess
from pathlib import Path

import numpy as np
import polars as pl

from cinematrix.data.ratings import Ratings
from cinematrix.lifecycle import versions
from cinematrix.models.artifact import load, save
from cinematrix.models.deep_mf.model import DeepMF
from cinematrix.models.deep_mf.settings import DeepMFSettings
from serving import PROGRAM, ServerProcess
from waiting import wait_for
from worlds import taste_world

SMALL = DeepMFSettings(**DeepMFSettings.PRESETS["fast"] | {"factors": 8, "ease_rank": 32, "learning_rate": 0.01})


def select_rows(ratings: Ratings, rows: np.ndarray) -> Ratings:
    """Return these rows, without users who have none of them."""
    part = ratings.take(rows)
    columns = part.users.ids[part.user], part.movies.ids[part.movie], part.rating, part.time
    return Ratings.from_arrays(*columns, scale=part.scale)


def bodies(ratings: Ratings) -> list[dict[str, object]]:
    """Return request bodies with a thousand ratings each, the oldest rating first."""
    columns = [ratings.users.ids[ratings.user], ratings.movies.ids[ratings.movie], ratings.rating, ratings.time]
    names = ("user", "movie", "rating", "time")
    rows = pl.DataFrame(dict(zip(names, columns, strict=True))).sort("time").to_dicts()
    return [{"ratings": rows[at : at + 1000]} for at in range(0, len(rows), 1000)]


def test_deep_mf_learns_what_was_rated_and_is_served(tmp_path: Path) -> None:
    """A third of the ratings is sent over HTTP, some by new users. Retraining compares the old and new model on
    held-out ratings and promotes the new one; the running server loads it, and all users are in it."""
    ratings, catalog = taste_world(np.random.default_rng(1), 0.5, n_users=150, n_movies=60)
    place, db = tmp_path / "model", f"sqlite:///{tmp_path}/s.db"
    assert ratings.time is not None
    new_users = ratings.users.ids[130:-1]
    late = (ratings.user >= 130) | (ratings.time >= np.quantile(ratings.time, 0.8))
    save(DeepMF(SMALL).fit(select_rows(ratings, ~late), catalog), place)
    old = versions.get_serving_version(place)
    with ServerProcess(place, db, tmp_path / "log", "--new-users", "1000") as server:
        server.ready()
        path = f"/v1/users/{new_users[0]}/recommendations"
        for body in bodies(ratings.take(late)):
            assert server.ask("POST", "/v1/ratings", body)[0] == 200
        assert server.ask("GET", path)[1]["model_version"] == old
        command = [*PROGRAM, "refit", str(place), "--db", db, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        outcome = json.loads(done.stdout)
        assert (outcome["state"], outcome["version"]) == ("promoted", versions.get_serving_version(place))
        assert outcome["figures"]["ratings"] > 200
        assert {"rmse", "ndcg"} <= {name.partition("@")[0].lower() for name in outcome["figures"]["measures"]}
        wait_for(lambda: server.ask("GET", path)[1]["model_version"] == outcome["version"])
        assert server.ask("GET", path)[1]["fallback"] is False
    assert versions.get_previous_version(place) == old
    data = load(place).model.data
    assert set(new_users.tolist()) <= set(data.users.ids.tolist())
    left_out = ratings.users.numbers([int(user) for user in outcome["suspects"]])
    assert len(data.history.items) == int((~np.isin(ratings.user, left_out)).sum())
