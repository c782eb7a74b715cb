"""What to do with a pool of candidates, from how it agrees with itself and the rest."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.stats import rankdata
from sklearn.ensemble import RandomForestClassifier

from t2sampler.filters._cost_selection import ROUNDING

LEAST_ERROR = 0.05  # of an AUC out of fold, which chance pulls a little below one half
MOST_INCOHERENT = 2  # standard errors; beyond, more of them say no more of the labels
FULL_CREDIT = 3  # standard errors by which a pool without suspects may contradict


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
    suspects, suspects_real : float
        Shares of candidates, and of real rows of their classes, whose label the models
        disbelieve that did not see them.
    gain : float
        How well each side's models rank the labels of the other, in AUC above one
        half; NaN where there is nothing to rank.
    error : float
        Standard error of ``gain`` where labels have nothing to do with features.
    incoherence : float
        By how many standard errors candidates look more shuffled than real rows do; 0
        where the gain is beyond whatever may be asked.
    lacks_class : bool
        Whether real rows have a class that no candidate has. A pool then knows one
        side of a border from candidates and the other from real rows.
    """

    n_real: int
    n_new: int
    suspects: float
    suspects_real: float
    gain: float
    error: float
    incoherence: float = 0.0
    lacks_class: bool = False


def least_gain(findings, tau_coef):
    r"""Return the gain that a pool has to exceed.

    .. math:: \tau = \sigma \left(\min(\max(z, 0), 2) - 3 c (1 - 2 s)\right)

    for the standard error of the gain, the incoherence z, the share of suspects s and
    c = ``tau_coef``: few suspects speak for a pool, and it may contradict the real rows
    a little by chance; a pool whose labels are a mess, or whose columns do not go
    together as those of real rows do, has to show that it knows something.

    Parameters
    ----------
    findings : Findings
    tau_coef : float

    Examples
    --------
    >>> findings = Findings(20, 50, suspects=0.2, suspects_real=0.1, gain=0, error=0.1)
    >>> round(least_gain(findings, tau_coef=1), 3)
    -0.18
    """
    doubt = np.clip(findings.incoherence, 0, MOST_INCOHERENT)
    credit = FULL_CREDIT * tau_coef * (1 - 2 * findings.suspects)
    return float(findings.error * (doubt - credit))


def choose_course(findings, tau, max_suspects):
    """Decide what becomes of the candidates.

    Parameters
    ----------
    findings : Findings
    tau : float
        Gain up to which no candidate is kept.
    max_suspects : float
        Share of suspects that is found in good pools, too; 1 asks nothing of a pool.

    Returns
    -------
    course : Course

    Examples
    --------
    >>> findings = Findings(20, 50, suspects=0.4, suspects_real=0.1, gain=0, error=0.1)
    >>> choose_course(findings, tau=-0.05, max_suspects=0.1).value
    "those that the pool's models disbelieve went"
    """
    if max_suspects >= 1:
        return Course.ALL
    if findings.gain <= tau:
        return Course.NONE
    if findings.suspects < max(max_suspects, findings.suspects_real + ROUNDING):
        return Course.ALL
    return Course.REAL if findings.lacks_class else Course.POOLED


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
    >>> from t2sampler.filters._label_noise import find_incoherence
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
