"""Permissions of keys, users' tokens and visitors: `cinematrix.service.auth` and `store.tokens`."""

import logging
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import delete, select, text, update
from starlette.testclient import TestClient

from cinematrix.errors import SettingError
from cinematrix.service import making_lists
from cinematrix.service.app import create_app
from cinematrix.service.log_lines import JsonFormatter, redact
from cinematrix.service.server import serve
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.keys import ROLES, create_key, hash_secret, list_keys
from cinematrix.store.records import Store
from cinematrix.store.tables import IDEMPOTENCY, KEYS, SCHEMA, TOKENS
from cinematrix.store.tokens import create_token, find_token_owner, revoke_tokens
from service_world import check_problem
from serving import free_port

CALLERS = {
    "open": "nobody page own other read write admin",
    "page": "page own other read write admin",
    "own read": "own read write admin",
    "own write": "own write admin",
    "own admin": "own admin",
    "read": "read write admin",
    "write": "write admin",
    "admin": "admin",
}
"""Allowed callers by the access that a route needs.

Callers: no key (`nobody`), a visitor of a public page, the user's own token, another user's token, and the key roles.
"""

ROUTES = {
    "GET /": "open",
    "HEAD /": "open",
    "GET /page/{path:path}": "open",
    "HEAD /page/{path:path}": "open",
    "GET /livez": "open",
    "HEAD /livez": "open",
    "HEAD /readyz": "open",
    "GET /readyz": "open",
    "GET /metrics": "read",
    "GET /openapi.json": "read",
    "GET /v1/me": "page",
    "GET /v1/movies": "page",
    "GET /v1/movies/{movie}/similar": "page",
    "POST /v1/recommendations": "page",
    "POST /v1/groups/recommendations": "page",
    "GET /v1/users/{user}/recommendations": "own read",
    "GET /v1/users/{user}/ratings": "own read",
    "GET /v1/users/{user}/events": "own read",
    "GET /v1/users/{user}/export": "own read",
    "GET /v1/users/{user}/unmatched": "own read",
    "DELETE /v1/users/{user}/unmatched/{film}": "own write",
    "POST /v1/users/{user}/changes": "own write",
    "GET /v1/users/{user}/shared": "own read",
    "GET /v1/shared/{share}": "open",
    "POST /v1/shared": "page",
    "DELETE /v1/shared/{share}": "page",
    "POST /v1/movies/lookup": "page",
    "PUT /v1/users/{user}/ratings/{movie}": "own write",
    "DELETE /v1/users/{user}/ratings/{movie}": "own write",
    "PUT /v1/users/{user}/events/{kind}/{movie}": "own write",
    "DELETE /v1/users/{user}/events/{kind}/{movie}": "own write",
    "DELETE /v1/users/{user}/tokens": "own write",
    "DELETE /v1/users/{user}": "own admin",
    "POST /v1/ratings": "write",
    "POST /v1/plays": "write",
    "POST /v1/tokens": "write",
    "GET /v1/movies/{movie}": "page",
    "GET /v1/movies/{movie}/poster": "page",
    "GET /v1/movies/{movie}/details": "page",
    "POST /v1/movies/{movie}/prediction": "page",
    "GET /v1/model": "page",
    "PUT /v1/movies/{movie}": "admin",
    "DELETE /v1/movies/{movie}": "admin",
    "POST /v1/movies": "admin",
    "POST /v1/predictions": "page",
    "POST /v1/rows": "page",
    "POST /v1/profile": "page",
    "GET /v1/facts": "page",
    "GET /v1/facts/ages": "page",
    "POST /v1/people/movies": "page",
    "GET /v1/map": "page",
    "POST /v1/questions": "page",
    "GET /v1/starters": "page",
    "POST /v1/movies/search": "page",
    "POST /v1/movies/{movie}/similar": "page",
    "POST /v1/map/stars": "page",
    "POST /v1/imports": "page",
    "POST /v1/exports": "page",
    "POST /v1/users/{user}/imports": "own write",
    "GET /v1/admin/versions": "admin",
    "GET /v1/admin/overview": "admin",
    "GET /v1/admin/exports/recommendations": "admin",
    "POST /v1/admin/refits": "admin",
    "GET /v1/admin/refits/{refit}": "admin",
    "POST /v1/admin/promotions": "admin",
    "POST /v1/admin/rollbacks": "admin",
    "GET /v1/admin/audit": "admin",
    "GET /v1/admin/users": "admin",
    "GET /v1/session": "open",
    "POST /v1/session": "open",
    "DELETE /v1/session": "open",
    "PUT /v1/session/password": "open",
    "GET /v1/invitation": "open",
    "POST /v1/invitation": "open",
    "GET /v1/admin/sign-ins": "admin",
    "POST /v1/admin/users/{name}/invitation": "admin",
    "DELETE /v1/admin/users/{name}/sign-in": "admin",
    "GET /v1/admin/keys": "admin",
    "POST /v1/admin/keys": "admin",
    "DELETE /v1/admin/keys/{name}": "admin",
}
"""Access that each route needs. A new route needs a line here, or the tests fail."""


