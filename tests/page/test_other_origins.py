"""Tests that a page of another origin can do nothing to the service through a user's browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Page
from starlette.testclient import TestClient

from chromium import CHROMIUM, MISSING
from cinematrix.data.catalog import Catalog
from cinematrix.data.ratings import Ratings
from cinematrix.lifecycle import versions
from cinematrix.models.artifact import save
from cinematrix.models.bias import Bias
from cinematrix.models.popular import Popular
from cinematrix.service.settings import ServiceSettings
from page_world import run_service
from service_world import check_problem
from waiting import wait_for

FETCH_JS = """async ([url, method, type, body]) => {
    const headers = type === null ? {} : {"content-type": type};
    try {
        const mode = type === "application/json" ? "cors" : "no-cors";
        const answer = await fetch(url, {method, body, headers, mode});
        return [answer.type, answer.status, await answer.text()];
    } catch (error) { return ["error", 0, ""]; }
}"""
"""Script that sends a request: without a preflight (no-cors) unless it is JSON."""

FORM_POST_JS = """([url, type, name, value]) => {
    const frame = Object.assign(document.createElement("iframe"), {name: "sent"});
    const form = Object.assign(document.createElement("form"), {action: url, method: "post", enctype: type});
    const field = Object.assign(document.createElement("input"), {name, value});
    form.target = "sent";
    form.append(field);
    document.body.append(frame, form);
    return new Promise(done => { frame.onload = done; form.submit(); });
}"""


def frame_url(page: Page, name: str) -> str:
    """Return the URL of a frame; empty while the browser moves it to its own process."""
    frame = page.locator(f"iframe[name={name}]").element_handle().content_frame()
    return frame.url if frame else ""


@contextmanager
def serve_empty_pages() -> Iterator[int]:
    """Run a server of empty pages, and yield its port."""

    class Empty(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><body></body>")

        def log_message(self, format: str, *args: Any) -> None:
            """Suppress log lines."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def model_folder(tmp_path: Path, world: tuple[Ratings, Catalog]) -> Path:
    """Folder of a model that can be rolled back."""
    save(Bias().fit(*world), tmp_path / "model")
    versions.promote(tmp_path / "model", versions.save_version(tmp_path / "model", Popular().fit(*world), {}))
    return tmp_path / "model"


@pytest.mark.fault(45)
@pytest.mark.skipif(CHROMIUM is None, reason=MISSING)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["another port", "another name"])
def test_a_page_of_another_origin_does_and_reads_nothing(
    browser: Browser, model_folder: Path, tmp_path: Path, world: tuple[Ratings, Catalog], host: str
) -> None:
    """Its scripts and forms can't write, import or roll back, although no key is required. It can't read a response or
    frame the service."""
    settings = ServiceSettings(model_folder, f"sqlite:///{tmp_path}/store.db", new_users=9, watch_seconds=0.05)
    movie, version = int(world[1].movies.ids[0]), versions.get_serving_version(model_folder)
    rows = f'{{"ratings": [{{"user": "mallory", "movie": {movie}, "rating": 5}}]}}'
    letterboxd = f"movie,rating,timestamp\n{movie},5,1700000000\n"
    with run_service(settings) as url, serve_empty_pages() as port:
        page = browser.new_page()
        page.goto(f"http://{host}:{port}/")
        simple = ("text/plain", "application/x-www-form-urlencoded", None)
        for type_ in simple:
            for path, body in (
                ("/v1/ratings", rows), ("/v1/users/mallory/imports", letterboxd), ("/v1/admin/rollbacks", None),
                ("/v1/admin/refits", "{}"), ("/v1/tokens", '{"user": "mallory"}'),
            ):  # fmt: skip
                assert page.evaluate(FETCH_JS, [url + path, "POST", type_, body])[1:] == [0, ""]
        for method, path in (
            ("POST", "/v1/ratings"), ("PUT", f"/v1/users/mallory/ratings/{movie}"), ("DELETE", "/v1/users/mallory"),
        ):  # fmt: skip
            assert page.evaluate(FETCH_JS, [url + path, method, "application/json", rows]) == ["error", 0, ""]
        page.evaluate(FORM_POST_JS, [f"{url}/v1/admin/rollbacks", "text/plain", "a", "b"])
        assert page.evaluate(FETCH_JS, [f"{url}/v1/model", "GET", None, None])[1:] == [0, ""]
        page.evaluate(
            "url => new Promise(done => document.body.append("
            "Object.assign(document.createElement('iframe'), {src: url, name: 'framed', onload: done})))",
            f"{url}/",
        )
        wait_for(lambda: frame_url(page, "framed").startswith("chrome-error:"))
        assert page.context.cookies() == []
        assert versions.get_serving_version(model_folder) == version
        assert httpx2.get(f"{url}/v1/users/mallory/ratings").status_code == 404
        assert httpx2.post(f"{url}/v1/admin/rollbacks").status_code == 200, "they could have, but for their origin"
        page.context.close()


@pytest.mark.fault(45)
@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        ({}, True), ({"Sec-Fetch-Site": "same-origin"}, True), ({"Sec-Fetch-Site": "none"}, True),
        ({"Origin": "http://testserver"}, True), ({"Origin": "https://testserver"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False), ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, False),
        ({"Origin": "http://testserver:81"}, False), ({"Origin": "https://testserver.example"}, False),
        ({"Origin": "null"}, False), ({"Origin": ""}, False),
    ],
    ids=str,
)  # fmt: skip
def test_writes_are_refused_by_the_browsers_origin_headers(
    client: TestClient, user: int, unseen: int, headers: dict[str, str], accepted: bool
) -> None:
    """Programs and pages of the origin itself may write, also behind a TLS proxy. Reads are never refused."""
    response = client.put(f"/v1/users/{user}/ratings/{unseen}", json={"rating": 3}, headers=headers)
    if accepted:
        assert response.status_code == 201
    else:
        assert "another origin" in check_problem(response, 403)["detail"]
    assert client.get("/readyz", headers=headers).status_code == 200
