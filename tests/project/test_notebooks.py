"""The notebooks run from the first cell to the last, here on a small sample of the ratings."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import cinematrix as cx
from cinematrix.data.simulate import SimulationSettings
from cinematrix.errors import DownloadError
from places import ROOT

FOLDER = ROOT / "docs" / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.md"))

USERS, MOVIES = 60, 200
"""Size of the sample: the first users, and the movies that are rated most."""


@pytest.fixture(scope="module")
def sample(movielens: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sample of real ratings and the movies' titles and genres, so that a notebook takes a second."""
    folder, data = tmp_path_factory.mktemp("sample"), cx.read(movielens)
    assert data.catalog is not None
    frame = data.to_frame()
    users = frame["user"].unique(maintain_order=True).head(USERS)
    movies = frame["movie"].value_counts(sort=True)["movie"].head(MOVIES)
    frame = frame.filter(pl.col("user").is_in(users.implode()), pl.col("movie").is_in(movies.implode()))
    frame.rename({"user": "userId", "movie": "movieId", "time": "timestamp"}).drop("title").write_csv(
        folder / "ratings.csv"
    )
    numbers = data.catalog.movies.numbers(movies.to_numpy())
    genres = [data.catalog.frame["genres"][number] for number in numbers.tolist()]
    titles = [data.catalog.label(number) for number in numbers.tolist()]
    pl.DataFrame({"movieId": movies, "title": titles, "genres": ["|".join(each) for each in genres]}).write_csv(
        folder / "movies.csv"
    )
    return folder


@pytest.fixture
def desk(sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The place where a notebook runs: the sample as its data, a table of models of its own, a style of its own."""
    import matplotlib as mpl

    monkeypatch.setenv("CINEMATRIX_DATA", str(sample))
    monkeypatch.setattr("cinematrix.models.registry._REGISTERED", {})
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.chdir(tmp_path)
    with mpl.rc_context(), pl.Config():
        import notebook_setup

        notebook_setup.use_style()  # another notebook may have imported it already
        yield


def cells(path: Path) -> Iterator[tuple[int, ast.Module]]:
    """The code cells of a notebook as the site reads them: their line in the file, and their code."""
    from myst_nb.core.read import read_myst_markdown_notebook

    notebook = read_myst_markdown_notebook(path.read_text("utf-8"), add_source_map=True)
    for line, cell in zip(notebook.metadata.source_map, notebook.cells, strict=True):
        if cell.cell_type == "code":
            yield line + 1, ast.parse("\n" * line + cell.source, str(path))


def run(path: Path) -> None:
    """Run the cells in one scope, and show what each ends with. An error names the cell."""
    scope: dict[str, Any] = {"__name__": "__main__"}
    for number, (line, cell) in enumerate(cells(path), start=1):
        try:
            run_cell(cell, path, scope)
        except BaseException as error:
            error.add_note(f"in {path.name}, cell {number}, line {line}")
            raise


def run_cell(cell: ast.Module, path: Path, scope: dict[str, Any]) -> None:
    """Run a cell as a notebook does: the value of a last expression is shown. Drawing the figures would take long."""
    last = cell.body.pop() if cell.body and isinstance(cell.body[-1], ast.Expr) else None
    exec(compile(cell, str(path), "exec"), scope)
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), str(path), "eval"), scope)
        assert value is None or getattr(value, "_repr_html_", value.__repr__)() is not None
    close_figures()


def close_figures() -> None:
    """Look for titles in the open figures, which readers who can't see them are read, and close them."""
    import matplotlib.pyplot as plt

    for figure in map(plt.figure, plt.get_fignums()):
        assert any(axes.get_title(loc="left") for axes in figure.axes), "a figure without a title"
    plt.close("all")


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path) -> None:
    """Every cell, one after the other."""
    run(path)


@pytest.mark.usefixtures("desk")
def test_a_cell_that_fails_is_named(tmp_path: Path) -> None:
    """By the notebook, the cell's number and its line."""
    path = tmp_path / "wrong.md"
    path.write_text(BROKEN, "utf-8")
    with pytest.raises(ZeroDivisionError) as caught:
        run(path)
    line = 1 + BROKEN.splitlines().index("1 / nothing")
    assert caught.value.__notes__ == [f"in wrong.md, cell 2, line {line}"]
    assert caught.traceback[-1].lineno == line - 1, "the traceback shows another line"


BROKEN = """# A notebook

```{code-cell} ipython3
nothing = 0
```

And then:

```{code-cell} ipython3
1 / nothing
```
"""


@pytest.mark.usefixtures("desk")
def test_a_figure_has_the_text_colour_of_its_page() -> None:
    """It is a drawing without colours of text, whose style is its own, and which is read by its title."""
    import matplotlib.pyplot as plt
    from notebook_setup import INK, to_svg

    figure, axes = plt.subplots()
    axes.set(title="Ratings < 5", xlabel="stars")
    svg = to_svg(figure)
    plt.close(figure)
    assert svg.startswith('<svg role="img" aria-label="Ratings &lt; 5"')
    assert "currentColor" in svg
    assert ">stars</text>" in svg
    assert INK not in svg
    assert ">*{" not in svg


@pytest.mark.usefixtures("desk")
def test_without_ratings_the_notebooks_look_at_a_simulated_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They say why, and that nobody in it is real."""
    import notebook_setup

    def unreachable(**_: Any) -> None:
        raise DownloadError("no network here")

    small = SimulationSettings(users=20, movies=30, ratings=100)
    monkeypatch.setattr(notebook_setup, "default", unreachable)
    monkeypatch.setattr(notebook_setup, "SimulationSettings", lambda **_: small)
    monkeypatch.setenv("CINEMATRIX_CACHE", str(tmp_path))
    assert len(notebook_setup.example_ratings()) == 100
    assert re.search(r"no network here\.\n.*no real person", capsys.readouterr().out)


def test_a_notebook_can_be_opened_in_jupyter() -> None:
    """Each names its format and its kernel, and says so alike."""
    heads = {path.read_text("utf-8").split("---\n")[1] for path in NOTEBOOKS}
    assert len(heads) == 1, "the notebooks have different heads"
    assert "format_name: myst" in heads.pop()
