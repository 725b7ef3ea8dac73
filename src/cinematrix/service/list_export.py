"""Export of the lists of all users: computed block by block in one background thread, between other requests."""

import hashlib
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from anyio import open_file
from anyio.to_thread import run_sync
from pydantic_core import to_json

from cinematrix.data.histories import join_histories
from cinematrix.recommendation.lists import recommend_each
from cinematrix.service.published import list_filters
from cinematrix.service.schemas import ListRequest
from cinematrix.service.served_model import ServedModel
from cinematrix.service.state import ServiceState
from cinematrix.store.records import UserRecords
from cinematrix.store.refits import find_forgotten_users
from cinematrix.store.user_ids import list_user_ids, read_store_revision

BLOCK_USERS = 16
"""Users whose lists are computed together, which other requests wait for at most."""

YIELD_SECONDS = 1.0
"""Maximum seconds that a block waits for other requests, so that a busy server has its export too."""

CHUNK_BYTES = 1 << 18
"""Bytes of a file sent at a time."""


class UserList(NamedTuple):
    """The list of one user; items have the members movie, score, stars, low and high."""

    user: int | str
    model_version: str
    items: list[dict[str, Any]]


class ListExport:
    """The lists of all users, of the training data and of the store, by the models that serve now."""

    def __init__(self, state: ServiceState, wanted: ListRequest) -> None:
        self._state, self._wanted = state, wanted
        self._served, self._candidate = state.served, state.candidate

    def tag(self) -> str:
        """Return the ETag: equal if neither models, nor the store's users, nor the options have changed."""
        candidate = self._candidate and (self._candidate.version, self._state.settings.candidate_share)
        parts: tuple[Any, ...] = (
            self._served.version,
            candidate,
            read_store_revision(self._state.store),
            self._wanted.model_dump(),
        )
        parts += (self._state.facts.revision,) if self._wanted.facts.has_conditions else ()
        return f'"{hashlib.sha256(repr(parts).encode()).hexdigest()[:32]}"'

    async def json_lines(self) -> AsyncIterator[bytes]:
        """Yield a line of JSON for each user."""
        async for block in self._blocks(await self._list_user_ids()):
            yield b"".join(to_json(each._asdict()) + b"\n" for each in block)

    async def parquet(self) -> AsyncIterator[bytes]:
        """Yield a Parquet file with the columns user, rank, movie, score, stars, low, high and model_version.

        All users are text as soon as one is.
        """
        users = await self._list_user_ids()
        schema = self._schema(users)
        with tempfile.TemporaryDirectory() as folder:
            parts: list[Path] = []
            file = Path(folder, "lists.parquet")
            async for block in self._blocks(users):
                parts.append(Path(folder, f"{len(parts)}.parquet"))
                await run_sync(_frame(block, schema).write_parquet, parts[-1], limiter=self._state.export_thread)
            whole = pl.scan_parquet(parts) if parts else _frame([], schema).lazy()
            await run_sync(whole.sink_parquet, file, limiter=self._state.export_thread)
            async with await open_file(file, "rb") as content:
                while chunk := await content.read(CHUNK_BYTES):
                    yield chunk

    def _schema(self, users: Sequence[str]) -> dict[str, Any]:
        """Return the types of the columns of Parquet."""
        is_text = any(isinstance(self._served.user_id(user), str) for user in users)
        movie = pl.String if self._served.model.data.movies.ids.dtype.kind in "UOT" else pl.Int64
        schema: dict[str, Any] = {"user": pl.String if is_text else pl.Int64, "rank": pl.Int32, "movie": movie}
        return schema | dict.fromkeys(("score", "stars", "low", "high"), pl.Float32) | {"model_version": pl.String}

    async def _blocks(self, users: Sequence[str]) -> AsyncIterator[list[UserList]]:
        for start in range(0, len(users), BLOCK_USERS):
            yield await run_sync(self._make, users[start : start + BLOCK_USERS], limiter=self._state.export_thread)

    async def _list_user_ids(self) -> list[str]:
        """Return the users with a history or records, without deleted ones."""
        return await run_sync(self._find_user_ids, limiter=self._state.export_thread)

    def _find_user_ids(self) -> list[str]:
        store, trained = self._state.store, list(map(str, self._served.model.data.users.ids.tolist()))
        gone = find_forgotten_users(store, trained)
        return list(dict.fromkeys([*(user for user in trained if user not in gone), *list_user_ids(store)]))

    def _make(self, users: Sequence[str]) -> list[UserList]:
        """Return the lists of some users, once no other request computes or writes, or after a while."""
        self._state.foreground.idle.wait(YIELD_SECONDS)
        people = self._state.store.people(users)
        people = [person for person in people if person.known or not person.forgotten]
        by_model: dict[ServedModel, list[UserRecords]] = {}
        for person in people:
            by_model.setdefault(self._state.served_for(person.user), []).append(person)
        return [each for served, group in by_model.items() for each in self._make_group(served, group)]

    def _make_group(self, served: ServedModel, people: Sequence[UserRecords]) -> Iterator[UserList]:
        wanted = self._wanted
        histories = join_histories([served.history(person) for person in people])
        filters = [list_filters(self._state, served, wanted, served.hidden(person)) for person in people]
        lists = recommend_each(served.model, histories, wanted.n, by=wanted.by, filters=filters, dials=wanted.dials)
        names = ("movie", "score", "stars", "low", "high")
        for person, made in zip(people, lists, strict=True):
            items = [{name: getattr(item, name) for name in names} for item in made]
            yield UserList(served.user_id(person.user), served.version, items)


def _frame(block: Sequence[UserList], schema: dict[str, Any]) -> pl.DataFrame:
    """Return the table of a block."""
    convert = str if schema["user"] == pl.String else int
    rows = [
        {"user": convert(each.user), "rank": rank, "model_version": each.model_version, **item}
        for each in block
        for rank, item in enumerate(each.items, 1)
    ]
    return pl.DataFrame(rows, schema)
