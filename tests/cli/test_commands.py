"""Tests of the commands of `cinematrix.cli`, in subprocesses or in this process."""

import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinematrix.cli.options import parse_columns, parse_scale, parse_settings
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.data.splits import random
from cinematrix.errors import SettingError
from cinematrix.models import MODELS, base, model_class
from cinematrix.models.artifact import load, save
from cinematrix.models.deep_mf.model import DeepMF
from command_line import (
    ANSI,
    PROGRAM,
    Run,
    clean_environment,
    imported_commands,
    run_cli,
    run_failing,
    run_forked,
    run_in_process,
    run_json,
    run_ok,
)
from forks import Fork
from worlds import as_interactions

TINY = [
    *("--set", "factors=8", "--set", "members=1", "--set", "epochs=2", "--set", "ranking_epochs=2"),
    *("--set", "learning_rate=0.01", "--threads", "1"),
]


def content(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files of a folder."""
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a non-ASCII name, holding simulated data, a split of them and models trained on it."""
    folder = tmp_path_factory.mktemp("shop") / "Kino «Žižkov» 映画"
    folder.mkdir()
    sizes = ["users=60", "movies=45", "ratings=1200", "seed=3"]
    sets = [word for size in sizes for word in ("--set", size)]
    answer = run_json("data", "get", "simulated", "--to", folder / "data", "--csv", *sets, by=run_cli)
    assert answer == {"name": "simulated", "folder": str(folder / "data")}
    answer = run_json("data", "split", folder / "data", "--out", folder / "split", "--split", "per-user", by=run_forked)
    assert answer["train"] + answer["test"] == 1200
    for model, sets, by in (
        ("popular", [], run_forked),
        ("bias", [], run_in_process),
        ("deep-mf", TINY, run_in_process),
    ):
        words = ("train", folder / "split/train.csv", "--out", folder / model, "--model", model, *sets)
        answer = run_json(*words, by=by)
        assert answer["data"]["ratings"] == pytest.approx(960, abs=20)
        assert answer["out"] == str(folder / model)
    return folder


def test_a_simulated_set_is_described(shop: Path) -> None:
    """Text and JSON have the requested counts and a histogram that adds up; the plot is a PNG of sensible size."""
    text = run_ok("data", "describe", shop / "data", "--png", shop / "new folder" / "picture.png")
    assert "60 users × 45 movies, 1,200 ratings" in text
    assert "picture.png" in text
    found = run_json("data", "describe", shop / "data")
    assert (found["users"], found["movies"], found["ratings"]) == (60, 45, 1200)
    assert sum(found["histogram"].values()) == 1200
    png = (shop / "new folder" / "picture.png").read_bytes()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    assert 800 <= width <= 2400
    assert 500 <= height <= 2000
    assert 20_000 < len(png) < 1_000_000


@pytest.mark.parametrize("how", ["random", "k-fold", "per-user", "time", "half", "new-users", "new-movies"])
def test_every_split_partitions_the_table(shop: Path, tmp_path: Path, how: str) -> None:
    """Training and test ratings are all rows and have no pair in common; the files can be read."""
    answer = run_json("data", "split", shop / "data", "--out", tmp_path / "cut", "--split", how, "--seed", 7)
    parts = {name: pl.read_csv(tmp_path / "cut" / f"{name}.csv") for name in ("train", "test")}
    assert {name: len(part) for name, part in parts.items()} == {name: answer[name] for name in parts}
    pairs = [set(part.select("userId", "movieId").iter_rows()) for part in parts.values()]
    assert not pairs[0] & pairs[1]
    given = len(pl.read_csv(tmp_path / "cut" / "given.csv")) - answer["train"] if how in ("half", "new-users") else 0
    assert len(pairs[0]) + len(pairs[1]) + given == 1200
    assert (tmp_path / "cut" / "movies.csv").is_file()


@pytest.mark.parametrize(
    ("model", "by"), [("popular", run_in_process), ("bias", run_in_process), ("deep-mf", run_forked)]
)
def test_an_evaluation_has_its_protocol(shop: Path, model: str, by: Run) -> None:
    """Text and JSON have the same numbers with intervals; the protocol names the file and the model."""
    text = run_ok("evaluate", shop / model, shop / "split/test.csv")
    found = run_json("evaluate", shop / model, shop / "split/test.csv", by=by)
    rmse = found["measures"]["rmse"]
    assert 0.3 < rmse["low"] <= rmse["value"] <= rmse["high"] < 2
    assert f"{rmse['value']:.4f}" in text
    assert found["protocol"]["model"] == model
    assert "test.csv" in text
    assert "seed 0" in text


def test_an_evaluation_is_compared_with_an_order_or_a_model(shop: Path) -> None:
    """`--against` adds paired differences from another order or from the model in a folder, in text and JSON."""
    words = ("evaluate", shop / "bias", shop / "split/test.csv")
    orders = ("evaluate", shop / "popular", shop / "split/test.csv", "--by", "stars", "--against", "ranking")
    by_order, by_model = run_json(*orders), run_json(*words, "--against", shop / "popular", by=run_forked)
    assert (by_order["protocol"]["by"], by_order["against"]) == ("stars", "popular by ranking")
    assert "rmse" not in by_order["differences"]
    assert by_model["against"] == "popular by liking"
    for name in ("rmse", "ndcg_liked@10", "disliked@10"):
        paired = by_model["differences"][name]
        assert paired["other"] + paired["difference"] == pytest.approx(by_model["measures"][name]["value"])
        assert paired["low"] <= paired["difference"] <= paired["high"]
    assert "Difference from popular by liking, paired by user" in run_ok(*words, "--against", shop / "popular")
    assert "lists can't be ordered by 'fame'" in run_failing(*words, "--by", "fame")
    assert "nowhere" in run_failing(*words, "--against", shop / "nowhere")
    assert "can't be compared with themselves" in run_failing(*words, "--by", "stars", "--against", "stars")


def test_figures_are_written_into_the_card(shop: Path, tmp_path: Path) -> None:
    """By segment of users and movies; the model stays as it is. `--metrics` measures what it names."""
    shutil.copytree(shop / "bias", tmp_path / "bias")
    words = ("evaluate", tmp_path / "bias", shop / "split/test.csv")
    found = run_json(*words, "--card", "--metrics", "rmse,capped_recall@10")
    assert list(found["measures"]) == ["rmse", "capped_recall@10"]
    text = (tmp_path / "bias" / "README.md").read_text("utf-8")
    for row in (
        f"| `rmse` | {found['measures']['rmse']['value']:.4f} |",
        "| users with < 20 ratings |",
        "| tail movies |",
    ):
        assert row in text, row
    assert "as handed over in test.csv" in text
    changed = {name for name, one in content(tmp_path / "bias").items() if one != content(shop / "bias")[name]}
    assert changed == {"README.md"}
    assert f"figures written into the card in {tmp_path / 'bias'}" in run_ok(*words, "--card").replace("\n", "")
    assert "there is no metric 'fame'" in run_failing(*words, "--metrics", "fame")


def test_novelty_and_diversity_change_a_list(shop: Path) -> None:
    """The reranked list has the same length and other movies; at 0 it is the plain list."""
    words = ("recommend", shop / "bias", "--user", 5, "-n", 6)
    plain, reranked = run_json(*words), run_json(*words, "--novelty", 1, "--diversity", 0.5)
    assert len(plain["items"]) == len(reranked["items"]) == 6
    assert plain["items"] != reranked["items"]
    assert run_json(*words, "--novelty", 0)["items"] == plain["items"]


def test_several_users_get_one_list(shop: Path) -> None:
    """The group's list has the stars of each member, by average or least misery."""
    words = ("recommend", shop / "bias", "--user", 5, "--user", 6, "-n", 4)
    found = run_json(*words)
    assert (found["users"], found["how"], len(found["items"])) == (["5", "6"], "average", 4)
    assert run_json(*words, "--how", "least-misery")["how"] == "least_misery"
    text = run_ok(*words)
    for line in found["items"]:
        assert line["title"] in text
        assert all(f"{member['stars']:.1f}" in text for member in line["members"])


def test_lists_for_a_user_a_new_user_and_all_users(shop: Path, tmp_path: Path) -> None:
    """Tables and JSON have no seen movies and keep the filters; a new user's history comes from a file."""
    model = shop / "deep-mf"
    seen = set(pl.read_csv(shop / "split/train.csv").filter(pl.col("userId") == 5)["movieId"])
    found = run_json("recommend", model, "--user", 5, "-n", 4, "--by", "stars", "--where", "year>=1900")
    assert (found["user"], found["by"], len(found["items"])) == ("5", "stars", 4)
    assert not seen & {line["movie"] for line in found["items"]}
    text = run_ok("recommend", model, "--user", 5, "-n", 4, "--by", "stars")
    assert all(line["title"] in text for line in found["items"])
    assert all(line["low"] <= line["stars"] <= line["high"] for line in found["items"])
    assert all(f"{line['low']:.1f}–{line['high']:.1f}" in text for line in found["items"])
    assert "80 %" not in run_ok("recommend", shop / "bias", "--user", 5)
    assert "80 %" not in run_ok("similar", model, "--movie", found["items"][0]["movie"])
    exclude = ",".join(str(line["movie"]) for line in found["items"][:2])
    rest = run_json("recommend", model, "--user", 5, "-n", 2, "--by", "stars", "--exclude", exclude)
    assert [line["movie"] for line in rest["items"]] == [line["movie"] for line in found["items"][2:]]
    (tmp_path / "my films.csv").write_text(f"movieId,rating\n{found['items'][0]['movie']},5\n999999,3\n")
    new_user = run_json("recommend", model, "--history", tmp_path / "my films.csv", "-n", 99)
    assert new_user["unknown"] == [999999]
    assert "of 99 movies" in new_user["shortfall"]
    assert found["items"][0]["movie"] not in {line["movie"] for line in new_user["items"]}
    assert "999999" in run_ok("recommend", model, "--history", tmp_path / "my films.csv")
    for_all = ("recommend", model, "--all", "-n", 4, "--by", "stars", "--on", "local")
    rows = run_json(*for_all, "--out", tmp_path / "all.parquet")["rows"]
    lists = pl.read_parquet(tmp_path / "all.parquet")
    assert len(lists) == rows
    assert lists.columns == ["user", "rank", "movie", "score", "stars", "low", "high"]
    for name in ("movie", "low", "high"):
        assert lists.filter(pl.col("user") == 5)[name].to_list() == pytest.approx([i[name] for i in found["items"]])


def test_why_shows_the_reasons(shop: Path, tmp_path: Path) -> None:
    """JSON always has the reasons; with `--why` the table has them in place of the genres, with `--shares` in %."""
    few = pl.read_csv(shop / "split/train.csv").filter(pl.col("userId") == 5).head(3)
    few.select("movieId", "rating").write_csv(tmp_path / "few.csv")
    words = ("recommend", shop / "deep-mf", "--history", tmp_path / "few.csv", "-n", 20)
    reasons = [line["because"] for line in run_json(*words)["items"]]
    assert {len(because) for because in reasons} == {0, 1}
    assert all(0 < reason["share"] <= 1 for because in reasons for reason in because)
    assert {reason["movie"] for because in reasons for reason in because} <= set(few["movieId"].to_list())
    text, plain = run_ok(*words, "--why"), run_ok(*words)
    shares = run_ok(*words, "--shares")
    for (reason,) in filter(None, reasons):
        assert f"you gave {reason['title']} {reason['given']}: {reason['why']}" in text
        assert f"{reason['why']} ({100 * reason['share']:.0f} %)" in shares
    assert "%)" not in text
    assert "because" in text
    assert "genres" not in text
    assert "because" not in plain
    all_users = ("recommend", shop / "deep-mf", "--all", "--out", tmp_path / "all.parquet")
    assert "the file of --all has no column for reasons" in run_failing(*all_users, "--why")
    assert run_json("recommend", shop / "bias", "--user", 5, "-n", 1)["items"][0]["because"] == []


def test_a_score_is_explained(shop: Path, tmp_path: Path) -> None:
    """Table and JSON add up, for a user and a new user, a movie by ID or title, by stars or ranking."""
    movie = run_json("recommend", shop / "deep-mf", "--user", 5, "-n", 1, "--by", "ranking")["items"][0]
    words = ("explain", shop / "deep-mf", "--user", 5, "--movie", movie["movie"])
    for by, score in (("ranking", movie["score"]), ("stars", movie["stars"])):
        found = run_json(*words, "--by", by)
        assert (found["user"], found["movie"], found["by"]) == ("5", movie["movie"], by)
        together = sum(found["parts"].values()) + sum(line["share"] for line in found["ratings"]) + found["remainder"]
        assert together == pytest.approx(found["score"], abs=1e-6)
        assert found["score"] == pytest.approx(score, abs=1e-4)
    text = run_ok("explain", shop / "deep-mf", "--user", 5, "--movie", movie["title"].upper(), "-n", 3, by=run_forked)
    assert text.startswith(f"{movie['title']} ({movie['year']}): {movie['stars']:.2f} stars expected\n")
    assert re.search(r"adds +of it +rated +without it\n", text)
    assert re.search(rf"^ *{found['score']:.3f}  together", text, re.MULTILINE)
    lines = re.findall(r"^ +(\S.*?) +([+-]\d\.\d{3}) +(\d(?:\.5)?) +(\d\.\d{3}) *$", text, re.MULTILINE)
    most = sorted(found["ratings"], key=lambda line: -abs(line["share"]))[:3]
    assert {label for label, *_ in lines} == {f"{line['title']} ({line['year']})" for line in most}
    seen = most[0]
    (tmp_path / "mine.csv").write_text(f"movie,rating\n{seen['movie']},4\n999999,3\n")
    new_user = run_json("explain", shop / "deep-mf", "--history", tmp_path / "mine.csv", "--movie", movie["movie"])
    assert (new_user["unknown"], [line["movie"] for line in new_user["ratings"]]) == ([999999], [seen["movie"]])
    assert "999999" in run_ok(
        "explain", shop / "deep-mf", "--history", tmp_path / "mine.csv", "--movie", movie["movie"]
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "whose taste to explain isn't clear; give --user ID or --history FILE"),
        (["--user", "1", "--history", "x.csv"], "whose taste to explain isn't clear"),
        (["--user", "4711"], "user 4711 isn't among the model's 60 users"),
        (["--user", "1", "--by", "taste"], "can't be ordered by 'taste'"),
    ],
)
def test_invalid_explanations_are_errors(shop: Path, words: list[str], message: str) -> None:
    """No user, two users, an unknown user or order: one line and exit code 2."""
    movie = pl.read_csv(shop / "data/movies.csv")["movieId"][0]
    assert message in run_failing("explain", shop / "bias", "--movie", movie, *words)
    assert "neither an ID nor like a title" in run_failing("explain", shop / "bias", "--user", 1, "--movie", "zzz")


