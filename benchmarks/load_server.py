"""Servers that `load.py` measures.

    python benchmarks/load_server.py PORT MODEL DB [--keep-nothing] [--workers N]
    python benchmarks/load_server.py PORT --same-as FILE

The first form is the service without rate limits, since one client sends all requests. With `--keep-nothing` lists
aren't cached. The second is an empty FastAPI endpoint on the same HTTP server that answers every request with the
bytes of a file.
"""

import argparse
import asyncio
from pathlib import Path

from fastapi import FastAPI, Response
from granian.constants import Interfaces
from granian.server.embed import Server

from cinematrix.service.startup import share_one_heap

NO_LIMIT = 10**9
"""Requests a minute."""


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("db", nargs="?")
    parser.add_argument("--keep-nothing", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--same-as", type=Path)
    options = parser.parse_args()
    if options.same_as:
        server = Server(
            empty(options.same_as.read_bytes()), address="127.0.0.1", port=options.port, interface=Interfaces.ASGI,
            websockets=False,
        )  # fmt: skip
        asyncio.run(server.serve())
        return
    share_one_heap()  # as `cinematrix serve` does
    from cinematrix.service.list_cache import ListCache
    from cinematrix.service.server import serve
    from cinematrix.service.settings import ServiceSettings

    if options.keep_nothing:
        ListCache.keep = lambda *_: None  # type: ignore[method-assign]
    settings = ServiceSettings(
        options.model, options.db, reads=NO_LIMIT, writes=NO_LIMIT, new_users=NO_LIMIT, port=options.port,
        workers=options.workers,
    )  # fmt: skip
    serve(settings)


def empty(body: bytes) -> FastAPI:
    """Return an app that answers every request with `body`."""
    app = FastAPI()

    @app.get("/{path:path}")
    async def same() -> Response:
        return Response(body, media_type="application/json")

    return app


if __name__ == "__main__":
    main()
