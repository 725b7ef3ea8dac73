"""Optional parts: what isn't installed is asked for by name before any work is done."""

from importlib.util import find_spec

from cinematrix.errors import MissingExtraError

PACKAGE_NAMES = {"torch": "PyTorch", "numba": "Numba", "optuna": "Optuna"}
"""What packages of the extras are called."""

PACKAGE_EXTRAS = {"optuna": "tune"}
"""The extra that a package comes with, where it isn't `train`."""


SERVING_PACKAGES = {"granian": "Granian", "sqlalchemy": "SQLAlchemy"}
"""What packages that serve are called."""


def require_serving_package(package: str) -> None:
    """Make sure that a package of the extra `serve` is installed, without loading it.

    Raises:
        MissingExtraError: it isn't; the message says how to get it.
    """
    if find_spec(package) is None:
        raise MissingExtraError(
            f"the service needs {SERVING_PACKAGES[package]}; install it with: pip install 'cinematrix[serve]'"
        )


def require_package(package: str, who: str) -> None:
    """Make sure that what trains (or tunes) `who` is installed, without loading it; no `package`: nothing is needed.

    Raises:
        MissingExtraError: it isn't; the message says how to get it.
    """
    if package and find_spec(package) is None:
        extra, doing = PACKAGE_EXTRAS.get(package, "train"), "tuning" if package in PACKAGE_EXTRAS else "training"
        raise MissingExtraError(
            f"{doing} {who} needs {PACKAGE_NAMES[package]}; install it with: pip install 'cinematrix[{extra}]'"
        )
