"""Options: their sources in order, their errors, and their table."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from cinematrix.common.option_sources import build, choose, describe
from cinematrix.common.options import check_options, list_settings, option
from cinematrix.errors import SettingError


@dataclass(frozen=True)
class Oven:
    """Settings of an oven."""

    heat: int = option("Heat.", 180, unit="degrees", low=50, high=300)
    top_heat: bool = option("Heat from above.", False)
    hours: float = option("Time.", 0.5, low=0)
    dishes: tuple[str, ...] = option("Dish.", (), name="dish")
    mode: str = option("Mode.", "air", choices=("air", "grill"))
    book: Path | None = option("Cookbook.", None)
    url: str = option("Shop.", "https://me:hush@shop.example/x", secret=True)
    pin: str = option("PIN.", "", secret=True)

    def __post_init__(self) -> None:
        check_options(self)


SETTINGS = list_settings(Oven)


def write(folder: Path, text: str) -> Path:
    """Write a configuration file."""
    file = folder / "oven.toml"
    file.write_text(text)
    return file


def test_a_flag_comes_before_the_environment_the_file_and_the_default(tmp_path: Path) -> None:
    """Each value has its source, and what is shown is a file that says the same."""
    file = write(tmp_path, 'heat = 60\nhours = 2\ndish = ["pie", "cake"]\ntop-heat = true\nmode = "grill"\npin = "9"\n')
    flags = {"heat": "100", "top_heat": False, "dish": None}
    environment = {"CINEMATRIX_HEAT": "90", "CINEMATRIX_HOURS": "1.5", "CINEMATRIX_MODE": ""}
    chosen = choose(SETTINGS, flags, environment, file)
    found = {each.setting.name: (each.value, each.source) for each in chosen}
    assert found["heat"] == (100, "--heat")
    assert found["top-heat"] == (False, "--top-heat")
    assert found["hours"] == (1.5, "CINEMATRIX_HOURS")
    assert found["dish"] == (("pie", "cake"), str(file))
    assert found["mode"] == ("grill", str(file))
    assert found["book"] == (None, "default")
    shown = describe(chosen)
    assert "hush" not in shown
    assert '# pin = "***"' in shown
    assert 'url = "https://me:***@shop.example/x"' in shown
    again = choose(SETTINGS, {}, {}, write(tmp_path, shown))
    assert build(Oven, again, pin="9") == build(Oven, chosen)


def test_lists_are_texts_with_commas_in_the_environment() -> None:
    """A repeatable flag gives each value as it is."""
    found = choose(SETTINGS, {}, {"CINEMATRIX_DISH": "pie, cake,"}, None)
    assert found[3].value == ("pie", "cake")
    assert choose(SETTINGS, {"dish": ["pie"]}, {}, None)[3].value == ("pie",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("heat = 20", "heat in .*oven.toml: 20 isn't valid; give a whole number from 50 to 300"),
        ("heat = true", "True isn't valid"),
        ('heat = "hot"', "'hot' isn't valid"),
        ("heat = 60.5", "60.5 isn't valid"),
        ("hours = nan", "nan isn't valid; give a number of at least 0"),
        ("hours = inf", "inf isn't valid"),
        ("top-heat = 1", "1 isn't valid; give true or false"),
        ("dish = [1]", "isn't valid; give a list of texts"),
        ('mode = "steam"', "'steam' isn't valid; give one of air, grill"),
        ("pin = 4711", "pin in .*: the value isn't valid"),
        ("top_heat = true", "there is no option 'top_heat'; the nearest is 'top-heat'"),
        ("[limits]\nheat = 60", "there is no option 'limits'"),
        ("heat = ", "isn't TOML"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """The error names the option, the value, the rule and the file."""
    with pytest.raises(SettingError, match=message):
        choose(SETTINGS, {}, {}, write(tmp_path, text))


def test_other_wrong_values_are_refused(tmp_path: Path) -> None:
    """Flags, variables of the environment and values from Python are checked alike."""
    with pytest.raises(SettingError, match="--heat: 'x' isn't valid"):
        choose(SETTINGS, {"heat": "x"}, {}, None)
    with pytest.raises(SettingError, match="CINEMATRIX_TOP_HEAT: 'maybe' isn't valid; give true or false"):
        choose(SETTINGS, {}, {"CINEMATRIX_TOP_HEAT": "maybe"}, None)
    with pytest.raises(SettingError, match="heat: 10 isn't valid"):
        Oven(heat=10)
    with pytest.raises(SettingError, match="can't be read"):
        choose(SETTINGS, {}, {}, tmp_path / "none.toml")
