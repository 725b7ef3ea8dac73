"""Signing in by name and password: invitations, sessions, and what attackers try."""

import json
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from cinematrix.common.durations import DAY_MS
from cinematrix.errors import SettingError, UnknownIdError
from cinematrix.service import passwords
from cinematrix.service.app import create_app
from cinematrix.service.log_lines import JsonFormatter
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.audit import AuditFilter, list_audit
from cinematrix.store.keys import create_key, hash_secret
from cinematrix.store.records import Store
from cinematrix.store.sign_ins import (
    MAX_SESSIONS,
    accept_invitation,
    check_name,
    find_session,
    fold_name,
    invite,
    list_sign_ins,
    remove_sign_in,
    start_session,
)
from cinematrix.store.tables import SESSIONS, SIGN_INS
from service_world import check_problem

PAGE = {"Sec-Fetch-Site": "same-origin"}
"""Header of requests that this server's own page sends."""

PASSWORD = "correct horse"
COOKIE = "cinematrix_session"


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hash with a hundredth of the costs. `test_a_guess_costs_...` measures the real ones."""
    monkeypatch.setattr(passwords, "MEMORY_KIB", 64)
    for cached in (passwords._hasher, passwords._decoy):
        cached.cache_clear()
    yield
    for cached in (passwords._hasher, passwords._decoy):
        cached.cache_clear()


@dataclass
class House:
    """A service with keys that allows many tries, and its store."""

    client: TestClient
    store: Store
    key: str

    def browser(self, **more: Any) -> TestClient:
        """Return a browser without cookies, which shows this server's page. It shares the server's event loop."""
        browser = TestClient(self.client.app, **{"headers": PAGE} | more)
        browser.portal = self.client.portal
        return browser

    def admin(self, method: str, path: str, **more: Any) -> Any:
        """Send a request with an admin key and no cookies."""
        return self.browser().request(method, path, headers={"X-API-Key": self.key}, **more)

    def member(self, name: str = "anna", password: str = PASSWORD) -> TestClient:
        """Return the browser of a new user, who has signed in by an invitation."""
        browser, made = self.browser(), invite(self.store, name, 60)
        answer = browser.post("/v1/invitation", json={"password": password}, headers={"X-Invitation": made.secret})
        assert answer.status_code == 201, answer.text
        return browser

    def sign_in(self, name: str = "anna", password: str = PASSWORD, **more: Any) -> Any:
        """Try to sign in with a new browser."""
        return self.browser().post("/v1/session", json={"name": name, "password": password}, **more)


@contextmanager
def open_house(settings: ServiceSettings) -> Iterator[House]:
    """Run a service with a key."""
    store = Store.open(settings.db)
    key = create_key(store, "admin")
    with TestClient(create_app(replace(settings, sign_ins=100_000, visits=100_000))) as client:
        yield House(client, store, key)
    store.close()


@pytest.fixture
def house(settings: ServiceSettings) -> Iterator[House]:
    """The service on SQLite."""
    with open_house(settings) as house:
        yield house


@pytest.fixture
def either_house(either: ServiceSettings) -> Iterator[House]:
    """The service on SQLite and on PostgreSQL."""
    with open_house(either) as house:
        yield house


def who(browser: TestClient) -> Any:
    """Return whom the server takes a browser for."""
    return browser.get("/v1/session").json()["user"]


def test_an_invited_user_chooses_a_password_and_signs_in_and_out(either_house: House, unseen: int) -> None:
    """The admin invites; the link works once; name and password open the account in another browser."""
    house = either_house
    assert house.browser().get("/v1/session").json() == {"user": None, "offered": False}
    made = house.admin("POST", "/v1/admin/users/Änna/invitation", json={"days": 2})
    assert made.status_code == 201
    body = made.json()
    assert body["link"] == f"/?view=signin#invitation={body['invitation']}"
    assert 0 <= time.time() + 2 * 86_400 - body["expires"] < 60
    browser, headers = house.browser(), {"X-Invitation": body["invitation"]}
    assert browser.get("/v1/invitation", headers=headers).json() == {"user": "Änna"}
    check_problem(browser.post("/v1/invitation", json={"password": "short"}, headers=headers), 422, "short")
    check_problem(browser.post("/v1/invitation", json={"password": "änna"}, headers=headers), 422)
    entered = browser.post("/v1/invitation", json={"password": PASSWORD}, headers=headers)
    assert (entered.status_code, entered.json()) == (201, {"user": "Änna", "offered": True})
    cookie = entered.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "Path=/", "SameSite=strict", "Max-Age=34560000"))
    assert "Secure" not in cookie
    check_problem(browser.get("/v1/invitation", headers=headers), 404)
    check_problem(browser.post("/v1/invitation", json={"password": PASSWORD}, headers=headers), 404)

    assert browser.get("/v1/me").json() == {"role": "user", "user": "Änna", "open": False}
    assert browser.put(f"/v1/users/Änna/ratings/{unseen}", json={"rating": 4}).status_code == 201
    check_problem(browser.get("/v1/users/7/ratings"), 403)
    check_problem(browser.get("/metrics"), 403)

    other = house.browser()
    answer = other.post("/v1/session", json={"name": "A\u0308NNA", "password": PASSWORD})
    assert (answer.status_code, who(other)) == (201, "Änna")
    assert len(other.get("/v1/users/Änna/ratings").json()["ratings"]) == 1
    assert other.delete("/v1/session").status_code == 204
    assert (who(other), who(browser)) == (None, "Änna")
    check_problem(other.get("/v1/users/Änna/ratings"), 401)

    (entry,) = house.admin("GET", "/v1/admin/sign-ins").json()["users"]
    assert (entry["user"], entry["password"], entry["invited_until"], entry["sessions"]) == ("Änna", True, None, 1)
    assert house.store.audit()[1:] == [
        "invited user Änna",
        "accepted the invitation of user Änna",
        "signed in as user Änna",
        "signed out user Änna",
    ]
    metrics = house.admin("GET", "/metrics").text
    assert 'cinematrix_sign_ins_total{outcome="invitation"} 1.0' in metrics
    assert 'cinematrix_sign_ins_total{outcome="password"} 1.0' in metrics


def test_a_stolen_cookie_opens_nothing_after_sign_out(either_house: House) -> None:
    """Nor after "everywhere", a new password, a removal, a deletion, or a month without use."""
    house = either_house

    def stolen() -> str:
        return str(house.sign_in().cookies[COOKIE])

    def opens(secret: str) -> bool:
        answer = house.browser().get("/v1/users/anna/ratings", headers={"Cookie": f"{COOKIE}={secret}"})
        assert answer.status_code in (200, 401)
        return bool(answer.status_code == 200)

    mine = house.member()
    secret = mine.cookies[COOKIE]
    assert opens(secret)
    other = stolen()
    mine.delete("/v1/session")
    assert (opens(secret), opens(other)) == (False, True)

    mine = house.browser()
    mine.post("/v1/session", json={"name": "anna", "password": PASSWORD})
    mine.delete("/v1/session?everywhere=true")
    assert not opens(other)

    mine.post("/v1/session", json={"name": "anna", "password": PASSWORD})
    before, other = mine.cookies[COOKIE], stolen()
    check_problem(mine.put("/v1/session/password", json={"current": "wrong one", "password": "a new horse"}), 403)
    assert mine.put("/v1/session/password", json={"current": PASSWORD, "password": "a new horse"}).status_code == 200
    assert (opens(before), opens(other), who(mine)) == (False, False, "anna")
    assert house.sign_in().status_code == 401
    assert house.sign_in(password="a new horse").status_code == 201

    idle = mine.cookies[COOKIE]
    with house.store.write_transaction() as connection:
        connection.execute(update(SESSIONS).values(used=SESSIONS.c.used - 30 * DAY_MS))
    assert not opens(idle)
    assert who(mine) is None

    lost = house.member("ben").cookies[COOKIE]
    assert house.admin("DELETE", "/v1/admin/users/BEN/sign-in").status_code == 204
    check_problem(house.admin("DELETE", "/v1/admin/users/BEN/sign-in"), 404)
    check_problem(house.browser().get("/v1/users/ben/ratings", headers={"Cookie": f"{COOKIE}={lost}"}), 401)

    cleo = house.member("cleo")
    gone = cleo.cookies[COOKIE]
    assert cleo.delete("/v1/users/cleo").status_code == 204
    check_problem(house.browser().get("/v1/me", headers={"Cookie": f"{COOKIE}={gone}"}), 401)
    assert house.sign_in("cleo").status_code == 401
    assert [entry.user for entry in list_sign_ins(house.store, 9)] == ["anna"]


def test_use_keeps_a_session(house: House) -> None:
    """A use is stored with those of the keys, and counts from then on; the cookie is sent again."""
    browser = house.member()
    with house.store.write_transaction() as connection:
        connection.execute(update(SESSIONS).values(used=SESSIONS.c.used - 29 * DAY_MS))
    assert COOKIE in browser.get("/v1/session").headers["set-cookie"]
    house.client.app.state.authenticator.save_uses()  # type: ignore[attr-defined]
    (entry,) = list_sign_ins(house.store, 9)
    assert entry.used is not None
    assert time.time() * 1000 - entry.used < 60_000


def test_a_session_is_always_a_new_one(house: House) -> None:
    """A secret that an attacker has set in the browser before is no session afterwards; the one before ends."""
    house.member()
    browser = house.browser()
    browser.cookies.set(COOKIE, "cms_of_the_attacker", "testserver.local")
    browser.post("/v1/session", json={"name": "anna", "password": PASSWORD})
    first = browser.cookies[COOKIE]
    assert first != "cms_of_the_attacker"
    browser.post("/v1/session", json={"name": "anna", "password": PASSWORD})
    for secret in ("cms_of_the_attacker", first):
        assert find_session(house.store, secret, DAY_MS) is None
    assert find_session(house.store, browser.cookies[COOKIE], DAY_MS) == "anna"


def test_a_cookie_authorizes_no_write_of_another_site(house: House, unseen: int) -> None:
    """Neither does one of a client that doesn't say which page it shows. The own page's write is stored."""
    member = house.member()
    bare = house.browser(headers={}, cookies={COOKIE: member.cookies[COOKIE]})
    path = f"/v1/users/anna/ratings/{unseen}"
    sites = [{"Sec-Fetch-Site": site} for site in ("cross-site", "same-site", "none")]
    origins = [{"Origin": origin} for origin in ("https://evil.example", "null", "http://testserver.evil.example")]
    for headers in (*sites, *origins, {}):
        for method, target, body in (("PUT", path, {"rating": 1}), ("DELETE", "/v1/users/anna", None)):
            refused = bare.request(method, target, json=body, headers=headers)
            assert refused.status_code in (401, 403), headers
        bare.delete("/v1/session", headers=headers)
    assert bare.put(path, json={"rating": 4}, headers={"Origin": "http://testserver"}).status_code == 201
    assert [row["rating"] for row in member.get("/v1/users/anna/ratings").json()["ratings"]] == [4]


def test_over_https_the_cookie_is_bound_to_the_host(house: House) -> None:
    """By its name and `Secure`, also behind a proxy that hides the scheme. One set over HTTP isn't read over HTTPS."""
    house.member()
    body = {"name": "anna", "password": PASSWORD}
    secure = house.browser(base_url="https://testserver")
    cookie = secure.post("/v1/session", json=body).headers["set-cookie"]
    assert cookie.startswith(f"__Host-{COOKIE}=cms_")
    assert "Secure" in cookie
    assert "Domain" not in cookie
    assert who(secure) == "anna"
    hidden = house.browser().post("/v1/session", json=body, headers={"Origin": "https://testserver"})
    assert hidden.headers["set-cookie"].startswith(f"__Host-{COOKIE}=")
    plain = house.sign_in().cookies[COOKIE]
    tossed = house.browser(base_url="https://testserver", cookies={COOKIE: plain})
    assert who(tossed) is None


