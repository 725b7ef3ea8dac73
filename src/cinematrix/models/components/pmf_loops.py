"""Compiled loops of Gibbs sampling for `pmf`; `pmf_gibbs` explains the computations.

Noise is an argument, so that a loop has no state and NumPy can check it.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit

SPREAD_PRECISION = 10.0
"""Prior precision of the spread of rows around their centers."""

LINK_SPREAD_PRECISION = 100.0
"""Prior precision of the spread of links."""

Function = TypeVar("Function", bound=Callable[..., Any])


def compile_loop(function: Function) -> Function:
    """Compile `function` by Numba, to run in parallel threads; the machine code is cached on disk."""
    return cast(Function, njit(cache=True, nogil=True, error_model="numpy")(function))


@compile_loop
def gather(items: Any, targets: Any, others: Any, gram: Any, linear: Any) -> None:
    """Compute one row's G (its lower triangle) and h."""
    width = len(linear)
    gram[:] = 0
    linear[:] = 0
    for place in range(len(items)):
        other = others[items[place]]
        residual = targets[place] - other[0]
        linear[0] += residual
        gram[0, 0] += 1
        for i in range(1, width):
            linear[i] += other[i] * residual
            gram[i, 0] += other[i]
            for j in range(1, i + 1):
                gram[i, j] += other[i] * other[j]


@compile_loop
def factorize(a: Any) -> None:
    """Replace the lower triangle of `a` by its Cholesky factor."""
    for i in range(len(a)):
        for j in range(i + 1):
            total = a[i, j]
            for k in range(j):
                total -= a[i, k] * a[j, k]
            a[i, j] = np.sqrt(total) if i == j else total / a[j, j]


@compile_loop
def invert(factor: Any, inverse: Any) -> None:
    """Invert a lower triangle."""
    for j in range(len(factor)):
        inverse[j, j] = 1 / factor[j, j]
        for i in range(j + 1, len(factor)):
            total = 0.0
            for k in range(j, i):
                total -= factor[i, k] * inverse[k, j]
            inverse[i, j] = total / factor[i, i]


@compile_loop
def integrate(inverse: Any, linear: Any, precision: Any, curvature: Any, pull: Any) -> None:
    """Compute the likelihood of a row's center with the row integrated out: Λ − ΛA⁻¹Λ, and ΛA⁻¹ times `linear`."""
    width = len(linear)
    pull[:] = 0
    for i in range(width):
        for j in range(i + 1):
            total = 0.0
            for k in range(i, width):
                total += inverse[k, i] * inverse[k, j]
            pull[i] += precision[i] * total * linear[j]
            if i != j:
                pull[j] += precision[j] * total * linear[i]
            curvature[i, j] = curvature[j, i] = -precision[i] * total * precision[j]
        curvature[i, i] += precision[i]


@compile_loop
def gather_rows(
    starts: Any, items: Any, targets: Any, others: Any, noise_precision: float, gram: Any, linear: Any
) -> None:
    """Compute αG (its lower triangle) and αh for each row."""
    for row in range(len(linear)):
        start, end = starts[row], starts[row + 1]
        gather(items[start:end], targets[start:end], others, gram[row], linear[row])
        gram[row] *= noise_precision
        linear[row] *= noise_precision


@compile_loop
def regress_on_deviations(gram: Any, linear: Any, center: Any, deviation: Any, curvature: Any, pull: Any) -> None:
    """Compute the likelihood of factors by which the rows' deviations from their centers are multiplied."""
    width = len(pull)
    curvature[:] = 0
    pull[:] = 0
    for row in range(len(linear)):
        for i in range(width):
            left = linear[row, i]
            for j in range(width):
                cell = gram[row, i, j] if j <= i else gram[row, j, i]
                left -= cell * center[row, j]
                curvature[i, j] += cell * deviation[row, i] * deviation[row, j]
            pull[i] += left * deviation[row, i]


@compile_loop
def condition(factor: Any, linear: Any, precision: Any, curvature: Any, pull: Any) -> None:
    """Replace each row's αG by the Cholesky factor of A, and compute the likelihood of its center."""
    width = len(precision)
    inverse = np.empty((width, width))
    for row in range(len(linear)):
        for i in range(width):
            factor[row, i, i] += precision[i]
        factorize(factor[row])
        invert(factor[row], inverse)
        integrate(inverse, linear[row], precision, curvature[row], pull[row])


