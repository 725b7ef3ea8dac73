"""Users and the audit log, as an admin asks for them."""

from typing import Any

from starlette.testclient import TestClient


def test_users_and_the_audit_log_are_paged(client: TestClient, model: Any, unseen: int) -> None:
    """Users with counts and last activity; lines by user, by who and by time, for deleted users too."""

    def ask(path: str, **query: Any) -> Any:
        answer = client.get(f"/v1/admin/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    user, second, third = map(int, model.data.users.ids[3:6])
    for each in (user, second, third):
        client.put(f"/v1/users/{each}/ratings/{unseen}", json={"rating": 4.5})
        client.post("/v1/tokens", json={"user": each})
    first = ask("users", n=2)
    rest = ask("users", n=2, after=first["next"])
    assert sorted(row["user"] for row in first["users"] + rest["users"]) == [user, second, third]
    assert rest["next"] is None
    assert {(row["ratings"], row["events"], row["tokens"]) for row in first["users"]} == {(1, 0, 1)}
    assert all(row["active"] >= row["created"] for row in first["users"])

    client.delete(f"/v1/users/{user}")
    about = ask("audit", user=user)["lines"]
    assert [line["what"] for line in about] == ["deleted user", "made a token of user"]
    assert {line["user"] for line in about} != {user}
    (other,) = ask("audit", user=second)["lines"]
    assert other["user"] == second
    newest = ask("audit", n=1)
    assert newest["lines"] == about[:1]
    assert ask("audit", before=newest["next"])["lines"][0]["line"] < newest["next"]
    assert ask("audit", who="key nobody") == {"lines": [], "next": None}
    assert ask("audit", until=other["at"])["lines"][:1] != [other]
    assert other in ask("audit", since=other["at"])["lines"]
