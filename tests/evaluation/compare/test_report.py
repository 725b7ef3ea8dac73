"""Tests of `cinematrix.evaluation.compare.report`, its tables and its plots."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cinematrix.data.ratings import Ratings
from cinematrix.errors import InputError
from cinematrix.evaluation.compare import plots
from cinematrix.evaluation.compare.cell import GIVEN_COUNTS
from cinematrix.evaluation.compare.page import write_page
from cinematrix.evaluation.compare.report import METHOD, ComparisonReport
from cinematrix.evaluation.compare.run import CellFailure, ComparisonOutcome, ComparisonPlan
from cinematrix.evaluation.compare.tables import (
    make_comparison_table,
    make_cost_table,
    make_liking_table,
    make_main_table,
    make_segment_table,
)
from cinematrix.models.bias import BiasSettings
from cinematrix.models.popular import PopularSettings
from comparison_cells import PROTOCOL, build_part, make_cell

EVIL = "<script>alert(1)</script>&\"'$x$$_1^{"


def question(name: str, errors: float, who: str = "", segments: bool = True) -> dict[str, Any]:
    """Build a question with twenty users, ten with short histories and ten with long ones."""
    rng = np.random.default_rng(int(100 * errors))
    users, history = list(range(20)), [5.0] * 10 + [500.0] * 10
    pairs = {
        "rmse": [(8 * errors**2 * rng.uniform(0.8, 1.2, 20)).tolist(), [8.0] * 20],
        "ndcg@10": [rng.uniform(0, 1 / (1 + errors), 20).tolist(), [1.0] * 20],
        "ndcg_liked@10": [rng.uniform(0, 1 / (1 + errors), 20).tolist(), [1.0] * 20],
        "disliked@10": [rng.uniform(0, errors, 20).tolist(), [1.0, 0.0] * 10],
    }
    whole = build_part(users, history, **pairs)
    protocol = {**PROTOCOL, "split": f"a split {who}"}
    costs = {"coverage": 0.3, "movies_shown": 1234.0, "list_ms": 0.5, "pair_us": 0.1}
    parts = {"all": whole, "tail movies": whole} if segments else {"all": whole}
    return {"question": name, "protocol": protocol, "movies": [3, 4, 5], "parts": parts, **costs}


def report(*models: str, splits: tuple[str, ...] = ("random",), who: str = "", tuned: bool = False) -> ComparisonReport:
    """Build a report of simulated cells; one of `bias` failed."""
    cells = []
    for split in splits:
        for n, model in enumerate(models):
            names = [f"new-users, {k} ratings given" for k in GIVEN_COUNTS] if split == "new-users" else [split]
            key = {"model": model, "split": split, "seed": 0}
            cell = {"key": key, "training_s": 0.5 * (n + 1), "peak_mb": 120.0}
            cell["questions"] = [question(name, 0.8 + 0.1 * n + 0.01 * i, who) for i, name in enumerate(names)]
            if tuned:
                found = {
                    "chosen": {"x": EVIL},
                    "measure": "rmse",
                    "value": 0.8,
                    "default": None,
                    "trials": 3,
                    "pruned": 1,
                }
                cell |= {"tuned": found, "tuning_s": 2.0}
            cells.append(cell)
    rng = np.random.default_rng(0)
    ratings = Ratings.from_arrays(np.arange(20), np.arange(20) % 7, rng.integers(1, 6, 20))
    failure = CellFailure(make_cell((ratings, None), "bias"), f"stopped with {who}")  # type: ignore[arg-type]
    outcome = ComparisonOutcome(cells, [failure], dict.fromkeys(splits, (f"checked {who}",)))
    plan = ComparisonPlan({model: BiasSettings() if model == "bias" else PopularSettings() for model in models}, splits)
    return ComparisonReport.of(plan, outcome, ratings, f"/data/{who or 'films'}", f"cinematrix compare {who}")


class Page(HTMLParser):
    """Parser that records the tags of a page in order, and all URLs; unbalanced tags are an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.urls: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.urls += [value or "" for name, value in attrs if name in ("src", "srcset", "href", "action", "data")]
        if tag not in ("meta", "img", "source", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_valid_and_self_contained() -> None:
    """Every tag is closed, every URL is a `data:` URL, there are no scripts, and each plot is a PNG in two themes."""
    text = report("popular", "svd", splits=("random", "new-users")).page()
    page = Page(text)
    assert page.open == []
    assert not {"script", "link", "iframe", "object", "form"} & set(page.tags)
    assert not re.search(r"https?:|//\w|@import|url\(", re.sub(r"data:image/png;base64,[\w+/=]+", "", text))
    assert len(page.urls) == 2 * page.tags.count("img") >= 2 * 4
    for url in page.urls:
        assert base64.b64decode(url.removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")
    order = [text.index(mark) for mark in (">Verdict<", ">Not measured<", "<h2>random", ">Method<", METHOD[:20])]
    assert order == sorted(order)


def test_all_text_of_the_page_is_escaped() -> None:
    """A hostile model name, path, setting, error or command is shown as text."""
    text = report("popular", f"m{EVIL}", who=EVIL, tuned=True).page()
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;" in text
    assert Page(text).open == []
    assert text.count("$x$$_1^{") >= 5


def test_the_json_document_keeps_its_fields() -> None:
    """Clients of the JSON document rely on these names."""
    found = json.loads(json.dumps(report("popular", "svd", tuned=True).as_dict()))
    assert sorted(found) == [
        *("command", "data", "failures", "format", "method", "plan", "questions", "tuned", "versions")
    ]
    assert found["format"] == 1
    assert sorted(found["data"]) == ["movies", "ratings", "scale", "source", "users"]
    assert sorted(found["plan"]) == ["by", "seeds", "settings", "splits", "trials"]
    assert sorted(found["failures"][0]) == ["model", "seed", "split", "why"]
    (first,) = found["questions"]
    assert sorted(first) == [
        *("by_seed", "checks", "comparisons", "costs", "movies", "name", "protocol", "rows", "seeds", "verdicts")
    ]
    assert sorted(first["rows"][0]) == ["measures", "model", "segment"]
    assert sorted(first["rows"][0]["measures"][0]) == ["high", "low", "n_users", "name", "value"]
    assert sorted(first["comparisons"][0]) == ["best", "difference", "measure", "model", "p_holm", "verdict"]
    assert sorted(first["comparisons"][0]["difference"]) == ["high", "low", "p", "value"]
    assert sorted(first["costs"]["svd"]) == [
        *("coverage", "list_ms", "movies_shown", "pair_us", "peak_mb", "training_s", "tuning_s")
    ]
    assert sorted(found["tuned"][0]) == [
        *("chosen", "default", "measure", "model", "pruned", "seed", "split", "trials", "value")
    ]


def test_tables_have_one_row_per_model_and_dashes_for_missing_values() -> None:
    """Every row is as wide as the header; intervals follow values."""
    (first,) = report("popular", "svd").questions
    for columns, rows in (
        table(first)
        for table in (make_main_table, make_liking_table, make_cost_table, make_segment_table, make_comparison_table)
    ):
        assert {len(row) for row in rows} == {len(columns)}
    assert [row[0] for row in make_main_table(first)[1]] == ["popular", "svd"]
    columns, rows = make_liking_table(first)
    assert columns == ["model", "ndcg_liked@10#", "disliked@10#", "movies shown#"]
    assert [row[-1] for row in rows] == ["1,234", "1,234"]
    assert re.fullmatch(r"0\.\d{4} \(0\.\d{3}–0\.\d{3}\)", make_main_table(first)[1][0][1])
    assert [row[0] for row in make_segment_table(first)[1]] == [
        *["users with < 20 ratings"] * 2, *["users with > 100"] * 2, *["tail movies"] * 2
    ]  # fmt: skip
    assert make_cost_table(first)[1][1] == ["svd", "0.300", "–", "1.00 s", "0.50 ms", "0.1 µs", "120 MB"]


def test_a_comparison_without_results_has_a_page() -> None:
    """If every cell failed, the page gives the reasons."""
    text = report().page()
    assert "No model was measured." in text
    assert "stopped with" in text


def test_one_model_has_no_plot_of_differences() -> None:
    """One model has no comparison and no plot of differences; one number of ratings given has no curve."""
    (first,) = report("popular").questions
    assert first.comparisons == ()
    assert plots.plot_differences(first) is None
    assert plots.plot_accuracy_by_time(first) is not None
    assert plots.plot_new_user_curves([first]) is None


def test_plots_are_deterministic() -> None:
    """Equal inputs give equal bytes; the themes differ."""
    question = report("popular", "svd").questions[0]
    first, again = plots.plot_segments(question), plots.plot_segments(question)
    assert first is not None
    assert first == again
    assert first.light != first.dark


def test_the_page_replaces_a_file_only_if_forced(tmp_path: Path) -> None:
    """An existing file stays unless `force` is given."""
    path = tmp_path / "out.html"
    path.write_text("precious")
    with pytest.raises(InputError, match="exists already"):
        write_page(report(), path)
    assert path.read_text() == "precious"
    write_page(report(), path, force=True)
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
