"""A store's disk that breaks or turns read-only under a real server, simulated by preloaded C functions."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from serving import PROGRAM, ServerProcess
from shims import COMPILER, MISSING, compile_shim

SHIM = """
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile const int *fault;

__attribute__((constructor)) static void begin(void) {
    int file = open(getenv("FAULT"), O_RDONLY);
    fault = mmap(0, sizeof(int), PROT_READ, MAP_SHARED, file, 0);
    close(file);
}

static int broken(int file) {
    char link[64], path[4096] = {0};
    if (!fault || !*fault) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    if (readlink(link, path, sizeof path - 1) < 0 || !strstr(path, "store.db")) return 0;
    errno = *fault;
    return 1;
}

ssize_t write(int file, const void *what, size_t size) {
    return broken(file) ? -1 : syscall(SYS_write, file, what, size);
}

ssize_t pwrite(int file, const void *what, size_t size, off_t at) {
    return broken(file) ? -1 : syscall(SYS_pwrite64, file, what, size, at);
}

ssize_t pwrite64(int file, const void *what, size_t size, off_t at) { return pwrite(file, what, size, at); }

int fsync(int file) { return broken(file) ? -1 : (int)syscall(SYS_fsync, file); }

int fdatasync(int file) { return broken(file) ? -1 : (int)syscall(SYS_fdatasync, file); }
"""
"""C functions that fail writes to the store's files with the error number in a file, unless it is 0."""


@pytest.fixture
def fault(tmp_path: Path) -> Path:
    """File with the error number."""
    compile_shim(SHIM, tmp_path / "fault.so")
    (tmp_path / "fault").write_bytes(bytes(4))
    return tmp_path / "fault"


@pytest.fixture
def server(folder: Path, tmp_path: Path, fault: Path) -> Iterator[ServerProcess]:
    """A real server whose disk can break."""
    surroundings = {"LD_PRELOAD": str(fault.with_suffix(".so")), "FAULT": str(fault)}
    db = f"sqlite:///{tmp_path}/store.db"
    with ServerProcess(folder, db, tmp_path / "log", program=PROGRAM, surroundings=surroundings) as server:
        yield server.ready()


def set_fault(fault: Path, number: int) -> None:
    """Let writes fail with an error number from now on; 0: let them succeed."""
    with fault.open("r+b") as file:
        file.write(number.to_bytes(4, "little"))


@pytest.mark.fault(33)
@pytest.mark.skipif(COMPILER is None, reason=MISSING)
def test_a_disk_that_breaks_refuses_writes_and_comes_back(
    server: ServerProcess, fault: Path, user: int, unseen: int
) -> None:
    """On a broken, read-only or full disk each write is a 503 and reads return the acknowledged data; writes succeed
    again after the fault."""
    path = f"/v1/users/{user}/ratings/{unseen}"

    def stored() -> list[float]:
        rows = server.ask("GET", f"/v1/users/{user}/ratings")[1]["ratings"]
        return [row["rating"] for row in rows if row["movie"] == unseen]

    assert server.ask("PUT", path, {"rating": 2})[0] == 201
    for number in (errno.EIO, errno.EROFS, errno.ENOSPC):
        set_fault(fault, number)
        for _ in range(3):
            status, problem = server.ask("PUT", path, {"rating": 4})
            assert (status, problem["detail"]) == (503, "the store isn't available; try again")
            assert stored() == [2.0]
            assert server.ask("GET", f"/v1/users/{user}/recommendations")[0] == 200
        set_fault(fault, 0)
        assert server.ask("PUT", path, {"rating": 3})[0] == 200
        assert stored() == [3.0]
        assert server.ask("PUT", path, {"rating": 2})[0] == 200
