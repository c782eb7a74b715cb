"""The model f_θ that tells how well a label fits its row, fitted once or by folds."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import has_fit_parameter

from t2sampler.filters._selection import assign_folds, row_keys, split_keys

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
