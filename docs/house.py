"""Drawing of the packages and their imports, as Graphviz text; `reference.py` writes it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import cinematrix

SOURCE = Path(cinematrix.__file__).parent

Edges = dict[str, set[str]]


def draw_packages() -> str:
    """Return the graph: an arrow from each package to those that it imports, without arrows that follow from others."""
    edges = package_imports()
    shown = [(package, other) for package in edges for other in sorted(edges[package]) if direct(edges, package, other)]
    lines = [f'  "{package}" -> "{other}";' for package, other in shown]
    head = '  node [shape=box, style="rounded,filled", fillcolor="#eef2f7", color="#5b6b7f", fontname="sans-serif"];'
    return "\n".join(["digraph packages {", head, '  edge [color="#5b6b7f", arrowsize=0.7];', *lines, "}"]) + "\n"


def package_imports() -> Edges:
    """Return the packages that each package imports, imports inside functions included."""
    edges: Edges = {}
    for path in sorted(SOURCE.rglob("*.py")):
        package = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        if package not in ("__init__", "quick_tour"):  # both go through the front door
            edges.setdefault(package, set()).update(set(imported(path)) - {package})
    return edges


def imported(path: Path) -> Iterator[str]:
    """Yield the packages of Cinematrix that a file imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [each.name for each in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            parts = name.split(".")
            if parts[0] == "cinematrix" and len(parts) > 1:
                yield parts[1]


def direct(edges: Edges, package: str, other: str) -> bool:
    """Return whether no longer way leads from one package to the other."""
    waiting, reached = list(edges[package] - {other}), set()
    while waiting:
        at = waiting.pop()
        if at not in reached:
            reached.add(at)
            waiting += edges.get(at, ())
    return other not in reached
