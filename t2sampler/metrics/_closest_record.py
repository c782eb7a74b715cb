"""Distances of synthetic rows to the closest real rows, with a baseline."""

from dataclasses import dataclass

import numpy as np

from t2sampler._brief import BriefRepr
from t2sampler._params import as_rng, validate_params
from t2sampler.metrics._metric import SAMPLES_ROWS, check_size, sample_positions, scored
from t2sampler.metrics._row_distances import encode_rows, find_nearest
from t2sampler.metrics._tables import open_tables

LOW = 0.05  # the quantile of the rows at risk


@dataclass(frozen=True, repr=False)
class ClosestRecord(BriefRepr):
    """Distances to the closest record; ``float()`` gives ``to_real``.

    Attributes
    ----------
    to_real, to_real_low : float
        Median and 5 % quantile over synthetic rows, to the nearest real row.
    to_holdout, to_holdout_low : float
        The same to the nearest held-out row; NaN without them.
    baseline, baseline_low : float
        The same from held-out rows to the nearest real row; NaN without them.
    share_closer : float
        Share of synthetic rows nearer to a real than to a held-out row, with equally
        many of both, ties counting half; NaN without held-out rows.
    """

    to_real: float
    to_real_low: float
    to_holdout: float = np.nan
    to_holdout_low: float = np.nan
    baseline: float = np.nan
    baseline_low: float = np.nan
    share_closer: float = np.nan

    def __float__(self):
        return self.to_real


@dataclass(frozen=True, repr=False)
class NeighborRatio(BriefRepr):
    """Nearest over second nearest distance; ``float()`` gives ``median``.

    Attributes
    ----------
    median, low : float
        Median and 5 % quantile over synthetic rows.
    baseline, baseline_low : float
        The same over held-out real rows; NaN without them.
    """

    median: float
    low: float
    baseline: float = np.nan
    baseline_low: float = np.nan

    def __float__(self):
        return self.median


@scored(goal="higher", low=0, high=np.inf)
@validate_params(SAMPLES_ROWS, prefer_skip_nested_validation=True)
def distance_to_closest_record(
    real, synthetic, holdout=None, *, max_rows=5_000, random_state=None
):
    r"""Measure how far synthetic rows are from the nearest real rows.

    .. math:: d(s) = \min_i \lVert s - r_i \rVert, \qquad
        \text{share} = \frac1m \sum_j \left( 1[d(s_j) < h(s_j)]
        + \tfrac12 1[d(s_j) = h(s_j)] \right)

    where :math:`s_j` are the m synthetic rows, :math:`r_i` the real ones, and
    :math:`h` the distance to held-out real rows that the generator never saw. The norm
    is Euclidean; numbers are standardised by the real rows, other columns have one
    indicator per level.

    Distances are in [0, inf); higher means more privacy, but rows far above the
    baseline resemble no real row. The share is in [0, 1]: 0.5 if synthetic rows are as
    near to the rows the generator saw as to those it did not see, 1 for copies.

    Parameters
    ----------
    real, synthetic : dataframe or array of shape (n_rows, n_columns)
        Same columns, of any type, with missing values or without. ``real`` are the rows
        the generator was fitted on.
    holdout : dataframe or array of shape (n_rows, n_columns), default=None
        Real rows the generator never saw, for the baseline and the share.
    max_rows : int >= 2 or None, default=5000
        As many rows of ``synthetic`` and ``holdout`` are measured, drawn at random;
        None measures all. They are compared with all real rows.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    ClosestRecord

    Raises
    ------
    SchemaError
        The columns differ, or a table has no rows.

    See Also
    --------
    membership_inference_auc : The same distances, used by an attacker.
    duplicate_rate : Exact copies.

    Notes
    -----
    O(max_rows * n_real).

    References
    ----------
    .. [1] Platzer, Reutterer, "Holdout-Based Empirical Assessment of Mixed-Type
       Synthetic Data", Frontiers in Big Data 4, 2021.

    Examples
    --------
    A copy has distance 0, and is always nearer to the rows it was copied from:

    >>> import numpy as np
    >>> from t2sampler.metrics import distance_to_closest_record
    >>> real, unseen = np.array([[0.0], [4.0]]), np.array([[1.0], [6.0]])
    >>> found = distance_to_closest_record(real, real, unseen)
    >>> found.to_real, found.baseline, found.share_closer
    (0.0, 0.75, 1.0)
    """
    tables = _open(real, synthetic, holdout)
    rng = as_rng(random_state)
    real_rows, *others = encode_rows(tables)
    chosen = [rows[sample_positions(rng, len(rows), max_rows)] for rows in others]
    to_real = _distance(chosen[0], real_rows)
    if holdout is None:
        return ClosestRecord(*_summarise(to_real))
    to_holdout = _distance(chosen[0], others[1])
    sizes = (len(real_rows), len(others[1]))
    near = to_real, to_holdout
    if sizes[0] != sizes[1]:  # the larger side would be nearer by chance
        near = [
            _distance(chosen[0], pool[sample_positions(rng, len(pool), min(sizes))])
            for pool in (real_rows, others[1])
        ]
    return ClosestRecord(
        *_summarise(to_real),
        *_summarise(to_holdout),
        *_summarise(_distance(chosen[1], real_rows)),
        share_closer=_share_closer(*near),
    )


