"""Sets of rows that a model is to learn from, many side by side.

D stands as `Rows` that all sets share. Many D' stand either row by row (`Stack`) or,
where each holds many real rows, as integer counts of them (`Repeats`); both answer the
same questions, so that no model is ever refitted.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy.special import expit
from threadpoolctl import ThreadpoolController

MAX_CELLS = 4_000_000  # numbers in a temporary array
FEW_SETS = 40  # below, one product per set is less work than all outer products


@dataclass(frozen=True)
class Rows:
    """Rows that many sets share; only their weights may differ from set to set.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_params)
        Encoded features after a column of ones.
    codes : int ndarray of shape (n_rows,)
    weights : ndarray of shape (n_rows,) or (n_sets, n_rows)
        How many rows each stands for.
    folds : int ndarray of shape (n_rows,)
    """

    X: np.ndarray
    codes: np.ndarray
    weights: np.ndarray
    folds: np.ndarray

    def without(self, fold):
        """Return the same rows, those of one fold without weight."""
        return replace(self, weights=self.weights * (self.folds != fold))

    def logits(self, thetas):
        """Return xᵀθ, an array of shape (n_sets, n_rows)."""
        return thetas @ self.X.T

    def score(self, thetas, positive):
        """Return the gradient Σ x (y - p) of each set, (n_sets, n_params)."""
        residual = (self.codes == positive) - expit(self.logits(thetas))
        return (self.weights * residual) @ self.X

    def information(self, thetas):
        """Return the Fisher information of each set, (n_sets, n_params, n_params)."""
        return weighted_gram(self.X, self.weights * spread(self.logits(thetas)))

    def loss(self, thetas, positive):
        """Return Σ -log p(y) of each set, (n_sets,)."""
        logits = self.logits(thetas)
        losses = np.logaddexp(0, logits) - (self.codes == positive) * logits
        return (self.weights * losses).sum(axis=-1)


@dataclass(frozen=True)
class Stack(Rows):
    """Many sets of rows of their own, filled up with rows of no weight.

    Attributes
    ----------
    X : ndarray of shape (n_sets, n_rows, n_params)
    codes, weights, folds : ndarray of shape (n_sets, n_rows)
        The fold of a row that equals a real row is that row's, else -1.
    """

    @classmethod
    def of(cls, loose, cells, sizes):
        """Stack loose rows.

        Parameters
        ----------
        loose : Rows
        cells : tuple of int ndarray
            The set each row belongs to, and its place in it.
        sizes : int ndarray of shape (n_sets,)
        """
        shape = (len(sizes), sizes.max(initial=1))
        stack = cls(
            np.zeros((*shape, loose.X.shape[1])),
            np.zeros(shape, dtype=int),
            np.zeros(shape),
            np.full(shape, -1),
        )
        stack.X[cells], stack.codes[cells] = loose.X, loose.codes
        stack.weights[cells], stack.folds[cells] = loose.weights, loose.folds
        return stack

    def logits(self, thetas):
        """Return xᵀθ, an array of shape (n_sets, n_rows)."""
        return (self.X @ thetas[..., None])[..., 0]

    def score(self, thetas, positive):
        """Return the gradient Σ x (y - p) of each set, (n_sets, n_params)."""
        residual = (self.codes == positive) - expit(self.logits(thetas))
        return ((self.weights * residual)[:, None, :] @ self.X)[:, 0]

    def information(self, thetas):
        """Return the Fisher information of each set, (n_sets, n_params, n_params)."""
        scale = self.weights * spread(self.logits(thetas))
        return self.X.transpose(0, 2, 1) @ (self.X * scale[..., None])

    def take(self, sets):
        """Return some of the sets."""
        parts = (self.X, self.codes, self.weights, self.folds)
        return Stack(*(part[sets] for part in parts))

    def relabel(self, label, new):
        """Return the same rows with one label changed for another."""
        return replace(self, codes=np.where(self.codes == label, new, self.codes))

    def below(self, n_classes):
        """Return the same sets, without the rows of further labels."""
        return replace(self, weights=self.weights * (self.codes < n_classes))

    def join(self, real):
        """Return the parts that D and each set together consist of."""
        return [real, self]

    def shift(self, fit):
        """Return [I(θ; D) + I(θ; D')]⁻¹ Σ x (y - p) of each set."""
        score = self.score(fit.theta, fit.positive)
        if 2 * self.X.shape[1] > self.X.shape[2]:
            precision = fit.precision + self.information(fit.theta)
            return np.linalg.solve(precision, score[..., None])[..., 0]
        # Woodbury: few rows in many columns
        scale = np.sqrt(self.weights * spread(self.logits(fit.theta)))
        rows = self.X * scale[..., None]
        known = rows @ fit.covariance
        inner = known @ rows.transpose(0, 2, 1) + np.eye(rows.shape[1])
        first = score @ fit.covariance
        seen = rows @ first[..., None]
        return first - (np.linalg.solve(inner, seen).transpose(0, 2, 1) @ known)[:, 0]

    def listed(self, t):
        """Return features and labels of one set, row by row."""
        chosen = self.weights[t] > 0
        return self.X[t][chosen], self.codes[t][chosen]

    def __len__(self):
        return len(self.X)


@dataclass(frozen=True)
class Repeats:
    """Many sets made of real rows: how often each holds each.

    Attributes
    ----------
    real : Rows
    counts : ndarray of shape (n_sets, n_rows)
    """

    real: Rows
    counts: np.ndarray

    def without(self, fold):
        """Return the same sets, without the rows of one fold."""
        return replace(self, counts=self.counts * (self.real.folds != fold))

    def take(self, sets):
        """Return some of the sets."""
        return replace(self, counts=self.counts[sets])

    def join(self, real):
        """Return the parts that D and each set together consist of."""
        return [replace(real, weights=real.weights + self.counts)]

    def shift(self, fit):
        """Return [I(θ; D) + I(θ; D')]⁻¹ Σ x (y - p) of each set."""
        own = replace(self.real, weights=self.counts)
        precision = fit.precision + own.information(fit.theta)
        score = own.score(fit.theta, fit.positive)
        return np.linalg.solve(precision, score[..., None])[..., 0]

    def listed(self, t):
        """Return features and labels of one set, row by row."""
        chosen = np.repeat(np.arange(len(self.real.X)), self.counts[t].astype(int))
        return self.real.X[chosen], self.real.codes[chosen]

    def __len__(self):
        return len(self.counts)


def one_thread():
    """Return a context in which BLAS stays on one thread.

    A second thread speeds the many small products up a little on an idle machine, and
    slows them down several times on a busy one.
    """
    return _blas().limit(limits=1, user_api="blas")


@cache
def _blas():
    return ThreadpoolController()


def add_intercept(X):
    """Put a column of ones before the features."""
    return np.concatenate([np.ones((*X.shape[:-1], 1)), X], axis=-1)


def spread(logits):
    """Return p(1 - p), a row's weight in the Fisher information.

    Examples
    --------
    >>> import numpy as np
    >>> spread(np.zeros(1)).tolist()
    [0.25]
    """
    tail = np.abs(logits)  # e / (1 + e)² with e = exp(-|logit|), in one array
    np.negative(tail, out=tail)
    np.exp(tail, out=tail)
    return tail / np.square(1 + tail)


def weighted_gram(X, weights):
    """Return Σ_i w_ti x_i x_iᵀ for many sets of weights, by one matrix product.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_params)
    weights : ndarray of shape (n_sets, n_rows)

    Returns
    -------
    gram : ndarray of shape (n_sets, n_params, n_params)

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1.0, 2.0], [1.0, 0.0]])
    >>> weighted_gram(X, np.array([[1.0, 3.0]])).tolist()
    [[[4.0, 2.0], [2.0, 4.0]]]
    """
    n_params = X.shape[1]
    if len(weights) < FEW_SETS:  # too few to pay for the outer products
        grams = [(X * row[:, None]).T @ X for row in weights]
        return np.array(grams).reshape(-1, n_params, n_params)
    left, right = np.triu_indices(n_params)
    place = np.empty((n_params, n_params), dtype=int)
    place[left, right] = place[right, left] = np.arange(len(left))
    triangle = np.empty((len(weights), len(left)))
    columns = np.ascontiguousarray(X.T)
    step = max(1, MAX_CELLS // max(1, len(X)))
    for start in range(0, len(left), step):
        part = slice(start, start + step)
        outer = columns[left[part]] * columns[right[part]]
        np.matmul(weights, outer.T, out=triangle[:, part])
    return triangle.take(place.ravel(), axis=1).reshape(-1, n_params, n_params)
