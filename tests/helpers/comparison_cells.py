"""Cells of a comparison and their results, for the tests of comparisons."""

from typing import Any

from cinematrix.data.bundle import fingerprint_data
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.evaluation.compare.cell import Cell

World = tuple[Ratings, Catalog]


def make_cell(world: World, model: str = "bias", split: str = "random", **more: Any) -> Cell:
    return Cell(
        model, more.pop("settings", {}), split, more.pop("seed", 0), more.pop("trials", 0), fingerprint_data(*world)
    )


PROTOCOL = {"split": "a split", "model": "?", "k": 10, "by": "ranking", "movies": 9, "users": 2, "ratings": 3}


def build_part(users: list[int], history: list[float], **measures: list[list[float]]) -> dict[str, Any]:
    return {"users": users, "history": history, "measures": measures}
