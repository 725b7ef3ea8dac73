"""`cinematrix serve`: its options reach the service, from wherever they are."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cinematrix.cli.main import app
from cinematrix.errors import SettingError
from cinematrix.service.settings import ServiceSettings, list_service_settings
from places import ROOT

WITH_TEXT = {"model": "folder", "db": "sqlite:///other.db", "address": "::1", "log-level": "error"}
"""Values of the options that aren't numbers."""


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[ServiceSettings]:
    """Settings of the services that were started."""
    started: list[ServiceSettings] = []
    monkeypatch.setattr("cinematrix.service.server.serve", lambda settings, **_: started.append(settings))
    return started


def test_every_option_of_the_file_reaches_the_service(tmp_path: Path, served: list[ServiceSettings]) -> None:
    """Each has another value than the default in a file, and has it in the settings; flags and environment win."""
    special = WITH_TEXT | {"host-name": ["films.example"], "proxy": ["10.0.0.0/8"], "public": True, "tmdb-key": "k"}
    special |= {"posters": str(tmp_path), "candidate": str(tmp_path), "refit-every": "2h"}
    special |= {"log-form": "text", "otel-endpoint": "http://127.0.0.1:4318/v1/traces"}
    lines, expected = [], {}
    for each in list_service_settings():
        value = special.get(each.name)
        if value is None:
            low, high = each.about.low or 0, each.default + 1 if each.about.high is None else each.about.high
            others = (each.default + 1, each.default - 1, low, high)
            value = next(other for other in others if other != each.default and low <= other <= high)
        expected[each.name] = value
        lines.append(f"{each.name} = {each.read(value, '') if each.kind in (int, float) else repr(value).lower()}")
    (tmp_path / "c.toml").write_text("\n".join(lines))
    command = ["serve", "--config", str(tmp_path / "c.toml"), "--reads", "7"]
    result = CliRunner().invoke(app, command, env={"CINEMATRIX_WRITES": "8", "CINEMATRIX_READS": "9"})
    assert result.exit_code == 0, result
    settings = served[0]
    assert (settings.reads, settings.writes) == (7, 8)
    assert settings.hosts == ("127.0.0.1", "localhost", "::1", "films.example")
    assert settings.posters is not None
    for each in list_service_settings():
        if each.name not in ("reads", "writes", "host-name"):
            owner = next(part for part in (settings, settings.store, settings.posters) if _owns(part, each))
            assert str(each.read(expected[each.name], "")) == str(getattr(owner, each.field)), each.name


def _owns(part: object, setting: object) -> bool:
    from cinematrix.common.options import list_settings

    return setting in list_settings(type(part))


def test_the_configuration_is_shown_without_secrets(tmp_path: Path, served: list[ServiceSettings]) -> None:
    """Each line says where it is from; nothing is started."""
    env = {"CINEMATRIX_TMDB_KEY": "0123456789", "CINEMATRIX_DB": "postgresql://me:hush@host/x"}
    result = CliRunner().invoke(app, ["serve", str(tmp_path), "--show-config", "--port", "80", "--public"], env=env)
    assert result.exit_code == 0
    assert "port = 80  # --port" in result.output
    assert "public = true  # --public" in result.output
    assert "reads = 30000  # default" in result.output
    assert '# db = "postgresql://me:***@host/x"  # CINEMATRIX_DB' in result.output
    assert '# tmdb-key = "***"  # CINEMATRIX_TMDB_KEY' in result.output
    assert "hush" not in result.output
    assert "0123456789" not in result.output
    assert not served


def test_errors_name_the_option(tmp_path: Path) -> None:
    """A wrong flag and a wrong environment variable are named, and so is a missing model."""
    for words, env, message in (
        ([str(tmp_path), "--port", "70000"], {}, "--port: 70000 isn't valid; give a whole number from 1 to 65535"),
        ([str(tmp_path)], {"CINEMATRIX_PROXY": "10.0.0.0/33"}, "CINEMATRIX_PROXY: .*give IP addresses or networks"),
        ([], {}, "no model is given"),
    ):
        error = CliRunner().invoke(app, ["serve", *words], env=env).exception
        assert isinstance(error, SettingError)
        with pytest.raises(SettingError, match=message):
            raise error


def test_no_option_is_ignored() -> None:
    """Each is read somewhere in the program, by the name of its field."""
    program = "".join(file.read_text("utf-8") for file in (ROOT / "src" / "cinematrix").rglob("*.py"))
    assert [each.name for each in list_service_settings() if not re.search(rf"\.{each.field}\b", program)] == []
