"""Tests of `cinematrix.service.routes.page`, which serves the page's files."""

import gzip
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

import cinematrix
from cinematrix.models.artifact import save
from cinematrix.models.bias import Bias
from cinematrix.service.app import create_app
from cinematrix.service.responses import accepts_gzip
from cinematrix.service.routes.page import load_assets, served_version
from cinematrix.service.settings import ServiceSettings
from worlds import taste_world

PAGE = Path(cinematrix.__file__).parent / "page"
SCRIPTS = sorted(PAGE.rglob("*.js"))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Client of a service with an arbitrary model."""
    folder = tmp_path_factory.mktemp("page")
    save(Bias().fit(*taste_world(np.random.default_rng(5))), folder / "model")
    settings = ServiceSettings(folder / "model", f"sqlite:///{folder}/store.db", hosts=("testserver",))
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        yield client


def test_every_file_is_served_with_its_type(client: TestClient) -> None:
    """Each file of the folder is served unchanged, with its media type."""
    types = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}
    types |= {".png": "image/png", ".webmanifest": "application/manifest+json"}
    paths = [path for path in PAGE.rglob("*") if path.is_file()]
    assert len(paths) > 12
    for path in paths:
        response = client.get(f"/page/{path.relative_to(PAGE).as_posix()}")
        if path.name != "index.html":
            assert (response.status_code, response.content) == (200, path.read_bytes())
        assert response.headers["content-type"].startswith(types[path.suffix])
    index = re.sub(rf"/page/{served_version()}/", "/page/", client.get("/").text)
    assert index.encode() == (PAGE / "index.html").read_bytes()


def test_the_page_has_its_own_content_security_policy(client: TestClient) -> None:
    """The page may run its own scripts only; API responses keep the policy that allows nothing."""
    for path in ("/", "/page/app.js"):
        policies = client.get(path).headers.get_list("content-security-policy")
        assert len(policies) == 1
        assert "script-src 'self'" in policies[0]
        assert "unsafe" not in policies[0]
        assert client.get(path).headers.get_list("cache-control") == ["no-cache"]
        assert client.get(path).headers["x-content-type-options"] == "nosniff"
    for path in ("/livez", "/page/nothing.js"):
        response = client.get(path)
        assert response.headers.get_list("content-security-policy") == ["default-src 'none'; frame-ancestors 'none'"]
        assert response.headers["cache-control"] == "no-store"


def test_a_cached_file_is_not_sent_again(client: TestClient) -> None:
    """304 without a body for its tag, also a weak or a listed one; another tag gets the file."""
    tag = client.get("/page/app.css").headers["etag"]
    for header in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        response = client.get("/page/app.css", headers={"If-None-Match": header})
        assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", tag)
        assert "script-src" in response.headers["content-security-policy"]
    assert client.get("/page/app.css", headers={"If-None-Match": '"other"'}).status_code == 200
    assert client.get("/page/app.js").headers["etag"] != tag


def test_files_are_compressed_if_the_client_accepts_gzip(client: TestClient) -> None:
    """Gzip sends the same bytes compressed; HEAD has the same headers without a body."""
    plain = client.get("/page/app.css", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    compressed = client.get("/page/app.css", headers={"Accept-Encoding": "br, gzip;q=0.5"})
    assert compressed.headers["content-encoding"] == "gzip"
    assert int(compressed.headers["content-length"]) < len(plain.content) / 2
    assert compressed.content == plain.content == gzip.decompress(load_assets()["app.css"].compressed)
    head = client.head("/page/app.css", headers={"Accept-Encoding": "identity"})
    assert (head.content, head.headers["content-length"]) == (b"", str(len(plain.content)))


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [("gzip", True), ("GZIP; q=0.1", True), ("gzip;q=0", False), ("gzip; q=0.000", False), ("br", False), ("", False)],
)
def test_accept_encoding_is_parsed(accepted: str, expected: bool) -> None:
    """Quality values as in RFC 9110."""
    assert accepts_gzip(accepted) is expected


@pytest.mark.parametrize(
    "path",
    [
        "../service/app.py", "..%2fservice%2fapp.py", "%2e%2e/service/app.py", "views/../../service/app.py",
        "/etc/passwd", "%2fetc%2fpasswd", "views", "views/", "parts", "app.js/", "app.js%00", "", "APP.JS",
        "..\\service\\app.py",
    ],
)  # fmt: skip
def test_nothing_else_can_be_reached(client: TestClient, path: str) -> None:
    """A path that is not one of the files is a 404, whatever it means to a file system."""
    response = client.get(f"/page/{path}", follow_redirects=False)
    assert response.status_code == 404
    assert b"import" not in response.content


def test_an_unknown_path_is_a_page_for_browsers_only(client: TestClient) -> None:
    """A browser gets the page with status 404; a client of the API gets a problem, and a wrong method stays a 405."""
    response = client.get("/nosuch/path", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (response.status_code, response.content) == (404, client.get("/").content)
    assert "script-src 'self'" in response.headers["content-security-policy"]
    assert client.get("/nosuch").headers["content-type"] == "application/problem+json"
    assert client.post("/nosuch", headers={"Accept": "text/html"}).status_code == 404
    assert client.get("/v1/rows", headers={"Accept": "text/html"}).status_code == 405
    assert client.get("/page/worker.js").headers["service-worker-allowed"] == "/"


def test_the_page_is_small(client: TestClient) -> None:
    """All files but pictures have at most 200 KB compressed, the icons 40 KB; preloaded files exist."""
    sizes = {path: len(asset.compressed) for path, asset in load_assets().items()}
    assert sum(size for path, size in sizes.items() if not path.endswith(".png")) <= 200_000
    assert sum(size for path, size in sizes.items() if path.endswith(".png")) <= 40_000
    for path in re.findall(r'(?:href|src)="/page/([^"]+)"', (PAGE / "index.html").read_text("utf-8")):
        assert path in load_assets(), path


ORIGINS = (
    "http://www.w3.org",
    *(f"https://www.{site}.com" for site in ("imdb", "justwatch", "youtube")),
    "https://www.themoviedb.org",
)
"""Namespaces, and sites that the page links to."""


def test_data_never_become_markup() -> None:
    """No module parses text as HTML or code, and no file names another origin except namespaces and credits."""
    for path in SCRIPTS:
        text = path.read_text("utf-8")
        matches = re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser", text
        )
        assert not matches, path.name
    for path in [*SCRIPTS, PAGE / "app.css", PAGE / "index.html"]:
        for origin in re.findall(r"https?://[\w.]+", path.read_text("utf-8")):
            assert origin in ORIGINS, (
                path.name,
                origin,
            )


PARSE = """
import { readFileSync } from "node:fs";
import { SourceTextModule } from "node:vm";
const wrong = [];
for (const path of process.argv.slice(1)) {
  try { new SourceTextModule(readFileSync(path, "utf-8")); } catch (error) { wrong.push(`${path}: ${error}`); }
}
console.log(wrong.join("\\n"));
"""


def find_parse_errors(paths: list[Path]) -> str:
    """Return the modules that Node can't parse, and why. One process reads them all."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node isn't here")
    command = [node, "--experimental-vm-modules", "--no-warnings", "--input-type=module", "-e", PARSE, *map(str, paths)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_modules_parse_and_their_imports_exist() -> None:
    """Node parses each module; the files that it imports exist."""
    for path in SCRIPTS:
        for target in re.findall(r"""(?:from|import)\s*\(?["'](\.[^"']+)["']""", path.read_text("utf-8")):
            assert (path.parent / target).is_file(), (path.name, target)
    assert find_parse_errors(SCRIPTS) == ""


def test_a_module_that_does_not_parse_is_found(tmp_path: Path) -> None:
    """An unclosed bracket is named with its module."""
    (tmp_path / "broken.js").write_text("export const open = (;")
    assert re.match(r".*broken\.js: SyntaxError", find_parse_errors([tmp_path / "broken.js", SCRIPTS[0]]))
