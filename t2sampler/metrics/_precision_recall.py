"""Alpha-precision and beta-recall: coverage of the real rows' distribution."""

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

ALPHAS = np.linspace(0, 1, 30)


@scored(goal="higher", low=0, high=1)
@validate_params(SAMPLES_ROWS, prefer_skip_nested_validation=True)
def alpha_precision(real, synthetic, *, max_rows=10_000, random_state=None):
    r"""Measure whether synthetic rows are as typical as real rows are.

    A ball around the centre that holds a share :math:`\alpha` of the real rows should
    hold the same share of the synthetic ones.

    .. math::
        P_k = \frac1m \sum_j 1[\lVert s_j - c \rVert \le R_k], \qquad
        \Delta_\alpha = 1 - \frac{\sum_k |\alpha_k - P_k|}{\sum_k \alpha_k}

    where :math:`s_j` are the m synthetic rows, :math:`c` the mean real row,
    :math:`\alpha_k` 30 even steps from 0 to 1, and :math:`R_k` the :math:`\alpha_k`
    quantile of the distances of real rows to :math:`c`. Columns are scaled to [0, 1] by
    the real rows; a category has one indicator per level.

    In [0, 1], higher is better; fresh real rows reach 1 up to chance. Rows that are too
    typical lower it as much as outlying ones. Distances to one centre say little about
    relations between columns: on 300 rows of COMPAS, rows with shuffled columns reach
    0.91 and fresh real rows 0.93 (with `beta_recall` 0.10 and 0.56).

    Parameters
    ----------
    real, synthetic : dataframe or array of shape (n_rows, n_columns)
        Same columns, of any type, with missing values or without. Published tables
        leave the label out.
    max_rows : int >= 2 or None, default=10000
        Each table is cut to as many rows, drawn at random; None takes all.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    float

    Raises
    ------
    SchemaError
        The columns differ, or a table has no rows.

    See Also
    --------
    beta_recall : Whether they cover all of the real rows' range.
    authenticity : Whether they are more than copies.

    Notes
    -----
    O(n log n). This is the "naive" embedding and the normalisation of synthcity's
    ``AlphaPrecision``. The paper embeds rows by a one-class network, and its own code
    multiplies the sum by :math:`2/29` instead of dividing it by
    :math:`\sum_k \alpha_k = 15`; values of these versions are not comparable. Where few
    distinct rows occur many times, many real rows are equally far from the centre and a
    ball holds more than its share: a copy of the real table stays below 1, and reaches
    0 if all rows are equal.

    References
    ----------
    .. [1] Alaa, van Breugel, Saveliev, van der Schaar, "How Faithful is your Synthetic
       Data? Sample-level Metrics for Evaluating and Auditing Generative Models", ICML,
       2022, Section 3. As coded in synthcity's ``AlphaPrecision``.

    Examples
    --------
    If all rows lie at the centre, even the smallest ball holds all of them:

    >>> import numpy as np
    >>> from t2sampler.metrics import alpha_precision
    >>> real = np.array([[0.0], [1.0], [3.0], [4.0]])
    >>> round(alpha_precision(real, np.full((4, 1), 2.0)), 9)
    0.0
    """
    tables = open_tables(real=real, synthetic=synthetic)
    rng = as_rng(random_state)
    real_rows, rows = scale_to_unit(
        matrix[sample_positions(rng, len(matrix), max_rows)]
        for matrix in encode_rows(tables)
    )
    centre = real_rows.mean(axis=0)
    radii = np.quantile(np.linalg.norm(real_rows - centre, axis=1), ALPHAS)
    inside = np.linalg.norm(rows - centre, axis=1)[:, None] <= radii
    return _closeness(inside.mean(axis=0))


