"""Refits by schedule and by request, each in a process of its own; and which version serves."""

import asyncio
import os
import subprocess
import sys
from dataclasses import dataclass, field
from threading import Lock
from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError

from cinematrix import versions
from cinematrix.artifact import MANIFEST
from cinematrix.errors import InputError, MissingExtraError, StoreError
from cinematrix.extras import needs
from cinematrix.service.access import ADMIN, Caller
from cinematrix.service.figures import Figures
from cinematrix.service.logs import LOG
from cinematrix.service.problems import Problem
from cinematrix.service.schemas import Request
from cinematrix.service.settings import ServiceSettings
from cinematrix.service.state import PROBLEMS, ServiceState, State, StrictRoute
from cinematrix.store.records import Store
from cinematrix.store.refits import Refit, alone, ask, ask_if_due, find_refit, last_refits, note, suspects_of

ROUTER = APIRouter(prefix="/v1/admin", route_class=StrictRoute, responses=PROBLEMS)
Admin = Annotated[Caller, ADMIN]
PROGRAM = (sys.executable, "-c", "from cinematrix.cli.main import run; run()")
NICENESS = 10
"""A refit takes what time the server leaves."""


@dataclass
class Refitter:
    """Runs refits beside the server, one at a time; the server itself never imports what trains."""

    settings: ServiceSettings
    store: Store
    figures: Figures
    _process: "subprocess.Popen[bytes] | None" = None
    _asked: Refit | None = None
    _looking: Lock = field(default_factory=Lock)

    @property
    def busy(self) -> bool:
        """Whether one that this server began is still running."""
        return self._process is not None

    def start(self, asked: Refit) -> None:
        """Begin a refit; the store's URL, which may hold a password, isn't among the words of the command."""
        words = [*PROGRAM, "refit", str(self.settings.model), "--asked", str(asked.refit)]
        environment = os.environ | {"CINEMATRIX_DB": self.settings.db}
        self._process, self._asked = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL), asked
        os.setpriority(os.PRIO_PROCESS, self._process.pid, NICENESS)
        LOG.info("refit %s of %s has begun", asked.refit, asked.who)

    def look(self) -> None:
        """Tell of a refit that has ended, and begin one if the schedule says so."""
        with self._looking:
            self._look()

    def _look(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            self._ended(self._process.returncode)
        if self._process is None and self.settings.refit_every:
            trained = int((self.settings.model / MANIFEST).stat().st_mtime * 1000)
            asked = ask_if_due(self.store, int(self.settings.refit_every * 1000), trained)
            if asked is not None:
                self.start(asked)

    def _ended(self, code: int) -> None:
        assert self._asked is not None, "what has ended was asked for"
        found = find_refit(self.store, self._asked.refit)
        self._process = None
        state, why = (found.state, found.why) if found else ("failed", "")
        if state in ("asked", "running"):
            state, why = "failed", f"its process ended with {code}"
        self.figures.refits.labels(state).inc()
        if found and found.begun and found.ended:
            self.figures.refit_seconds.set((found.ended - found.begun) / 1000)
        LOG.info("refit %s is %s: %s", self._asked.refit, state, why)

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(self.settings.watch_seconds)
            try:
                await run_sync(self.look)
            except (SQLAlchemyError, OSError) as error:
                LOG.error("refits can't be looked after now: %s", error)

    def stop(self) -> None:
        """End a refit that is running: whatever it has done, a whole version serves."""
        with self._looking:
            if self._process is not None:
                self._process.terminate()
                self._process.wait()
                self._process = None


class WantedRefit(Request):
    """`force`: promote the new version even if it is worse."""

    force: bool


class WantedVersion(Request):
    """A version that shall serve; `force`: even if it was refused."""

    version: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    force: bool = False


class ServingVersion(BaseModel):
    """What serves from now on; servers take it up within seconds."""

    version: str


class VersionRow(BaseModel):
    """A version that is kept: `refit` tells when it was made, what the gate found and by which figures."""

    version: str
    serves: bool
    before: bool
    model: str
    data: dict[str, Any] | None
    refit: dict[str, Any] | None


class RefitRow(BaseModel):
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


class OneRefit(RefitRow):
    """A refit with the profiles that it left out, and why, as long as it is the last one."""

    suspects: dict[str, str]


class Versions(BaseModel):
    """The versions that are kept and the last refits, the newest first."""

    versions: list[VersionRow]
    refits: list[RefitRow]


def _row(refit: Refit) -> RefitRow:
    return RefitRow.model_validate(refit, from_attributes=True)


@ROUTER.get("/versions")
def kept_versions(state: State, who: Admin) -> Versions:
    """Which versions are kept, which one serves, and what became of the last refits."""
    kept = [VersionRow(**version.as_dict()) for version in versions.versions(state.settings.model)]
    return Versions(versions=kept, refits=[_row(refit) for refit in last_refits(state.store)])


@ROUTER.post("/refits", status_code=202)
def wanted(body: WantedRefit, state: State, who: Admin) -> RefitRow:
    """Begin a refit. 409: one is running; 501: what trains the model isn't installed."""
    model = state.served.model
    try:
        needs(model.abilities.trains_with, model.name)
        with alone(state.store):
            pass
    except MissingExtraError as error:
        raise Problem(501, str(error)) from error
    except StoreError as error:
        raise Problem(409, "a refit is running; wait until it has ended") from error
    if state.refitter.busy:
        raise Problem(409, "a refit is running; wait until it has ended")
    asked = ask(state.store, who.name, force=body.force)
    state.refitter.start(asked)
    return _row(asked)


@ROUTER.get("/refits/{refit}")
def one_refit(refit: int, state: State, who: Admin) -> OneRefit:
    """What became of a refit."""
    found = find_refit(state.store, refit) if abs(refit) < 2**31 else None
    if found is None:
        raise Problem(404, "there is no such refit")
    return OneRefit(**_row(found).model_dump(), suspects=suspects_of(state.store, refit))


@ROUTER.post("/promotions")
def promotion(body: WantedVersion, state: State, who: Admin) -> ServingVersion:
    """Let a version serve that is kept. 409: the gate refused it, and `force` isn't given."""
    place = state.settings.model
    kept = {version.name: version for version in versions.versions(place)}
    if body.version not in kept:
        raise Problem(404, "there is no such version")
    if (kept[body.version].about.get("refit") or {}).get("state") == "refused" and not body.force:
        raise Problem(409, "this version was refused; force it, if you know better")
    return _serve(state, body.version, who.name)


@ROUTER.post("/rollbacks")
def rollback(state: State, who: Admin) -> ServingVersion:
    """Let the version before serve again; done twice, it is undone. 409: none is known."""
    name = versions.before(state.settings.model)
    if name is None:
        raise Problem(409, "no version before this one is kept")
    return _serve(state, name, who.name)


def _serve(state: ServiceState, name: str, who: str) -> ServingVersion:
    try:
        versions.promote(state.settings.model, name)
    except InputError as error:
        LOG.error("version %s can't serve: %s", name, error)
        raise Problem(409, "this version can't serve; the log tells why") from error
    note(state.store, who, f"promoted version {name}")
    return ServingVersion(version=name)
