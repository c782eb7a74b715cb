"""Strongly regularised classifiers for few rows: the members of the label ensemble.

Each gives a score per class, centred per row, with all classes weighted alike: how rare
a class is does not change which rows belong to it.
"""

import warnings
from copy import deepcopy
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

Matrix = NDArray[np.float64]
Labels = NDArray[np.intp]

MAX_SVM_ROWS = 1500  # beyond: its cost per candidate grows with the rows
MIN_BOOST_ROWS = 400  # below: boosting fits noise
SHRINK_THRESHOLD = 0.5  # of a centroid's offset, in standard errors


class ScoringClassifier(Protocol):
    """A classifier of encoded rows."""

    def fit(self, A: Matrix, labels: Labels) -> "ScoringClassifier":
        """Learn from rows whose labels are 0, 1, ... without a gap."""
        ...

    def score(self, A: Matrix) -> Matrix:
        """Return scores of shape (n_rows, n_classes); rows sum to zero."""
        ...


def make_classifiers(n_rows: int) -> list[ScoringClassifier]:
    """Return unfitted classifiers for a table of ``n_rows`` rows."""
    classifiers: list[ScoringClassifier] = [
        SklearnClassifier(
            LogisticRegression(C=0.01, class_weight="balanced", max_iter=300)
        ),
        SklearnClassifier(
            ExtraTreesClassifier(
                60, min_samples_leaf=3, class_weight="balanced", random_state=0
            )
        ),
        ShrunkCentroids(),
    ]
    if n_rows <= MAX_SVM_ROWS:
        classifiers += [
            SklearnClassifier(SVC(C=C, class_weight="balanced")) for C in (1, 0.3)
        ]
    if n_rows >= MIN_BOOST_ROWS:
        boosting = HistGradientBoostingClassifier(
            max_iter=80,
            max_leaf_nodes=12,
            l2_regularization=1.0,
            class_weight="balanced",
            early_stopping=False,
            random_state=0,
        )
        classifiers.append(SklearnClassifier(boosting))
    return classifiers


class SklearnClassifier:
    """Scores of a scikit-learn classifier.

    Parameters
    ----------
    estimator : classifier
        With ``decision_function`` or ``predict_proba``.
    """

    def __init__(self, estimator: object):
        self.estimator = estimator

    def fit(self, A: Matrix, labels: Labels) -> "SklearnClassifier":
        """Fit the classifier."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.estimator.fit(A, labels)  # type: ignore[attr-defined]
        return self

    def score(self, A: Matrix) -> Matrix:
        """Return decision values, or probabilities, centred per row."""
        estimator = self.estimator
        if hasattr(estimator, "decision_function"):
            scores = np.asarray(estimator.decision_function(A))
        else:
            scores = np.asarray(estimator.predict_proba(A))  # type: ignore[attr-defined]
        if scores.ndim == 1:
            scores = np.column_stack([-scores, scores]) / 2
        return centre(scores)


class ShrunkCentroids:
    """Nearest shrunken centroid around the mean of the class means.

    Not scikit-learn's `NearestCentroid`, which shrinks towards the mean of all rows and
    adds the median deviation to each: it gives other labels to a few rows in a hundred.

    References
    ----------
    .. [1] R. Tibshirani, T. Hastie, B. Narasimhan and G. Chu, "Diagnosis of multiple
           cancer types by shrunken centroids of gene expression", PNAS 99, 2002.
    """

    def fit(self, A: Matrix, labels: Labels) -> "ShrunkCentroids":
        """Learn the shrunken offset of each class from the mean of the class means."""
        counts, means = class_means(A, labels)
        middle = means.mean(axis=0)
        within = np.sqrt(((A - means[labels]) ** 2).mean(axis=0)) + 1e-3
        error = np.sqrt(1 / counts + (1 / counts).sum() / len(counts) ** 2)[:, None]
        offsets = (means - middle) / within
        small = SHRINK_THRESHOLD * error / np.sqrt(2)
        self._offsets = np.sign(offsets) * np.maximum(np.abs(offsets) - small, 0)
        self._slopes = self._offsets / within
        self._intercepts = -self._slopes @ middle - (self._offsets**2).sum(axis=1) / 2
        return self

    def score(self, A: Matrix) -> Matrix:
        """Return minus half the squared distance to each centroid, centred per row."""
        return centre(A @ self._slopes.T + self._intercepts)


class FrankHallOrdinal:
    """Decompose ordered labels into one binary problem per cut between neighbours.

    The score of a label is the sum of the evidence that a row lies above the cuts below
    it and below the cuts above it. Every cut is fitted on all rows, so a label of one
    row is judged by the trend that leads up to it.

    Parameters
    ----------
    classifier : ScoringClassifier
        Not fitted; a copy of it is fitted per cut.

    References
    ----------
    .. [1] E. Frank and M. Hall, "A Simple Approach to Ordinal Classification",
           ECML 2001.
    """

    def __init__(self, classifier: ScoringClassifier):
        self.classifier = classifier

    def fit(self, A: Matrix, labels: Labels) -> "FrankHallOrdinal":
        """Fit a classifier per cut."""
        self._classifiers = [
            deepcopy(self.classifier).fit(A, (labels >= cut).astype(np.intp))
            for cut in range(1, int(labels.max()) + 1)
        ]
        return self

    def score(self, A: Matrix) -> Matrix:
        """Return scores of shape (n_rows, n_classes), centred per row."""
        sides = [classifier.score(A) for classifier in self._classifiers]
        above = np.column_stack([side[:, 1] - side[:, 0] for side in sides])
        start = np.zeros((len(A), 1))
        return centre(np.hstack([start, np.cumsum(above, axis=1)]))


class RankRidge:
    """Regress the ranks of ordered labels on the rows; the nearest class mean wins.

    Parameters
    ----------
    penalty : float, default=1.0
        Weight of the ridge, per row and column.
    """

    def __init__(self, penalty: float = 1.0):
        self.penalty = penalty

    def fit(self, A: Matrix, labels: Labels) -> "RankRidge":
        """Fit a direction, and the mean of each class along it."""
        self._mean = A.mean(axis=0)
        B, rank = A - self._mean, labels - labels.mean()
        gram = B.T @ B + self.penalty * len(A) * np.eye(B.shape[1])
        self._direction = np.linalg.solve(gram, B.T @ rank)
        self._centres = class_means((B @ self._direction)[:, None], labels)[1][:, 0]
        return self

    def score(self, A: Matrix) -> Matrix:
        """Return scores of shape (n_rows, n_classes), centred per row."""
        place = (A - self._mean) @ self._direction
        return centre(np.outer(place, self._centres) - self._centres**2 / 2)


def class_means(A: Matrix, labels: Labels) -> tuple[Matrix, Matrix]:
    """Return rows per class, and the mean of each class."""
    counts = np.bincount(labels).astype(float)
    members = np.zeros((len(counts), len(A)))
    members[labels, np.arange(len(A))] = 1
    return counts, members @ A / counts[:, None]


def centre(scores: Matrix) -> Matrix:
    """Return scores whose rows sum to zero."""
    centred: Matrix = scores - scores.mean(axis=1, keepdims=True)
    return centred