@compile_loop
def combine(starts: Any, rows: Any, values: Any, links: Any, n: int) -> Any:
    """Return the sum of the links of each row's features, for one factor."""
    total = np.zeros(n)
    for feature in range(len(links)):
        for place in range(starts[feature], starts[feature + 1]):
            total[rows[place]] += values[place] * links[feature]
    return total


@compile_loop
def draw_spread(part: Any, residual: Any, weight: Any, before: float, noise: float) -> float:
    """Draw the factor by which `part` is multiplied in the rows' centers, where it is `before` now."""
    total, linear = LINK_SPREAD_PRECISION, 0.0
    for row in range(len(part)):
        total += part[row] * part[row] * weight[row]
        linear += part[row] * (residual[row] + weight[row] * part[row] * before)
    return float(linear / total + noise / np.sqrt(total))


@compile_loop
def draw_links(
    curvature: Any, pull: Any, starts: Any, rows: Any, values: Any, families: Any,
    precision: Any, noise: Any, links: Any, center: Any, spread: Any, spread_noise: Any,
) -> None:  # fmt: skip
    """Draw each feature's link to each factor given all others, in turn, then the spread of each family's links.

    `links`, `center` and `spread` are updated.
    """
    n, width = pull.shape
    residual, weight = np.empty(n), np.empty(n)
    for factor in range(width):
        for row in range(n):
            residual[row] = pull[row, factor]
            for other in range(width):
                residual[row] -= curvature[row, factor, other] * center[row, other]
            weight[row] = curvature[row, factor, factor]
        for feature in range(len(families)):
            data_precision, linear = 0.0, 0.0
            for place in range(starts[feature], starts[feature + 1]):
                data_precision += values[place] * values[place] * weight[rows[place]]
                linear += values[place] * residual[rows[place]]
            before = links[feature, factor]
            total = data_precision + precision[families[feature], factor]
            after = (linear + data_precision * before) / total + noise[feature, factor] / np.sqrt(total)
            links[feature, factor] = after
            for place in range(starts[feature], starts[feature + 1]):
                change = values[place] * (after - before)
                residual[rows[place]] -= change * weight[rows[place]]
                center[rows[place], factor] += change
        for family in range(1, len(spread)):
            first, last = np.searchsorted(families, family), np.searchsorted(families, family + 1)
            part = combine(starts[first : last + 1], rows, values, links[first:last, factor], n)
            part /= spread[family, factor]
            after = draw_spread(part, residual, weight, spread[family, factor], spread_noise[family, factor])
            change = after - spread[family, factor]
            residual -= change * part * weight
            center[:, factor] += change * part
            links[first:last, factor] *= after / spread[family, factor]
            spread[family, factor] = after


@compile_loop
def draw_rows(factor: Any, linear: Any, precision: Any, center: Any, noise: Any, drawn: Any) -> None:
    """Draw each row from N(A⁻¹(αh + Λ·center), A⁻¹)."""
    n, width = linear.shape
    half = np.empty(width)
    for row in range(n):
        for i in range(width):
            total = linear[row, i] + precision[i] * center[row, i]
            for j in range(i):
                total -= factor[row, i, j] * half[j]
            half[i] = total / factor[row, i, i]
        for i in range(width - 1, -1, -1):
            total = half[i] + noise[row, i]
            for j in range(i + 1, width):
                total -= factor[row, j, i] * drawn[row, j]
            drawn[row, i] = total / factor[row, i, i]


@compile_loop
def squared_error(starts: Any, items: Any, targets: Any, rows: Any, others: Any) -> float:
    """Return the sum of squared errors of the factorization over all ratings."""
    total = 0.0
    for row in range(len(rows)):
        for place in range(starts[row], starts[row + 1]):
            other = others[items[place]]
            residual = targets[place] - rows[row, 0] - other[0]
            for k in range(1, rows.shape[1]):
                residual -= rows[row, k] * other[k]
            total += residual * residual
    return total
