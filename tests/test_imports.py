"""Imports go downward only, torch stays where nets are trained, and nothing heavy is loaded before it is needed."""

import ast
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import numpy as np
import pytest

import cinematrix
from cinematrix.artifact import save
from cinematrix.catalog import Catalog
from cinematrix.models import MODELS, model_class
from cinematrix.ratings import Ratings

SOURCE = Path(cinematrix.__file__).parent

LAYERS = (
    "errors ids checks extras files threads spaces",
    "histories ratings catalog protocols",
    "cosines biases neighbours regression similarity least_squares factors sgd kriging content dense layers nets "
    "optimizer pooling surprise towers attribution ordinal spread ranking metrics titles splits diversity significance "
    "segments leaks parcels heldout dials chances importers/* journals/* datasets downloads simulate worlds plots "
    "store/* overlay tastes suspicion",
    "training refitting",
    "models/*",
    "artifact evaluation reliability recommendations rows profiles tastemap groups explanations describe tuning cells "
    "comparison standings reports comparison_plots comparison_tables "
    "versions gate renewal onboarding newcomers doctor",
    "service/*",
    "cli/*",
)
"""Lowest first; a module imports from its own layer and those below. The package itself is above all."""

TRAINERS = ("torch", "numba")
"""Packages that train and never serve."""

TRAINING = ("layers", "nets", "optimizer", "pooling", "refitting", "sgd", "surprise", "training")
"""Where they may be imported as the module loads; in `models/`, only `FOR_TRAINING`, in functions, and for types."""

FOR_TRAINING = ("_training", "_tasks", "_export", "_loops")
"""Endings of the modules that belong to a model and are loaded only when it trains."""

PARTS = (*FOR_TRAINING, "_heads", "_beside", "_posterior")
"""Endings of all modules that belong to a model beside its own."""


@dataclass(frozen=True)
class Import:
    """One import: of what, by which module, and when it happens."""

    module: str
    imported: str
    line: int
    when: str  # "loading", "calling" or "typing"


@cache
def modules() -> dict[str, Path]:
    """Every module by its name in the table of layers: `ratings`, `models/bias`; a package is `models/__init__`."""
    return {
        path.relative_to(SOURCE).with_suffix("").as_posix(): path
        for path in sorted(SOURCE.rglob("*.py"))
        if path != SOURCE / "__init__.py"
    }


def layer_of(module: str) -> int | None:
    """The place of a module in the table."""
    for number, names in enumerate(LAYERS):
        if module in names.split() or f"{module.split('/')[0]}/*" in names.split():
            return number
    return None


def imports_of(module: str, text: str, known: set[str]) -> Iterator[Import]:
    """All imports in the source `text`, those of this package by their names in the table."""

    def visit(node: ast.AST, when: str) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, _named(alias.name, known), node.lineno, when)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}, line {node.lineno}: a relative import hides its layer"
            for alias in node.names:
                whole = _named(f"{node.module}.{alias.name}", known)
                yield Import(module, whole if whole in known else _named(str(node.module), known), node.lineno, when)
        typing = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        inner = "calling" if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and when == "loading" else when
        for child in ast.iter_child_nodes(node):
            yield from visit(child, "typing" if typing else inner)

    yield from visit(ast.parse(text), "loading")


def _named(dotted: str, known: set[str]) -> str:
    if not dotted.startswith("cinematrix."):
        return dotted
    name = dotted.removeprefix("cinematrix.").replace(".", "/")
    return f"{name}/__init__" if f"{name}/__init__" in known else name


@cache
def all_imports() -> list[Import]:
    """Every import of every module."""
    found = modules()
    return [each for name, path in found.items() for each in imports_of(name, path.read_text("utf-8"), set(found))]


def upward(imports: list[Import]) -> list[Import]:
    """Those that reach into a higher layer, but for types alone."""
    return [
        each
        for each in imports
        if each.when != "typing"
        and (to := layer_of(each.imported)) is not None
        and (here := layer_of(each.module)) is not None
        and to > here
    ]


def model_of(module: str) -> str | None:
    """The model that a module of `models/` belongs to."""
    if not module.startswith("models/"):
        return None
    ending = next((e for e in PARTS if module.endswith(e)), "")
    return module.removeprefix("models/").removesuffix(ending)


def test_every_module_has_its_layer() -> None:
    """A module that isn't in the table is a decision not taken; one in the table that isn't there is out of date."""
    assert [name for name in modules() if layer_of(name) is None] == []
    named = {name for names in LAYERS for name in names.split() if not name.endswith("/*")}
    assert named - set(modules()) == set()


def test_imports_go_downward_only() -> None:
    """No module imports from a higher layer, not even inside a function."""
    assert upward(all_imports()) == []


def test_no_imports_go_round() -> None:
    """Imports inside a layer, and through functions too, have an order."""
    graph: dict[str, set[str]] = {}
    for each in all_imports():
        if each.when != "typing" and each.imported in modules():
            graph.setdefault(each.module, set()).add(each.imported)
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_models_do_not_know_each_other() -> None:
    """No model imports another; what two of them share lies below."""
    pairs = [(each, model_of(each.module), model_of(each.imported)) for each in all_imports()]
    assert [each for each, mine, other in pairs if mine and other and other not in (mine, "__init__")] == []


