"""HTTP server: one Granian process that runs the app."""

import asyncio
import logging
import os
import resource
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
"""Maximum seconds to wait for the server to listen before the browser is opened."""

SWITCH_INTERVAL_SECONDS = 0.001
"""Seconds after which a computing thread yields Python's global interpreter lock: a fifth of Python's default."""


def serve(settings: ServiceSettings, *, opens: bool = False) -> None:
    """Serve until SIGTERM or SIGINT. Requests in flight are finished first, unless a second signal comes.

    Args:
        opens: open the page in a browser.

    Raises:
        SettingError: the address or the page is open to others and the store has no keys.
        StoreError: another server uses the store.
    """
    _skip_log_caller_lookup()
    _raise_file_limit()
    limit_malloc_arenas()
    limit_process_to_one_thread()
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    sys.set_int_max_str_digits(sys.int_info.str_digits_check_threshold)  # parsing longer integers takes long
    address, port = settings.address, settings.port
    with hold_server_lock(settings.db):
        app = create_app(settings)
        log = QueuedLogHandler(sys.stderr.fileno(), app.state.service.figures.dropped.inc, settings.log_lines)
        logging.basicConfig(level=settings.log_level.upper(), handlers=[log], format="%(message)s")
        if not app.state.authenticator.keys():
            if address not in LOOPBACK_HOSTS or settings.public:
                raise SettingError(
                    f"{'a public page' if settings.public else address} is open to others and the store has no key; "
                    "make one with 'cinematrix key create', or serve on 127.0.0.1"
                )
            print("the store has no key: anyone on this machine may read and write, nobody else may", file=sys.stderr)
        server = Server(
            app, address=address, port=port, interface=Interfaces.ASGI, websockets=False, log_enabled=False,
            http=HTTPModes.http1,  # detecting HTTP/2 would wait for a first byte without a timeout
            backlog=settings.connections, backpressure=settings.connections,
            http1_settings=HTTP1Settings(
                header_read_timeout=round(1000 * settings.header_seconds), max_buffer_size=settings.header_bytes
            ),
        )  # fmt: skip
        url = f"http://{f'[{address}]' if ':' in address else address}:{port}"
        print(f"serving on {url}; open the page at {url}/", file=sys.stderr, flush=True)
        asyncio.run(_run_until_stopped(server, settings.shutdown_seconds, url if opens else None))
        log.finish(1)


def _skip_log_caller_lookup() -> None:
    """Turn off logging's lookup of caller, thread and process for each line, which no line contains."""
    logging._srcfile = None  # as the documentation of logging advises
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def _raise_file_limit() -> None:
    """Allow the process as many open files as the system lets it, one for each connection."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _run_until_stopped(server: Server, seconds: float, url: str | None) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _shut_down, server, number, seconds)
    opening = asyncio.create_task(open_browser_when_ready(url)) if url else None
    await server.serve()
    if opening:
        opening.cancel()


async def open_browser_when_ready(url: str) -> None:
    """Open the page in a browser once the server listens, unless that takes longer than `BROWSER_TIMEOUT_SECONDS`."""
    parts = urlsplit(url)
    with suppress(TimeoutError):
        async with asyncio.timeout(BROWSER_TIMEOUT_SECONDS):
            while not await _is_listening(parts.hostname, parts.port):
                await asyncio.sleep(0.05)
        await asyncio.to_thread(webbrowser.open, url)


async def _is_listening(host: str | None, port: int | None) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def _shut_down(server: Server, number: int, seconds: float) -> None:
    """Shut down gracefully. A second signal, or so many seconds, end the process at once."""
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, os._exit, 128 + number)
    loop.call_later(seconds, os._exit, 1)
    server.stop()  # type: ignore[no-untyped-call]
