"""Tests of the page's words in Node and in its source: the same keys in all languages, and no other texts."""

import ast
import json
import re
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


def test_manifests_differ_in_their_words_only() -> None:
    """An installed page has the name, the icons and the shortcuts of the English manifest in each language."""
    english = json.loads((PAGE / "manifest.webmanifest").read_text("utf-8"))
    for language in set(LANGUAGES) - {"en"}:
        other = json.loads((PAGE / "words" / f"{language}.webmanifest").read_text("utf-8"))
        assert (other["lang"], other["name"]) == (language, english["name"])
        assert [icon["src"] for icon in other["icons"]] == [f"../{icon['src']}" for icon in english["icons"]]
        assert [each["url"] for each in other["shortcuts"]] == [each["url"] for each in english["shortcuts"]]
        assert other.keys() == english.keys()


LITERAL = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?P<text>(?:[^"\\\n]|\\.)*)"|`(?P<template>(?:[^`\\]|\\.)*)`'
    r"|/(?![/*])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*(?=[\s.,;)\]])",
    re.DOTALL,
)
"""A comment, a literal or a regular expression in a module; comments and expressions are found to pass over them."""

SPEECH = re.compile(r"^\W*[A-Z][a-z]+\b|[A-Za-z]{2,}[,.:]? [a-z]{2,}")
"""Two words, or one that begins with a capital letter."""

CLASSES = re.compile(r'\bclass(?:Name)?(?::| =) (?:[^,`"}\n]|"[^"\n]*"|`[^`\n]*`)*')
"""The value of a class attribute."""

CODE = re.compile(
    r"(from |import\(|\.key(\.startsWith\(| === )|closest\(|querySelectorAll\(|matchMedia\(|CONTROLS = |rel: "
    r"|AspectRatio: |headers(\.get\(|\[)|types\.includes\()$"
)
"""Code before a literal that nobody reads."""

NAMES = {
    *("Bearer ", "Cinematrix", " · Cinematrix", "Deutsch", "English", "Idempotency-Key", "Ctrl+Z", "primary danger"),
    *("Comedy", "Drama", "Film-Noir", "Sci-Fi", "film noir", "(no genres listed)", "no year", "Enter"),
}
"""Names, genres of the catalog, and values."""

WITHOUT_SPEECH = {"title-words.js": "words of titles", "theme.js": "runs first", "worker.js": "runs without a page"}
"""Modules that say nothing, and why they aren't read."""


def speech(path: Path) -> list[str]:
    """Return the literals of a module that look like words for people."""
    text = CLASSES.sub("", path.read_text("utf-8"))
    if path.name == "bring.js":
        text = re.sub(r"const SITES = \{.*?\};", "", text, flags=re.DOTALL)
    found = []
    for match in LITERAL.finditer(text):
        said = re.sub(r"\$\{[^}]*\}", "", match["text"] or match["template"] or "")
        if SPEECH.search(said) and said not in NAMES and not CODE.search(text[: match.start()]):
            found.append(said)
    return found


@pytest.mark.parametrize("folder", [".", "parts", "views"])
def test_modules_have_no_words_of_their_own(folder: str) -> None:
    """All texts that people read are in `words/`. Single words in small letters are found by the evening in German."""
    modules = [path for path in sorted((PAGE / folder).glob("*.js")) if path.name not in WITHOUT_SPEECH]
    assert {path.name: said for path in modules if (said := speech(path))} == {}


def test_words_of_a_module_are_found(tmp_path: Path) -> None:
    """The search for words finds a sentence, a label and a template, and no comment, class or selector."""
    module = tmp_path / "module.js"
    module.write_text(
        """/** Not this. */ import { x } from "./Some name.js"; // nor this one
        element("p", { class: on ? "card large" : "card", "aria-label": "Label" }, `Has ${n} films`, "one two");
        document.querySelectorAll("main li"); const pattern = /"No text"/;""",
        "utf-8",
    )
    assert speech(module) == ["Label", "Has  films", "one two"]
