"""Charts as SVG, drawn as text so that they change with their data alone; readable on light and dark pages."""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

INK, MUTED, GRID = "#1b1f24", "#5b6b7f", "#dde3ea"
COLOURS = ("#5b6b7f", "#c2410c", "#3b82f6")
"""Colours of the lines of a chart."""

WIDTH, ROW, LEFT, RIGHT, TOP, BOTTOM = 640, 20, 190, 40, 38, 34
"""Width of a chart, height of a row, and margins, in pixels."""

Dot = tuple[str, float, bool]
"""Label, value, and True for a hollow dot."""


def draw_dots(title: str, dots: Sequence[Dot]) -> str:
    """Return a chart with a row for each dot, its value beside it."""
    height = TOP + ROW * len(dots) + BOTTOM
    ticks = choose_ticks([value for _, value, _ in dots])
    scale = (WIDTH - LEFT - RIGHT) / (ticks[-1] - ticks[0])
    parts = []
    for tick in ticks:
        x = LEFT + (tick - ticks[0]) * scale
        parts.append(line(x, TOP, x, height - BOTTOM, GRID))
        parts.append(text(x, height - 14, f"{tick:.2f}", MUTED, "middle"))
    for place, (label, value, hollow) in enumerate(dots):
        x, y = LEFT + (value - ticks[0]) * scale, TOP + ROW * (place + 0.5)
        parts.append(line(LEFT, y, x, y, GRID))
        fill = "#ffffff" if hollow else COLOURS[1]
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{fill}" stroke="{COLOURS[1]}" stroke-width="1.5"/>'
        )
        parts.append(text(LEFT - 8, y + 4, label, INK, "end"))
        parts.append(text(x + 8, y + 4, f"{value:.3f}", MUTED, "start"))
    return frame(title, height, parts)


def draw_lines(title: str, at: Sequence[float], lines: Mapping[str, Sequence[float]], height: int = 260) -> str:
    """Return a chart with a line for each series, labelled at its end, over the places `at`."""
    ticks = choose_ticks([value for values in lines.values() for value in values])
    left, right = 50, WIDTH - 90
    across = (right - left) / (max(at) - min(at))
    up = (height - TOP - BOTTOM) / (ticks[-1] - ticks[0])
    parts = []
    for tick in ticks:
        y = height - BOTTOM - (tick - ticks[0]) * up
        parts += [line(left, y, right, y, GRID), text(left - 8, y + 4, f"{tick:.2f}", MUTED, "end")]
    for place in at:
        parts.append(text(left + (place - min(at)) * across, height - 14, f"{place:g}", MUTED, "middle"))
    for (name, values), colour in zip(lines.items(), COLOURS, strict=False):
        points = [
            (left + (place - min(at)) * across, height - BOTTOM - (value - ticks[0]) * up)
            for place, value in zip(at, values, strict=True)
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
        parts.append(text(points[-1][0] + 8, points[-1][1] + 4, name, colour, "start"))
    return frame(title, height, parts)


def choose_ticks(values: Sequence[float]) -> list[float]:
    """Return round numbers, 0.02 or a multiple apart, the first below and the last above all values."""
    step = next(step for step in (0.02, 0.05, 0.1, 0.5, 1.0) if (max(values) - min(values)) / step <= 10)
    first, last = int(min(values) // step), int(max(values) // step) + 1
    return [round(place * step, 10) for place in range(first, last + 1)]


def line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    """Return a thin line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def text(x: float, y: float, words: str, colour: str, anchor: str, weight: str = "normal") -> str:
    """Return words at a place; `anchor` is start, middle or end."""
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} fill="{colour}" font-weight="{weight}">{escape(words)}</text>'


def frame(title: str, height: int, parts: Sequence[str]) -> str:
    """Return the picture on a light ground, which both themes show alike."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="12" role="img">'
    )
    ground = f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#ffffff"/>'
    named = [f"<title>{escape(title)}</title>", ground, text(16, 22, title, INK, "start", "bold")]
    return "\n".join([head, *named, *parts, "</svg>"]) + "\n"
