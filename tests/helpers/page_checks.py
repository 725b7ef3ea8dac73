"""Checks of what a page shows: axe's rules, and a picture in a contrast theme."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import axe_playwright_python
import numpy as np
from PIL import Image
from playwright.sync_api import Page

SCRIPT = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")

COLOURS = ("color-contrast",)
"""The rules that a dark scheme may break by itself."""

AXE_JS = """rules => axe.run(document, {runOnly: rules, resultTypes: ["violations"]}).then(({violations}) =>
  violations.map(({id, nodes}) => `${id}: ${nodes[0].html.slice(0, 200)}`))"""

BOXES_JS = """() => [...document.querySelectorAll("button, select, summary, a[href], .strip, .track, .bar, "
    + "input:not([type=radio], [type=file], [type=range])")]
  .filter((each) => !each.closest(".quiet") && each.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }))
  .map((each) => ({ each, box: each.getBoundingClientRect() }))
  .filter(({ each, box: { left, top, right, bottom, width, height } }) => width > 3 && height > 3
    && left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight
    && each.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2)))
  .map(({ each, box }) => [each.outerHTML.slice(0, 160), Math.floor(box.left), Math.floor(box.top),
    Math.ceil(box.right), Math.ceil(box.bottom)])"""
"""Script that returns the controls that are on the screen and covered by nothing, with their boxes in pixels."""

MIN_CONTRAST = 60
"""Minimum difference of the lightest and the darkest pixel of a control, of 255."""


def find_violations(page: Page, rules: Sequence[str] = RULES) -> list[str]:
    """Return what breaks WCAG 2.2 AA or axe's best practices, or some rules only, with the first element."""
    if page.evaluate("!window.axe"):
        page.evaluate(SCRIPT)
    broken: list[str] = page.evaluate(AXE_JS, list(rules))
    return broken


def find_invisible(page: Page) -> list[str]:
    """Return the controls that a contrast theme makes invisible, by a picture of the screen."""
    page.emulate_media(forced_colors="active")
    picture = np.asarray(Image.open(BytesIO(page.screenshot())).convert("L"), np.int16)
    boxes = page.evaluate(BOXES_JS)
    assert boxes
    return [html for html, left, top, right, bottom in boxes if np.ptp(picture[top:bottom, left:right]) < MIN_CONTRAST]
