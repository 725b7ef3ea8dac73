"""Routes of shared lists: a snapshot of some films under a link that anybody may open.

The films are those of the catalog, so a list has no text of its maker but a name and a note.
"""

import json
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request
from pydantic import BaseModel, Field, StringConstraints

from cinematrix.data.ids import UNKNOWN
from cinematrix.errors import StoreError
from cinematrix.service import schemas
from cinematrix.service.auth import PAGE, READ, VISIT, Authenticator, Caller
from cinematrix.service.problems import Problem
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.schemas import Id, Length, TextId
from cinematrix.service.state import State, run_in_writer_thread
from cinematrix.service.users import require_user
from cinematrix.store.shares import SharedList, ShareLimits, create_share, find_share, list_shares, revoke_share

ROUTER = APIRouter(prefix="/v1", route_class=StrictRoute, responses=PROBLEM_RESPONSES)

MAX_FILMS = 500
"""Maximum films that the API description allows; `share_films` may allow fewer."""

MAX_TITLE = 300
"""Maximum letters of a title in a list."""

ShareId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{22}$", description="ID of a shared list.")]


class ListToShare(schemas.RequestBody):
    """Films in their order, a name and a note. `days`: its lifetime, by default the longest allowed."""

    movies: Annotated[list[Id], Length(MAX_FILMS, 1)]
    name: Annotated[str, StringConstraints(max_length=80)] = ""
    note: Annotated[str, StringConstraints(max_length=500)] = ""
    days: Annotated[int, Field(ge=1)] | None = None


class Shared(BaseModel):
    """A list that was just shared.

    `share`: its ID, for the address `/?view=shared&list=ID`. `secret`: what revokes it, shown only once. `expires`: UTC
    epoch seconds. `unknown`: films that the catalog lacks, which are left out.
    """

    share: str
    secret: str
    expires: int
    unknown: list[int | str]


class SharedFilms(BaseModel):
    """A shared list. Times are UTC epoch seconds."""

    name: str
    note: str
    created: int
    expires: int
    films: list[schemas.Movie]


class OwnShare(BaseModel):
    """A shared list of a user; `films`: their number. Times are UTC epoch seconds."""

    share: str
    name: str
    films: int
    created: int
    expires: int


class OwnShares(BaseModel):
    """The shared lists of a user, the newest first."""

    user: int | str
    lists: list[OwnShare]


@ROUTER.post("/shared", status_code=201)
@run_in_writer_thread
def share_list(body: ListToShare, request: Request, state: State, who: Annotated[Caller, PAGE]) -> Shared:
    """Share a list of films by a link. With a token it belongs to the user, who can list and revoke it."""
    settings, served = state.settings, state.served
    authenticator: Authenticator = request.app.state.authenticator
    authenticator.count(who.name, "share")
    if len(body.movies) > settings.share_films:
        raise Problem(422, f"a shared list has at most {settings.share_films:,} films; choose fewer")
    numbers = served.model.data.movies.numbers([str(movie) for movie in body.movies]).tolist()
    known = list(dict.fromkeys(number for number in numbers if number != UNKNOWN))
    if not known:
        raise Problem(422, "the catalog has none of these films; choose others")
    films = [served.film(number).model_dump() for number in known]
    films = [film | {"title": film["title"][:MAX_TITLE]} for film in films]
    content = json.dumps({"name": body.name.strip(), "note": body.note.strip(), "films": films}, ensure_ascii=False)
    days = min(settings.share_days, body.days or settings.share_days)
    limits = ShareLimits(settings.shares, settings.user_shares)
    try:
        with state.store.write_transaction() as connection:
            new = create_share(connection, content, who.user, days, limits)
    except StoreError as error:
        raise Problem(409, str(error)) from error
    unknown = [id_ for id_, number in zip(body.movies, numbers, strict=True) if number == UNKNOWN]
    return Shared(share=new.share, secret=new.secret, expires=new.expires // 1000, unknown=unknown)


@ROUTER.get("/shared/{share}", dependencies=[VISIT])
def get_shared_list(share: ShareId, state: State) -> SharedFilms:
    """Return a shared list. Anybody may, also on a server that requires keys."""
    with state.store.engine.connect() as connection:
        found = find_share(connection, share)
    if found is None:
        raise Problem(404, "there is no such list: it has expired, or whoever shared it has revoked it")
    return SharedFilms(
        created=found.created // 1000, expires=found.expires // 1000, **json.loads(found.content)
    )  # fmt: skip


@ROUTER.delete("/shared/{share}", status_code=204)
@run_in_writer_thread
def revoke_shared_list(
    share: ShareId,
    state: State,
    who: Annotated[Caller, PAGE],
    secret: Annotated[str | None, Header(alias="X-Share-Secret", max_length=100)] = None,
) -> None:
    """Revoke a shared list: with its secret, with the token of its user, or as an admin."""
    with state.store.write_transaction() as connection:
        if not revoke_share(connection, share, secret, who.user, always=who.role == "admin"):
            raise Problem(404, "there is no such list that you could revoke")


@ROUTER.get("/users/{user}/shared", dependencies=[READ])
def list_own_shares(user: TextId, state: State) -> OwnShares:
    """Return the lists that a user has shared."""
    served = state.served
    person = require_user(state, served, user)
    with state.store.engine.connect() as connection:
        lists = [_describe(each) for each in list_shares(connection, person.user)]
    return OwnShares(user=served.user_id(person.user), lists=lists)


def _describe(shared: SharedList) -> OwnShare:
    content = json.loads(shared.content)
    return OwnShare(
        share=shared.share, name=content["name"], films=len(content["films"]),
        created=shared.created // 1000, expires=shared.expires // 1000,
    )  # fmt: skip
