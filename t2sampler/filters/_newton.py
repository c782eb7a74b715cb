"""Many small sets of rows, and the sums of Newton steps on D joined by each of them.

D is a `Sample` that all sets share. The sets are listed row by row (`PaddedSamples`;
`DrawnSamples` where all are rows of D) or, where each holds many real rows, as integer
counts of these (`CountedSamples`). `rescale` takes them to the coordinates of a fit;
there they have the same methods, so that a thousand sets are handled side by side.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

MAX_CELLS = 4_000_000  # numbers in a temporary array
FEW_SETS = 40  # below, one product per set is less work than all outer products


@dataclass(frozen=True)
class Sample:
    """Rows that many sets share; only their weights may differ from set to set.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_params)
        Encoded features after a column of ones.
    codes : int ndarray of shape (n_rows,)
    weights : ndarray of shape (n_rows,) or (n_sets, n_rows)
        How many rows each stands for.
    dtype : type, default=np.float64
        Of the change of D's information.
    """

    X: np.ndarray
    codes: np.ndarray
    weights: np.ndarray
    dtype: type = np.float64

    def logits(self, thetas):
        """Return xᵀθ, an array of shape (n_sets, n_rows)."""
        return thetas @ self.X.T

    def residuals(self, thetas, positive):
        """Return y - p of each row, times its weight."""
        return self.weights * ((self.codes == positive) - expit(self.logits(thetas)))

    def variances(self, thetas):
        """Return p(1 - p) of each row, times its weight."""
        return self.weights * logistic_variance(self.logits(thetas))

    def score(self, thetas, positive):
        """Return the gradient Σ x (y - p) of each set, (n_sets, n_params)."""
        return self.residuals(thetas, positive) @ self.X

    def information(self, thetas):
        """Return the Fisher information of each set, (n_sets, n_params, n_params)."""
        return weighted_gram(self.X, self.variances(thetas))

    def newton_step(self, fit):
        """Return [I + I(θ; D')]⁻¹ Σ x (y - p) of each set D', given a `LogisticFit`.

        In the coordinates of the fit, where the first I is the information of D.
        """
        precision = np.eye(len(fit.theta)) + self.information(fit.theta)
        score = self.score(fit.theta, fit.positive)
        return np.linalg.solve(precision, score[..., None])[..., 0]

    def loss(self, thetas, positive):
        """Return Σ -log p(y) of each set, (n_sets,)."""
        logits = self.logits(thetas)
        losses = np.logaddexp(0, logits) - (self.codes == positive) * logits
        return (self.weights * losses).sum(axis=-1)


@dataclass(frozen=True)
class PaddedSamples(Sample):
    """Many sets of rows of their own, padded with rows of no weight.

    Attributes
    ----------
    X : ndarray of shape (n_sets, n_rows, n_params)
    codes, weights : ndarray of shape (n_sets, n_rows)
    """

    @classmethod
    def of(cls, X, codes, cells, sizes):
        """Return sets of rows.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_params)
        codes : int ndarray of shape (n_rows,)
        cells : tuple of int ndarray
            The set each row belongs to, and its place in it.
        sizes : int ndarray of shape (n_sets,)
        """
        shape = (len(sizes), sizes.max(initial=1))
        sets = cls(
            np.zeros((*shape, X.shape[1])), np.zeros(shape, dtype=int), np.zeros(shape)
        )
        sets.X[cells], sets.codes[cells], sets.weights[cells] = X, codes, 1
        return sets

    def logits(self, thetas):
        """Return xᵀθ, an array of shape (n_sets, n_rows)."""
        return (self.X @ thetas[..., None])[..., 0]

    def score(self, thetas, positive):
        """Return the gradient Σ x (y - p) of each set, (n_sets, n_params)."""
        return (self.residuals(thetas, positive)[:, None, :] @ self.X)[:, 0]

    def information(self, thetas):
        """Return the Fisher information of each set, (n_sets, n_params, n_params)."""
        scaled = self.X * self.variances(thetas)[..., None]
        return self.X.transpose(0, 2, 1) @ scaled

    def take(self, sets):
        """Return some of the sets."""
        parts = (part[sets] for part in (self.X, self.codes, self.weights))
        return PaddedSamples(*parts, self.dtype)

    def relabel(self, label, new):
        """Return the same rows with one label changed for another."""
        return replace(self, codes=np.where(self.codes == label, new, self.codes))

    def rescale(self, fit):
        """Return the sets in the coordinates of a `LogisticFit`."""
        flat = self.X.reshape(-1, self.X.shape[2])  # one product, not one per set
        return replace(self, X=(flat @ fit.turn.T).reshape(self.X.shape))

    def with_reference(self, real):
        """Return the parts that D and each set together consist of, D first."""
        return [real, self]

    def newton_step(self, fit):
        """Return the step of each set as `Sample` does."""
        n_rows = self.X.shape[1]
        if n_rows >= len(fit.theta):
            return super().newton_step(fit)
        # The step is a sum of the set's rows: as many unknowns as there are rows.
        products = self.X @ self.X.transpose(0, 2, 1)
        inner = np.eye(n_rows) + self.variances(fit.theta)[..., None] * products
        residuals = self.residuals(fit.theta, fit.positive)
        shares = np.linalg.solve(inner, residuals[..., None])
        return (shares.transpose(0, 2, 1) @ self.X)[:, 0]


@dataclass(frozen=True)
class DrawnSamples:
    """Many sets of a few real rows each, listed.

    In single precision a thousand of them take half the time, and a gain is exact to
    1e-6.

    Attributes
    ----------
    real : Sample
    rows : int ndarray of shape (n_sets, n_drawn)
    """

    real: Sample
    rows: np.ndarray

    def rescale(self, fit):
        """Return the sets in the coordinates of a `LogisticFit`, row by row."""
        X, codes = fit.real.X.take(self.rows, axis=0), self.real.codes[self.rows]
        return PaddedSamples(X, codes, np.ones(self.rows.shape), np.float32)


class CountedSamples(Sample):
    """Many sets made of the rows of D.

    Attributes
    ----------
    X, codes : ndarray
        Of D.
    weights : ndarray of shape (n_sets, n_rows)
        How often each set holds each row.
    """

    def take(self, sets):
        """Return some of the sets."""
        return replace(self, weights=self.weights[sets])

    def rescale(self, fit):
        """Return the sets in the coordinates of a `LogisticFit`."""
        return replace(self, X=fit.real.X)

    def with_reference(self, real):
        """Return the parts that D and each set together consist of."""
        return [replace(real, weights=real.weights + self.weights)]


def add_intercept(X):
    """Put a column of ones before the features."""
    return np.concatenate([np.ones((*X.shape[:-1], 1)), X], axis=-1)


def logistic_variance(logits):
    """Return p(1 - p), a row's weight in the Fisher information.

    Examples
    --------
    >>> import numpy as np
    >>> logistic_variance(np.zeros(1)).tolist()
    [0.25]
    """
    # e / (1 + e)² with e = exp(-|logit|) does not overflow; in place, as the null has
    # thousands of sets.
    tail = np.copysign(logits, -1.0)
    np.exp(tail, out=tail)
    tail /= np.square(1 + tail)
    return tail


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
    triangle = np.empty((len(weights), len(left)), dtype=weights.dtype)
    columns = np.ascontiguousarray(X.T, dtype=weights.dtype)
    step = max(1, MAX_CELLS // max(1, len(X)))
    for start in range(0, len(left), step):
        part = slice(start, start + step)
        outer = columns[left[part]] * columns[right[part]]
        np.matmul(weights, outer.T, out=triangle[:, part])
    return triangle.take(place.ravel(), axis=1).reshape(-1, n_params, n_params)
