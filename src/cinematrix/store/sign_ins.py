"""Sign-ins: users who open their account with a name and a password, invitations to choose it, and browsers' sessions.

Invitations and sessions are 256 random bits, of which the store has the SHA-256, as of keys. Passwords are chosen by
people, so the store has a slow hash of them, which the caller makes. No check depends on the server's memory: what is
changed here counts for all servers of the store at once.
"""

import re
import secrets
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update

from cinematrix.data.ids import ID_PATTERN, canonical_id
from cinematrix.errors import SettingError, UnknownIdError
from cinematrix.store.keys import COMMAND_LINE, hash_secret
from cinematrix.store.records import Store
from cinematrix.store.statements import lock_users, now_ms, write_audit
from cinematrix.store.tables import SESSIONS, SIGN_INS

MAX_NAME = 64
"""Maximum characters of a name to sign in with."""

MAX_SESSIONS = 50
"""Maximum sessions of a user; a further one ends the one that was used least recently."""


class Invitation(NamedTuple):
    """A new invitation. The secret isn't stored; `expires` in epoch ms."""

    user: str
    secret: str
    expires: int


class Credentials(NamedTuple):
    """Stored credentials of a user; `password`: hash, None until they have chosen one."""

    user: str
    password: str | None


class SignInSummary(NamedTuple):
    """A user who can sign in; times in epoch ms.

    Attributes:
        user: ID.
        created: time of the first invitation.
        password: they have chosen a password.
        invited_until: end of an invitation that wasn't used; None: there is none.
        sessions: number of sessions.
        used: last use of a session, to the minute; None: there is no session.
    """

    user: str
    created: int
    password: bool
    invited_until: int | None
    sessions: int
    used: int | None


def fold_name(name: str) -> str:
    """Return the form in which names are compared: without case, in Unicode's form NFKC.

    >>> fold_name(" Zoë "), fold_name("ＺＯＥ̈")
    ('zoë', 'zoë')
    """
    folded = unicodedata.normalize("NFKC", canonical_id(name)).casefold()
    return unicodedata.normalize("NFKC", folded)


def check_name(name: str) -> str:
    """Return the user ID of a new name.

    Raises:
        SettingError: the name is invalid.
    """
    user = canonical_id(name)
    if not re.fullmatch(ID_PATTERN, user) or not user.isprintable() or not 0 < len(fold_name(user)) <= MAX_NAME:
        raise SettingError(
            f"a name to sign in with has 1 to {MAX_NAME} characters that can be seen, and no slash; choose another name"
        )
    return user


def invite(
    store: Store, name: str, lifetime: float, who: str = COMMAND_LINE, *, known: bool | None = None
) -> Invitation:
    """Create an invitation to choose a password, in place of an earlier one. A password stays until it is used.

    Args:
        store: the store.
        name: name to sign in with, which is the ID of a new user.
        lifetime: seconds until the invitation expires.
        who: the requester, for the audit log.
        known: True: the user can sign in already; False: they can't yet; None: either.

    Raises:
        SettingError: the name is invalid or, for a new user, taken.
        UnknownIdError: nobody signs in by this name.
    """
    user, folded, now = check_name(name), fold_name(name), now_ms()
    secret, expires = f"cmi_{secrets.token_urlsafe(32)}", now + round(lifetime * 1000)
    invitation = {"invitation": hash_secret(secret), "invited_until": expires}
    with store.write_transaction() as connection:
        owner = connection.scalar(select(SIGN_INS.c.user).filter_by(name=folded))
        if owner is None and not known:
            lock_users(connection, {user}, now)
            owner = connection.scalar(select(SIGN_INS.c.user).filter_by(name=folded))  # added meanwhile
        if owner is not None and known is False:
            raise SettingError(f"{owner!r} can sign in already; 'cinematrix user invite' makes a new link for them")
        if owner is None and known:
            raise UnknownIdError(f"nobody signs in as {name!r}; 'cinematrix user add' lets them")
        if owner is None:
            connection.execute(insert(SIGN_INS).values(name=folded, user=user, created=now, **invitation))
        else:
            connection.execute(update(SIGN_INS).filter_by(name=folded).values(invitation))
        write_audit(connection, who, "invited user", owner or user)
    return Invitation(owner or user, secret, expires)


def find_invitation(store: Store, secret: str) -> str | None:
    """Return the user of an invitation; None if it is unknown, used, replaced or expired."""
    wanted = select(SIGN_INS.c.user).where(
        SIGN_INS.c.invitation == hash_secret(secret), SIGN_INS.c.invited_until > now_ms()
    )
    with store.engine.connect() as connection:
        user: str | None = connection.scalar(wanted)
    return user


def accept_invitation(connection: Connection, secret: str, password: str) -> str | None:
    """Give the user of an invitation a password, and end all their sessions. `password`: its hash.

    An invitation is used up by the statement that finds it, so of several requests at once one succeeds.

    Returns:
        The user; None if the invitation is unknown, used, replaced or expired.
    """
    is_valid = SIGN_INS.c.invitation == hash_secret(secret), SIGN_INS.c.invited_until > now_ms()
    new = {"password": password, "invitation": None, "invited_until": None}
    user: str | None = connection.scalar(update(SIGN_INS).where(*is_valid).values(new).returning(SIGN_INS.c.user))
    if user is not None:
        connection.execute(delete(SESSIONS).filter_by(user=user))
        write_audit(connection, f"user {user}", "accepted the invitation of user", user)
    return user


def find_credentials(store: Store, name: str) -> Credentials | None:
    """Return the credentials of who signs in by a name; None if there is nobody."""
    folded = fold_name(name)
    if not folded.isprintable():  # no name is so, and databases refuse some of these
        return None
    return _select_credentials(store, name=folded)