@scored(goal="higher", low=0, high=1)
@validate_params(SAMPLES_ROWS, prefer_skip_nested_validation=True)
def beta_recall(real, synthetic, *, max_rows=10_000, random_state=None):
    r"""Measure whether synthetic rows reach all regions where real rows are.

    A real row counts as reached when a synthetic row is at least as near to it as its
    nearest other real row; a ball that holds a share :math:`\beta` of the reaching rows
    should hold the same share of reached ones.

    .. math::
        B_k = \frac1n \sum_i 1[d_{rs}(i) \le d_{rr}(i)] \;
        1[\lVert s^*_i - \bar s \rVert \le T_k], \qquad
        \Delta_\beta = 1 - \frac{\sum_k |\beta_k - B_k|}{\sum_k \beta_k}

    where :math:`s^*_i` is the synthetic row nearest to real row i, at distance
    :math:`d_{rs}(i)`; :math:`d_{rr}(i)` the distance of real row i to its nearest other
    real row; :math:`\bar s` the mean synthetic row; :math:`T_k` the :math:`\beta_k`
    quantile of :math:`\lVert s^*_i - \bar s \rVert` over i; :math:`\beta_k` 30 even
    steps from 0 to 1. Columns are scaled as in `alpha_precision`.

    In [0, 1], higher is better. A copy of n distinct real rows reaches 1 but for 1/n;
    fresh real rows only about 0.5, since half of them are farther away than the nearest
    other real row. Where few distinct rows occur many times, fresh ones reach as much
    as a copy, and both stay below 1 as with `alpha_precision`.

    Parameters
    ----------
    real, synthetic : dataframe or array of shape (n_rows, n_columns)
        Same columns, of any type, with missing values or without.
    max_rows : int >= 2 or None, default=10000
        Both tables are cut to the size of the smaller one, and to as many rows, drawn
        at random: with more synthetic rows than real ones, more real rows would be
        reached by chance. None: no limit.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    float

    Raises
    ------
    SchemaError
        The columns differ, or a table has no rows.
    ValueError
        A table has fewer than 2 rows.

    See Also
    --------
    alpha_precision : Whether they are as typical as real rows.

    Notes
    -----
    Quadratic in the rows used, hence ``max_rows``. As for published values, see the
    notes of `alpha_precision`.

    References
    ----------
    .. [1] Alaa, van Breugel, Saveliev, van der Schaar, "How Faithful is your Synthetic
       Data? Sample-level Metrics for Evaluating and Auditing Generative Models", ICML,
       2022, Section 3. As coded in synthcity's ``AlphaPrecision``.

    Examples
    --------
    Rows far from all real ones reach none:

    >>> import numpy as np
    >>> from t2sampler.metrics import beta_recall
    >>> real = np.array([[0.0], [1.0], [3.0], [4.0]])
    >>> beta_recall(real, real + 100)
    0.0
    """
    tables = open_tables(real=real, synthetic=synthetic)
    n_rows = min(len(frame) for frame in tables.frames)
    check_size("real", tables.frames[0], 2, "to have neighbours")
    check_size("synthetic", tables.frames[1], 2, "to have a spread")
    n_rows = n_rows if max_rows is None else min(n_rows, max_rows)
    rng = as_rng(random_state)
    real_rows, rows = scale_to_unit(
        matrix[sample_positions(rng, len(matrix), n_rows)]
        for matrix in encode_rows(tables)
    )
    distances, positions = find_nearest(real_rows, rows)
    gaps = find_nearest_other(np.arange(len(real_rows)), real_rows)
    is_reached = distances[:, 0] <= gaps
    # These balls hold shares of the synthetic rows, so they lie around their mean.
    spread = np.linalg.norm(rows[positions[:, 0]] - rows.mean(axis=0), axis=1)
    inside = spread[:, None] <= np.quantile(spread, ALPHAS)
    return _closeness((inside & is_reached[:, None]).mean(axis=0))


def _closeness(curve):
    """Return 1 for a curve on the diagonal, and less the farther it is from it."""
    return float(1 - np.abs(ALPHAS - curve).sum() / ALPHAS.sum())
