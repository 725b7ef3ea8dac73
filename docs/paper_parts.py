"""Tables and charts of the paper, made from benchmarks/RESULTS.md; `reference.py` writes them."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from charts import draw_dots, draw_lines

HERE = Path(__file__).parent
RESULTS = HERE.parent / "benchmarks" / "RESULTS.md"

Row = dict[str, str]
"""Cells of a table's row by the names of the columns."""

OURS = ("popular", "bias", "svd", "svd++", "als", "item-knn", "pmf", "ials", "ease", "deep-mf-classic")
"""Our models in the first table, before `deep-mf`."""

PEERS = {
    "surprise-svd-tuned": "Surprise SVD, tuned",
    "surprise-svd++": "Surprise SVD++",
    "surprise-item-knn": "Surprise kNN-Baseline",
    "lenskit-biased-mf": "LensKit biased ALS",
    "lenskit-ease": "LensKit EASE",
    "implicit-als": "implicit ALS, tuned",
    "myfm-regression": "myFM, history and content",
    "myfm-ordered": "myFM, ordered probit",
}
"""Peers in that table, by their names in the results."""

SIZES = ("1 M", "10 M", "32 M")
"""Numbers of ratings whose training was measured."""


def write_paper() -> str:
    """Return the paper with its tables made anew."""
    text = (HERE / "paper.md").read_text("utf-8")
    return re.sub(
        r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)",
        lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n\n{found[3]}",
        text,
        flags=re.DOTALL,
    )


def read_rows(part: str, column: str) -> list[Row]:
    """Return the rows of all tables of a part of the results that have a column of this name."""
    (text,) = re.findall(rf"<!-- {re.escape(part)} -->\n(.*?)(?=\n<!-- |\Z)", RESULTS.read_text("utf-8"), re.DOTALL)
    tables = [list(map(split_cells, lines.splitlines())) for lines in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)]
    return [dict(zip(head, row, strict=True)) for head, _, *rows in tables if column in head for row in rows]


def split_cells(line: str) -> list[str]:
    """Return the cells of a line of a table."""
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def mean_of(cell: str) -> str:
    """Return the mean of a cell that has each seed's value behind it."""
    return cell.split(" ")[0].strip("*")


def join_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown, the first column to the left and the others to the right."""
    columns = list(head)
    lines = [columns, ["---"] + ["--:"] * (len(columns) - 1), *map(list, rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def measured_models() -> Iterator[Row]:
    """Yield our models and the peers with their error, NDCG@10, seconds, and error on MovieTweetings."""
    main, peers = read_rows("bars.py", "RMSE by seed"), read_rows("peers.py ml-latest-small", "peak MB")
    tweets = {row["model"].strip("`"): row["RMSE"] for row in read_rows("peers.py movietweetings", "RMSE")}
    tweets |= {"svd++": read_rows("svd++ and preset=fast", "`svd++`")[0]["`svd++`"]}
    half = len(main) // 2
    tweets |= {row["model"].strip("`"): row["RMSE"] for row in main[half:]}
    found = {row["model"].strip("`"): row for row in [*peers, *main[:half]]}
    for name in (*OURS, "deep-mf preset=fast", "deep-mf", *PEERS):
        row = found[name]
        yield {
            "model": PEERS.get(name, f"`{name}`"),
            "RMSE": row["RMSE"],
            "NDCG@10": row["NDCG@10"],
            "seconds": row.get("training s") or row["seconds"],
            "MovieTweetings": tweets.get(name, ""),
        }


def accuracy_table() -> str:
    """Return the table of errors and lists."""
    rows = list(measured_models())
    return join_table(rows[0], (row.values() for row in rows))


def accuracy_chart() -> str:
    """Return the chart of errors, the smallest first; peers are hollow. Models that only rank are left out."""
    rows = [row for row in measured_models() if row["RMSE"] != "–" and row["model"] not in ("`ials`", "`ease`")]
    points = [(row["model"].strip("`"), float(row["RMSE"]), row["model"] in PEERS.values()) for row in rows]
    return draw_dots("RMSE, MovieLens latest-small", sorted(points, key=lambda point: point[1]))


def ablation_table() -> str:
    """Return the table of parts left out."""
    rows = read_rows("ablations.py ml-latest-small", "variant")
    return join_table(
        ("variant", "towers", "whole", "CPU s"),
        ((row["variant"], mean_of(row["towers"]), mean_of(row["whole"]), row["CPU s"]) for row in rows),
    )


def newcomer_rows() -> tuple[list[Row], dict[str, str]]:
    """Return the errors of new users by number of ratings, and those of new movies by model."""
    users = read_rows("cold_start.py", "k = 0")[:2]
    movies = {row["model"]: mean_of(row["RMSE"]) for row in read_rows("cold_start.py", "model")}
    return [{name: mean_of(cell) for name, cell in row.items()} for row in users], movies


def newcomer_table() -> str:
    """Return the table of errors for new users and new movies."""
    users, movies = newcomer_rows()
    rows = [
        [row["RMSE"], *list(row.values())[1:], next(v for name, v in movies.items() if name.startswith(row["RMSE"]))]
        for row in users
    ]
    known = [row[0] for row in rows]
    rows += [[name, "", "", "", "", v] for name, v in movies.items() if not any(name.startswith(k) for k in known)]
    return join_table(("model", "no rating", "5", "10", "20", "new movies"), rows)


def newcomer_chart() -> str:
    """Return the chart of errors for new users."""
    users, _ = newcomer_rows()
    given = [int(name.removeprefix("k = ")) for name in list(users[0])[1:]]
    lines = {row["RMSE"].strip("`"): [float(v) for v in list(row.values())[1:]] for row in users}
    return draw_lines("RMSE of new users, by ratings given", given, lines)


def liking_table() -> str:
    """Return the table of lists by each order."""
    rows = read_rows("liking.py ml-latest-small", "order")
    return join_table(
        ("split", "order", "liked", "disliked", "expected below", "NDCG@10", "movies shown"),
        (
            (row["split"], row["order"], mean_of(row["NDCG liked, by seed"]), row["disliked"], row["expected below"],
             row["NDCG@10"], row["movies shown"])
            for row in rows
        ),
    )  # fmt: skip


def size_table() -> str:
    """Return the table of trainings by size."""
    rows = [row for size in SIZES for row in read_rows(f"scaling.py {size} ratings", "ratings")]
    return join_table(
        ("ratings", "users × movies", "RMSE (noise floor)", "CPU s", "peak MB", "CPU ms a step"),
        (
            (row["ratings"], row["users × movies"], row["RMSE (noise floor)"], row["of work"], row["peak MB"],
             row["step ms"])
            for row in rows
        ),
    )  # fmt: skip


TABLES = {
    "accuracy": accuracy_table,
    "ablations": ablation_table,
    "newcomers": newcomer_table,
    "liking": liking_table,
    "size": size_table,
}
"""Tables by their names in the paper."""
