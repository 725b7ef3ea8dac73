"""Routes of signing in by name and password, of invitations, and of the session in the browser's cookie."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, NoReturn, TypeVar

from anyio.to_thread import run_sync
from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, StringConstraints
from sqlalchemy import Connection

from cinematrix.service import schemas
from cinematrix.service.auth import VISIT, Authenticator
from cinematrix.service.passwords import MAX_LENGTH, check_password
from cinematrix.service.peers import read_peer
from cinematrix.service.problems import Problem
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.session_cookies import (
    came_over_https,
    delete_session_cookies,
    read_session_cookie,
    send_session_cookie,
)
from cinematrix.service.state import ServiceState, State
from cinematrix.store.sign_ins import (
    accept_invitation,
    change_password,
    credentials_of,
    end_session,
    end_sessions,
    find_credentials,
    find_invitation,
    fold_name,
    has_sign_ins,
    note_refusal,
    start_session,
    start_session_if,
)

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES, dependencies=[VISIT])

Written = TypeVar("Written")
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Password = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LENGTH)]
InvitationHeader = Annotated[str, Header(alias="X-Invitation", max_length=100, description="Secret of a link.")]


class SignInRequest(schemas.RequestBody):
    """A name, in upper or lower case, and its password."""

    name: Name
    password: Password


class NewPassword(schemas.RequestBody):
    """A password to set: 8 to 256 characters, and not the name."""

    password: Password


class PasswordChange(NewPassword):
    """The password that is valid now (`current`), and the new one."""

    current: Password


class SessionInfo(BaseModel):
    """The user who has signed in with this browser, or null. `offered`: anybody can sign in here at all."""

    user: int | str | None
    offered: bool


class InvitationInfo(BaseModel):
    """The user whom an invitation is for."""

    user: int | str


@ROUTER.get("/session")
def get_session(request: Request, response: Response, state: State) -> SessionInfo:
    """Return who has signed in with this browser, whose cookie lasts longer then."""
    cookie, user = read_session_cookie(request.scope), None
    if cookie is not None:
        user = _authenticator(request).find_user(cookie.secret)
        if user is None:
            delete_session_cookies(response)
        else:
            send_session_cookie(response, cookie.secret, secure=cookie.secure)
    return _describe(state, user, offered=user is not None or has_sign_ins(state.store))


@ROUTER.post("/session", status_code=201)
async def sign_in(body: SignInRequest, request: Request, response: Response, state: State) -> SessionInfo:
    """Sign in: start a session and set its cookie. An unknown name is answered like a wrong password."""
    _limit_tries(request, state, read_peer(request.scope), f"name {fold_name(body.name)}")
    found = await run_sync(find_credentials, state.store, body.name)
    is_right = await _verify(state, found.password if found else None, body.password)

    def write(connection: Connection) -> str | None:
        secret = start_session_if(connection, found, _authenticator(request).idle_ms) if found and is_right else None
        if secret is None:
            note_refusal(connection, found.user if found else None, read_peer(request.scope))
        return secret

    secret = await _write(state, write)
    if found is None or secret is None:
        _refuse(state, 401, "the name or the password is wrong", {"WWW-Authenticate": "Cookie"})
    state.figures.sign_ins.labels("password").inc()
    return await _enter(request, response, state, found.user, secret)


@ROUTER.delete("/session", status_code=204)
async def sign_out(
    request: Request,
    response: Response,
    state: State,
    everywhere: Annotated[bool, Query(description="End all sessions of the user, in other browsers too.")] = False,
) -> None:
    """Sign out: end the session and delete its cookie."""
    cookie = read_session_cookie(request.scope)

    def write(connection: Connection) -> None:
        user = end_session(connection, cookie.secret) if cookie else None
        if user is not None and everywhere:
            end_sessions(connection, user, f"user {user}")

    if cookie:
        await _write(state, write)
    delete_session_cookies(response)


@ROUTER.put("/session/password")
async def set_password(body: PasswordChange, request: Request, response: Response, state: State) -> SessionInfo:
    """Change the password of the user who has signed in. All their other sessions end."""
    cookie, authenticator = read_session_cookie(request.scope), _authenticator(request)
    user = await run_sync(authenticator.find_user, cookie.secret) if cookie else None
    before = None if user is None else await run_sync(credentials_of, state.store, user)
    if before is None:
        raise Problem(401, "nobody has signed in with this browser, or the session has ended; sign in first")
    check_password(body.password, before.user)
    _limit_tries(request, state, read_peer(request.scope), f"name {fold_name(before.user)}")
    if not await _verify(state, before.password, body.current):
        await _write(state, lambda connection: note_refusal(connection, before.user, f"user {before.user}"))
        _refuse(state, 403, "the current password is wrong")
    hashed = await state.passwords.hash(body.password)

    def write(connection: Connection) -> str | None:
        changed = change_password(connection, before, hashed)
        return start_session(connection, before.user, authenticator.idle_ms) if changed else None

    secret = await _write(state, write)
    if secret is None:
        raise Problem(409, "the password was changed meanwhile; sign in with the new one")
    return await _enter(request, response, state, before.user, secret)


@ROUTER.get("/invitation")
def get_invitation(invitation: InvitationHeader, state: State) -> InvitationInfo:
    """Return whom an invitation is for."""
    user = find_invitation(state.store, invitation)
    if user is None:
        raise _no_invitation()
    return InvitationInfo(user=state.served.user_id(user))


@ROUTER.post("/invitation", status_code=201)
async def use_invitation(
    body: NewPassword, invitation: InvitationHeader, request: Request, response: Response, state: State
) -> SessionInfo:
    """Choose a password by an invitation, which is used up, and sign in. All other sessions of the user end."""
    expected = await run_sync(find_invitation, state.store, invitation)
    if expected is None:
        raise _no_invitation()
    check_password(body.password, expected)
    hashed = await state.passwords.hash(body.password)

    def write(connection: Connection) -> str | None:
        user = accept_invitation(connection, invitation, hashed)
        return None if user is None else start_session(connection, user, _authenticator(request).idle_ms)

    secret = await _write(state, write)
    if secret is None:
        raise _no_invitation()
    state.figures.sign_ins.labels("invitation").inc()
    return await _enter(request, response, state, expected, secret)


def _no_invitation() -> Problem:
    return Problem(404, "this invitation has expired, was used, or was replaced by another; ask for a new one")


def _limit_tries(request: Request, state: ServiceState, *callers: str) -> None:
    """Count a try of a password.

    Raises:
        Problem: 429, the address or the name has too many.
    """
    try:
        for caller in callers:
            _authenticator(request).count(caller, "sign-in")
    except Problem:
        state.figures.sign_ins.labels("limited").inc()
        raise


async def _verify(state: ServiceState, hashed: str | None, password: str) -> bool:
    """Return whether a hash is that of a password.

    Raises:
        Problem: 503, too many wait.
    """
    try:
        return await state.passwords.verify(hashed, password)
    except Problem:
        state.figures.sign_ins.labels("busy").inc()
        raise


def _refuse(state: ServiceState, status: int, detail: str, headers: dict[str, str] | None = None) -> NoReturn:
    state.figures.sign_ins.labels("wrong").inc()
    raise Problem(status, detail, headers)


async def _write(state: ServiceState, work: Callable[[Connection], Written]) -> Written:
    """Do work in a write transaction."""

    def write() -> Written:
        with state.store.write_transaction() as connection:
            return work(connection)

    return await state.write(write)


async def _enter(request: Request, response: Response, state: ServiceState, user: str, secret: str) -> SessionInfo:
    """Set the cookie of a new session, in place of the one that the browser has, which ends."""
    cookie = read_session_cookie(request.scope)
    if cookie is not None:
        await _write(state, partial(end_session, secret=cookie.secret))
        delete_session_cookies(response)
    send_session_cookie(response, secret, secure=came_over_https(request))
    return _describe(state, user, offered=True)


def _describe(state: ServiceState, user: str | None, *, offered: bool) -> SessionInfo:
    return SessionInfo(user=None if user is None else state.served.user_id(user), offered=offered)


def _authenticator(request: Request) -> Authenticator:
    authenticator: Authenticator = request.app.state.authenticator
    return authenticator
