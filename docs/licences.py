"""Write docs/licences.md from the metadata of installed packages: `python docs/licences.py [FOLDER …]`.

FOLDER is the `site-packages` of another environment, for packages that aren't in this one, such as those of the extra
`peers`. A package that is in none keeps its line of the page.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PAGE = Path(__file__).with_name("licences.md")

HEAD = """# Licences of dependencies

Cinematrix itself is under the MIT licence. It ships none of these packages: pip installs them from their own sources.
The table is made from their metadata (`make licences`) and is no legal advice.

- **psycopg** is under the LGPL: programs of any licence may use it, and changes of psycopg itself stay under the LGPL.
- PyTorch from PyPI comes with libraries of NVIDIA on Linux, under NVIDIA's own licences. Its builds for processors
  have none.
"""

SECTIONS = {
    "Installed with Cinematrix": ("",),
    "Installed with an extra": ("train", "tune", "serve", "cluster", "storage", "otel"),
    "For work on Cinematrix": ("dev", "docs", "notebook", "fuzz", "peers"),
}
"""Headings of the page, each with its extras. Of the last one only the packages that are asked for are listed."""

NAMES = {
    "MIT License": "MIT",
    "MIT license": "MIT",
    "BSD License": "BSD",
    "BSD 3-Clause License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache 2": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "ISC License": "ISC",
    "PSFL": "PSF-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "MPL 2.0": "MPL-2.0",
    "zlib/libpng License": "Zlib",
}
"""Names of licences in metadata, and the identifiers of SPDX that stand for them."""

TEXTS = {
    "Apache License": "Apache-2.0",
    "Permission is hereby granted, free of charge": "MIT",
    "freely, subject to the following restrictions": "Zlib",
}
"""Words of licences' texts, for packages whose metadata names none, and the identifiers of SPDX."""


def main(folders: list[str]) -> None:
    """Write the page."""
    before = read_page(PAGE.read_text("utf-8")) if PAGE.exists() else {}
    parts, listed = [HEAD], set[str]()
    for heading, extras in SECTIONS.items():
        rows = []
        for name, asked in sorted(collect(extras, deep=extras != SECTIONS["For work on Cinematrix"]).items()):
            found = find(name, *folders)
            licence = read_licence(found) if found else before.get(name)
            assert licence, f"{name} isn't installed; give the folder of an environment that has it"
            if name not in listed:
                rows.append(f"| {name} | {licence} | {', '.join(asked) or 'always'} |")
        listed |= {row.split()[1] for row in rows}
        parts.append("\n".join([f"## {heading}\n", "| package | licence | extra |", "|---|---|---|", *rows]))
    PAGE.write_text("\n\n".join([parts[0].strip(), *parts[1:]]) + "\n", encoding="utf-8")


def read_page(text: str) -> dict[str, str]:
    """Return the licences that a page lists, by package."""
    return dict(re.findall(r"^\| ([\w.-]+) \| (.+?) \| [^|]+ \|$", text, re.MULTILINE)[1:])


def collect(extras: Iterable[str], *, deep: bool) -> dict[str, list[str]]:
    """Return the packages that extras of Cinematrix install here, each with its extras; '' is no extra."""
    found: dict[str, list[str]] = {}
    for extra in extras:
        for name in sorted(walk(extra) if deep else {name for name, _ in needs("cinematrix", extra)}):
            found.setdefault(name, []).extend([extra] * bool(extra))
    return found


def walk(extra: str) -> set[str]:
    """Return all packages that an extra of Cinematrix installs here, with what those need."""
    found, waiting = set[str](), [("cinematrix", extra)]
    while waiting:
        for name, option in needs(*waiting.pop()):
            if name not in found:
                found.add(name)
                waiting += [(name, ""), (name, option)] if option else [(name, "")]
    return found


def needs(package: str, extra: str) -> Iterator[tuple[str, str]]:
    """Yield the packages that a package needs here for an extra, each with an extra of its own or ''."""
    for each in map(Requirement, requirements(package)):
        asked = each.marker is not None and "extra" in str(each.marker)
        if asked == bool(extra) and (each.marker is None or each.marker.evaluate({"extra": extra})):
            for option in each.extras or {""}:
                yield canonicalize_name(each.name), option


def requirements(package: str) -> list[str]:
    """Return the lines of a package's requirements; for Cinematrix those of pyproject.toml."""
    if package != "cinematrix":
        about = find(package)
        return (about.requires if about else None) or []
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    lines = list(project["dependencies"])
    for extra, group in project["optional-dependencies"].items():
        for line, _, marker in (each.partition(";") for each in group):
            lines.append(f"{line}; extra == '{extra}'{marker and f' and {marker}'}")
    return lines


def find(name: str, *folders: str) -> Distribution | None:
    """Return an installed package, of this environment first."""
    return next((found[name] for found in (installed(), *map(installed, folders)) if name in found), None)


@cache
def installed(folder: str | None = None) -> dict[str, Distribution]:
    """Return the packages in a folder, or in this environment, by name."""
    where = distributions() if folder is None else distributions(path=[folder])
    return {canonicalize_name(each.metadata["Name"]): each for each in where}


def read_licence(package: Distribution) -> str:
    """Return a package's licence: its expression, else its field, else its classifiers, else by its text."""
    expression, field = (
        str((package.metadata.get_all(key) or [""])[0]).strip() for key in ("License-Expression", "License")
    )
    if expression:
        return expression
    if field and len(field) < 40 and field != "UNKNOWN":
        return NAMES.get(field, field)
    classifiers = [
        each.rpartition(" :: ")[2] for each in package.metadata.get_all("Classifier") or [] if each[:7] == "License"
    ]
    named = [NAMES.get(each, each) for each in classifiers if each != "OSI Approved"]
    return " or ".join(named) or recognize_licence(package)


def recognize_licence(package: Distribution) -> str:
    """Return the licence whose words are in a package's file of that name."""
    files = [file for file in package.files or [] if "LICEN" in file.name.upper()]
    texts = " ".join(" ".join(file.read_text().split()) for file in files)
    return next((licence for words, licence in TEXTS.items() if words in texts), "in the package's own words")


if __name__ == "__main__":
    main(sys.argv[1:])
