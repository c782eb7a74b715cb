"""Marginal distance: how far the distribution of each column is from the real one."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import ks_2samp

from t2sampler._brief import BriefRepr
from t2sampler.metrics._metric import scored
from t2sampler.metrics._tables import open_tables


@dataclass(frozen=True, repr=False)
class MarginalDistance(BriefRepr):
    """Distances by column; ``float()`` gives their mean.

    Attributes
    ----------
    by_column : dict
        Distance in [0, 1] per column name.
    """

    by_column: dict

    @property
    def mean(self):
        """Mean over the columns."""
        return float(np.mean(list(self.by_column.values())))

    def __float__(self):
        return self.mean


@scored(goal="lower", low=0, high=1)
def marginal_distance(real, synthetic):
    r"""Measure how far each column's distribution is from the real one.

    Kolmogorov-Smirnov for numbers and dates, total variation for categories:

    .. math:: D_\text{KS} = \sup_x |F_r(x) - F_s(x)|, \qquad
        D_\text{TV} = \frac12 \sum_v |p_r(v) - p_s(v)|

    where :math:`F` is the share of rows with a value up to x, and :math:`p` the share
    of rows with level v, in the real (r) and the synthetic (s) table. A missing value
    counts: as a level of its own, or as a number above all others.

    In [0, 1], lower is better. Two samples of one population are about
    :math:`1 / \sqrt n` apart, not 0. Names, free text and identifiers are left out.

    Parameters
    ----------
    real, synthetic : dataframe or array of shape (n_rows, n_columns)
        Same columns, of any type, with missing values or without.

    Returns
    -------
    MarginalDistance

    Raises
    ------
    SchemaError
        The columns differ, or a table has no rows.

    See Also
    --------
    correlation_distance : Columns in pairs.
    scipy.stats.ks_2samp : The same distance for numbers, as a test.

    Notes
    -----
    O(n log n) per column. All rows are used.

    References
    ----------
    .. [1] Patki, Wedge, Veeramachaneni, "The Synthetic Data Vault", IEEE DSAA, 2016,
       and its later quality report: one minus this is its score of column shapes.

    Examples
    --------
    One row in two has moved:

    >>> import pandas as pd
    >>> from t2sampler.metrics import marginal_distance
    >>> real = pd.DataFrame({"n": [0.0, 1.0], "level": ["a", "b"]})
    >>> moved = pd.DataFrame({"n": [0.0, 9.0], "level": ["a", "a"]})
    >>> marginal_distance(real, moved).by_column
    {'n': 0.5, 'level': 0.5}
    """
    tables = open_tables(real=real, synthetic=synthetic)
    sides = zip(tables.codes[0].T, tables.codes[1].T, strict=True)
    by_column = {
        column.name: column_distance(column, *side)
        for column, side in zip(tables.schema.columns, sides, strict=True)
    }
    return MarginalDistance(by_column)


def column_distance(column, real, synthetic):
    """Return the distance of one column's codes.

    Parameters
    ----------
    column : ColumnSchema
    real, synthetic : float ndarray of shape (n_rows,)
    """
    return (_ks if column.is_numeric else _total_variation)(real, synthetic)


def _ks(real, synthetic):
    """Return the Kolmogorov-Smirnov distance; a missing value counts as infinite."""
    sides = (np.nan_to_num(side, nan=np.inf) for side in (real, synthetic))
    # Only the p-value depends on the method; the asymptotic one is the fastest.
    return float(ks_2samp(*sides, method="asymp").statistic)


def _total_variation(real, synthetic):
    levels, codes = np.unique(np.concatenate([real, synthetic]), return_inverse=True)
    shares = [
        np.bincount(side, minlength=len(levels)) / len(side)
        for side in np.split(codes, [len(real)])
    ]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)