def test_an_invitation_is_used_once_however_many_try(either_house: House) -> None:
    """Eight browsers at once: one has the account. A newer invitation ends the older, an expired one opens nothing."""
    house = either_house
    made = invite(house.store, "anna", 60)

    def accept(turn: int) -> int:
        headers = {"X-Invitation": made.secret}
        answer = house.browser().post("/v1/invitation", json={"password": f"password {turn}"}, headers=headers)
        return int(answer.status_code)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(accept, range(8))) == [201] + [404] * 7
    assert list_sign_ins(house.store, 9)[0].sessions == 1

    older, newer = invite(house.store, "ANNA", 60), invite(house.store, "anna", 60, known=True)
    expired = invite(house.store, "ben", -1)
    for secret in (older.secret, expired.secret, "cmi_none", "\u00ff"):
        check_problem(house.browser().get("/v1/invitation", headers={"X-Invitation": secret.encode("latin-1")}), 404)
        with house.store.write_transaction() as connection:
            assert accept_invitation(connection, secret, "hash") is None
    assert house.browser().get("/v1/invitation", headers={"X-Invitation": newer.secret}).json() == {"user": "anna"}
    assert house.store.n_users() == 2
    with pytest.raises(SettingError, match="'anna' can sign in already"):
        invite(house.store, "Anna", 60, known=False)
    with pytest.raises(UnknownIdError, match="nobody signs in as 'cleo'"):
        invite(house.store, "cleo", 60, known=True)


