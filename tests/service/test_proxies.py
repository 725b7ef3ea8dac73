"""Clients behind trusted proxies, and headers of everybody else."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from cinematrix.common.text import parse_network
from cinematrix.errors import SettingError
from cinematrix.service.app import create_app
from cinematrix.service.peers import read_peer
from cinematrix.service.proxies import ProxyMiddleware
from cinematrix.service.settings import ServiceSettings
from cinematrix.store.keys import create_key
from cinematrix.store.records import Store
from places import ROOT

PROXIES = ("10.0.0.0/8", "127.0.0.1/32", "fd00::/8")
FOR, STANDARD, PROTO = "x-forwarded-for", "forwarded", "x-forwarded-proto"


def client_of(peer: str, *headers: tuple[str, str]) -> tuple[str, str]:
    """Return the address and the scheme that the app is told of a request."""
    told: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        told.append(scope)

    sent = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    scope = {"type": "http", "client": (peer, 1), "scheme": "http", "headers": sent}
    asyncio.run(ProxyMiddleware(app, PROXIES)(scope, None, None))  # type: ignore[arg-type]
    return read_peer(told[0]), told[0]["scheme"]


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ([(FOR, "192.0.2.7")], "192.0.2.7"),
        ([(FOR, "192.0.2.7:4711")], "192.0.2.7"),
        ([(FOR, "2001:db8::7")], "2001:db8::7"),
        ([(FOR, "[2001:db8::7]:4711")], "2001:db8::7"),
        ([(FOR, "::ffff:192.0.2.7")], "192.0.2.7"),
        ([(FOR, "6.6.6.6, 192.0.2.7, 10.1.1.1")], "192.0.2.7"),
        ([(FOR, "6.6.6.6, 192.0.2.7"), (FOR, "10.1.1.1,fd00::9")], "192.0.2.7"),
        ([(FOR, "10.9.9.9, 10.1.1.1")], "10.9.9.9"),
        ([(FOR, "127.0.0.1, 192.0.2.7")], "192.0.2.7"),
        ([(FOR, "127.0.0.1")], "forwarded"),
        ([(FOR, "::1, 10.1.1.1")], "forwarded"),
        ([(FOR, "192.0.2.7, unknown")], "10.0.0.2"),
        ([(FOR, "192.0.2.7, unknown, 10.1.1.1")], "10.1.1.1"),
        ([(FOR, "192.0.2.7,")], "10.0.0.2"),
        ([(FOR, "1" * 3_000)], "10.0.0.2"),
        ([(FOR, "6.6.6.6, " * 1_000 + "192.0.2.7")], "10.0.0.2"),
        ([(STANDARD, "for=192.0.2.7")], "192.0.2.7"),
        ([(STANDARD, 'For="[2001:db8::7]:4711";by=10.0.0.2')], "2001:db8::7"),
        ([(STANDARD, 'for="192.0.2.7:1" ; host="a,b;for=6.6.6.6"')], "192.0.2.7"),
        ([(STANDARD, "for=6.6.6.6, for=192.0.2.7;by=x, for=10.1.1.1")], "192.0.2.7"),
        ([(STANDARD, 'for=192.0.2.7, for="_hidden"')], "10.0.0.2"),
        ([(STANDARD, 'for=192.0.2.7, for="10.1.1.1')], "10.0.0.2"),
        ([(STANDARD, "for=192.0.2.7 junk")], "10.0.0.2"),
        ([(STANDARD, "by=192.0.2.7")], "10.0.0.2"),
        ([(STANDARD, "for=192.0.2.7"), (FOR, "192.0.2.7")], "192.0.2.7"),
        ([(STANDARD, "for=6.6.6.6"), (FOR, "192.0.2.7")], "10.0.0.2"),
        ([(STANDARD, "junk"), (FOR, "192.0.2.7")], "10.0.0.2"),
        ([], "10.0.0.2"),
    ],
)
def test_a_trusted_proxy_names_the_client(headers: list[tuple[str, str]], client: str) -> None:
    """Read from the right, through trusted proxies; what can't be read or is doubtful names nobody."""
    assert client_of("10.0.0.2", *headers)[0] == client