def test_excluded_movies_come_from_a_list_or_a_file(shop: Path, tmp_path: Path) -> None:
    """A list longer than any file name, or a file with one ID per line; a binary file is an error."""
    movies = sorted(pl.read_csv(shop / "data/movies.csv")["movieId"])
    included, excluded = movies[0], [str(movie) for movie in movies[1:]]
    (tmp_path / "ids.txt").write_text("\n".join(excluded) + "\n\n")
    for exclude in (",".join(excluded * 30), tmp_path / "ids.txt"):
        found = run_json("recommend", shop / "bias", "--history", history(tmp_path, movies[-1]), "--exclude", exclude)
        assert [line["movie"] for line in found["items"]] == [included]
    (tmp_path / "ids.txt").write_bytes(b"\xff\xfe1")
    words = ("recommend", shop / "bias", "--user", 1, "--exclude", tmp_path / "ids.txt")
    assert "isn't a text file in UTF-8; write one ID per line" in run_failing(*words)


def history(folder: Path, movie: int) -> Path:
    """Write the history of a user with a known and an unknown movie."""
    (folder / "history.csv").write_text(f"movie,rating\n-1,3\n{movie},3\n")
    return folder / "history.csv"


def test_similar_by_id_and_by_title(shop: Path) -> None:
    """A movie is found by ID or by a part of its title, and isn't in its own list."""
    movie = pl.read_csv(shop / "data/movies.csv").row(0, named=True)
    found = run_json("similar", shop / "deep-mf", "--movie", movie["movieId"], "-n", 5)
    assert found["movie"] == movie["movieId"]
    assert len(found["items"]) == 5
    assert movie["movieId"] not in {line["movie"] for line in found["items"]}
    title = movie["title"].rsplit(" (", 1)[0]
    assert f"similar to {title}" in run_ok("similar", shop / "deep-mf", "--movie", title.upper(), "-n", 5)
    assert "neither an ID nor like a title" in run_failing("similar", shop / "deep-mf", "--movie", "zzz")
    assert "has no vectors" in run_failing("similar", shop / "bias", "--movie", movie["movieId"])


