"""Label probabilities by models that did not see the row, cross-fitted over a table."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import has_fit_parameter
from threadpoolctl import threadpool_limits

from t2sampler._encoding import hash_rows

N_FOLDS = 5
MAX_DEVIATIONS = 10.0  # from the mean; how far a value lies beyond does not matter


class SoftVotingEnsemble(BaseEstimator):
    """Mean probability of a logistic regression and extremely randomised trees.

    Parameters
    ----------
    random_state : int, default=None
        Of the trees.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)

    Notes
    -----
    `sklearn.ensemble.VotingClassifier` cannot take its place: its ``fit`` does not name
    ``sample_weight``, by which `fit_label_model` recognises a classifier that takes
    weights.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.repeat([[-1.0], [1.0]], 8, axis=0)
    >>> ensemble = SoftVotingEnsemble(0).fit(X, np.repeat([0, 1], 8))
    >>> ensemble.predict_proba(X[[0, -1]]).argmax(axis=1).tolist()
    [0, 1]
    """

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, codes, sample_weight=None):
        """Fit both models on rows of two classes at least.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_encoded)
        codes : int ndarray of shape (n_rows,)
        sample_weight : ndarray of shape (n_rows,), default=None

        Returns
        -------
        self : SoftVotingEnsemble
        """
        self.classes_ = np.unique(codes)
        trees = ExtraTreesClassifier(
            20, min_samples_leaf=2, random_state=self.random_state
        )
        self._models = [
            model.fit(X, codes, sample_weight=sample_weight)
            for model in (LogisticRegression(C=0.5, max_iter=1000), trees)
        ]
        return self

    def predict_proba(self, X):
        """Return the mean probability of each class, (n_rows, n_classes)."""
        return np.mean([model.predict_proba(X) for model in self._models], axis=0)


class LabelModel(NamedTuple):
    """A fitted classifier that gives probabilities for a fixed list of classes.

    Attributes
    ----------
    model : classifier or None
        None where the rows it learned from hold fewer than two classes.
    classes : int ndarray
        Codes the model has seen.
    n_classes : int
        Columns of the probabilities.
    """

    model: object
    classes: np.ndarray
    n_classes: int

    def predict_proba(self, X):
        """Return an array of shape (n_rows, n_classes); an unseen class has 0."""
        probability = np.zeros((len(X), self.n_classes))
        if len(self.classes) == 0:  # nothing to learn from: all classes alike
            probability[:] = 1 / self.n_classes
        elif len(self.classes) == 1:
            probability[:, self.classes[0]] = 1
        elif len(X):
            probability[:, self.classes] = self._predict_seen(X)
        return probability

    def _predict_seen(self, X):
        if hasattr(self.model, "predict_proba"):
            return self.model.predict_proba(X)
        decision = self.model.decision_function(X)
        if decision.ndim == 1:
            return np.column_stack([expit(-decision), expit(decision)])
        return softmax(decision, axis=1)


def fit_label_model(estimator, X, codes, n_classes, seed, *, weights=None):
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
        Ignored for a classifier that takes no ``sample_weight``.

    Returns
    -------
    model : LabelModel
    """
    classes, codes, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    if len(classes) < 2:
        return LabelModel(None, classes, n_classes)
    if estimator is None:
        model = LogisticRegression(max_iter=1000)
    else:
        model = _seed_open_states(clone(estimator), seed)
    is_weighted = weights is not None and has_fit_parameter(model, "sample_weight")
    params = {"sample_weight": weights} if is_weighted else {}
    if not hasattr(model, "predict_proba") and sizes.min() >= 2:
        n_folds = int(min(3, sizes.min()))
        model = CalibratedClassifierCV(model, cv=n_folds)
    return LabelModel(model.fit(X, codes, **params), classes, n_classes)


def _seed_open_states(model, seed):
    # scikit-learn's `_set_random_states` would overwrite the seeds a user has set.
    names = {
        name: seed
        for name, value in model.get_params(deep=True).items()
        if value is None and (name == "random_state" or name.endswith("__random_state"))
    }
    return model.set_params(**names)


class CrossFit:
    """Five models, each fitted on all folds but one, for the rows of that fold.

    Parameters
    ----------
    estimator : classifier or None
    n_classes : int
    seed : int

    Attributes
    ----------
    probability_ : ndarray of shape (n_rows, n_classes)
        Out-of-fold probabilities of the rows it was fitted on.
    """

    def __init__(self, estimator, n_classes, seed):
        self.estimator = estimator
        self.n_classes = n_classes
        self.seed = seed

    @threadpool_limits.wrap(limits=1)  # on so few rows threads only wait
    def fit(self, X, codes, folds, weights=None):
        """Fit a model per fold.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_encoded)
        codes : int ndarray of shape (n_rows,)
        folds : int ndarray of shape (n_rows,)
            From `assign_folds`.
        weights : ndarray of shape (n_rows,), default=None
            Rows of weight 0 are not learned from, and get probabilities all the same.

        Returns
        -------
        self : CrossFit
        """
        self._models = []
        for fold in range(N_FOLDS):
            part, scale = folds != fold, None
            if weights is not None:
                part = part & (weights > 0)
                # Regularisation is relative to the sum of weights: keep a mean of 1.
                scale = weights[part] / weights[part].mean() if part.any() else None
            self._models.append(
                fit_label_model(
                    self.estimator,
                    X[part],
                    codes[part],
                    self.n_classes,
                    self.seed,
                    weights=scale,
                )
            )
        self.probability_ = self.predict_proba(X, folds)
        return self

    def predict_proba(self, X, folds):
        """Return the probabilities of rows, each by the model that lacks its fold."""
        probability = np.empty((len(X), self.n_classes))
        for fold in np.unique(folds):
            held = folds == fold
            probability[held] = self._models[fold].predict_proba(X[held])
        return probability


