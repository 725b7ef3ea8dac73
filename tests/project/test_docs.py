"""The documents say what is true: their commands run, and nothing that can be typed is missing."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cinematrix.cli.train import MODEL_NAMES
from cinematrix.models import MODELS
from command_line import run_forked
from places import ROOT
from worlds import taste_world

BIN = Path(sys.executable).parent
README = (ROOT / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader's folder, with the files that the README speaks of: user 42 and Toy Story are in them."""
    folder = tmp_path_factory.mktemp("reader")
    ratings, catalog = taste_world(np.random.default_rng(1))
    movie_ids = np.array([1, 318, 2571, *range(3000, 3000 + len(catalog) - 3)])
    place = catalog.movies.numbers(ratings.movies.ids)
    users = ratings.user + 1
    pl.DataFrame(
        {
            "userId": users,
            "movieId": movie_ids[place[ratings.movie]],
            "rating": ratings.rating,
            "timestamp": ratings.time,
        }
    ).write_csv(folder / "ratings.csv")
    titles = ["Toy Story (1995)", *(f"Film {i} ({1980 + i})" for i in range(1, len(catalog)))]
    genres = ["Drama" if i % 2 else "Comedy" for i in range(len(catalog))]
    pl.DataFrame({"movieId": movie_ids, "title": titles, "genres": genres}).write_csv(folder / "movies.csv")
    (folder / "my-ratings.csv").write_text("movie,rating\n1,5\n318,2\n")
    (folder / "pairs.csv").write_text("user,movie\n42,1\nnobody,318\n")
    return folder


def blocks(language: str) -> list[str]:
    """The README's code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def run_installed(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the installed command."""
    return subprocess.run([BIN / "cinematrix", *map(str, words)], cwd=cwd, capture_output=True, text=True)


def shell_words(line: str, folder: Path) -> list[str]:
    """Return the arguments that a shell gives to the command of a line."""
    script = f'cinematrix() {{ printf "%s\\0" "$@"; }}\n{line}'
    done = subprocess.run(["sh", "-e", "-c", script], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.split("\0")[:-1]


def test_the_readmes_commands_run_as_they_stand(folder: Path) -> None:
    """Every `cinematrix` line of the README, typed one after the other, ends well; the first by what is installed."""
    lines = [line for block in blocks("console") for line in block.splitlines() if line.startswith("cinematrix")]
    assert len(lines) > 5
    for line in lines:
        words = shell_words(line, folder)
        assert words, line
        ran = (run_installed if line is lines[0] else run_forked)(*words, cwd=folder)
        assert ran.returncode == 0, f"{line}\n{ran.stderr}"
    assert (folder / "ratings.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "predictions.csv").read_text().startswith("user,movie,prediction,low,high\n42,1,")


def test_the_readmes_python_runs_as_it_stands(folder: Path, tmp_path: Path) -> None:
    """The front door prints an evaluation with its protocol, lists of titles, an explanation, and a comparison."""
    code = "".join(blocks("python"))
    for name in ("ratings.csv", "movies.csv"):
        shutil.copy(folder / name, tmp_path)
    own = "def my_metric(movies, tested):\n    return movies[:, 0] * 0.0\n"
    ran = subprocess.run([sys.executable, "-c", own + code], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "Split: global time split" in ran.stdout
    assert len(re.findall(r"^ {1,2}\d+  .*\(\d{4}\) +\d\.\d\d", ran.stdout, re.MULTILINE)) >= 20
    for words in ("rmse", "similar to", "together", "deep-mf", "svd: rmse"):
        assert words in ran.stdout, ran.stdout
    assert (tmp_path / "model" / "model.json").is_file()


def test_the_readmes_make_targets_exist() -> None:
    """`make demo`, `make test` and `make bench` are in the Makefile, and CI runs the README's test command."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"\bmake (\w+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    assert "make test" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_generated_pages_are_up_to_date() -> None:
    """Each is what docs/reference.py makes of the program."""
    made = subprocess.run(
        [sys.executable, "-c", "import json, reference as r; print(json.dumps({k: p() for k, p in r.PAGES.items()}))"],
        cwd=ROOT / "docs", capture_output=True, text=True, check=True,
    )  # fmt: skip
    pages = json.loads(made.stdout)
    assert {name: (ROOT / "docs" / name).read_text("utf-8") for name in pages} == pages, "run: python docs/reference.py"


@pytest.mark.parametrize("name", MODELS)
def test_models_are_documented(name: str) -> None:
    """docs/models.md has a section for each."""
    assert f"## `{name}`" in (ROOT / "docs" / "models.md").read_text("utf-8") or name == "popular"


def test_every_link_of_the_documents_leads_somewhere() -> None:
    """Relative links in README, CONTRIBUTING and docs point at files that are there."""
    pages = (path for path in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in path.parts)
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *pages]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def mapped(house: str) -> set[str]:
    """The files and packages that a map of the house names, as paths below `cinematrix`."""
    found, parents = set(), {0: ""}
    for line in house.splitlines():
        depth, words = (len(line) - len(line.lstrip())) // 2, line.split()
        for word in words:
            if not word.endswith(("/", ".py")):
                break
            found.add(parents[depth - 1] + word if depth > 1 else word)
            parents[depth] = (parents[depth - 1] if depth > 1 else "") + word
    return found


def house() -> str:
    """The README's map."""
    (text,) = re.findall(r"```\nsrc/cinematrix/\n(.*?)\ntests/", README, re.DOTALL)
    return str(text)


def packages() -> set[str]:
    """The packages of the source and the files beside them, as a map must name them."""
    source = ROOT / "src" / "cinematrix"
    folders = {f"{path.parent.relative_to(source)}/" for path in source.rglob("__init__.py") if path.parent != source}
    return folders | {path.name for path in source.glob("*.py") if path.stem != "__init__"} | {"page/"}


def test_the_readmes_map_names_every_package() -> None:
    """And nothing that isn't there."""
    assert mapped(house()) == packages()


@pytest.mark.parametrize("line", range(len(house().splitlines())))
def test_a_map_that_lacks_a_line_is_seen(line: int) -> None:
    """Whichever line is missing."""
    lines = house().splitlines()
    assert mapped("\n".join(lines[:line] + lines[line + 1 :])) != packages()


def test_the_help_of_train_names_every_model() -> None:
    """In the order of the table of models."""
    assert re.findall(r"[\w+-]+", MODEL_NAMES.replace(" or ", ", ")) == list(MODELS)