def credentials_of(store: Store, user: str) -> Credentials | None:
    """Return the credentials of a user; None if they can't sign in."""
    return _select_credentials(store, user=user)


def _select_credentials(store: Store, **of: str) -> Credentials | None:
    with store.engine.connect() as connection:
        row = connection.execute(select(SIGN_INS.c.user, SIGN_INS.c.password).filter_by(**of)).first()
    return None if row is None else Credentials(*row)


def change_password(connection: Connection, before: Credentials, password: str) -> bool:
    """Replace a password by another, and end all sessions of the user. `password`: its hash.

    Returns:
        Whether the password was still that of `before`.
    """
    changed = connection.execute(update(SIGN_INS).filter_by(**before._asdict()).values(password=password)).rowcount > 0
    if changed:
        connection.execute(delete(SESSIONS).filter_by(user=before.user))
        write_audit(connection, f"user {before.user}", "changed the password of user", before.user)
    return changed


def start_session(connection: Connection, user: str, idle_ms: int) -> str:
    """Start a session of a user, and delete those not used for `idle_ms`. Return its secret, which isn't stored."""
    secret, now = f"cms_{secrets.token_urlsafe(32)}", now_ms()
    connection.execute(delete(SESSIONS).where(SESSIONS.c.used <= now - idle_ms))
    newest = select(SESSIONS.c.hash).filter_by(user=user).order_by(SESSIONS.c.used.desc()).limit(MAX_SESSIONS - 1)
    connection.execute(delete(SESSIONS).where(SESSIONS.c.user == user, SESSIONS.c.hash.not_in(newest)))
    connection.execute(insert(SESSIONS).values(hash=hash_secret(secret), user=user, created=now, used=now))
    return secret


def start_session_if(connection: Connection, proven: Credentials, idle_ms: int) -> str | None:
    """Start a session for credentials that were proven. Return its secret; None if they have changed meanwhile."""
    current = connection.scalar(select(SIGN_INS.c.user).filter_by(**proven._asdict()).with_for_update())
    if current is None:
        return None
    write_audit(connection, f"user {proven.user}", "signed in as user", proven.user)
    return start_session(connection, proven.user, idle_ms)


def note_refusal(connection: Connection, user: str | None, who: str) -> None:
    """Write a refused sign-in to the audit log. `user`: None if nobody has the name, which isn't stored."""
    write_audit(connection, who, "was refused to sign in as" + (" user" if user else " somebody unknown"), user)


def find_session(store: Store, secret: str, idle_ms: int) -> str | None:
    """Return the user of a session; None if it is unknown, has ended, or wasn't used for `idle_ms`."""
    wanted = select(SESSIONS.c.user).where(SESSIONS.c.hash == hash_secret(secret), SESSIONS.c.used > now_ms() - idle_ms)
    with store.engine.connect() as connection:
        user: str | None = connection.scalar(wanted)
    return user


def save_session_uses(store: Store, uses: Mapping[bytes, int]) -> None:
    """Store the times, in epoch ms, at which sessions were last used, by their hashes."""
    if uses:
        with store.write_transaction() as connection:
            for digest, used in sorted(uses.items()):
                connection.execute(
                    update(SESSIONS).where(SESSIONS.c.hash == digest, SESSIONS.c.used < used).values(used=used)
                )


def end_session(connection: Connection, secret: str) -> str | None:
    """End a session. Return its user; None if there was none."""
    user: str | None = connection.scalar(
        delete(SESSIONS).where(SESSIONS.c.hash == hash_secret(secret)).returning(SESSIONS.c.user)
    )
    if user is not None:
        write_audit(connection, f"user {user}", "signed out user", user)
    return user


def end_sessions(connection: Connection, user: str, who: str) -> None:
    """End all sessions of a user."""
    connection.execute(delete(SESSIONS).filter_by(user=user))
    write_audit(connection, who, "signed out everywhere user", user)


def remove_sign_in(store: Store, name: str, who: str = COMMAND_LINE) -> bool:
    """Take the password, the invitation and all sessions from a user. Their history stays.

    Returns:
        Whether anybody signed in by the name.
    """
    with store.write_transaction() as connection:
        removed = delete(SIGN_INS).filter_by(name=fold_name(name)).returning(SIGN_INS.c.user)
        user: str | None = connection.scalar(removed)
        if user is not None:
            connection.execute(delete(SESSIONS).filter_by(user=user))
            write_audit(connection, who, "removed the sign-in of user", user)
    return user is not None


def has_sign_ins(store: Store) -> bool:
    """Return whether anybody can sign in."""
    with store.engine.connect() as connection:
        return connection.scalar(select(SIGN_INS.c.name).limit(1)) is not None


def list_sign_ins(store: Store, n: int, after: str | None = None, user: str | None = None) -> list[SignInSummary]:
    """Return the first `n` users who can sign in, in the order of their folded names, or the first after one.

    `user`: only this one.
    """
    own = SESSIONS.c.user == SIGN_INS.c.user
    sessions, used = (
        select(value).where(own).scalar_subquery() for value in (func.count(SESSIONS.c.hash), func.max(SESSIONS.c.used))
    )
    columns = (SIGN_INS.c.user, SIGN_INS.c.created, SIGN_INS.c.password.is_not(None), SIGN_INS.c.invited_until)
    wanted = select(*columns, sessions, used).order_by(SIGN_INS.c.name).limit(n)
    if after is not None:
        wanted = wanted.where(SIGN_INS.c.name > fold_name(after))
    if user is not None:
        wanted = wanted.where(SIGN_INS.c.user == user)
    with store.engine.connect() as connection:
        return [SignInSummary(*row) for row in connection.execute(wanted)]
