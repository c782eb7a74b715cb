"""Which labels of a pool are probably wrong, and what is done about it; pure."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.stats import mannwhitneyu

MIN_AUC_ERROR = 0.05  # an out-of-fold AUC is a little below one half by construction
MAX_CREDIT = 3  # standard errors below chance that a pool without issues may have
# A wrong label is nearly always a rare one, and would outvote the few real rows of it:
# real rows of a class weigh as much as its candidates, but each at most so much.
MAX_WEIGHT = 4
NOISE_RATIO = 0.8  # of candidates to real rows, from which their labels are no better
TOLERANCE = 1e-9  # the mean of equal probabilities may exceed them by rounding


class Action(StrEnum):
    """What is done with the candidates; the value says so in a note."""

    ALL = "kept all candidates"
    POOLED = "trimmed candidates that models of all rows find mislabelled"
    REAL = "trimmed candidates that models of the real rows find mislabelled"
    NONE = "trimmed all candidates"


@dataclass(frozen=True)
class PoolDiagnostics:
    """What a pool of real rows and candidates shows before anything is decided.

    Attributes
    ----------
    n_real, n_candidates : int
        Rows that models learned from.
    noise_rate, noise_rate_real : float
        Shares of candidates, and of real rows of their classes, with a label issue.
    gain : float
        How well the models of each side rank the labels of the other, in AUC above one
        half; NaN where there is nothing to rank.
    error : float
        Standard error of ``gain`` where labels have nothing to do with features.
    lacks_class : bool
        Whether real rows have a class that no candidate has. A pool then learns one
        side of the class boundary from candidates and the other from real rows.
    """

    n_real: int
    n_candidates: int
    noise_rate: float
    noise_rate_real: float
    gain: float
    error: float
    lacks_class: bool = False


def required_gain(diagnostics, tau_coef):
    r"""Return the gain that a pool has to exceed.

    .. math:: \tau = -3 c \, \sigma (1 - 2 s)

    for the standard error of the gain, the noise rate s and c = ``tau_coef``. A pool
    with few label issues is accepted even if its AUC is below one half by chance; the
    noisier it is, the less of that it may be.

    Examples
    --------
    >>> found = PoolDiagnostics(20, 50, 0.2, noise_rate_real=0.1, gain=0, error=0.1)
    >>> round(required_gain(found, tau_coef=1), 3)
    -0.18
    """
    credit = MAX_CREDIT * tau_coef * (1 - 2 * diagnostics.noise_rate)
    return float(-diagnostics.error * credit)


def choose_action(diagnostics, tau, max_noise_rate):
    """Decide what is done with the candidates.

    Parameters
    ----------
    diagnostics : PoolDiagnostics
    tau : float
        Gain up to which no candidate is kept.
    max_noise_rate : float
        Noise rate below which all are kept; 1 keeps them in any case.

    Returns
    -------
    action : Action

    Examples
    --------
    >>> found = PoolDiagnostics(20, 50, 0.4, noise_rate_real=0.1, gain=0, error=0.1)
    >>> choose_action(found, tau=-0.05, max_noise_rate=0.1).name
    'POOLED'
    """
    if max_noise_rate >= 1:
        return Action.ALL
    if diagnostics.gain <= tau:
        return Action.NONE
    if diagnostics.noise_rate < noise_limit(diagnostics, max_noise_rate):
        return Action.ALL
    return Action.REAL if diagnostics.lacks_class else Action.POOLED


def noise_limit(diagnostics, max_noise_rate):
    """Return the noise rate below which all candidates are kept."""
    return max(max_noise_rate, NOISE_RATIO * diagnostics.noise_rate_real)


def trust_in_real(diagnostics):
    r"""Return the weight of models of the real rows beside those of the pool.

    .. math:: \lambda = 2 s (1 - 2 s_r)

    for the noise rates of candidates and real rows, within 0 and 1: the noisier the
    candidates are, and the less the real rows, the more these decide.

    Examples
    --------
    >>> found = PoolDiagnostics(20, 50, 0.4, noise_rate_real=0.1, gain=0, error=0.1)
    >>> round(trust_in_real(found), 2)
    0.64
    """
    clean = 1 - 2 * diagnostics.noise_rate_real
    return float(np.clip(2 * diagnostics.noise_rate * clean, 0, 1))


def balance_sources(codes, is_real):
    """Return weights by which real rows of a class count as much as its candidates.

    Parameters
    ----------
    codes : int ndarray of shape (n_rows,)
    is_real : bool ndarray of shape (n_rows,)

    Returns
    -------
    weights : ndarray of shape (n_rows,)
        1 for candidates, from 1 to 4 for real rows.

    Examples
    --------
    >>> is_real = np.array([True, True, False, False, False])
    >>> balance_sources(np.array([0, 1, 1, 1, 1]), is_real).tolist()
    [1.0, 3.0, 1.0, 1.0, 1.0]
    """
    n_labels = codes.max() + 1
    n_real = np.bincount(codes[is_real], minlength=n_labels)
    n_new = np.bincount(codes[~is_real], minlength=n_labels)
    of_class = np.clip(n_new / np.maximum(n_real, 1), 1, MAX_WEIGHT)
    return np.where(is_real, of_class[codes], 1.0)


def find_label_issues(probability, codes, thresholds=None):
    """Return the rows whose label is probably wrong: confident learning [1]_.

    A class is credible for a row when its probability reaches the mean that rows of
    that label get. A row has an issue if some class is credible and the most probable
    of these is not its label. Trimming the rows of highest cost instead would trim as
    many from a clean table as from a noisy one.

    Parameters
    ----------
    probability : ndarray of shape (n_rows, n_classes)
        Out-of-fold probabilities.
    codes : int ndarray of shape (n_rows,)
    thresholds : ndarray of shape (n_classes,), default=None
        From `class_thresholds`, of other rows. None: of these.

    Returns
    -------
    is_issue : bool ndarray of shape (n_rows,)

    References
    ----------
    .. [1] Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in
       dataset labels", JAIR 70, 2021.

    Examples
    --------
    >>> import numpy as np
    >>> probability = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.95, 0.05]])
    >>> find_label_issues(probability, np.array([0, 0, 1, 1])).tolist()
    [False, False, False, True]
    """
    if thresholds is None:
        thresholds = class_thresholds(probability, codes)
    credible = np.where(probability >= thresholds - TOLERANCE, probability, -1.0)
    return (credible.max(axis=1) >= 0) & (credible.argmax(axis=1) != codes)


def class_thresholds(probability, codes):
    """Return each class's mean probability over the rows labelled so; inf if none.

    Examples
    --------
    >>> import numpy as np
    >>> probability = np.array([[0.75, 0.25], [0.25, 0.75]])
    >>> class_thresholds(probability, np.array([0, 0])).tolist()
    [0.5, inf]
    """
    n_classes = probability.shape[1]
    sums = np.zeros(n_classes)
    np.add.at(sums, codes, probability[np.arange(len(codes)), codes])
    sizes = np.bincount(codes, minlength=n_classes)
    return np.where(sizes > 0, sums / np.maximum(sizes, 1), np.inf)


def auc_above_chance(probability, codes):
    r"""Return how well probabilities rank labels: mean AUC above one half.

    .. math:: \frac1C \sum_c P(p_c(x) > p_c(x') \mid y = c, y' \ne c) - \frac12

    Parameters
    ----------
    probability : ndarray of shape (n_rows, n_classes)
    codes : int ndarray of shape (n_rows,)

    Returns
    -------
    gain : float
        In [-1/2, 1/2]; NaN where all labels are the same.

    Examples
    --------
    >>> import numpy as np
    >>> auc_above_chance(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]))
    0.5
    """
    gains = []
    for code in np.unique(codes):
        is_own, score = codes == code, probability[:, code]
        n_pairs = is_own.sum() * (~is_own).sum()
        if n_pairs:
            # The share of pairs in the right order is the AUC.
            test = mannwhitneyu(score[is_own], score[~is_own], method="asymptotic")
            gains.append(test.statistic / n_pairs - 0.5)
    return float(np.mean(gains)) if gains else np.nan


def auc_standard_error(codes):
    r"""Return the standard error of `auc_above_chance` for labels in random order.

    .. math:: \sqrt{\frac{n + 1}{12\, n_c (n - n_c)}}

    for class c (the variance of the Mann-Whitney statistic), in the root mean square
    over the classes, and at least 0.05.

    Examples
    --------
    >>> import numpy as np
    >>> round(auc_standard_error(np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])), 3)
    0.191
    """
    n_rows = len(codes)
    own = np.unique(codes, return_counts=True)[1]
    if len(own) < 2:
        return np.nan
    variance = np.mean((n_rows + 1) / (12 * own * (n_rows - own)))
    return max(MIN_AUC_ERROR, float(np.sqrt(variance)))
