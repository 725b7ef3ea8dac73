"""Try a wheel as a user gets it: `python tests/helpers/try_wheel.py WHEEL`, which `make dist` runs.

Each Python gets an empty environment for each extra, with the packages that pip chooses within constraints.txt. In it
the quick tour runs from the wheel, on a small table of ratings, in a folder without the source.

`--pythons` names programs; by default it is each version from 3.11 on that is on the path. `--extras` names extras, and
`none`; by default it is each that is for users.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

from places import ROOT

DEVELOPMENT = {"dev", "docs", "fuzz", "peers"}
"""Extras for those who work on Cinematrix; the others are for users."""

FLAGSHIP, PLAIN = 'cx.model("deep-mf", preset="fast", seed=1)', 'cx.model("als", seed=1)'
"""Model of the quick tour, and the one that takes its place where nothing that trains nets is installed."""

WITH_PLAIN_MODEL = """
import sys
from importlib.resources import files
tour = (files("cinematrix") / "quick_tour.py").read_text("utf-8")
assert sys.argv[1] in tour
exec(compile(tour.replace(*sys.argv[1:]), "quick_tour.py", "exec"))
"""
"""Program that runs the quick tour with another model."""


def main(wheel: Path, pythons: list[str] | None, extras: list[str] | None) -> None:
    """Try the wheel with each Python and extra, and print a line for each."""
    for python in pythons or list_pythons():
        for extra in extras or ["none", *list_extras(wheel)]:
            with tempfile.TemporaryDirectory(prefix="cinematrix-try-") as folder:
                print(try_wheel(wheel, python, extra, Path(folder)), flush=True)


def list_pythons() -> Iterator[str]:
    """Yield a Python of each version from 3.11 on that is found on the path, this one first."""
    names = [sys.executable, "/usr/bin/python3", *(f"python3.{minor}" for minor in range(11, 30))]
    versions = set()
    for path in filter(None, map(shutil.which, names)):
        asked = subprocess.run([path, "-c", "import sys, venv; print(sys.version)"], capture_output=True, text=True)
        version = asked.stdout.split(" ")[0]
        if asked.returncode == 0 and version not in versions and tuple(map(int, version.split(".")[:2])) >= (3, 11):
            versions.add(version)
            yield path


def list_extras(wheel: Path) -> list[str]:
    """Return the extras of a wheel that are for users."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return [extra for extra in message_from_bytes(archive.read(name)).get_all("Provides-Extra", [])
                if extra not in DEVELOPMENT]  # fmt: skip


def try_wheel(wheel: Path, python: str, extra: str, folder: Path) -> str:
    """Install the wheel into an empty environment, run the tour in it, and return what was seen in a line."""
    environment = folder / "venv"
    run(folder, python, "-m", "venv", str(environment))
    inside = str(environment / "bin" / "python")
    wanted = str(wheel.resolve()) + (f"[{extra}]" if extra != "none" else "")
    run(
        folder,
        inside,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--constraint",
        str(ROOT / "constraints.txt"),
        wanted,
    )
    program = str(environment / "bin" / "cinematrix")
    (folder / "data").mkdir()
    write_ratings(folder / "data" / "ratings.csv")
    run_tour(inside, folder / "data", trains=extra == "train")
    seen = run(folder, program, "doctor", str(folder / "data" / "model"))
    checked = extra if extra != "none" else "packages"
    lines = [line for line in seen.splitlines() if re.match(rf". (Python|model|{checked}):", line)]
    assert len(lines) == 3, seen
    assert all(line.startswith("✓") for line in lines), seen
    version = lines[0].split()[2]
    return f"Python {version}, {f'extra {extra}' if extra != 'none' else 'no extra'}: the quick tour runs"


def write_ratings(path: Path) -> None:
    """Write ratings with the IDs of the quick tour: of 60 users, each with a taste for one of two kinds of movies."""
    lines = ["user,movie,rating,timestamp"]
    for user in range(1, 61):
        for movie in (*range(1 + user % 3, 60, 3), 318):
            lines.append(
                f"{user},{movie},{4 + user % 2 if (user + movie) % 2 else 2},{1_600_000_000 + 997 * user + movie}"
            )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def run_tour(python: str, folder: Path, *, trains: bool) -> None:
    """Run the quick tour of the installed package.

    Without what trains nets, it must end with the sentence that says what to install, and run with the plain model.
    """
    command = [python, "-m", "cinematrix.quick_tour"]
    if not trains:
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=surroundings())
        assert "pip install 'cinematrix[train]'" in ended.stderr.splitlines()[-1], ended.stderr
        command = [python, "-c", WITH_PLAIN_MODEL, FLAGSHIP, PLAIN]
    shown = run(folder, *command)
    assert "Split: global time split" in shown, shown
    assert (folder / "model" / "model.json").is_file()


def run(folder: Path, *command: str) -> str:
    """Run a command in a folder and return its output; its errors are shown if it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=surroundings())
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def surroundings() -> dict[str, str]:
    """Return the environment variables without those that lead to a source or another environment."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("wheel", type=Path)
    for option in ("--pythons", "--extras"):
        parser.add_argument(option, nargs="+")
    main(**vars(parser.parse_args()))
