"""Who may do what: keys, users' tokens, the page's visitors: `cinematrix.service.auth` and `store.tokens`."""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select, text, update
from starlette.testclient import TestClient

from cinematrix.errors import SettingError
from cinematrix.service.app import create_app
from cinematrix.service.logging import LOG, redact
from cinematrix.service.routes import recommendations
from cinematrix.service.server import serve
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.keys import ROLES, create_key, hash_secret
from cinematrix.store.records import Store
from cinematrix.store.tables import IDEMPOTENCY, KEYS, SCHEMA, TOKENS
from cinematrix.store.tokens import create_token, find_token_owner, revoke_tokens
from service_world import check_problem

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
"""Who may come in, by what a route needs: without a key, such a visitor of a public page, the user's own token, another
user's, and the roles of keys."""

ROUTES = {
    "GET /": "open",
    "HEAD /": "open",
    "GET /page/{path:path}": "open",
    "HEAD /page/{path:path}": "open",
    "GET /livez": "open",
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
    "PUT /v1/users/{user}/ratings/{movie}": "own write",
    "DELETE /v1/users/{user}/ratings/{movie}": "own write",
    "PUT /v1/users/{user}/events/{kind}/{movie}": "own write",
    "DELETE /v1/users/{user}/events/{kind}/{movie}": "own write",
    "DELETE /v1/users/{user}/tokens": "own write",
    "DELETE /v1/users/{user}": "own admin",
    "POST /v1/ratings": "write",
    "POST /v1/tokens": "write",
    "GET /v1/movies/{movie}": "page",
    "GET /v1/movies/{movie}/poster": "page",
    "POST /v1/movies/{movie}/prediction": "page",
    "GET /v1/model": "page",
    "PUT /v1/movies/{movie}": "admin",
    "DELETE /v1/movies/{movie}": "admin",
    "POST /v1/movies": "admin",
    "POST /v1/rows": "page",
    "POST /v1/profile": "page",
    "GET /v1/map": "page",
    "POST /v1/questions": "page",
    "POST /v1/imports": "page",
    "POST /v1/exports": "page",
    "POST /v1/users/{user}/imports": "own write",
    "GET /v1/admin/versions": "admin",
    "GET /v1/admin/overview": "admin",
    "POST /v1/admin/refits": "admin",
    "GET /v1/admin/refits/{refit}": "admin",
    "POST /v1/admin/promotions": "admin",
    "POST /v1/admin/rollbacks": "admin",
}
"""What each route needs: a new one has its line here, or the tests fail."""


@dataclass(frozen=True)
class House:
    """A service with keys, and one for the public, on one store."""

    store: Store
    keys: dict[str, str]
    closed: TestClient
    public: TestClient

    def ask(self, caller: str, method: str, path: str, user: Any, **more: Any) -> Any:
        """What a caller is answered; `user`: whose tokens are `own`."""
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
    """Both services, their store and a key for each role."""
    store = Store.open(settings.db)
    keys = {role: create_key(store, role) for role in ROLES}
    closed, public = (create_app(replace(settings, public=public)) for public in (False, True))
    with (
        TestClient(closed, raise_server_exceptions=False) as one,
        TestClient(public, raise_server_exceptions=False) as other,
    ):
        yield House(store, keys, one, other)
    store.close()


