"""Tests of the page's words in Node and in its source: the same keys in all languages, and no other texts."""

import ast
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import cinematrix

SOURCE = Path(cinematrix.__file__).parent
PAGE = SOURCE / "page"
LANGUAGES = sorted(path.stem for path in (PAGE / "words").glob("*.js") if path.stem != "formats")
NODE = shutil.which("node")

NOT_ASKED = ("admin_keys.py", "candidate.py", "server.py")
"""Modules whose errors the page never gets."""

needs_node = pytest.mark.skipif(NODE is None, reason="node isn't here")

SCRIPT = """
import { makeFormats } from "PAGE/words/formats.js";
const shapes = {};
const shape = (value) => typeof value === "function" ? value.length
  : typeof value === "object" ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shape(each)]))
  : value === "" ? "nothing said" : "text";
for (const language of LANGUAGES) {
  const { makeWords } = await import(`PAGE/words/${language}.js`);
  const { answers, ...words } = makeWords(makeFormats(language));
  shapes[language] = { words: shape(words), answers: Object.keys(answers) };
}
const { number, oneDecimal, signed, percent, count, list, longDay } = makeFormats("de");
const films = { one: "Film", other: "Filme" };
const said = [number(12345.67), oneDecimal(4), signed(-0.84), percent(0.126), count(1, films), count(2000, films),
  list(["a", "b", "c"]), longDay(Date.UTC(2024, 2, 5, 12)), makeFormats("de-CH").oneDecimal(4)];
const { because, film, watchlist, questions } = (await import("PAGE/words/de.js")).makeWords(makeFormats("de"));
const sentences = [because.youGave("Se7en", "5 ★", "Krimi, 1990er").join(""), film.stars(1), film.stars(4.5),
  watchlist.lead(3, 12), questions.left(1), questions.left(2)];
console.log(JSON.stringify({ shapes, said, sentences }));
"""


@pytest.fixture(scope="module")
def words() -> dict[str, Any]:
    """The shapes of all languages' words, and examples."""
    assert NODE
    script = SCRIPT.replace("PAGE", PAGE.as_uri()).replace("LANGUAGES", json.dumps(LANGUAGES))
    done = subprocess.run([NODE, "--input-type=module"], input=script, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@needs_node
def test_languages_have_the_same_keys(words: dict[str, Any]) -> None:
    """Each language has each key of English, as a text or as a function of as many values, and no other."""
    assert LANGUAGES == ["de", "en"]
    english = words["shapes"]["en"]["words"]
    assert "nothing said" not in json.dumps(english)
    for language in LANGUAGES:
        assert words["shapes"][language]["words"] == english, language


@needs_node
def test_german_is_written_as_german(words: dict[str, Any]) -> None:
    """Numbers, dates, lists and plurals are the language's; the region's where it differs."""
    blank = "\u00a0"
    assert words["said"] == [
        "12.345,7", "4,0", "−0,8", f"13{blank}%", "1 Film", "2.000 Filme", "a, b und c", "5. März 2024", "4.0",
    ]  # fmt: skip
    assert words["sentences"] == [
        "Weil du Se7en mit 5 ★ bewertet hast: Krimi, 1990er", "1 Stern", "4,5 Sterne",
        "3 von 12 Filmen, das Beste für dich zuerst",
        "Bewerte, was du gesehen hast. Nach einem weiteren Film kommt deine Liste.",
        "Bewerte, was du gesehen hast. Nach zwei weiteren Filmen kommt deine Liste.",
    ]  # fmt: skip


def text_of(node: ast.expr) -> str | None:
    """Return a text in Python source, with `{}` for each value in it; None for anything else."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def sentences() -> tuple[set[str], set[str]]:
    """Return all texts in the server's source, and those of errors that the page may get."""
    texts, errors = set(), set()
    for path in [path for folder in ("service", "importers") for path in (SOURCE / folder).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            texts |= {text_of(node)} if isinstance(node, ast.expr) else set()
            called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            if called in {"Problem", "DataError", "UnknownFormError"} and path.name not in NOT_ASKED:
                errors |= {text_of(each) for each in node.args}
    return {text for text in texts if text}, {text for text in errors if text}


@needs_node
def test_answers_are_those_of_the_server(words: dict[str, Any]) -> None:
    """Each language but English says each error that the page may get, and nothing that the server doesn't say."""
    texts, errors = sentences()
    assert len(errors) > 60
    assert words["shapes"]["en"]["answers"] == []
    for language in set(LANGUAGES) - {"en"}:
        answers = set(words["shapes"][language]["answers"])
        assert answers - texts == set(), language
        assert errors - answers == set(), language
