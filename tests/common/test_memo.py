"""Results that live as long as their argument: `cinematrix.common.memo`."""

import pickle

from cinematrix.common.memo import WeakMemo


class Argument:
    """Something with an identity."""


def test_a_result_is_computed_once_and_dropped_with_its_argument() -> None:
    """Each argument has its own result. A copy starts empty, and nothing is left of a deleted argument."""
    memo, calls = WeakMemo[Argument, int](), []

    def compute(argument: Argument) -> int:
        calls.append(id(argument))
        return len(calls)

    first, second = Argument(), Argument()
    assert [memo.get(first, compute), memo.get(second, compute), memo.get(first, compute)] == [1, 2, 1]
    assert pickle.loads(pickle.dumps(memo)).get(first, compute) == 3
    del first, second
    assert memo.get(Argument(), compute) == 4
    assert len(memo._results) == 0
