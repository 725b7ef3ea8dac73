"""The browser that the page is tested in, if it is here."""

import shutil

CHROMIUM = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)
MISSING = "there is no Chromium: run `make browser`, or install the package chromium"
