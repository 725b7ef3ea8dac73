"""Imports go downward between packages, torch stays where nets are trained, and a start loads nothing heavy."""

import ast
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import numpy as np
import pytest

import cinematrix
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.models import MODELS, model_class
from cinematrix.models.artifact import save
from cinematrix.models.base import Recommender

SOURCE = Path(cinematrix.__file__).parent

LAYERS = (
    {"errors"},
    {"common"},
    {"data"},
    {"metrics"},
    {"importers"},
    {"store"},
    {"models"},
    {"evaluation", "recommendation"},
    {"lifecycle"},
    {"api"},
    {"service"},
    {"cli"},
)
"""The packages, lowest first: a module imports from its own package and lower layers, never from `cinematrix`."""

TRAINERS = ("torch", "numba")
"""Libraries that train and never serve."""

TRAINING = (
    "models.training",
    "models.components.mlp_torch",
    "models.components.sgd",
    "models.deep_mf.network",
    "models.deep_mf.pooling",
    "models.deep_mf.softmax_loss",
    "models.deep_mf.standing",
    "models.deep_mf.batches",
    "models.deep_mf.device_ratings",
    "models.deep_mf.encoder",
    "models.deep_mf.head_job",
    "models.deep_mf.steps",
    "models.deep_mf.tasks",
    "models.deep_mf.export",
    "models.deep_mf.training",
    "models.deep_mf_classic.training",
    "models.autorec.training",
    "models.neumf.training",
    "models.vae.training",
    "models.components.pmf_gibbs",
    "models.components.pmf_loops",
)
"""Modules and packages that import them as they load; elsewhere in `models`, functions import these."""


@dataclass(frozen=True)
class Import:
    """An import: the importing module, the imported one, and when it happens (loading, calling or typing)."""

    module: str
    imported: str
    line: int
    when: str


@cache
def modules() -> dict[str, Path]:
    """Every module by its dotted name below `cinematrix`; a package goes by its own name.

    The quick tour isn't one of them: it is a user's program, which goes through the front door.
    """
    outside = {SOURCE / "__init__.py", SOURCE / "quick_tour.py"}
    return {dotted(path): path for path in sorted(SOURCE.rglob("*.py")) if path not in outside}


def dotted(path: Path) -> str:
    """A file's module name below `cinematrix`."""
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")


def layer_of(module: str) -> int | None:
    """The layer of a module's package; None for a module outside Cinematrix."""
    package = module.split(".")[0]
    return next((number for number, names in enumerate(LAYERS) if package in names), None)


def imports_of(module: str, text: str) -> Iterator[Import]:
    """All imports in the source `text`; those of Cinematrix by their names below `cinematrix`."""

    def visit(node: ast.AST, when: str) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name.removeprefix("cinematrix."), node.lineno, when)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}, line {node.lineno}: a relative import hides its layer"
            for alias in node.names:
                yield Import(module, imported(str(node.module), alias.name), node.lineno, when)
        typing = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        inner = "calling" if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and when == "loading" else when
        for child in ast.iter_child_nodes(node):
            yield from visit(child, "typing" if typing else inner)

    yield from visit(ast.parse(text), "loading")


def imported(source: str, name: str) -> str:
    """The module that `from source import name` loads: `source.name` where that is one."""
    if source != "cinematrix" and not source.startswith("cinematrix."):
        return source
    whole = f"{source}.{name}".removeprefix("cinematrix.")
    return whole if whole in modules() else source.removeprefix("cinematrix").lstrip(".") or "cinematrix"


@cache
def all_imports() -> tuple[Import, ...]:
    """Every import of every module, those of types and inside functions included."""
    return tuple(each for name, path in modules().items() for each in imports_of(name, path.read_text("utf-8")))


def upward(imports: tuple[Import, ...]) -> list[Import]:
    """The imports that reach a package of the same layer or a higher one, or the front door."""
    return [each for each in imports if each.imported == "cinematrix" or _reaches_up(each)]


def _reaches_up(each: Import) -> bool:
    here, there = layer_of(each.module), layer_of(each.imported)
    inside = each.module.split(".")[0] == each.imported.split(".")[0]
    return not inside and here is not None and there is not None and there >= here


def trains(module: str) -> bool:
    """True for a module of `TRAINING`, and for one inside it."""
    return any(module == name or module.startswith(f"{name}.") for name in TRAINING)


def model_of(module: str) -> str | None:
    """The model that a module of `models` belongs to; None for what models share."""
    shared = (
        "base",
        "contract_types",
        "artifact",
        "added_movies",
        "card",
        "card_figures",
        "compatibility",
        "liking",
        "orders",
        "registry",
        "components",
        "training",
    )
    words = module.split(".")
    return words[1] if words[0] == "models" and len(words) > 1 and words[1] not in shared else None


