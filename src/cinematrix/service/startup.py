"""Garbage-collector and allocator tuning for the server process."""

import ctypes
import gc
import sys

MALLOPT_ARENA_MAX = -8
"""glibc's `mallopt` parameter for the maximum number of heaps (arenas)."""


def share_one_heap() -> None:
    """Let all threads use one heap, so that none keeps freed memory in its own. To call before the first thread starts.

    A heap that is there stays. Importing Polars starts threads, so this comes before it.
    """
    if mallopt := _find_libc_function("mallopt"):
        mallopt(MALLOPT_ARENA_MAX, 1)


def pause_garbage_collector() -> None:
    """Disable the garbage collector until `freeze_loaded_objects`.

    Nothing loaded at startup is garbage, and checking that takes a tenth of the startup time.
    """
    gc.disable()


def freeze_loaded_objects(*, replaced: bool = False) -> None:
    """Exempt all loaded objects from garbage collection and return free memory to the system.

    Otherwise the collector would stop all requests for a tenth of a second now and then.

    Args:
        replaced: a model was replaced, which has reference cycles; so objects frozen before are collected once.
    """
    if replaced:
        gc.unfreeze()
        gc.collect()
    gc.freeze()
    gc.enable()
    return_free_memory()


def return_free_memory() -> None:
    """Return free memory to the system: what lists took while they were computed."""
    if trim := _find_libc_function("malloc_trim"):
        trim(0)


def _find_libc_function(name: str) -> "ctypes._NamedFuncPointer | None":
    """Return a function of glibc; None if the C library doesn't have it."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
