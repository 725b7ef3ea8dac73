"""Paths of the project and of shared data."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""Root folder of the project."""

SHARED = ROOT.parent / "shared" / "data"
"""Folder of real rating data beside the project. It may be missing."""
