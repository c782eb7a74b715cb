"""Bounds or levels of one column."""

import numpy as np
from scipy.optimize import brentq

from t2sampler.constraints._columns import Between, OneOf
from t2sampler.constraints._infer_dependencies import decode_values

CONSTANT_ROWS = 100  # of equal values before other values are excluded


def mean_excess(values):
    """Return the mean by which the √n largest of n >= 2 values exceed the next one."""
    n_tail = count_tail(values)
    # sorted: a partition's order, hence a sum's last digit, depends on the processor
    tail = np.sort(values)[-n_tail - 1 :]
    return max(0.0, tail[1:].mean() - tail[0])


def count_tail(values):
    """Return how many of n >= 2 values are the tail: √n, and not all."""
    return min(int(np.ceil(np.sqrt(len(values)))), len(values) - 1)


def bound_distance(values, margin):
    r"""Return how far a bound lies beyond the largest of n >= 2 values.

    .. math:: k r \bar e \quad\text{where}\quad
              \sum_{j=1}^k \log\left(1 + \frac{j}{j + 1} r\right) = m

    for margin m and the mean excess :math:`\bar e` of the k values of the tail. If the
    tail is exponential, a further value is larger than the largest with probability
    1/(n + 1), and beyond the bound with :math:`e^{-m}` times that. The bound is wider
    when the tail has fewer values, since their mean is less certain. (Both the largest
    value and the mean are sums of Rényi's independent spacings.)
    """
    n_tail = count_tail(values)
    shares = np.arange(1, n_tail + 1) / np.arange(2, n_tail + 2)

    def exceed(u):  # r = e^u - 1, which brackets the root whatever the margin
        return np.logaddexp(np.log1p(-shares), np.log(shares) + u).sum() - margin

    return n_tail * np.expm1(brentq(exceed, -1, margin + 1)) * mean_excess(values)


def find_bounds(column, codes, margin):
    """Return the rule on a column's values in a list, which may be empty.

    Parameters
    ----------
    column : ColumnSchema
    codes : float ndarray of shape (n_rows,)
    margin : float
        See `bound_distance`.

    Returns
    -------
    rules : list of Between or OneOf
    """
    if not column.is_numeric:
        return [OneOf(column.name, column.levels)]
    present = codes[~np.isnan(codes)]
    if column.kind == "number" and set(np.unique(present)) == {0, 1}:
        return [OneOf(column.name, (0, 1))]
    if column.low == column.high and len(present) < CONSTANT_ROWS:
        return []
    bounds = (
        column.low - bound_distance(-present, margin),
        column.high + bound_distance(present, margin),
    )
    low, high = decode_values(column, _round_inwards(column, *bounds))
    return [Between(column.name, low, high)]


def _round_inwards(column, low, high):
    """Return bounds on their side of zero and on the column's unit."""
    step = column.grid.step
    if column.kind != "datetime":
        zero = -column.origin / 1e9  # codes count from the origin, in nanoseconds
        low = max(low, zero) if column.low >= zero else low
        high = min(high, zero) if column.high <= zero else high
    if column.kind == "number":
        step = 10.0**-column.grid.decimals if step else 0.0
    if step:
        low, high = np.ceil(low / step) * step, np.floor(high / step) * step
        low, high = np.round([low, high], column.grid.decimals)
    return min(low, column.low), max(high, column.high)
