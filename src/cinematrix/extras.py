"""Optional parts: what isn't installed is asked for by name before any work is done."""

from importlib.util import find_spec

from cinematrix.errors import MissingExtraError


def needs_torch(who: str) -> None:
    """Make sure that torch is installed, without loading it.

    Raises:
        MissingExtraError: it isn't; the message says how to get it.
    """
    if find_spec("torch") is None:
        raise MissingExtraError(f"training {who} needs PyTorch; install it with: pip install 'cinematrix[train]'")
