r"""Do synthetic rows lie where real rows lie, everywhere, and not on top of them?

Three metrics of one paper, on one of two published embeddings:

"naive"
    Columns scaled to [0, 1] by the real rows, categories as one indicator per level
    (one for two levels). The centre is the mean of the real rows. Published tables
    leave the label out.
"one-class"
    A network without biases is trained to send every real row to one point, the centre.
    Published tables include the label. The network is our own, of the published shape,
    so values resemble published ones but are not the same.
"""

import numpy as np

from t2sampler._params import as_rng
from t2sampler.metrics._geometry import (
    find_nearest,
    find_nearest_other,
    place_rows,
    scale_to_unit,
)
from t2sampler.metrics._goal import scored
from t2sampler.metrics._one_class import CENTRE, embed_one_class
from t2sampler.metrics._settings import (
    check_choice,
    check_max_rows,
    check_size,
    choose_rows,
)
from t2sampler.metrics._tables import open_tables

ALPHAS = np.linspace(0, 1, 30)
EMBEDDINGS = ("naive", "one-class")
NORMALIZATIONS = ("synthcity", "original")


@scored(goal="higher", low=0, high=1)
def alpha_precision(
    real,
    synthetic,
    *,
    embedding="naive",
    normalization="synthcity",
    max_rows=10_000,
    random_state=None,
):
    r"""Tell whether synthetic rows are as typical as real rows are.

    A ball around the centre that holds a share :math:`\alpha` of the real rows should
    hold the same share of the synthetic ones.

    .. math::
        P_k = \frac1m \sum_j 1[\lVert s_j - c \rVert \le R_k], \qquad
        \Delta_\alpha = 1 - \frac{\sum_k |\alpha_k - P_k|}{\sum_k \alpha_k}

    where :math:`s_j` are the m embedded synthetic rows, :math:`c` the centre of the
    real ones, :math:`\alpha_k` 30 even steps from 0 to 1, and :math:`R_k` the
    :math:`\alpha_k` quantile of the distances of real rows to :math:`c`.

    In [0, 1], higher is better; fresh real rows reach 1 up to chance. Rows that are too
    typical lower it as much as outlandish ones. Where few distinct rows come over and
    over, many real rows are equally far from the centre, each ball holds more than its
    share, and a copy of the real table stays below 1 too: 0 if all rows are the same.

    Parameters
    ----------
    real, synthetic : dataframe or array of shape (n_rows, n_columns)
        Same columns, of any type, with missing values or without.
    embedding : {'naive', 'one-class'}, default='naive'
        See the two published embeddings in the guide to the metrics.
    normalization : {'synthcity', 'original'}, default='synthcity'
        'synthcity' divides by :math:`\sum_k \alpha_k = 15`, as shown. 'original'
        multiplies by :math:`2 / (K - 1) = 2/29` instead, which can reach -1/29.
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
    O(n log n) with the naive embedding; some seconds more for the network.

    References
    ----------
    .. [1] Alaa, van Breugel, Saveliev, van der Schaar, "How Faithful is your Synthetic
       Data? Sample-level Metrics for Evaluating and Auditing Generative Models", ICML,
       2022, Section 3. As coded in synthcity's `AlphaPrecision`.

    Examples
    --------
    Rows that all stand at the centre are in every ball, also in those that should hold
    few:

    >>> import numpy as np
    >>> from t2sampler.metrics import alpha_precision
    >>> real = np.array([[0.0], [1.0], [3.0], [4.0]])
    >>> round(alpha_precision(real, np.full((4, 1), 2.0)), 9)
    0.0
    """
    _check_settings(embedding, normalization, max_rows)
    tables = open_tables(real=real, synthetic=synthetic)
    rng = as_rng(random_state)
    matrices = [
        matrix[choose_rows(rng, len(matrix), max_rows)] for matrix in place_rows(tables)
    ]
    (real_rows, rows), centre = _embed(matrices, embedding, rng)
    radii = np.quantile(np.linalg.norm(real_rows - centre, axis=1), ALPHAS)
    inside = np.linalg.norm(rows - centre, axis=1)[:, None] <= radii
    return _closeness(inside.mean(axis=0), normalization)