@scored(goal="higher", low=0, high=1)
@validate_params(SAMPLES_ROWS, prefer_skip_nested_validation=True)
def nearest_neighbor_distance_ratio(
    real, synthetic, holdout=None, *, max_rows=5_000, random_state=None
):
    r"""Measure whether synthetic rows are much nearer to one real row than to others.

    .. math:: \rho(s) = \frac{\lVert s - r_{(1)} \rVert}{\lVert s - r_{(2)} \rVert}

    where :math:`r_{(1)}` and :math:`r_{(2)}` are the real rows nearest and second
    nearest to synthetic row s, in the units of `distance_to_closest_record`. If both
    distances are 0 the row equals several real ones, and the ratio is set to 1.

    In [0, 1], higher means more privacy: 0 for a copy of one real row, 1 for a row
    halfway between two. Compare with the baseline of held-out real rows.

    Parameters
    ----------
    real, synthetic : dataframe or array of shape (n_rows, n_columns)
        Same columns, of any type, with missing values or without.
    holdout : dataframe or array of shape (n_rows, n_columns), default=None
        Real rows the generator never saw, for the baseline.
    max_rows : int >= 2 or None, default=5000
        As many rows of ``synthetic`` and ``holdout`` are measured, drawn at random;
        None measures all. They are compared with all real rows.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    NeighborRatio

    Raises
    ------
    SchemaError
        The columns differ, or a table has no rows.
    ValueError
        There are fewer than 2 real rows.

    See Also
    --------
    distance_to_closest_record : The distance itself.

    Notes
    -----
    O(max_rows * n_real).

    References
    ----------
    .. [1] Zhao, Kunar, Birke, Chen, "CTAB-GAN: Effective Table Data Synthesizing",
       ACML, 2021, Section 4.

    Examples
    --------
    The nearest real row is at distance 1, the next one at distance 2:

    >>> import numpy as np
    >>> from t2sampler.metrics import nearest_neighbor_distance_ratio
    >>> found = nearest_neighbor_distance_ratio(np.array([[0.0], [3.0]]), [[1.0]])
    >>> round(found.median, 9)
    0.5
    """
    tables = _open(real, synthetic, holdout)
    check_size("real", tables.frames[0], 2, "to have a second nearest one")
    rng = as_rng(random_state)
    real_rows, *others = encode_rows(tables)
    figures = []
    for rows in others:
        rows = rows[sample_positions(rng, len(rows), max_rows)]
        (first, second), _ = (side.T for side in find_nearest(rows, real_rows, k=2))
        # 0 / 0 is a row that equals several real ones, and singles out none of them.
        ratio = np.divide(first, second, out=np.ones_like(first), where=second > 0)
        figures += _summarise(ratio)
    return NeighborRatio(*figures)


def _open(real, synthetic, holdout):
    optional = {} if holdout is None else {"holdout": holdout}
    return open_tables(real=real, synthetic=synthetic, **optional)


def _distance(rows, pool):
    return find_nearest(rows, pool)[0][:, 0]


def _summarise(values):
    """Return the median and the low quantile."""
    return [float(np.median(values)), float(np.quantile(values, LOW))]


def _share_closer(to_real, to_holdout):
    return float(np.mean(to_real < to_holdout) + np.mean(to_real == to_holdout) / 2)