def test_every_package_has_its_layer() -> None:
    """A package without a layer is a decision not taken; a layer without a package is out of date."""
    packages = {name.split(".")[0] for name in modules()}
    assert packages == set().union(*LAYERS)


def test_imports_go_downward_only() -> None:
    """No package imports from a higher one or from its neighbour, neither in a function nor for types."""
    assert upward(all_imports()) == []


def test_no_imports_go_round() -> None:
    """The modules have an order, imports in functions and for types included."""
    graph: dict[str, set[str]] = {}
    for each in all_imports():
        if each.imported in modules() and each.imported != each.module:
            graph.setdefault(each.module, set()).add(each.imported)
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_models_do_not_know_each_other() -> None:
    """No model imports another; what two of them share is in `components` or `training`."""
    pairs = [(each, model_of(each.module), model_of(each.imported)) for each in all_imports()]
    assert [each for each, mine, other in pairs if mine and other and other != mine] == []


def test_torch_and_numba_are_imported_only_for_training() -> None:
    """Outside `TRAINING` no module needs torch or Numba to load, nor a module of `TRAINING`."""
    wrong = [
        each
        for each in all_imports()
        if (each.imported.split(".")[0] in TRAINERS or trains(each.imported))
        and not trains(each.module)
        and each.when != "typing"
        and not (each.when == "calling" and layer_of(each.module) == layer_of("models"))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("module", "text", "caught"),
    [
        ("data.ratings", "from cinematrix.models.artifact import load", True),
        ("data.ratings", "def f():\n    from cinematrix import evaluation", True),
        ("data.ratings", "from cinematrix import read", True),
        ("data.splits", "import cinematrix.models.bias", True),
        ("evaluation.evaluate", "from cinematrix.recommendation.lists import recommend", True),
        ("data.catalog", "if TYPE_CHECKING:\n    from cinematrix.models.training.loop import TrainingLog", True),
        ("data.catalog", "from cinematrix.data.readers import read", False),
        ("models.bias", "from cinematrix.data.ratings import Ratings", False),
    ],
)
def test_every_form_of_import_is_seen(module: str, text: str, caught: bool) -> None:
    """Whole modules, names from modules, in functions, for types: an upward import is seen."""
    assert bool(upward(tuple(imports_of(module, text)))) is caught


def run(code: str, *words: object) -> str:
    """The output of a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, check=True)
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


def fit_small(name: str, world: tuple[Ratings, Catalog]) -> Recommender:
    """Fit a model of a kind, as small as it gets."""
    sizes = {"epochs": 1, "ranking_epochs": 1, "factors": 4, "parts": "als bias"}
    kind = model_class(name)
    fields = kind.Settings.__dataclass_fields__  # type: ignore[attr-defined]
    return kind(kind.Settings(**{key: value for key, value in sizes.items() if key in fields})).fit(*world)


SERVE = """
import sys
from pathlib import Path
import cinematrix as cx
import cinematrix.service.app
user, movie, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
for path in sorted(folder.iterdir()):
    model = cx.load(path)
    model.recommend(user=user, n=3)
    model.predict([user, -1], [movie, -1], unknown="allow")
    model.recommender.abilities.vectors and model.similar(movie)
    model.recommender.abilities.explains and model.explain(user=user, movie=movie)
    print(path.name, [name for name in sys.argv[4:] if name in sys.modules])
"""
"""Loads all models of a folder, asks them for everything they can do, and prints which of some libraries are loaded."""


def test_serving_loads_nothing_that_trains(world: tuple[Ratings, Catalog], tmp_path: Path) -> None:
    """Every saved model is loaded and asked for everything it can do without what only training needs."""
    for name in MODELS:
        save(fit_small(name, world), tmp_path / name)
    user, movie = world[0].users.ids[0], world[0].movies.ids[0]
    found = run(SERVE, user, movie, tmp_path, *TRAINERS, "scipy.optimize", "scipy.stats")
    assert found.splitlines() == [f"{name} []" for name in sorted(MODELS)]


def test_public_names_come_when_asked_for() -> None:
    """Every name of `__all__` is there and its own, whatever was imported before."""
    for name in cinematrix.__all__:
        assert getattr(getattr(cinematrix, name), "__name__", name) == name
    assert {*cinematrix.__all__} <= {*dir(cinematrix)}
    code = "import cinematrix.api.model, cinematrix.models; from cinematrix import model; print(model)"
    assert run(code).startswith("<function model ")
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
    """`import cinematrix` takes 0.3 s of CPU time at most and the help 0.5 s, the best of several."""
    took = []
    for _ in range(7):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        if took[-1] <= seconds:
            break
    assert np.min(took) <= seconds
