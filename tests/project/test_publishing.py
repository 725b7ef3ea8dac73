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
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import cinematrix
from command_line import run_in_process
from places import ROOT

sys.path.insert(0, str(ROOT / "docs"))
import licences

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