@pytest.mark.parametrize(
    ("model", "by"), [("popular", run_in_process), ("bias", run_in_process), ("deep-mf", run_forked)]
)
def test_pairs_come_back_in_their_rows_and_order(shop: Path, tmp_path: Path, model: str, by: Run) -> None:
    """Known, unknown and repeated users and movies: the same rows in the same order, each with stars on the scale."""
    pairs = pl.read_csv(shop / "split/test.csv", infer_schema=False).select(user="userId", movie="movieId")
    odd = pl.DataFrame({"user": ["nobody", "1", "nobody", "007"], "movie": ["1", "no movie", "-3", "0"]})
    pairs = pl.concat([odd, pairs.reverse(), odd, pairs[:3]])
    pairs.with_columns(note=pl.lit("x")).select("note", "movie", "user").write_csv(tmp_path / "pairs, all.csv")
    answer = run_json("predict", shop / model, tmp_path / "pairs, all.csv", "--out", tmp_path / "out.csv", by=by)
    found = pl.read_csv(tmp_path / "out.csv", schema_overrides={"user": pl.String, "movie": pl.String})
    assert answer["rows"] == len(found) == len(pairs)
    assert found.select("user", "movie").equals(pairs)
    assert found["prediction"].is_between(0.5, 5).all()
    assert found["prediction"].n_unique() > 10
    expected = load(shop / model).model.predict(pairs["user"].to_numpy(), pairs["movie"].to_numpy())
    np.testing.assert_allclose(found["prediction"].to_numpy(), expected, atol=1e-4)
    assert found.columns == ["user", "movie", "prediction", *["low", "high"] * (model == "deep-mf")]


