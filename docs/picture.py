"""Draw the output of `cinematrix demo` as docs/demo.svg: `python docs/picture.py [--data FOLDER] [--model FOLDER]`.

`--model` is a folder for the model that the demo trains, from which docs/screenshots.py takes the screens.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 141
"""Width of the terminal in columns."""


def main(data: Path | None, model: Path | None) -> None:
    """Run the demo, draw its output, and keep its model if a folder is given."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [str(Path(sys.executable).parent / "cinematrix"), "demo"]
        command += ["--data", str(data.absolute())] if data else []
        shown = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH)}
        ran = subprocess.run(command, cwd=scratch, env=shown, stdout=subprocess.PIPE, text=True, check=True)
        if model:
            shutil.rmtree(model, ignore_errors=True)
            model.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(Path(scratch, "demo-model"), model)
    text = re.sub(r"(\$CINEMATRIX_DATA|the data given|from the cache): \S+", r"\1", ran.stdout)
    console = Console(record=True, width=WIDTH, file=StringIO())
    console.print(Text.from_ansi(f"$ make demo\n{text}"))
    svg = console.export_svg(title="cinematrix demo")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # use the reader's monospace font, fetch nothing
    (Path(__file__).parent / "demo.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for option in ("--data", "--model"):
        parser.add_argument(option, type=Path)
    main(**vars(parser.parse_args()))
