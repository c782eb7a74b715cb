"""Rounds of new rows compared: what each adds to real rows, by cross-validation."""

from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from t2sampler.filters._cross_fit import fit_label_model, stratified_subsample

MAX_REAL_ROWS = 300  # beside more, a few dozen new rows would change nothing
MIN_TESTED = 5  # rows of a class: an AUC of fewer means nothing
N_FOLDS, N_REPEATS = 5, 2
N_TREES = 20
MARGIN = 1.0  # in standard errors: the one-standard-error rule of model selection


class RoundGains(NamedTuple):
    """What each round adds to the real rows, in AUC, and the round that is kept."""

    gains: tuple
    best: int


def find_tested(labels, is_shown):
    """Return the real rows that rounds can be tested on, or none.

    Those that no model was shown, of classes with at least five of them; at least two
    classes.

    Parameters
    ----------
    labels : int ndarray of shape (n_rows,)
    is_shown : bool ndarray of shape (n_rows,)

    Returns
    -------
    rows : int ndarray
    """
    classes = np.flatnonzero(np.bincount(labels[~is_shown]) >= MIN_TESTED)
    if len(classes) < 2:
        return np.zeros(0, dtype=np.intp)
    return np.flatnonzero(~is_shown & np.isin(labels, classes))


def measure_rounds(X, labels, tested, rounds, seed):
    r"""Measure what rounds of new rows add to real rows, and choose one.

    Repeated stratified cross-validation over the tested rows; the other real rows are
    always trained on, and so are the new rows of one round, or none.

    .. math::
        g_k = A_k - A_\emptyset, \qquad
        A = \frac{1}{|C|} \sum_{c \in C} P(p_c(x) > p_c(x'))

    where :math:`p_c` is the mean probability of class c by a logistic regression and a
    forest that did not see the row, and :math:`x` and :math:`x'` are rows of class c
    and of others, ties counting half. A later round takes the place of an earlier one
    only if it gains more by more than a standard error of the difference, which is
    DeLong's [1]_: a tie goes to the earlier round, which is cheaper.

    Parameters
    ----------
    X : float ndarray of shape (n_rows, n_encoded)
        Real rows.
    labels : int ndarray of shape (n_rows,)
    tested : int ndarray
        From `find_tested`. Of more than 300 a stratified sample is taken, and of more
        others as well.
    rounds : list of pairs of float ndarray and int ndarray
    seed : int

    Returns
    -------
    found : RoundGains

    References
    ----------
    .. [1] DeLong, DeLong, Clarke-Pearson, "Comparing the Areas under Two or More
       Correlated Receiver Operating Characteristic Curves", Biometrics 44, 1988.

    Examples
    --------
    >>> X, labels = np.repeat([[0.0], [1.0]], 9, axis=0), np.repeat([0, 1], 9)
    >>> wrong = X, 1 - labels
    >>> found = measure_rounds(X, labels, np.arange(18), [wrong, (X, labels)], seed=0)
    >>> found.best
    1
    """
    # New rows may be of a class that no real row has.
    n_classes = 1 + max(int(y.max()) for _, y in [(X, labels), *rounds] if len(y))
    limit = max(MAX_REAL_ROWS, 2 * MIN_TESTED * n_classes)
    rng = np.random.default_rng(seed)
    state = int(rng.integers(2**31))
    others = np.setdiff1d(np.arange(len(X)), tested)
    tested, others = (
        rows[stratified_subsample(labels[rows], limit, rng)[0]]
        for rows in (tested, others)
    )
    nothing = X[:0], labels[:0]
    aucs, parts = [], []
    for X_new, labels_new in [nothing, *rounds]:
        known = (
            np.concatenate([X[others], X_new]),
            np.concatenate([labels[others], labels_new]),
        )
        auc, part = _cross_validate(
            (X[tested], labels[tested]), known, n_classes, state
        )
        aucs.append(auc)
        parts.append(part)
    return RoundGains(
        tuple(auc - aucs[0] for auc in aucs[1:]), _choose(aucs[1:], parts[1:])
    )


def _choose(aucs, parts):
    best = 0
    for later in range(1, len(aucs)):
        error = np.sqrt(((parts[later] - parts[best]) ** 2).sum())
        if aucs[later] - aucs[best] > MARGIN * error:
            best = later
    return best


@threadpool_limits.wrap(limits=1)  # on so few rows threads only wait
def _cross_validate(tested, known, n_classes, state):
    """Return the AUC, and each tested row's part of its error: means over repeats."""
    X, labels = tested
    smallest = np.unique(labels, return_counts=True)[1].min()
    aucs, parts = [], []
    for repeat in range(N_REPEATS):
        folds = StratifiedKFold(
            min(N_FOLDS, smallest), shuffle=True, random_state=repeat
        )
        probability = np.empty((len(X), n_classes))
        for train, test in folds.split(X, labels):
            A = np.concatenate([known[0], X[train]])
            b = np.concatenate([known[1], labels[train]])
            probability[test] = _predict(A, b, X[test], n_classes, state)
        auc, part = _score(probability, labels)
        aucs.append(auc)
        parts.append(part)
    return float(np.mean(aucs)), np.mean(parts, axis=0)


def _predict(A, b, B, n_classes, state):
    forest = RandomForestClassifier(N_TREES, min_samples_leaf=2)
    models = [fit_label_model(m, A, b, n_classes, state) for m in (None, forest)]
    return np.mean([model.predict_proba(B) for model in models], axis=0)


def _score(probability, labels):
    """Return the mean AUC of one class against the rest, and each row's part in it."""
    aucs, parts = [], []
    for label in np.unique(labels):
        score, is_own = probability[:, label], labels == label
        within = np.empty(len(score))
        within[is_own], within[~is_own] = (
            rankdata(score[rows]) for rows in (is_own, ~is_own)
        )
        n_below = rankdata(score) - within  # of the other rows, a tie counting half
        n_own, n_other = is_own.sum(), (~is_own).sum()
        rate = np.where(is_own, n_below / n_other, 1 - n_below / n_own)
        auc = rate[is_own].mean()
        size = np.where(is_own, n_own, n_other)
        aucs.append(auc)
        parts.append((rate - auc) / np.sqrt(size * (size - 1)))
    return np.mean(aucs), np.mean(parts, axis=0)
