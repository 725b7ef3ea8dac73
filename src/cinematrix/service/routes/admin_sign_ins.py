"""Admin routes of users who sign in by name and password: list, invite, remove."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from cinematrix.common.durations import DAY_SECONDS
from cinematrix.data.ids import ID_PATTERN
from cinematrix.service.auth import ADMIN, Caller
from cinematrix.service.problems import Problem
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.schemas import RequestBody
from cinematrix.service.state import State, run_in_writer_thread
from cinematrix.store.sign_ins import invite, list_sign_ins, remove_sign_in

ROUTER = APIRouter(prefix="/v1/admin", route_class=StrictRoute, responses=PROBLEM_RESPONSES)
Admin = Annotated[Caller, ADMIN]
Name = Annotated[str, Path(pattern=ID_PATTERN, description="Name to sign in with: the ID of the user.")]


class InvitationRequest(RequestBody):
    """Lifetime of an invitation in days."""

    days: Annotated[int, Field(ge=1, le=365)] = 7


class NewInvitation(BaseModel):
    """A new invitation, which is shown only once; `expires`: UTC epoch seconds.

    `link`: address on this server that its user opens to choose a password. What follows `#` never reaches the server.
    """

    user: int | str
    invitation: str
    link: str
    expires: int


class SignInEntry(BaseModel):
    """A user who can sign in; times in epoch milliseconds.

    `password`: they have chosen one. `invited_until`: end of an unused invitation. `used`: last use of a session.
    """

    user: int | str
    created: int
    password: bool
    invited_until: int | None
    sessions: int
    used: int | None


class SignInPage(BaseModel):
    """Users in the order of their names. `next`: `after` of the next page; null: there is none."""

    users: list[SignInEntry]
    next: int | str | None


@ROUTER.get("/sign-ins")
def get_sign_ins(
    state: State,
    who: Admin,
    n: Annotated[int, Query(ge=1, le=1000, description="Maximum users of the page.")] = 100,
    after: Annotated[str | None, Query(pattern=ID_PATTERN)] = None,
) -> SignInPage:
    """Return the users who can sign in by name and password."""
    served = state.served
    found = list_sign_ins(state.store, n + 1, after)
    users = [SignInEntry(**each._asdict() | {"user": served.user_id(each.user)}) for each in found[:n]]
    return SignInPage(users=users, next=users[-1].user if len(found) > n else None)


@ROUTER.post("/users/{name}/invitation", status_code=201)
@run_in_writer_thread
def invite_user(name: Name, body: InvitationRequest, state: State, who: Admin) -> NewInvitation:
    """Invite a user to choose a password by a link that works once. A user who has forgotten theirs gets a new one."""
    made = invite(state.store, name, body.days * DAY_SECONDS, who.name)
    return NewInvitation(
        user=state.served.user_id(made.user), invitation=made.secret, link=f"/?view=signin#invitation={made.secret}",
        expires=made.expires // 1000,
    )  # fmt: skip


@ROUTER.delete("/users/{name}/sign-in", status_code=204)
@run_in_writer_thread
def delete_sign_in(name: Name, state: State, who: Admin) -> None:
    """Take password, invitation and sessions from a user. Their history stays."""
    if not remove_sign_in(state.store, name, who.name):
        raise Problem(404, "nobody signs in by this name")
