"""Try a wheel as users get it: `python benchmarks/installed.py WHEEL [--write]`, which `make dist` runs.

Each Python gets an empty environment for each extra, with the packages that pip chooses within constraints.txt. In it
the extra does its smallest real work (`installed_uses.py`), from the wheel, on a small table of ratings, in a folder
without the source. `--write` puts the table into benchmarks/RESULTS.md.

`--pythons` names programs; by default it is each version from 3.11 on that is on the path. `--extras` names extras, and
`none`; by default it is each that isn't for work on Cinematrix itself. Where pip would take a build of PyTorch for
NVIDIA's cards, some gigabytes, the extra is tried without PyTorch; `--cuda` installs it.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path
from tempfile import TemporaryDirectory

from installed_uses import USES, Environment, train_without_torch
from results import markdown, put

CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
DEVELOPMENT = {"dev", "docs", "fuzz", "peers"}
"""Extras for work on Cinematrix itself; the others are for users."""

NEEDED = {"otel": "serve,otel"}
"""Extras that are of use with another one only, with that one."""

HEAD = ["Python", "installed", "what ran", "installing, s", "running, s"]


def main(wheel: Path, pythons: list[str] | None, extras: list[str] | None, cuda: bool, write: bool) -> None:
    """Try the wheel with each Python and extra, and print a row for each."""
    for name in ("PYTHONPATH", "VIRTUAL_ENV"):  # these lead to a source or another environment
        os.environ.pop(name, None)
    rows: list[list[str]] = []
    for python in pythons or list_pythons():
        for extra in extras or ["none", *list_extras(wheel)]:
            with TemporaryDirectory(prefix="cinematrix-try-") as folder:
                rows.append(try_wheel(wheel, python, extra, Path(folder), cuda))
            print(*rows[-1], sep=" | ", flush=True)
    if write:
        put(["## Installed from the wheel", markdown(HEAD, rows), NOTE])


NOTE = (
    "Each row is an empty environment with the wheel and what pip chose within constraints.txt. Times are processor "
    "seconds of all processes. Without the extra `train`, the quick tour must first end with the sentence that says "
    "what to install; then it runs with `als` in place of `deep-mf`."
)
"""Description of the table."""


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
        about = message_from_bytes(archive.read(name))
    return [extra for extra in about.get_all("Provides-Extra", []) if extra not in DEVELOPMENT]


def try_wheel(wheel: Path, python: str, extra: str, folder: Path, cuda: bool) -> list[str]:
    """Install the wheel with an extra into an empty environment, use it there, and return the row of the table."""
    begun = processor_seconds()
    use, installed = USES[extra], NEEDED.get(extra, extra)
    environment = make_environment(python, folder)
    wanted = [f"{wheel.resolve()}{f'[{installed}]' if extra != 'none' else ''}"]
    if extra == "train" and not cuda and takes_cuda(environment, wanted):
        use, installed, wanted = train_without_torch, "numba, but not PyTorch", [str(wheel.resolve()), "numba"]
    environment.run(*pip(environment), "--no-compile", *wanted)
    ready = processor_seconds()
    seen = use(environment)
    times = (f"{seconds:.0f}" for seconds in (ready - begun, processor_seconds() - ready))
    return [environment.version, installed, seen, *times]


def make_environment(python: str, folder: Path) -> Environment:
    """Make an empty environment in a folder, beside a folder with ratings."""
    subprocess.run([python, "-m", "venv", str(folder / "venv")], check=True)
    (folder / "data").mkdir()
    write_ratings(folder / "data" / "ratings.csv")
    return Environment(folder / "venv" / "bin", folder / "data")


def pip(environment: Environment) -> list[str]:
    """Return the command that installs packages within the constraints."""
    return [str(environment.python), "-m", "pip", "install", "--quiet", "--constraint", str(CONSTRAINTS)]


def takes_cuda(environment: Environment, wanted: list[str]) -> bool:
    """Return whether pip would install libraries of NVIDIA; nothing large is downloaded for it."""
    report = environment.folder.parent / "report.json"
    environment.run(*pip(environment), "--dry-run", "--report", str(report), *wanted)
    chosen = json.loads(report.read_text("utf-8"))["install"]
    return any(each["metadata"]["name"].startswith("nvidia-") for each in chosen)


def write_ratings(path: Path) -> None:
    """Write ratings with the IDs of the quick tour: of 60 users, each with a taste for one of two kinds of movies."""
    lines = ["user,movie,rating,timestamp"]
    for user in range(1, 61):
        for movie in (*range(1 + user % 3, 60, 3), 318):
            lines.append(
                f"{user},{movie},{4 + user % 2 if (user + movie) % 2 else 2},{1_600_000_000 + 997 * user + movie}"
            )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def processor_seconds() -> float:
    """Return the processor time of all processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("wheel", type=Path)
    for option in ("--pythons", "--extras"):
        parser.add_argument(option, nargs="+")
    for option in ("--cuda", "--write"):
        parser.add_argument(option, action="store_true")
    main(**vars(parser.parse_args()))
