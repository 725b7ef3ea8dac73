"""Admin routes that retrain the model and choose the version that serves."""

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
from cinematrix.store.records import Store
from cinematrix.store.refits import (
    Refit,
    append_audit,
    find_refit,
    hold_refit_lock,
    list_refits,
    read_suspects,
    request_refit,
)
from cinematrix.store.statements import now_ms

ROUTER = APIRouter(prefix="/v1/admin", route_class=StrictRoute, responses=PROBLEM_RESPONSES)
Admin = Annotated[Caller, ADMIN]
STARTING_MS = 20_000
"""Time in ms that the process of a requested refit may take until it holds the store's lock."""


class RefitRequest(RequestBody):
    """A request to retrain; `force`: promote the new version even if the gate refuses it."""

    force: bool


class PromotionRequest(RequestBody):
    """A request to promote a version; `force`: even if the gate refused it."""

    version: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    force: bool = False


class ServingVersion(BaseModel):
    """The promoted version. Servers load it within seconds."""

    version: str


class RefitInfo(BaseModel):
    """A retraining.

    `state`: asked, running, promoted, refused or failed. `asked`, `begun` and `ended`: times in epoch milliseconds.
    `against`: version that it was compared with. `version`: new version. `why`: reason of the outcome.
    """

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
    """A retraining and the suspicious users that it left out, with reasons. Only the last one has them."""

    suspects: dict[str, str]


class VersionList(BaseModel):
    """Stored versions and recent retrainings, newest first."""

    versions: list[VersionInfo]
    refits: list[RefitInfo]


def _build_info(refit: Refit) -> RefitInfo:
    return RefitInfo.model_validate(refit, from_attributes=True)


@ROUTER.get("/versions")
def get_versions(state: State, who: Admin) -> VersionList:
    """Return the stored versions, the one that serves, and the outcomes of recent retrainings."""
    stored = [VersionInfo(**version.as_dict()) for version in versions.list_versions(state.settings.model)]
    return VersionList(versions=stored, refits=[_build_info(refit) for refit in list_refits(state.store)])


@ROUTER.post("/refits", status_code=202)
def create_refit(body: RefitRequest, state: State, who: Admin) -> RefitInfo:
    """Start a retraining. 409: one is running; 501: the package that trains the model isn't installed."""
    model = state.served.model
    try:
        require_package(model.abilities.trains_with, model.name)
    except MissingExtraError as error:
        raise Problem(501, str(error)) from error
    with state.group.turn("refits"):
        if state.refit_runner.busy or _is_refit_running(state.store):
            raise Problem(409, "a refit is already running; wait until it ends")
        requested = request_refit(state.store, who.name, force=body.force)
        state.refit_runner.start(requested)
    return _build_info(requested)


def _is_refit_running(store: Store) -> bool:
    """Return whether any server or worker has a refit, or has started the process of one a moment ago."""
    try:
        with hold_refit_lock(store):
            pass
    except StoreError:
        return True
    last = list_refits(store, 1)
    return bool(last) and last[0].state == "asked" and now_ms() - last[0].asked < STARTING_MS


@ROUTER.get("/refits/{refit}")
def get_refit(refit: int, state: State, who: Admin) -> RefitDetails:
    """Return the state and outcome of a retraining."""
    record = find_refit(state.store, refit) if abs(refit) < 2**31 else None
    if record is None:
        raise Problem(404, "there is no such refit")
    return RefitDetails(**_build_info(record).model_dump(), suspects=read_suspects(state.store, refit))


@ROUTER.post("/promotions")
def promote_version(body: PromotionRequest, state: State, who: Admin) -> ServingVersion:
    """Promote a stored version, so that it serves. 409: the gate refused it and `force` isn't set."""
    stored = {version.name: version for version in versions.list_versions(state.settings.model)}
    if body.version not in stored:
        raise Problem(404, "there is no such version")
    if (stored[body.version].about.get("refit") or {}).get("state") == "refused" and not body.force:
        raise Problem(409, "the gate refused this version; set `force` to promote it anyway")
    return _promote(state, body.version, who.name)


@ROUTER.post("/rollbacks")
def roll_back(state: State, who: Admin) -> ServingVersion:
    """Roll back to the version that served before. A second rollback undoes the first. 409: there is none."""
    name = versions.get_previous_version(state.settings.model)
    if name is None:
        raise Problem(409, "no earlier version is stored; there is nothing to roll back to")
    return _promote(state, name, who.name)


def _promote(state: ServiceState, name: str, who: str) -> ServingVersion:
    try:
        versions.promote(state.settings.model, name)
    except InputError as error:
        LOG.error("model version %s can't serve: %s", name, error)
        raise Problem(409, "this version can't serve; the server's log has the reason") from error
    append_audit(state.store, who, f"promoted version {name}")
    return ServingVersion(version=name)
