"""The server: one process that listens, with Granian."""

import asyncio
import logging
import signal
import sys
import webbrowser

from granian.constants import Interfaces
from granian.server.embed import Server

from cinematrix.errors import SettingError
from cinematrix.service.app import create_app
from cinematrix.service.settings import LOOPBACK, ServiceSettings
from cinematrix.store.engine import sole_server

OPENS_AFTER = 0.5
"""Seconds until a browser is shown the page: by then the server listens."""


def serve(settings: ServiceSettings, address: str, port: int, *, opens: bool = False) -> None:
    """Answer until SIGTERM or SIGINT; what has begun is finished first. `opens`: show the page in a browser.

    Raises:
        SettingError: `address` or the page is open to others and the store has no keys.
        StoreError: another server has the store.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    with sole_server(settings.db):
        app = create_app(settings)
        if not app.state.doorkeeper.keys():
            if address not in LOOPBACK or settings.public:
                raise SettingError(
                    f"{'a public page' if settings.public else address} is open to others and the store has no key; "
                    "make one with 'cinematrix key create', or serve on 127.0.0.1"
                )
            print("no key: everybody on this machine may read and write, and nobody else", file=sys.stderr)
        server = Server(app, address=address, port=port, interface=Interfaces.ASGI, websockets=False)
        url = f"http://{f'[{address}]' if ':' in address else address}:{port}"
        print(f"answering on {url}; the page for people: {url}/", file=sys.stderr, flush=True)
        asyncio.run(_until_stopped(server, url if opens else None))


async def _until_stopped(server: Server, url: str | None) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    if url is not None:
        loop.call_later(OPENS_AFTER, lambda: loop.run_in_executor(None, webbrowser.open, url))
    await server.serve()
