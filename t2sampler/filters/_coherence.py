"""Do the columns of candidates hang together as those of real rows do?"""

import numpy as np
from scipy.stats import rankdata
from sklearn.ensemble import RandomForestClassifier

N_TREES, MIN_LEAF = 100, 3


def find_incoherence(X, is_real, origin, seed):
    r"""Return how much more candidates look shuffled than real rows do.

    A forest learns to tell the rows of a pool from rows whose columns were drawn from
    different rows of it. Labels have no part in it, nor have the marginals: only how
    columns go together. Where candidates look more like the shuffled rows than real
    ones do, whoever made them does not know the real rows well.

    .. math:: \frac{P(s(x) > s(x')) - 1/2}{\sqrt{(n + m + 1) / (12 n m)}}

    for the forest's score s out of bag of n real rows x and m candidates x'.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_encoded)
    is_real : bool ndarray of shape (n_rows,)
    origin : int ndarray of shape (n_encoded,)
        The table's column that each encoded one comes from.
    seed : int

    Returns
    -------
    incoherence : float
        In standard errors, about normal if real rows and candidates are alike; 0 where
        there is one column, or one side has no rows.

    Examples
    --------
    Real rows lie on a line, candidates anywhere:

    >>> import numpy as np
    >>> from t2sampler.filters._coherence import find_incoherence
    >>> rng = np.random.default_rng(0)
    >>> line, cloud = rng.normal(size=(40, 1)) * [1, 1], rng.normal(size=(40, 2))
    >>> is_real = np.repeat([True, False], 40)
    >>> alike = find_incoherence(np.vstack([line, line]), is_real, np.arange(2), 0)
    >>> bool(alike < 2 < find_incoherence(np.vstack([line, cloud]), is_real, [0, 1], 0))
    True
    """
    n_real, n_new = int(is_real.sum()), int((~is_real).sum())
    if not n_real or not n_new or len(np.unique(origin)) < 2:
        return 0.0
    shuffled = shuffle_columns(X, origin, np.random.default_rng(seed))
    forest = RandomForestClassifier(
        N_TREES, min_samples_leaf=MIN_LEAF, oob_score=True, random_state=seed
    )
    forest.fit(np.vstack([X, shuffled]), np.repeat([1, 0], len(X)))
    ranks = rankdata(forest.oob_decision_function_[: len(X), 1])
    above = ranks[is_real].sum() - n_real * (n_real + 1) / 2
    error = np.sqrt((n_real + n_new + 1) / (12 * n_real * n_new))
    return float((above / (n_real * n_new) - 0.5) / error)


def shuffle_columns(X, origin, rng):
    """Return as many rows, each of whose columns comes from a row of its own."""
    shuffled = X.copy()
    for column in np.unique(origin):
        block = np.asarray(origin) == column
        shuffled[:, block] = X[rng.permutation(len(X))][:, block]
    return shuffled
