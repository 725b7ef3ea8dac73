"""Checks for optional packages: a missing one is an error before any work starts."""

from importlib.util import find_spec

from cinematrix.errors import MissingExtraError

PACKAGE_NAMES = {"torch": "PyTorch", "numba": "Numba", "optuna": "Optuna", "ray": "Ray"}
"""Display names of the packages for training, tuning and clusters."""

PACKAGE_EXTRAS = {"optuna": "tune", "ray": "cluster"}
"""Extra of each package that isn't in the extra `train`."""

PACKAGE_TASKS = {"optuna": "tuning", "ray": "running"}
"""Task of each package that isn't for training."""

SERVING_PACKAGES = {"granian": "Granian", "sqlalchemy": "SQLAlchemy"}
"""Display names of the packages for serving."""


def require_serving_package(package: str) -> None:
    """Check that a package of the extra `serve` is installed, without importing it.

    Raises:
        MissingExtraError: it isn't; the message says how to install it.
    """
    if find_spec(package) is None:
        raise MissingExtraError(
            f"the service needs {SERVING_PACKAGES[package]}; install it with: pip install 'cinematrix[serve]'"
        )


STORAGE_PACKAGES = {"fsspec": "storage", "psycopg": "serve"}
"""Extras of the packages that read remote tables."""


def require_storage_package(package: str, doing: str) -> None:
    """Check that a package that reads remote tables is installed, without importing it.

    Raises:
        MissingExtraError: it isn't; the message says how to install it.
    """
    if find_spec(package) is None:
        extra = STORAGE_PACKAGES[package]
        raise MissingExtraError(f"{doing} needs {package}; install it with: pip install 'cinematrix[{extra}]'")


def require_package(package: str, who: str) -> None:
    """Check that the package that trains, tunes or runs `who` is installed, without importing it.

    An empty `package` means that none is needed.

    Raises:
        MissingExtraError: it isn't; the message says how to install it.
    """
    if package and find_spec(package) is None:
        extra, doing = PACKAGE_EXTRAS.get(package, "train"), PACKAGE_TASKS.get(package, "training")
        raise MissingExtraError(
            f"{doing} {who} needs {PACKAGE_NAMES[package]}; install it with: pip install 'cinematrix[{extra}]'"
        )
