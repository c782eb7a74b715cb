"""Rows that a generator repeats more often than the real rows suggest."""

import numpy as np
import pandas as pd

from t2sampler._encoding import hash_rows


class DuplicateCounter:
    """How often a row may occur among candidates, and how often rows have occurred.

    Per label, the share of the most frequent row is taken to be what it is among the
    real rows of that label, where one occurs twice, or what it would be if columns were
    independent, whichever is larger; every row may occur once.

    Examples
    --------
    No real row occurs twice, and two columns of six levels leave a row one time in 36:

    >>> import numpy as np
    >>> six = np.arange(6.0)
    >>> counter = DuplicateCounter()
    >>> counter = counter.fit(np.column_stack([six, six]), np.zeros(6, dtype=int))
    >>> new = np.array([[0.0, 3.0]] * 3 + [[1.0, 1.0]] * 3)
    >>> counter.find_excess(new, np.zeros(6, dtype=int))[0].tolist()
    [False, True, True, False, False, False]
    """

    def fit(self, codes, labels):
        """Learn real rows: codes of shape (n_real, n_columns), and label codes."""
        # A missing value is a value, too: columns full of gaps repeat by chance.
        self._independent_share = np.prod(
            [
                pd.Series(column).value_counts(normalize=True, dropna=False).iloc[0]
                for column in codes.T
            ]
        )
        keys = _hash(codes, labels)
        self._real = np.unique(keys)
        self._shares = {}
        for label in np.unique(labels):
            top = np.unique(keys[labels == label], return_counts=True)[1].max()
            if top > 1:  # the share of a row that occurs once only tells of n
                self._shares[int(label)] = top / (labels == label).sum()
        self._seen = pd.Series(dtype=np.int64)
        self._n_seen = pd.Series(dtype=np.int64)
        return self

    def add(self, codes, labels):
        """Count candidates, with which later ones are counted."""
        keys = pd.Series(_hash(codes, labels)).value_counts()
        self._seen = self._seen.add(keys, fill_value=0).astype(np.int64)
        sizes = pd.Series(labels).value_counts()
        self._n_seen = self._n_seen.add(sizes, fill_value=0).astype(np.int64)

    def find_excess(self, codes, labels, limit=None):
        """Return which candidates are repeated too often.

        Parameters
        ----------
        codes : ndarray of shape (n_rows, n_columns)
        labels : int ndarray of shape (n_rows,)
        limit : int or None, default=None
            How often a row may occur; None: as the real rows suggest.

        Returns
        -------
        is_excess : bool ndarray of shape (n_rows,)
            Copies of real rows never are.
        number : int ndarray of shape (n_rows,)
            How often the row has occurred by then.
        allowed : int ndarray of shape (n_rows,)
            How often it may.
        """
        keys = pd.Series(_hash(codes, labels))
        number = keys.groupby(keys).cumcount() + 1
        number = number.to_numpy() + self._seen.reindex(keys, fill_value=0).to_numpy()
        allowed = np.full(len(labels), limit or 1)
        if limit is None:
            for label in np.unique(labels):
                own = labels == label
                n_rows = own.sum() + self._n_seen.get(label, 0)
                share = max(self._independent_share, self._shares.get(int(label), 0.0))
                # 0.1 * 30 is 3.0000000000000004, and 3 is meant.
                allowed[own] = max(1, int(np.ceil(share * n_rows - 1e-9)))
        return (number > allowed) & ~np.isin(keys, self._real), number, allowed


def _hash(codes, labels):
    return hash_rows(np.column_stack([codes, labels]).astype(float))
