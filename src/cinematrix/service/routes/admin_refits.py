"""Refits by schedule and by request, each in a process of its own; and which version serves."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from cinematrix.common.optional import require_package
from cinematrix.errors import InputError, MissingExtraError, StoreError
from cinematrix.lifecycle import versions
from cinematrix.service.auth import ADMIN, Caller
from cinematrix.service.logging import LOG
from cinematrix.service.problems import Problem
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.schemas import RequestBody, VersionInfo
from cinematrix.service.state import ServiceState, State
from cinematrix.store.refits import (
    Refit,
    append_audit,
    find_refit,
    hold_refit_lock,
    list_refits,
    read_suspects,
    request_refit,
)

ROUTER = APIRouter(prefix="/v1/admin", route_class=StrictRoute, responses=PROBLEM_RESPONSES)
Admin = Annotated[Caller, ADMIN]


class RefitRequest(RequestBody):
    """`force`: promote the new version even if it is worse."""

    force: bool


class PromotionRequest(RequestBody):
    """A version that shall serve; `force`: even if it was refused."""

    version: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    force: bool = False


class ServingVersion(BaseModel):
    """What serves from now on; servers take it up within seconds."""

    version: str


class RefitInfo(BaseModel):
    """A refit; `state` is asked, running, promoted, refused or failed; times in epoch milliseconds."""

    refit: int
    who: str
    force: bool
    asked: int
    begun: int | None
    ended: int | None
    state: str
    against: str | None
    version: str | None
    why: str
    figures: dict[str, Any]


class RefitDetails(RefitInfo):
    """A refit with the profiles that it left out, and why, as long as it is the last one."""

    suspects: dict[str, str]


class VersionList(BaseModel):
    """The versions that are kept and the last refits, the newest first."""

    versions: list[VersionInfo]
    refits: list[RefitInfo]


def _build_info(refit: Refit) -> RefitInfo:
    return RefitInfo.model_validate(refit, from_attributes=True)


@ROUTER.get("/versions")
def get_versions(state: State, who: Admin) -> VersionList:
    """Which versions are kept, which one serves, and what became of the last refits."""
    kept = [VersionInfo(**version.as_dict()) for version in versions.list_versions(state.settings.model)]
    return VersionList(versions=kept, refits=[_build_info(refit) for refit in list_refits(state.store)])


@ROUTER.post("/refits", status_code=202)
def create_refit(body: RefitRequest, state: State, who: Admin) -> RefitInfo:
    """Begin a refit. 409: one is running; 501: what trains the model isn't installed."""
    model = state.served.model
    try:
        require_package(model.abilities.trains_with, model.name)
        with hold_refit_lock(state.store):
            pass
    except MissingExtraError as error:
        raise Problem(501, str(error)) from error
    except StoreError as error:
        raise Problem(409, "a refit is running; wait until it has ended") from error
    if state.refit_runner.busy:
        raise Problem(409, "a refit is running; wait until it has ended")
    asked = request_refit(state.store, who.name, force=body.force)
    state.refit_runner.start(asked)
    return _build_info(asked)


@ROUTER.get("/refits/{refit}")
def get_refit(refit: int, state: State, who: Admin) -> RefitDetails:
    """What became of a refit."""
    found = find_refit(state.store, refit) if abs(refit) < 2**31 else None
    if found is None:
        raise Problem(404, "there is no such refit")
    return RefitDetails(**_build_info(found).model_dump(), suspects=read_suspects(state.store, refit))


@ROUTER.post("/promotions")
def promote_version(body: PromotionRequest, state: State, who: Admin) -> ServingVersion:
    """Let a version serve that is kept. 409: the gate refused it, and `force` isn't given."""
    place = state.settings.model
    kept = {version.name: version for version in versions.list_versions(place)}
    if body.version not in kept:
        raise Problem(404, "there is no such version")
    if (kept[body.version].about.get("refit") or {}).get("state") == "refused" and not body.force:
        raise Problem(409, "this version was refused; force it, if you know better")
    return _promote(state, body.version, who.name)


@ROUTER.post("/rollbacks")
def roll_back(state: State, who: Admin) -> ServingVersion:
    """Let the version before serve again; done twice, it is undone. 409: none is known."""
    name = versions.get_previous_version(state.settings.model)
    if name is None:
        raise Problem(409, "no version before this one is kept")
    return _promote(state, name, who.name)


def _promote(state: ServiceState, name: str, who: str) -> ServingVersion:
    try:
        versions.promote(state.settings.model, name)
    except InputError as error:
        LOG.error("version %s can't serve: %s", name, error)
        raise Problem(409, "this version can't serve; the log tells why") from error
    append_audit(state.store, who, f"promoted version {name}")
    return ServingVersion(version=name)