@dataclass(frozen=True)
class House:
    """A service with keys and a public one, on one store."""

    store: Store
    keys: dict[str, str]
    closed: TestClient
    public: TestClient

    def ask(self, caller: str, method: str, path: str, user: Any, **more: Any) -> Any:
        """Send a request as a caller and return the response. `user`: owner of the `own` token."""
        client = self.public if caller == "page" else self.closed
        headers = more.pop("headers", {})
        if caller in ROLES:
            headers = headers | {"X-API-Key": self.keys[caller]}
        if caller in ("own", "other"):
            secret, _ = create_token(self.store, str(user) if caller == "own" else "somebody else", 1, "test")
            headers = headers | {"Authorization": f"Bearer {secret}"}
        return client.request(method, path, headers=headers, **more)


@pytest.fixture
def house(settings: ServiceSettings) -> Iterator[House]:
    """Both services, with their store and a key for each role."""
    store = Store.open(settings.db)
    keys = {role: create_key(store, role) for role in ROLES}
    closed, public = (create_app(replace(settings, public=public, key_seconds=0.1)) for public in (False, True))
    with (
        TestClient(closed, raise_server_exceptions=False) as one,
        TestClient(public, raise_server_exceptions=False) as other,
    ):
        yield House(store, keys, one, other)
    store.close()


