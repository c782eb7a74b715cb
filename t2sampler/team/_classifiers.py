"""Strongly regularised classifiers for few rows: the members of the label ensemble.

Each gives a score per class, centred per row, with all classes weighted alike: how rare
a class is does not change which rows belong to it.
"""

from copy import deepcopy
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.tree import ExtraTreeClassifier

Matrix = NDArray[np.float64]
Labels = NDArray[np.intp]

KERNEL_PENALTIES = (1.0, 10.0)
MAX_KERNEL_ROWS = 1500  # beyond: boosting is as good, and costs less per candidate
MAX_LANDMARKS = 300  # of a kernel: more cost time per candidate and hardly add
N_TREES = 40
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
        Linear(),
        HalfTrees(),
        ShrunkCentroids(),
    ]
    if n_rows <= MAX_KERNEL_ROWS:
        classifiers += map(KernelRidge, KERNEL_PENALTIES)
    if n_rows >= MIN_BOOST_ROWS:
        classifiers.append(Boosting())
    return classifiers


class Linear:
    """Logistic regression, strongly regularised."""

    def fit(self, A: Matrix, labels: Labels) -> "Linear":
        """Fit the classifier."""
        self._classifier = LogisticRegression(C=0.01, class_weight="balanced")
        self._classifier.fit(A, labels)
        return self

    def score(self, A: Matrix) -> Matrix:
        """Return decision values, centred per row."""
        return centre(_decide(self._classifier, A))


class Boosting:
    """Histogram gradient boosting, whose scores leave out how frequent classes are.

    Not by weights of the rows: with them scikit-learn bins columns many times slower.
    """

    def fit(self, A: Matrix, labels: Labels) -> "Boosting":
        """Fit the classifier."""
        self._log_shares = np.log(np.bincount(labels) / len(labels))
        self._classifier = HistGradientBoostingClassifier(
            learning_rate=0.2,
            max_iter=30,
            max_leaf_nodes=12,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=0,
        ).fit(A, labels)
        return self

    def score(self, A: Matrix) -> Matrix:
        """Return decision values less the log shares, centred per row."""
        return centre(_decide(self._classifier, A) - self._log_shares)


def _decide(classifier: Any, A: Matrix) -> Matrix:
    """Return decision values of shape (n_rows, n_classes), for two classes, too."""
    scores: Matrix = classifier.decision_function(A)
    if scores.ndim == 1:
        return np.column_stack([np.zeros(len(A)), scores])
    return scores


class HalfTrees:
    """Extremely randomised trees, each grown on a random half of each class.

    One fit gives a forest, and scores of rows by the trees that did not see them. As
    halves have a part of each class, these scores are not biased as those out of bag,
    of which a row's own class has fewer rows in the bag.

    Attributes
    ----------
    held_out_ : float ndarray of shape (n_rows, n_classes)
        Scores by the trees that did not see a row; 0 where all did.

    References
    ----------
    .. [1] P. Geurts, D. Ernst and L. Wehenkel, "Extremely randomized trees", Machine
           Learning 63, 2006.
    """

    def fit(
        self, A: Matrix, labels: Labels, is_kept: NDArray[np.bool_] | None = None
    ) -> "HalfTrees":
        """Grow the trees; each sees the rows for which ``is_kept`` is True."""
        is_kept = np.zeros(len(A), dtype=bool) if is_kept is None else is_kept
        is_kept = is_kept | (np.bincount(labels)[labels] == 1)
        features, balance = A.astype(np.float32), 1 / np.bincount(labels)[labels]
        self.held_out_ = np.zeros((len(A), int(labels.max()) + 1))
        self._trees = []
        rng = np.random.default_rng(0)
        for number in range(N_TREES):
            order = rng.permutation(len(A))
            order = order[np.argsort(labels[order], kind="stable")]
            is_unseen = np.zeros(len(A), dtype=bool)
            is_unseen[order[number % 2 :: 2]] = True
            is_unseen &= ~is_kept
            tree = ExtraTreeClassifier(min_samples_leaf=2, random_state=number)
            weights = np.where(is_unseen, 0, balance)
            # Checks take longer than a tree of few rows.
            with config_context(skip_parameter_validation=True):
                tree.fit(features, labels, sample_weight=weights, check_input=False)
            self._trees.append(tree.tree_)
            self.held_out_[is_unseen] += tree.tree_.predict(features[is_unseen])
        self.held_out_ = centre(self.held_out_) / (N_TREES / 2)
        return self

    def score(self, A: Matrix) -> Matrix:
        """Return the mean probabilities of all trees, centred per row."""
        features = A.astype(np.float32)
        return centre(sum(tree.predict(features) for tree in self._trees) / N_TREES)


class KernelRidge:
    """Ridge regression of the labels' indicators in the space of an RBF kernel.

    Its width is that of scikit-learn's ``gamma="scale"``; many rows are represented by
    some of them (subset of regressors). Not scikit-learn's `KernelRidge`, of which time
    and memory grow with the square of the rows.

    Parameters
    ----------
    penalty : float
        Weight of the ridge.

    References
    ----------
    .. [1] C. E. Rasmussen and C. K. I. Williams, "Gaussian Processes for Machine
           Learning", MIT Press 2006, section 8.3.1.
    """

    def __init__(self, penalty: float):
        self.penalty = penalty

    def fit(self, A: Matrix, labels: Labels) -> "KernelRidge":
        """Solve for the coefficients of the landmarks."""
        self._gamma = 1 / (A.shape[1] * max(float(A.var()), 1e-12))
        some = np.random.default_rng(0).permutation(len(A))[:MAX_LANDMARKS]
        self._landmarks = A[some]
        kernel, counts = self._find_kernel(A), np.bincount(labels)
        weights = len(labels) / len(counts) / counts[labels]
        targets = np.eye(len(counts))[labels] - 1 / len(counts)
        weighted = kernel.T * weights
        gram = weighted @ kernel + self.penalty * kernel[some]
        gram[np.diag_indices_from(gram)] += 1e-6 * len(gram)  # of rows that are alike
        self._coefficients = np.linalg.solve(gram, weighted @ targets)
        return self

    def score(self, A: Matrix) -> Matrix:
        """Return regressed indicators, centred per row."""
        return centre(self._find_kernel(A) @ self._coefficients)

    def _find_kernel(self, A: Matrix) -> Matrix:
        kernel: Matrix = rbf_kernel(A, self._landmarks, self._gamma)
        return kernel


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
