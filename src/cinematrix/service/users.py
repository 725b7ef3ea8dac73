"""User lookups that answer 404 for users who don't exist."""

from sqlalchemy import Connection

from cinematrix.service.problems import Problem
from cinematrix.service.served_model import ServedModel
from cinematrix.service.state import ServiceState
from cinematrix.store.records import UserRecords


def require_user(state: ServiceState, served: ServedModel, id_: int | str) -> UserRecords:
    """Return a user's records, if the user is in the store or in the training data.

    Raises:
        Problem: 404, the user is in neither.
    """
    person = state.store.person(served.user(id_))
    if not person.known and not served.has_usable_history(person):
        raise Problem(404, "there is no such user")
    return person


def require_writable_user(state: ServiceState, served: ServedModel, connection: Connection, id_: int | str) -> str:
    """Return the ID of a user to write for in this transaction. New users are created while there is room.

    Raises:
        Problem: 404, the user is new and `new_users` is reached.
    """
    user = served.user(id_)
    if not state.store.has_room_for(connection, user, state.settings.new_users, remembered=served.was_trained_on(user)):
        raise Problem(404, "there is no such user, and the service takes no new ones (--new-users)")
    return user
