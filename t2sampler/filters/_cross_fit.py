"""Three unlike models that judge labels together."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import threadpool_limits

from t2sampler.filters._cost_selection import (
    assign_folds,
    choose_rows,
    row_keys,
    split_keys,
)

STRENGTH = 0.5  # C of the logistic regression
N_TREES, MIN_LEAF = 20, 2
SMALLEST = 0.001  # the ridge's share of a class is not taken to be smaller


class Panel(BaseEstimator):
    """Mean of a logistic regression, a forest and a kernel ridge; a classifier.

    Unlike models err on unlike rows: their mean finds wrong labels a little better than
    each of them does.

    Parameters
    ----------
    random_state : int, default=None
        Of the forest.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)

    Examples
    --------
    >>> import numpy as np
    >>> X = np.repeat([[-1.0], [1.0]], 8, axis=0)
    >>> panel = Panel(0).fit(X, np.repeat([0, 1], 8))
    >>> panel.predict_proba(X[[0, -1]]).argmax(axis=1).tolist()
    [0, 1]
    """

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, codes, sample_weight=None):
        """Fit the three models on rows of two classes at least.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_encoded)
        codes : int ndarray of shape (n_rows,)
        sample_weight : ndarray of shape (n_rows,), default=None

        Returns
        -------
        self : Panel
        """
        self.classes_ = np.unique(codes)
        self._classifiers = [
            LogisticRegression(C=STRENGTH, max_iter=1000),
            RandomForestClassifier(
                N_TREES, min_samples_leaf=MIN_LEAF, random_state=self.random_state
            ),
        ]
        for model in self._classifiers:
            model.fit(X, codes, sample_weight=sample_weight)
        self._ridge = KernelRidge(kernel="rbf", gamma=1 / X.shape[1])
        indicators = (codes[:, None] == self.classes_).astype(float)
        self._ridge.fit(X, indicators, sample_weight=sample_weight)
        return self

    def predict_proba(self, X):
        """Return the mean probability of each class, (n_rows, n_classes)."""
        ridge = np.clip(self._ridge.predict(X), SMALLEST, 1)
        parts = [ridge / ridge.sum(axis=1, keepdims=True)]
        parts += [model.predict_proba(X) for model in self._classifiers]
        return np.mean(parts, axis=0)


N_FOLDS = 5


@dataclass(frozen=True)
class Judge:
    """A fitted classifier that gives probabilities for a fixed list of classes.

    Attributes
    ----------
    model : classifier or None
        None where the rows it learned from hold fewer than two classes.
    classes : int ndarray
        Codes the model has seen.
    n_classes : int
        Classes there are.
    """

    model: object
    classes: np.ndarray
    n_classes: int

    def probability(self, X):
        """Return an array of shape (n_rows, n_classes); an unseen class has 0."""
        probability = np.zeros((len(X), self.n_classes))
        if len(self.classes) == 0:  # nothing to learn from: every class alike
            probability[:] = 1 / self.n_classes
        elif len(self.classes) == 1:
            probability[:, self.classes[0]] = 1
        elif len(X):
            probability[:, self.classes] = self._model_probability(X)
        return probability

    def _model_probability(self, X):
        if hasattr(self.model, "predict_proba"):
            return self.model.predict_proba(X)
        decision = self.model.decision_function(X)
        if decision.ndim == 1:
            return np.column_stack([expit(-decision), expit(decision)])
        return softmax(decision, axis=1)


def fit_judge(estimator, X, codes, n_classes, seed, *, weights=None):
    """Fit a clone of a classifier; None stands for logistic regression.

    A classifier with a ``decision_function`` only is calibrated by cross-validation
    over at most three folds. With one row in a class that is impossible: then the
    decision goes through a sigmoid (two classes) or a softmax, uncalibrated.

    Parameters
    ----------
    estimator : classifier or None
    X : ndarray of shape (n_rows, n_encoded)
    codes : int ndarray of shape (n_rows,)
    n_classes : int
    seed : int
        For every ``random_state`` of the classifier that is None.
    weights : ndarray of shape (n_rows,), default=None
        A classifier that takes no ``sample_weight`` does without.

    Returns
    -------
    judge : Judge
    """
    classes, codes, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    if len(classes) < 2:
        return Judge(None, classes, n_classes)
    if estimator is None:
        model = LogisticRegression(max_iter=1000)
    else:
        model = _seeded(clone(estimator), seed)
    is_weighted = weights is not None and has_fit_parameter(model, "sample_weight")
    params = {"sample_weight": weights} if is_weighted else {}
    if not hasattr(model, "predict_proba") and sizes.min() >= 2:
        n_folds = int(min(3, sizes.min()))
        model = CalibratedClassifierCV(model, cv=n_folds)
    return Judge(model.fit(X, codes, **params), classes, n_classes)


def cross_probability(estimator, X, codes, n_classes, seed):
    """Return out-of-fold probabilities: no row is judged by a model that saw it.

    Folds go by distinct row, so a copy of a row is never in the training part either.

    Parameters
    ----------
    estimator : classifier or None
    X : ndarray of shape (n_rows, n_encoded)
    codes : int ndarray of shape (n_rows,)
    n_classes, seed : int

    Returns
    -------
    probability : ndarray of shape (n_rows, n_classes)
    """
    keys = row_keys(X)
    folds = assign_folds(split_keys(keys, keys), codes, N_FOLDS)
    probability = np.empty((len(X), n_classes))
    for fold in np.unique(folds):
        held = folds == fold
        judge = fit_judge(estimator, X[~held], codes[~held], n_classes, seed)
        probability[held] = judge.probability(X[held])
    return probability


def _seeded(model, seed):
    names = {
        name: seed
        for name, value in model.get_params(deep=True).items()
        if value is None and (name == "random_state" or name.endswith("__random_state"))
    }
    return model.set_params(**names)


class Side(NamedTuple):
    """Real rows, or candidates.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_encoded)
    codes : int ndarray of shape (n_rows,)
    weights : ndarray of shape (n_rows,)
        How many rows each stands for.
    """

    X: np.ndarray
    codes: np.ndarray
    weights: np.ndarray

    def join(self, other):
        """Return the rows of both."""
        return Side(*map(np.concatenate, zip(self, other, strict=True)))

    def prints(self):
        """Return numbers that tell rows with their labels apart, sorted."""
        return np.sort(row_keys(np.column_stack([self.X, self.codes])))

    def thin(self, limit, rng):
        """Return about ``limit`` rows at most, every label among them."""
        rows, weights = choose_rows(self.codes, limit, rng)
        return Side(self.X[rows], self.codes[rows], self.weights[rows] * weights)


@dataclass(frozen=True)
class Pool:
    """Rows that models learn from, real ones first.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_encoded)
    codes : int ndarray of shape (n_rows,)
    weights : ndarray of shape (n_rows,)
        How many rows each stands for.
    keys : uint64 ndarray of shape (n_rows,)
    folds : int ndarray of shape (n_rows,)
        Equal rows share a fold, except where most real rows have equals.
    n_real, n_labels : int
    """

    X: np.ndarray
    codes: np.ndarray
    weights: np.ndarray
    keys: np.ndarray
    folds: np.ndarray
    n_real: int
    n_labels: int

    @property
    def is_real(self):
        """True for real rows."""
        return np.arange(len(self.codes)) < self.n_real

    def find_folds(self, keys):
        """Return the fold of equal rows; rows that are not here go by their key."""
        order = np.argsort(self.keys)
        at = np.searchsorted(self.keys[order], keys).clip(max=len(order) - 1)
        is_here = self.keys[order][at] == keys
        others = (keys % np.uint64(N_FOLDS)).astype(int)
        return np.where(is_here, self.folds[order][at], others)


def make_pool(real, new, n_labels):
    """Pool real rows and candidates; the order of either does not matter.

    Parameters
    ----------
    real, new : Side
    n_labels : int

    Returns
    -------
    pool : Pool
    """
    sides, keys = zip(*(_sort(side) for side in (real, new)), strict=True)
    (X, codes, weights), keys = sides[0].join(sides[1]), np.concatenate(keys)
    own = keys[: len(real.codes)]
    folds = assign_folds(split_keys(keys, own), codes, N_FOLDS)
    return Pool(X, codes, weights, keys, folds, len(real.codes), n_labels)


def _sort(side):
    keys = row_keys(side.X)
    order = np.lexsort((side.codes, keys))
    return Side(*(part[order] for part in side)), keys[order]


class CrossFit:
    """Models fitted on all folds of a pool but one each.

    Parameters
    ----------
    pool : Pool
    weights : ndarray of shape (n_rows,)
        Rows of weight 0 are not learned from.
    estimator : classifier
    seed : int

    Attributes
    ----------
    probability : ndarray of shape (n_rows, n_labels)
        Of the pool's rows, each by the model that did not see it or its equals.
    """

    @threadpool_limits.wrap(limits=1)  # on so few rows threads only wait
    def __init__(self, pool, weights, estimator, seed):
        self._pool = pool
        weights = pool.weights * weights
        parts = ((pool.folds != fold) & (weights > 0) for fold in range(N_FOLDS))
        self._judges = [
            fit_judge(
                estimator,
                pool.X[part],
                pool.codes[part],
                pool.n_labels,
                seed,
                weights=weights[part] / weights[part].mean() if part.any() else None,
            )
            for part in parts
        ]
        self.probability = self._judge(pool.X, pool.folds)

    def judge(self, X, keys):
        """Return probabilities of any rows; equals of a pool's row share its model."""
        return self._judge(X, self._pool.find_folds(keys))

    def _judge(self, X, folds):
        probability = np.empty((len(X), self._pool.n_labels))
        for fold in np.unique(folds):
            held = folds == fold
            probability[held] = self._judges[fold].probability(X[held])
        return probability
