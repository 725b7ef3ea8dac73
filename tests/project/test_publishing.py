"""Files of a release agree with the program: version, changelog, licences, citation, forms for issues, targets."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version

import pytest
import yaml
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager
from markdown_it import MarkdownIt
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import cinematrix
from command_line import run_in_process
from places import ROOT

sys.path.extend(str(ROOT / folder) for folder in ("docs", "benchmarks", "."))
import hatch_build

import installed
import licences
from installed_uses import FLAGSHIP

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))


def test_there_is_one_version() -> None:
    """That of pyproject.toml, wherever it is told."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    told = {
        version("cinematrix"),
        cinematrix.__version__,
        citation["version"],
        run_in_process("--version").stdout.strip(),
    }
    assert told == {PROJECT["version"]}


def test_nobody_writes_the_version_down() -> None:
    """No file of the source, of the documentation's settings or of the deployment repeats it."""
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "deploy").iterdir(), *(ROOT / "docs").glob("*.py")]
    told = re.compile(rf"(?<![\d.]){re.escape(PROJECT['version'])}(?![\d.]*\d)")
    assert [path.name for path in files if told.search(path.read_text("utf-8"))] == []


def test_the_citation_is_complete() -> None:
    """It has what the format asks for, and the licence of the project."""
    found = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(found)
    assert (found["license"], found["title"]) == (PROJECT["license"], "Cinematrix")
    assert [each["name"] for each in found["authors"]] == [each["name"] for each in PROJECT["authors"]]


def test_the_changelog_keeps_its_form() -> None:
    """Keep a Changelog: the unreleased part first, dated versions after it, each with its kinds in order."""
    _, *versions = re.split(r"^## ", CHANGELOG, flags=re.MULTILINE)
    titles = [each.partition("\n")[0] for each in versions]
    assert titles[0] == "[Unreleased]"
    assert [each for each in titles[1:] if not re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", each)] == []
    for each in versions:
        kinds = re.findall(r"^### (.+)$", each, re.MULTILINE)
        assert kinds == [kind for kind in KINDS if kind in kinds]


def packed(builder: type) -> set[str]:
    """The files that a builder puts into an archive, by their paths in it."""
    return {file.distribution_path for file in builder(str(ROOT)).recurse_included_files()}


def test_the_source_archive_has_all_that_git_has() -> None:
    """With tests, documentation and deployment, so that `make test` and `make docs` work in it."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("NO GIT HERE: the source archive has nothing to be compared with")
    there = {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}
    assert there - packed(SdistBuilder) == set()
    assert packed(SdistBuilder) - there == set()


def test_the_wheel_has_the_package_alone() -> None:
    """All its files: the page, the types' marker and the quick tour too."""
    source = ROOT / "src"
    files = {str(path.relative_to(source)) for path in source.rglob("*") if path.is_file()}
    assert packed(WheelBuilder) == {name for name in files if "__pycache__" not in name}
    assert {"cinematrix/quick_tour.py", "cinematrix/py.typed", "cinematrix/page/index.html"} <= files


def links(markdown: str) -> list[str]:
    """The targets of a text's links and pictures."""
    tokens = [token for block in MarkdownIt().enable("table").parse(markdown) for token in block.children or ()]
    return [str(token.attrs[name]) for token in tokens for name in ("href", "src") if name in token.attrs]


def test_the_description_on_an_index_leads_nowhere_wrong() -> None:
    """Each of its links is absolute or an anchor, also once the repository has an address."""
    readme = (ROOT / "README.md").read_text("utf-8")
    built = ProjectMetadata(str(ROOT), PluginManager()).core
    assert built.readme_content_type == "text/markdown"
    published = hatch_build.describe(readme, "https://code.example/cinematrix/", "v1.2.3")
    for text in (built.readme, published):
        assert [link for link in links(text) if not re.match(r"https?://|#", link)] == []
        assert "model = cx.load(" in text
    assert len(links(published)) == len(links(readme)) > 40
    assert "https://code.example/cinematrix/blob/v1.2.3/docs/data.md" in links(published)
    assert "https://code.example/cinematrix/raw/v1.2.3/docs/demo.svg" in links(published)


def test_code_of_a_description_stays_as_it_is() -> None:
    """Only links are changed, and absolute ones aren't."""
    text = "`a[0](b)` [x](https://x.example) [y](#y)\n\n```python\na[0](b)\n```\n"
    assert hatch_build.describe(text, "", "v1") == text + hatch_build.IN_THE_SOURCE
    assert hatch_build.describe("![a\npicture](b.svg)[c](d.md)", "", "v1") == "c" + hatch_build.IN_THE_SOURCE


def test_each_extra_is_tried_or_is_for_work_on_cinematrix() -> None:
    """`make dist` uses every extra for users, and changes the model of the quick tour where PyTorch is missing."""
    extras = set(PROJECT["optional-dependencies"])
    assert set(installed.USES) | installed.DEVELOPMENT == extras | {"none"}
    assert set(installed.USES) & installed.DEVELOPMENT == set()
    assert FLAGSHIP in (ROOT / "src" / "cinematrix" / "quick_tour.py").read_text("utf-8")


def direct() -> set[str]:
    """The packages that pyproject.toml names."""
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    return {canonicalize_name(Requirement(line).name) for group in groups for line in group}


def test_the_licence_of_every_dependency_is_listed() -> None:
    """The page of licences has each dependency, with the licence of its metadata where it is installed."""
    listed = licences.read_page((ROOT / "docs" / "licences.md").read_text("utf-8"))
    assert direct() <= set(listed)
    here = {name: package for name in listed if (package := licences.find(name))}
    assert {name: licences.read_licence(package) for name, package in here.items()} == {
        name: listed[name] for name in here
    }


def test_extras_are_for_users_or_for_work_on_cinematrix() -> None:
    """The page of licences has a section for each extra."""
    assert {extra for extras in licences.SECTIONS.values() for extra in extras if extra} == set(
        PROJECT["optional-dependencies"]
    )


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_forms_for_issues_can_be_filled_in(path: "licences.Path") -> None:
    """Each field has its own name and a label; the commands that they ask for exist."""
    form = yaml.safe_load(path.read_text("utf-8"))
    assert form["name"]
    assert form["description"]
    fields = [each for each in form["body"] if each["type"] != "markdown"]
    assert len({each["id"] for each in fields}) == len(fields) > 2
    assert all(each["attributes"]["label"] for each in fields)
    for command in set(re.findall(r"`cinematrix (?:--debug )?([a-z]+(?: describe)?)", path.read_text("utf-8"))):
        assert run_in_process(*command.split(), "--help").returncode == 0, command


def test_problems_come_with_what_doctor_prints() -> None:
    """The form can't be sent without it."""
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / "problem.yml").read_text("utf-8"))
    asked = {
        each["attributes"]["label"]: each.get("validations") for each in form["body"] if each["type"] == "textarea"
    }
    assert asked["What `cinematrix doctor` prints"] == {"required": True}


def test_the_steps_of_a_release_exist() -> None:
    """Each target that docs/releasing.md names is one of the Makefile, and what `make` runs can be read by it."""
    targets = set(re.findall(r"\bmake (\w+)", (ROOT / "docs" / "releasing.md").read_text("utf-8")))
    assert targets > {"dist", "licences", "lock", "pictures"}
    for target in sorted(targets):
        done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