def test_predictions_come_with_intervals_of_any_coverage(shop: Path, tmp_path: Path) -> None:
    """Intervals hold the prediction, equal those of Python, and are wider for a larger coverage."""
    pl.read_csv(shop / "split/test.csv").select(user="userId", movie="movieId").write_csv(tmp_path / "pairs.csv")
    command = ("predict", shop / "deep-mf", tmp_path / "pairs.csv", "--force", "--out", tmp_path / "out.csv")
    found = {}
    for coverage, option in ((0.8, []), (0.5, ["--coverage", 0.5]), (0.95, ["--coverage", 0.95])):
        run_ok(*command, *option)
        found[coverage] = pl.read_csv(tmp_path / "out.csv")
        low, high = load(shop / "deep-mf").model.interval(*found[coverage].select("user", "movie"), coverage)
        np.testing.assert_allclose(found[coverage]["low"], low, atol=1e-4)
        np.testing.assert_allclose(found[coverage]["high"], high, atol=1e-4)
        assert found[coverage]["prediction"].is_between(found[coverage]["low"], found[coverage]["high"]).all()
    width = {coverage: (table["high"] - table["low"]).mean() for coverage, table in found.items()}
    assert width[0.5] < width[0.8] < width[0.95] < 4.5  # type: ignore[operator]
    for wrong in (0, 1, 80, "nan"):
        assert "is a share between 0 and 1, such as 0.8" in run_failing(*command, "--coverage", wrong)
    error = run_failing("predict", shop / "bias", *command[2:], "--coverage", 0.5)
    assert "bias has no distributions of ratings; train deep-mf on ratings" in error


