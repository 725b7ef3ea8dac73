"""Memory of results that live as long as their argument."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

Argument = TypeVar("Argument", bound=Hashable)
Result = TypeVar("Result")


class WeakMemo(Generic[Argument, Result]):
    """Results by the identity of their argument, dropped with it.

    A result must not refer to its argument, or both would stay. Two threads may compute the same result; one is kept.
    """

    def __init__(self) -> None:
        self._results: WeakKeyDictionary[Argument, Result] = WeakKeyDictionary()

    def get(self, argument: Argument, compute: Callable[[Argument], Result]) -> Result:
        """Return the result for `argument`, computed at the first call."""
        result = self._results.get(argument)
        if result is None:
            result = compute(argument)
            self._results[argument] = result
        return result

    def __reduce__(self) -> tuple[type, tuple[()]]:
        """Copy without the results, which belong to arguments in this process."""
        return WeakMemo, ()
