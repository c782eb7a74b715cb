"""Authenticity: the share of synthetic rows that are more than copies of a real row."""

import numpy as np

from t2sampler._params import as_rng, validate_params
from t2sampler.metrics._metric import SAMPLES_ROWS, check_size, sample_positions, scored
from t2sampler.metrics._row_distances import (
    encode_rows,
    find_nearest,
    find_nearest_other,
    scale_to_unit,
)
from t2sampler.metrics._tables import open_tables


@scored(goal="higher", low=0, high=1)
@validate_params(SAMPLES_ROWS, prefer_skip_nested_validation=True)
def authenticity(real, synthetic, *, max_rows=5_000, random_state=None):
    r"""Measure how many synthetic rows are more than a copy of a real row.

    A synthetic row is authentic when it is farther from its nearest real row than that
    row is from its own nearest real neighbour.

    .. math:: A = \frac1m \sum_j 1[\lVert s_j - r^*_j \rVert > d_{rr}(r^*_j)]

    where :math:`r^*_j` is the real row nearest to synthetic row :math:`s_j` (of m), and
    :math:`d_{rr}` the distance of a real row to its nearest other real row. Columns are
    scaled as in `alpha_precision`.

    In [0, 1], higher is better: 0 for copies, 1 for rows far from all real ones, so
    read it next to `alpha_precision`. What fresh real rows reach depends on the table:
    1/3 with one column of numbers, more with more columns, 0 where few distinct rows
    occur many times. Give held-out rows as ``synthetic`` to know it.

    Parameters
    ----------
    real, synthetic : dataframe or array of shape (n_rows, n_columns)
        Same columns, of any type, with missing values or without.
    max_rows : int >= 2 or None, default=5000
        As many synthetic rows are measured, drawn at random; None measures all. They
        are compared with all real rows, since a copy of an omitted row would be missed.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    float

    Raises
    ------
    SchemaError
        The columns differ, or a table has no rows.
    ValueError
        There are fewer than 2 real rows.

    See Also
    --------
    distance_to_closest_record : The distances themselves, with a baseline.

    Notes
    -----
    O(max_rows * n_real). The published code looks up :math:`d_{rr}` at the position a
    row has in the synthetic table. Here it is that of the nearest real row, as the
    paper defines it, so values differ from published ones.

    References
    ----------
    .. [1] Alaa, van Breugel, Saveliev, van der Schaar, "How Faithful is your Synthetic
       Data? Sample-level Metrics for Evaluating and Auditing Generative Models", ICML,
       2022, Section 4.

    Examples
    --------
    One row is a copy of a real row, the other is far from all of them:

    >>> import numpy as np
    >>> from t2sampler.metrics import authenticity
    >>> real = np.array([[0.0], [1.0], [3.0], [4.0]])
    >>> authenticity(real, np.array([[0.0], [9.0]]))
    0.5
    """
    tables = open_tables(real=real, synthetic=synthetic)
    check_size("real", tables.frames[0], 2, "to have neighbours")
    rng = as_rng(random_state)
    real_rows, rows = encode_rows(tables)
    rows = rows[sample_positions(rng, len(rows), max_rows)]
    real_rows, rows = scale_to_unit([real_rows, rows])
    distances, positions = find_nearest(rows, real_rows)
    # Many synthetic rows may share a nearest real row: look for its neighbour once.
    nearest, which = np.unique(positions[:, 0], return_inverse=True)
    gaps = find_nearest_other(nearest, real_rows)[which]
    return float(np.mean(distances[:, 0] > gaps))
