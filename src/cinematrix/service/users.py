"""TODO service.users."""

from sqlalchemy import Connection

from cinematrix.service.problems import Problem
from cinematrix.service.served_model import ServedModel
from cinematrix.service.state import ServiceState
from cinematrix.store.records import UserRecords


def require_user(state: ServiceState, served: ServedModel, id_: int | str) -> UserRecords:
    """Somebody whom the store or the model knows.

    Raises:
        Problem: 404.
    """
    person = state.store.person(served.user(id_))
    if not person.known and not served.has_usable_history(person):
        raise Problem(404, "there is no such user")
    return person


def require_writable_user(state: ServiceState, served: ServedModel, connection: Connection, id_: int | str) -> str:
    """The user who is written for in this transaction: known, or new where new ones are welcome.

    Raises:
        Problem: 404.
    """
    user = served.user(id_)
    if not state.store.has_room_for(connection, user, state.settings.new_users, remembered=served.was_trained_on(user)):
        raise Problem(404, "there is no such user")
    return user