def routes_of(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of everything that the app answers."""
    for each in app.routes:
        for route in each.original_router.routes if hasattr(each, "original_router") else [each]:
            for method in sorted(getattr(route, "methods", None) or ["*"]):
                yield method, route.path


def test_every_route_has_its_line(client: TestClient) -> None:
    """What the app answers is what the table tells of, no more and no less."""
    assert {f"{method} {path}" for method, path in routes_of(client.app)} == set(ROUTES)  # type: ignore[arg-type]


@pytest.mark.fault(43, 44)
@pytest.mark.parametrize("route", ROUTES)
def test_each_caller_may_do_what_the_table_says(house: House, user: int, unseen: int, route: str) -> None:
    """Every route × every caller: 401 who gives nothing that opens anything, 403 who may do other things."""
    method, path = route.split()
    path = path.replace(":path", "").format(user=user, movie=unseen, kind="like", refit=1, path="app.js")
    for caller in CALLERS["open"].split():
        status = house.ask(caller, method, path, user).status_code
        lets_in = caller in CALLERS[ROUTES[route]].split()
        assert (status not in (401, 403)) is lets_in, (caller, status)
        assert lets_in or (status == 401) is (caller in ("nobody", "page")), (caller, status)


@pytest.mark.fault(44)
@pytest.mark.parametrize("route", [route for route, needs in ROUTES.items() if "{user}" in route and "own" in needs])
def test_a_foreign_token_does_not_learn_who_exists(house: House, user: int, unseen: int, route: str) -> None:
    """The same answer, word for word, for somebody who is there and somebody who isn't; so for visitors."""
    method, path = route.split()
    for caller in ("other", "page", "nobody"):
        answers = [
            house.ask(caller, method, path.format(user=whom, movie=unseen, kind="like"), user)
            for whom in (user, 987654)
        ]
        assert answers[0].status_code == answers[1].status_code
        assert answers[0].content == answers[1].content


def test_a_table_without_own_users_is_wrong() -> None:
    """Whatever has a user in its path is open to that user's token, and nothing else is."""
    assert {route for route, needs in ROUTES.items() if needs.startswith("own")} == {
        route for route in ROUTES if "{user}" in route
    }


@pytest.mark.parametrize("form", ["{}", "0{}", "00{}"])
def test_a_token_knows_its_user_in_every_form(house: House, user: int, form: str) -> None:
    """007 is 7, to the door as to the store."""
    assert house.ask("own", "GET", f"/v1/users/{form.format(user)}/ratings", user).json()["user"] == user


def test_a_token_is_made_shown_once_and_opens_what_is_hers(house: House, user: int, settings: ServiceSettings) -> None:
    """By a write key; the database has no trace of it but its hash, the audit tells of it and not what it is."""
    made = house.ask("write", "POST", "/v1/tokens", user, json={"user": user, "days": 2})
    assert made.status_code == 201
    body = made.json()
    assert body["user"] == user
    assert 0 <= time.time() + 2 * 86_400 - body["expires"] < 60
    bearer = {"Authorization": f"Bearer {body['token']}"}
    assert house.closed.get(f"/v1/users/{user}/ratings", headers=bearer).status_code == 200
    file = Path(settings.db.removeprefix("sqlite:///"))
    kept = b"".join(path.read_bytes() for path in file.parent.glob(f"{file.name}*"))
    assert body["token"].encode() not in kept
    assert hash_secret(body["token"]) in kept
    assert house.store.audit()[-1] == f"made a token of user {user}"
    check_problem(house.ask("write", "POST", "/v1/tokens", user, json={"user": "nobody"}), 404)
    check_problem(house.ask("write", "POST", "/v1/tokens", user, json={"user": user, "days": 999}), 422)


def test_ended_revoked_and_orphaned_tokens_open_nothing(house: House, user: int) -> None:
    """Not even what the page needs: who brings a token learns that it is no good."""
    revoked, _ = create_token(house.store, str(user), 1, "test")
    ended, _ = create_token(house.store, str(user), -1, "test")
    assert (find_token_owner(house.store, ended), find_token_owner(house.store, revoked)) == (None, str(user))
    assert house.ask("own", "DELETE", f"/v1/users/{user}/tokens", user).status_code == 204
    orphaned, _ = create_token(house.store, str(user), 1, "test")
    assert house.ask("own", "DELETE", f"/v1/users/{user}", user).status_code == 204
    assert house.store.audit()[-1] == f"deleted user {user}"
    for secret in (ended, revoked, orphaned, "cmt_", ""):
        bearer = {"Authorization": f"Bearer {secret or 'x'}"}
        for path in (f"/v1/users/{user}/ratings", "/v1/movies?query=x"):
            check_problem(house.public.get(path, headers=bearer), 401)
    with house.store.engine.connect() as connection:
        assert connection.execute(select(TOKENS)).all() == []


def test_making_a_token_drops_those_that_ended(house: House) -> None:
    """The table doesn't grow with the years."""
    create_token(house.store, "ann", -1, "test")
    create_token(house.store, "bob", 1, "test")
    with house.store.engine.connect() as connection:
        assert [row.user for row in connection.execute(select(TOKENS))] == ["bob"]
    revoke_tokens(house.store, "bob", "test")
    assert house.store.audit()[-1] == "revoked the tokens of user bob"


def test_me_says_what_the_caller_may_do(house: House, user: int, client: TestClient) -> None:
    """The role, whose token, and whether everybody may do everything."""
    for caller in ("page", "read", "write", "admin"):
        assert house.ask(caller, "GET", "/v1/me", user).json() == {"role": caller, "user": None, "open": False}
    assert house.ask("own", "GET", "/v1/me", user).json() == {"role": "user", "user": user, "open": False}


def test_without_keys_everybody_is_admin_and_a_token_says_who(client: TestClient, user: int) -> None:
    """As on one's own machine; a token that isn't one is still told so."""
    assert client.get("/v1/me").json() == {"role": "admin", "user": None, "open": True}
    bearer = {"Authorization": f"Bearer {client.post('/v1/tokens', json={'user': user}).json()['token']}"}
    assert client.get("/v1/me", headers=bearer).json() == {"role": "admin", "user": user, "open": True}
    check_problem(client.get("/v1/me", headers={"Authorization": "Bearer cmt_of_yesterday"}), 401)


def test_a_wrong_key_is_no_visitor(house: House) -> None:
    """Who shows a key that isn't one learns so on a public page too; another scheme of Authorization is no token."""
    check_problem(house.public.get("/v1/movies?query=x", headers={"X-API-Key": "cmx_wrong"}), 401)
    assert house.public.get("/v1/movies?query=x", headers={"Authorization": "Basic eDp5"}).status_code == 200


def test_a_public_page_without_keys_is_not_served(settings: ServiceSettings) -> None:
    """Not even on loopback, where a proxy may stand before it; and the app lets nobody write."""
    public = replace(settings, public=True)
    with pytest.raises(SettingError, match="a public page is open to others and the store has no key; make one"):
        serve(public, "127.0.0.1", 8000)
    with TestClient(create_app(public)) as client:
        assert client.get("/v1/me").json() == {"role": "page", "user": None, "open": False}
        check_problem(client.put("/v1/users/1/events/like/1"), 401)


@pytest.mark.fault(48)
def test_visitors_have_a_limit_of_their_own(settings: ServiceSettings) -> None:
    """The fourth of three requests a minute waits; keys have another."""
    store = Store.open(settings.db)
    key = create_key(store, "read")
    store.close()
    with TestClient(create_app(replace(settings, public=True, visits=3))) as client:
        answers = [client.get("/v1/movies?query=x") for _ in range(4)]
        assert [answer.status_code for answer in answers[:3]] == [200] * 3
        check_problem(answers[3], 429)
        assert client.get("/v1/movies?query=x", headers={"X-API-Key": key}).status_code == 200


def test_a_group_names_users_only_to_those_who_may_read_them(house: House, user: int) -> None:
    """Oneself by token, anybody by key, nobody as a visitor; guests always."""
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
    """Sent in the right place or a wrong one, refused or let in, in an error of ours or of the store: never a word."""
    caplog.set_level(logging.DEBUG)
    token, _ = create_token(house.store, str(user), 1, "test")
    secrets = [*house.keys.values(), token, "cmx_" + "wrong" * 8]
    for secret in secrets:
        for headers in ({"X-API-Key": secret}, {"Authorization": f"Bearer {secret}"}, {"Idempotency-Key": secret}):
            house.closed.get(f"/v1/users/{user}/ratings", headers=headers)
            house.public.get(f"/v1/movies/{secret}/similar", params={"query": secret}, headers=headers)
            house.public.post("/v1/ratings", json={"ratings": [], secret: secret}, headers=headers)
        monkeypatch.setattr(recommendations, "recommend", lambda *_, _secret=secret, **__: [][int(_secret)])
        check_problem(house.public.post("/v1/recommendations", json={"ratings": []}), 500, secret)
    full = "create trigger full before insert on ratings begin select raise(fail, 'full'); end"
    with house.store.write_transaction() as connection:
        connection.execute(text(full))
    broken = house.ask("write", "PUT", f"/v1/users/{user}/ratings/{unseen}", user, json={"rating": 4.5})
    check_problem(broken, 503)
    said = "\n".join(caplog.handler.format(record) for record in caplog.records if record.name.startswith("cinematrix"))
    assert "invalid literal for int" in said
    (failed,) = [record.getMessage() for record in caplog.records if "the store failed" in record.getMessage()]
    assert "INSERT INTO ratings" in failed
    assert f"'{unseen}'" not in failed
    for secret in secrets:
        assert secret not in said
        assert secret[4:] not in said
    assert LOG.name == "cinematrix.service"
    assert redact("a cmx_0123456789abcdef-_ b") == "a cmx_… b"


def test_new_users_stay_within_the_cap_however_many_come_at_once(either: ServiceSettings, unseen: int) -> None:
    """Of twelve who write at the same moment to two servers, five are made."""
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
    """What was rated next week is refused, alone and in a bulk, where its row is named."""
    when = int(time.time()) + ahead
    answer = client.put(f"/v1/users/{user}/ratings/{unseen}", json={"rating": 3, "time": when})
    assert answer.status_code == status
    row = {"user": user, "movie": unseen, "rating": 3}
    many = client.post("/v1/ratings", json={"ratings": [row, row | {"time": when}]})
    assert many.json().get("index") == (1 if status == 422 else None)


def test_answers_kept_for_others_survive_a_deletion(client: TestClient, model: Any, user: int, unseen: int) -> None:
    """A repeated request about somebody else still gets its first answer; one about her is gone."""
    other = next(int(id_) for id_ in model.data.users.ids if id_ != user)
    rows = {who: {"ratings": [{"user": who, "movie": unseen, "rating": 2}]} for who in (user, other)}
    for who, body in rows.items():
        client.post("/v1/ratings", json=body, headers={"Idempotency-Key": str(who)})
    client.delete(f"/v1/users/{user}")
    again = client.post("/v1/ratings", json=rows[other], headers={"Idempotency-Key": str(other)})
    assert again.json() == {"created": 1, "updated": 0}
    with client.app.state.service.store.engine.connect() as connection:  # type: ignore[attr-defined]
        assert len(connection.execute(select(IDEMPOTENCY)).all()) == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_an_older_store_gets_tokens(kind: str, database: Any) -> None:
    """One of version 3 is brought to today's, its keys kept."""
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
