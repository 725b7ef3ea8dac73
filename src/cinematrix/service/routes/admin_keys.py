"""Admin routes of API keys."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from cinematrix.common.durations import DAY_SECONDS
from cinematrix.service.auth import ADMIN, Caller
from cinematrix.service.problems import Problem
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.schemas import RequestBody
from cinematrix.service.state import State, run_in_writer_thread
from cinematrix.store.keys import NAME_PATTERN, create_key, find_key, list_keys, revoke_key

ROUTER = APIRouter(prefix="/v1/admin", route_class=StrictRoute, responses=PROBLEM_RESPONSES)
Admin = Annotated[Caller, ADMIN]
Role = Literal["read", "write", "admin"]


class KeyRequest(RequestBody):
    """A key to create: its role, its name (a random one if null) and its lifetime in days (null: no end)."""

    role: Role
    name: Annotated[str, Field(pattern=NAME_PATTERN)] | None = None
    days: Annotated[int, Field(ge=1, le=3650)] | None = None


class KeyInfo(BaseModel):
    """A key; `created`, `expires` and `used` (the last use, to the minute) in epoch milliseconds."""

    name: str
    role: Role
    created: int
    expires: int | None
    used: int | None


class NewKey(KeyInfo):
    """A new key, which is shown only once."""

    key: str


class KeyList(BaseModel):
    """All keys, the oldest first."""

    keys: list[KeyInfo]


@ROUTER.get("/keys")
def get_keys(state: State, who: Admin) -> KeyList:
    """Return the keys. The secrets aren't stored."""
    return KeyList(keys=[KeyInfo.model_validate(key, from_attributes=True) for key in list_keys(state.store)])


@ROUTER.post("/keys", status_code=201)
@run_in_writer_thread
def post_key(body: KeyRequest, state: State, who: Admin) -> NewKey:
    """Create a key. It works within a second."""
    lifetime = None if body.days is None else body.days * DAY_SECONDS
    secret = create_key(state.store, body.role, body.name, lifetime, who.name)
    made = find_key(list_keys(state.store), secret)
    assert made is not None
    return NewKey(key=secret, **KeyInfo.model_validate(made, from_attributes=True).model_dump())


@ROUTER.delete("/keys/{name}", status_code=204)
@run_in_writer_thread
def delete_key(name: Annotated[str, Field(pattern=NAME_PATTERN)], state: State, who: Admin) -> None:
    """Revoke a key. Servers refuse it within a second."""
    if not revoke_key(state.store, name, who.name):
        raise Problem(404, "there is no such key")
