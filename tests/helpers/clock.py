"""Fake wall clock for a server process, which a test can set forward and back.

libfaketime 0.9.10 can't be used: with an unchanged monotonic clock, `time.sleep` fails under it and each request takes
a tenth of a second.
"""

import struct
from pathlib import Path

from shims import compile_shim

SHIM = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const double *ahead;

__attribute__((constructor)) static void begin(void) {
    int file = open(getenv("CLOCK"), O_RDONLY);
    ahead = mmap(0, sizeof(double), PROT_READ, MAP_SHARED, file, 0);
    close(file);
}

int clock_gettime(clockid_t which, struct timespec *out) {
    long failed = syscall(SYS_clock_gettime, which, out);
    if (failed || (which != CLOCK_REALTIME && which != CLOCK_REALTIME_COARSE) || !ahead) return (int)failed;
    long long now = out->tv_sec * 1000000000LL + out->tv_nsec + (long long)(*ahead * 1e9);
    out->tv_sec = now / 1000000000LL;
    out->tv_nsec = now % 1000000000LL;
    return 0;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return out ? (*out = now.tv_sec) : now.tv_sec;
}
"""
"""C functions that shift the wall clock by the seconds in a file and leave the monotonic clock unchanged."""


class ShiftedClock:
    """Wall clock shifted by the seconds in a file in `folder`.

    Attributes:
        ahead: seconds ahead of the real clock.
    """

    def __init__(self, folder: Path) -> None:
        self._file, self._shim = folder / "ahead", compile_shim(SHIM, folder / "clock.so")
        self._file.write_bytes(bytes(8))
        self.ahead = 0.0

    def shift_to(self, ahead: float) -> None:
        """Set the clock `ahead` seconds ahead of the real one, at once for all its processes."""
        self.ahead = ahead
        with self._file.open("r+b") as file:
            file.write(struct.pack("d", ahead))

    def surroundings(self) -> dict[str, str]:
        """Return the environment variables for a process to use this clock."""
        return {"LD_PRELOAD": str(self._shim), "CLOCK": str(self._file)}
