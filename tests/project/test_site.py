"""The documentation as a site: it builds without a warning."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from places import ROOT

PAGES = {path: path.read_text("utf-8") for path in sorted((ROOT / "docs").rglob("*.md")) if "_build" not in path.parts}


def build(source: Path, to: Path) -> subprocess.CompletedProcess[str]:
    """Read every page as `make docs` does, without executing notebooks and without writing HTML."""
    command = ["sphinx-build", "--fail-on-warning", "--keep-going", "--quiet", "-b", "dummy", "-c", source / "docs"]
    command += ["-D", "nb_execution_mode=off"]
    return subprocess.run(
        [Path(sys.executable).with_name(str(command[0])), *command[1:], source, to], capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """The site's build; ten seconds, for it imports and describes the whole library."""
    return build(ROOT, tmp_path_factory.mktemp("site"))


def test_the_site_builds_without_a_warning(built: subprocess.CompletedProcess[str]) -> None:
    """No dead link inside, no page outside the navigation, no docstring that can't be read."""
    assert built.returncode == 0, built.stderr


@pytest.mark.parametrize(
    "path", [path for path in PAGES if path.parent.name in ("start", "concepts")], ids=lambda path: path.stem
)
def test_a_page_to_read_takes_ten_minutes(path: Path) -> None:
    """At most 2,000 words, at 200 a minute; its Python can be parsed."""
    text = PAGES[path]
    assert len(text.split()) <= 2_000
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        ast.parse(block)


def test_no_page_asks_another_host() -> None:
    """Scripts, styles and pictures are the site's own."""
    for path, text in PAGES.items():
        assert not re.search(r"!\[[^]]*\]\(https?:|<(script|img|link)\b[^>]*https?:", text), path.name


def test_no_line_is_lost_as_a_comment() -> None:
    """MyST takes a line that begins with a percent sign for a comment, as one may after a number at a line's end."""
    written = [
        *PAGES,
        *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "benchmarks/RESULTS.md")),
    ]
    for path in written:
        prose = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
        assert not re.search(r"^\s*%", prose, re.MULTILINE), path.name