def test_a_reliability_diagram_is_drawn(shop: Path, tmp_path: Path) -> None:
    """A PNG is saved and the coverage has an interval; an existing file and a model without intervals are errors."""
    plot = tmp_path / "reliability.png"
    command = ("evaluate", shop / "deep-mf", shop / "split/test.csv", "--reliability", plot)
    text = run_ok(*command)
    assert f"reliability plot saved in {plot}" in text
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert "exists already; give another name, or --force" in run_failing(*command)
    measures = run_json(*command, "--force")["measures"]
    within = measures["within80"]
    assert 0.6 < within["low"] <= within["value"] <= within["high"] <= 1
    assert 0.5 < measures["width80"]["value"] < 4.5
    assert 0.5 < measures["log_loss"]["value"] < np.log(10)
    error = run_failing("evaluate", shop / "bias", shop / "split/test.csv", "--reliability", tmp_path / "b.png")
    assert "bias has no distributions" in error
    assert not (tmp_path / "b.png").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "pairs.csv is empty; a table is needed"),
        ("user,picture\n1,2\n", "pairs.csv has no column for the movie; it has user, picture"),
        ("user,movie\n1,2\n,3\n", "pairs.csv, line 3: the user is missing"),
        ("user,movie\n1,2\n4\n", "pairs.csv, line 3: 1 fields separated by ',' instead of 2"),
        ("user,movie\n1,2,3,4\n", "pairs.csv, line 2: 4 fields separated by ',' instead of 2"),
        ('user,"a\nb\x1b[31m"\n1,2\n', "pairs.csv has no column for the movie; it has user, a b [31m"),
        (None, "pairs.csv doesn't exist; give a table with the columns user, movie"),
    ],
)
def test_invalid_pairs_are_one_clear_error(shop: Path, tmp_path: Path, content: str | None, message: str) -> None:
    """An empty or missing file, a missing column, a gap and a ragged line are errors; nothing is written."""
    if content is not None:
        (tmp_path / "pairs.csv").write_text(content)
    assert message in run_failing("predict", shop / "bias", tmp_path / "pairs.csv", "--out", tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


def test_no_pairs_are_no_predictions(shop: Path, tmp_path: Path) -> None:
    """A header without rows gives a header without rows."""
    (tmp_path / "pairs.csv").write_text("user,movie\n")
    assert run_json("predict", shop / "deep-mf", tmp_path / "pairs.csv", "--out", tmp_path / "out.csv")["rows"] == 0
    assert (tmp_path / "out.csv").read_text() == "user,movie,prediction,low,high\n"


def test_existing_output_is_an_error_before_the_work(shop: Path, tmp_path: Path) -> None:
    """An existing or impossible output is an error before the input is read; --force replaces it."""
    out = tmp_path / "out"
    out.write_text("existing")
    (tmp_path / "pairs.csv").write_text("user,movie\n1,1\n")
    nowhere = tmp_path / "not there"
    commands: list[list[object]] = [
        ["train", nowhere, "--model", "popular", "--out"],
        ["predict", nowhere, nowhere, "--out"],
        ["data", "split", nowhere, "--out"],
        ["recommend", nowhere, "--all", "--out"],
        ["demo", "--data", nowhere, "--out"],
        ["evaluate", nowhere, nowhere, "--reliability"],
        ["data", "get", "simulated", "--set", "users=10", "--set", "movies=10", "--set", "ratings=50", "--to"],
    ]
    for command in commands:
        assert f"{out} exists already; give another" in run_failing(*command, out)
    for command in commands[:6]:
        assert f"{out} isn't a folder" in run_failing(*command, out / "deeper")
    assert out.read_text() == "existing"
    run_ok("predict", shop / "bias", tmp_path / "pairs.csv", "--out", out, "--force")
    assert out.read_text().startswith("user,movie,prediction\n1,1,")
    assert "isn't a model and so isn't replaced" in run_failing("train", nowhere, "--out", out, "--force")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "depth=3"], "deep-mf has no such setting; its settings are factors=64"),
        (["--set", "factors"], "--set 'factors': deep-mf has no such setting"),
        (["--set", "preset=slow"], "--set preset=slow: there is no such preset; the presets are fast"),
        (["--model", "bias", "--set", "preset=fast"], "--set 'preset=fast': bias has no such setting"),
        (["--set", "factors=many"], "--set factors=many: factors must be a whole number"),
        (["--set", "factors=4.5"], "factors must be a whole number"),
        (["--set", "dropout=none"], "dropout must be a finite number"),
        (["--set", "learning_rate=nan"], "learning_rate must be a finite number"),
        (["--set", "content=maybe"], "content must be true or false"),
        (["--set", "factors=-1"], "factors is -1; it "),
        (["--model", "deep-mf-classic", "--set", "hidden=64"], "hidden must be 2 values of type int, such as 1,2"),
        (["--model", "deep-mf-classic", "--set", "hidden=64,x"], "hidden must be 2 values of type int"),
        (["--model", "popular", "--set", "factors=3"], "popular has no such setting; its settings are none"),
        (["--model", "svd+++"], "there is no model 'svd+++'; the models are popular, bias"),
        (["--columns", "user"], "--columns 'user' isn't understood"),
        (["--scale", "5-1"], "--scale '5-1' isn't understood"),
        (["--device", "tpu"], "device 'tpu' isn't available here"),
        (["--model", "popular", "--scale", "1-3"], "the rating 4 is off the scale 1–3"),
    ],
)
def test_invalid_settings_are_errors(shop: Path, tmp_path: Path, words: list[str], message: str) -> None:
    """An unknown key or a value of another type or range is one line with the options; nothing is written."""
    assert message in run_failing("train", shop / "split/train.csv", "--out", tmp_path / "m", *words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--user", "1", "--where", "genre=Nonsense"], "no movie has the genre 'Nonsense'; the genres are "),
        (["--user", "1", "--where", "year>=x"], "a year is a whole number such as 1990"),
        (["--user", "1", "--where", "quality=good"], "filter 'quality=good' isn't understood"),
        (["--user", "4711"], "user 4711 isn't among the model's 60 users"),
        (["--user", "1", "--by", "taste"], "can't be ordered by 'taste'"),
        (["--user", "1", "--history", "x.csv"], "whom to recommend to isn't clear"),
        ([], "whom to recommend to isn't clear"),
        (["--all"], "whom to recommend to isn't clear"),
        (["--all", "--out", "lists.xlsx"], ".xlsx is no format of lists; end the name in .parquet, .csv or .jsonl"),
        (["--history", "x.csv"], "x.csv doesn't exist; give a table with the columns movie, rating"),
    ],
)
def test_invalid_recommendations_are_errors(shop: Path, words: list[str], message: str) -> None:
    """Invalid filters, users and orders: one line and exit code 2."""
    assert message in run_failing("recommend", shop / "bias", *words)


