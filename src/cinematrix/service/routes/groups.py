"""The route for people who choose together; it keeps nothing."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from cinematrix.data.histories import Histories
from cinematrix.recommendation.groups import recommend_for_group
from cinematrix.recommendation.lists import Filters
from cinematrix.service import schemas
from cinematrix.service.auth import PAGE, Caller
from cinematrix.service.problems import Problem
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.served_model import ServedModel
from cinematrix.service.state import ServiceState, State

ROUTER = APIRouter(prefix="/v1/groups", route_class=StrictRoute, responses=PROBLEM_RESPONSES)


class UserMember(schemas.RequestBody):
    """Somebody by her ID."""

    user: schemas.Id


class GuestMember(schemas.HistoryBody):
    """Somebody by name, who brings her history along."""

    name: Annotated[str, Field(min_length=1, max_length=100)]


class GroupRequest(schemas.RequestBody, schemas.ListOptions):
    """People who want one list.

    Attributes:
        how: by their average, or by the least happy of them.
        veto: movies that one of them won't have.
    """

    members: Annotated[list[UserMember | GuestMember], Field(min_length=2, max_length=8)]
    how: Literal["average", "least_misery"] = "average"
    veto: Annotated[list[schemas.Id], Field(default_factory=list, max_length=5000)]


class MemberOpinion(BaseModel):
    """What one member is expected to think of a movie, and her own movies that speak for it."""

    name: str
    stars: float
    low: float | None
    high: float | None
    because: list[schemas.ReasonItem]


class GroupItem(schemas.Movie):
    """A line of a group's list; `score` is in standard deviations above the movies that could be shown."""

    score: float
    members: list[MemberOpinion]


class GroupList(BaseModel):
    """A list for a group; `unknown`: IDs in the guests' histories that the model doesn't know."""

    model_version: str
    unknown: list[int | str]
    items: list[GroupItem]


@ROUTER.post("/recommendations")
def recommend_together(body: GroupRequest, state: State, who: Annotated[Caller, PAGE]) -> GroupList:
    """One list for 2 to 8 people, with what it is to each of them; none that one has seen or won't have.

    Users by ID need the role read, or their own token; guests, who bring their history along, don't.
    """
    served, unknown = state.served, []
    histories: list[Histories] = []
    hidden = {str(id_) for id_ in body.veto}
    for member in body.members:
        history, hides, strange = _read_member(state, served, member, who)
        histories.append(history)
        hidden |= hides
        unknown += strange
    filters = Filters(body.where, body.min_ratings, tuple(sorted(hidden)))
    found = recommend_for_group(served.model, histories, body.n, how=body.how, by=body.by, filters=filters)
    served.shown.add(served.numbers(found.items))
    names = [member.name if isinstance(member, GuestMember) else str(member.user) for member in body.members]
    items = [_build_item(asdict(line), names) for line in found.items]
    return GroupList(model_version=served.version, unknown=unknown, items=items)


def _read_member(
    state: ServiceState, served: ServedModel, member: UserMember | GuestMember, who: Caller
) -> tuple[Histories, set[str], list[int | str]]:
    """What counts as a member's ratings, what she won't have, and what of hers isn't known."""
    if isinstance(member, GuestMember):
        history, unknown = served.read_history(member)
        return history, set(member.excluded), unknown
    user = served.user(member.user)
    if not who.is_allowed("read", user):
        raise Problem(403, "users by ID need a key with the role read; let them bring their ratings along")
    person = state.store.person(user)
    return served.history(person), {str(id_) for id_ in served.hidden(person)}, []


def _build_item(line: dict[str, Any], names: list[str]) -> GroupItem:
    members = [{"name": name, **opinion} for name, opinion in zip(names, line["members"], strict=True)]
    return GroupItem.model_validate(line | {"members": members})