def test_what_trains_is_imported_only_for_training() -> None:
    """Outside the modules of `TRAINING`, torch and Numba are a model's own and not needed to load its module."""
    wrong = []
    for each in all_imports():
        if each.imported.split(".")[0] not in TRAINERS and each.imported not in TRAINING:
            continue
        trains = each.module in TRAINING or (each.module.startswith("models/") and each.module.endswith(FOR_TRAINING))
        in_a_model = each.module.startswith("models/") and each.when != "loading"
        if not (trains or in_a_model or (each.when == "typing" and each.imported in TRAINING)):
            wrong.append(each)
    assert wrong == []


@pytest.mark.parametrize(
    ("module", "text", "caught"),
    [
        ("ratings", "from cinematrix.artifact import load", True),
        ("ratings", "def f():\n    from cinematrix import evaluation", True),
        ("splits", "import cinematrix.models.bias", True),
        ("catalog", "from cinematrix.importers import read", True),
        (
            "plots",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from cinematrix.training import Log",
            False,
        ),
        ("artifact", "from cinematrix.models import model_class", False),
        ("models/bias", "from cinematrix.biases import Biases", False),
    ],
)
def test_the_reader_of_imports_sees_every_form(module: str, text: str, caught: bool) -> None:
    """Whole modules, names from modules, in functions or not: an upward import is seen; one for types is allowed."""
    assert bool(upward(list(imports_of(module, text, set(modules()))))) is caught


def run(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


LOADED = (
    "import sys; print([name for name in ('torch', 'scipy', 'polars', 'matplotlib', 'rich') if name in sys.modules])"
)


def test_importing_the_package_loads_nothing_heavy() -> None:
    """`import cinematrix` and the command line's own modules load neither torch nor tables nor plots."""
    assert run(f"import cinematrix; {LOADED}") == "[]"
    assert run(f"import cinematrix.cli.main; {LOADED}") == "[]"


def test_help_loads_no_torch() -> None:
    """Neither do the help of the command line and of a command."""
    for words in ("['--help']", "['train', '--help']", "['data', '--help']"):
        code = f"from cinematrix.cli.main import app; app({words}, standalone_mode=False); import sys"
        assert run(f"{code}; print('torch' in sys.modules)").endswith("False")


@pytest.mark.parametrize("name", list(MODELS))
def test_serving_loads_nothing_that_trains(name: str, world: tuple[Ratings, Catalog], tmp_path: Path) -> None:
    """A saved model is loaded and asked for everything it can do without torch and Numba."""
    sizes = {"epochs": 1, "ranking_epochs": 1, "factors": 4}
    kind = model_class(name)
    fields = kind.Settings.__dataclass_fields__  # type: ignore[attr-defined]
    settings = kind.Settings(**{key: value for key, value in sizes.items() if key in fields})
    model = kind(settings).fit(*world)  # type: ignore[call-arg]
    save(model, tmp_path / "model")
    user, movie = model.known.users.ids[0], model.known.movies.ids[0]
    code = f"""
import pathlib, sys
from cinematrix import explain, load, recommend
from cinematrix.recommendations import history_of, similar
model = load(pathlib.Path({str(tmp_path / "model")!r})).model
recommend(model, history_of(model, {user}), 3)
model.predict([{user}, -1], [{movie}, -1])
model.abilities.vectors and similar(model, {movie})
model.abilities.explains and explain(model, history_of(model, {user}), {movie})
print([name for name in {TRAINERS} if name in sys.modules])
"""
    assert run(code) == "[]"


def test_public_names_come_when_asked_for() -> None:
    """Every name of `__all__` is there and its own; whatever was imported before, `recommend` is the function."""
    for name in cinematrix.__all__:
        assert getattr(cinematrix, name).__name__ == name
    assert {*cinematrix.__all__} <= {*dir(cinematrix)}
    code = "import cinematrix.recommendations, cinematrix.cli.main; from cinematrix import recommend; print(recommend)"
    assert run(code).startswith("<function recommend ")
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        cinematrix.nothing  # noqa: B018


def test_type_checkers_see_the_public_names() -> None:
    """The imports for type checkers, the table of homes and `__all__` name the same things; `py.typed` ships."""
    tree = ast.parse((SOURCE / "__init__.py").read_text("utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == cinematrix._HOMES
    assert sorted(seen) == sorted(cinematrix.__all__)
    assert (SOURCE / "py.typed").is_file()


HELP = "import sys; sys.argv = ['cinematrix', '--help']; from cinematrix.cli.main import run; run()"


@pytest.mark.parametrize(("code", "seconds"), [("import cinematrix", 0.3), (HELP, 0.5)], ids=["import", "help"])
def test_starting_is_quick(code: str, seconds: float) -> None:
    """`import cinematrix` takes 0.3 s at most and the help 0.5 s, the best of several on a machine that is busy."""
    took = []
    for _ in range(7):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        took.append(time.perf_counter() - started)
        if took[-1] <= seconds:
            break
    assert np.min(took) <= seconds