@pytest.mark.parametrize("words", [["train"], ["train", "x", "--bogus"], ["nonsense"], ["recommend", "x", "-n", "0"]])
def test_wrong_usage_ends_with_2_and_help(words: list[str]) -> None:
    """Invalid arguments print the usage on stderr, nothing on stdout, and no traceback."""
    done = run_forked(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: " in done.stderr
    assert "Traceback" not in done.stderr
    assert ANSI not in done.stderr


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    """With --debug the error has its traceback; without it is one line."""
    done = run_forked("--debug", "recommend", tmp_path / "nothing", "--user", 1)
    assert done.returncode != 0
    assert "Traceback" in done.stderr
    assert "ArtifactError" in done.stderr
    assert "holds no model.json" in run_failing("recommend", tmp_path / "nothing", "--user", 1)


def test_help_and_version() -> None:
    """Both exit with 0; every command has help, without colours."""
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", run_ok("--version"))
    text = run_ok("--help", by=run_cli)
    for command in ("demo", "train", "evaluate", "predict", "recommend", "similar", "data"):
        assert f" {command} " in text
    assert "--set" in run_ok("train", "-h")


@pytest.mark.parametrize(
    "more", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii"}, {"TZ": "Pacific/Chatham"}]
)
def test_the_output_is_the_same_in_any_locale(shop: Path, more: dict[str, str]) -> None:
    """Locale and time zone don't change the output, characters of all scripts included."""
    words = ("data", "describe", shop / "data")
    in_locale: Run = partial(run_cli, **more)  # type: ignore[arg-type]
    assert run_ok(*words, "--json", by=in_locale) == run_ok(*words, "--json")
    assert run_ok(*words, by=in_locale) == run_ok(*words)
    assert "Žižkov» 映画" in run_failing("recommend", shop / "nothing", "--user", 1, by=in_locale)


def in_a_terminal(*words: object, code: int = 0, **more: str) -> str:
    """Return the output of a command whose stdout and stderr are a terminal."""
    reader, writer = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, *map(str, words)], stdout=writer, stderr=writer, env=clean_environment(**more)
    ) as process:
        os.close(writer)
        parts = []
        while True:
            try:
                part = os.read(reader, 65536)
            except OSError:  # the process has ended
                break
            if not part:
                break
            parts.append(part)
    os.close(reader)
    assert process.returncode == code
    return b"".join(parts).decode()


def test_colours_follow_the_terminal_and_no_color(shop: Path) -> None:
    """A terminal gets styles, with NO_COLOR no colours, and a dumb terminal gets none."""
    words = ("recommend", shop / "bias", "--user", 1, "-n", 99)
    colour = re.compile(r"\x1b\[(\d+;)*(3[0-8]|4[0-8]|9[0-7])(;\d+)*m")
    assert ANSI in in_a_terminal(*words, TERM="xterm-256color")
    assert not colour.search(in_a_terminal(*words, TERM="xterm-256color", NO_COLOR="1"))
    assert ANSI not in in_a_terminal(*words, TERM="dumb")
    assert colour.search(in_a_terminal("nonsense", code=2, TERM="xterm-256color"))
    assert not colour.search(in_a_terminal("nonsense", code=2, TERM="xterm-256color", NO_COLOR="1"))


@pytest.mark.parametrize("words", [["--json"], []])
def test_a_closed_pipe_is_no_error(shop: Path, words: list[str]) -> None:
    """If the pipe is closed (`… | head`), the command ends without an error."""
    command = [*PROGRAM, "data", "describe", str(shop / "data"), *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_environment())
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


def test_plain_interactions_from_end_to_end(tmp_path: Path, world: tuple[Ratings, Catalog]) -> None:
    """Interactions without stars are described, split, trained on, evaluated and recommended; stars are errors."""
    views = as_interactions(world[0])
    frame = pl.DataFrame(
        {"user_id": views.users.ids[views.user], "item_id": views.movies.ids[views.movie], "time": views.time}
    )
    frame.write_csv(tmp_path / "views.csv")
    assert "plain interactions, no stars" in run_ok("data", "describe", tmp_path / "views.csv")
    assert run_json("data", "describe", tmp_path / "views.csv")["histogram"] is None
    run_ok("data", "split", tmp_path / "views.csv", "--out", tmp_path / "cut")
    assert "rating" not in (tmp_path / "cut/train.csv").read_text().splitlines()[0]
    assert "bias needs ratings with stars" in run_failing(
        "train", tmp_path / "cut/train.csv", "--out", tmp_path / "b", "--model", "bias"
    )
    for name, sets in (("popular", []), ("deep-mf", TINY)):
        run_ok("train", tmp_path / "cut/train.csv", "--out", tmp_path / name, "--model", name, *sets)
        measures = run_json("evaluate", tmp_path / name, tmp_path / "cut/test.csv")["measures"]
        assert "rmse" not in measures
        assert 0 <= measures["ndcg@10"]["value"] <= 1
        user = views.users.ids[0]
        assert "chance" in run_ok("recommend", tmp_path / name, "--user", user)
        assert "by ranking" in run_ok("explain", tmp_path / name, "--user", user, "--movie", views.movies.ids[0])
        assert "predicts no stars" in run_failing("recommend", tmp_path / name, "--user", user, "--by", "stars")
        (tmp_path / "pairs.csv").write_text(f"user,movie\n{user},{views.movies.ids[0]}\nnobody,nothing\n")
        run_ok("predict", tmp_path / name, tmp_path / "pairs.csv", "--out", tmp_path / "chances.csv", "--force")
        assert pl.read_csv(tmp_path / "chances.csv")["prediction"].is_between(0, 1).all()


def test_divergence_ends_with_1_and_no_model(shop: Path, tmp_path: Path) -> None:
    """A learning rate of 1e9 ends with one line of advice and writes no model."""
    for model in ("deep-mf", "deep-mf-classic"):
        out = tmp_path / model
        words = ("train", shop / "split/train.csv", "--out", out, "--model", model, "--set", "learning_rate=1e9")
        assert "lower learning_rate (now 1e+09)" in run_failing(*words, code=1)
        assert not out.exists()


