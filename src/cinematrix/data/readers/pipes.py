"""Pipes in place of files, such as the `<(zcat ratings.csv.gz)` of a shell.

Detection reads the beginning of a file several times, and a pipe can be read only once. So a pipe is copied to disk.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory


@dataclass
class _Copies:
    """Copies by pipe, and the stack that deletes them."""

    files: dict[Path, Path] = field(default_factory=dict)
    stack: ExitStack = field(default_factory=ExitStack)


_COPIES: ContextVar[_Copies | None] = ContextVar("copies of pipes", default=None)


@contextmanager
def copying_pipes() -> Iterator[None]:
    """Let `on_disk` copy pipes; the copies are deleted at the end of the outermost block.

    A pipe that is read again in a later block is a new one: a named pipe may have a new writer.
    """
    if _COPIES.get() is not None:
        yield
        return
    copies = _Copies()
    token = _COPIES.set(copies)
    try:
        with copies.stack:
            yield
    finally:
        _COPIES.reset(token)


def on_disk(path: Path) -> Path:
    """Return the file to read at `path`: itself, or the copy of a pipe.

    Raises:
        OSError: the pipe can't be read, or its copy can't be written.
    """
    copies = _COPIES.get()
    if copies is None or not path.is_fifo():
        return path
    if path not in copies.files:
        copy = Path(copies.stack.enter_context(TemporaryDirectory(prefix="cinematrix-pipe-"))) / "content"
        with path.open("rb") as pipe, copy.open("wb") as file:
            shutil.copyfileobj(pipe, file)
        copies.files[path] = copy
    return copies.files[path]
