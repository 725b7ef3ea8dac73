"""Path of the Chromium that the page is tested in, or None."""

import shutil

CHROMIUM = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)
MISSING = "Chromium isn't installed: run `make browser`, or install the package chromium"
