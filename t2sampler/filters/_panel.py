"""Three unlike models that judge labels together."""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import RandomForestClassifier
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression

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