@pytest.mark.parametrize("peer", ["192.0.2.9", "2001:db8::9", "11.0.0.2", "unknown", ""])
@pytest.mark.parametrize("header", [(FOR, "10.1.1.1, 6.6.6.6"), (STANDARD, "for=6.6.6.6;proto=https")])
def test_headers_of_others_are_ignored(peer: str, header: tuple[str, str]) -> None:
    """The peer stays the client, and the scheme is that of the connection."""
    assert client_of(peer, header, (PROTO, "https")) == (peer, "http")


def test_the_proxy_names_the_scheme() -> None:
    """By X-Forwarded-Proto or Forwarded; another word is ignored."""
    assert client_of("10.0.0.2", (FOR, "192.0.2.7"), (PROTO, "https")) == ("192.0.2.7", "https")
    assert client_of("::ffff:10.0.0.2", (STANDARD, "for=192.0.2.7;proto=HTTPS")) == ("192.0.2.7", "https")
    assert client_of("10.0.0.2", (FOR, "192.0.2.7"), (PROTO, "javascript")) == ("192.0.2.7", "http")


@given(st.sampled_from([FOR, STANDARD]), st.text(st.characters(max_codepoint=255), max_size=60))
def test_any_junk_is_read(name: str, text: str) -> None:
    """Nothing that a client sends through the proxy fails, or changes what the proxy appends."""
    appended = "192.0.2.7" if name == FOR else "for=192.0.2.7"
    quotes = text.count('"')  # an open quotation swallows what follows
    if name == FOR or not quotes:
        assert client_of("10.0.0.2", (name, f"{text},{appended}"))[0] == "192.0.2.7"
    assert client_of("10.0.0.2", (name, text))[1] == "http"


@pytest.mark.parametrize("text", ["10.0.0.0/33", "nginx", "10.0.0.1/8", ""])
def test_a_wrong_network_is_refused(text: str) -> None:
    """It is neither an address nor a network."""
    with pytest.raises(SettingError, match="isn't an IP address or network"):
        parse_network(text)


def test_the_documented_proxy_sets_what_is_read() -> None:
    """The nginx of deploy/ sets or empties each header that is believed, so that no visitor can write one."""
    lines = (ROOT / "deploy" / "nginx.conf").read_text("utf-8").lower()
    believed = (FOR, PROTO, STANDARD, "x-request-id", "traceparent")
    assert all(f"proxy_set_header {name} " in lines for name in believed)


@pytest.mark.fault(47)
def test_visitors_behind_a_proxy_have_limits_of_their_own(settings: ServiceSettings) -> None:
    """One uses up their limit and the other is served; one who isn't behind the proxy can't use names of others."""
    store = Store.open(settings.db)
    create_key(store, "read")
    store.close()
    app = create_app(replace(settings, public=True, visits=2, proxies=PROXIES))

    def ask(client: TestClient, address: str) -> int:
        return client.get("/v1/movies?query=x", headers={FOR: address}).status_code

    with TestClient(app, client=("127.0.0.1", 1)) as proxy:
        assert [ask(proxy, "192.0.2.1") for _ in range(3)] == [200, 200, 429]
        assert [ask(proxy, f"192.0.2.{n}, 2001:db8::{n}") for n in range(1, 4)] == [200, 200, 429]
        assert ask(proxy, "192.0.2.2") == 200
        stranger = TestClient(app, client=("203.0.113.5", 1))
        assert [ask(stranger, f"198.51.100.{n}") for n in range(3)] == [200, 200, 429]


def test_a_proxy_never_makes_a_visitor_local(settings: ServiceSettings) -> None:
    """While there is no key, nobody who comes through a proxy is an admin, whatever address is named."""
    app = create_app(replace(settings, proxies=PROXIES))
    with TestClient(app, client=("127.0.0.1", 1)) as proxy:
        assert proxy.get("/v1/me").status_code == 200
        for address in ("127.0.0.1", "::1", "192.0.2.1", "unknown", ""):
            assert proxy.get("/v1/me", headers={FOR: address}).status_code == 401
            assert proxy.get("/v1/me", headers={STANDARD: f'for="{address}"'}).status_code == 401
