"""Route of group recommendations. It stores nothing."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from cinematrix.data.histories import Histories
from cinematrix.recommendation.groups import recommend_for_group
from cinematrix.recommendation.reranking import Reranking
from cinematrix.service import schemas
from cinematrix.service.auth import PAGE, Caller
from cinematrix.service.problems import Problem
from cinematrix.service.published import list_filters
from cinematrix.service.responses import PROBLEM_RESPONSES, StrictRoute
from cinematrix.service.served_model import ServedModel
from cinematrix.service.state import ServiceState, State, run_in_list_thread

MOST_MEMBERS = 50
"""Members that the setting `group_members` may allow at most."""

ROUTER = APIRouter(prefix="/v1/groups", route_class=StrictRoute, responses=PROBLEM_RESPONSES)


class UserMember(schemas.RequestBody):
    """A user by ID."""

    user: schemas.Id


class GuestMember(schemas.HistoryBody):
    """A guest: a name and a history sent with the request."""

    name: Annotated[str, Field(min_length=1, max_length=100)]


class GroupRequest(schemas.RequestBody, schemas.ListOptions):
    """A request for one list for a group.

    Attributes:
        how: order by the mean of the members' expected stars, or by the lowest (least misery).
        novelty, diversity: of the movies, as in a list for one user; the order stays that of `how`.
        veto: movies to exclude for the whole group.
    """

    members: Annotated[list[UserMember | GuestMember], schemas.Length(MOST_MEMBERS, 2)]
    how: Literal["average", "least_misery"] = "average"
    novelty: Annotated[float, Field(ge=0, le=1)] = 0.0
    diversity: Annotated[float, Field(ge=0, le=1)] = 0.0
    veto: Annotated[list[schemas.Id], Field(default_factory=list), schemas.Length(5000)]


class MemberOpinion(BaseModel):
    """One member's predicted stars for a movie with an interval, and reasons from their history."""

    name: str
    stars: float
    low: float | None
    high: float | None
    because: list[schemas.ReasonItem]


class GroupItem(schemas.Movie):
    """A movie in a group's list.

    `score`: the mean or the lowest of the members' stars rounded to one decimal; without stars that of their scores, in
    standard deviations.
    """

    score: float
    members: list[MemberOpinion]


class GroupList(BaseModel):
    """A list for a group.

    `unknown`: IDs in the guests' histories that aren't in the catalog. `below`: listed movies that a member is expected
    to rate below their own mean, because too few others are left.
    """

    model_version: str
    unknown: list[int | str]
    below: int
    items: list[GroupItem]


@ROUTER.post("/recommendations")
@run_in_list_thread
def recommend_together(body: GroupRequest, state: State, who: Annotated[Caller, PAGE]) -> GroupList:
    """Recommend movies for a group of 2 to 8 (or what the server allows), with predictions for each member.

    Movies that a member has seen or excluded are left out. Members by ID need a key with the role read or their own
    token; guests, whose history is in the request, don't.
    """
    most = state.settings.group_members
    if len(body.members) > most:
        raise Problem(422, f"a group has at most {most} members; name fewer")
    served, unknown = state.served, []
    histories: list[Histories] = []
    hidden = {str(id_) for id_ in body.veto}
    for member in body.members:
        history, member_hidden, member_unknown = _read_member(state, served, member, who)
        histories.append(history)
        hidden |= member_hidden
        unknown += member_unknown
    filters = list_filters(state, served, body, tuple(sorted(hidden)))
    dials = Reranking(body.novelty, body.diversity)
    recommended = recommend_for_group(
        served.model, histories, body.n, how=body.how, by=body.by, filters=filters, dials=dials
    )
    numbers = served.numbers(recommended.items)
    served.shown.add(numbers)
    for member in body.members:
        if isinstance(member, UserMember):
            state.impressions.add(served.user(member.user), "group", served, numbers)
    names = [member.name if isinstance(member, GuestMember) else str(member.user) for member in body.members]
    items = [_build_item(asdict(line), names) for line in recommended.items]
    return GroupList(model_version=served.version, unknown=unknown, below=recommended.below, items=items)


def _read_member(
    state: ServiceState, served: ServedModel, member: UserMember | GuestMember, who: Caller
) -> tuple[Histories, set[str], list[int | str]]:
    """Return a member's history, hidden movies, and IDs outside the catalog."""
    if isinstance(member, GuestMember):
        history, unknown = served.read_history(member)
        return history, set(member.excluded), unknown
    user = served.user(member.user)
    if not who.is_allowed("read", user):
        raise Problem(403, "members by ID need a key with the role read or their own token; send their ratings instead")
    person = state.store.person(user)
    return served.history(person), {str(id_) for id_ in served.hidden(person)}, []


def _build_item(line: dict[str, Any], names: list[str]) -> GroupItem:
    members = [{"name": name, **opinion} for name, opinion in zip(names, line["members"], strict=True)]
    return GroupItem.model_validate(line | {"members": members})