def test_a_new_invitation_replaces_the_password_only_when_it_is_used(house: House) -> None:
    """Until then the old password works; then all sessions of before have ended."""
    before = house.member()
    made = invite(house.store, "anna", 60)
    assert house.sign_in().status_code == 201
    house.browser().post("/v1/invitation", json={"password": "another horse"}, headers={"X-Invitation": made.secret})
    assert who(before) is None
    assert (house.sign_in().status_code, house.sign_in(password="another horse").status_code) == (401, 201)


def test_wrong_names_and_wrong_passwords_are_answered_alike(house: House) -> None:
    """Also for a user who hasn't chosen a password. The audit log has no name that nobody has."""
    house.member()
    invite(house.store, "ben", 60)
    answers = [house.sign_in(name, "wrong horse") for name in ("anna", "ben", "my own passw0rd")]
    assert {(answer.status_code, answer.content) for answer in answers} == {(401, answers[0].content)}
    assert "set-cookie" not in answers[0].headers
    lines = [(line.what, line.user) for line in list_audit(house.store, AuditFilter(), 3)]
    assert lines == [
        ("was refused to sign in as somebody unknown", None),
        ("was refused to sign in as user", "ben"),
        ("was refused to sign in as user", "anna"),
    ]


def test_hostile_names_and_passwords_are_refused_and_break_nothing(either_house: House) -> None:
    """A hostile password is answered as a wrong one or as no text; a huge one before it is hashed."""
    either_house.member()
    unseen = ("\0", "a\0b", "\ud800", "an\u202ena", "𝔞" * 200, "a/b")
    for name in (*unseen, "anna\n", "' or 1=1 --"):
        sent = json.dumps({"name": name, "password": name}).encode()
        answer = either_house.browser().post("/v1/session", content=sent, headers={"Content-Type": "application/json"})
        assert answer.status_code in (401, 422), name
    for name in unseen:
        with pytest.raises(SettingError):
            check_name(name)
    began = time.process_time()
    for size in (257, 400_000):
        check_problem(either_house.sign_in("anna", "x" * size), 422)
    check_problem(either_house.sign_in("x" * 201), 422)
    assert time.process_time() - began < 1


