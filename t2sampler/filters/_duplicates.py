"""Rows that a generator repeats more often than real rows tell of."""

import numpy as np
import pandas as pd

from t2sampler.filters._cost_selection import ROUNDING, row_keys


class Repeats:
    """How often a row may occur among candidates, and how often rows have occurred.

    Per label, the share of the most frequent row is taken to be what it is among the
    real rows of that label, where one occurs twice, or what it would be if columns were
    independent, whichever is larger; every row may occur once.

    Parameters
    ----------
    codes : ndarray of shape (n_real, n_columns)
    labels : int ndarray of shape (n_real,)

    Examples
    --------
    No real row occurs twice, and two columns of six levels leave a row one time in 36:

    >>> import numpy as np
    >>> six = np.arange(6.0)
    >>> repeats = Repeats(np.column_stack([six, six]), np.zeros(6, dtype=int))
    >>> new = np.array([[0.0, 3.0]] * 3 + [[1.0, 1.0]] * 3)
    >>> repeats.find_excess(new, np.zeros(6, dtype=int))[0].tolist()
    [False, True, True, False, False, False]
    """

    def __init__(self, codes, labels):
        self._chance = np.prod([_top_share(column) for column in codes.T])
        keys = _find_keys(codes, labels)
        self._real = np.unique(keys)
        self._shares = {}
        for label in np.unique(labels):
            top = np.unique(keys[labels == label], return_counts=True)[1].max()
            if top > 1:
                self._shares[int(label)] = top / (labels == label).sum()
        self._seen = pd.Series(dtype=np.int64)
        self._n_seen = pd.Series(dtype=np.int64)

    def remember(self, codes, labels):
        """Count rows, with which later ones are counted."""
        keys = pd.Series(_find_keys(codes, labels)).value_counts()
        self._seen = self._seen.add(keys, fill_value=0).astype(np.int64)
        sizes = pd.Series(labels).value_counts()
        self._n_seen = self._n_seen.add(sizes, fill_value=0).astype(np.int64)

    def find_excess(self, codes, labels, most=None):
        """Tell which candidates are one too many.

        Parameters
        ----------
        codes : ndarray of shape (n_rows, n_columns)
        labels : int ndarray of shape (n_rows,)
        most : int or None, default=None
            How often a row may occur; None: as real rows tell.

        Returns
        -------
        is_excess : bool ndarray of shape (n_rows,)
            Copies of real rows never are.
        number : int ndarray of shape (n_rows,)
            How often the row has occurred by then.
        allowed : int ndarray of shape (n_rows,)
            How often it may.
        """
        keys = pd.Series(_find_keys(codes, labels))
        number = keys.groupby(keys).cumcount() + 1
        number = number.to_numpy() + self._seen.reindex(keys, fill_value=0).to_numpy()
        allowed = self._allow(labels) if most is None else np.full(len(labels), most)
        return (number > allowed) & ~np.isin(keys, self._real), number, allowed

    def _allow(self, labels):
        allowed = np.ones(len(labels), dtype=int)
        for label in np.unique(labels):
            own = labels == label
            n_rows = own.sum() + self._n_seen.get(label, 0)
            share = max(self._chance, self._shares.get(int(label), 0.0))
            allowed[own] = max(1, int(np.ceil(share * n_rows - ROUNDING)))
        return allowed


def _top_share(column):
    """Return the share of a column's most frequent value; missing is a value, too."""
    return pd.Series(column).value_counts(normalize=True, dropna=False).iloc[0]


def _find_keys(codes, labels):
    return row_keys(np.column_stack([codes, labels]).astype(float))
