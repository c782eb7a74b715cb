"""Duplicate rate: exact copies of real rows, and rows that occur more than once."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from t2sampler._brief import BriefRepr
from t2sampler.metrics._metric import scored
from t2sampler.metrics._tables import open_tables


@dataclass(frozen=True, repr=False)
class Duplicates(BriefRepr):
    """Shares of rows that are not new; ``float()`` gives ``copies``.

    Attributes
    ----------
    copies : float
        Share of synthetic rows equal to a real row.
    repeats : float
        Share of synthetic rows equal to a synthetic row above them.
    baseline_copies : float
        Share of real rows equal to another real row: about that of fresh real rows.
    baseline_repeats : float
        Share of real rows equal to a real row above them.
    """

    copies: float
    repeats: float
    baseline_copies: float
    baseline_repeats: float

    def __float__(self):
        return self.copies


@scored(goal="lower", low=0, high=1)
def duplicate_rate(real, synthetic):
    r"""Count synthetic rows that are exact copies, of real rows and of each other.

    .. math::
        \text{copies} = \frac1m \sum_j 1[\exists i: s_j = r_i], \qquad
        \text{repeats} = \frac1m \sum_j 1[\exists k < j: s_j = s_k]

    where :math:`s_j` are the m synthetic rows and :math:`r_i` the real ones. Rows are
    equal when all columns are; missing values equal each other. Names, free text and
    identifiers are ignored, since a copied row often gets new ones.

    In [0, 1], lower is better, down to the baselines: in a table of few categories
    fresh real rows are duplicates too.

    Parameters
    ----------
    real, synthetic : dataframe or array of shape (n_rows, n_columns)
        Same columns, of any type, with missing values or without.

    Returns
    -------
    Duplicates

    Raises
    ------
    SchemaError
        The columns differ, or a table has no rows.

    See Also
    --------
    authenticity : Near copies as well.

    Notes
    -----
    Linear in rows and columns. All rows are used.

    References
    ----------
    .. [1] Borisov, Seßler, Leemann, Pawelczyk, Kasneci, "Language Models are Realistic
       Tabular Data Generators", ICLR, 2023, where copies have distance 0.

    Examples
    --------
    Of three rows one is a copy, and one occurs twice:

    >>> from t2sampler.metrics import duplicate_rate
    >>> found = duplicate_rate([[0, "a"], [1, "b"]], [[0, "a"], [5, "b"], [5, "b"]])
    >>> round(found.copies, 2), round(found.repeats, 2)
    (0.33, 0.33)
    """
    tables = open_tables(real=real, synthetic=synthetic)
    # Both tables are numbered together: equal rows have the same number. Missing values
    # would drop their rows from a group unless `dropna` is off.
    codes = pd.DataFrame(np.vstack(tables.codes))
    groups = codes.groupby(list(codes), dropna=False, sort=False).ngroup().to_numpy()
    real_groups, groups = np.split(groups, [len(tables.codes[0])])
    n_alike = np.bincount(real_groups)[real_groups]
    return Duplicates(
        copies=float(np.isin(groups, real_groups).mean()),
        repeats=float(pd.Series(groups).duplicated().mean()),
        baseline_copies=float(np.mean(n_alike > 1)),
        baseline_repeats=float(pd.Series(real_groups).duplicated().mean()),
    )