def test_a_name_is_the_same_in_all_its_forms() -> None:
    """Case, width and composition don't count; an ID of the training data keeps its form."""
    assert fold_name(" ＺＯＥ̈ ") == fold_name("zoë") == "zoë"
    assert fold_name("STRASSE") == fold_name("straße")
    assert check_name("12.0") == "12"
    assert check_name(" Zoë ") == "Zoë"
    with pytest.raises(SettingError, match="1 to 64 characters"):
        check_name("")


def test_passwords_are_the_same_from_every_keyboard(house: House) -> None:
    """Composed and decomposed letters are the same; spaces and NUL count."""
    house.member(password="pässwörter \0")
    assert house.sign_in(password="pa\u0308sswo\u0308rter \0").status_code == 201
    assert house.sign_in(password="pässwörter ").status_code == 401


def test_many_wrong_passwords_are_ten_a_minute(settings: ServiceSettings) -> None:
    """From one address, or for one name from many: the others are refused unhashed, and the log says so."""
    store = Store.open(settings.db)
    key = create_key(store, "admin")
    invite(store, "anna", 60)
    app = create_app(replace(settings, proxies=("127.0.0.1",)))
    with TestClient(app, client=("127.0.0.1", 1)) as client:

        def guess(turn: int, name: str, address: str) -> int:
            body = {"name": name, "password": f"guess {turn}"}
            return int(client.post("/v1/session", json=body, headers={"X-Forwarded-For": address}).status_code)

        one = [guess(turn, f"name {turn}", "192.0.2.1") for turn in range(30)]
        many = [guess(turn, "ANNA" if turn % 2 else "anna", f"198.51.100.{turn % 200}") for turn in range(120)]
        metrics = client.get("/metrics", headers={"X-API-Key": key}).text
    for codes in (one, many):
        assert codes[:10] == [401] * 10
        assert 10 <= codes.count(401) < 40
        assert codes.count(401) + codes.count(429) == len(codes)
    limited = many.count(429) + one.count(429)
    assert f'cinematrix_sign_ins_total{{outcome="limited"}} {limited}.0' in metrics
    store.close()