def cross_val_probability(estimator, X, codes, seed):
    """Return out-of-fold probabilities: no row is scored by a model that saw it.

    Parameters
    ----------
    estimator : classifier or None
    X : ndarray of shape (n_rows, n_encoded)
    codes : int ndarray of shape (n_rows,)
    seed : int

    Returns
    -------
    probability : ndarray of shape (n_rows, n_classes)
    """
    hashes = hash_rows(X)
    folds = assign_folds(group_rows(hashes, hashes), codes, N_FOLDS)
    model = CrossFit(estimator, int(codes.max()) + 1, seed).fit(X, codes, folds)
    return model.probability_


def group_rows(hashes, reference):
    """Return a number per row; rows of one number belong into one fold.

    Equal rows do, or a model would have seen the row it scores. The exception are
    tables with fewer than half as many distinct rows as rows: there, holding out all
    copies of a row removes everything the model knows about it and biases the
    prediction against its label, so copies may fall into different folds.

    Parameters
    ----------
    hashes : ndarray of shape (n_rows,)
    reference : ndarray of shape (n_reference,)
        Hashes of the rows by which such a table is recognised.
    """
    has_few_distinct = 2 * len(np.unique(reference)) < len(reference)
    return np.arange(len(hashes)) if has_few_distinct else hashes


def assign_folds(groups, codes, n_folds):
    """Deal groups of rows into folds, each label evenly.

    The folds depend on the set of rows only, not on their order, which
    `sklearn.model_selection.StratifiedGroupKFold` does not promise.

    Parameters
    ----------
    groups : ndarray of shape (n_rows,)
        Rows with the same number share a fold.
    codes : int ndarray of shape (n_rows,)
        Labels; a group with several counts as the smallest.
    n_folds : int

    Returns
    -------
    folds : int ndarray of shape (n_rows,)
    """
    distinct, position = np.unique(groups, return_inverse=True)
    label = np.full(len(distinct), np.iinfo(np.int64).max)
    np.minimum.at(label, position, codes)
    folds = np.empty(len(distinct), dtype=int)
    folds[np.lexsort((distinct, label))] = np.arange(len(distinct)) % n_folds
    return folds[position]


def stratified_subsample(codes, limit, rng):
    """Return at most about ``limit`` rows, every class among them, and their weights.

    Classes of up to ``limit / (2 n_classes)`` rows are taken whole, the others by
    their shares; a weight says how many rows a chosen one stands for.

    Parameters
    ----------
    codes : int ndarray of shape (n_rows,)
    limit : int
    rng : numpy.random.Generator

    Returns
    -------
    rows : int ndarray, sorted
    weights : ndarray of the same shape, their sum is n_rows
    """
    if len(codes) <= limit:
        return np.arange(len(codes)), np.ones(len(codes))
    rows, weights = [], []
    labels, sizes = np.unique(codes, return_counts=True)
    # Half of the limit is shared alike, so that rare classes are seen at all.
    floor = max(1, limit // (2 * len(labels)))
    for label, size in zip(labels, sizes, strict=True):
        n_taken = min(size, max(floor, int(limit * size / len(codes))))
        members = np.flatnonzero(codes == label)
        rows.append(rng.choice(members, n_taken, replace=False))
        weights.append(np.full(n_taken, size / n_taken))
    rows, weights = np.concatenate(rows), np.concatenate(weights)
    order = np.argsort(rows)
    return rows[order], weights[order]


class WeightedRows(NamedTuple):
    """Real rows, or candidates, each of which may stand for several.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_encoded)
    codes : int ndarray of shape (n_rows,)
    weights : ndarray of shape (n_rows,)
    """

    X: np.ndarray
    codes: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, X, codes):
        """Return rows of weight 1; values far off are drawn in."""
        # One absurd number must not rule a linear model.
        X = np.clip(X, -MAX_DEVIATIONS, MAX_DEVIATIONS)
        return cls(X, codes, np.ones(len(codes)))

    def join(self, other):
        """Return the rows of both."""
        return WeightedRows(*map(np.concatenate, zip(self, other, strict=True)))

    def subsample(self, limit, seed):
        """Return about ``limit`` rows at most, every label among them."""
        rng = np.random.default_rng(seed)
        rows, weights = stratified_subsample(self.codes, limit, rng)
        return WeightedRows(
            self.X[rows], self.codes[rows], self.weights[rows] * weights
        )
