"""The system's Firefox, driven by its own protocol, Marionette: JSON over a local socket.

Playwright drives only versions newer than Debian's ESR, and WebDriver needs a driver that Debian lacks.
"""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from serving import free_port
from waiting import wait_for

FIREFOX = next((path for name in ("firefox-esr", "firefox") if (path := shutil.which(name))), None)
MISSING = "Firefox ISN'T TESTED HERE: run `make browser`, or install the package firefox-esr"

PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.region.network.url": "",
    "browser.safebrowsing.downloads.remote.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.getAddons.cache.enabled": False,
    "intl.accept_languages": "en",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "network.proxy.type": 1,
    "services.settings.server": "data:,",
    "ui.prefersReducedMotion": 1,
}
"""Preferences of a browser that asks nobody for anything: other machines are behind a proxy that isn't there."""

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""Key of an element's ID in the protocol."""

FIND_JS = """const [css, text] = arguments;
return [...document.querySelectorAll(css)].find((each) => (each.checkVisibility() || each.type === "file")
  && (each.ariaLabel ?? each.textContent).includes(text)) ?? null;"""
"""Script that returns the first visible element of a selector whose label or text has some words."""


class Firefox:
    """One window. All methods wait until they can do what they say."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._number = connection, 0
        self._read()
        self.version: str = self._send("WebDriver:NewSession", {})["capabilities"]["browserVersion"]
        self._send("WebDriver:SetWindowRect", {"width": 1280, "height": 900})

    def _read(self) -> Any:
        length = b""
        while (character := self._connection.recv(1)) not in (b":", b""):
            length += character
        content = b""
        while len(content) < int(length):
            content += self._connection.recv(int(length) - len(content))
        return json.loads(content)

    def _send(self, command: str, parameters: dict[str, Any]) -> Any:
        self._number += 1
        message = json.dumps([0, self._number, command, parameters]).encode()
        self._connection.sendall(f"{len(message)}:".encode() + message)
        _, _, error, result = self._read()
        assert error is None, f"{command}: {error['error']}: {error['message']}"
        return result

    def open(self, address: str) -> None:
        """Open an address and wait until the page is loaded."""
        self._send("WebDriver:Navigate", {"url": address})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run the body of a function in the page, and return its value."""
        return self._send("WebDriver:ExecuteScript", {"script": script, "args": list(arguments)})["value"]

    def find(self, css: str, text: str = "") -> dict[str, str]:
        """Return the first visible element of a selector whose label or text has these words."""
        found: list[dict[str, str]] = []
        try:
            wait_for(lambda: (each := self.run(FIND_JS, css, text)) and not found.append(each), 20)
        except AssertionError as error:
            shown = self.run("return location.href + '\\n' + document.body.innerText.slice(0, 2000)")
            raise AssertionError(f"no {css} with {text!r} is visible in {shown}") from error
        return found[0]

    def click(self, css: str, text: str = "") -> None:
        """Click an element in its middle, where nothing may cover it."""
        self._send("WebDriver:ElementClick", {"id": self.find(css, text)[ELEMENT]})

    def type(self, css: str, words: str, text: str = "") -> None:
        """Type words into a field, or choose a file by its path."""
        self._send("WebDriver:ElementSendKeys", {"id": self.find(css, text)[ELEMENT], "text": words})

    def wait(self, script: str, *arguments: Any) -> None:
        """Wait until a script returns something true."""
        wait_for(lambda: self.run(script, *arguments), 20)


@contextmanager
def launch_firefox(folder: Path) -> Iterator[Firefox]:
    """Run a headless Firefox with a new profile in a folder for the duration of the block."""
    assert FIREFOX is not None
    port, profile = free_port(), folder / "firefox"
    profile.mkdir()
    preferences = PREFERENCES | {"marionette.port": port}
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in preferences.items()]
    (profile / "user.js").write_text("\n".join(lines))
    command = [FIREFOX, "--headless", "--no-remote", "--marionette", "--profile", str(profile)]
    with (folder / "firefox.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"HOME": str(folder)})
    connections: list[socket.socket] = []
    try:
        wait_for(lambda: _connect(port, connections.append), 40)
        connections[0].settimeout(40)
        yield Firefox(connections[0])
    finally:
        for each in connections:
            each.close()
        process.terminate()
        process.wait(20)


def _connect(port: int, keep: Callable[[socket.socket], object]) -> bool:
    try:
        keep(socket.create_connection(("127.0.0.1", port), 1))
    except OSError:
        return False
    return True
