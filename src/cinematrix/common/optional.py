"""Optional parts: what isn't installed is asked for by name before any work is done."""

from importlib.util import find_spec

from cinematrix.errors import MissingExtraError

NAMES = {"torch": "PyTorch", "numba": "Numba", "optuna": "Optuna"}
"""What packages of the extras are called."""

EXTRAS = {"optuna": "tune"}
"""The extra that a package comes with, where it isn't `train`."""


SERVING = {"granian": "Granian", "sqlalchemy": "SQLAlchemy"}
"""What packages that serve are called."""


def needs_to_serve(package: str) -> None:
    """Make sure that a package of the extra `serve` is installed, without loading it.

    Raises:
        MissingExtraError: it isn't; the message says how to get it.
    """
    if find_spec(package) is None:
        raise MissingExtraError(
            f"the service needs {SERVING[package]}; install it with: pip install 'cinematrix[serve]'"
        )


def needs(package: str, who: str) -> None:
    """Make sure that what trains (or tunes) `who` is installed, without loading it; no `package`: nothing is needed.

    Raises:
        MissingExtraError: it isn't; the message says how to get it.
    """
    if package and find_spec(package) is None:
        extra, doing = EXTRAS.get(package, "train"), "tuning" if package in EXTRAS else "training"
        raise MissingExtraError(
            f"{doing} {who} needs {NAMES[package]}; install it with: pip install 'cinematrix[{extra}]'"
        )
