"""Measure what the record of impressions costs a list: processor time of a kept and of a fresh list, with and without.

    python benchmarks/impressions.py --model DIR [--rounds 5]

The app runs in this process and is called without a socket, so its time isn't that of a load generator. Rounds with and
without impressions alternate; the least of each counts. The time to store them is that of the task that does so once a
minute, for each list. Writes its table into benchmarks/RESULTS.md.
"""

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

from fastapi import FastAPI
from starlette.types import Message

from cinematrix.service.app import create_app
from cinematrix.service.list_cache import ListCache
from cinematrix.service.settings import ServiceSettings
from results import markdown, put

USERS, KEPT = 50, 20
"""Users whose lists are requested, and requests for each kept list."""

NO_LIMIT = 10**9


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        apps = {
            most: create_app(
                ServiceSettings(options.model, f"sqlite:///{scratch}/{most}.db", reads=NO_LIMIT, impressions=most)
            )
            for most in (20_000, 0)
        }
        asyncio.run(measure(apps, options.rounds))


async def measure(apps: dict[int, FastAPI], rounds: int) -> None:
    """Request lists of both apps in turn."""
    found: dict[tuple[str, int], list[float]] = {}
    for _ in range(rounds):
        for most, app in apps.items():
            state = app.state.service
            object.__setattr__(state.served, "lists", ListCache(state.served.cache_bytes))
            users = state.served.model.data.users.ids[:USERS].tolist()
            for what, times in (("fresh", 1), ("kept", KEPT)):
                found.setdefault((what, most), []).append(await cost(app, users * times))
            begun = time.process_time()
            state.impressions.save()
            found.setdefault(("stored", most), []).append(1000 * (time.process_time() - begun) / USERS)
    least = {key: min(costs) for key, costs in found.items()}
    rows = [
        [f"a {what} list", f"{least[what, 20_000]:.3f} ms", f"{least[what, 0]:.3f} ms"] for what in ("kept", "fresh")
    ]
    rows.append(["storing the movies of a user's lists, once a minute", f"{least['stored', 20_000]:.3f} ms", "none"])
    head = ["processor time", "with impressions", "without"]
    put([f"## The cost of impressions\n\n{markdown(head, rows)}", f"Least of {rounds} rounds of {USERS} users."])


async def cost(app: FastAPI, users: list[object]) -> float:
    """Request a list of each user; return the processor ms of each."""
    begun = time.process_time()
    for user in users:
        assert await get(app, f"/v1/users/{user}/recommendations") == 200
    return 1000 * (time.process_time() - begun) / len(users)


async def get(app: FastAPI, path: str) -> int:
    """Call the app with a request; return the status of its answer."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    return statuses[0]


if __name__ == "__main__":
    main()
