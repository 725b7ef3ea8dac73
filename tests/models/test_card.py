"""The card of a saved model: what it says is measured or computed, and it names nobody."""

from pathlib import Path
from typing import Any

import pytest

import cinematrix as cx
from cinematrix.data.provenance import describe_licence, describe_source, name_source
from cinematrix.data.ratings import Ratings
from cinematrix.data.training_data import TrainingData
from cinematrix.errors import InputError
from cinematrix.models.artifact import build_manifest, load, save
from cinematrix.models.bias import Bias
from cinematrix.models.card import CARD, END, START, read_around, render_card, write_figures
from cinematrix.models.card_figures import NOT_MEASURED, render_figures
from cinematrix.models.contract_types import TrainingLog
from cinematrix.models.popular import Popular
from cinematrix.models.svd import SVD, SVDSettings

RATINGS = Ratings.from_arrays(
    ["anna", "anna", "bert", "bert", "bert"], ["a", "b", "a", "b", "c"], [4.0, 3, 5, 2, 1],
    [0, 86_400, 10**9, 10**9, 10**9],
)  # fmt: skip


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A saved model of known data, trained at a known time."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    model = Bias().fit(RATINGS)
    save(model, tmp_path / "model", build_manifest(model, RATINGS, "csv", "/home/anna/my ratings.csv"))
    return tmp_path / "model"


def test_the_card_tells_the_data_by_hand(saved: Path) -> None:
    """5 ratings of 2 users × 3 movies; anna has 2 of them and nobody 20; no path and no user is named."""
    text = (saved / CARD).read_text("utf-8")
    for words in (
        *("# Model card: bias", load(saved).about["sha256"]["model.json"][:12], "2023-11-14T22:13:20+00:00"),
        *("5 ratings by 2 users of 3 movies", "16.67% of the pairs have no rating", "1–5, mean 3.00"),
        *("1970-01-01 to 2001-09-09", "2 users with < 20 ratings, 0 users with 20-100", "3 with fewer than 5 ratings"),
        *("`my ratings.csv`; format csv", "holds the IDs and the ratings of 2 users", "Not recorded. The licence"),
        *("SOURCE_DATE_EPOCH=1700000000 cinematrix train RATINGS --out MODEL --model bias", NOT_MEASURED),
    ):
        assert words in text, words
    for private in ("anna", "bert", "/home"):
        assert private not in text


def test_the_same_model_has_the_same_card(saved: Path, tmp_path: Path) -> None:
    """Saved again after loading; a model without a card, as older ones are, loads and gets one when it is measured."""
    artifact = load(saved)
    save(artifact.model, tmp_path / "again", artifact.about)
    assert (tmp_path / "again" / CARD).read_bytes() == (saved / CARD).read_bytes()
    (saved / CARD).unlink()
    before, after = read_around(saved, load(saved).model, artifact.about)
    assert (tmp_path / "again" / CARD).read_text("utf-8") == f"{before}{START}\n\n{NOT_MEASURED}\n\n{END}{after}"


def test_figures_replace_figures_and_nothing_else(saved: Path) -> None:
    """The rest stays as the owner wrote it; a card without a place for figures is kept, with an error."""
    artifact, card = load(saved), saved / CARD
    test = Ratings.from_arrays(["anna", "bert"], ["c", "d"], [2.0, 3])
    figures = cx.evaluate(artifact.model, test).as_dict()
    card.write_text(card.read_text("utf-8") + "\nOwn words.\n", "utf-8")
    for _ in range(2):
        write_figures(saved, read_around(saved, artifact.model, artifact.about), figures)
    text = card.read_text("utf-8")
    assert text.count("| `rmse` |") == text.count(START) == 1
    assert NOT_MEASURED not in text
    assert text.endswith("\nOwn words.\n")
    assert load(saved).about == artifact.about
    card.write_text("My own card.", "utf-8")
    with pytest.raises(InputError, match=r"README.md lacks the lines .*put them back, or remove the file"):
        read_around(saved, artifact.model, artifact.about)
    assert card.read_text("utf-8") == "My own card."