def test_a_guess_costs_the_same_for_names_that_nobody_has(
    settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the real costs the processor's time for both differs by less than a fifth."""
    monkeypatch.undo()
    store = Store.open(settings.db)
    create_key(store, "admin")
    with TestClient(create_app(replace(settings, sign_ins=1000)), headers=PAGE) as client:
        headers = {"X-Invitation": invite(store, "anna", 60).secret}
        client.post("/v1/invitation", json={"password": PASSWORD}, headers=headers)
        client.post("/v1/session", json={"name": "nobody", "password": PASSWORD})
        spent = {"anna": [], "nobody": []}  # type: dict[str, list[float]]
        for _ in range(3):
            for name, times in spent.items():
                began = time.process_time()
                assert client.post("/v1/session", json={"name": name, "password": "wrong horse"}).status_code == 401
                times.append(time.process_time() - began)
    known, unknown = (min(times) for times in spent.values())
    assert known > 0.03
    assert abs(known - unknown) < 0.2 * known
    store.close()


def test_sign_ins_wait_for_each_other_and_for_nobody_else(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """One is hashed at a time, fifteen may wait, further ones get a 503; a search is answered meanwhile."""
    house.member()
    release, running, most = Event(), 0, 0

    def stuck(hashed: str | None, password: str) -> bool:
        nonlocal running, most
        running += 1
        most = max(most, running)
        assert release.wait(60)
        running -= 1
        return False

    monkeypatch.setattr(passwords, "_verify", stuck)
    with ThreadPoolExecutor(30) as pool:
        tries = [pool.submit(house.sign_in) for _ in range(30)]
        refused = [each.result().status_code for each in islice(as_completed(tries), 30 - passwords.MAX_WAITING)]
        assert house.admin("GET", "/v1/movies?query=x").status_code == 200
        release.set()
        codes = [each.result().status_code for each in tries]
    assert refused == [503] * len(refused)
    assert codes.count(401) == passwords.MAX_WAITING
    assert most == 1


def test_no_secret_of_signing_in_is_stored_or_logged(
    settings: ServiceSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither password, invitation nor session; the password's hash says how it was made."""
    caplog.set_level(logging.DEBUG)
    store = Store.open(settings.db)
    create_key(store, "admin")
    made = invite(store, "anna", 60)
    with TestClient(create_app(settings), headers=PAGE) as client:
        headers = {"X-Invitation": made.secret}
        client.get(f"/v1/movies/{made.secret}/similar")
        client.post("/v1/invitation", json={"password": PASSWORD}, headers=headers)
        session = client.cookies[COOKIE]
    with store.engine.connect() as connection:
        (row,) = connection.execute(SIGN_INS.select()).all()
    assert row.password.startswith("$argon2id$v=19$")
    exported = json.dumps(list_sign_ins(store, 1)[0]._asdict())
    store.close()
    file = settings.db.removeprefix("sqlite:///")
    stored = b"".join(path.read_bytes() for path in Path(file).parent.glob("*.db*"))
    log = "\n".join(map(JsonFormatter().format, caplog.records))
    for secret in (PASSWORD, made.secret, session):
        assert secret.encode() not in stored
        assert secret not in log + exported


def test_a_browser_without_use_makes_room(house: House) -> None:
    """A user has fifty sessions at most; the one used least recently ends."""
    invite(house.store, "anna", 60)
    with house.store.write_transaction() as connection:
        secrets = [start_session(connection, "anna", DAY_MS) for _ in range(MAX_SESSIONS)]
        now = round(time.time() * 1000)
        connection.execute(update(SESSIONS).values(used=now))
        connection.execute(update(SESSIONS).where(SESSIONS.c.hash == hash_secret(secrets[7])).values(used=now - 1))
        start_session(connection, "anna", DAY_MS)
    alive = [find_session(house.store, secret, DAY_MS) is not None for secret in secrets]
    assert alive == [turn != 7 for turn in range(MAX_SESSIONS)]
    assert remove_sign_in(house.store, "anna")


def test_a_key_or_a_token_counts_before_the_cookie(house: House) -> None:
    """A wrong one is refused even beside a good session; a good one says who calls."""
    browser = house.member()
    check_problem(browser.get("/v1/me", headers={"X-API-Key": "cmx_wrong"}), 401)
    check_problem(browser.get("/v1/me", headers={"Authorization": "Bearer cmt_wrong"}), 401)
    assert browser.get("/v1/me", headers={"X-API-Key": house.key}).json()["role"] == "admin"
