"""Do columns of candidates depend on each other as those of real rows do? A test."""

import numpy as np
from scipy.stats import mannwhitneyu
from sklearn.ensemble import RandomForestClassifier

N_TREES, MIN_LEAF = 100, 3


def shuffle_test(X, is_real, origin, seed):
    r"""Return by how many standard errors candidates look more shuffled than real rows.

    A forest learns to tell the rows of a pool from rows whose columns were drawn from
    different rows of it (a classifier two-sample test). Labels have no part in it, nor
    have the marginals: only how columns depend on each other.

    .. math:: \frac{P(s(x) > s(x')) - 1/2}{\sqrt{(n + m + 1) / (12 n m)}}

    for the forest's score s out of bag of n real rows x and m candidates x': the
    Mann-Whitney statistic in standard errors.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_encoded)
    is_real : bool ndarray of shape (n_rows,)
    origin : int ndarray of shape (n_encoded,)
        The table's column that each encoded one comes from.
    seed : int

    Returns
    -------
    z : float
        About normal if real rows and candidates are alike; 0 where there is one column,
        or one side has no rows.

    Examples
    --------
    Real rows lie on a line, candidates anywhere:

    >>> import numpy as np
    >>> from t2sampler.filters._shuffle_test import shuffle_test
    >>> rng = np.random.default_rng(0)
    >>> line, cloud = rng.normal(size=(40, 1)) * [1, 1], rng.normal(size=(40, 2))
    >>> is_real = np.repeat([True, False], 40)
    >>> alike = shuffle_test(np.vstack([line, line]), is_real, np.arange(2), 0)
    >>> bool(alike < 2 < shuffle_test(np.vstack([line, cloud]), is_real, [0, 1], 0))
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
    score = forest.oob_decision_function_[: len(X), 1]
    test = mannwhitneyu(score[is_real], score[~is_real], method="asymptotic")
    error = np.sqrt((n_real + n_new + 1) / (12 * n_real * n_new))
    return float((test.statistic / (n_real * n_new) - 0.5) / error)


def shuffle_columns(X, origin, rng):
    """Return as many rows, each column of the table taken from another row."""
    shuffled = X.copy()
    for column in np.unique(origin):
        # Indicators of one category move together: apart, they would give rows away.
        block = np.asarray(origin) == column
        shuffled[:, block] = X[rng.permutation(len(X))][:, block]
    return shuffled
