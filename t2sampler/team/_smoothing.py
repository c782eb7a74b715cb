"""A kernel that moves numbers between the real ones, on the scale of normal scores."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from t2sampler._schema import ColumnSchema

# A value recurs, and is then copied but not moved, if it is seen so often; or thrice
# and in such a share of the rows, or thrice as often as nine in ten values.
MIN_REPEATS = 10
MIN_SPIKE, MIN_SPIKE_SHARE = 3, 0.1
USUAL_QUANTILE = 0.9
# The spread of a leaf, or of a class, is estimated from at least so many scores; that
# of a leaf is bounded by the variance of its class times so much.
MIN_SCORES = 5
MAX_VARIANCE_RATIO = 4.0
MIN_TAIL = 1e-12  # keeps normal scores finite


class NormalScores:
    """Rare values of one numeric column as normal scores, and back.

    Values that recur (spikes such as zeros and caps, heaps at round numbers, columns of
    few values) have no score: the kernel does not move them.

    Parameters
    ----------
    column : ColumnSchema
    """

    def __init__(self, column: ColumnSchema):
        self.column = column

    def fit(self, codes: NDArray[np.float64]) -> "NormalScores":
        """Learn which values are rare, and their distribution."""
        present = codes[~np.isnan(codes)]
        values, counts = np.unique(present, return_counts=True)
        share = counts / max(1, len(present))
        usual = np.quantile(counts, USUAL_QUANTILE) if len(counts) else 1
        stands_out = (share >= MIN_SPIKE_SHARE) | (counts >= MIN_SPIKE * usual)
        recurs = (counts >= MIN_REPEATS) | ((counts >= MIN_SPIKE) & stands_out)
        self.values, counts = values[~recurs], counts[~recurs]
        middle = (np.cumsum(counts) - counts / 2) / max(1, counts.sum())
        self._scores = ndtri(middle)
        return self

    @property
    def is_smooth(self) -> bool:
        """True with at least two rare values, between which there are others."""
        return len(self.values) > 1

    def transform(self, codes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return normal scores; NaN for values that recur or are missing."""
        place = np.searchsorted(self.values, codes).clip(max=len(self.values) - 1)
        is_rare = self.values[place] == codes
        return np.where(is_rare, self._scores[place], np.nan)

    def restore(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values of the column, between the smallest and the largest."""
        return self.column.snap(np.interp(scores, self._scores, self.values))


class Kernel:
    r"""Move donors' scores at random without widening their distribution.

    .. math:: z' = m + \frac{z - m + h s L e}{\sqrt{1 + h^2}}, \qquad
       h = \left(\frac{4}{(d + 2) n}\right)^{1 / (d + 4)}

    with the leaf's mean m, spread s and number of donors n, the correlation
    :math:`L L^T` within the leaves of the class, and e standard normal (Silverman's
    bandwidth for d columns). Scores are reflected at the leaf's smallest and largest. A
    leaf with few scores has no such limits and the spread of its class, a class with
    few that of all classes.

    Parameters
    ----------
    strength : float
        Factor on h.
    """

    def __init__(self, strength: float):
        self.strength = strength

    def fit(
        self,
        scores: NDArray[np.float64],
        leaves: NDArray[np.intp],
        classes: NDArray[np.intp],
    ) -> "Kernel":
        """Learn means and spreads of leaves, and correlations within classes.

        Parameters
        ----------
        scores : float ndarray of shape (n_rows, n_columns)
            NaN where there is none.
        leaves : int ndarray of shape (n_rows,)
            Leaves of all classes, numbered through.
        classes : int ndarray of shape (n_rows,)
            Label codes.
        """
        counts, sums = _sum_up(scores, leaves)
        self._means = sums / np.maximum(counts, 1)
        rest = scores - self._means[leaves]
        squares = _sum_up(rest**2, leaves)[1]
        freedom = np.maximum(counts - 1, 0)
        class_of_leaf = np.zeros(len(counts), dtype=np.intp)
        class_of_leaf[leaves] = classes
        usual = _pool_variances(squares, freedom, class_of_leaf, np.nan_to_num(scores))
        own = squares / np.maximum(freedom, 1)
        variance = np.where(
            counts >= MIN_SCORES, np.minimum(own, MAX_VARIANCE_RATIO * usual), usual
        )
        self._spreads = np.sqrt(variance)
        self._limits = _find_limits(scores, leaves, counts)
        d, n = scores.shape[1], np.bincount(leaves)
        self._h = self.strength * (4 / ((d + 2) * np.maximum(n, 1))) ** (1 / (d + 4))
        rest = np.nan_to_num(rest)
        self._roots = {k: _root(rest[classes == k]) for k in np.unique(classes)}
        return self

    def move(
        self,
        scores: NDArray[np.float64],
        leaves: NDArray[np.intp],
        classes: NDArray[np.intp],
        uniforms: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return moved scores; all arrays have a row per candidate."""
        noise = ndtri(np.clip(uniforms, MIN_TAIL, 1 - MIN_TAIL))
        for k in np.unique(classes):
            rows = classes == k
            noise[rows] = noise[rows] @ self._roots[k]
        # Residuals shrink by as much as the noise widens them: the variance stays.
        h = self._h[leaves][:, None]
        means = self._means[leaves]
        step = scores - means + h * self._spreads[leaves] * noise
        low, high = self._limits[0][leaves], self._limits[1][leaves]
        return _reflect(means + step / np.sqrt(1 + h**2), low, high)


def _sum_up(
    values: NDArray[np.float64], groups: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return counts and sums per group and column, NaN left out."""
    n_groups = int(groups.max()) + 1
    present = ~np.isnan(values)
    counts = [np.bincount(groups, x, minlength=n_groups) for x in present.T]
    known = np.where(present, values, 0)
    sums = [np.bincount(groups, x, minlength=n_groups) for x in known.T]
    return np.column_stack(counts), np.column_stack(sums)


def _pool_variances(
    squares: NDArray[np.float64],
    freedom: NDArray[np.float64],
    class_of_leaf: NDArray[np.intp],
    scores: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the variance within leaves, pooled per class, for each leaf."""
    all_classes = squares.sum(axis=0) / np.maximum(freedom.sum(axis=0), 1)
    all_classes = np.where(freedom.sum(axis=0) > 0, all_classes, scores.var(axis=0))
    by_class = _sum_up(squares, class_of_leaf)[1]
    known = _sum_up(freedom, class_of_leaf)[1]
    pooled = np.where(
        known >= MIN_SCORES - 1, by_class / np.maximum(known, 1), all_classes
    )
    usual: NDArray[np.float64] = pooled[class_of_leaf]
    return usual


def _find_limits(
    scores: NDArray[np.float64], leaves: NDArray[np.intp], counts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the smallest and largest score per leaf; infinite where there are few.

    Normal scores do not show the gap that may lie between the values of two leaves, so
    a score has to stay within the limits of its own leaf.
    """
    low, high = np.full(counts.shape, np.inf), np.full(counts.shape, -np.inf)
    np.fmin.at(low, leaves, scores)
    np.fmax.at(high, leaves, scores)
    few = counts < MIN_SCORES
    return np.where(few, -np.inf, low), np.where(few, np.inf, high)


def _reflect(
    x: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Fold what lies beyond a limit back inside."""
    x = np.where(x < low, 2 * low - x, x)
    x = np.where(x > high, 2 * high - x, x)
    return np.clip(x, low, high)


def _root(rest: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the symmetric root of the correlation matrix of residuals."""
    products = rest.T @ rest
    scale = np.sqrt(np.diag(products))
    scale = np.where(scale > 0, scale, 1)
    correlation = products / np.outer(scale, scale)
    np.fill_diagonal(correlation, 1)
    values, vectors = np.linalg.eigh(correlation)
    root: NDArray[np.float64] = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    return root