def routes_of(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Yield the method and path of all routes of the app."""
    for entry in app.routes:
        for route in entry.original_router.routes if hasattr(entry, "original_router") else [entry]:
            for method in sorted(getattr(route, "methods", None) or ["*"]):
                yield method, route.path


def test_every_route_has_its_line(client: TestClient) -> None:
    """The app's routes are exactly those in the table."""
    assert {f"{method} {path}" for method, path in routes_of(client.app)} == set(ROUTES)  # type: ignore[arg-type]


@pytest.mark.fault(43, 44)
@pytest.mark.parametrize("route", ROUTES)
def test_each_caller_may_do_what_the_table_says(house: House, user: int, unseen: int, route: str) -> None:
    """For every route and caller: 401 without valid credentials, 403 with insufficient ones."""
    method, path = route.split()
    path = path.replace(":path", "").format(
        user=user, movie=unseen, kind="like", film="none", refit=1, path="app.js", name="none", share="x" * 22
    )
    for caller in CALLERS["open"].split():
        status = house.ask(caller, method, path, user).status_code
        allowed = caller in CALLERS[ROUTES[route]].split()
        assert (status not in (401, 403)) is allowed, (caller, status)
        assert allowed or (status == 401) is (caller in ("nobody", "page")), (caller, status)


@pytest.mark.fault(44)
@pytest.mark.parametrize("route", [route for route, needs in ROUTES.items() if "{user}" in route and "own" in needs])
def test_a_foreign_token_does_not_learn_who_exists(house: House, user: int, unseen: int, route: str) -> None:
    """Responses to other users' tokens and to visitors are identical for existing and missing users."""
    method, path = route.split()
    for caller in ("other", "page", "nobody"):
        answers = [
            house.ask(caller, method, path.format(user=target, movie=unseen, kind="like", film="x"), user)
            for target in (user, 987654)
        ]
        assert answers[0].status_code == answers[1].status_code
        assert answers[0].content == answers[1].content


def test_routes_of_a_user_are_open_to_their_token() -> None:
    """A user's token opens exactly the routes with that user in their path."""
    assert {route for route, needs in ROUTES.items() if needs.startswith("own")} == {
        route for route in ROUTES if "{user}" in route
    }


@pytest.mark.parametrize("form", ["{}", "{}.0"])
def test_a_token_knows_its_user_in_every_form(house: House, user: int, form: str) -> None:
    """User ID 7.0 is the same as 7, in the authorization and in the store; 007 is somebody else."""
    assert house.ask("own", "GET", f"/v1/users/{form.format(user)}/ratings", user).json()["user"] == user
    assert house.ask("own", "GET", f"/v1/users/00{user}/ratings", user).status_code == 403


def test_a_token_is_shown_once_and_opens_its_users_routes(house: House, user: int, settings: ServiceSettings) -> None:
    """A write key creates a token; the database stores only its hash, and the audit log only its user."""
    created = house.ask("write", "POST", "/v1/tokens", user, json={"user": user, "days": 2})
    assert created.status_code == 201
    body = created.json()
    assert body["user"] == user
    assert 0 <= time.time() + 2 * 86_400 - body["expires"] < 60
    bearer = {"Authorization": f"Bearer {body['token']}"}
    assert house.closed.get(f"/v1/users/{user}/ratings", headers=bearer).status_code == 200
    file = Path(settings.db.removeprefix("sqlite:///"))
    stored = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
    assert body["token"].encode() not in stored
    assert hash_secret(body["token"]) in stored
    assert house.store.audit()[-1] == f"made a token of user {user}"
    check_problem(house.ask("write", "POST", "/v1/tokens", user, json={"user": "nobody"}), 404)
    check_problem(house.ask("write", "POST", "/v1/tokens", user, json={"user": user, "days": 999}), 422)


def test_expired_revoked_and_orphaned_tokens_open_nothing(house: House, user: int) -> None:
    """An invalid token is a 401 even on routes that need none."""
    revoked, _ = create_token(house.store, str(user), 1, "test")
    expired, _ = create_token(house.store, str(user), -1, "test")
    assert (find_token_owner(house.store, expired), find_token_owner(house.store, revoked)) == (None, str(user))
    assert house.ask("own", "DELETE", f"/v1/users/{user}/tokens", user).status_code == 204
    orphaned, _ = create_token(house.store, str(user), 1, "test")
    assert house.ask("own", "DELETE", f"/v1/users/{user}", user).status_code == 204
    assert house.store.audit()[-1] == f"deleted user {house.store.pseudonym(str(user))}"
    for secret in (expired, revoked, orphaned, "cmt_", ""):
        bearer = {"Authorization": f"Bearer {secret or 'x'}"}
        for path in (f"/v1/users/{user}/ratings", "/v1/movies?query=x"):
            check_problem(house.public.get(path, headers=bearer), 401)
    with house.store.engine.connect() as connection:
        assert connection.execute(select(TOKENS)).all() == []


def test_creating_a_token_deletes_expired_ones(house: House) -> None:
    """Creating a token deletes all expired tokens, so the table doesn't grow for ever."""
    create_token(house.store, "ann", -1, "test")
    create_token(house.store, "bob", 1, "test")
    with house.store.engine.connect() as connection:
        assert [row.user for row in connection.execute(select(TOKENS))] == ["bob"]
    revoke_tokens(house.store, "bob", "test")
    assert house.store.audit()[-1] == "revoked the tokens of user bob"


def test_me_says_what_the_caller_may_do(house: House, user: int, client: TestClient) -> None:
    """`/v1/me` returns the caller's role, the token's user, and whether the service is open."""
    for caller in ("page", "read", "write", "admin"):
        assert house.ask(caller, "GET", "/v1/me", user).json() == {"role": caller, "user": None, "open": False}
    assert house.ask("own", "GET", "/v1/me", user).json() == {"role": "user", "user": user, "open": False}


def test_without_keys_everybody_is_admin_and_a_token_says_who(client: TestClient, user: int) -> None:
    """Without keys every caller is an admin, a token names its user, and an invalid token is still a 401."""
    assert client.get("/v1/me").json() == {"role": "admin", "user": None, "open": True}
    bearer = {"Authorization": f"Bearer {client.post('/v1/tokens', json={'user': user}).json()['token']}"}
    assert client.get("/v1/me", headers=bearer).json() == {"role": "admin", "user": user, "open": True}
    check_problem(client.get("/v1/me", headers={"Authorization": "Bearer cmt_of_yesterday"}), 401)


@pytest.mark.parametrize("peer", ["192.0.2.7", "2001:db8::7", "::ffff:192.0.2.7", "testclient"])
def test_without_keys_other_machines_are_refused(settings: ServiceSettings, user: int, peer: str) -> None:
    """A key table that is emptied while the server runs makes nobody on another machine an admin."""
    store = Store.open(settings.db)
    key = create_key(store, "admin")
    with TestClient(create_app(replace(settings, key_seconds=0.1)), client=(peer, 1)) as client:
        assert client.get("/v1/me", headers={"X-API-Key": key}).status_code == 200
        with store.write_transaction() as connection:
            connection.execute(delete(KEYS))
        time.sleep(0.1)
        check_problem(client.get("/v1/me"), 401)
        check_problem(client.delete(f"/v1/users/{user}"), 401)
    store.close()


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_without_keys_this_machine_is_admin_but_not_through_a_proxy(settings: ServiceSettings, peer: str) -> None:
    """A proxy on this machine passes on requests of others, whom it names in a header."""
    with TestClient(create_app(settings), client=(peer, 1)) as client:
        assert client.get("/v1/me").json()["role"] == "admin"
        for header in ("Forwarded", "X-Forwarded-For", "X-Real-IP"):
            check_problem(client.get("/v1/me", headers={header: "192.0.2.7"}), 401)


def test_keys_are_created_listed_and_revoked_by_an_admin(house: House) -> None:
    """A key shows its last use, works until it is revoked or expires, and its name is its own."""
    made = house.ask("admin", "POST", "/v1/admin/keys", 0, json={"role": "read", "name": "shop", "days": 1})
    assert made.status_code == 201
    secret = made.json()["key"]
    time.sleep(0.1)
    assert house.closed.get("/metrics", headers={"X-API-Key": secret}).status_code == 200
    house.closed.app.state.authenticator.save_uses()  # type: ignore[attr-defined]
    listed = house.ask("admin", "GET", "/v1/admin/keys", 0)
    assert secret not in listed.text
    shop = {key["name"]: key for key in listed.json()["keys"]}["shop"]
    assert shop["used"] >= shop["created"]
    assert shop["expires"] == shop["created"] + 86_400_000
    check_problem(house.ask("admin", "POST", "/v1/admin/keys", 0, json={"role": "read", "name": "shop"}), 422)
    check_problem(house.ask("write", "DELETE", "/v1/admin/keys/shop", 0), 403)
    assert house.ask("admin", "DELETE", "/v1/admin/keys/shop", 0).status_code == 204
    time.sleep(0.1)
    check_problem(house.closed.get("/metrics", headers={"X-API-Key": secret}), 401)
    check_problem(house.ask("admin", "DELETE", "/v1/admin/keys/shop", 0), 404)


def test_an_expired_key_opens_nothing(house: House) -> None:
    """It is listed until it is revoked."""
    secret = create_key(house.store, "admin", "short", lifetime=0.001)
    time.sleep(0.01)
    check_problem(house.closed.get("/v1/me", headers={"X-API-Key": secret}), 401)
    assert "short" in {key.name for key in list_keys(house.store)}


def test_a_wrong_key_is_no_visitor(house: House) -> None:
    """A wrong key is a 401 on a public page too; another Authorization scheme is ignored."""
    check_problem(house.public.get("/v1/movies?query=x", headers={"X-API-Key": "cmx_wrong"}), 401)
    assert house.public.get("/v1/movies?query=x", headers={"Authorization": "Basic eDp5"}).status_code == 200


def test_a_public_page_without_keys_is_not_served(settings: ServiceSettings) -> None:
    """A public page without keys isn't served even on loopback, in case of a proxy; the app refuses writes."""
    public = replace(settings, public=True, port=free_port())
    with pytest.raises(SettingError, match="a public page is open to others and the store has no key; make one"):
        serve(public)
    with TestClient(create_app(public)) as client:
        assert client.get("/v1/me").json() == {"role": "page", "user": None, "open": False}
        check_problem(client.put("/v1/users/1/events/like/1"), 401)


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "not shared"])
def test_a_port_in_use_is_an_error(settings: ServiceSettings, shared: bool) -> None:
    """Also one whose owner would share it, as another server of ours does: each would get some of the requests."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SettingError, match=f"port {port} of 127.0.0.1 is used by another program"):
            serve(replace(settings, address="127.0.0.1", port=port))


@pytest.mark.fault(48)
def test_visitors_have_a_limit_of_their_own(settings: ServiceSettings) -> None:
    """With a limit of three requests a minute a visitor's fourth is a 429; a key has its own limit."""
    store = Store.open(settings.db)
    key = create_key(store, "read")
    store.close()
    with TestClient(create_app(replace(settings, public=True, visits=3))) as client:
        answers = [client.get("/v1/movies?query=x") for _ in range(4)]
        assert [answer.status_code for answer in answers[:3]] == [200] * 3
        check_problem(answers[3], 429)
        assert client.get("/v1/movies?query=x", headers={"X-API-Key": key}).status_code == 200


