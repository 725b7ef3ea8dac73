"""Requests with an Idempotency-Key: repeated within a day, they get the same response and change nothing."""

import hashlib
from collections.abc import Callable
from typing import Annotated, NamedTuple, TypeVar

from fastapi import Header
from pydantic import BaseModel
from sqlalchemy import Connection

from cinematrix.service.problems import Problem
from cinematrix.store.records import Store

IdempotencyKey = Annotated[str | None, Header(pattern=r"^[\x21-\x7e]{1,200}$")]


Answer = TypeVar("Answer", bound=BaseModel)


class KeyedRequest(NamedTuple):
    """A request, the key that its sender gave it, if any, and what the sender is called."""

    sender: str
    key: str | None
    body: BaseModel

    def answer_once(
        self, store: Store, connection: Connection, kind: type[Answer], work: Callable[[], tuple[Answer, set[str]]]
    ) -> Answer:
        """Return the earlier response to this request, or else do the work in the caller's transaction.

        `work` returns the response and the users whom it is about.

        Raises:
            Problem: 409, the key was used for another request.
        """
        key = f"{self.sender} {self.key}"
        digest = hashlib.sha256(self.body.model_dump_json().encode()).digest()
        if self.key and (earlier := store.answered(connection, key)):
            if earlier[0] != digest:
                raise Problem(409, "this Idempotency-Key was used for another request; use a new one")
            return kind.model_validate_json(earlier[1])
        answer, users = work()
        if self.key:
            store.remember(connection, key, digest, answer.model_dump_json(), users)
        return answer