@scored(goal="higher", low=0, high=1)
def beta_recall(
    real,
    synthetic,
    *,
    embedding="naive",
    normalization="synthcity",
    max_rows=10_000,
    random_state=None,
):
    r"""Tell whether synthetic rows reach everywhere real rows are.

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
    steps from 0 to 1.

    In [0, 1], higher is better. A copy of n distinct real rows reaches 1 but for 1/n;
    fresh real rows only about 0.5, since half of them are farther away than the nearest
    other real row. Where few distinct rows come over and over, fresh ones reach as much
    as a copy, and both stay below 1 as with `alpha_precision`.

    Parameters
    ----------
    real, synthetic : dataframe or array of shape (n_rows, n_columns)
        Same columns, of any type, with missing values or without.
    embedding : {'naive', 'one-class'}, default='naive'
        See the two published embeddings in the guide to the metrics.
    normalization : {'synthcity', 'original'}, default='synthcity'
        'synthcity' divides by :math:`\sum_k \beta_k = 15`, as shown. 'original'
        multiplies by :math:`2 / (K - 1) = 2/29` instead, which can reach -1/29.
    max_rows : int >= 2 or None, default=10000
        Both tables are cut to the size of the smaller one, and to as many rows, drawn
        at random: more synthetic rows than real ones would reach more by their number
        alone. None: no limit.
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
    Quadratic in the rows used, hence ``max_rows``.

    References
    ----------
    .. [1] Alaa, van Breugel, Saveliev, van der Schaar, "How Faithful is your Synthetic
       Data? Sample-level Metrics for Evaluating and Auditing Generative Models", ICML,
       2022, Section 3. As coded in synthcity's `AlphaPrecision`.

    Examples
    --------
    Rows far from all real ones reach none:

    >>> import numpy as np
    >>> from t2sampler.metrics import beta_recall
    >>> real = np.array([[0.0], [1.0], [3.0], [4.0]])
    >>> beta_recall(real, real + 100)
    0.0
    """
    _check_settings(embedding, normalization, max_rows)
    tables = open_tables(real=real, synthetic=synthetic)
    n_rows = min(len(frame) for frame in tables.frames)
    check_size("real", tables.frames[0], 2, "to have neighbours")
    check_size("synthetic", tables.frames[1], 2, "to have a spread")
    n_rows = n_rows if max_rows is None else min(n_rows, max_rows)
    rng = as_rng(random_state)
    matrices = [
        matrix[choose_rows(rng, len(matrix), n_rows)] for matrix in place_rows(tables)
    ]
    (real_rows, rows), _ = _embed(matrices, embedding, rng)
    return _closeness(_recall_curve(real_rows, rows), normalization)


@scored(goal="higher", low=0, high=1)
def authenticity(
    real, synthetic, *, embedding="naive", max_rows=5_000, random_state=None
):
    r"""Tell how many synthetic rows are more than a copy of a real row.

    A synthetic row is authentic when it is farther from its nearest real row than that
    row is from its own nearest real neighbour.

    .. math:: A = \frac1m \sum_j 1[\lVert s_j - r^*_j \rVert > d_{rr}(r^*_j)]

    where :math:`r^*_j` is the real row nearest to synthetic row :math:`s_j` (of m), and
    :math:`d_{rr}` the distance of a real row to its nearest other real row.

    In [0, 1], higher is better: 0 for copies, 1 for rows far from all real ones, so
    read it next to `alpha_precision`. What fresh real rows reach depends on the table:
    1/3 with one column of numbers, more with more columns, 0 where few distinct rows
    come over and over. Give held-out rows as ``synthetic`` to know. The published code
    looks up :math:`d_{rr}` at the position a row has in the synthetic table; here it is
    looked up at the real row the paper means, so values differ from published ones.

    Parameters
    ----------
    real, synthetic : dataframe or array of shape (n_rows, n_columns)
        Same columns, of any type, with missing values or without.
    embedding : {'naive', 'one-class'}, default='naive'
        See the two published embeddings in the guide to the metrics.
    max_rows : int >= 2 or None, default=5000
        As many synthetic rows are judged, drawn at random; None judges all. They are
        compared with all real rows, for a copy of a row left out would go unseen.
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
    O(max_rows * n_real).

    References
    ----------
    .. [1] Alaa, van Breugel, Saveliev, van der Schaar, "How Faithful is your Synthetic
       Data? Sample-level Metrics for Evaluating and Auditing Generative Models", ICML,
       2022, Section 4.

    Examples
    --------
    One copy of the real row 0, and one row that is like none:

    >>> import numpy as np
    >>> from t2sampler.metrics import authenticity
    >>> real = np.array([[0.0], [1.0], [3.0], [4.0]])
    >>> authenticity(real, np.array([[0.0], [9.0]]))
    0.5
    """
    check_choice("embedding", embedding, EMBEDDINGS)
    check_max_rows(max_rows)
    tables = open_tables(real=real, synthetic=synthetic)
    check_size("real", tables.frames[0], 2, "to have neighbours")
    rng = as_rng(random_state)
    real_rows, rows = place_rows(tables)
    rows = rows[choose_rows(rng, len(rows), max_rows)]
    (real_rows, rows), _ = _embed([real_rows, rows], embedding, rng)
    distances, positions = find_nearest(rows, real_rows)
    nearest, which = np.unique(positions[:, 0], return_inverse=True)
    gaps = find_nearest_other(nearest, real_rows)[which]
    return float(np.mean(distances[:, 0] > gaps))


def _check_settings(embedding, normalization, max_rows):
    check_choice("embedding", embedding, EMBEDDINGS)
    check_choice("normalization", normalization, NORMALIZATIONS)
    check_max_rows(max_rows)


def _embed(matrices, embedding, rng):
    """Return the embedded matrices, real rows first, and the centre of the real."""
    matrices = scale_to_unit(matrices)
    if embedding == "one-class":
        return embed_one_class(matrices, rng), CENTRE
    return matrices, matrices[0].mean(axis=0)


def _recall_curve(real_rows, rows):
    distances, positions = find_nearest(real_rows, rows)
    gaps = find_nearest_other(np.arange(len(real_rows)), real_rows)
    is_reached = distances[:, 0] <= gaps
    spread = np.linalg.norm(rows[positions[:, 0]] - rows.mean(axis=0), axis=1)
    inside = spread[:, None] <= np.quantile(spread, ALPHAS)
    return (inside & is_reached[:, None]).mean(axis=0)


def _closeness(curve, normalization):
    """Return 1 for a curve on the diagonal, less the farther away it runs."""
    gap = np.abs(ALPHAS - curve).sum()
    if normalization == "synthcity":
        return float(1 - gap / ALPHAS.sum())
    return float(1 - 2 * gap * (ALPHAS[1] - ALPHAS[0]))
