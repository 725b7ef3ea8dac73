"""What a page of another origin can do to the service by the browser of somebody who may do everything: nothing."""

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

ASKS = """async ([url, method, type, body]) => {
    const headers = type === null ? {} : {"content-type": type};
    try {
        const mode = type === "application/json" ? "cors" : "no-cors";
        const answer = await fetch(url, {method, body, headers, mode});
        return [answer.type, answer.status, await answer.text()];
    } catch (error) { return ["error", 0, ""]; }
}"""
"""What a script may send without the server's leave (no-cors), and what it would have to ask for."""

POSTS = """([url, type, name, value]) => {
    const frame = Object.assign(document.createElement("iframe"), {name: "sent"});
    const form = Object.assign(document.createElement("form"), {action: url, method: "post", enctype: type});
    const field = Object.assign(document.createElement("input"), {name, value});
    form.target = "sent";
    form.append(field);
    document.body.append(frame, form);
    return new Promise(done => { frame.onload = done; form.submit(); });
}"""


def url_in(page: Page, name: str) -> str:
    """What a frame shows; nothing while the browser moves it to a process of its own."""
    frame = page.locator(f"iframe[name={name}]").element_handle().content_frame()
    return frame.url if frame else ""


@contextmanager
def elsewhere() -> Iterator[int]:
    """A server of empty pages; its port."""

    class Empty(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><body></body>")

        def log_message(self, format: str, *args: Any) -> None:
            """Not on the screen."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def place(tmp_path: Path, world: tuple[Ratings, Catalog]) -> Path:
    """A model that can be rolled back."""
    save(Bias().fit(*world), tmp_path / "model")
    versions.promote(tmp_path / "model", versions.save_version(tmp_path / "model", Popular().fit(*world), {}))
    return tmp_path / "model"


@pytest.mark.fault(45)
@pytest.mark.skipif(CHROMIUM is None, reason=MISSING)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["another port", "another name"])
def test_a_page_of_another_origin_does_and_reads_nothing(
    browser: Browser, place: Path, tmp_path: Path, world: tuple[Ratings, Catalog], host: str
) -> None:
    """Its scripts and forms come to no write, no import and no rollback, though nobody here needs a key; it reads no
    answer; and the service shows in none of its frames."""
    settings = ServiceSettings(place, f"sqlite:///{tmp_path}/store.db", new_users=9, watch_seconds=0.05)
    movie, version = int(world[1].movies.ids[0]), versions.get_serving_version(place)
    rows = f'{{"ratings": [{{"user": "mallory", "movie": {movie}, "rating": 5}}]}}'
    letterboxd = f"movie,rating,timestamp\n{movie},5,1700000000\n"
    with run_service(settings) as url, elsewhere() as port:
        page = browser.new_page()
        page.goto(f"http://{host}:{port}/")
        simple = ("text/plain", "application/x-www-form-urlencoded", None)
        for type_ in simple:
            for path, body in (
                ("/v1/ratings", rows), ("/v1/users/mallory/imports", letterboxd), ("/v1/admin/rollbacks", None),
                ("/v1/admin/refits", "{}"), ("/v1/tokens", '{"user": "mallory"}'),
            ):  # fmt: skip
                assert page.evaluate(ASKS, [url + path, "POST", type_, body])[1:] == [0, ""]
        for method, path in (
            ("POST", "/v1/ratings"), ("PUT", f"/v1/users/mallory/ratings/{movie}"), ("DELETE", "/v1/users/mallory"),
        ):  # fmt: skip
            assert page.evaluate(ASKS, [url + path, method, "application/json", rows]) == ["error", 0, ""]
        page.evaluate(POSTS, [f"{url}/v1/admin/rollbacks", "text/plain", "a", "b"])
        assert page.evaluate(ASKS, [f"{url}/v1/model", "GET", None, None])[1:] == [0, ""]
        page.evaluate(
            "url => new Promise(done => document.body.append("
            "Object.assign(document.createElement('iframe'), {src: url, name: 'framed', onload: done})))",
            f"{url}/",
        )
        wait_for(lambda: url_in(page, "framed").startswith("chrome-error:"))
        assert page.context.cookies() == []
        assert versions.get_serving_version(place) == version
        assert httpx2.get(f"{url}/v1/users/mallory/ratings").status_code == 404
        assert httpx2.post(f"{url}/v1/admin/rollbacks").status_code == 200, "they could have, but for their origin"
        page.context.close()


@pytest.mark.fault(45)
@pytest.mark.parametrize(
    ("headers", "done"),
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
def test_who_sends_a_write_is_told_by_the_browser(
    client: TestClient, user: int, unseen: int, headers: dict[str, str], done: bool
) -> None:
    """Programs, and pages of the origin itself, whatever proxy speaks TLS for it; reads are never refused by this."""
    answer = client.put(f"/v1/users/{user}/ratings/{unseen}", json={"rating": 3}, headers=headers)
    if done:
        assert answer.status_code == 201
    else:
        assert "another origin" in check_problem(answer, 403)["detail"]
    assert client.get("/readyz", headers=headers).status_code == 200
