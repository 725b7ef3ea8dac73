"""Path of the Chromium that the page is tested in, or None, and its options."""

import shutil

CHROMIUM = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)
MISSING = "Chromium isn't installed: run `make browser`, or install the package chromium"

DISABLED = (
    "AimEnabled", "AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose", "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "LensOverlay", "MediaRouter",
    "NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch", "TcpPortRandomizationWin",
    "ThirdPartyStoragePartitioning",
    "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", "WebUIOmniboxPopup",
)  # fmt: skip
"""Features that are off: those that Playwright disables, whose list ours replaces, and pages of the address bar.

The address bar's suggestions are pages that each window loads, at the cost of the tested page itself.
"""

OPTIONS = ("--no-sandbox", "--disable-gpu-rasterization", f"--disable-features={','.join(DISABLED)}")
"""Options of the browser. Without a graphics card, the GPU's rasterization is a slower one on the processor."""
