"""Folders for Cinematrix's own files."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the cache folder: `$CINEMATRIX_CACHE`, else `$XDG_CACHE_HOME/cinematrix` or `~/.cache/cinematrix`."""
    own, xdg = os.environ.get("CINEMATRIX_CACHE"), os.environ.get("XDG_CACHE_HOME")
    return Path(own) if own else (Path(xdg) if xdg else Path.home() / ".cache") / "cinematrix"
