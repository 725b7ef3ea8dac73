"""HTTP server: one Granian process that runs the app, or several (`worker_processes`)."""

import asyncio
import errno
import gc
import logging
import os
import resource
import signal
import socket
import sys
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

from cinematrix.common.threads import limit_process_to_one_thread
from cinematrix.errors import SettingError
from cinematrix.service.app import create_app, make_routes
from cinematrix.service.auth import Authenticator
from cinematrix.service.logging import LOG, QueuedLogHandler, write_log
from cinematrix.service.preloading import PreloadedModel, preload_model
from cinematrix.service.settings import LOOPBACK_HOSTS, ServiceSettings
from cinematrix.service.startup import return_free_memory
from cinematrix.service.worker_group import WorkerGroup
from cinematrix.service.worker_processes import WorkerProcesses
from cinematrix.store.engine import hold_server_lock

BROWSER_TIMEOUT_SECONDS = 10.0
"""Maximum seconds to wait for the server to listen before the browser is opened."""

SWITCH_INTERVAL_SECONDS = 0.001
"""Seconds after which a computing thread yields Python's global interpreter lock: a fifth of Python's default."""

SERVER_LOG: dict[str, Any] = {
    "incremental": True,
    "handlers": {},
    "loggers": {"_granian": {"propagate": True}},
}
"""Configuration of Granian's log: its lines are written like all others, by the handler of the process."""


def serve(settings: ServiceSettings, *, opens: bool = False) -> None:
    """Serve until SIGTERM or SIGINT. Requests in flight are finished first, unless a second signal comes.

    Args:
        opens: open the page in a browser.

    Raises:
        SettingError: the address or the page is open to others and the store has no keys, or several workers are wanted
            and the system isn't Linux, or another program listens on the port.
        StoreError: another server uses the store.
    """
    if settings.workers > 1 and sys.platform != "linux":
        raise SettingError(f"--workers is {settings.workers}; several workers need Linux, so give 1")
    _skip_log_caller_lookup()
    _raise_file_limit()
    limit_process_to_one_thread()
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    sys.set_int_max_str_digits(sys.int_info.str_digits_check_threshold)  # parsing longer integers takes long
    url = _make_url(settings.address, settings.port)
    here, page = _list_page_urls(settings)

    def work(
        group: WorkerGroup, ready: Callable[[], None] = lambda: None, preloaded: PreloadedModel | None = None,
        routes: FastAPI | None = None,
    ) -> None:  # fmt: skip
        app = create_app(settings) if group.size == 1 else create_app(settings, group, preloaded, routes)
        dropped = app.state.service.figures.dropped.inc
        log = QueuedLogHandler(sys.stderr.fileno(), dropped, settings.log_lines, partial(group.turn, "log"))
        with write_log(log, settings.log_form, settings.log_level):
            is_first = not group.number and not any(state.ready for state in group.states())
            if is_first:
                _check_open(app.state.authenticator, settings)
                LOG.info("serving on %s; open the page at %s/", url, page)
            ready()
            opened = here if opens and is_first else None
            asyncio.run(_run_until_stopped(make_server(app, settings), settings.shutdown_seconds, opened))
            log.finish(1)

    outer = logging.StreamHandler()  # before a worker's own and after it
    with write_log(outer, settings.log_form, settings.log_level), hold_server_lock(settings.db):
        _check_port_is_free(settings)
        if settings.workers == 1:
            work(WorkerGroup())
            return
        preloaded, routes = _load_what_is_shared(settings)
        with TemporaryDirectory(prefix="cinematrix-workers-") as folder:
            group, each = WorkerGroup(Path(folder), settings.workers), partial(work, preloaded=preloaded, routes=routes)
            WorkerProcesses(group, each, settings.shutdown_seconds).run()


def _check_port_is_free(settings: ServiceSettings) -> None:
    """Check that no other program listens on the port: Granian would share it, so that each got some of the requests.

    Raises:
        SettingError: one does.
    """
    family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.address, settings.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise SettingError(
                    f"port {settings.port} of {settings.address} is used by another program, perhaps another "
                    "'cinematrix serve'; end it, or give another port with --port"
                ) from error


def _make_url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _list_page_urls(settings: ServiceSettings) -> tuple[str, str]:
    """Return the URLs of the page for a browser on this machine and for others.

    An address that stands for all of a machine's addresses is none that a browser can ask.
    """
    if settings.address not in ("0.0.0.0", "::"):
        url = _make_url(settings.address, settings.port)
        return url, url
    named = [host for host in settings.hosts if host not in LOOPBACK_HOSTS]
    here = LOOPBACK_HOSTS[0]
    return _make_url(here, settings.port), _make_url(named[0] if named else here, settings.port)


def _load_what_is_shared(settings: ServiceSettings) -> tuple[PreloadedModel | None, FastAPI]:
    """Load in the main process what the workers share: the model, the routes, and what an app imports.

    It is exempt from garbage collection, which would write to it and so copy it in each worker.
    """
    preloaded = preload_model(settings)
    empty = replace(settings, model=Path("/dev/null/none"), db="sqlite://", posters=None, otel_endpoint="")
    create_app(empty).state.service.store.close()
    routes = make_routes()
    gc.collect()
    gc.freeze()
    return_free_memory()
    return preloaded, routes


def _check_open(authenticator: Authenticator, settings: ServiceSettings) -> None:
    """Check that a store without keys is open to this machine alone, and tell so.

    Raises:
        SettingError: the address or the page is open to others.
    """
    if authenticator.keys():
        return
    if settings.address not in LOOPBACK_HOSTS or settings.public:
        raise SettingError(
            f"{'a public page' if settings.public else settings.address} is open to others and the store has no key; "
            "make one with 'cinematrix key create', or serve on 127.0.0.1"
        )
    LOG.warning("the store has no key: anyone on this machine may read and write, nobody else may")


def make_server(app: FastAPI, settings: ServiceSettings) -> Server:
    """Return the HTTP server of an app; its `serve` is a coroutine."""
    logging.getLogger("_granian").addFilter(_is_for_operators)
    return Server(
        app, address=settings.address, port=settings.port, interface=Interfaces.ASGI, websockets=False,
        log_level=LogLevels(settings.log_level), log_dictconfig=SERVER_LOG,
        http=HTTPModes.http1,  # detecting HTTP/2 would wait for a first byte without a timeout
        backlog=settings.connections, backpressure=settings.connections,
        http1_settings=HTTP1Settings(
            header_read_timeout=round(1000 * settings.header_seconds), max_buffer_size=settings.header_bytes
        ),
    )  # fmt: skip


def _is_for_operators(record: logging.LogRecord) -> bool:
    """Return whether a line of Granian's log isn't its notice at each start that embedding it is experimental."""
    return "Embedded server is experimental" not in record.getMessage()


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
