"""The server: one process that listens, with Granian."""

import asyncio
import logging
import os
import signal
import sys
import webbrowser
from contextlib import suppress
from urllib.parse import urlsplit

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from cinematrix.common.threads import take_one_thread
from cinematrix.errors import SettingError
from cinematrix.service.app import create_app
from cinematrix.service.logging import QueuedLog
from cinematrix.service.settings import LOOPBACK, ServiceSettings
from cinematrix.service.startup import share_heaps
from cinematrix.store.engine import sole_server

OPENS_WITHIN = 10.0
"""Seconds within which the server must listen for a browser to be shown the page."""

CONNECTIONS = 2_000
"""How many may be open at once; those beyond wait to be accepted."""

HEADER_MS = 10_000
"""How long a client may take over a request's headers, and stay silent between two requests."""

HEADER_BYTES = 65_536

TURN = 0.001
"""Seconds after which a thread that computes leaves Python's lock to the others; usually it is five times as long."""

STOP_SECONDS = 10.0
"""How long what has begun may take after a signal to stop."""


def serve(settings: ServiceSettings, address: str, port: int, *, opens: bool = False) -> None:
    """Answer until SIGTERM or SIGINT; what has begun is finished first, unless a second one comes.

    `opens`: show the page in a browser.

    Raises:
        SettingError: `address` or the page is open to others and the store has no keys.
        StoreError: another server has the store.
    """
    _log_quickly()
    share_heaps()
    take_one_thread()
    sys.setswitchinterval(TURN)
    with sole_server(settings.db):
        app = create_app(settings)
        log = QueuedLog(sys.stderr.fileno(), app.state.service.figures.dropped.inc)
        logging.basicConfig(level=logging.INFO, handlers=[log], format="%(message)s")
        if not app.state.doorkeeper.keys():
            if address not in LOOPBACK or settings.public:
                raise SettingError(
                    f"{'a public page' if settings.public else address} is open to others and the store has no key; "
                    "make one with 'cinematrix key create', or serve on 127.0.0.1"
                )
            print("no key: everybody on this machine may read and write, and nobody else", file=sys.stderr)
        server = Server(
            app, address=address, port=port, interface=Interfaces.ASGI, websockets=False, log_enabled=False,
            http=HTTPModes.http1,  # to tell HTTP/2 apart it would wait for a first byte, for ever
            backlog=CONNECTIONS, backpressure=CONNECTIONS,
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_MS, max_buffer_size=HEADER_BYTES),
        )  # fmt: skip
        url = f"http://{f'[{address}]' if ':' in address else address}:{port}"
        print(f"answering on {url}; the page for people: {url}/", file=sys.stderr, flush=True)
        asyncio.run(_until_stopped(server, url if opens else None))
        log.finish(1)


def _log_quickly() -> None:
    """Don't look up for each line which code of which thread and task wrote it: no line of ours says so."""
    logging._srcfile = None  # as the documentation of logging advises
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


async def _until_stopped(server: Server, url: str | None) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, server, number)
    showing = asyncio.create_task(show_once_it_listens(url)) if url else None
    await server.serve()
    if showing:
        showing.cancel()


async def show_once_it_listens(url: str) -> None:
    """Show the page in a browser as soon as something listens there; not at all, if nothing does in time."""
    at = urlsplit(url)
    with suppress(TimeoutError):
        async with asyncio.timeout(OPENS_WITHIN):
            while not await _listens(at.hostname, at.port):
                await asyncio.sleep(0.05)
        await asyncio.to_thread(webbrowser.open, url)


async def _listens(host: str | None, port: int | None) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def _stop(server: Server, number: int) -> None:
    """Finish what has begun, and take no more; at a second signal, or when it takes too long, end at once."""
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, os._exit, 128 + number)
    loop.call_later(STOP_SECONDS, os._exit, 1)
    server.stop()  # type: ignore[no-untyped-call]
