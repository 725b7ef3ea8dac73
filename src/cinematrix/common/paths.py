"""The folders that Cinematrix keeps files of its own in."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Cinematrix's cache: `$CINEMATRIX_CACHE`, else `$XDG_CACHE_HOME/cinematrix`, else `~/.cache/cinematrix`."""
    own, xdg = os.environ.get("CINEMATRIX_CACHE"), os.environ.get("XDG_CACHE_HOME")
    return Path(own) if own else (Path(xdg) if xdg else Path.home() / ".cache") / "cinematrix"
