"""Garbage-collector and allocator tuning for the server process."""

import ctypes
import gc
import sys

MALLOPT_ARENA_MAX = -8
"""The number by which glibc's `mallopt` calls how many heaps threads may have."""


def limit_malloc_arenas() -> None:
    """Let threads share two heaps: each would keep what it once needed for itself."""
    if mallopt := _find_libc_function("mallopt"):
        mallopt(MALLOPT_ARENA_MAX, 2)


def pause_garbage_collector() -> None:
    """Let the garbage collector rest until `freeze_loaded_objects`: nothing that is loaded now is garbage, and it takes a tenth of the
    time to find that out."""
    gc.disable()


def freeze_loaded_objects() -> None:
    """Take what has been loaded for granted.

    The garbage collector won't look through it any more, for which it would stop every request for a tenth of a second
    now and then; and memory that only the loading needed goes back. What was taken for granted before is looked through
    this once: of a model that was replaced some parts hold each other.
    """
    if gc.get_freeze_count():
        gc.unfreeze()
        gc.collect()
    gc.freeze()
    gc.enable()
    if trim := _find_libc_function("malloc_trim"):
        trim(0)


def _find_libc_function(name: str) -> "ctypes._NamedFuncPointer | None":
    """A function of glibc; None where there is another library of C."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
