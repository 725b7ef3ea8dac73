"""Name that Cinematrix gives itself in requests to other hosts."""

from importlib.metadata import version


def user_agent() -> str:
    """Return the value of the header User-Agent: the program and its version."""
    return f"cinematrix/{version('cinematrix')}"
