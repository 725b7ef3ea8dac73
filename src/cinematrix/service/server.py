"""The server: one process that listens, with Granian."""

import asyncio
import logging
import signal
import sys

from granian.constants import Interfaces
from granian.server.embed import Server

from cinematrix.errors import SettingError
from cinematrix.service.app import create_app
from cinematrix.service.settings import LOOPBACK, ServiceSettings
from cinematrix.store.engine import sole_server


def serve(settings: ServiceSettings, address: str, port: int) -> None:
    """Answer until SIGTERM or SIGINT; what has begun is finished first.

    Raises:
        SettingError: `address` is open to others and the store has no keys.
        StoreError: another server has the store.
    """
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    with sole_server(settings.db):
        app = create_app(settings)
        if not app.state.doorkeeper.keys():
            if address not in LOOPBACK:
                raise SettingError(
                    f"{address} is open to others and the store has no key; "
                    "make one with 'cinematrix key create', or serve on 127.0.0.1"
                )
            print("no key: everybody on this machine may read and write, and nobody else", file=sys.stderr)
        server = Server(app, address=address, port=port, interface=Interfaces.ASGI, websockets=False)
        print(f"answering on http://{address}:{port}", file=sys.stderr, flush=True)
        asyncio.run(_until_stopped(server))


async def _until_stopped(server: Server) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    await server.serve()