def test_a_group_names_users_only_to_those_who_may_read_them(house: House, user: int) -> None:
    """A token may name its own user, a read key any user, a visitor none; guests are always allowed."""
    guest = {"name": "Ida", "ratings": []}
    path = "/v1/groups/recommendations"
    for caller, allowed in {"page": False, "other": False, "own": True, "read": True}.items():
        answer = house.ask(caller, "POST", path, user, json={"members": [{"user": user}, guest]})
        assert answer.status_code == (200 if allowed else 403), caller
        assert house.ask(caller, "POST", path, user, json={"members": [guest, guest]}).status_code == 200


@pytest.mark.fault(43)
def test_no_secret_gets_into_the_log(
    house: House, user: int, unseen: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets never appear in the log, in right or wrong headers, accepted or refused, or in errors."""
    caplog.set_level(logging.DEBUG)
    token, _ = create_token(house.store, str(user), 1, "test")
    secrets = [*house.keys.values(), token, "cmx_" + "wrong" * 8]
    for secret in secrets:
        for headers in ({"X-API-Key": secret}, {"Authorization": f"Bearer {secret}"}, {"Idempotency-Key": secret}):
            house.closed.get(f"/v1/users/{user}/ratings", headers=headers)
            house.public.get(f"/v1/movies/{secret}/similar", params={"query": secret}, headers=headers)
            house.public.post("/v1/ratings", json={"ratings": [], secret: secret}, headers=headers)
        monkeypatch.setattr(making_lists, "recommend_each", lambda *_, _secret=secret, **__: [][int(_secret)])
        check_problem(house.public.post("/v1/recommendations", json={"ratings": []}), 500, secret)
    full = "create trigger full before insert on ratings begin select raise(fail, 'full'); end"
    with house.store.write_transaction() as connection:
        connection.execute(text(full))
    broken = house.ask("write", "PUT", f"/v1/users/{user}/ratings/{unseen}", user, json={"rating": 4.5})
    check_problem(broken, 503)
    log = "\n".join(map(JsonFormatter().format, caplog.records))
    assert "invalid literal for int" in log
    (failed,) = [record.getMessage() for record in caplog.records if "the store failed" in record.getMessage()]
    assert "INSERT INTO ratings" in failed
    assert f"'{unseen}'" not in failed
    for secret in secrets:
        assert secret not in log
        assert secret[4:] not in log
    assert redact("a cmx_0123456789abcdef-_ b") == "a cmx_… b"


def test_new_users_stay_within_the_cap_however_many_come_at_once(either: ServiceSettings, unseen: int) -> None:
    """Twelve new users write to two servers at once, and five of them are created."""
    with (
        TestClient(create_app(replace(either, new_users=5))) as one,
        TestClient(create_app(replace(either, new_users=5))) as other,
    ):
        for client in (one, other):
            client.get("/livez")

        def put(turn: int) -> int:
            path = f"/v1/users/new-{turn}/ratings/{unseen}"
            return (one, other)[turn % 2].put(path, json={"rating": 3}).status_code

        with ThreadPoolExecutor(12) as pool:
            codes = sorted(pool.map(put, range(12)))
    assert codes == [201] * 5 + [404] * 7
    store = Store.open(either.db)
    assert store.n_users() == 5
    store.close()


@pytest.mark.parametrize(("ahead", "status"), [(3600, 201), (2 * 86_400, 422)])
def test_a_clock_may_be_a_day_ahead_and_no_more(
    client: TestClient, user: int, unseen: int, ahead: int, status: int
) -> None:
    """A rating time more than a day in the future is refused, alone and in a bulk, which names its row."""
    when = int(time.time()) + ahead
    answer = client.put(f"/v1/users/{user}/ratings/{unseen}", json={"rating": 3, "time": when})
    assert answer.status_code == status
    row = {"user": user, "movie": unseen, "rating": 3}
    many = client.post("/v1/ratings", json={"ratings": [row, row | {"time": when}]})
    assert many.json().get("index") == (1 if status == 422 else None)


def test_answers_kept_for_others_survive_a_deletion(client: TestClient, model: Any, user: int, unseen: int) -> None:
    """After a user is deleted, only the stored responses about them are deleted."""
    other = next(int(id_) for id_ in model.data.users.ids if id_ != user)
    rows = {id_: {"ratings": [{"user": id_, "movie": unseen, "rating": 2}]} for id_ in (user, other)}
    for id_, body in rows.items():
        client.post("/v1/ratings", json=body, headers={"Idempotency-Key": str(id_)})
    client.delete(f"/v1/users/{user}")
    again = client.post("/v1/ratings", json=rows[other], headers={"Idempotency-Key": str(other)})
    assert again.json() == {"created": 1, "updated": 0}
    with client.app.state.service.store.engine.connect() as connection:  # type: ignore[attr-defined]
        assert len(connection.execute(select(IDEMPOTENCY)).all()) == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_an_older_store_gets_tokens(kind: str, database: Any) -> None:
    """A store of version 3 is migrated and keeps its keys."""
    url = database(kind)
    store = Store.open(url)
    create_key(store, "read")
    with store.write_transaction() as connection:
        connection.execute(text("drop table tokens"))
        connection.execute(text("drop table answered"))
        connection.execute(update(SCHEMA).values(version=3))
    store.close()
    store = Store.open(url)
    secret, _ = create_token(store, "ann", 1, "test")
    assert find_token_owner(store, secret) == "ann"
    with store.engine.connect() as connection:
        assert len(connection.execute(select(KEYS)).all()) == 1
    store.close()
