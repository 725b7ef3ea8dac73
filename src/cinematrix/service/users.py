"""TODO service.users."""

from sqlalchemy import Connection

from cinematrix.service.problems import Problem
from cinematrix.service.served_model import Served
from cinematrix.service.state import ServiceState
from cinematrix.store.records import Person


def known_person(state: ServiceState, served: Served, id_: int | str) -> Person:
    """Somebody whom the store or the model knows.

    Raises:
        Problem: 404.
    """
    person = state.store.person(served.user(id_))
    if not person.known and not served.knows(person):
        raise Problem(404, "there is no such user")
    return person


def writer(state: ServiceState, served: Served, connection: Connection, id_: int | str) -> str:
    """The user who is written for in this transaction: known, or new where new ones are welcome.

    Raises:
        Problem: 404.
    """
    user = served.user(id_)
    if not state.store.welcomes(connection, user, state.settings.new_users, remembered=served.remembers(user)):
        raise Problem(404, "there is no such user")
    return user
