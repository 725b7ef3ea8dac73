"""Draw the page's icons as PNG from `icon.svg`, for installing the page: `python docs/icons.py`.

The maskable icon fills its square, and its drawing stays inside the circle that every mask leaves: 80 % of the width.
"""

from pathlib import Path
from shutil import which

from playwright.sync_api import sync_playwright

PAGE = Path(__file__).parents[1] / "src" / "cinematrix" / "page"
ICONS = {"icon-192.png": (192, 1.0), "icon-512.png": (512, 1.0), "icon-maskable-512.png": (512, 0.8)}
"""Width of each icon in pixels, and the share of it that the drawing fills."""


def main() -> None:
    """Draw all icons."""
    drawing = (PAGE / "icon.svg").read_text("utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which("chromium"), args=["--no-sandbox"])
        for name, (width, share) in ICONS.items():
            page = browser.new_page(viewport={"width": width, "height": width})
            margin = round(width * (1 - share) / 2)
            ground = "#1b1714" if share < 1 else "transparent"
            style = f"margin:0;background:{ground};padding:{margin}px;box-sizing:border-box;width:{width}px"
            page.set_content(f'<body style="{style}">{drawing}</body>')
            page.screenshot(path=PAGE / name, omit_background=True)
            print(f"{name}: {(PAGE / name).stat().st_size:,} bytes")
        browser.close()


if __name__ == "__main__":
    main()
