"""Page of the HTTP API, made from the service's OpenAPI description; `reference.py` writes it."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cinematrix.service.app import create_app
from cinematrix.service.settings import ServiceSettings

HEAD = """# The HTTP API

Every route with its parameters, body and answer, made from the description that a server sends as `/openapi.json`.
[The HTTP service](service.md) explains the routes by what one wants of them, and who may call them. Errors of all
routes are `application/problem+json`.
"""

Schema = dict[str, Any]


def http_api() -> str:
    """Return the page."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(ServiceSettings(Path(folder, "model"), f"sqlite:///{folder}/store.db"))
        description = app.openapi()
        app.state.service.store.close()
    routes = (
        route(method, path, operation)
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
    )
    bodies = (body(name, schema) for name, schema in sorted(description["components"]["schemas"].items()))
    return "\n\n".join([HEAD.strip(), "## Routes", *routes, "## Bodies and answers", *bodies]) + "\n"


def route(method: str, path: str, operation: Schema) -> str:
    """Return the section of one route."""
    parts = [f"### `{method.upper()} {path}`", operation.get("description") or operation["summary"]]
    if parameters := operation.get("parameters"):
        rows = [parameter(each) for each in parameters]
        parts.append("\n".join(["| parameter | in | type | default | meaning |", "|---|---|---|---|---|", *rows]))
    takes = [kind(each.get("schema", {})) for each in operation.get("requestBody", {}).get("content", {}).values()]
    gives = dict.fromkeys(answer(each) for status, each in operation["responses"].items() if status.startswith("2"))
    told = [f"Body: {', '.join(filter(None, takes)) or 'a file'}."] * bool(takes)
    return "\n\n".join([*parts, " ".join([*told, f"Answer: {' or '.join(gives)}."])])


def answer(response: Schema) -> str:
    """Return the body of a response in words."""
    found = [kind(each.get("schema", {})) or f"`{media}`" for media, each in response.get("content", {}).items()]
    return ", ".join(found) or "no content"


def parameter(given: Schema) -> str:
    """Return the row of a parameter."""
    schema = given["schema"]
    meaning = given.get("description") or schema.get("description", "")
    cells = [f"`{given['name']}`", given["in"], kind(schema), default(schema, given.get("required")), meaning]
    return f"| {' | '.join(map(cell, cells))} |"


def body(name: str, schema: Schema) -> str:
    """Return the section of a body: its meaning and its members."""
    rows = [
        f"| {' | '.join(map(cell, [f'`{key}`', kind(each), each.get('description', '')]))} |"
        for key, each in schema.get("properties", {}).items()
    ]
    table = "\n".join(["| member | type | meaning |", "|---|---|---|", *rows]) if rows else kind(schema)
    return "\n\n".join(filter(None, [f"### {name}", schema.get("description", ""), table]))


def kind(schema: Schema) -> str:
    """Return the type of a value, with its limits; a body of its own as a link."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(kind(each) for each in options))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    limits = " ".join(limit(schema))
    if schema.get("type") == "array":
        return f"list of {kind(schema.get('items', {})) or 'values'}{limits and f' ({limits})'}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"map to {kind(schema['additionalProperties']) or 'values'}"
    return f"{schema.get('type', '')} {limits and f'({limits})'}".strip()


def limit(schema: Schema) -> Iterator[str]:
    """Yield the limits of a value in words."""
    words = {
        "minimum": "≥ {}",
        "exclusiveMinimum": "> {}",
        "maximum": "≤ {}",
        "exclusiveMaximum": "< {}",
        "minLength": "≥ {} characters",
        "maxLength": "≤ {} characters",
        "minItems": "≥ {} items",
        "maxItems": "≤ {} items",
    }
    for key, text in words.items():
        if key in schema:
            yield text.format(f"{schema[key]:,}")


def default(schema: Schema, required: bool | None) -> str:
    """Return a default as Markdown."""
    if required:
        return "required"
    return f"`{schema['default']}`" if schema.get("default") not in (None, "") else ""


def cell(text: str) -> str:
    """Return a text for a cell of a table, in one line."""
    return re.sub(r"\s+", " ", text).replace("|", "\\|")
