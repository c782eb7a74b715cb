"""Correlation distance: how far the associations of columns are from the real ones."""

from itertools import combinations

import numpy as np
from scipy.stats import chi2_contingency
from scipy.stats.contingency import crosstab

from t2sampler.exceptions import SchemaError
from t2sampler.metrics._metric import scored
from t2sampler.metrics._tables import open_tables


@scored(goal="lower", low=0, high=2)
def correlation_distance(real, synthetic):
    r"""Measure how far the associations of columns are from the real ones.

    .. math:: D = \frac{2}{d (d - 1)} \sum_{j < k} |A_r(j, k) - A_s(j, k)|

    over the d columns, where :math:`A(j, k)`, in the real (r) and synthetic (s) table,

    - of two numbers or dates is Pearson's correlation, in [-1, 1];
    - of a number and a category is the correlation ratio :math:`\epsilon`, with
      :math:`\epsilon^2 = 1 - \frac{n - 1}{n - g} \cdot \frac{SS_w}{SS_t}`: the share of
      the sum of squares :math:`SS_t` not left within (:math:`SS_w`) the g levels;
    - of two categories is Cramér's V, with
      :math:`V^2 = \max(0, \phi^2 - \frac{(g - 1)(h - 1)}{n - 1}) / \min(g', h')` and
      :math:`g' = g - 1 - \frac{(g - 1)^2}{n - 1}`, for :math:`\phi^2 = \chi^2 / n` and
      g by h levels.

    The latter two, in [0, 1], are the versions corrected for the number of rows: the
    plain ones grow as n falls, so tables of unequal size would differ for that reason
    alone. A pair is computed on the rows that have both values; if a column has less
    than two distinct values there, A is 0.

    In [0, 2], lower is better; at most 1 without pairs of numbers. Names, free text and
    identifiers are left out.

    Parameters
    ----------
    real, synthetic : dataframe or array of shape (n_rows, n_columns)
        Same columns, of any type, with missing values or without.

    Returns
    -------
    float

    Raises
    ------
    SchemaError
        The columns differ, a table has no rows, or there is only one column.

    See Also
    --------
    cross_modal_distance : The whole joint of two columns.

    Notes
    -----
    Linear in the rows, quadratic in the columns. All rows are used.

    References
    ----------
    .. [1] Bergsma, "A Bias-Correction for Cramér's V and Tschuprow's T", Journal of the
       Korean Statistical Society 42, 2013.
    .. [2] Kelley, "An Unbiased Correlation Ratio Measure", PNAS 21, 1935.

    Examples
    --------
    A perfect correlation has the wrong sign:

    >>> import numpy as np
    >>> from t2sampler.metrics import correlation_distance
    >>> real = np.array([[0.0, 0.0], [1.0, 1.0], [2.5, 2.5]])
    >>> round(correlation_distance(real, real * [1, -1]), 9)
    2.0
    """
    tables = open_tables(real=real, synthetic=synthetic)
    columns = tables.schema.columns
    if len(columns) < 2:
        raise SchemaError(
            f"`real` must have at least two columns to compare, got {len(columns)}. "
            "Use marginal_distance for a single column."
        )
    gaps = [
        abs(
            np.subtract(
                *(find_association(codes, columns, pair) for codes in tables.codes)
            )
        )
        for pair in combinations(range(len(columns)), 2)
    ]
    return float(np.mean(gaps))


def find_association(codes, columns, pair):
    """Return the association of two columns, as `correlation_distance` defines it.

    Parameters
    ----------
    codes : float ndarray of shape (n_rows, n_columns)
    columns : sequence of ColumnSchema
    pair : pair of int
        Positions of the columns.
    """
    # Categories come first, so that the mixed pair needs no second case.
    a, b = sorted(pair, key=lambda j: columns[j].is_numeric)
    present = ~np.isnan(codes[:, a]) & ~np.isnan(codes[:, b])
    left, right = codes[present, a], codes[present, b]
    if len(left) == 0 or np.ptp(left) == 0 or np.ptp(right) == 0:
        return 0.0
    if columns[a].is_numeric:
        return float(np.corrcoef(_to_unit(left), _to_unit(right))[0, 1])
    levels = np.unique(left, return_inverse=True)[1]  # without gaps, for bincount
    if columns[b].is_numeric:
        return _correlation_ratio(levels, _to_unit(right))
    return _cramers_v(levels, np.unique(right, return_inverse=True)[1])


def _to_unit(numbers):
    """Scale to [0, 1], so that squares neither overflow nor underflow."""
    return (numbers - numbers.min()) / np.ptp(numbers)


def _correlation_ratio(levels, numbers):
    n_rows, counts = len(numbers), np.bincount(levels)
    if len(counts) == n_rows:  # one row per level leaves no degree of freedom
        return 0.0
    means = np.bincount(levels, numbers) / counts
    within = ((numbers - means[levels]) ** 2).sum()
    total = ((numbers - numbers.mean()) ** 2).sum()
    # Kelley's correction: the mean squares of both sums have the same expectation if
    # the levels mean nothing.
    left_over = (n_rows - 1) / (n_rows - len(counts)) * within / total
    return float(np.sqrt(max(0.0, 1 - left_over)))


def _cramers_v(rows, columns):
    n_rows, g, h = len(rows), rows.max() + 1, columns.max() + 1
    counts = crosstab(rows, columns).count
    phi2 = chi2_contingency(counts, correction=False).statistic / n_rows
    excess = max(0.0, phi2 - (g - 1) * (h - 1) / (n_rows - 1))
    # Bergsma's correction subtracts the expectation of phi2 for independent columns
    # and divides by the most that is left for tables of this shape.
    reach = min(
        g - 1 - (g - 1) ** 2 / (n_rows - 1), h - 1 - (h - 1) ** 2 / (n_rows - 1)
    )
    return float(np.sqrt(min(1.0, excess / reach))) if reach > 0 else 0.0
