"""Erasure of a user: their ID is in no file of the store afterwards."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import insert

from cinematrix.store.impressions import Impression, save_impressions
from cinematrix.store.records import Rating, Store
from cinematrix.store.refits import find_forgotten_users, save_suspects
from cinematrix.store.settings import StoreSettings
from cinematrix.store.sqlite import DRIVER
from cinematrix.store.tables import TRIALS
from cinematrix.store.tokens import create_token, revoke_tokens
from old_stores import OLD_STORES, restore

USER = "lena-0473-x"


def count_bytes(folder: Path, user: str = USER) -> dict[str, int]:
    """Return how often an ID is in each file of a folder."""
    found = {file.name: file.read_bytes().count(user.encode()) for file in folder.iterdir() if file.is_file()}
    return {name: n for name, n in found.items() if n}


def fill(store: Store) -> None:
    """Write for many users in random order, so that pages are split, and for the user among them in every table."""
    rng = np.random.default_rng(1)
    for turn in range(120):
        users = [USER if turn % 3 == 0 else f"user-{number}" for number in rng.integers(0, 300, 40).tolist()]
        with store.write_transaction() as connection:
            movies = rng.integers(0, 4_000, 40).tolist()
            store.rate(connection, [Rating(user, f"m{movie}", 7) for user, movie in zip(users, movies, strict=True)])
            for user, movie in zip(users[:5], movies, strict=False):
                store.note(connection, user, f"m{movie}", "seen")
            store.remember(connection, f"key {turn}", b"x", "{}", set(users))
    for _ in range(3):
        create_token(store, USER, 1, "key shop")
    revoke_tokens(store, USER, f"user {USER}")
    create_token(store, USER, 1, "key shop")
    save_suspects(store, 1, {USER: "odd"})
    save_impressions(store, [Impression(USER, "main", "v1", "v2", False, ["m1"])])
    with store.write_transaction() as connection:
        connection.execute(insert(TRIALS).values(user=USER, version="v1", against="v2", shown=1, high=1))


@pytest.mark.fault(48)
def test_no_file_has_the_id_of_a_deleted_user(tmp_path: Path) -> None:
    """Neither the database, nor its log, nor the audit log; copies of older versions are gone."""
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    fill(store)
    with (
        closing(DRIVER.connect(tmp_path / "store.db")) as source,
        closing(DRIVER.connect(tmp_path / "store.db.v3")) as to,
    ):
        source.backup(to)
    assert set(count_bytes(tmp_path)) >= {"store.db", "store.db.v3"}
    others = store.n_users(), store.person("user-7")
    store.forget(USER, f"user {USER}")
    assert count_bytes(tmp_path) == {}
    assert (store.n_users() + 1, store.person("user-7")) == others
    assert store.person(USER).forgotten
    assert find_forgotten_users(store, [USER, "user-7"]) == {USER}
    assert store.audit()[-1] == f"deleted user {store.pseudonym(USER)}"
    store.close()
    assert not list(tmp_path.glob("store.db.v*"))


def test_a_reader_only_delays_the_erasure(tmp_path: Path) -> None:
    """While somebody reads an older state the log can't be emptied; then it is."""
    store = Store.open(f"sqlite:///{tmp_path}/store.db", StoreSettings(busy_seconds=0.05))
    fill(store)
    with closing(DRIVER.connect(tmp_path / "store.db")) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from ratings").fetchone()
        store.forget(USER, "key 1")
        assert store.erasing
        reader.rollback()
    store.finish_erasure()
    assert count_bytes(tmp_path) == {}
    store.close()


def test_users_deleted_by_an_earlier_version_get_pseudonyms(tmp_path: Path) -> None:
    """Their IDs go from the list of deleted users and from the audit log; the store is rebuilt."""
    file = tmp_path / "store.db"
    url = restore(next(dump for dump in OLD_STORES if dump.name.startswith("version4")), file)
    with closing(DRIVER.connect(file)) as old:
        old.execute("insert into forgotten values (?)", (USER,))
        for what in ("made a token of", "deleted"):
            old.execute(
                "insert into audit (at, who, what) values (9e12, ?, ?)", (f"user {USER}", f"{what} user {USER}")
            )
        old.commit()
    store = Store.open(url)
    assert count_bytes(tmp_path) == {}
    assert store.person(USER).forgotten
    name = store.pseudonym(USER)
    assert store.audit()[-2:] == [f"made a token of user {name}", f"deleted user {name}"]
    store.close()
