"""Where the project and the data that lie beside it are."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The project's root."""

SHARED = ROOT.parent / "shared" / "data"
"""Real ratings beside the project, where there are any."""
