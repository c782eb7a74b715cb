"""What real values tell of the values a column may have."""

import numpy as np

from t2sampler.constraints._columns import Between, OneOf
from t2sampler.constraints._functions import read_codes

CONSTANT_ROWS = 100  # fewer equal values do not tell that no other occurs


def mean_excess(values):
    """Return the mean by which the √n largest of n >= 2 values exceed the next one."""
    n_tail = min(int(np.ceil(np.sqrt(len(values)))), len(values) - 1)
    tail = np.partition(values, len(values) - n_tail - 1)[-n_tail - 1 :]
    return max(0.0, tail[1:].mean() - tail[0])


def find_range(column, codes, margin):
    """Return the rule on a column's values in a list, empty where they tell of none.

    Parameters
    ----------
    column : ColumnSchema
    codes : float ndarray of shape (n_rows,)
    margin : float
        So many mean excesses of its tail a bound reaches beyond the real values.

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
        column.low - margin * mean_excess(-present),
        column.high + margin * mean_excess(present),
    )
    low, high = read_codes(column, _round_inwards(column, *bounds))
    return [Between(column.name, low, high)]


def _round_inwards(column, low, high):
    """Keep bounds on their side of zero and on the column's unit."""
    step = column.grid.step
    if column.kind != "datetime":
        zero = -column.origin / 1e9
        low = max(low, zero) if column.low >= zero else low
        high = min(high, zero) if column.high <= zero else high
    if column.kind == "number":
        step = 10.0**-column.grid.decimals if step else 0.0
    if step:
        low, high = np.ceil(low / step) * step, np.floor(high / step) * step
        low, high = np.round([low, high], column.grid.decimals)
    return min(low, column.low), max(high, column.high)
