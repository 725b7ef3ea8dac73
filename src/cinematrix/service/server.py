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

from cinematrix.common.threads import limit_process_to_one_thread
from cinematrix.errors import SettingError
from cinematrix.service.app import create_app
from cinematrix.service.logging import QueuedLogHandler
from cinematrix.service.settings import LOOPBACK_HOSTS, ServiceSettings
from cinematrix.service.startup import limit_malloc_arenas
from cinematrix.store.engine import hold_server_lock

BROWSER_TIMEOUT_SECONDS = 10.0
"""Seconds within which the server must listen for a browser to be shown the page."""

MAX_CONNECTIONS = 2_000
"""How many may be open at once; those beyond wait to be accepted."""

HEADER_TIMEOUT_MS = 10_000
"""How long a client may take over a request's headers, and stay silent between two requests."""

MAX_HEADER_BYTES = 65_536

SWITCH_INTERVAL_SECONDS = 0.001
"""Seconds after which a thread that computes leaves Python's lock to the others; usually it is five times as long."""

SHUTDOWN_SECONDS = 10.0
"""How long what has begun may take after a signal to stop."""


def serve(settings: ServiceSettings, address: str, port: int, *, opens: bool = False) -> None:
    """Answer until SIGTERM or SIGINT; what has begun is finished first, unless a second one comes.

    `opens`: show the page in a browser.

    Raises:
        SettingError: `address` or the page is open to others and the store has no keys.
        StoreError: another server has the store.
    """
    _skip_log_caller_lookup()
    limit_malloc_arenas()
    limit_process_to_one_thread()
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    with hold_server_lock(settings.db):
        app = create_app(settings)
        log = QueuedLogHandler(sys.stderr.fileno(), app.state.service.figures.dropped.inc)
        logging.basicConfig(level=logging.INFO, handlers=[log], format="%(message)s")
        if not app.state.authenticator.keys():
            if address not in LOOPBACK_HOSTS or settings.public:
                raise SettingError(
                    f"{'a public page' if settings.public else address} is open to others and the store has no key; "
                    "make one with 'cinematrix key create', or serve on 127.0.0.1"
                )
            print("no key: everybody on this machine may read and write, and nobody else", file=sys.stderr)
        server = Server(
            app, address=address, port=port, interface=Interfaces.ASGI, websockets=False, log_enabled=False,
            http=HTTPModes.http1,  # to tell HTTP/2 apart it would wait for a first byte, for ever
            backlog=MAX_CONNECTIONS, backpressure=MAX_CONNECTIONS,
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS, max_buffer_size=MAX_HEADER_BYTES),
        )  # fmt: skip
        url = f"http://{f'[{address}]' if ':' in address else address}:{port}"
        print(f"answering on {url}; the page for people: {url}/", file=sys.stderr, flush=True)
        asyncio.run(_run_until_stopped(server, url if opens else None))
        log.finish(1)


def _skip_log_caller_lookup() -> None:
    """Don't look up for each line which code of which thread and task wrote it: no line of ours says so."""
    logging._srcfile = None  # as the documentation of logging advises
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


async def _run_until_stopped(server: Server, url: str | None) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _shut_down, server, number)
    showing = asyncio.create_task(open_browser_when_ready(url)) if url else None
    await server.serve()
    if showing:
        showing.cancel()


async def open_browser_when_ready(url: str) -> None:
    """Show the page in a browser as soon as something listens there; not at all, if nothing does in time."""
    at = urlsplit(url)
    with suppress(TimeoutError):
        async with asyncio.timeout(BROWSER_TIMEOUT_SECONDS):
            while not await _is_listening(at.hostname, at.port):
                await asyncio.sleep(0.05)
        await asyncio.to_thread(webbrowser.open, url)


async def _is_listening(host: str | None, port: int | None) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def _shut_down(server: Server, number: int) -> None:
    """Finish what has begun, and take no more; at a second signal, or when it takes too long, end at once."""
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, os._exit, 128 + number)
    loop.call_later(SHUTDOWN_SECONDS, os._exit, 1)
    server.stop()  # type: ignore[no-untyped-call]
