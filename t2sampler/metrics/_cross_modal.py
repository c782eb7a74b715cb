"""Do two columns, say a label and a mood, go together as in the real table?"""

from collections.abc import Sized

import numpy as np

from t2sampler.exceptions import SchemaError
from t2sampler.metrics._goal import scored
from t2sampler.metrics._settings import check_count
from t2sampler.metrics._tables import open_tables


@scored(goal="lower", low=0, high=1)
def cross_modal_distance(real, synthetic, columns, *, n_bins=10):
    r"""Measure how far the joint distribution of two columns is from the real one.

    The total variation between the joints, with which H-TDBU checks that rows of a
    table and the texts beside them still agree ("XModal"):

    .. math:: D = \frac12 \sum_{a, b} |p_r(a, b) - p_s(a, b)|

    where :math:`p(a, b)` is the share of real (r) or synthetic (s) rows with level a of
    the first and b of the second column. Numbers and dates of more than ``n_bins``
    distinct real values are put into bins that hold equally many real ones; a missing
    value is a level of its own.

    In [0, 1], lower is better. Two samples of one population are about
    :math:`\sqrt{k / (\pi n)}` apart with k cells of like size and n rows each, not 0.
    The paper states this formula; its published code averages the differences of
    :math:`p(b \mid a)` over the cells instead, so published values are not comparable.

    Parameters
    ----------
    real, synthetic : dataframe or array of shape (n_rows, n_columns)
        Same columns, of any type, with missing values or without. Texts enter as a
        column of what they say, such as a sentiment.
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
    The margins are right, and yet no row is:

    >>> import pandas as pd
    >>> from t2sampler.metrics import cross_modal_distance
    >>> real = pd.DataFrame({"paid": [0, 1], "mood": ["sad", "glad"]})
    >>> turned = pd.DataFrame({"paid": [0, 1], "mood": ["glad", "sad"]})
    >>> cross_modal_distance(real, turned, ("paid", "mood"))
    1.0
    """
    check_count("n_bins", n_bins, 2)
    tables = open_tables(real=real, synthetic=synthetic)
    cells = [0] * len(tables.codes)
    for position in _find(columns, tables.schema):
        is_numeric = tables.schema.columns[position].is_numeric
        sides = [codes[:, position] for codes in tables.codes]
        levels = _put_into_bins(sides, n_bins) if is_numeric else sides
        names, levels = np.unique(np.concatenate(levels), return_inverse=True)
        levels = np.split(levels, [len(sides[0])])
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
    """Return bin numbers, by quantiles of the first side; few values stay alone."""
    present = sides[0][~np.isnan(sides[0])]
    if len(np.unique(present)) <= n_bins:
        return sides
    edges = np.unique(np.quantile(present, np.linspace(0, 1, n_bins + 1)[1:-1]))
    return [
        np.where(np.isnan(side), np.nan, np.searchsorted(edges, side)) for side in sides
    ]
