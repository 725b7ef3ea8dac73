"""The other side of `processes`: a process that runs the items that it gets, until its parent is gone.

Messages are pickled, on stdin and what was stdout; what libraries print goes to stderr.
"""

import os
import pickle
import sys
import traceback
from queue import SimpleQueue
from threading import Thread
from typing import IO, Any

from cinematrix.common.spread.work import NoteProgress, attempt


def main() -> None:
    """Read the import path and the shared input, then run one item after the other."""
    inbox, outbox = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.path[:] = pickle.load(inbox)
    read, folder = pickle.load(inbox)
    common, jobs = read(folder), SimpleQueue[Any]()
    Thread(target=_receive, args=(inbox, jobs), daemon=True).start()

    def send(message: object) -> None:
        pickle.dump(message, outbox)
        outbox.flush()

    while True:
        function, item = jobs.get()
        send(attempt(function, common, item, NoteProgress(send)))


def _receive(inbox: IO[bytes], jobs: "SimpleQueue[Any]") -> None:
    """Receive functions and items; end this process, whatever it is doing, when the parent has gone."""
    try:
        while True:
            jobs.put(pickle.load(inbox))
    except EOFError:
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
