"""Measure the frame times of the taste map: all movies of a model in Chromium, dragged and zoomed at every frame.

    python benchmarks/frames.py MODEL

The map is drawn on a canvas without a graphics card, by the processor alone, as on a weak machine. Measured per frame
are the time that the page's own code draws, and the time since the frame before; 60 frames a second are 16.7 ms each.
"""

import argparse
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

from results import markdown, put
from servers import serving_model

SIZES = {"desk, 1,280 × 900": (1280, 900), "phone, 360 × 780": (360, 780)}
FRAMES = 240
"""Frames per measurement."""

MOVES = {
    "all films, dragged": (1, "0"),
    "zoomed in eight times, dragged": (8, "0"),
    "zoomed in and out": (1, "(n % 40 < 20 ? -60 : 60)"),
}
"""Initial zoom, and the wheel's turn at frame n in JavaScript; with 0 the map is dragged."""

FILM = """async ([zoom, turning, frames]) => {
  const canvas = document.querySelector("canvas.map"), box = canvas.getBoundingClientRect();
  const at = { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2, pointerId: 1, bubbles: true };
  const wheel = (deltaY) => canvas.dispatchEvent(new WheelEvent("wheel", { ...at, deltaY, cancelable: true }));
  canvas.setPointerCapture = () => {};
  wheel(-Math.log(zoom) / 0.002);
  const frame = () => new Promise(requestAnimationFrame);
  const turn = new Function("n", `return ${turning}`);
  await frame(); await frame();
  if (!turn(0)) canvas.dispatchEvent(new PointerEvent("pointerdown", at));
  const drawn = [], apart = [];
  const plain = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (paint) => plain((now) => {
    const started = performance.now();
    paint(now);
    drawn.push(performance.now() - started);
  });
  let last = await new Promise(plain);
  for (let n = 0; n < frames; n += 1) {
    const slip = 60 * Math.sin(n / 12), there = { ...at, clientX: at.clientX + slip, clientY: at.clientY + slip / 2 };
    if (turn(0)) wheel(turn(n));
    else canvas.dispatchEvent(new PointerEvent("pointermove", there));
    const now = await new Promise(plain);
    apart.push(now - last);
    last = now;
  }
  window.requestAnimationFrame = plain;
  if (!turn(0)) canvas.dispatchEvent(new PointerEvent("pointercancel", at));
  return { drawn, apart };
}"""
"""JavaScript that moves the map before each frame and times its drawing."""


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    options = parser.parse_args()
    with serving_model(options.model) as url:
        put(["## Frames of the taste map", table(f"{url}/?view=map")])


def table(address: str) -> str:
    """Return a table with a row per window size and movement."""
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which("chromium"), args=["--no-sandbox"])
        for size, (width, height) in SIZES.items():
            for what, (zoom, turning) in MOVES.items():
                page = browser.new_page(viewport={"width": width, "height": height})
                page.goto(address)
                page.wait_for_selector("canvas.map", timeout=60_000)
                page.wait_for_load_state("networkidle")
                rows.append(row(f"{size}: {what}", page.evaluate(FILM, [zoom, turning, FRAMES])))
                page.close()
        browser.close()
    return markdown(["", "drawing, median ms", "95 %", "between frames, median ms", "95 %", "frames a second"], rows)


def row(what: str, found: dict[str, Any]) -> list[str]:
    """Return a row of the table."""
    times = [f"{np.quantile(found[name], q):.1f}" for name in ("drawn", "apart") for q in (0.5, 0.95)]
    return [what, *times, f"{1000 / np.mean(found['apart']):.0f}"]


if __name__ == "__main__":
    main()
