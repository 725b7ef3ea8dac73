"""Draw the output of `cinematrix demo` as docs/demo.svg: `python docs/picture.py [--data FOLDER]`."""

import os
import re
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 141
"""Width of the terminal in columns."""


def main() -> None:
    """Run the demo and draw its output."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [str(Path(sys.executable).parent / "cinematrix"), "demo", *sys.argv[1:]]
        shown = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH)}
        ran = subprocess.run(command, cwd=scratch, env=shown, capture_output=True, text=True, check=True)
    text = re.sub(r"(\$CINEMATRIX_DATA|the data given): \S+", r"\1", ran.stdout)
    console = Console(record=True, width=WIDTH, file=StringIO())
    console.print(Text.from_ansi(f"$ make demo\n{text}"))
    svg = console.export_svg(title="cinematrix demo")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # use the reader's monospace font, fetch nothing
    (Path(__file__).parent / "demo.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
