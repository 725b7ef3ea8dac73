"""`cinematrix user` and `cinematrix audit` as an operator runs them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cinematrix.cli.main import app
from cinematrix.data.ratings import Scale
from cinematrix.store.keys import create_key
from cinematrix.store.records import Rating, Store
from cinematrix.store.sign_ins import find_invitation
from cinematrix.store.tokens import create_token


def run(db: str, *words: str, status: int = 0, **more: Any) -> str:
    """Run a command on a store and return its output."""
    done = CliRunner().invoke(app, [*words, "--db", db], **more)
    assert done.exit_code == status, (done.output, done.exception)
    return done.output


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_users_are_listed_exported_and_deleted(kind: str, tmp_path: Path, database: Callable[[str], str]) -> None:
    """With counts and last activity, page by page; a deletion is that of the API, and the audit log finds it by ID."""
    db = f"sqlite:///{tmp_path}/store.db" if kind == "sqlite" else database(kind)
    store = Store.open(db)
    store.fix_scale(Scale(0.5, 5, 0.5))
    with store.write_transaction() as connection:
        store.rate(connection, [Rating("ann", "m", 9), Rating("ann", "gone", None), Rating("ben", "m", 2)])
        store.note(connection, "ann", "seen film", "seen", given=1_700_000_000)
    create_token(store, "ann", 1, "key shop")
    ann, ben = json.loads(run(db, "user", "list", "--json"))
    assert (ann["user"], ann["ratings"], ann["events"], ann["tokens"]) == ("ann", 1, 1, 1)
    assert (ben["ratings"], ben["events"], ben["tokens"]) == (1, 0, 0)
    assert ann["active"] >= ann["created"] > 0
    page = run(db, "user", "list", "-n", "1")
    assert "ann" in page
    assert "2 users in all" in page
    assert "ben" in run(db, "user", "list", "--after", "ann")

    found = json.loads(run(db, "user", "export", "ann"))
    assert [(row["movie"], row["rating"]) for row in found["ratings"]] == [("gone", None), ("m", 4.5)]
    assert found["event_times"] == {"seen": {"seen film": 1_700_000_000}}
    assert [line["what"] for line in found["audit"]] == ["made a token of user"]

    run(db, "user", "delete", "ann", input="n\n", status=1)
    assert store.n_users() == 2
    assert "deleted user ann" in run(db, "user", "delete", "ann", "--yes")
    assert store.n_users() == 1
    assert not store.erasing
    run(db, "user", "delete", "ann", "--yes", status=1)
    run(db, "user", "export", "ann", status=1)
    run(db, "user", "delete", "cleo", "--yes", "--trained")
    assert store.revision("cleo").forgotten
    lines = json.loads(run(db, "audit", "--user", "ann", "--json"))
    assert [(line["who"], line["what"]) for line in lines] == [
        ("command line", "deleted user"),
        ("key shop", "made a token of user"),
    ]
    assert {line["user"] for line in lines} == {store.pseudonym("ann")}
    store.close()
    if kind == "sqlite":
        assert all(b"ann" not in path.read_bytes() for path in tmp_path.iterdir())


def test_the_audit_log_is_filtered(tmp_path: Path) -> None:
    """By who did it and by time; a time that is none, or a store that isn't there, is an error."""
    db = f"sqlite:///{tmp_path}/store.db"
    run(db, "audit", status=1)
    assert not (tmp_path / "store.db").exists()
    store = Store.open(db)
    for name in ("one", "two"):
        create_key(store, "read", name, who="key boss" if name == "two" else "command line")
    store.close()
    table = run(db, "audit", "--who", "key boss", "--since", "1h")
    assert "made key two" in table
    assert "made key one" not in table
    assert "no such lines" in run(db, "audit", "--until", "2026-01-01")
    assert len(json.loads(run(db, "audit", "-n", "1", "--json"))) == 1
    run(db, "audit", "--since", "yesterday", status=1)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_users_are_let_in_and_shut_out(kind: str, tmp_path: Path, database: Callable[[str], str]) -> None:
    """`add` prints a link that ends, `invite` a new one, `list --sign-in` who they are, `remove` ends it."""
    db = f"sqlite:///{tmp_path}/store.db" if kind == "sqlite" else database(kind)
    printed = run(db, "user", "add", "Anna", "--url", "https://films.example/", "--expires", "1h")
    link, *about = printed.splitlines()
    assert link.startswith("https://films.example/?view=signin#invitation=cmi_")
    assert "It works once, and isn't shown again." in about[0]
    assert "The store has no key" in about[1]
    store = Store.open(db)
    assert find_invitation(store, link.partition("=cmi_")[2]) is None
    assert find_invitation(store, f"cmi_{link.partition('=cmi_')[2]}") == "Anna"
    create_key(store, "admin")
    run(db, "user", "add", "ANNA", status=1)
    run(db, "user", "add", "a/b", status=1)
    run(db, "user", "add", "ben", "--expires", "soon", status=1)
    renewed = json.loads(run(db, "user", "invite", "anna", "--json"))
    assert renewed["user"] == "Anna"
    assert find_invitation(store, f"cmi_{link.partition('=cmi_')[2]}") is None
    assert find_invitation(store, renewed["link"].rpartition("=")[2]) == "Anna"
    run(db, "user", "invite", "ben", status=1)
    (row,) = json.loads(run(db, "user", "list", "--sign-in", "--json"))
    assert (row["user"], row["password"], row["invited_until"]) == ("Anna", False, renewed["expires"])
    assert "Anna" in run(db, "user", "list", "--sign-in")
    assert json.loads(run(db, "user", "export", "Anna"))["sign_in"]["user"] == "Anna"
    assert "can't sign in any more" in run(db, "user", "remove", "anna")
    run(db, "user", "remove", "anna", status=1)
    assert "nobody signs in" in run(db, "user", "list", "--sign-in")
    assert store.n_users() == 1
    store.close()
