"""Memory of this process."""

import sys
from pathlib import Path


def read_peak_megabytes() -> float:
    """Return the peak memory of this process in MB.

    On Linux it is `VmHWM`, because `getrusage` starts from the parent's memory at the fork.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text("ascii", "replace").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
