"""Admin routes of users and of the audit log, page by page."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from cinematrix.data.ids import ID_PATTERN
from cinematrix.service.auth import ADMIN
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.state import State
from cinematrix.store.audit import AuditFilter, list_audit
from cinematrix.store.users import list_users

ROUTER = APIRouter(prefix="/v1/admin", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[ADMIN])

PageSize = Annotated[int, Query(ge=1, le=1000, description="Maximum entries of the page.")]
UserId = Annotated[str | None, Query(pattern=ID_PATTERN)]
Time = Annotated[int | None, Query(ge=0, lt=2**53, description="Epoch milliseconds.")]


class AuditEntry(BaseModel):
    """A line of the audit log; `at` in epoch milliseconds. `user` is a pseudonym once the user is deleted."""

    line: int
    at: int
    who: str
    what: str
    user: int | str | None


class AuditPage(BaseModel):
    """Lines of the audit log, the newest first. `next`: `before` of the next page; null: there is none."""

    lines: list[AuditEntry]
    next: int | None


class UserEntry(BaseModel):
    """A user in the store: counts, and the time of the last rating or event, in epoch milliseconds."""

    user: int | str
    created: int
    active: int | None
    ratings: int
    events: int
    unmatched: int
    tokens: int


class UserPage(BaseModel):
    """Users in the order of their IDs as texts. `next`: `after` of the next page; null: there is none."""

    users: list[UserEntry]
    next: int | str | None


@ROUTER.get("/audit")
def get_audit(
    state: State,
    n: PageSize = 100,
    before: Annotated[int | None, Query(ge=1, lt=2**53, description="Only lines before this one.")] = None,
    user: UserId = None,
    who: Annotated[str | None, Query(max_length=200, description="Who did it, such as `key shop`.")] = None,
    since: Time = None,
    until: Time = None,
) -> AuditPage:
    """Return who did what and when. `user` finds the lines about a user and by them, deleted ones included."""
    served = state.served
    wanted = AuditFilter(None if user is None else served.user(user), who, since, until, before)
    found = list_audit(state.store, wanted, n + 1)
    lines = [
        AuditEntry(**line._asdict() | {"user": None if line.user is None else served.user_id(line.user)})
        for line in found[:n]
    ]
    return AuditPage(lines=lines, next=lines[-1].line if len(found) > n else None)


@ROUTER.get("/users")
def get_users(state: State, n: PageSize = 100, after: UserId = None) -> UserPage:
    """Return the users whom the store has, with counts and their last activity."""
    served = state.served
    found = list_users(state.store, n + 1, None if after is None else served.user(after))
    users = [UserEntry(**each._asdict() | {"user": served.user_id(each.user)}) for each in found[:n]]
    return UserPage(users=users, next=users[-1].user if len(found) > n else None)
