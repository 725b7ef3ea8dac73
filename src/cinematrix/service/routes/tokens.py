"""Routes of users' tokens and of the caller's own permissions."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from cinematrix.service import schemas
from cinematrix.service.auth import PAGE, WRITE, Caller
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.schemas import TextId
from cinematrix.service.state import State
from cinematrix.service.users import require_user, require_writable_user
from cinematrix.store.tokens import create_token, revoke_tokens

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES)


class NewToken(schemas.RequestBody):
    """User of a token, and its lifetime in days."""

    user: schemas.Id
    days: Annotated[int, Field(ge=1, le=365)] = 30


class Token(BaseModel):
    """A new token, which is shown only once; `expires`: UTC epoch seconds."""

    token: str
    user: int | str
    expires: int


class Me(BaseModel):
    """The caller's role and user; `open`: the store has no keys, so every caller is an admin."""

    role: Literal["page", "user", "read", "write", "admin"]
    user: int | str | None
    open: bool


@ROUTER.post("/tokens", status_code=201)
def issue_token(body: NewToken, state: State, who: Annotated[Caller, WRITE]) -> Token:
    """Create a token for a user's browser, to be sent as `Authorization: Bearer …`.

    It grants access to the user's own data and to routes that need no more than the page.
    """
    served = state.served
    with state.store.write_transaction() as connection:
        user = require_writable_user(state, served, connection, body.user)
    secret, expires = create_token(state.store, user, body.days, who.name)
    return Token(token=secret, user=served.user_id(user), expires=expires // 1000)


@ROUTER.delete("/users/{user}/tokens", status_code=204)
def delete_tokens(user: TextId, state: State, who: Annotated[Caller, WRITE]) -> None:
    """Revoke all tokens of a user, for example after a browser is lost."""
    revoke_tokens(state.store, require_user(state, state.served, user).user, who.name)


@ROUTER.get("/me")
def get_me(request: Request, state: State, who: Annotated[Caller, PAGE]) -> Me:
    """Return the caller's role and user."""
    user = None if who.user is None else state.served.user_id(who.user)
    return Me(role=who.role, user=user, open=request.app.state.authenticator.open)
