"""Means over folds of repeated cross-validation, with corrected intervals."""

from typing import NamedTuple

import numpy as np
from scipy import stats


class FoldMean(NamedTuple):
    """A mean over folds: its interval, standard error and two-sided p-value."""

    mean: float
    low: float
    high: float
    error: float
    p: float


def summarise_folds(values, test_per_train, confidence=0.95):
    """Return the mean of one value per fold, with the interval of Nadeau and Bengio.

    Folds share most of their training rows, so their values are not independent; the
    variance of the mean is (1/J + n_test/n_train) s² for J folds, and not s²/J.

    Parameters
    ----------
    values : float ndarray of shape (J,)
        J >= 2; without NaN.
    test_per_train : float > 0
        Rows of a test fold over those it was trained on.
    confidence : float in (0, 1), default=0.95

    References
    ----------
    .. [1] Nadeau, Bengio, "Inference for the Generalization Error", Machine Learning
       52, 2003, Section 3.
    """
    n_folds = len(values)
    mean = float(np.mean(values))
    error = float(np.sqrt((1 / n_folds + test_per_train) * np.var(values, ddof=1)))
    half = error * stats.t.ppf((1 + confidence) / 2, n_folds - 1)
    if error > 1e-12:
        p = 2 * stats.t.sf(abs(mean) / error, n_folds - 1)
    else:  # the same in every fold; rounding is no difference
        p = 1.0 if abs(mean) < 1e-12 else 0.0
    return FoldMean(mean, mean - half, mean + half, error, float(p))
