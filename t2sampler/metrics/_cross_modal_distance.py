"""Cross-modal distance: how far the joint distribution of two columns is off."""

from collections.abc import Sized
from numbers import Integral

import numpy as np

from t2sampler._params import Interval, validate_params
from t2sampler.exceptions import SchemaError
from t2sampler.metrics._metric import scored
from t2sampler.metrics._tables import open_tables


@scored(goal="lower", low=0, high=1)
@validate_params(
    {"n_bins": [Interval(Integral, 2, None, closed="left")]},
    prefer_skip_nested_validation=True,
)
def cross_modal_distance(real, synthetic, columns, *, n_bins=10):
    r"""Measure how far the joint distribution of two columns is from the real one.

    The total variation between the joint distributions, by which H-TDBU checks that the
    rows of a table and their texts agree ("XModal"):

    .. math:: D = \frac12 \sum_{a, b} |p_r(a, b) - p_s(a, b)|

    where :math:`p(a, b)` is the share of real (r) or synthetic (s) rows with level a of
    the first and b of the second column. Numbers and dates of more than ``n_bins``
    distinct real values are put into bins that hold equally many real ones; a missing
    value is a level of its own.

    In [0, 1], lower is better. Two samples of one population are about
    :math:`\sqrt{k / (\pi n)}` apart with k cells of like size and n rows each, not 0.
    The paper states this formula, but its published code averages the differences of
    :math:`p(b \mid a)` over the cells, so published values are not comparable.

    Parameters
    ----------
    real, synthetic : dataframe or array of shape (n_rows, n_columns)
        Same columns, of any type, with missing values or without. A text must be given
        by a property of it, such as its sentiment.
    columns : pair of column names
        Positions for arrays.
    n_bins : int >= 2, default=10

    Returns
    -------
    float

    Raises
    ------
    SchemaError
        The columns differ, a table has no rows, or one of the two columns is not there
        or holds free text or identifiers.

    See Also
    --------
    correlation_distance : All pairs of columns, by the strength of association.

    Notes
    -----
    Linear in the rows. All rows are used.

    References
    ----------
    .. [1] "Hierarchical Synthetic Tabular Data Generation: A Hybrid Top-Down and
       Bottom-Up Framework", ICML, 2026, arXiv:2605.28198.

    Examples
    --------
    Both columns are right on their own, but no row is:

    >>> import pandas as pd
    >>> from t2sampler.metrics import cross_modal_distance
    >>> real = pd.DataFrame({"paid": [0, 1], "mood": ["sad", "glad"]})
    >>> turned = pd.DataFrame({"paid": [0, 1], "mood": ["glad", "sad"]})
    >>> cross_modal_distance(real, turned, ("paid", "mood"))
    1.0
    """
    tables = open_tables(real=real, synthetic=synthetic)
    cells = [0] * len(tables.codes)
    for position in _find(columns, tables.schema):
        is_numeric = tables.schema.columns[position].is_numeric
        sides = [codes[:, position] for codes in tables.codes]
        levels = _put_into_bins(sides, n_bins) if is_numeric else sides
        # `unique` takes NaNs for equal, so missing values are one level.
        names, levels = np.unique(np.concatenate(levels), return_inverse=True)
        levels = np.split(levels, [len(sides[0])])
        # Number the cells of the contingency table row by row.
        cells = [
            cell * len(names) + level for cell, level in zip(cells, levels, strict=True)
        ]
    shares = [
        np.bincount(side, minlength=1 + max(map(np.max, cells))) / len(side)
        for side in cells
    ]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def _find(columns, schema):
    """Return the positions of two columns."""
    known = schema.names
    is_several = isinstance(columns, Sized) and not isinstance(columns, str)
    if not is_several or len(columns) != 2:
        raise ValueError(
            f"`columns` must be a pair of column names, got {columns!r}. Name two."
        )
    unknown = [name for name in columns if name not in known]
    if unknown:
        raise SchemaError(
            f"`columns` must be two of {known}, got {unknown}. Names, free text, "
            "identifiers and empty columns cannot be compared."
        )
    return [known.index(name) for name in columns]


def _put_into_bins(sides, n_bins):
    """Return bin numbers by quantiles of the first side, or few values as they are."""
    present = sides[0][~np.isnan(sides[0])]
    if len(np.unique(present)) <= n_bins:
        return sides
    # A value that many rows share is several quantiles: one edge then.
    edges = np.unique(np.quantile(present, np.linspace(0, 1, n_bins + 1)[1:-1]))
    return [
        np.where(np.isnan(side), np.nan, np.searchsorted(edges, side)) for side in sides
    ]