LONG = [
    *("--set", "factors=8", "--set", "members=1", "--set", "epochs=25", "--set", "ranking_epochs=5"),
    *("--threads", "1"),
]


def start_training(shop: Path, out: Path, output: Path) -> Fork:
    """Start a training in the background and wait for its first checkpoint, far from its end.

    `output`: folder for files of what it prints.
    """
    words = ("train", shop / "split/train.csv", "--out", out, *LONG)
    process = imported_commands().start(output, Path.cwd(), *words)
    while not list(out.parent.glob(f"{out.name}.checkpoint.*")):
        assert process.poll() is None, "it ended before its first checkpoint"
        time.sleep(0.005)
    return process


def finish(process: Fork, number: signal.Signals) -> int:
    """Send a signal; return the exit code."""
    process.send_signal(number)
    return process.wait(60)


def test_a_resumed_training_gives_the_same_model(
    shop: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After `kill -9`, --resume gives the bytes of an uninterrupted run, and the checkpoint is removed."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    run_ok("train", shop / "split/train.csv", "--out", tmp_path / "whole", *LONG)
    assert [file.name for file in tmp_path.iterdir()] == ["whole"]
    training = start_training(shop, tmp_path / "killed", tmp_path_factory.mktemp("output"))
    assert finish(training, signal.SIGKILL) == -signal.SIGKILL
    assert not (tmp_path / "killed").exists()
    (file,) = tmp_path.glob("killed.checkpoint.*")
    checkpoint = file.read_bytes()
    other = [word.replace("epochs=25", "epochs=26") for word in LONG]
    message = run_failing("train", shop / "split/train.csv", "--out", tmp_path / "killed", *other, "--resume")
    assert "is of another training" in message
    file.write_bytes(checkpoint[:-5])
    assert "is damaged or no checkpoint" in run_failing(
        "train", shop / "split/train.csv", "--out", tmp_path / "killed", *LONG, "--resume"
    )
    file.write_bytes(checkpoint)
    run_ok("train", shop / "split/train.csv", "--out", tmp_path / "killed", *LONG, "--resume")
    assert content(tmp_path / "killed") == content(tmp_path / "whole")
    left = {file.name for file in tmp_path.iterdir() if not file.name.endswith(".part")}
    assert left == {"whole", "killed"}


def test_ctrl_c_ends_with_130_and_no_partial_model(
    shop: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The checkpoint stays for --resume; no model or partial model is written."""
    output = tmp_path_factory.mktemp("output")
    assert finish(start_training(shop, tmp_path / "m", output), signal.SIGINT) == 130
    assert (output / "errors").read_text() == "cinematrix: interrupted\n"
    assert [file.name[:13] for file in tmp_path.iterdir()] == ["m.checkpoint."]


def test_without_resume_old_checkpoints_are_removed(shop: Path, tmp_path: Path) -> None:
    """Checkpoints of an earlier training are removed; files of other names stay."""
    for name in ("m.checkpoint.ranking", "m.checkpoint", "mm.checkpoint.stars", "m.checkpointed"):
        (tmp_path / name).write_text("old")
    run_ok("train", shop / "split/train.csv", "--out", tmp_path / "m", *TINY)
    assert {file.name for file in tmp_path.iterdir()} == {"m", "mm.checkpoint.stars", "m.checkpointed"}
    (tmp_path / "n.checkpoint.ranking").write_text("old")
    diverging = ("train", shop / "split/train.csv", "--out", tmp_path / "n", *TINY, "--set", "learning_rate=1e9")
    run_failing(*diverging, code=1)
    assert not (tmp_path / "n.checkpoint.ranking").exists(), "a later --resume would continue from it"


@pytest.mark.parametrize("model", ["deep-mf", "deep-mf-classic"])
def test_two_processes_make_the_same_bytes(
    shop: Path, tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same data, seed, threads and date give the same bytes; another seed gives others."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    sizes = TINY[:-2] if model == "deep-mf" else ["--set", "epochs=1"]
    words = ("train", shop / "split/train.csv", "--model", model, *sizes, "--threads", 2)
    for out in ("a", "b"):
        run_hashed: Run = partial(run_cli, PYTHONHASHSEED=str(ord(out)))
        run_ok(*words, "--seed", 1, "--out", tmp_path / out, by=run_hashed)
    run_ok(*words, "--seed", 2, "--out", tmp_path / "c")
    assert content(tmp_path / "a") == content(tmp_path / "b")
    assert content(tmp_path / "a")["arrays.safetensors"] != content(tmp_path / "c")["arrays.safetensors"]
    assert load(tmp_path / "a").about["trained"] == "2023-11-14T22:13:20+00:00"


SMALL: dict[str, dict[str, Any]] = {
    "deep-mf": {"factors": 8, "members": 1, "epochs": 2, "ranking_epochs": 2},
    "deep-mf-classic": {"factors": 4, "epochs": 2},
    "autorec": {"hidden": 4, "epochs": 2},
    "vae": {"factors": 4, "epochs": 2},
    "neumf": {"factors": 4, "epochs": 2},
    "blend": {"parts": "als bias"},
}


@pytest.mark.parametrize("name", list(MODELS))
def test_test_ratings_never_reach_the_model(world: tuple[Ratings, Catalog], tmp_path: Path, name: str) -> None:
    """Poisoned test rows don't change the bytes of the trained model; poisoned training rows do."""
    ratings, catalog = world
    kind: Callable[..., Any] = model_class(name)
    settings = model_class(name).Settings(**SMALL.get(name, {}))
    rows = {
        part: np.flatnonzero(np.isin(keys(ratings), keys(getattr(random(ratings), part)))) for part in ("train", "test")
    }
    assert ratings.rating is not None
    assert ratings.time is not None
    versions = {"clean": ratings}
    for part, hit in rows.items():
        stars, times, movies = ratings.rating.copy(), ratings.time.copy(), ratings.movie.copy()
        stars[hit], times[hit], movies[hit] = 5.5 - stars[hit], 0, np.roll(movies[hit], 1)
        versions[part] = replace(ratings, rating=stars, time=times, movie=movies)
    for version, table in versions.items():
        cut = random(table)
        fitted = kind(settings).fit(cut.train, catalog, run=base.TrainingOptions(threads=1))
        save(fitted, tmp_path / version)
    assert content(tmp_path / "test") == content(tmp_path / "clean")
    assert content(tmp_path / "train") != content(tmp_path / "clean")


def keys(ratings: Ratings) -> np.ndarray:
    """Return each (user, movie) pair as one number."""
    return ratings.user.astype(np.int64) * len(ratings.movies) + ratings.movie


def test_evaluation_does_not_change_the_model(shop: Path, tmp_path: Path) -> None:
    """Neither the artefact nor the lists depend on the test ratings."""
    shutil.copytree(shop / "deep-mf", tmp_path / "m")
    before = content(tmp_path / "m")
    poisoned = (shop / "split/test.csv").read_text().replace(",5.0,", ",0.5,")
    (tmp_path / "test.csv").write_text(poisoned)
    clean = run_json("evaluate", tmp_path / "m", shop / "split/test.csv")["measures"]
    poison = run_json("evaluate", tmp_path / "m", tmp_path / "test.csv")["measures"]
    assert poison["rmse"]["value"] > clean["rmse"]["value"]
    assert poison["ndcg@10"] == clean["ndcg@10"], "the lists changed with the ratings they are tested on"
    assert content(tmp_path / "m") == before


def test_a_damaged_model_is_one_clear_error_everywhere(shop: Path, tmp_path: Path) -> None:
    """Every command that loads a model refuses a damaged one, with exit code 2."""
    shutil.copytree(shop / "bias", tmp_path / "m")
    arrays = tmp_path / "m" / "arrays.safetensors"
    arrays.write_bytes(arrays.read_bytes()[:-1])
    (tmp_path / "pairs.csv").write_text("user,movie\n1,1\n")
    commands: list[list[object]] = [
        ["recommend", tmp_path / "m", "--user", 1],
        ["similar", tmp_path / "m", "--movie", 1],
        ["predict", tmp_path / "m", tmp_path / "pairs.csv", "--out", tmp_path / "out"],
        ["evaluate", tmp_path / "m", shop / "split/test.csv"],
    ]
    for command in commands:
        assert "isn't what was written" in run_failing(*command)


@given(st.text("=,.-–5x0()[]\"'ü \n1e9truefalsnaif", max_size=14))
def test_any_option_is_a_value_or_one_clear_error(text: str) -> None:
    """Any text of --columns, --scale or --set gives a value or a SettingError."""
    deep, classic = model_class("deep-mf"), model_class("deep-mf-classic")
    readers: list[Callable[[], object]] = [
        lambda: parse_columns(text),
        lambda: parse_scale(text),
        lambda: parse_settings(deep, [text]),
        lambda: parse_settings(deep, [f"factors={text}"]),
        lambda: parse_settings(deep, [f"dropout={text}"]),
        lambda: parse_settings(deep, [f"content={text}"]),
        lambda: parse_settings(classic, [f"hidden={text}"]),
    ]
    for read in readers:
        with suppress(SettingError):
            read()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("factors=8", {"factors": 8}),
        (" Dropout = 0.25 ", None),
        ("learning-rate=1e-3", {"learning_rate": 0.001}),
        ("content=no", {"content": False}),
        ("content=TRUE", {"content": True}),
    ],
)
def test_settings_are_read_by_their_types(text: str, value: dict[str, object] | None) -> None:
    """Integers, floats and Booleans are parsed; dashes in names are underscores, and names are case-sensitive."""
    kind = model_class("deep-mf")
    if value is None:
        with pytest.raises(SettingError, match="no such setting"):
            parse_settings(kind, [text])
    else:
        assert parse_settings(kind, [text]) == replace(kind.Settings(), **value)
    assert parse_settings(model_class("deep-mf-classic"), ["hidden=(8, 4)"]).hidden == (8, 4)
    assert parse_settings(kind, [], seed=5).seed == 5
    assert parse_settings(kind, ["seed=6"], seed=5).seed == 6
    assert parse_settings(model_class("popular"), [], seed=5) == model_class("popular").Settings()


def test_settings_override_a_preset() -> None:
    """`preset=fast` sets several values; a setting overrides it in any order."""
    fast = parse_settings(DeepMF, ["preset=fast"], seed=3)
    assert (fast.members, fast.two_stage, fast.seed) == (1, False, 3)
    for pairs in (["preset=fast", "members=4"], ["members=4", "preset=fast"]):
        mixed = parse_settings(DeepMF, pairs)
        assert (mixed.members, mixed.epochs) == (4, fast.epochs)


def test_a_download_that_fails_says_what_else_to_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another address, or a data set that has another source."""
    monkeypatch.setenv("CINEMATRIX_GROUPLENS", "http://127.0.0.1:9")
    monkeypatch.setenv("CINEMATRIX_CACHE", str(tmp_path))
    done = run_in_process("data", "get", "ml-1m", "--to", tmp_path / "data")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "name a mirror in CINEMATRIX_GROUPLENS, or take ml-100k" in done.stderr
