"""Classifiers that stay calm on few rows: the members of the labelling ensemble.

Each gives a score per class, centred per row, with all classes counted alike: how rare
a class is says nothing about which rows belong to it.
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
THRESHOLD = 0.5  # of a centroid's step, in standard errors


class Member(Protocol):
    """A classifier of encoded rows."""

    def fit(self, A: Matrix, labels: Labels) -> "Member":
        """Learn from rows whose labels are 0, 1, ... without a gap."""
        ...

    def score(self, A: Matrix) -> Matrix:
        """Return scores of shape (n_rows, n_classes); rows sum to zero."""
        ...


def make_members(n_rows: int) -> list[Member]:
    """Return the members for a table of ``n_rows`` rows."""
    members: list[Member] = [
        Fitted(LogisticRegression(C=0.01, class_weight="balanced", max_iter=300)),
        Fitted(
            ExtraTreesClassifier(
                60, min_samples_leaf=3, class_weight="balanced", random_state=0
            )
        ),
        ShrunkCentroids(),
    ]
    if n_rows <= MAX_SVM_ROWS:
        members += [Fitted(SVC(C=C, class_weight="balanced")) for C in (1, 0.3)]
    if n_rows >= MIN_BOOST_ROWS:
        boosting = HistGradientBoostingClassifier(
            max_iter=80,
            max_leaf_nodes=12,
            l2_regularization=1.0,
            class_weight="balanced",
            early_stopping=False,
            random_state=0,
        )
        members.append(Fitted(boosting))
    return members


class Fitted:
    """A scikit-learn classifier as a member.

    Parameters
    ----------
    estimator : classifier
        With ``decision_function`` or ``predict_proba``.
    """

    def __init__(self, estimator: object):
        self.estimator = estimator

    def fit(self, A: Matrix, labels: Labels) -> "Fitted":
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
    """Nearest centroid, after small steps of a class from the middle are dropped."""

    def fit(self, A: Matrix, labels: Labels) -> "ShrunkCentroids":
        """Learn the step of each class from the mean of the class means."""
        counts, means = class_means(A, labels)
        middle = means.mean(axis=0)
        within = np.sqrt(((A - means[labels]) ** 2).mean(axis=0)) + 1e-3
        error = np.sqrt(1 / counts + (1 / counts).sum() / len(counts) ** 2)[:, None]
        steps = (means - middle) / within
        small = THRESHOLD * error / np.sqrt(2)
        self._steps = np.sign(steps) * np.maximum(np.abs(steps) - small, 0)
        self._slopes = self._steps / within
        self._start = -self._slopes @ middle - (self._steps**2).sum(axis=1) / 2
        return self

    def score(self, A: Matrix) -> Matrix:
        """Return how far rows lie towards each class, centred per row."""
        return centre(A @ self._slopes.T + self._start)


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


class Cumulative:
    """Ask of each cut between neighbouring labels on which side a row lies.

    The score of a label is the sum of the evidence that a row lies above the cuts
    below it and below the cuts above it. Every cut sees all rows, so a label of one row
    is judged by what leads up to it.

    Parameters
    ----------
    member : Member
        Not fitted; a copy of it is fitted per cut.
    """

    def __init__(self, member: Member):
        self.member = member

    def fit(self, A: Matrix, labels: Labels) -> "Cumulative":
        """Fit a member per cut."""
        cuts = range(1, int(labels.max()) + 1)
        self._members = [
            deepcopy(self.member).fit(A, _above(labels, cut)) for cut in cuts
        ]
        return self

    def score(self, A: Matrix) -> Matrix:
        """Return scores of shape (n_rows, n_classes), centred per row."""
        steps = [member.score(A) for member in self._members]
        up = np.column_stack([step[:, 1] - step[:, 0] for step in steps])
        start = np.zeros((len(A), 1))
        return centre(np.hstack([start, np.cumsum(up, axis=1)]))


class RankRidge:
    """Regress the labels' positions on the rows, and take the nearest class mean.

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
        B, position = A - self._mean, labels - labels.mean()
        strength = self.penalty * len(A)
        gram = B.T @ B + strength * np.eye(B.shape[1])
        self._direction = np.linalg.solve(gram, B.T @ position)
        self._centres = class_means((B @ self._direction)[:, None], labels)[1][:, 0]
        return self

    def score(self, A: Matrix) -> Matrix:
        """Return scores of shape (n_rows, n_classes), centred per row."""
        place = (A - self._mean) @ self._direction
        return centre(np.outer(place, self._centres) - self._centres**2 / 2)


def _above(labels: Labels, cut: int) -> Labels:
    above: Labels = (labels >= cut).astype(np.intp)
    return above