def test_an_evaluation_is_saved_with_the_model(tmp_path: Path) -> None:
    """Its measures stand in the card, by segment too, with intervals where there are some."""
    table = {"user": [1, 1, 2, 2, 3, 3], "movie": [1, 2, 1, 3, 2, 3], "rating": [4, 3, 5, 1, 2, 4.5]}
    model = cx.model("bias").fit(table)
    evaluation = cx.evaluate(model, {"user": [1, 2], "movie": [3, 2], "rating": [2.0, 4]})
    model.save(tmp_path / "m", evaluation=evaluation)
    text = (tmp_path / "m" / CARD).read_text("utf-8")
    rmse = next(measure for measure in evaluation.measures if measure.name == "rmse")
    assert f"| `rmse` | {rmse.value:.4f} | {rmse.low:.4f}–{rmse.high:.4f} | 2 |" in text
    assert f"| users with < 20 ratings | 2 | {rmse.value:.4f} |" in text
    assert cx.load(tmp_path / "m").about["metrics"]["measures"]["rmse"]["value"] == rmse.value


def test_validation_and_settings_stand_in_the_card() -> None:
    """The validation error of the best epoch, and the options that set what isn't the default."""
    model = SVD(SVDSettings(factors=3, seed=7))
    model.data = TrainingData.of(RATINGS, None)
    model.log = {"stars": TrainingLog([1.0, 0.9], [1.2, 0.95, 0.97], 1)}
    about = build_manifest(model, RATINGS, "frame") | {"sha256": {"model.json": "0" * 64}}
    text = render_card(model, about)
    assert "| stars | RMSE, in stars | 0.9500 | 1 |" in text
    assert "--model svd --set factors=3 --seed 7" in text
    assert "`factors=3, seed=7`" in text


def test_a_refit_tells_what_the_gate_measured() -> None:
    """Both values of each measure; a refit can't be repeated by a command."""
    model, refit = Popular().fit(RATINGS), {"state": "promoted", "why": "no worse", "ratings": 60, "users": 12}
    measures = {"rmse": {"old": 0.9, "new": 0.85}, "ndcg@10": {"old": None, "new": 0.2}}
    about: dict[str, Any] = {"sha256": {"model.json": "0" * 64}, "refit": {**refit, "measures": measures}}
    text = render_card(model, about)
    assert "Promoted: no worse. On 60 held-out ratings of the last days by 12 users." in text
    assert "| `rmse` | 0.9000 | 0.8500 |\n| `ndcg@10` | – | 0.2000 |" in text
    assert "cinematrix train" not in text


def test_interactions_have_no_stars_and_no_times() -> None:
    """The card says so, and doesn't fail on the smallest data."""
    model = Popular().fit(Ratings.from_arrays([1], [3]))
    text = render_card(model, {"sha256": {"model.json": "0" * 64}})
    for words in ("plain interactions, without stars", "the ratings have no times", "the interactions of 1 users"):
        assert words in text


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/home/anna/films/ratings.csv", "ratings.csv"), (r"C:\Users\anna\ratings.csv", "ratings.csv"), ("", ""),
        ("s3://bucket/anna/part/?key=secret", "part"), ("postgresql://anna:secret@host/db#ratings", "ratings"),
    ],
)  # fmt: skip
def test_a_source_has_a_name_without_its_path(source: str, name: str) -> None:
    """Neither folders nor secrets of an address are told."""
    assert name_source(source) == name
    assert "anna" not in str(describe_source(RATINGS, "csv", source))


def test_licences_are_those_of_the_data_set() -> None:
    """A known data set has its own; a format alone gives only a hint."""
    assert describe_licence("ml-csv", "ml-20m").startswith("GroupLens' terms")
    assert describe_licence("ml-csv", "").startswith("Not recorded. The file has the format ml-csv; if")
    assert describe_licence("csv", "").startswith("Not recorded. The licence of the data")


def test_a_file_name_cannot_break_the_page() -> None:
    """Quotes, bars and newlines of a name end neither the code nor the cell."""
    source = "a`|\n b.csv"
    about = {"data": describe_source(RATINGS, "csv", source), "sha256": {"model.json": "0" * 64}}
    line = next(line for line in render_card(Bias().fit(RATINGS), about).splitlines() if line.startswith("| Source"))
    assert line.count("|") == 3
    assert line.count("`") == 2


def test_no_figures_are_called_not_measured() -> None:
    """With the command that measures them."""
    assert render_figures(None) == NOT_MEASURED
    assert "cinematrix evaluate MODEL TEST.csv --card" in NOT_MEASURED
