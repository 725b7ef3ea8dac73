"""`cinematrix key` as a user runs it."""

import json
import time
from pathlib import Path

from typer.testing import CliRunner

from cinematrix.cli.main import app


def test_keys_are_created_listed_and_revoked(tmp_path: Path) -> None:
    """The list names roles, expiry and last use, and never shows a secret; an unknown name is an error."""
    db, runner = ["--db", f"sqlite:///{tmp_path}/store.db"], CliRunner()
    assert "no keys" in runner.invoke(app, ["key", "list", *db]).output
    made = runner.invoke(app, ["key", "create", "--role", "admin", "--name", "shop", "--expires", "1d", *db, "--json"])
    secret = json.loads(made.output)["key"]
    assert secret.startswith("cmx_")
    table = runner.invoke(app, ["key", "list", *db]).output
    assert "shop" in table
    assert "never" in table
    assert secret not in table
    (listed,) = json.loads(runner.invoke(app, ["key", "list", *db, "--json"]).output)
    assert (listed["name"], listed["role"], listed["used"]) == ("shop", "admin", None)
    assert abs(listed["expires"] / 1000 - time.time() - 86_400) < 60
    for wrong in (["--name", "shop"], ["--name", "a b"], ["--expires", "soon"]):
        assert runner.invoke(app, ["key", "create", *wrong, *db]).exit_code != 0
    revoked = runner.invoke(app, ["key", "revoke", "shop", *db])
    assert revoked.exit_code == 0
    assert "no key now" in revoked.output
    assert runner.invoke(app, ["key", "revoke", "shop", *db]).exit_code != 0
