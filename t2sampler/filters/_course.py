"""What to do with a pool of candidates, from how it agrees with itself and the rest."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.stats import rankdata

from t2sampler.filters._selection import ROUNDING

LEAST_ERROR = 0.05  # of an AUC out of fold, which chance pulls a little below one half
MANY = 3  # times the share of suspects that is left alone: the labels are in doubt


class Course(StrEnum):
    """What is done with a pool; the value says so in a report."""

    ALL = "all were kept"
    POOLED = "those that the pool's models disbelieve went"
    REAL = "those that the real rows' models disbelieve went"
    NONE = "none was kept"


@dataclass(frozen=True)
class Findings:
    """What a pool shows before anything is decided.

    Attributes
    ----------
    n_real, n_new : int
        Rows that models learned from.
    suspects : float
        Share of candidates whose label models of the pool disbelieve.
    gain : float
        How well each side's models rank the labels of the other, in AUC above one
        half; NaN where there is nothing to rank, or few suspects and no need to ask.
    error : float
        Standard error of ``gain`` where labels have nothing to do with features.
    lacks_class : bool
        Whether real rows have a class that no candidate has. A pool then knows one
        side of a border from candidates and the other from real rows.
    """

    n_real: int
    n_new: int
    suspects: float
    gain: float
    error: float
    lacks_class: bool = False


def choose_course(findings, tau, max_suspects):
    """Decide what becomes of the candidates.

    Parameters
    ----------
    findings : Findings
    tau : tuple of float
        Gain up to which no candidate is kept, and from which the candidates' labels
        are held to be those of the real rows; in between the real rows cannot tell.
    max_suspects : float
        Share of suspects that is found in good pools, too.

    Returns
    -------
    course : Course

    Examples
    --------
    >>> findings = Findings(n_real=20, n_new=50, suspects=0.4, gain=0.02, error=0.13)
    >>> choose_course(findings, tau=(-0.13, 0.13), max_suspects=0.1).value
    "those that the real rows' models disbelieve went"
    """
    refused, granted = tau
    if findings.gain <= refused:
        return Course.NONE
    if findings.suspects < max_suspects:
        return Course.ALL
    has_many = findings.suspects >= MANY * max_suspects - ROUNDING
    if findings.lacks_class or (has_many and findings.gain < granted):
        return Course.REAL
    return Course.POOLED


def rank_gain(probability, codes):
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
    >>> rank_gain(np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]))
    0.5
    """
    gains = []
    for code, n_own in zip(*np.unique(codes, return_counts=True), strict=True):
        n_others = len(codes) - n_own
        if n_others:
            ranks = rankdata(probability[:, code])[codes == code]
            n_pairs = n_own * n_others
            gains.append((ranks.sum() - n_own * (n_own + 1) / 2) / n_pairs - 0.5)
    return float(np.mean(gains)) if gains else np.nan


def rank_error(codes):
    r"""Return the standard error of `rank_gain` if labels were dealt at random.

    .. math:: \sqrt{\frac{n + 1}{12\, n_c (n - n_c)}}

    for class c (the variance of the Mann-Whitney statistic), in the root mean square
    over the classes, and at least 0.05.

    Examples
    --------
    >>> import numpy as np
    >>> round(rank_error(np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])), 3)
    0.191
    """
    n_rows = len(codes)
    own = np.unique(codes, return_counts=True)[1]
    if len(own) < 2:
        return np.nan
    variance = np.mean((n_rows + 1) / (12 * own * (n_rows - own)))
    return max(LEAST_ERROR, float(np.sqrt(variance)))


def source_weight(is_wrong, is_real, n_classes):
    r"""Return the weight of a real row, where a candidate's is 1.

    .. math:: l(e) = \log\frac{1 - e}{e} + \log(C - 1)

    is what a label is worth whose source is wrong at rate e among C classes; the weight
    is the ratio of both, within 1/4 and 4.

    Parameters
    ----------
    is_wrong : bool ndarray of shape (n_rows,)
        Whether models that did not see the row think another label likelier.
    is_real : bool ndarray of shape (n_rows,)
    n_classes : int

    Examples
    --------
    >>> import numpy as np
    >>> is_real = np.repeat([True, False], 8)
    >>> source_weight(np.zeros(16, dtype=bool), is_real, n_classes=2)
    1.0
    """
    worth = []
    for side in (is_wrong[is_real], is_wrong[~is_real]):
        rate = (side.sum() + 1) / (len(side) + 2)
        worth.append(np.log((1 - rate) / rate) + np.log(max(1, n_classes - 1)))
    real, new = np.maximum(worth, 0.1)
    return float(np.clip(real / new, 0.25, 4))
