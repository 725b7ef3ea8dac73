"""The table of models by name: built in, from installed packages, and registered at run time."""

import dataclasses
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from numbers import Integral, Real
from typing import Any

from cinematrix.errors import SettingError
from cinematrix.models.base import Recommender

MODELS = {
    "popular": "cinematrix.models.popular:Popular",
    "bias": "cinematrix.models.bias:Bias",
    "svd": "cinematrix.models.svd:SVD",
    "svd++": "cinematrix.models.svd_plus_plus:SVDPlusPlus",
    "nmf": "cinematrix.models.nmf:NMF",
    "als": "cinematrix.models.als:ALS",
    "ials": "cinematrix.models.ials:IALS",
    "pmf": "cinematrix.models.pmf.model:PMF",
    "item-knn": "cinematrix.models.item_knn:ItemKNN",
    "user-knn": "cinematrix.models.user_knn:UserKNN",
    "ease": "cinematrix.models.ease:Ease",
    "deep-mf-classic": "cinematrix.models.deep_mf_classic.model:DeepMFClassic",
    "autorec": "cinematrix.models.autorec.model:AutoRec",
    "vae": "cinematrix.models.vae.model:VAE",
    "neumf": "cinematrix.models.neumf.model:NeuMF",
    "deep-mf": "cinematrix.models.deep_mf.model:DeepMF",
    "blend": "cinematrix.models.blend:Blend",
}
"""Built-in models as `module:class`, by their names on the command line."""

ENTRY_POINTS = "cinematrix.models"
"""Entry point group by which an installed package offers models."""

_REGISTERED: dict[str, type[Recommender]] = {}


def register(name: str, kind: type[Recommender]) -> None:
    """Register a model class under a name, so that it can be trained, saved, loaded, served, compared and tuned.

    Args:
        name: the name for `cinematrix.model` and the command line.
        kind: the class, which keeps the contract of `Recommender`.

    Raises:
        SettingError: the name belongs to a built-in model, or the class breaks the contract.
    """
    if name in MODELS:
        raise SettingError(f"the name {name!r} belongs to a model of Cinematrix; register yours under another")
    _check_contract(name, kind)
    _REGISTERED[name] = kind


def model_names() -> list[str]:
    """Return the names of all models: built in, registered, and from installed packages."""
    return list(dict.fromkeys([*MODELS, *_REGISTERED, *(point.name for point in _entry_points())]))


def model_class(name: str) -> type[Recommender]:
    """Return the class of the model named `name`.

    Raises:
        SettingError: no model has that name, or an installed package's model breaks the contract.
    """
    if name in MODELS:
        return _load(MODELS[name])
    if name in _REGISTERED:
        return _REGISTERED[name]
    for point in _entry_points():
        if point.name == name:
            register(name, point.load())
            return _REGISTERED[name]
    raise SettingError(f"there is no model {name!r}; the models are {', '.join(model_names())}")


def class_path(name: str) -> str | None:
    """Return `module:class` of a registered model, for another process; None for models that are found by name.

    Raises:
        SettingError: the class can't be imported elsewhere, since it is defined in a script, a notebook or a function.
    """
    kind = _REGISTERED.get(name)
    if kind is None or any(point.name == name for point in _entry_points()):
        return None
    if kind.__module__ == "__main__" or "<locals>" in kind.__qualname__:
        raise SettingError(
            f"model {name!r} is the class {kind.__qualname__} of a script or notebook, which another process can't "
            "import; put it into a module"
        )
    return f"{kind.__module__}:{kind.__qualname__}"


def register_path(name: str, path: str) -> None:
    """Register a class by its `class_path` from another process."""
    register(name, _load(path))


def build_settings(kind: type[Recommender], values: Mapping[str, Any], preset: str | None = None) -> Any:
    """Return hyper-parameters of a model from a preset and single values; the single values win.

    Raises:
        SettingError: there is no such preset or setting, or a value isn't allowed.
    """
    presets: Mapping[str, Mapping[str, Any]] = getattr(kind.Settings, "PRESETS", {})
    if preset is not None and preset not in presets:
        offered = f"its presets are {', '.join(presets)}" if presets else "it has none"
        raise SettingError(f"{kind.name} has no preset {preset!r}; {offered}")
    fields = [field.name for field in dataclasses.fields(kind.Settings)]  # type: ignore[arg-type]
    for name in values:
        if name not in fields:
            raise SettingError(f"{kind.name} has no setting {name!r}; its settings are {', '.join(fields) or 'none'}")
    chosen = {**(presets[preset] if preset else {}), **values}
    defaults = {field.name: field.default for field in dataclasses.fields(kind.Settings)}  # type: ignore[arg-type]
    for name, value in chosen.items():
        _check_type(kind.name, name, value, defaults[name])
    try:
        return kind.Settings(**chosen)
    except TypeError as error:
        raise SettingError(
            f"{kind.name}: a setting has a value of the wrong type ({error}); see docs/models.md"
        ) from error


def _check_type(model: str, name: str, value: Any, default: Any) -> None:
    """Refuse a value of another type than the default's, and a negative seed."""
    if isinstance(default, bool):
        fine, wanted = isinstance(value, bool), "True or False"
    elif isinstance(default, int):
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        fine, wanted = whole and (name != "seed" or int(value) >= 0), f"a whole number{' from 0' * (name == 'seed')}"
    elif isinstance(default, float):
        fine, wanted = isinstance(value, Real) and not isinstance(value, bool), "a number"
    else:
        return
    if not fine:
        raise SettingError(f"{model}: {name} is {value!r}; it must be {wanted}")


def _load(path: str) -> type[Recommender]:
    module, _, attribute = path.partition(":")
    found: type[Recommender] = getattr(import_module(module), attribute)
    return found


def _entry_points() -> Any:
    return entry_points(group=ENTRY_POINTS)


def _check_contract(name: str, kind: Any) -> None:
    if not (isinstance(kind, type) and issubclass(kind, Recommender)):
        raise SettingError(f"model {name!r} must be a subclass of cinematrix.Recommender, and {kind!r} isn't")
    if getattr(kind, "name", None) != name:
        raise SettingError(
            f"model {name!r} calls itself {getattr(kind, 'name', None)!r}; set name = {name!r} in its class"
        )
    settings = getattr(kind, "Settings", None)
    if not dataclasses.is_dataclass(settings):
        raise SettingError(f"model {name!r} needs a dataclass of hyper-parameters as its attribute Settings")
    own = {attribute for base in kind.__mro__ if base not in (Recommender, object) for attribute in vars(base)}
    for method in ("learn", "score", "predict_pairs", "arrays", "restore"):
        if method not in own:
            raise SettingError(f"model {name!r} lacks the method {method}, which every model has")
